#include "tests/sandbox/ups/checks.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace psups::ups_sandbox {

UpsError Missing(const std::string& field) {
  return {400, "20007", absl::StrCat("Missing required field: ", field)};
}

bool IsUsOrPr(const std::string& country) { return country == "US" || country == "PR"; }

bool IsDigits(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::optional<double> Measure(const std::string& text, std::size_t longest) {
  double value = 0;
  const bool plain = std::all_of(text.begin(), text.end(),
                                 [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
  if (text.empty() || text.size() > longest || !plain || !absl::SimpleAtod(text, &value) ||
      value <= 0)
    return std::nullopt;
  return value;
}

std::optional<absl::CivilDay> Day(const std::string& text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (text.size() != 8 || !IsDigits(text) || !absl::SimpleAtoi(text.substr(0, 4), &year) ||
      !absl::SimpleAtoi(text.substr(4, 2), &month) || !absl::SimpleAtoi(text.substr(6), &day))
    return std::nullopt;
  const absl::CivilDay civil(year, month, day);
  if (civil.month() != month || civil.day() != day) return std::nullopt;  // such as February 30
  return civil;
}

bool ZipFitsState(const std::string& zip, const std::string& state) {
  static const auto* const states = new std::map<char, std::set<std::string>>{
      {'0', {"CT", "MA", "ME", "NH", "NJ", "NY", "PR", "RI", "VI", "VT", "AE"}},
      {'1', {"DE", "NY", "PA"}},
      {'2', {"DC", "MD", "NC", "SC", "VA", "WV"}},
      {'3', {"AA", "AL", "FL", "GA", "MS", "TN"}},
      {'4', {"IN", "KY", "MI", "OH"}},
      {'5', {"DC", "IA", "MN", "MT", "ND", "SD", "WI"}},
      {'6', {"IL", "KS", "MO", "NE"}},
      {'7', {"AR", "LA", "OK", "TX"}},
      {'8', {"AZ", "CO", "ID", "NM", "NV", "TX", "UT", "WY"}},
      {'9', {"AK", "AP", "AS", "CA", "GU", "HI", "MP", "OR", "WA"}}};
  const auto found = states->find(zip[0]);
  return found != states->end() && found->second.count(state) != 0;
}

void MakeList(Json& body, const std::string& path) {
  const Json::json_pointer at(path);
  if (body.contains(at) && !body[at].is_array()) body[at] = Json::array({body[at]});
}

int PayersOf(const Json& charge) {
  int payers = 0;
  for (const char* payer :
       {"BillShipper", "BillReceiver", "BillThirdParty", "ConsigneeBilledIndicator"})
    payers += charge.is_object() && charge.contains(payer) ? 1 : 0;
  return payers;
}

const Json& ShipFromOrShipper(const Json& shipment) {
  const Json& from = At(shipment, {"ShipFrom"});
  return from.is_object() ? from : At(shipment, {"Shipper"});
}

}  // namespace psups::ups_sandbox
