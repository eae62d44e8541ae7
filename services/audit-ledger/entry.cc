#include "services/audit-ledger/entry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/status_macros.h"
#include "nlohmann/json.hpp"
#include "services/audit-ledger/merkle.h"

namespace psups::audit_ledger {
namespace {

using nlohmann::json;

// The text of a field that must be there, of `least` to `most` bytes, without NUL: PostgreSQL's
// text holds none.
absl::StatusOr<std::string> Field(const json& object, const char* name, std::size_t least,
                                  std::size_t most) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": missing, want a string"));
  }
  const std::string& text = found->get_ref<const std::string&>();
  if (text.size() < least || text.size() > most) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": ", text.size(), " bytes, want ", least, " to ", most));
  }
  if (text.find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": holds a NUL character"));
  }
  return text;
}

bool IsTraceId(const std::string& text) {
  return text.empty() || (text.size() == 32 && std::all_of(text.begin(), text.end(), [](char c) {
                            return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
                          }));
}

}  // namespace

absl::StatusOr<Leaf> MakeLeaf(std::string event_id, std::string entry, std::string_view service) {
  if (event_id.empty() || event_id.size() > 64) {
    return absl::InvalidArgumentError(
        absl::StrCat("event_id: ", event_id.size(), " bytes, want 1 to 64"));
  }
  if (entry.size() > kMostEntryBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("entry: ", entry.size(), " bytes, want at most ", kMostEntryBytes));
  }
  const json object = json::parse(entry, /*cb=*/nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) {
    return absl::InvalidArgumentError("entry: not a JSON object in UTF-8");
  }
  ASSIGN_OR_RETURN(const std::string own_id, Field(object, "event_id", 1, 64));
  if (own_id != event_id) {
    return absl::InvalidArgumentError("entry's event_id: not the one it is sent under");
  }
  ASSIGN_OR_RETURN(const std::string time, Field(object, "time", 1, 64));
  if (absl::Time parsed; !absl::ParseTime(absl::RFC3339_full, time, &parsed, nullptr)) {
    return absl::InvalidArgumentError("time: not a time of RFC 3339");
  }
  ASSIGN_OR_RETURN(const std::string own_service, Field(object, "service", 1, 64));
  if (own_service != service) {
    return absl::InvalidArgumentError(absl::StrCat("service: \"", own_service, "\", want \"",
                                                   std::string(service),
                                                   "\", as in the caller's certificate"));
  }
  RETURN_IF_ERROR(Field(object, "actor", 1, 256).status());
  Leaf leaf;
  ASSIGN_OR_RETURN(leaf.subject, Field(object, "subject", 1, 256));
  ASSIGN_OR_RETURN(leaf.action, Field(object, "action", 1, 64));
  ASSIGN_OR_RETURN(leaf.trace_id, Field(object, "trace_id", 0, 32));
  if (!IsTraceId(leaf.trace_id)) {
    return absl::InvalidArgumentError("trace_id: want 32 hex digits in lower case, or \"\"");
  }
  leaf.event_id = std::move(event_id);
  leaf.leaf_hash = LeafHash(entry);
  leaf.entry = std::move(entry);
  return leaf;
}

}  // namespace psups::audit_ledger
