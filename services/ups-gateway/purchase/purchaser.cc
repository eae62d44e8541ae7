#include "services/ups-gateway/purchase/purchaser.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/config_alarm.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr std::size_t kMostInACommit = 200;
// From the intent's commit to the end of the sender's right to send, and what it may take to store
// the answer: only after these and the timeout is silence a doubt.
constexpr absl::Duration kLease = absl::Seconds(10);
constexpr absl::Duration kSlack = absl::Seconds(5);
constexpr int kTriesOfUnknownCommit = 5;

const CounterMetric kOutcomes("psups_ups_call_outcomes_total",
                              "Purchases at UPS by how their POST ended.", {"state"});
const CounterMetric kRefused("psups_ups_purchases_refused_total",
                             "Purchases that were not let in, by a cap or because buying is "
                             "stopped; they may be tried again.",
                             {"reason"});

void CountOutcome(pb::Call::State state) { kOutcomes(pb::Call::State_Name(state)).Increment(); }

void CountRefused(const std::string& reason) { kRefused(reason).Increment(); }

// What a caller is told of a call that stood there before.
absl::StatusOr<pb::Call> StoredReply(const IntentAnswer& stored) {
  if (!stored.same_content) {
    return absl::AlreadyExistsError(absl::StrCat(
        "request_id: \"", stored.call.request_id(),
        "\" stands for another content, want a new purchase number for a new content"));
  }
  if (stored.call.state() == pb::Call::SENT) {
    return absl::AbortedError(
        absl::StrCat(stored.call.request_id(), " is being sent; ask again in a moment"));
  }
  return stored.call;
}

nlohmann::json IntentDetail(const Intent& intent) {
  return {{"call_id", intent.call_id},
          {"request_id", intent.request.request_id()},
          {"account", intent.request.account()},
          {"connection", intent.request.connection()},
          {"reference", intent.request.shipment().derived_reference()},
          {"service", intent.request.shipment().service_code()},
          {"packages", intent.request.shipment().packages_size()}};
}

nlohmann::json OutcomeDetail(const CallOutcome& outcome, int http_status) {
  nlohmann::json detail = {{"call_id", outcome.call_id},
                           {"request_id", outcome.request_id},
                           {"account", "accounts/" + outcome.account_id},
                           {"state", pb::Call::State_Name(outcome.state)},
                           {"http_status", http_status}};
  if (outcome.state == pb::Call::DONE) {
    nlohmann::json numbers = nlohmann::json::array();
    for (const auto& package : outcome.result.packages()) {
      numbers.push_back(package.tracking_number());
    }
    detail["ups_shipment_id"] = outcome.result.ups_shipment_id();
    detail["tracking_numbers"] = std::move(numbers);
    if (outcome.result.has_charges()) {
      detail["charges_minor"] = outcome.result.charges().amount_minor();
      detail["currency"] = outcome.result.charges().currency_code();
    }
  }
  if (!outcome.error.ups_code().empty()) detail["ups_code"] = outcome.error.ups_code();
  return detail;
}

}  // namespace

struct Purchaser::Purchase {
  Intent intent;
  Done done;
  FlowPassPtr pass;
  Token token;
  WireRequest wire;
  std::string success;  // the body of a 2xx, without labels
  // Both taken before the intent's transaction began: the commit is not older.
  std::chrono::steady_clock::time_point intended;
  absl::Time intended_wall;
};

Purchaser::Purchaser(CallStore& store, UpsLine line, SearchFirst& search, Wakeup& doubts,
                     Options options)
    : store_(store),
      line_(std::move(line)),
      search_(search),
      doubts_(doubts),
      options_(options),
      outcomes_("ship_outcome", kMostInACommit,
                [this](const std::vector<OutcomeItem>& items) {
                  std::vector<CallOutcome> outcomes;
                  outcomes.reserve(items.size());
                  for (const OutcomeItem& item : items) outcomes.push_back(item.outcome);
                  return store_.StoreOutcomes(outcomes);
                }),
      intents_(kMostInACommit,
               [this](std::vector<PurchasePtr> purchases) { StoreIntents(std::move(purchases)); }) {
}

