#include "services/shipment-builder/choice.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/currency.h"

namespace psups::shipment_builder {
namespace {

using Quote = psups::ups::v1::QuoteRatesResponse::Quote;

Money PriceOf(const Quote& quote) {
  const auto& price = quote.has_negotiated_charges() ? quote.negotiated_charges() : quote.charges();
  return {.amount_minor = price.amount_minor(), .currency_code = price.currency_code()};
}

std::string Text(const Money& money) {
  if (MinorDigits(money.currency_code) == 0) {
    return absl::StrCat(money.amount_minor, " ", money.currency_code);
  }
  return absl::StrFormat("%d.%02d %s", money.amount_minor / 100, money.amount_minor % 100,
                         money.currency_code);
}

// Among several services the rules choose.
bool RulesChoose(const Shipment& shipment, const Rules& rules) {
  return !rules.text().choice().service_codes().empty() && !shipment.due_date.empty() &&
         !shipment.service_chosen && !shipment.Waived(Reason::kNoServiceInTime);
}

bool Allows(const Rules& rules, const std::string& service) {
  const auto& allowed = rules.text().choice().service_codes();
  return std::find(allowed.begin(), allowed.end(), service) != allowed.end();
}

const Quote* Cheapest(const Shipment& shipment, const psups::ups::v1::QuoteRatesResponse& offered,
                      const Rules& rules) {
  const Quote* best = nullptr;
  for (const Quote& quote : offered.quotes()) {
    if (!Allows(rules, quote.service_code())) continue;
    // A service of which UPS does not say when it arrives cannot be relied on.
    if (quote.delivery_date().empty() || quote.delivery_date() > shipment.due_date) continue;
    if (best == nullptr || PriceOf(quote).amount_minor < PriceOf(*best).amount_minor) {
      best = &quote;
    }
  }
  return best;
}

const Quote* Own(const Shipment& shipment, const psups::ups::v1::QuoteRatesResponse& offered) {
  for (const Quote& quote : offered.quotes()) {
    if (quote.service_code() == shipment.service_code) return &quote;
  }
  return nullptr;
}

std::optional<ReviewDraft> OverCap(const Shipment& shipment, const Money& price,
                                   const Rules& rules) {
  if (!rules.text().choice().has_price_cap() || shipment.Waived(Reason::kPriceAboveCap)) {
    return std::nullopt;
  }
  const auto& cap = rules.text().choice().price_cap();
  const bool same = cap.currency_code() == price.currency_code;
  if (same && price.amount_minor <= cap.amount_minor()) return std::nullopt;
  const Money most{.amount_minor = cap.amount_minor(), .currency_code = cap.currency_code()};
  return ReviewDraft{
      .reason = Reason::kPriceAboveCap,
      .message = absl::StrCat("It would cost ", Text(price), ", and the rules allow ", Text(most),
                              ". Choose another service, ship it anyway, or cancel.")};
}

}  // namespace

PriceQuestion PriceQuestionOf(const Shipment& shipment, const Rules& rules) {
  if (!rules.estimates() || shipment.estimate.has_value()) return {};
  return {.asked = true, .service = RulesChoose(shipment, rules) ? "" : shipment.service_code};
}

Choice ChooseService(const Shipment& shipment, const psups::ups::v1::QuoteRatesResponse& offered,
                     const Rules& rules) {
  Choice choice{.service_code = shipment.service_code};
  const bool rules_choose = RulesChoose(shipment, rules);
  const Quote* const quote =
      rules_choose ? Cheapest(shipment, offered, rules) : Own(shipment, offered);
  if (quote == nullptr && rules_choose) {
    choice.problem =
        ReviewDraft{.reason = Reason::kNoServiceInTime,
                    .message = absl::StrCat(
                        "None of the services that the rules allow arrives by ", shipment.due_date,
                        ", the day on which it is due. Choose a service, or ship it anyway "
                        "by the ship via's.")};
    return choice;
  }
  if (quote == nullptr) {
    // UPS gives no price for it: the purchase will tell, unless the price must be known.
    if (rules.text().choice().has_price_cap() && !shipment.Waived(Reason::kPriceAboveCap)) {
      choice.problem = ReviewDraft{
          .reason = Reason::kPriceAboveCap,
          .message =
              "UPS gives no price for this shipment, and the rules allow no more than a "
              "certain one. Choose another service, ship it anyway, or cancel."};
    }
    return choice;
  }
  choice.service_code = quote->service_code();
  choice.estimate = PriceOf(*quote);
  choice.problem = OverCap(shipment, *choice.estimate, rules);
  return choice;
}

}  // namespace psups::shipment_builder
