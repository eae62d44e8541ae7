#include "services/ps-ingest/passwords.h"

#include <utility>

#include "common/status_macros.h"
#include "services/ps-ingest/names.h"

namespace psups::ps_ingest {

absl::StatusOr<std::string> Passwords::For(const orders::v1::Connection& connection) {
  std::lock_guard lock(mutex_);
  const auto found = opened_.find(connection.name());
  if (found != opened_.end() && found->second.version == connection.version()) {
    return found->second.password;
  }
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(connection.name()));
  ASSIGN_OR_RETURN(std::string password, store_.OpenPassword(id));
  opened_.insert_or_assign(connection.name(), Opened{connection.version(), password});
  return password;
}

}  // namespace psups::ps_ingest