void Purchaser::Create(AccountPtr account, pb::CreateShipmentRequest request, std::string actor,
                       std::string trace_id, Done done) {
  if (absl::Status status = CheckRequestId(request.request_id(), "purchases"); !status.ok()) {
    return done(status);
  }
  if (absl::Status status = CheckConnection(request.connection()); !status.ok()) {
    return done(status);
  }
  if (absl::Status status = CheckShipBy(request.ship_by_date()); !status.ok()) {
    return done(status);
  }
  if (absl::Status status = CheckExpectedCost(request); !status.ok()) return done(status);
  auto purchase = std::make_shared<Purchase>();
  purchase->done = std::move(done);
  Intent& intent = purchase->intent;
  intent.account = std::move(account);
  intent.request = std::move(request);
  intent.actor = std::move(actor);
  intent.trace_id = std::move(trace_id);
  intent.answer_within =
      kLease + kSlack + absl::Seconds(intent.account->settings.ship_timeout_seconds());
  // A stored answer counts more than that today the same content would be refused, or that there is
  // no token for it, or that it would have to wait for its turn.
  if (absl::Status status = CheckShipment(intent.request.shipment(),
                                          intent.account->settings.shipper(), line_.clock.Now());
      !status.ok()) {
    return AnswerStored(purchase, status);
  }
  if (line_.treasury.HasToken(*intent.account, Operation::kShip) &&
      line_.flow.Free(intent.account, Operation::kShip)) {
    WithPass(purchase);
  } else {
    AnswerStored(purchase, absl::OkStatus());
  }
}

// Answers with what stands under the request_id; with `otherwise` if nothing does, or goes on if
// that is OK.
void Purchaser::AnswerStored(const PurchasePtr& purchase, const absl::Status& otherwise) {
  line_.post([this, purchase, otherwise] {
    const absl::StatusOr<IntentAnswer> stored = store_.Find(purchase->intent.request);
    if (stored.ok()) return purchase->done(StoredReply(*stored));
    if (!absl::IsNotFound(stored.status())) return purchase->done(stored.status());
    if (!otherwise.ok()) return purchase->done(otherwise);
    WithPass(purchase);
  });
}

// Before the intent: once that is stored there is no time to wait.
void Purchaser::WithPass(const PurchasePtr& purchase) {
  const Intent& intent = purchase->intent;
  CallOrigin origin{.caller = FlowCaller(intent.actor), .ship_by = intent.request.ship_by_date()};
  if (origin.ship_by.empty()) {
    origin.ship_by = absl::FormatTime("%Y%m%d", line_.clock.Now(), absl::UTCTimeZone());
  }
  line_.flow.Admit(intent.account, Operation::kShip, std::move(origin),
                   [this, purchase](absl::StatusOr<FlowPassPtr> pass) {
                     if (!pass.ok()) return purchase->done(pass.status());
                     purchase->pass = *std::move(pass);
                     WithToken(purchase);
                   });
}

void Purchaser::WithToken(const PurchasePtr& purchase) {
  line_.treasury.Get(purchase->intent.account, Operation::kShip,
                     [this, purchase](absl::StatusOr<Token> token) {
                       if (!token.ok()) return purchase->done(token.status());
                       purchase->token = *std::move(token);
                       intents_.Add(purchase);
                     });
}

