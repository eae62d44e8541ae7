#include "services/shipment-builder/pricer.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "services/shipment-builder/choice.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

constexpr int kAtOnce = 100;
// So often UPS's word is doubted before a person is asked.
constexpr int kLooksForStrangers = 3;

// As it would be bought: to the addresses that were validated just now.
Shipment AsValidated(const ToBuy& item) {
  Shipment shipment = item.leased.shipment;
  if (item.parties.has_value()) {
    shipment.ship_from = item.parties->ship_from;
    shipment.ship_to = item.parties->ship_to;
  }
  return shipment;
}

}  // namespace

// One shipment whose answers come in, in any order, on any threads.
struct Pricer::Pending {
  Asked asked;
  std::atomic<int> missing{0};
};

Pricer::Pricer(ShipmentStore& store, UpsPort& ups, Buyer& buyer, const Connections& connections,
               const Planner& planner, HeldLeases& leases, Wakeup& tell)
    : store_(store),
      ups_(ups),
      buyer_(buyer),
      connections_(connections),
      planner_(planner),
      leases_(leases),
      tell_(tell),
      answered_(kAtOnce, [this](std::vector<Asked> asked) { Conclude(std::move(asked)); }) {}

void Pricer::Price(std::vector<ToBuy> batch) {
  std::vector<ToBuy> passed;
  for (ToBuy& item : batch) {
    const Shipment& shipment = item.leased.shipment;
    const RuleHistory history = planner_.BasisFor(shipment.connection_id).rules;
    const Rules& rules = history.Of(shipment.mapping_version);
    const PriceQuestion price = PriceQuestionOf(shipment, rules);
    const bool search = rules.text().buying().search_first() && shipment.purchase.number == 0 &&
                        !shipment.Waived(Reason::kShippedByHand);
    if (price.asked || search) {
      Ask(std::move(item), price, search);
    } else {
      passed.push_back(std::move(item));
    }
  }
  if (!passed.empty()) buyer_.Buy(std::move(passed));
}

void Pricer::Ask(ToBuy item, const PriceQuestion& price, bool search) {
  const Shipment shipment = AsValidated(item);
  const Connections::Standing standing = connections_.Of(shipment.connection_id);
  const std::string account = standing.account;
  if (!standing.known) {
    const absl::Status later = absl::UnavailableError("the connection's account is not known");
    answered_.Add({.item = std::move(item),
                   .priced = price.asked,
                   .quotes = later,
                   .searched = search,
                   .found = later});
    return;
  }
  auto pending = std::make_shared<Pending>();
  pending->asked.item = std::move(item);
  pending->asked.priced = price.asked;
  pending->asked.searched = search;
  pending->missing = static_cast<int>(price.asked) + static_cast<int>(search);
  const auto arrived = [this, pending] {
    if (pending->missing.fetch_sub(1) == 1) answered_.Add(std::move(pending->asked));
  };
  if (price.asked) {
    ups::v1::QuoteRatesRequest request;
    request.set_account(account);
    *request.mutable_shipment() = RequestOf(shipment).shipment();
    request.mutable_shipment()->set_service_code(price.service);
    request.mutable_shipment()->set_ship_date(
        DayForUps(shipment.ship_date, planner_.calendar().today()));
    ups_.QuoteRates(request, shipment.trace_id, [pending, arrived](auto answer) {
      pending->asked.quotes = std::move(answer);
      arrived();
    });
  }
  if (search) {
    ups::v1::FindShipmentByReferenceRequest request;
    request.set_account(account);
    request.set_reference(RequestOf(shipment).shipment().references(0).value());
    ups_.FindShipmentByReference(request, shipment.trace_id, [pending, arrived](auto answer) {
      pending->asked.found = std::move(answer);
      arrived();
    });
  }
}

