#include "services/ups-gateway/purchase/resolver.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/purchase/evidence.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/ups_answers.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

const CounterMetric kTwins(
    "psups_ups_twins_total",
    "Shipments that appeared after they counted as not made; each is voided.");

constexpr std::size_t kMostInFlight = 64;
constexpr absl::Duration kManifestOverlap = absl::Hours(1);  // for UPS's clock

}  // namespace

// One doubt, asked about once.
struct Resolver::Round : Inquiry {
  Doubt doubt;
  AccountPtr account;
  DoubtSettings settings;
  Finding finding;
};

Resolver::Resolver(CallStore& store, AccountBook& accounts, Asker& asker, ManifestSource& manifest,
                   const Clock& clock, DoubtSettings settings)
    : store_(store),
      accounts_(accounts),
      asker_(asker),
      manifest_(manifest),
      clock_(clock),
      settings_(settings),
      findings_("finding", 100, [this](const std::vector<FindingItem>& items) {
        std::vector<DoubtOutcome> outcomes;
        outcomes.reserve(items.size());
        for (const FindingItem& item : items) outcomes.push_back(item.outcome);
        return AllStored(store_.StoreFindings(outcomes), items.size());
      }) {}

absl::StatusOr<int> Resolver::Step() {
  std::size_t held = 0;
  {
    std::lock_guard lock(mutex_);
    held = held_.size();
  }
  if (held >= kMostInFlight) return 0;
  ASSIGN_OR_RETURN(std::vector<Doubt> due,
                   store_.LeaseDoubts(static_cast<int>(kMostInFlight - held), kDoubtLease));
  {
    std::lock_guard lock(mutex_);
    for (const Doubt& doubt : due) held_[doubt.call_id] = doubt.lease_id;
  }
  for (Doubt& doubt : due) Start(std::move(doubt));
  return static_cast<int>(due.size());
}

absl::Status Resolver::RenewLeases() {
  std::map<std::string, std::string> held;
  {
    std::lock_guard lock(mutex_);
    held = held_;
  }
  if (held.empty()) return absl::OkStatus();
  return store_.RenewDoubts(held, kDoubtLease);
}

void Resolver::Start(Doubt doubt) {
  auto round = std::make_shared<Round>();
  round->doubt = std::move(doubt);
  round->settings = settings_;
  accounts_.Find("accounts/" + round->doubt.account_id,
                 [this, round](absl::StatusOr<AccountPtr> account) {
                   if (!account.ok()) {
                     Hinder(round->evidence, account.status());
                     return Conclude(round);
                   }
                   round->account = *std::move(account);
                   if (round->account->settings.has_rebuy_window()) {
                     round->settings.rebuy_window =
                         absl::Seconds(round->account->settings.rebuy_window().seconds());
                   }
                   AskLabel(round);
                 });
}

void Resolver::AskLabel(const RoundPtr& round) {
  asker_.Ask(
      round->account,
      RecoveryByReferenceRequest(round->account->settings, round->doubt.reference,
                                 round->doubt.label_format),
      [this, round](AskResult result) {
        round->Keep(result);
        if (const HttpResponse* response = round->Reply(result)) {
          ReadLabel(*response, round->doubt.label_format, round->evidence);
        }
        // Recovery refuses some shipments for good, such as those of over 100 packages;
        // tracking may know them.
        if (round->evidence.label == Evidence::Label::kNotFound ||
            (round->evidence.label == Evidence::Label::kUnknown && round->evidence.refused)) {
          AskTrack(round);
        } else {
          Conclude(round);
        }
      });
}

void Resolver::AskTrack(const RoundPtr& round) {
  const absl::CivilDay sent = absl::ToCivilDay(round->doubt.create_time, absl::UTCTimeZone());
  const absl::CivilDay today = absl::ToCivilDay(clock_.Now(), absl::UTCTimeZone());
  asker_.Ask(round->account,
             TrackReferenceRequest(round->account->settings, round->doubt.reference, sent - 1,
                                   std::max(today + 1, sent + kMostDaysAhead + 1)),
             [this, round](AskResult result) {
               round->Keep(result);
               Evidence& evidence = round->evidence;
               if (const HttpResponse* response = round->Reply(result)) {
                 ReadTrack(*response, evidence);
               }
               if (evidence.number.empty()) evidence.number = round->doubt.known_number;
               const bool denied = evidence.label == Evidence::Label::kNotFound &&
                                   evidence.track == Evidence::Track::kNotFound &&
                                   evidence.number.empty();
               if (denied && manifest_.Ready(*round->account).ok()) return AskManifest(round);
               GoOn(round);
             });
}

// The third channel, where it is set up.
void Resolver::AskManifest(const RoundPtr& round) {
  manifest_.Fetch(round->account, round->doubt.create_time - kManifestOverlap,
                  [this, round](const absl::StatusOr<std::vector<ManifestLabel>>& labels) {
                    if (labels.ok()) {
                      ReadManifest(*labels, round->doubt.reference, round->evidence);
                    } else {
                      round->evidence.manifest = Evidence::Manifest::kUnknown;
                      Hinder(round->evidence, labels.status());
                    }
                    GoOn(round);
                  });
}

void Resolver::GoOn(const RoundPtr& round) {
  if (!round->evidence.number.empty()) {
    AskLabelByNumber(round);
  } else if (WantsControl(round->doubt, round->evidence, round->settings)) {
    AskControl(round);
  } else {
    Conclude(round);
  }
}

