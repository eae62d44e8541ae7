#include "services/ups-gateway/wire/customs_check.h"

#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/address_check.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kMostLines = 50;
constexpr int kMostQuantity = 9'999'999;
constexpr std::size_t kMostValueCharacters = 19;
constexpr int64_t kMostInvoiceTotal = 99'999'999;
constexpr std::string_view kTerms = " CFR CIF CIP CPT DAF DDP DAP DEQ DES EXW FAS FCA FOB ";

absl::Status CheckLine(const pb::CustomsLine& line, const std::string& at) {
  RETURN_IF_ERROR(CheckText(line.description(), 1, 105, at + ".description"));
  if (line.quantity() < 1 || line.quantity() > kMostQuantity) {
    return Refuse(at + ".quantity", absl::StrCat(line.quantity()), "1 to 9999999");
  }
  RETURN_IF_ERROR(CheckText(line.unit_code(), 1, 3, at + ".unit_code"));
  const absl::StatusOr<Decimal> value = Decimal::Parse(line.unit_value());
  if (!value.ok() || *value <= Decimal(0) || value->RoundUp(6) != *value ||
      value->ToString().size() > kMostValueCharacters) {
    return Refuse(at + ".unit_value", Quoted(line.unit_value().substr(0, 40)),
                  "a decimal greater than 0 with at most six places and 19 characters");
  }
  RETURN_IF_ERROR(CheckCountryCode(line.origin_country_code(), at + ".origin_country_code"));
  const std::string& commodity = line.commodity_code();
  if (!commodity.empty() &&
      (commodity.size() < 6 || commodity.size() > 15 || !AllAlphanumeric(commodity))) {
    return Refuse(at + ".commodity_code", Quoted(commodity.substr(0, 40)),
                  "6 to 15 letters and digits");
  }
  return CheckText(line.part_number(), 0, 10, at + ".part_number");
}

absl::Status CheckSoldTo(const pb::ShipmentSpec& shipment) {
  if (!shipment.customs().has_sold_to()) return absl::OkStatus();  // ship_to, with its contact
  const type::v1::Address& sold_to = shipment.customs().sold_to();
  RETURN_IF_ERROR(CheckParty(sold_to, "shipment.customs.sold_to"));
  RETURN_IF_ERROR(CheckText(sold_to.attention_name(), 1, 35,  //
                            "shipment.customs.sold_to.attention_name"));
  if (sold_to.country_code() != shipment.ship_to().country_code()) {
    return Refuse("shipment.customs.sold_to.country_code", "another country",
                  "the country of ship_to");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckCustoms(const pb::ShipmentSpec& shipment) {
  if (shipment.has_customs() != WantsCustoms(shipment)) {
    return Refuse("shipment.customs", shipment.has_customs() ? "an invoice" : "none",
                  "an invoice where the countries differ, other than between the US and Puerto "
                  "Rico, and none elsewhere");
  }
  if (!shipment.has_customs()) return absl::OkStatus();
  const pb::Customs& customs = shipment.customs();
  const std::string at = "shipment.customs";
  RETURN_IF_ERROR(CheckText(customs.invoice_number(), 1, 35, at + ".invoice_number"));
  absl::CivilDay day;
  RETURN_IF_ERROR(CheckDay(customs.invoice_date(), at + ".invoice_date", day));
  RETURN_IF_ERROR(CheckText(customs.reason_for_export(), 1, 20, at + ".reason_for_export"));
  RETURN_IF_ERROR(CheckCurrency(customs.currency_code(), at + ".currency_code"));
  if (!customs.terms_of_shipment().empty() && !Contains(kTerms, customs.terms_of_shipment())) {
    return Refuse(at + ".terms_of_shipment", Quoted(customs.terms_of_shipment().substr(0, 20)),
                  "a term of UPS's, such as DAP");
  }
  if (customs.lines().empty() || customs.lines_size() > kMostLines) {
    return Refuse(at + ".lines", absl::StrCat(customs.lines_size()), "1 to 50");
  }
  for (int i = 0; i < customs.lines_size(); ++i) {
    RETURN_IF_ERROR(CheckLine(customs.lines(i), absl::StrCat(at, ".lines[", i, "]")));
  }
  return CheckSoldTo(shipment);
}

absl::Status CheckInvoiceTotal(const pb::ShipmentSpec& shipment) {
  if (!WantsInvoiceTotal(shipment)) return absl::OkStatus();
  const type::v1::Money& total = shipment.invoice_total();
  RETURN_IF_ERROR(CheckCurrency(total.currency_code(), "shipment.invoice_total.currency_code"));
  const int64_t unit = MinorDigits(total.currency_code()) == 0 ? 1 : 100;
  if (total.amount_minor() < unit || total.amount_minor() > kMostInvoiceTotal * unit ||
      total.amount_minor() % unit != 0) {
    return Refuse("shipment.invoice_total.amount_minor", absl::StrCat(total.amount_minor()),
                  "whole units of the currency, 1 to 99999999");
  }
  return absl::OkStatus();
}

}  // namespace psups::ups_gateway
