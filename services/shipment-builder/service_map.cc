#include "services/shipment-builder/service_map.h"

#include <map>

#include "absl/strings/ascii.h"

namespace psups::shipment_builder {

std::optional<std::string> ServiceFor(const std::string& ship_type_id) {
  static const std::map<std::string, std::string> kServices = {
      {"", "03"}, {"GROUND", "03"}, {"3DAY", "12"}, {"2DAY", "02"}, {"1DAY", "01"}};
  const auto found =
      kServices.find(absl::AsciiStrToUpper(absl::StripAsciiWhitespace(ship_type_id)));
  if (found == kServices.end()) return std::nullopt;
  return found->second;
}

}  // namespace psups::shipment_builder
