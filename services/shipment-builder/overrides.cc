#include "services/shipment-builder/overrides.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/grouping.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

using orders::v1::Order;

constexpr int kDecimals = 11;  // of a Decimal

std::string Place(const Schedule& schedule) {
  return absl::StrCat("line ", schedule.line_number(), ", schedule ", schedule.schedule_number());
}

// Whether a schedule orders the item; lines without an item stand for themselves.
bool Orders(const Schedule& schedule, const ItemInQuestion& item) {
  if (item.item_id.empty() || schedule.item_id().empty()) {
    return item.item_id == schedule.item_id() && schedule.line_number() == item.line &&
           schedule.schedule_number() == item.schedule;
  }
  return schedule.item_id() == item.item_id && schedule.item_setid() == item.setid &&
         schedule.unit_of_measure() == item.unit_of_measure;
}

void SetMeasures(const Overrides& overrides, Schedule& schedule) {
  for (const Overrides::Measures& measures : overrides.measures) {
    if (!Orders(schedule, measures.item)) continue;
    if (!measures.weight.value().empty()) *schedule.mutable_shipping_weight() = measures.weight;
    if (!measures.dimensions.length().empty()) {
      *schedule.mutable_item_dimensions() = measures.dimensions;
    }
  }
}

bool IsSplit(const Overrides& overrides, const Schedule& schedule) {
  return std::any_of(overrides.split.begin(), overrides.split.end(),
                     [&](const ItemInQuestion& item) { return Orders(schedule, item); });
}

struct Quotient {
  Decimal value = {};  // its last place rounded down
  bool exact = true;
};

// Both positive or the dividend 0.
Quotient Divide(Decimal dividend, Decimal divisor) {
  if (dividend.is_zero()) return {};
  const int64_t whole = dividend.HowMany(divisor);
  Decimal rest = dividend - divisor * Decimal(whole);
  std::string text = absl::StrCat(whole, ".");
  for (int i = 0; i < kDecimals; ++i) {
    rest = rest * Decimal(10);
    const int64_t digit = rest.is_zero() ? 0 : rest.HowMany(divisor);
    rest = rest - divisor * Decimal(digit);
    absl::StrAppend(&text, digit);
  }
  return {.value = *Decimal::Parse(text), .exact = rest.is_zero()};
}

// How many standard units one unit of the schedule consists of.
absl::StatusOr<Decimal> UnitsInUnit(const Schedule& schedule) {
  const auto rate = Decimal::Parse(schedule.conversion_rate());
  if (rate.ok() && *rate > Decimal(1)) return *rate;
  return absl::FailedPreconditionError(absl::StrCat(
      "action: SPLIT is not possible: PeopleSoft says of no smaller units that one ",
      schedule.unit_of_measure(), " of ", Place(schedule),
      " consists of. Enter a conversion rate there and retry, or ship it as freight and cancel"));
}

absl::Status Split(Schedule& schedule) {
  ASSIGN_OR_RETURN(const Decimal rate, UnitsInUnit(schedule));
  const std::optional<Quantities> now = QuantitiesOf(schedule);
  if (!now.has_value()) return absl::OkStatus();  // planning says so
  schedule.set_ordered_quantity((now->ordered * rate).ToString());
  schedule.set_open_quantity((now->open * rate).ToString());
  schedule.set_unit_of_measure(schedule.standard_unit_of_measure());
  schedule.set_conversion_rate("1");
  schedule.clear_shipping_weight();
  const auto price = Decimal::Parse(schedule.unit_price());
  if (price.ok() && *price > Decimal(0)) {
    schedule.set_unit_price(Divide(*price, rate).value.ToString());
  }
  return absl::OkStatus();
}

absl::Status CheckPositive(const std::string& field, const std::string& text) {
  const auto value = Decimal::Parse(text);
  if (value.ok() && *value > Decimal(0) && *value < Decimal(1'000'000)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": \"", text.substr(0, 40),
                                                 "\", want a decimal above 0 and below 1000000"));
}

absl::Status CheckUnit(const std::string& field, const std::string& unit, std::string_view known,
                       const std::string& want) {
  if (!unit.empty() && known.find(absl::StrCat(" ", unit, " ")) != std::string_view::npos) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": \"", unit.substr(0, 40), "\", want ", want));
}

}  // namespace

Overrides OverridesOf(const Review& review, const pb::ResolveReviewRequest& request) {
  Overrides result;
  std::vector<MadeDecision> all = review.before;
  all.push_back({.asked = review.asked, .request = request});
  for (const MadeDecision& made : all) {
    const pb::ResolveReviewRequest& said = made.request;
    auto& place = made.asked.side == Side::kShipFrom ? result.ship_from : result.ship_to;
    const std::size_t index = static_cast<std::size_t>(said.candidate_index());
    switch (said.action()) {
      case pb::Review::RETRY:
        result = {};
        break;
      case pb::Review::ACCEPT_CANDIDATE:
        if (index < made.asked.candidates.size()) place = made.asked.candidates[index];
        break;
      case pb::Review::OVERRIDE_ADDRESS:
        place = said.address();
        break;
      case pb::Review::SET_MEASURES:
        if (!made.asked.item.has_value()) break;
        result.measures.push_back(
            {.item = *made.asked.item, .weight = said.weight(), .dimensions = said.dimensions()});
        break;
      case pb::Review::SPLIT:
        if (made.asked.item.has_value()) result.split.push_back(*made.asked.item);
        break;
      case pb::Review::CHOOSE_SERVICE:
        result.service_code = said.service_code();
        break;
      default:
        break;
    }
  }
  return result;
}

