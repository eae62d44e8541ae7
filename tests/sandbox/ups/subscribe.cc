#include "tests/sandbox/ups/subscribe.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "tests/sandbox/ups/tracking_number.h"

namespace psups::ups_sandbox {
namespace {

constexpr std::size_t kMostNumbers = 100;

bool IsTestNumber(const std::string& number) {
  return number == "1ZCIETST0111111114" || number == "1ZCIETST0422222228";
}

bool IsLocale(const std::string& text) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  return text.size() == 5 && lower(text[0]) && lower(text[1]) && text[2] == '_' && upper(text[3]) &&
         upper(text[4]);
}

HttpResponse NoneValid(const Json& invalid, const char* code, const std::string& message) {
  HttpResponse response = ToResponse(
      Json{{"invalidTrackingNumbers", invalid},
           {"response", {{"errors", Json::array({Json{{"code", code}, {"message", message}}})}}}});
  response.status = 400;
  return response;
}

HttpResponse Refuse(const char* code, const std::string& message) {
  return NoneValid(Json::array(), code, message);
}

}  // namespace

HttpResponse SubscribePackages(Parcels& parcels, AutoScan& auto_scan, bool cie,
                               const std::string& type, const HttpServerRequest& request) {
  if (type != "standard" && type != "enhanced")
    return Refuse("VSS930", "The subscription type is not valid");
  if (FindHeader(request.headers, "transId").empty())
    return Refuse("VSS002", "transId is required");
  if (FindHeader(request.headers, "transactionSrc").empty())
    return Refuse("VSS003", "transactionSrc is required");
  const std::string content_type(FindHeader(request.headers, "Content-Type"));
  if (!absl::StartsWithIgnoreCase(content_type, "application/json"))
    return Refuse("10007", "The content type is not supported");
  if (request.body.empty()) return Refuse("VSS004", "The request is empty");
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (!body.is_object()) return Refuse("VSS000", "The request is not valid");
  const std::string locale = TextAt(body, {"locale"});
  if (locale.empty()) return Refuse("VSS300", "Locale is required");
  if (!IsLocale(locale)) return Refuse("VSS310", "Locale is not valid");
  if (body.contains("countryCode")) {
    const std::string country = TextAt(body, {"countryCode"});
    if (country.size() != 2 || country[0] < 'A' || country[0] > 'Z' || country[1] < 'A' ||
        country[1] > 'Z')
      return Refuse("VSS400", "Country code is not valid");
  }
  std::set<std::string> preferences;
  if (body.contains("eventPreferences")) {
    static const auto* const known = new std::set<std::string>{"D", "I", "M", "X"};
    if (!body["eventPreferences"].is_array())
      return Refuse("VSS000", "eventPreferences is not valid");
    for (const Json& preference : body["eventPreferences"]) {
      if (!preference.is_string() || known->count(preference.get<std::string>()) == 0)
        return Refuse("VSS000", "eventPreferences is not valid");
      if (type == "enhanced") preferences.insert(preference.get<std::string>());
    }
  }
  const Json& list = At(body, {"trackingNumberList"});
  if (!list.is_array() || list.empty()) return Refuse("VSS200", "A tracking number is required");
  if (list.size() > kMostNumbers)
    return Refuse("VSS220", "At most 100 tracking numbers are allowed");

  std::vector<std::string> valid;
  Json invalid = Json::array();
  for (const Json& item : list) {
    const std::string number = item.is_string() ? item.get<std::string>() : item.dump();
    if (CanBeSubscribed(number)) {
      valid.push_back(number);
    } else {
      invalid.push_back(number);
    }
  }
  if (valid.empty()) return NoneValid(invalid, "VSS210", "No tracking number is valid");
  if (cie && !std::all_of(valid.begin(), valid.end(), IsTestNumber)) {
    return NoneValid(list, "VSS215", "The tracking number is not one of the test numbers");
  }
  parcels.Subscribe(valid, preferences);
  if (cie) {
    for (const std::string& number : valid) {
      parcels.AddLoose(number);
      auto_scan.Begin(number, {.interval = std::chrono::milliseconds(1000),
                               .script = {"MP", "OR", "DP", "OT", "FS"}});
    }
  }
  return ToResponse(Json{{"validTrackingNumbers", valid}, {"invalidTrackingNumbers", invalid}});
}

}  // namespace psups::ups_sandbox
