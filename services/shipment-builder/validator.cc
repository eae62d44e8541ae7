#include "services/shipment-builder/validator.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_place.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

using Response = ups::v1::ValidateAddressResponse;

constexpr int kAtOnce = 100;
constexpr std::size_t kMostCharacters = 35;
constexpr int kMostLines = 3;
// Each a minute after the one before, but for the first few.
constexpr int kRefusalsUntilAPersonLooks = 60;
constexpr char kRefusedLong[] =
    "UPS has refused for an hour to check the address. Ask an administrator to look at the account "
    "at UPS, or give another address; then retry.";

std::string Whose(Side side) {
  return side == Side::kShipFrom ? "the vendor's address (ship-from)"
                                 : "the ship-to location's address";
}

std::string MessageFor(Reason reason, Side side) {
  const std::string whose = Whose(side);
  switch (reason) {
    case Reason::kAddressInvalid:
      return absl::StrCat("UPS does not know ", whose,
                          ". Correct it in PeopleSoft and retry, or give the right address here.");
    case Reason::kAddressAmbiguous:
      return absl::StrCat("UPS knows several addresses that ", whose,
                          " may mean. Pick one, or complete the address.");
    case Reason::kAddressSuiteChanged:
      return absl::StrCat("UPS's form of ", whose,
                          " has another suite, unit or apartment, or none. Ask whoever is there; "
                          "then accept UPS's form, or give the right address.");
    case Reason::kAddressChanged:
      return absl::StrCat("UPS's form of ", whose,
                          " differs in more than its spelling. Compare them; then accept UPS's "
                          "form, or give the right address.");
    case Reason::kAddressResidential:
      return absl::StrCat(
          "UPS says of ", whose,
          " whether it is a home or a business, and the order says the other. Homes "
          "cost more. Accept UPS's word, or ship it as the order says.");
    case Reason::kAddressUndeliverable:
      return absl::StrCat("UPS does not deliver to ", whose,
                          ". Give a street address, or ship it by another carrier, then cancel.");
    default:
      return absl::StrCat("UPS does not validate addresses of the country in ", whose,
                          ". Ship it by hand, then cancel.");
  }
}

// The gateway names the field that it cannot send; any other is ours.
bool IsTheAddressesFault(const absl::Status& status) {
  return absl::IsInvalidArgument(status) && absl::StartsWith(status.message(), "address");
}

// UPS refused to say. Mostly that is nothing against the address and ends; if not, a person looks.
bool IsUpsRefusal(const absl::Status& status) { return absl::IsFailedPrecondition(status); }

bool FitsLabel(const type::v1::Address& address) {
  return address.lines_size() <= kMostLines &&
         std::all_of(address.lines().begin(), address.lines().end(), [](const std::string& line) {
           return CharacterCount(line) <= kMostCharacters;
         });
}

// The address for the label, or the question.
std::variant<type::v1::Address, ReviewDraft> JudgeOne(const type::v1::Address& asked,
                                                      const Response& answer, Side side,
                                                      const AddressPolicy& policy) {
  AddressDecision decision = CheckAddress(asked, answer, policy);
  if (decision.kind == AddressDecision::Kind::kReview) {
    return ReviewDraft{.reason = decision.reason,
                       .message = absl::StrCat(MessageFor(decision.reason, side),
                                               decision.note.empty() ? "" : " ", decision.note),
                       .side = side,
                       .address = asked,
                       .candidates = std::move(decision.candidates)};
  }
  if (!FitsLabel(decision.use)) {
    return ReviewDraft{.reason = Reason::kFieldTooLong,
                       .message = absl::StrCat("UPS's form of ", Whose(side),
                                               " does not fit a label: at most three lines of 35 "
                                               "characters. Give the address as it is to be "
                                               "printed."),
                       .side = side,
                       .address = asked};
  }
  return std::move(decision.use);
}

}  // namespace

std::variant<ValidatedParties, ReviewDraft> JudgeAddresses(const Shipment& shipment,
                                                           const Response& from, const Response& to,
                                                           const AddressPolicy& policy,
                                                           const std::string& account_country) {
  AddressPolicy of_ship_to = policy;
  if (shipment.Waived(Reason::kAddressResidential)) of_ship_to.review_residential_flip = false;
  AddressPolicy of_ship_from = policy;
  of_ship_from.review_residential_flip = false;  // it costs nothing there
  auto to_address = JudgeOne(shipment.ship_to, to, Side::kShipTo, of_ship_to);
  if (auto* review = std::get_if<ReviewDraft>(&to_address)) return std::move(*review);
  auto from_address = JudgeOne(shipment.ship_from, from, Side::kShipFrom, of_ship_from);
  if (auto* review = std::get_if<ReviewDraft>(&from_address)) return std::move(*review);
  if (!account_country.empty() && !SameShippingCountry(account_country, shipment.ship_from)) {
    return ReviewDraft{
        .reason = Reason::kShipFromAbroad,
        .message = absl::StrCat("The vendor's address (ship-from) is not in ", account_country,
                                ", the country of the UPS account. Use an account "
                                "of that country, or ship it by hand, then cancel."),
        .side = Side::kShipFrom,
        .address = shipment.ship_from};
  }
  // Where UPS validates nothing the form was looked at, which is no call.
  const auto proof = [](const Response& answer) {
    return answer.verdict() == Response::NOT_SUPPORTED ? std::string("format") : answer.call_id();
  };
  return ValidatedParties{.ship_from = std::get<type::v1::Address>(std::move(from_address)),
                          .ship_to = std::get<type::v1::Address>(std::move(to_address)),
                          .ship_from_call = proof(from),
                          .ship_to_call = proof(to)};
}

