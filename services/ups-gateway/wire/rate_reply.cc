#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/time/civil_time.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/reply_values.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

using Quote = pb::QuoteRatesResponse::Quote;

constexpr int kMostDays = 365;

// UPS's codes have two characters; some of its papers write three, as 003. Empty if it is none.
std::string ReadServiceCode(const Json& rated) {
  std::string code = Text(At(rated, "Service"), "Code");
  if (code.size() == 3 && code[0] == '0') code.erase(0, 1);
  return code.size() == 2 && AllAlphanumeric(code) ? code : "";
}

// A price of nothing is none: nobody shall choose a service for it.
std::optional<type::v1::Money> ReadPrice(const Json& json) {
  std::optional<type::v1::Money> price = ReadMoney(json);
  if (price && price->amount_minor() <= 0) price.reset();
  return price;
}

int ReadDays(const Json& json) {
  int days = 0;
  const bool is_number = absl::SimpleAtoi(Text(json, "BusinessDaysInTransit"), &days);
  return is_number && days > 0 && days <= kMostDays ? days : 0;
}

// When it arrives, as far as UPS says.
void ReadArrival(const Json& rated, Quote& quote) {
  const Json& arrival = At(At(At(rated, "TimeInTransit"), "ServiceSummary"), "EstimatedArrival");
  absl::CivilDay day;
  if (CheckDay(Text(At(arrival, "Arrival"), "Date"), "Date", day).ok()) {
    quote.set_delivery_date(absl::FormatCivilTime(day));
  }
  quote.set_business_days(ReadDays(arrival));
  if (quote.business_days() == 0)
    quote.set_business_days(ReadDays(At(rated, "GuaranteedDelivery")));
}

std::optional<Quote> ReadQuote(const Json& rated) {
  Quote quote;
  quote.set_service_code(ReadServiceCode(rated));
  std::optional<type::v1::Money> charges = ReadPrice(At(rated, "TotalCharges"));
  if (quote.service_code().empty() || !charges) return std::nullopt;
  *quote.mutable_charges() = *std::move(charges);
  if (auto negotiated = ReadPrice(At(At(rated, "NegotiatedRateCharges"), "TotalCharge"))) {
    *quote.mutable_negotiated_charges() = *std::move(negotiated);
  }
  ReadArrival(rated, quote);
  return quote;
}

int64_t OwnPrice(const Quote& quote) {
  return quote.has_negotiated_charges() ? quote.negotiated_charges().amount_minor()
                                        : quote.charges().amount_minor();
}

}  // namespace

absl::StatusOr<pb::QuoteRatesResponse> ParseRateReply(std::string_view body) {
  const Json json = ParseJson(body);
  const Json& reply = At(json, "RateResponse");
  if (!Present(reply, "RatedShipment")) return Unreadable("a rate request");
  std::vector<std::string> alerts = ReadAlerts(At(reply, "Response"), "Alert");
  const std::vector<const Json*> rated = Many(reply, "RatedShipment");
  std::vector<Quote> quotes;
  for (const Json* shipment : rated) {
    for (std::string& alert : ReadAlerts(*shipment, "RatedShipmentAlert")) {
      alerts.push_back(std::move(alert));
    }
    if (std::optional<Quote> quote = ReadQuote(*shipment)) quotes.push_back(*std::move(quote));
  }
  if (quotes.empty() && !rated.empty()) return Unreadable("a rate request");
  std::stable_sort(quotes.begin(), quotes.end(),
                   [](const Quote& a, const Quote& b) { return OwnPrice(a) < OwnPrice(b); });
  pb::QuoteRatesResponse response;
  for (Quote& quote : quotes) *response.add_quotes() = std::move(quote);
  std::set<std::string> seen;  // UPS repeats some for each service
  for (std::string& alert : alerts) {
    if (seen.insert(alert).second) response.add_alerts(std::move(alert));
  }
  return response;
}

}  // namespace psups::ups_gateway