type::v1::Address Completed(type::v1::Address address, const type::v1::Address& place) {
  if (address.name().empty()) address.set_name(place.name());
  if (address.attention_name().empty()) address.set_attention_name(place.attention_name());
  if (address.phone().empty()) address.set_phone(place.phone());
  if (address.country_code().empty()) address.set_country_code(place.country_code());
  return address;
}

absl::Status CheckMeasures(const pb::ResolveReviewRequest& request) {
  if (!request.has_weight() && !request.has_dimensions()) {
    return absl::InvalidArgumentError(
        "weight, dimensions: neither is set, want what one unit weighs or measures, or both");
  }
  if (request.has_weight()) {
    RETURN_IF_ERROR(CheckPositive("weight.value", request.weight().value()));
    RETURN_IF_ERROR(
        CheckUnit("weight.unit", request.weight().unit(), " LB OZ KG G ", "LB, OZ, KG or G"));
  }
  if (request.has_dimensions()) {
    const auto& sides = request.dimensions();
    RETURN_IF_ERROR(CheckPositive("dimensions.length", sides.length()));
    RETURN_IF_ERROR(CheckPositive("dimensions.width", sides.width()));
    RETURN_IF_ERROR(CheckPositive("dimensions.height", sides.height()));
    RETURN_IF_ERROR(CheckUnit("dimensions.unit", sides.unit(), " IN FT CM M ", "IN, FT, CM or M"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Order> Overridden(const Order& order, const std::vector<Share>& shares,
                                 const Overrides& overrides, const Rules& rules) {
  const auto put = [](const std::optional<type::v1::Address>& given, type::v1::Address place,
                      type::v1::Address& address) {
    address = given.has_value() ? Completed(*given, place) : std::move(place);
  };
  Order result = order;
  for (Schedule& schedule : *result.mutable_schedules()) {
    const bool is_here = std::any_of(shares.begin(), shares.end(), [&](const Share& share) {
      return share.line == schedule.line_number() && share.schedule == schedule.schedule_number();
    });
    if (!is_here) continue;
    put(overrides.ship_from, rules.Arranged(schedule.vendor_setid(), schedule.ship_from()),
        *schedule.mutable_ship_from());
    put(overrides.ship_to, rules.Arranged(schedule.ship_to_setid(), schedule.ship_to()),
        *schedule.mutable_ship_to());
    SetMeasures(overrides, schedule);
    if (!IsSplit(overrides, schedule)) continue;
    RETURN_IF_ERROR(Split(schedule));
    SetMeasures(overrides, schedule);  // of the smaller unit
  }
  return result;
}

pb::Rules WithMeasures(const Rules& rules, const Order& order,
                       const std::vector<Overrides::Measures>& measures) {
  pb::Rules result = rules.text();
  for (const Overrides::Measures& one : measures) {
    const ItemInQuestion& item = one.item;
    const Schedule* schedule = FindSchedule(order, item.line, item.schedule);
    if (item.item_id.empty() || schedule == nullptr) continue;
    // What is known of it beside its measures stays known: the first rule that fits counts.
    const Rules so_far(result);
    const pb::Rules::Item* known = so_far.ItemOf(*schedule);
    pb::Rules::Item rule = known == nullptr ? pb::Rules::Item() : *known;
    const bool own = rule.setid() == item.setid && rule.item_id() == item.item_id &&
                     rule.unit_of_measure() == item.unit_of_measure;
    rule.set_setid(item.setid);
    rule.set_item_id(item.item_id);
    rule.set_unit_of_measure(item.unit_of_measure);
    if (!one.weight.value().empty()) *rule.mutable_weight() = one.weight;
    if (!one.dimensions.length().empty()) *rule.mutable_dimensions() = one.dimensions;
    auto& items = *result.mutable_items();
    if (own) {
      for (pb::Rules::Item& kept : items) {
        const bool same = kept.setid() == item.setid && kept.item_id() == item.item_id &&
                          kept.unit_of_measure() == item.unit_of_measure;
        if (!same) continue;
        kept = rule;
        break;
      }
      continue;
    }
    *items.Add() = rule;
    for (int i = items.size() - 1; i > 0; --i) items.SwapElements(i, i - 1);
  }
  return result;
}

absl::Status CountAsOrdered(const Order& order, const Overrides& overrides,
                            std::vector<Package>& packages) {
  for (Package& package : packages) {
    for (Content& content : package.contents) {
      const Schedule* schedule = FindSchedule(order, content.line, content.schedule);
      if (schedule == nullptr || !IsSplit(overrides, *schedule)) continue;
      ASSIGN_OR_RETURN(const Decimal rate, UnitsInUnit(*schedule));
      const Quotient counted = Divide(content.quantity, rate);
      if (!counted.exact) {
        return absl::FailedPreconditionError(absl::StrCat(
            "action: SPLIT is not possible: a package would hold ", content.quantity.ToString(),
            " of the ", rate.ToString(), " ", schedule->standard_unit_of_measure(), " in one ",
            schedule->unit_of_measure(), " of ", Place(*schedule),
            ", which is no exact decimal of it. Order it in the smaller unit and retry, or ship "
            "it as freight and cancel"));
      }
      content.quantity = counted.value;
    }
  }
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
