#include "services/shipment-builder/mapping_preview.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

using Totals = pb::PreviewMappingResponse::Totals;

constexpr int kMostDifferences = 200;
constexpr int kCostStep = 5;  // pounds, as PastCost has it

// One shipment as a rule set plans it.
struct Outcome {
  Shipment shipment = {};
  std::string reason = {};  // a review's; empty: it goes
};

// What would be planned of the order's schedules that no label holds.
std::vector<Outcome> PlanOutcomes(const MappingStore::OrderWithShipments& one, const Basis& basis) {
  std::vector<Shipment> held;
  for (const Shipment& shipment : one.shipments) {
    const bool without = !shipment.labelled() && !shipment.purchase.MayBeLive() &&
                         shipment.state != State::kCancelled;
    if (!without) held.push_back(shipment);
  }
  std::vector<Outcome> outcomes;
  for (NewShipment& fresh : Reconcile(one.order, held, 0, basis).fresh) {
    Outcome outcome{.shipment = std::move(fresh.shipment)};
    if (fresh.effects.review.has_value()) outcome.reason = Name(fresh.effects.review->reason);
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

class Sum {
 public:
  explicit Sum(const std::vector<PastCost>& costs) {
    for (const PastCost& cost : costs) costs_[{cost.service_code, cost.pounds}] = cost.per_package;
  }

  void Add(const Outcome& outcome) {
    if (!outcome.reason.empty()) {
      ++reviews_[outcome.reason];
      return;
    }
    const Shipment& shipment = outcome.shipment;
    totals_.set_shipments(totals_.shipments() + 1);
    totals_.set_packages(totals_.packages() + static_cast<int>(shipment.packages.size()));
    ++services_[shipment.service_code];
    const std::optional<Money> cost = CostOf(shipment);
    if (!cost.has_value()) {
      totals_.set_shipments_without_cost(totals_.shipments_without_cost() + 1);
      return;
    }
    type::v1::Money& sum = *totals_.mutable_cost();
    sum.set_amount_minor(sum.amount_minor() + cost->amount_minor);
    sum.set_currency_code(cost->currency_code);
  }

  Totals Result() const {
    Totals result = totals_;
    for (const auto& [key, count] : services_) {
      pb::PreviewMappingResponse::Count& one = *result.add_services();
      one.set_key(key);
      one.set_count(count);
    }
    for (const auto& [key, count] : reviews_) {
      pb::PreviewMappingResponse::Count& one = *result.add_reviews();
      one.set_key(key);
      one.set_count(count);
    }
    return result;
  }

 private:
  std::optional<Money> CostOf(const Shipment& shipment) const {
    Money sum;
    for (const Package& package : shipment.packages) {
      const int64_t pounds = (package.weight_lb.Ceil() + kCostStep - 1) / kCostStep * kCostStep;
      const auto found = costs_.find({shipment.service_code, static_cast<int>(pounds)});
      if (found == costs_.end()) return std::nullopt;
      if (!sum.currency_code.empty() && sum.currency_code != found->second.currency_code) {
        return std::nullopt;
      }
      sum.currency_code = found->second.currency_code;
      sum.amount_minor += found->second.amount_minor;
    }
    return sum;
  }

  std::map<std::pair<std::string, int>, Money> costs_;
  std::map<std::string, int> services_, reviews_;
  Totals totals_;
};

// What of one order a person may compare, as texts.
struct Features {
  std::multiset<std::string> services, reviews, packages, addresses, terms;
  std::size_t shipments = 0;

  explicit Features(const std::vector<Outcome>& outcomes) {
    for (const Outcome& outcome : outcomes) {
      const Shipment& shipment = outcome.shipment;
      addresses.insert(
          absl::StrCat(FullAddress(shipment.ship_from), "/", FullAddress(shipment.ship_to)));
      if (!outcome.reason.empty()) {
        reviews.insert(outcome.reason);
        continue;
      }
      ++shipments;
      services.insert(shipment.service_code);
      terms.insert(TermsText(shipment.terms));
      for (const Package& package : shipment.packages) {
        packages.insert(absl::StrCat(package.weight_lb.ToString(), " lb ", package.length_in, "x",
                                     package.width_in, "x", package.height_in, " in"));
      }
    }
  }
};

std::string Listed(const std::multiset<std::string>& texts) {
  return texts.empty() ? "none" : absl::StrJoin(texts, ", ");
}

std::vector<std::string> Changes(const Features& before, const Features& after) {
  std::vector<std::string> changes;
  const auto say = [&](std::string_view what, std::string from, std::string to) {
    changes.push_back(absl::StrCat(std::string(what), " ", from, " → ", to));
  };
  if (before.shipments != after.shipments) {
    say("shipments", absl::StrCat(before.shipments), absl::StrCat(after.shipments));
  }
  if (before.services != after.services) {
    say("service", Listed(before.services), Listed(after.services));
  }
  if (before.packages != after.packages) {
    const bool few = before.packages.size() <= 3 && after.packages.size() <= 3;
    say("packages", few ? Listed(before.packages) : absl::StrCat(before.packages.size()),
        few ? Listed(after.packages) : absl::StrCat(after.packages.size()));
  }
  if (before.reviews != after.reviews) {
    say("review", Listed(before.reviews), Listed(after.reviews));
  }
  if (before.addresses != after.addresses) changes.emplace_back("address lines");
  if (before.terms != after.terms) changes.emplace_back("payer, value, label or customs");
  return changes;
}

}  // namespace

pb::PreviewMappingResponse Preview(const std::vector<MappingStore::OrderWithShipments>& orders,
                                   const Basis& active, const Rules& proposed,
                                   const std::vector<PastCost>& costs) {
  Basis other = active;
  // It stands after the newest, so that it is the newest.
  other.rules.Add(
      std::make_shared<const Rules>(proposed.text(), active.rules.newest().version() + 1));
  Sum before(costs), after(costs);
  pb::PreviewMappingResponse result;
  result.set_orders(static_cast<int>(orders.size()));
  for (const MappingStore::OrderWithShipments& one : orders) {
    const std::vector<Outcome> now = PlanOutcomes(one, active);
    const std::vector<Outcome> then = PlanOutcomes(one, other);
    for (const Outcome& outcome : now) before.Add(outcome);
    for (const Outcome& outcome : then) after.Add(outcome);
    const std::vector<std::string> changes = Changes(Features(now), Features(then));
    if (changes.empty()) continue;
    result.set_orders_changed(result.orders_changed() + 1);
    if (result.differences_size() == kMostDifferences) continue;
    pb::PreviewMappingResponse::Difference& difference = *result.add_differences();
    *difference.mutable_document() = one.order.document();
    difference.set_order(one.order.name());
    for (const std::string& change : changes) difference.add_changes(change);
  }
  *result.mutable_active() = before.Result();
  *result.mutable_proposed() = after.Result();
  return result;
}

}  // namespace psups::shipment_builder