void Purchaser::StoreIntents(std::vector<PurchasePtr> purchases) {
  const auto intended = std::chrono::steady_clock::now();
  const absl::Time intended_wall = line_.clock.Now();
  std::vector<Intent> intents;
  intents.reserve(purchases.size());
  for (const PurchasePtr& purchase : purchases) {
    purchase->intended = intended;
    purchase->intended_wall = intended_wall;
    purchase->intent.call_id = NewCallId(intended_wall);
    intents.push_back(purchase->intent);
  }
  absl::StatusOr<std::vector<IntentAnswer>> answers = store_.StoreIntents(intents);
  // COMMIT may have happened: asked again until that is known, for the rows would be in doubt.
  for (int i = 0; i < kTriesOfUnknownCommit && absl::IsUnknown(answers.status()); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    answers = store_.StoreIntents(intents);
    if (!answers.ok()) answers = absl::UnknownError(answers.status().message());
  }
  if (!answers.ok()) {
    const bool unknown = absl::IsUnknown(answers.status());
    for (const PurchasePtr& purchase : purchases) {
      if (unknown && purchase->intent.at_ups) {
        purchase->done(absl::UnavailableError(answers.status().message()));
      } else if (unknown) {
        // Nothing was sent; should the row stand, that is to be known.
        StoreOutcome(purchase, {.state = pb::Call::NOT_MADE});
      } else {
        purchase->done(absl::Status(absl::IsResourceExhausted(answers.status())
                                        ? absl::StatusCode::kUnavailable
                                        : answers.status().code(),
                                    answers.status().message()));
      }
    }
    return;
  }
  for (std::size_t i = 0; i < purchases.size(); ++i) {
    IntentAnswer& answer = (*answers)[i];
    if (!answer.refusal.ok()) {
      if (!answer.refused_by.empty()) CountRefused(answer.refused_by);
      purchases[i]->done(answer.refusal);
    } else if (answer.search) {
      LookFirst(purchases[i], *answer.search);
    } else if (!answer.ours) {
      purchases[i]->done(StoredReply(answer));
    } else if (purchases[i]->intent.at_ups) {
      doubts_.Notify();
      purchases[i]->done(store_.Get(purchases[i]->intent.request.request_id()));
    } else {
      Send(purchases[i]);
    }
  }
}

void Purchaser::LookFirst(const PurchasePtr& purchase, const SearchOrder& order) {
  purchase->pass.reset();  // others go meanwhile
  search_.Look(purchase->intent, order, [this, purchase, order](const absl::StatusOr<bool>& found) {
    if (!found.ok()) return purchase->done(found.status());
    purchase->intent.searched_epoch = order.epoch;
    purchase->intent.at_ups = *found;
    // It took its time: the token may have expired. What is not sent needs none.
    if (*found) {
      intents_.Add(purchase);
    } else {
      WithPass(purchase);
    }
  });
}

void Purchaser::Send(const PurchasePtr& purchase) {
  const Intent& intent = purchase->intent;
  purchase->wire = ShipRequest(intent.account->settings, intent.request.shipment());
  UpsRequest request{.wire = purchase->wire,
                     .call_id = intent.call_id,
                     .authorization = "Bearer " + *purchase->token.value,
                     .timeout = absl::Seconds(intent.account->settings.ship_timeout_seconds())};
  // The lease on the row is ours for kLease from its commit; the fence lies well inside, measured
  // by a clock that nobody sets and by the one that goes on while the machine sleeps.
  request.before_body = [this, intended = purchase->intended,
                         intended_wall = purchase->intended_wall] {
    return absl::FromChrono(std::chrono::steady_clock::now() - intended) <= options_.fence &&
           line_.clock.Now() - intended_wall <= options_.fence;
  };
  line_.api.Send(*intent.account, std::move(request),
                 [this, purchase, unrecorded = line_.unrecorded.Begin()](HttpOutcome outcome) {
                   line_.post([this, purchase, unrecorded, outcome = std::move(outcome)]() mutable {
                     OnOutcome(purchase, std::move(outcome));
                   });
                 });
}