// Tracking has it, recovery by reference does not: its own number may open the label.
void Resolver::AskLabelByNumber(const RoundPtr& round) {
  asker_.Ask(round->account,
             RecoveryByNumberRequest(round->account->settings, round->evidence.number,
                                     round->doubt.label_format),
             [this, round](AskResult result) {
               round->Keep(result);
               if (const HttpResponse* response = round->Reply(result)) {
                 Evidence by_number;
                 ReadLabel(*response, round->doubt.label_format, by_number);
                 // One label of several is not the shipment: the other way stays open.
                 if (by_number.label == Evidence::Label::kFound &&
                     by_number.result.packages_size() == round->doubt.package_count) {
                   round->evidence.label = by_number.label;
                   round->evidence.result = std::move(by_number.result);
                 }
               }
               Conclude(round);
             });
}

void Resolver::AskControl(const RoundPtr& round) {
  const absl::StatusOr<std::string> reference =
      store_.FindControl(round->doubt, std::max(round->settings.rebuy_window, absl::Minutes(10)));
  if (!reference.ok()) {
    Hinder(round->evidence, reference.status());
    return Conclude(round);
  }
  if (reference->empty()) {
    round->evidence.control = Evidence::Control::kNone;
    return Conclude(round);
  }
  asker_.Ask(
      round->account,
      RecoveryByReferenceRequest(round->account->settings, *reference, round->doubt.label_format),
      [this, round](AskResult result) {
        round->Keep(result);
        if (const HttpResponse* response = round->Reply(result)) {
          ReadControl(*response, round->doubt.label_format, round->evidence);
        }
        Conclude(round);
      });
}

void Resolver::Conclude(const RoundPtr& round) {
  round->finding = Settle(round->doubt, round->evidence, round->settings);
  if (!round->finding.twin.empty()) return VoidTwin(round, round->finding.twin);
  Store(round);
}

void Resolver::VoidTwin(const RoundPtr& round, const std::string& ups_shipment_id) {
  round->unrecorded.push_back(asker_.Intend());
  const std::string call_id = NewCallId(clock_.Now());
  const absl::Status intended =
      store_.Record({{.entry = {.action = "ups.void.intent",
                                .subject = SubjectOf(round->doubt.request_id),
                                .trace_id = round->doubt.trace_id,
                                .detail = {{"call_id", call_id},
                                           {"of_call_id", round->doubt.call_id},
                                           {"twin", ups_shipment_id}},
                                .event_id = call_id + ".intent"}}});
  // However long the watch has been: what was found is not let go until it is void.
  if (round->finding.next_wait == absl::InfiniteDuration()) {
    round->finding.next_wait = round->settings.most_wait;
  }
  if (!intended.ok()) return Store(round);  // found again in the next round
  asker_.Ask(
      round->account, VoidRequest(round->account->settings, ups_shipment_id),
      [this, round](AskResult result) {
        round->Keep(result);
        const HttpResponse* response = round->Reply(result);
        const bool voided = response != nullptr && ReadVoid(*response, {}).ok();
        if (voided) {
          round->finding.doubt = "A late twin appeared at UPS and was voided.";
          round->finding.next_wait = absl::InfiniteDuration();
        } else {
          round->finding.doubt = "A late twin appeared at UPS and is being voided.";
        }
        kTwins().Increment();
        LogError("ups_twin_found", {{"call", round->doubt.call_id},
                                    {"twin", round->finding.twin},
                                    {"voided", voided ? "yes" : "not yet"}});
        Store(round);
      },
      call_id);
}

void Resolver::Store(const RoundPtr& round) {
  const Doubt& doubt = round->doubt;
  const Finding& finding = round->finding;
  if (finding.needs_person && !doubt.needs_person) {
    LogWarning(
        "ups_call_needs_person",
        {{"call", doubt.call_id}, {"request_id", doubt.request_id}, {"trace_id", doubt.trace_id}});
  }
  if (finding.state != pb::Call::IN_DOUBT && !doubt.not_made) {
    LogInfo("ups_call_resolved", {{"call", doubt.call_id},
                                  {"request_id", doubt.request_id},
                                  {"state", pb::Call::State_Name(finding.state)}});
  }
  if (doubt.not_made && finding.twin.empty() && !finding.doubt.empty()) {
    LogError(
        "ups_twins_not_told_apart",
        {{"call", doubt.call_id}, {"request_id", doubt.request_id}, {"next_step", finding.doubt}});
  }
  DoubtOutcome outcome{.doubt = doubt, .finding = finding, .exchanges = round->exchanges};
  nlohmann::json detail = {
      {"request_id", doubt.request_id},       {"of_call_id", doubt.call_id},
      {"reference", doubt.reference},         {"state", pb::Call::State_Name(finding.state)},
      {"needs_person", finding.needs_person}, {"calls", CallsDetail(round->exchanges)}};
  if (finding.state == pb::Call::DONE) {
    detail["ups_shipment_id"] = finding.result.ups_shipment_id();
    for (const auto& package : finding.result.packages()) {
      detail["tracking_numbers"].push_back(package.tracking_number());
    }
  }
  if (!finding.twin.empty()) detail["twin"] = finding.twin;
  outcome.entry = {.action = "ups.recovery",
                   .subject = SubjectOf(doubt.request_id),
                   .trace_id = doubt.trace_id,
                   .detail = std::move(detail),
                   .event_id = NewCallId(clock_.Now())};
  findings_.Add({std::move(outcome), [this, round](const absl::StatusOr<std::monostate>& stored) {
                   {
                     std::lock_guard lock(mutex_);
                     const auto found = held_.find(round->doubt.call_id);
                     if (found != held_.end() && found->second == round->doubt.lease_id) {
                       held_.erase(found);
                     }
                   }
                   if (!stored.ok()) {
                     LogError("finding_not_stored",
                              {{"call", round->doubt.call_id}, {"status", stored.status()}});
                   }
                 }});
}

}  // namespace psups::ups_gateway
