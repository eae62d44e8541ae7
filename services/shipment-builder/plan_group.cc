#include "services/shipment-builder/plan_group.h"

#include <cstdlib>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/boxes.h"
#include "services/shipment-builder/measures.h"

namespace psups::shipment_builder {
namespace {

using orders::v1::Order;
using Address = type::v1::Address;

constexpr std::size_t kMostCharacters = 35;
constexpr std::size_t kMostCityCharacters = 30;
constexpr int kMostLines = 3;

std::string Place(const Schedule& schedule) {
  return absl::StrCat("line ", schedule.line_number(), ", schedule ", schedule.schedule_number());
}

std::string Item(const Schedule& schedule) {
  if (schedule.item_id().empty()) {
    return absl::StrCat("the description-only item of ", Place(schedule));
  }
  return absl::StrCat("item ", schedule.item_setid(), "/", schedule.item_id(), " (",
                      Place(schedule), ")");
}

// Which field is too long, or empty.
std::string TooLong(const Address& address) {
  const auto over = [](const std::string& text, std::size_t most) {
    return CharacterCount(text) > most;
  };
  const auto say = [](std::string_view field, const std::string& text, std::size_t most) {
    return absl::StrCat(std::string(field), " has ", CharacterCount(text),
                        " characters, UPS prints ", most);
  };
  if (over(address.name(), kMostCharacters)) return say("name", address.name(), kMostCharacters);
  if (over(address.attention_name(), kMostCharacters)) {
    return say("attention name", address.attention_name(), kMostCharacters);
  }
  if (address.lines_size() > kMostLines) {
    return absl::StrCat("there are ", address.lines_size(), " address lines, UPS prints ",
                        kMostLines);
  }
  for (int i = 0; i < address.lines_size(); ++i) {
    if (over(address.lines(i), kMostCharacters)) {
      return say(absl::StrCat("address line ", i + 1), address.lines(i), kMostCharacters);
    }
  }
  if (over(address.city(), kMostCityCharacters)) {
    return say("city", address.city(), kMostCityCharacters);
  }
  return "";
}

bool Complete(const Address& address) {
  return !address.name().empty() && address.lines_size() > 0 && !address.city().empty() &&
         !address.postal_code().empty();
}

std::optional<ReviewDraft> ServiceProblem(const Schedule& schedule, const Lane& lane,
                                          const std::optional<std::string>& service) {
  if (service.has_value() && IsOnLane(*service, lane)) return std::nullopt;
  const std::string what = service.has_value() ? absl::StrCat(" stands for UPS service ", *service,
                                                              ", which UPS does not offer from ",
                                                              lane.from, " to ", lane.to)
                                               : " stands for no UPS service";
  return ReviewDraft{
      .reason = Reason::kServiceUnmapped,
      .message = absl::StrCat(
          "Ship via \"", schedule.ship_type_id(), "\" of carrier \"", schedule.carrier_id(),
          "\" of ", Place(schedule), what,
          ". Change SHIP_TYPE_ID in PeopleSoft, or have the rules say it (psupsctl mapping), then "
          "retry; or choose a service here.")};
}

// Why the parties or the service stand in the way.
std::optional<ReviewDraft> PartiesProblem(const Schedule& schedule, const Address& ship_from,
                                          const Address& ship_to, const Rules& rules,
                                          const std::optional<std::string>& service) {
  const std::string vendor =
      absl::StrCat("vendor ", schedule.vendor_setid(), "/", schedule.vendor_id());
  const std::string location =
      absl::StrCat("ship-to location ", schedule.ship_to_setid(), "/", schedule.ship_to_id());
  if (!schedule.has_ship_from() || !Complete(ship_from)) {
    return ReviewDraft{
        .reason = Reason::kNoShipFrom,
        .message = schedule.vendor_id().empty()
                       ? absl::StrCat("The document names no vendor for ", Place(schedule),
                                      ". Enter one in PeopleSoft, then retry.")
                       : absl::StrCat("The order's address of ", vendor,
                                      " has no name, street line, city or postal code. Complete "
                                      "it in PeopleSoft, then retry.")};
  }
  if (!schedule.has_ship_to() || !Complete(ship_to)) {
    return ReviewDraft{
        .reason = Reason::kNoShipTo,
        .message = absl::StrCat("The ", location, " of ", Place(schedule),
                                " has no name, street line, city or postal code. Complete it in "
                                "PeopleSoft, then retry.")};
  }
  struct Party {
    const Address& address;
    Side side;
    const std::string& who;
  };
  const Party parties[] = {{ship_to, Side::kShipTo, location},
                           {ship_from, Side::kShipFrom, vendor}};
  for (const Party& party : parties) {
    if (rules.ShipsTo(party.address.country_code())) continue;
    return ReviewDraft{
        .reason = Reason::kCountryUnsupported,
        .message = absl::StrCat("The country of ", party.who, " is ", party.address.country_code(),
                                "; the rules name no such country to ship to (psupsctl "
                                "mapping, addresses.countries). Add it and retry, or ship it by "
                                "hand, then cancel.")};
  }
  for (const Party& party : parties) {
    const std::string what = TooLong(party.address);
    if (what.empty()) continue;
    return ReviewDraft{.reason = Reason::kFieldTooLong,
                       .message = absl::StrCat("In the address of ", party.who, " the ", what,
                                               ". Shorten it in PeopleSoft and retry, or give the "
                                               "address to print here."),
                       .side = party.side,
                       .address = party.address};
  }
  return ServiceProblem(schedule, LaneOf(ship_from, ship_to), service);
}

ReviewDraft MeasureReview(const Schedule& schedule, const MeasureProblem& problem) {
  switch (problem.kind) {
    case MeasureProblem::Kind::kWeightMissing:
      return {.reason = Reason::kItemWeightMissing,
              .message = absl::StrCat("No weight is kept for ", Item(schedule), " in unit ",
                                      schedule.unit_of_measure(),
                                      ". Enter its weight and weight unit in PeopleSoft and "
                                      "retry, or give its weight here.")};
    case MeasureProblem::Kind::kDimensionsMissing:
      return {.reason = Reason::kItemDimensionsMissing,
              .message = absl::StrCat("Length, width or height of ", Item(schedule),
                                      " is not kept. Enter all three and their unit in "
                                      "PeopleSoft and retry, or give them here.")};
    case MeasureProblem::Kind::kUnitUnknown:
      return {.reason = Reason::kUomUnknown,
              .message = absl::StrCat("Unit of measure \"", problem.unit_of_measure, "\" of ",
                                      Item(schedule),
                                      " is not known. Known are LB, KG, OZ, G and IN, CM, FT, M. "
                                      "Correct it in PeopleSoft or say in the rules what it "
                                      "stands for (psupsctl mapping, units), then retry; or give "
                                      "weight and dimensions here.")};
    case MeasureProblem::Kind::kRateUnknown:
      return {.reason = Reason::kUomUnknown,
              .message = absl::StrCat("How many ", problem.standard_unit, " one ",
                                      problem.unit_of_measure, " of ", Item(schedule),
                                      " holds is not kept. Enter the conversion rate in "
                                      "PeopleSoft or the rules (psupsctl mapping, conversions), "
                                      "then retry; or give weight and dimensions here.")};
    case MeasureProblem::Kind::kImplausible:
      return {.reason = Reason::kMeasuresImplausible,
              .message = absl::StrCat("Weight or dimensions kept for ", Item(schedule),
                                      " cannot be right: ", problem.suspicion,
                                      " Correct them in PeopleSoft and retry, or give the right "
                                      "ones here.")};
    case MeasureProblem::Kind::kTooHeavy:
      return {.reason = Reason::kPackageTooHeavy,
              .message = absl::StrCat("The weight kept for ", Item(schedule),
                                      " cannot be right. Correct it in PeopleSoft and retry, or "
                                      "give the right one here.")};
    case MeasureProblem::Kind::kTooLarge:
      return {.reason = Reason::kPackageTooLarge,
              .message = absl::StrCat("The dimensions kept for ", Item(schedule),
                                      " cannot be right. Correct them in PeopleSoft and retry, or "
                                      "give the right ones here.")};
  }
  std::abort();
}

ReviewDraft PackingReview(const Schedule& schedule, PackingProblem problem) {
  switch (problem) {
    case PackingProblem::kTooHeavy:
      return {.reason = Reason::kPackageTooHeavy,
              .message = absl::StrCat("One unit of ", Item(schedule), " weighs more than ",
                                      kMostPoundsPerPackage,
                                      " lb, which UPS does not carry in a package. Ship it as "
                                      "freight, then cancel; or correct its weight in PeopleSoft "
                                      "and retry, or give it here; or split it.")};
    case PackingProblem::kTooLarge:
      return {.reason = Reason::kPackageTooLarge,
              .message = absl::StrCat("One unit of ", Item(schedule), " is longer than ",
                                      kMostInchesLong, " in, or than ", kMostLengthAndGirth,
                                      " in with its girth. Ship it as freight, then cancel; or "
                                      "correct its dimensions in PeopleSoft and retry, or give "
                                      "them here; or split it.")};
    case PackingProblem::kTooMany:
      return {.reason = Reason::kTooManyPackages,
              .message = absl::StrCat("The shipment would be more than ", kMostPackages,
                                      " packages because of ", Item(schedule),
                                      ". Split the schedule in PeopleSoft or ship it as freight, "
                                      "then cancel.")};
  }
  std::abort();
}

// The same, naming the item to programs too.
ReviewDraft AboutItem(const Schedule& schedule, ReviewDraft review) {
  review.item = ItemInQuestion{.setid = schedule.item_setid(),
                               .item_id = schedule.item_id(),
                               .unit_of_measure = schedule.unit_of_measure(),
                               .line = schedule.line_number(),
                               .schedule = schedule.schedule_number()};
  return review;
}

std::string Fingerprint(const PlannedShipment& plan, const Derive& derive) {
  std::string text =
      JoinUnambiguously({plan.service_code, FullAddress(plan.ship_from), FullAddress(plan.ship_to),
                         // Not its words, which a later version may choose anew.
                         plan.problem.has_value() ? std::string(Name(plan.problem->reason)) : ""});
  for (const Share& share : plan.shares) {
    absl::StrAppend(&text, "s", share.line, "/", share.schedule, "=", share.quantity.ToString());
  }
  text += TermsText(plan.terms);
  for (const Package& package : plan.packages) {
    absl::StrAppend(&text, "p", package.weight_lb.ToString(), ",", package.length_in, ",",
                    package.width_in, ",", package.height_in);
    for (const Content& content : package.contents) {
      absl::StrAppend(&text, ":", content.line, "/", content.schedule, "=",
                      content.quantity.ToString());
    }
  }
  return Hex(derive("shipment-fingerprint", text).substr(0, 16));
}

// Somebody to call, where UPS or customs want one and the place has none.
void AddContact(const Rules& rules, Address& address) {
  const auto& usual = rules.text().international();
  if (address.attention_name().empty()) address.set_attention_name(usual.attention_name());
  if (address.phone().empty()) address.set_phone(usual.phone());
}

// UPS Next Day Air Early, which is delivered to somebody.
constexpr char kEarlyService[] = "14";

// What of a contact is missing; empty: nothing.
std::optional<ReviewDraft> ContactProblem(const Schedule& schedule, const Address& ship_to,
                                          bool crosses_border) {
  if (!ship_to.attention_name().empty() && !Digits(ship_to.phone()).empty()) return std::nullopt;
  return ReviewDraft{
      .reason = Reason::kCustomsDataMissing,
      .message = absl::StrCat(
          crosses_border ? "Across a border" : "For Next Day Air Early",
          " UPS wants somebody to call. Ship-to location ", schedule.ship_to_setid(), "/",
          schedule.ship_to_id(), " has no ",
          ship_to.attention_name().empty() ? "attention name" : "phone",
          ". Enter it in PeopleSoft, or in the rules (psupsctl mapping, international), then "
          "retry."),
      .side = Side::kShipTo,
      .address = ship_to};
}

ReviewDraft PartlyShipped(const Schedule& schedule) {
  return {.reason = Reason::kPartlyShippedAsRequisition,
          .message = absl::StrCat(
              Place(schedule),
              " came from several requisitions, and one of them was shipped "
              "before: shipping it whole would send that twice. Void the requisition's label and "
              "retry, or ship the rest by hand, then cancel.")};
}

// Each schedule's units, or the first that has no measures.
std::variant<std::vector<ToPack>, ReviewDraft> UnitsOf(const Group& group, const Rules& rules,
                                                       const Choices& choices) {
  MeasureRules lenient;
  if (choices.implausible_measures_ship) {
    lenient = rules.measures();
    lenient.gate = false;
  }
  const MeasureRules& measures = choices.implausible_measures_ship ? lenient : rules.measures();
  std::vector<ToPack> items;
  for (std::size_t i = 0; i < group.schedules.size(); ++i) {
    const Schedule& schedule = *group.schedules[i];
    const auto unit = UnitOf(schedule, measures);
    if (const auto* problem = std::get_if<MeasureProblem>(&unit)) {
      return AboutItem(schedule, MeasureReview(schedule, *problem));
    }
    const auto* const item = rules.ItemOf(schedule);
    items.push_back({.line = group.shares[i].line,
                     .schedule = group.shares[i].schedule,
                     .quantity = group.shares[i].quantity,
                     .unit = std::get<Unit>(unit),
                     .own_carton = item != nullptr && item->ships_in_own_carton(),
                     .upright = item != nullptr && item->upright()});
  }
  return items;
}

// Without a catalogue each schedule's units are stacked in cartons of their own.
BoxPacking PackInCartons(const std::vector<ToPack>& items) {
  BoxPacking result{.packed = true};
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ToPack& item = items[i];
    Packing packing;
    if (item.own_carton) {
      BoxPacking own = PackIntoBoxes({item}, {});
      packing = {.packages = std::move(own.packages), .packed = own.packed, .problem = own.problem};
    } else {
      packing = PackSchedule(item.line, item.schedule, item.quantity, item.unit);
    }
    if (packing.packed && result.packages.size() + packing.packages.size() > kMostPackages) {
      packing = {.problem = PackingProblem::kTooMany};
    }
    if (!packing.packed) return {.packed = false, .problem = packing.problem, .item = i};
    for (Package& package : packing.packages) {
      package.number = static_cast<int>(result.packages.size()) + 1;
      result.packages.push_back(std::move(package));
    }
  }
  return result;
}

// Packages, or what is in the way.
std::optional<ReviewDraft> Pack(const Group& group, const Rules& rules, const Choices& choices,
                                std::vector<Package>& packages) {
  auto units = UnitsOf(group, rules, choices);
  if (auto* problem = std::get_if<ReviewDraft>(&units)) return std::move(*problem);
  const auto& items = std::get<std::vector<ToPack>>(units);
  BoxPacking packing =
      rules.boxes().empty() ? PackInCartons(items) : PackIntoBoxes(items, rules.boxes());
  if (!packing.packed) {
    const Schedule& schedule = *group.schedules[packing.item];
    return AboutItem(schedule, PackingReview(schedule, packing.problem));
  }
  packages = std::move(packing.packages);
  for (Package& package : packages) {
    if (package.packaging_code.empty()) package.packaging_code = rules.packaging_code();
  }
  return std::nullopt;
}

std::string EarliestDue(const Group& group) {
  std::string earliest;
  for (const Schedule* schedule : group.schedules) {
    const std::string& due = schedule->due_date();
    if (!due.empty() && (earliest.empty() || due < earliest)) earliest = due;
  }
  return earliest;
}

PlannedShipment PlanByOrder(const Order& order, const Group& group, const Rules& rules,
                            const Choices& choices) {
  const Schedule& first = *group.schedules.front();
  std::optional<std::string> service = rules.ServiceFor(first);
  if (!choices.service_code.empty()) service = choices.service_code;
  PlannedShipment plan{.service_code = service.value_or(""),
                       .ship_date = group.ship_date,
                       .shares = group.shares,
                       .ship_from = rules.Arranged(first.vendor_setid(), first.ship_from()),
                       .ship_to = rules.Arranged(first.ship_to_setid(), first.ship_to()),
                       .mapping_version = rules.version(),
                       .vendor = absl::StrCat(first.vendor_setid(), "/", first.vendor_id()),
                       .due_date = EarliestDue(group)};
  const Lane lane = LaneOf(plan.ship_from, plan.ship_to);
  const bool wants_contact = lane.wants_contact() || plan.service_code == kEarlyService;
  if (wants_contact) AddContact(rules, plan.ship_to);
  if (first.ineligible_reason() == kPartlyShippedAsRequisition) {
    plan.problem = PartlyShipped(first);
    return plan;
  }
  plan.problem = PartiesProblem(first, plan.ship_from, plan.ship_to, rules, service);
  if (!plan.problem.has_value() && wants_contact) {
    plan.problem = ContactProblem(first, plan.ship_to, lane.wants_contact());
  }
  if (!plan.problem.has_value()) plan.problem = Pack(group, rules, choices, plan.packages);
  if (plan.problem.has_value()) return plan;
  auto terms = TermsFor(order, group, plan.packages, lane, rules);
  if (auto* problem = std::get_if<ReviewDraft>(&terms)) {
    plan.problem = std::move(*problem);
    plan.packages.clear();
  } else {
    plan.terms = std::get<Terms>(std::move(terms));
  }
  return plan;
}

}  // namespace

PlannedShipment PlanGroup(const Order& order, const Group& group, const Rules& rules,
                          const Derive& derive, const Choices& choices) {
  PlannedShipment plan = PlanByOrder(order, group, rules, {});
  std::string fingerprint = Fingerprint(plan, derive);
  if (choices.any()) plan = PlanByOrder(order, group, rules, choices);
  plan.fingerprint = std::move(fingerprint);
  return plan;
}

}  // namespace psups::shipment_builder
