#include "services/ups-gateway/account/account_errors.h"

#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/ups-gateway/wire/error_catalogue.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

Operation OperationNamed(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(Operation::kProbe); ++i) {
    if (NameOf(static_cast<Operation>(i)) == name) return static_cast<Operation>(i);
  }
  return Operation::kProbe;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
}

}  // namespace

pb::AccountError ToProto(const MetError& error) {
  const CatalogueEntry entry =
      Look(OperationNamed(error.operation), error.ups_code, error.http_status);
  pb::AccountError proto;
  proto.set_operation(error.operation);
  proto.set_ups_code(error.ups_code);
  proto.set_http_status(error.http_status);
  proto.set_action(std::string(NameOf(entry.action)));
  proto.set_clerk_message(std::string(entry.sentence));
  proto.set_count(error.count);
  SetTime(error.first_time, proto.mutable_first_time());
  SetTime(error.last_time, proto.mutable_last_time());
  return proto;
}

std::string ErrorPageToken(const MetError& last) {
  return absl::StrCat(absl::ToUnixMicros(last.last_time), "/", last.operation, "/", last.ups_code,
                      "/", last.http_status);
}

absl::StatusOr<std::optional<MetError>> ParseErrorPageToken(std::string_view token) {
  if (token.empty()) return std::nullopt;
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(token.data(), token.size()), '/');
  MetError last;
  int64_t micros = 0;
  if (parts.size() != 4 || !absl::SimpleAtoi(parts[0], &micros) ||
      !absl::SimpleAtoi(parts[3], &last.http_status)) {
    return absl::InvalidArgumentError("page_token: none of ours, want next_page_token as it came");
  }
  last.last_time = absl::FromUnixMicros(micros);
  last.operation = parts[1];
  last.ups_code = parts[2];
  return last;
}

}  // namespace psups::ups_gateway