// Numbers that UPS knows under the orders' references and that are not ours.
std::vector<std::string> Pricer::Strangers(const std::vector<Asked>& asked, absl::Status& status) {
  std::vector<std::string> numbers;
  for (const Asked& one : asked) {
    if (!one.searched || !one.found.ok()) continue;
    numbers.insert(numbers.end(), one.found->tracking_numbers().begin(),
                   one.found->tracking_numbers().end());
  }
  if (numbers.empty()) return numbers;
  absl::StatusOr<std::vector<std::string>> unknown = store_.UnknownNumbers(numbers);
  status = unknown.status();
  return unknown.ok() ? *std::move(unknown) : std::vector<std::string>{};
}

std::variant<std::monostate, absl::Status, ReviewDraft> Pricer::Judge(
    Asked& asked, const std::vector<std::string>& strangers) const {
  const Shipment& shipment = asked.item.leased.shipment;
  if (asked.searched) {
    if (!asked.found.ok()) return asked.found.status();
    const auto& numbers = asked.found->tracking_numbers();
    const auto stranger = std::find_if(numbers.begin(), numbers.end(), [&](const auto& number) {
      return std::find(strangers.begin(), strangers.end(), number) != strangers.end();
    });
    // It may be a purchase of ours whose answer is being stored.
    if (stranger != numbers.end() && shipment.wait_count < kLooksForStrangers) {
      return absl::UnavailableError("the number may yet turn out to be ours");
    }
    if (stranger != numbers.end()) {
      return ReviewDraft{
          .reason = Reason::kShippedByHand,
          .message = absl::StrCat("UPS has a shipment with this order's number that psups did not "
                                  "make: ",
                                  *stranger,
                                  ". If it was shipped by hand, cancel; if that is another "
                                  "delivery of the order, ship it anyway.")};
    }
  }
  if (!asked.priced) return std::monostate();
  // UPS offers nothing for it: an answer without an offer.
  if (absl::IsFailedPrecondition(asked.quotes.status()) ||
      absl::IsInvalidArgument(asked.quotes.status())) {
    asked.quotes = ups::v1::QuoteRatesResponse();
  }
  if (!asked.quotes.ok()) return asked.quotes.status();
  const RuleHistory history = planner_.BasisFor(shipment.connection_id).rules;
  Choice choice = ChooseService(shipment, *asked.quotes, history.Of(shipment.mapping_version));
  if (choice.problem.has_value()) return std::move(*choice.problem);
  asked.item.service_code = choice.service_code;
  asked.item.estimate = choice.estimate;
  return std::monostate();
}

void Pricer::Conclude(std::vector<Asked> asked) {
  absl::Status looked = absl::OkStatus();
  const std::vector<std::string> strangers = Strangers(asked, looked);
  std::vector<ToBuy> passed;
  std::vector<Leased> stopped;
  std::vector<std::variant<std::monostate, absl::Status, ReviewDraft>> reasons;
  for (Asked& one : asked) {
    auto verdict = Judge(one, strangers);
    if (one.searched && !looked.ok()) verdict = looked;
    if (std::holds_alternative<std::monostate>(verdict)) {
      passed.push_back(std::move(one.item));
    } else {
      stopped.push_back(std::move(one.item.leased));
      reasons.push_back(std::move(verdict));
    }
  }
  if (!stopped.empty()) Stop(std::move(stopped), std::move(reasons));
  if (!passed.empty()) buyer_.Buy(std::move(passed));
}

void Pricer::Stop(std::vector<Leased> held,
                  std::vector<std::variant<std::monostate, absl::Status, ReviewDraft>> reasons) {
  const auto stored =
      store_.Update(held, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
        if (live.state != State::kValidating && live.state != State::kReceived) return Effects{};
        if (const auto* status = std::get_if<absl::Status>(&reasons[i])) {
          return IsOutage(*status) ? Postpone(live)
                                   : Fail(live, absl::StrCat("pricing: ", status->message()));
        }
        return OpenReview(live, std::get<ReviewDraft>(reasons[i]));
      });
  if (stored.ok()) {
    TellPeople(*stored, tell_);
  } else {
    LogWarning("prices_not_stored", {{"status", stored.status()}});
  }
  leases_.Remove(held);
}

}  // namespace psups::shipment_builder
