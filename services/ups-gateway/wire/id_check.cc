#include "services/ups-gateway/wire/id_check.h"

#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/ups-gateway/wire/field_check.h"

namespace psups::ups_gateway {
namespace {

bool IsResourceId(std::string_view text) {
  for (const char c : text) {
    const bool ok = absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                    c == '.' || c == '~';
    if (!ok) return false;
  }
  return !text.empty();
}

}  // namespace

absl::Status CheckRequestId(std::string_view request_id, std::string_view kind) {
  const std::vector<std::string> parts =
      absl::StrSplit(absl::string_view(request_id.data(), request_id.size()), '/');
  if (request_id.size() <= 200 && parts.size() == 4 && parts[0] == "shipments" &&
      IsResourceId(parts[1]) && parts[2] == kind && AllDigits(parts[3])) {
    return absl::OkStatus();
  }
  return Refuse("request_id", Quoted(request_id.substr(0, 200)),
                absl::StrCat("shipments/{id}/", std::string(kind), "/{n}"));
}

absl::Status CheckConnection(std::string_view connection) {
  constexpr std::string_view kPrefix = "connections/";
  if (connection.empty() ||
      (connection.size() <= 100 && connection.substr(0, kPrefix.size()) == kPrefix &&
       IsResourceId(connection.substr(kPrefix.size())))) {
    return absl::OkStatus();
  }
  return Refuse("connection", Quoted(connection.substr(0, 100)), "connections/{connection_id}");
}

absl::Status CheckTrackingNumber(std::string_view number, std::string_view field) {
  if (number.size() >= 7 && number.size() <= 34 && AllAlphanumeric(number)) return absl::OkStatus();
  return Refuse(field, Quoted(number.substr(0, 40)), "7 to 34 letters and digits");
}

absl::Status CheckLabelNumber(std::string_view number, std::string_view field) {
  bool ok = number.size() == 18 && AllAlphanumeric(number);
  for (const char c : number) ok &= !absl::ascii_islower(static_cast<unsigned char>(c));
  if (ok) return absl::OkStatus();
  return Refuse(field, Quoted(number.substr(0, 40)), "18 capital letters and digits");
}

}  // namespace psups::ups_gateway
