#include "services/shipment-builder/terms.h"

#include <algorithm>
#include <cstdlib>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "common/crypto.h"
#include "common/currency.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using Amount = type::v1::Money;

constexpr std::size_t kMostDescription = 50;
constexpr std::size_t kMostLineDescription = 105;
constexpr int kMostInvoiceLines = 50;
constexpr int64_t kMostUnits = 9'999'999;
constexpr std::size_t kMostReference = 35;
// Beyond this a value is a typing error, and UPS takes no such number.
constexpr int64_t kMostMinor = 9'999'999'999;

// The first `most` characters, not bytes.
std::string Shortened(const std::string& text, std::size_t most) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;
    if (characters++ == most) return text.substr(0, i);
  }
  return text;
}

std::string Place(const Schedule& schedule) {
  return absl::StrCat("line ", schedule.line_number(), ", schedule ", schedule.schedule_number());
}

// Price times quantity in the currency's smallest unit, rounded up; nullopt: no price is kept.
std::optional<int64_t> ValueMinor(const Schedule& schedule, const Decimal& quantity) {
  const auto price = Decimal::Parse(schedule.unit_price());
  if (!price.ok() || *price <= Decimal(0) || schedule.currency_code().empty()) return std::nullopt;
  const Decimal most(kMostMinor);
  if (*price > most || quantity > most) return kMostMinor;
  const Decimal unit(MinorDigits(schedule.currency_code()) == 0 ? 1 : 100);
  const Decimal value = *price * quantity;
  return value > most ? kMostMinor : std::min(kMostMinor, (value * unit).Ceil());
}

psups::ups::v1::Reference ReferenceFor(const Order& order, const Rules& rules) {
  using Reference = shipments::v1::Rules::PackageReference;
  const Reference& rule = rules.text().reference();
  const auto& document = order.document();
  const bool requisition = document.document_type() == type::v1::REQUISITION;
  psups::ups::v1::Reference result;
  if (requisition) {
    result.set_code(rule.requisition_code().empty() ? "RQ" : rule.requisition_code());
  } else {
    result.set_code(rule.purchase_order_code().empty() ? "PO" : rule.purchase_order_code());
  }
  std::string value = absl::StrCat(document.business_unit(), " ", document.document_id());
  if (rule.source() == Reference::DOCUMENT) value = document.document_id();
  if (rule.source() == Reference::DOCUMENT_REFERENCE && !order.document_reference().empty()) {
    value = order.document_reference();
  }
  result.set_value(Shortened(value, kMostReference));
  return result;
}

const Schedule* In(const Group& group, const Content& content) {
  for (const Schedule* schedule : group.schedules) {
    if (schedule->line_number() == content.line &&
        schedule->schedule_number() == content.schedule) {
      return schedule;
    }
  }
  return nullptr;
}

// What customs want and nobody says.
struct Missing {
  std::vector<std::string> what = {};

  void Want(bool there, const std::string& name) {
    if (!there) what.push_back(name);
  }
};

bool HasOneCurrency(const Group& group) {
  std::set<std::string> currencies;
  for (const Schedule* schedule : group.schedules) currencies.insert(schedule->currency_code());
  return currencies.size() == 1;
}

// Insured values by package. Goods without a price are insured for nothing.
void SetDeclaredValues(const Group& group, const std::vector<Package>& packages, int percent,
                       Terms& terms, Missing& missing) {
  if (percent <= 0) return;
  missing.Want(HasOneCurrency(group), "one currency for all lines");
  for (const Package& package : packages) {
    Amount& value = *terms.add_declared_values();
    int64_t minor = 0;
    for (const Content& content : package.contents) {
      const Schedule* const schedule = In(group, content);
      if (schedule == nullptr) continue;
      minor += ValueMinor(*schedule, content.quantity).value_or(0);
      if (value.currency_code().empty()) value.set_currency_code(schedule->currency_code());
    }
    value.set_amount_minor((minor * percent + 99) / 100);
  }
}