void Purchaser::OnOutcome(const PurchasePtr& purchase, HttpOutcome http) {
  purchase->pass->End(http);
  const Intent& intent = purchase->intent;
  ShipJudgement judgement = JudgeShip(http, intent.request.shipment());
  if (judgement.token_refused) {
    line_.treasury.Refused(*intent.account, Operation::kShip, purchase->token);
  }
  CallOutcome outcome{.state = judgement.state,
                      .result = std::move(judgement.result),
                      .error = std::move(judgement.error),
                      .doubt = std::move(judgement.doubt)};
  if (http.response.ok() &&
      Look(Operation::kShip, CodeOf(*http.response), judgement.http_status).action ==
          Action::kConfigure) {
    RaiseConfigAlarm(Operation::kShip);
    outcome.account_error = std::string(StatusFromUps(Operation::kShip, *http.response).message());
  }
  if (http.body_started || http.response.ok()) {
    Exchange exchange{.call_id = intent.call_id,
                      .account_id = intent.account->id,
                      .operation = Operation::kShip,
                      .http_status = judgement.http_status};
    exchange.request = absl::StrCat(purchase->wire.target, "\n", purchase->wire.body);
    if (http.response.ok()) {
      exchange.response = WithoutLabels(http.response->body);
      exchange.code = ErrorCodeOf(*http.response);
      if (judgement.http_status / 100 == 2) purchase->success = exchange.response;
    } else {
      exchange.error = std::string(http.response.status().message());
    }
    outcome.exchange = std::move(exchange);
  }
  StoreOutcome(purchase, std::move(outcome));
}

void Purchaser::StoreOutcome(const PurchasePtr& purchase, CallOutcome outcome) {
  const Intent& intent = purchase->intent;
  outcome.call_id = intent.call_id;
  outcome.request_id = intent.request.request_id();
  outcome.account_id = intent.account->id;
  outcome.ask_after = options_.first_wait;
  outcome.entry = {
      .action = "ups.ship.outcome",
      .subject = SubjectOf(outcome.request_id),
      .actor = intent.actor,
      .trace_id = intent.trace_id,
      .detail = OutcomeDetail(outcome, outcome.exchange ? outcome.exchange->http_status : 0),
      .event_id = intent.call_id + ".outcome"};
  CountOutcome(outcome.state);
  if (outcome.state == pb::Call::IN_DOUBT) {
    LogWarning("ups_call_in_doubt", {{"call", outcome.call_id},
                                     {"request_id", outcome.request_id},
                                     {"trace_id", intent.trace_id}});
  }
  pb::Call call;
  call.set_name("calls/" + outcome.call_id);
  call.set_request_id(outcome.request_id);
  call.set_account(intent.request.account());
  call.set_state(outcome.state);
  if (outcome.state == pb::Call::DONE) *call.mutable_result() = outcome.result;
  if (outcome.state == pb::Call::REJECTED) *call.mutable_error() = outcome.error;
  call.set_doubt(outcome.doubt);
  outcomes_.Add(
      {std::move(outcome),
       [this, purchase, call = std::move(call)](absl::StatusOr<OutcomeAnswer> answer) mutable {
         line_.drift.Look(Operation::kShip, purchase->success);
         if (!answer.ok()) return purchase->done(answer.status());
         if (answer->standing == pb::Call::STATE_UNSPECIFIED) {
           return purchase->done(
               absl::UnavailableError("the purchase could not be stored; nothing was sent"));
         }
         if (call.state() == pb::Call::IN_DOUBT) doubts_.Notify();
         if (!answer->applied) {
           // The resolver was faster, and what it decided stands; or it was stored at an earlier
           // try.
           if (answer->standing != call.state()) {
             LogWarning("ups_answer_late", {{"call", call.name()},
                                            {"state", pb::Call::State_Name(answer->standing)},
                                            {"answer", pb::Call::State_Name(call.state())}});
           }
           return purchase->done(store_.Get(purchase->intent.request.request_id()));
         }
         call.mutable_create_time()->set_seconds(absl::ToUnixSeconds(answer->create_time));
         call.mutable_update_time()->set_seconds(absl::ToUnixSeconds(answer->update_time));
         purchase->done(std::move(call));
       }});
}

AuditEntry IntentEntry(const Intent& intent) {
  return {.action = "ups.ship.intent",
          .subject = SubjectOf(intent.request.request_id()),
          .actor = intent.actor,
          .trace_id = intent.trace_id,
          .detail = IntentDetail(intent),
          .event_id = intent.call_id + ".intent"};
}

}  // namespace psups::ups_gateway
