#include "services/shipment-builder/connections.h"

#include <algorithm>
#include <utility>

namespace psups::shipment_builder {
namespace {

constexpr absl::Duration kStateLasts = absl::Seconds(60);

}  // namespace

bool Connections::Fresh() const {
  return reported_.has_value() && uptime_() - *reported_ < kStateLasts;
}

Connections::Standing Connections::Of(const std::string& connection_id) const {
  std::lock_guard lock(mutex_);
  const auto entry = entries_.find(connection_id);
  if (!Fresh() || entry == entries_.end()) return {};
  return {.known = true,
          .buys = entry->second.active && !entry->second.refused,
          .account = entry->second.account,
          .account_country = entry->second.account_country};
}

std::vector<std::string> Connections::Buying() const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  if (!Fresh()) return ids;
  for (const auto& [id, entry] : entries_) {
    if (entry.active && !entry.refused) ids.push_back(id);
  }
  return ids;
}

void Connections::Report(const orders::v1::LeaseOrdersResponse& response,
                         const std::vector<std::string>& refused, absl::Duration asked,
                         const std::map<std::string, std::string>& countries) {
  std::map<std::string, Entry> entries;
  for (const auto& state : response.connections()) {
    const std::string id = state.connection().substr(state.connection().find('/') + 1);
    const auto country = countries.find(state.ups_account());
    entries[id] = {.active = state.state() == orders::v1::Connection::ACTIVE,
                   .refused = std::find(refused.begin(), refused.end(), id) != refused.end(),
                   .account = state.ups_account(),
                   .account_country = country == countries.end() ? "" : country->second};
  }
  std::lock_guard lock(mutex_);
  entries_ = std::move(entries);
  reported_ = asked;
}

}  // namespace psups::shipment_builder