struct Validator::Pending {
  Asked asked;
  std::atomic<int> missing{2};
};

Validator::Validator(ShipmentStore& store, AddressBook& book, Pricer& pricer,
                     const Connections& connections, const Planner& planner, HeldLeases& leases,
                     Wakeup& tell)
    : store_(store),
      book_(book),
      pricer_(pricer),
      connections_(connections),
      planner_(planner),
      leases_(leases),
      tell_(tell),
      answered_(kAtOnce, [this](std::vector<Asked> asked) { Conclude(std::move(asked)); }) {}

absl::StatusOr<int> Validator::Step() {
  ASSIGN_OR_RETURN(std::vector<Leased> leased, leases_.Take(Work::kValidate, kAtOnce));
  if (leased.empty()) return 0;
  const int count = static_cast<int>(leased.size());
  for (const Leased& one : leased) {
    const absl::Status known =
        planner_.rules().EnsureKnown(one.shipment.connection_id, one.shipment.mapping_version);
    if (!known.ok()) LogWarning("rules_not_read", {{"status", known}});
  }
  // What each connection permits is looked at once: it may be heard of at any moment.
  std::vector<AddressBook::Question> questions;
  std::vector<bool> known;
  for (const Leased& one : leased) {
    const Connections::Standing standing = connections_.Of(one.shipment.connection_id);
    known.push_back(standing.known);
    questions.push_back({standing.account, one.shipment.ship_from, one.shipment.trace_id});
    questions.push_back({standing.account, one.shipment.ship_to, one.shipment.trace_id});
  }
  const absl::Status loaded = book_.Preload(questions);
  if (!loaded.ok()) LogWarning("verdicts_not_loaded", {{"status", loaded}});
  for (std::size_t i = 0; i < leased.size(); ++i) {
    auto pending = std::make_shared<Pending>();
    pending->asked.leased = std::move(leased[i]);
    if (!known[i]) {
      pending->asked.from = pending->asked.to =
          absl::UnavailableError("the connection's account is not known yet");
      answered_.Add(std::move(pending->asked));
      continue;
    }
    const auto arrived = [this, pending] {
      if (pending->missing.fetch_sub(1) == 1) answered_.Add(std::move(pending->asked));
    };
    book_.Ask(questions[2 * i], [pending, arrived](const Answer& answer) {
      pending->asked.from = answer;
      arrived();
    });
    book_.Ask(questions[2 * i + 1], [pending, arrived](const Answer& answer) {
      pending->asked.to = answer;
      arrived();
    });
  }
  return count;
}

void Validator::Conclude(std::vector<Asked> asked) {
  std::vector<ToBuy> passed;
  std::vector<Leased> stopped;
  std::vector<std::variant<absl::Status, ReviewDraft>> reasons;
  for (Asked& one : asked) {
    const absl::Status status = one.to.ok() ? one.from.status() : one.to.status();
    if (!status.ok()) {
      const bool refused_long =
          IsUpsRefusal(status) && one.leased.shipment.wait_count >= kRefusalsUntilAPersonLooks;
      if (IsTheAddressesFault(status) || refused_long) {
        // Neither side's text is repeated: the gateway's sentence may quote the address.
        const Side side = one.to.ok() ? Side::kShipFrom : Side::kShipTo;
        reasons.emplace_back(ReviewDraft{
            .reason = Reason::kAddressInvalid,
            .message = refused_long ? kRefusedLong : MessageFor(Reason::kAddressInvalid, side),
            .side = side,
            .address = side == Side::kShipTo ? one.leased.shipment.ship_to
                                             : one.leased.shipment.ship_from});
      } else {
        if (IsUpsRefusal(status)) {
          // Without its text, which may quote the address.
          LogWarning("address_not_validated", {{"shipment", one.leased.shipment.name()},
                                               {"code", absl::StatusCodeToString(status.code())}});
        }
        reasons.emplace_back(status);
      }
      stopped.push_back(std::move(one.leased));
      continue;
    }
    const Shipment& shipment = one.leased.shipment;
    const RuleHistory history = planner_.BasisFor(shipment.connection_id).rules;
    auto judged = JudgeAddresses(shipment, *one.from, *one.to,
                                 history.Of(shipment.mapping_version).addresses(),
                                 connections_.Of(shipment.connection_id).account_country);
    if (auto* review = std::get_if<ReviewDraft>(&judged)) {
      reasons.emplace_back(std::move(*review));
      stopped.push_back(std::move(one.leased));
    } else {
      passed.push_back({std::move(one.leased), std::get<ValidatedParties>(std::move(judged))});
    }
  }
  if (!stopped.empty()) {
    const auto stored =
        store_.Update(stopped, leases_.lease(), [&](Shipment& live, std::size_t i) -> Effects {
          if (live.state != State::kValidating && live.state != State::kReceived) {
            return Effects{};
          }
          if (const auto* status = std::get_if<absl::Status>(&reasons[i])) {
            return IsOutage(*status) || IsUpsRefusal(*status)
                       ? Postpone(live)
                       : Fail(live, absl::StrCat("address validation: ", status->message()));
          }
          return OpenReview(live, std::get<ReviewDraft>(reasons[i]));
        });
    if (stored.ok()) {
      TellPeople(*stored, tell_);
    } else {
      LogWarning("verdicts_not_stored", {{"status", stored.status()}});
    }
    leases_.Remove(stopped);
  }
  if (!passed.empty()) pricer_.Price(std::move(passed));
}

}  // namespace psups::shipment_builder
