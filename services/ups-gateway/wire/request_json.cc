#include "services/ups-gateway/wire/request_json.h"

#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kLabelAgent[] = "Mozilla/4.5";  // what UPS wants beside a GIF

}  // namespace

std::string Version(const pb::Account& account, const char* api) {
  const auto found = account.api_versions().find(api);
  return found == account.api_versions().end() ? "" : found->second;
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json LabelSpecification(std::string_view label_format, int height_in) {
  const std::string format = LabelFormatAsked(label_format);
  Json json = {{"LabelImageFormat", {{"Code", format}}},
               {"LabelStockSize", {{"Height", height_in == 8 ? "8" : "6"}, {"Width", "4"}}}};
  if (format == "GIF") json["HTTPUserAgent"] = kLabelAgent;
  return json;
}

}  // namespace psups::ups_gateway
