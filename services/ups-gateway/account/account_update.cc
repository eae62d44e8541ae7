#include "services/ups-gateway/account/account_update.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "google/protobuf/util/field_mask_util.h"
#include "services/ups-gateway/account/account.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;
using google::protobuf::util::FieldMaskUtil;

absl::Status Refuse(const std::string& came, const std::string& wanted) {
  return absl::InvalidArgumentError(absl::StrCat("update_mask: ", came, ", want ", wanted));
}

// The credential, its host and what it pays for: labels, tokens and doubts belong to them.
const std::set<std::string>& FixedFields() {
  static const auto* const fields =
      new std::set<std::string>{"environment", "base_url", "client_id", "shipper_number"};
  return *fields;
}

const std::set<std::string>& OutputFields() {
  static const auto* const fields =
      new std::set<std::string>{"name",        "credential_refused", "last_error",    "stopped",
                                "stop_reason", "stop_time",          "searches_first"};
  return *fields;
}

}  // namespace

absl::Status CheckUpdateMask(const google::protobuf::FieldMask& mask) {
  if (mask.paths().empty()) return Refuse("empty", "the fields to change, such as caps");
  for (const std::string& path : mask.paths()) {
    const std::string quoted = absl::StrCat("\"", path.substr(0, 100), "\"");
    // Protobuf reads "." and ".caps" as well, and takes them for something else than we would.
    const bool has_gap =
        path.empty() || path.front() == '.' || path.back() == '.' || path.find("..") != path.npos;
    if (has_gap || !FieldMaskUtil::IsValidPath<pb::Account>(path)) {
      return Refuse(quoted, "a field of an account, such as caps");
    }
    const std::string field = path.substr(0, path.find('.'));
    if (FixedFields().contains(field)) {
      return Refuse(quoted, "a field that can be changed; make another account for this one");
    }
    if (OutputFields().contains(field)) {
      return Refuse(quoted, "a field that can be changed; this one is output only");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::Account> UpdatedAccount(const pb::Account& stored, const pb::Account& asked,
                                           const google::protobuf::FieldMask& mask) {
  RETURN_IF_ERROR(CheckUpdateMask(mask));
  FieldMaskUtil::MergeOptions replace;
  replace.set_replace_message_fields(true);
  replace.set_replace_repeated_fields(true);
  pb::Account updated = stored;
  FieldMaskUtil::MergeMessageTo(asked, mask, replace, &updated);
  ClearOutputFields(updated);
  RETURN_IF_ERROR(CheckSettings(updated));
  return updated;
}

}  // namespace psups::ups_gateway