void AddInvoiceLine(const Schedule& schedule, const Share& share, const Rules& rules,
                    psups::ups::v1::Customs& customs, Missing& missing) {
  const auto& usual = rules.text().international();
  const auto* const item = rules.ItemOf(schedule);
  psups::ups::v1::CustomsLine& line = *customs.add_lines();
  line.set_description(Shortened(schedule.description(), kMostLineDescription));
  missing.Want(!line.description().empty(), "the description of " + Place(schedule));
  const int64_t units = share.quantity.Ceil();
  missing.Want(Decimal(units) == share.quantity && units <= kMostUnits,
               "a whole quantity of " + Place(schedule));
  line.set_quantity(static_cast<int32_t>(std::min(units, kMostUnits)));
  line.set_unit_code(usual.unit_code().empty() ? "PCS" : usual.unit_code());
  const auto price = Decimal::Parse(schedule.unit_price());
  const bool priced = price.ok() && *price > Decimal(0);
  missing.Want(priced, "the price of " + Place(schedule));
  if (priced) line.set_unit_value(price->RoundUp(6).ToString());
  const auto first = [](std::initializer_list<std::string> texts) {
    for (const std::string& text : texts) {
      if (!text.empty()) return text;
    }
    return std::string();
  };
  line.set_origin_country_code(
      absl::AsciiStrToUpper(first({item == nullptr ? "" : item->origin_country_code(),
                                   schedule.origin_country_code(), usual.origin_country_code()})));
  missing.Want(line.origin_country_code().size() == 2,
               "the country of origin of " + Place(schedule));
  // UPS takes letters and digits.
  line.set_commodity_code(absl::StrReplaceAll(
      first({item == nullptr ? "" : item->harmonized_code(), schedule.harmonized_code()}),
      {{".", ""}, {" ", ""}, {"-", ""}}));
  missing.Want(line.commodity_code().size() >= 6, "HARMONIZED_CD of " + Place(schedule));
  if (schedule.item_id().size() <= 10) line.set_part_number(schedule.item_id());
}

void SetCustoms(const Order& order, const Group& group, const Rules& rules, Terms& terms,
                Missing& missing) {
  const auto& usual = rules.text().international();
  psups::ups::v1::Customs& customs = *terms.mutable_customs();
  customs.set_invoice_number(
      Shortened(absl::StrCat(order.document().business_unit(), " ", order.document().document_id()),
                kMostReference));
  customs.set_invoice_date(absl::StrReplaceAll(order.document_date(), {{"-", ""}}));
  missing.Want(customs.invoice_date().size() == 8, "the document's date");
  customs.set_reason_for_export(usual.reason_for_export().empty() ? "SALE"
                                                                  : usual.reason_for_export());
  customs.set_terms_of_shipment(usual.terms_of_shipment());
  std::set<std::string> currencies;
  for (std::size_t i = 0; i < group.schedules.size(); ++i) {
    const Schedule& schedule = *group.schedules[i];
    AddInvoiceLine(schedule, group.shares[i], rules, customs, missing);
    currencies.insert(schedule.currency_code());
  }
  missing.Want(customs.lines_size() <= kMostInvoiceLines, "fewer than 51 lines on one invoice");
  missing.Want(currencies.size() == 1 && currencies.begin()->size() == 3,
               "one currency for all lines");
  customs.set_currency_code(*currencies.begin());
}

void SetInvoiceTotal(const Group& group, Terms& terms, Missing& missing) {
  missing.Want(HasOneCurrency(group), "one currency for all lines");
  int64_t minor = 0;
  std::string currency;
  for (std::size_t i = 0; i < group.schedules.size(); ++i) {
    const Schedule& schedule = *group.schedules[i];
    const auto value = ValueMinor(schedule, group.shares[i].quantity);
    missing.Want(value.has_value(), "the price of " + Place(schedule));
    minor += value.value_or(0);
    if (currency.empty()) currency = schedule.currency_code();
  }
  // UPS wants whole units.
  const int64_t unit = MinorDigits(currency) == 0 ? 1 : 100;
  terms.mutable_invoice_total()->set_amount_minor((minor + unit - 1) / unit * unit);
  terms.mutable_invoice_total()->set_currency_code(currency);
}

std::string Text(const Amount& money) {
  return absl::StrCat(money.amount_minor(), money.currency_code());
}

}  // namespace

bool Lane::domestic() const {
  const auto home = [](const std::string& code) { return code == "US" || code == "PR"; };
  return home(from) && home(to);
}

