#include "services/ups-gateway/purchase/search_first.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/purchase/evidence.h"
#include "services/ups-gateway/wire/lane.h"
#include "services/ups-gateway/wire/shipment_check.h"

namespace psups::ups_gateway {
namespace {

// A control of any age shows that the channel works; how late it may be is waited for.
constexpr absl::Duration kControlAge = absl::Hours(24 * 7);
constexpr int kDaysBack = 14;

std::string Due(absl::Duration left) {
  return absl::StrCat(" It is tried again; in ",
                      absl::ToInt64Seconds(absl::Ceil(left, absl::Seconds(1))),
                      " s UPS's word counts.");
}

}  // namespace

bool SearchWantsControl(const Evidence& evidence) {
  return evidence.label == Evidence::Label::kNotFound &&
         evidence.track == Evidence::Track::kNotFound;
}

SearchVerdict JudgeSearch(const Evidence& evidence, absl::Duration since_notice,
                          const SearchSettings& settings) {
  using Kind = SearchVerdict::Kind;
  if (evidence.label == Evidence::Label::kFound || evidence.label == Evidence::Label::kSeveral ||
      evidence.label == Evidence::Label::kVoided || evidence.track == Evidence::Track::kFound) {
    return {.kind = Kind::kAtUps};
  }
  const std::string lost = "The database may have lost a purchase of this shipment";
  if (!SearchWantsControl(evidence)) {
    return {.kind = Kind::kWait,
            .reason = absl::StrCat(lost, ", and UPS does not say whether it has one",
                                   evidence.obstacle.empty() ? "" : ": ", evidence.obstacle,
                                   " It is asked again.")};
  }
  switch (evidence.control) {
    case Evidence::Control::kUnknown:
    case Evidence::Control::kNotFound:
      return {.kind = Kind::kWait,
              .reason = absl::StrCat(
                  lost,
                  "; UPS does not know one, but does not find one that exists either. It is "
                  "asked again.")};
    case Evidence::Control::kNone:
      if (since_notice >= std::max(settings.window, settings.settle)) return {.kind = Kind::kBuy};
      return {.kind = Kind::kWait,
              .reason = absl::StrCat(
                  lost, "; UPS does not know one, and there is no other to check its word by.",
                  Due(std::max(settings.window, settings.settle) - since_notice))};
    case Evidence::Control::kFound:
      break;
  }
  if (since_notice >= settings.settle) return {.kind = Kind::kBuy};
  return {.kind = Kind::kWait,
          .reason = absl::StrCat(lost, "; UPS does not know one yet.",
                                 Due(settings.settle - since_notice))};
}

struct SearchFirst::Search : Inquiry {
  Intent intent;
  SearchOrder order;
  SearchSettings settings;
  Done done;
};

void SearchFirst::Look(const Intent& intent, const SearchOrder& order, Done done) {
  auto search = std::make_shared<Search>();
  search->intent = intent;
  search->order = order;
  search->settings = settings_;
  search->done = std::move(done);
  const ups::v1::Account& account = intent.account->settings;
  if (account.has_rebuy_window()) {
    search->settings.settle = absl::Seconds(account.rebuy_window().seconds());
  }
  AskLabel(search);
}

void SearchFirst::AskLabel(const SearchPtr& search) {
  const ups::v1::ShipmentSpec& shipment = search->intent.request.shipment();
  asker_.Ask(search->intent.account,
             RecoveryByReferenceRequest(search->intent.account->settings,
                                        shipment.derived_reference(), shipment.label_format()),
             [this, search](AskResult result) {
               search->Keep(result);
               if (const HttpResponse* response = search->Reply(result)) {
                 ReadLabel(*response, search->intent.request.shipment().label_format(),
                           search->evidence);
               }
               if (search->evidence.label == Evidence::Label::kNotFound) return AskTrack(search);
               Conclude(search);
             });
}

void SearchFirst::AskTrack(const SearchPtr& search) {
  const absl::CivilDay today = absl::ToCivilDay(clock_.Now(), absl::UTCTimeZone());
  asker_.Ask(search->intent.account,
             TrackReferenceRequest(search->intent.account->settings,
                                   search->intent.request.shipment().derived_reference(),
                                   today - kDaysBack, today + kMostDaysAhead + 1),
             [this, search](AskResult result) {
               search->Keep(result);
               if (const HttpResponse* response = search->Reply(result)) {
                 ReadTrack(*response, search->evidence);
               }
               if (SearchWantsControl(search->evidence)) return AskControl(search);
               Conclude(search);
             });
}

void SearchFirst::AskControl(const SearchPtr& search) {
  const Intent& intent = search->intent;
  const absl::Time now = clock_.Now();
  const absl::StatusOr<std::string> reference =
      store_.FindControl({.call_id = NewCallId(now),
                          .account_id = intent.account->id,
                          .lane = LaneOf(intent.request.shipment()),
                          .create_time = now},
                         kControlAge);
  if (!reference.ok()) {
    Hinder(search->evidence, reference.status());
    return Conclude(search);
  }
  if (reference->empty()) {
    search->evidence.control = Evidence::Control::kNone;
    return Conclude(search);
  }
  const std::string& label_format = intent.request.shipment().label_format();
  asker_.Ask(intent.account,
             RecoveryByReferenceRequest(intent.account->settings, *reference, label_format),
             [this, search](AskResult result) {
               search->Keep(result);
               if (const HttpResponse* response = search->Reply(result)) {
                 ReadControl(*response, search->intent.request.shipment().label_format(),
                             search->evidence);
               }
               Conclude(search);
             });
}

void SearchFirst::Conclude(const SearchPtr& search) {
  using Kind = SearchVerdict::Kind;
  const SearchVerdict verdict =
      JudgeSearch(search->evidence, search->order.since_notice, search->settings);
  absl::StatusOr<bool> answer = verdict.kind == Kind::kAtUps;
  if (verdict.kind == Kind::kWait) answer = absl::UnavailableError(verdict.reason);
  if (search->exchanges.empty()) return search->done(answer);  // UPS was not reached
  const Intent& intent = search->intent;
  const char* const said = verdict.kind == Kind::kAtUps ? "AT_UPS"
                           : verdict.kind == Kind::kBuy ? "NOT_AT_UPS"
                                                        : "UNKNOWN";
  CallRecord record{.exchanges = search->exchanges, .account_id = intent.account->id};
  record.entry = {.action = "ups.search_first",
                  .subject = SubjectOf(intent.request.request_id()),
                  .actor = intent.actor,
                  .trace_id = intent.trace_id,
                  .detail = {{"request_id", intent.request.request_id()},
                             {"account", intent.request.account()},
                             {"reference", intent.request.shipment().derived_reference()},
                             {"epoch", search->order.epoch},
                             {"found", said},
                             {"calls", CallsDetail(search->exchanges)}},
                  .event_id = search->exchanges.front().call_id + ".outcome"};
  recorder_.Record(std::move(record), [search, answer](const absl::Status& stored) {
    search->done(stored.ok() ? answer : stored);
  });
}

}  // namespace psups::ups_gateway
