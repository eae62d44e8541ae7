#include "services/shipment-builder/rule_book.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace psups::shipment_builder {

absl::StatusOr<int> RuleBook::Refresh() {
  std::map<std::string, int64_t> known;
  {
    std::lock_guard lock(mutex_);
    for (const auto& [connection, book] : books_) known[connection] = book.newest().version();
  }
  ASSIGN_OR_RETURN(const std::vector<MappingRecord> news, store_.NewMappings(known));
  std::lock_guard lock(mutex_);
  for (const MappingRecord& one : news) {
    books_[one.connection_id].Add(std::make_shared<const Rules>(one.rules, one.version));
  }
  return static_cast<int>(news.size());
}

RuleHistory RuleBook::Of(const std::string& connection_id) const {
  std::lock_guard lock(mutex_);
  const auto found = books_.find(connection_id);
  return found == books_.end() ? RuleHistory() : found->second;
}

absl::Status RuleBook::EnsureKnown(const std::string& connection_id, int64_t version) {
  if (Of(connection_id).newest().version() >= version) return absl::OkStatus();
  return Refresh().status();
}

absl::StatusOr<RuleHistory> RuleBook::At(const std::string& connection_id, int64_t version) const {
  RuleHistory history = Of(connection_id);
  if (history.newest().version() >= version) {
    // A version that was set after the caller's transaction began is not its affair.
    history.DropAfter(version);
    return history;
  }
  return absl::AbortedError(absl::StrCat("connections/", connection_id, ": version ", version,
                                         " of its rules was not read yet"));
}

}  // namespace psups::shipment_builder