Lane LaneOf(const type::v1::Address& from, const type::v1::Address& to) {
  const auto code = [](const type::v1::Address& address) {
    return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(address.country_code()));
  };
  return {.from = code(from), .to = code(to)};
}

bool IsOnLane(const std::string& service_code, const Lane& lane) {
  static const std::set<std::string> kDomestic = {"01", "02", "03", "12", "13", "14", "59"};
  return (kDomestic.count(service_code) > 0) == lane.domestic();
}

std::variant<Terms, ReviewDraft> TermsFor(const Order& order, const Group& group,
                                          const std::vector<Package>& packages, const Lane& lane,
                                          const Rules& rules) {
  const Schedule& first = *group.schedules.front();
  Terms terms;
  const auto payment = rules.PaymentFor(first);
  if (!payment.has_value()) {
    return ReviewDraft{
        .reason = Reason::kFreightTermsUnmapped,
        .message = absl::StrCat("No rule says who pays under freight terms \"",
                                first.freight_terms(), "\" of ", Place(first),
                                ". Change FREIGHT_TERMS in PeopleSoft, or have the rules say it "
                                "(psupsctl mapping), then retry.")};
  }
  if (payment->payer() == psups::ups::v1::Payment::RECEIVER ||
      payment->payer() == psups::ups::v1::Payment::THIRD_PARTY) {
    *terms.mutable_payment() = *payment;
  }
  *terms.mutable_reference() = ReferenceFor(order, rules);
  terms.set_label_format(rules.text().label_format().empty() ? "ZPL" : rules.text().label_format());
  terms.set_label_height_in(rules.text().label_height_in());
  terms.set_signature(rules.text().signature());
  terms.set_saturday_delivery(rules.text().saturday_delivery());
  terms.set_description(rules.text().description());
  Missing missing;
  SetDeclaredValues(group, packages, rules.text().declared_value_percent(), terms, missing);
  if (lane.wants_contact() && terms.description().empty()) {
    terms.set_description(Shortened(first.description(), kMostDescription));
    missing.Want(!terms.description().empty(), "the description of " + Place(first));
  }
  if (lane.wants_customs()) SetCustoms(order, group, rules, terms, missing);
  if (lane.wants_value()) SetInvoiceTotal(group, terms, missing);
  if (missing.what.empty()) return terms;
  return ReviewDraft{
      .reason = Reason::kCustomsDataMissing,
      .message = absl::StrCat(
          "Customs want what the order does not say: ", absl::StrJoin(missing.what, "; "),
          ". Enter it in PeopleSoft or in the rules (psupsctl mapping), then "
          "retry.")};
}

std::string TermsText(const Terms& terms) {
  std::vector<std::string> texts;
  const auto add = [&](std::string_view name, std::string text) {
    texts.push_back(JoinUnambiguously({name, text}));
  };
  if (terms.has_payment()) {
    const auto& payment = terms.payment();
    add("payment", JoinUnambiguously({absl::StrCat(static_cast<int>(payment.payer())),
                                      payment.account_number(), payment.postal_code(),
                                      payment.country_code()}));
  }
  if (!terms.description().empty()) add("description", terms.description());
  if (terms.label_format() != "ZPL") add("label", terms.label_format());
  if (terms.label_height_in() != 0) add("height", absl::StrCat(terms.label_height_in()));
  if (terms.signature() != 0) add("signature", absl::StrCat(static_cast<int>(terms.signature())));
  if (terms.saturday_delivery()) add("saturday", "yes");
  for (const Amount& value : terms.declared_values()) add("declared", Text(value));
  if (terms.has_invoice_total()) add("total", Text(terms.invoice_total()));
  if (terms.has_customs()) {
    const auto& customs = terms.customs();
    add("customs", JoinUnambiguously({customs.invoice_number(), customs.invoice_date(),
                                      customs.reason_for_export(), customs.terms_of_shipment(),
                                      customs.currency_code()}));
    for (const auto& line : customs.lines()) {
      add("line",
          JoinUnambiguously({line.description(), absl::StrCat(line.quantity()), line.unit_code(),
                             line.unit_value(), line.origin_country_code(), line.commodity_code(),
                             line.part_number()}));
    }
  }
  return absl::StrJoin(texts, "");
}

}  // namespace psups::shipment_builder
