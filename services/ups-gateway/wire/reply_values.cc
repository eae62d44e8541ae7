#include "services/ups-gateway/wire/reply_values.h"

#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {

absl::Status Unreadable(std::string_view what) {
  return absl::DataLossError(
      absl::StrCat("UPS's answer to ", std::string(what), " cannot be read"));
}

std::optional<type::v1::Money> ReadMoney(const Json& json) {
  const std::string currency = Text(json, "CurrencyCode");
  const absl::StatusOr<Decimal> value = Decimal::Parse(Text(json, "MonetaryValue"));
  if (!value.ok() || currency.empty()) return std::nullopt;
  const Decimal scale(MinorDigits(currency) == 0 ? 1 : 100);
  type::v1::Money money;
  money.set_amount_minor((*value * scale).Ceil());
  money.set_currency_code(currency);
  return money;
}

std::vector<std::string> ReadAlerts(const Json& object, std::string_view key) {
  std::vector<std::string> alerts;
  for (const Json* alert : Many(object, key)) {
    alerts.push_back(absl::StrCat(Text(*alert, "Code"), ": ", Text(*alert, "Description")));
  }
  return alerts;
}

}  // namespace psups::ups_gateway
