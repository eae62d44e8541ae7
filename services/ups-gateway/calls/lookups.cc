#include "services/ups-gateway/calls/lookups.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/ups_answers.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr std::size_t kMostReferenceCharacters = 35;
constexpr int kDaysBack = 14;
constexpr int kDaysAhead = 8;
// Five times as many packages as UPS takes in one shipment.
constexpr int kMostPages = 20;

// The days between which a shipment was to leave.
struct Days {
  absl::CivilDay from;
  absl::CivilDay to;
};

template <typename Request>
absl::StatusOr<Days> CheckReference(const Request& request, absl::Time now) {
  RETURN_IF_ERROR(CheckText(request.reference(), 1, kMostReferenceCharacters, "reference"));
  const absl::CivilDay today = absl::ToCivilDay(now, absl::UTCTimeZone());
  Days days{.from = today - kDaysBack, .to = today + kDaysAhead};
  if (!request.from_date().empty()) {
    RETURN_IF_ERROR(CheckDay(request.from_date(), "from_date", days.from));
  }
  if (!request.to_date().empty()) {
    RETURN_IF_ERROR(CheckDay(request.to_date(), "to_date", days.to));
  }
  if (days.from <= days.to) return days;
  return Refuse("to_date", Quoted(request.to_date()), "no day before from_date");
}

absl::Status CheckRecovery(const pb::RecoverLabelRequest& request) {
  RETURN_IF_ERROR(CheckLabelFormat(request.label_format(), "label_format"));
  switch (request.key_case()) {
    case pb::RecoverLabelRequest::kTrackingNumber:
      return CheckLabelNumber(request.tracking_number(), "tracking_number");
    case pb::RecoverLabelRequest::kReference:
      return CheckText(request.reference(), 1, kMostReferenceCharacters, "reference");
    case pb::RecoverLabelRequest::KEY_NOT_SET:
      break;
  }
  return Refuse("key", "none", "tracking_number or reference");
}

AuditEntry Entry(const char* action, const Caller& caller, nlohmann::json detail) {
  return {.action = action,
          .actor = caller.identity,
          .trace_id = caller.trace_id,
          .detail = std::move(detail)};
}

template <typename Response>
void Take(TrackedPackages tracked, Response& response) {
  for (pb::TrackingActivity& activity : tracked.activities) {
    *response.add_activities() = std::move(activity);
  }
  for (std::string& number : tracked.tracking_numbers) {
    response.add_tracking_numbers(std::move(number));
  }
}

// Adds a page's packages to those of the pages before; true if more are to be asked for.
absl::StatusOr<bool> TakePage(TrackedPackages page, int pages, pb::TrackPackageResponse& response) {
  const int count = page.package_count;
  const auto& known = response.tracking_numbers();
  const auto is_new = [&](const std::string& number) {
    return std::find(known.begin(), known.end(), number) == known.end();
  };
  const bool fresh =
      std::all_of(page.tracking_numbers.begin(), page.tracking_numbers.end(), is_new);
  if (pages > 1 && (page.tracking_numbers.empty() || !fresh)) {
    return absl::DataLossError("UPS's pages of a shipment do not fit together");
  }
  Take(std::move(page), response);
  response.set_found(!response.tracking_numbers().empty());
  if (response.tracking_numbers_size() >= count) return false;
  if (pages < kMostPages) return true;
  return absl::DataLossError(
      absl::StrCat("UPS says that a shipment has ", count, " packages, more than it takes"));
}

void SortActivities(pb::TrackPackageResponse& response) {
  auto& activities = *response.mutable_activities();
  std::vector<pb::TrackingActivity> sorted(std::make_move_iterator(activities.begin()),
                                           std::make_move_iterator(activities.end()));
  SortByTime(sorted);
  std::move(sorted.begin(), sorted.end(), activities.begin());
}

}  // namespace

template <typename Response>
struct Lookups::Question {
  AccountPtr account = {};
  AuditEntry entry = {};
  Reply<Response> done = {};
  Response response = {};
  std::vector<Exchange> exchanges = {};
  std::vector<std::shared_ptr<void>> unrecorded = {};
};

template <typename Response>
void Lookups::Begin(const std::string& account, AuditEntry entry, Reply<Response> done,
                    std::function<void(const QuestionPtr<Response>&)> ask) {
  auto question = std::make_shared<Question<Response>>();
  question->entry = std::move(entry);
  question->done = std::move(done);
  accounts_.Find(account, [question, ask = std::move(ask)](absl::StatusOr<AccountPtr> found) {
    if (!found.ok()) return question->done(found.status());
    question->account = *std::move(found);
    question->entry.detail["account"] = "accounts/" + question->account->id;
    if (question->entry.subject.empty()) {
      question->entry.subject = "accounts/" + question->account->id;
    }
    ask(question);
  });
}

template <typename Response>
void Lookups::Ask(const QuestionPtr<Response>& question, WireRequest wire,
                  std::function<void(const HttpResponse&)> read) {
  asker_.Ask(question->account, std::move(wire),
             [this, question, read = std::move(read)](AskResult asked) {
               std::move(asked.exchanges.begin(), asked.exchanges.end(),
                         std::back_inserter(question->exchanges));
               question->unrecorded.push_back(std::move(asked.unrecorded));
               if (!asked.response.ok()) return End(question, asked.response.status());
               read(*asked.response);
             },
             /*call_id=*/{}, {.caller = FlowCaller(question->entry.actor)});
}

template <typename Response>
void Lookups::End(const QuestionPtr<Response>& question, const absl::Status& status) {
  absl::StatusOr<Response> result = std::move(question->response);
  if (!status.ok()) result = AsOutage(status);
  if (question->exchanges.empty()) return question->done(std::move(result));  // not reached
  question->entry.event_id = question->exchanges.front().call_id + ".outcome";
  question->entry.detail["calls"] = CallsDetail(question->exchanges);
  question->entry.detail["status"] = absl::StatusCodeToString(result.status().code());
  CallRecord record{.exchanges = std::move(question->exchanges),
                    .entry = std::move(question->entry),
                    .account_id = question->account->id,
                    .account_error = AccountError(result.status())};
  recorder_.Record(std::move(record),
                   [question, result = std::move(result)](const absl::Status& stored) {
                     question->unrecorded.clear();
                     question->done(stored.ok() ? result : stored);
                   });
}

void Lookups::RecoverLabel(const pb::RecoverLabelRequest& request, const Caller& caller,
                           Reply<pb::RecoverLabelResponse> done) {
  if (absl::Status status = CheckRecovery(request); !status.ok()) return done(status);
  const bool by_number = request.key_case() == pb::RecoverLabelRequest::kTrackingNumber;
  AuditEntry entry = Entry("ups.recover_label", caller,
                           {{by_number ? "tracking_number" : "reference",
                             by_number ? request.tracking_number() : request.reference()}});
  Begin<pb::RecoverLabelResponse>(
      request.account(), std::move(entry), std::move(done),
      [this, request, by_number](const QuestionPtr<pb::RecoverLabelResponse>& question) {
        const pb::Account& account = question->account->settings;
        Ask(question,
            by_number
                ? RecoveryByNumberRequest(account, request.tracking_number(),
                                          request.label_format())
                : RecoveryByReferenceRequest(account, request.reference(), request.label_format()),
            [this, question, format = request.label_format()](const HttpResponse& response) {
              absl::StatusOr<pb::RecoverLabelResponse> answer = ReadRecovery(response, format);
              if (!answer.ok()) return End(question, answer.status());
              question->response = *std::move(answer);
              question->entry.detail["outcome"] =
                  pb::RecoverLabelResponse::Outcome_Name(question->response.outcome());
              End(question, absl::OkStatus());
            });
      });
}

void Lookups::FindShipment(const pb::FindShipmentByReferenceRequest& request, const Caller& caller,
                           Reply<pb::FindShipmentByReferenceResponse> done) {
  const absl::StatusOr<Days> days = CheckReference(request, clock_.Now());
  if (!days.ok()) return done(days.status());
  using Response = pb::FindShipmentByReferenceResponse;
  Begin<Response>(
      request.account(), Entry("ups.find_shipment", caller, {{"reference", request.reference()}}),
      std::move(done),
      [this, reference = request.reference(), days = *days](const QuestionPtr<Response>& question) {
        const auto track = [this, question](const HttpResponse& response) {
          absl::StatusOr<TrackedPackages> tracked =
              ReadTrackedPackages(Operation::kTrackReference, response);
          if (!tracked.ok()) return End(question, tracked.status());
          question->response.set_tracked(!tracked->tracking_numbers.empty());
          if (question->response.tracking_numbers().empty()) {
            for (const std::string& number : tracked->tracking_numbers) {
              question->response.add_tracking_numbers(number);
            }
          }
          question->entry.detail["recovery"] =
              pb::RecoverLabelResponse::Outcome_Name(question->response.recovery());
          question->entry.detail["tracked"] = question->response.tracked();
          End(question, absl::OkStatus());
        };
        Ask(question, RecoveryByReferenceRequest(question->account->settings, reference, ""),
            [this, question, reference, days, track](const HttpResponse& response) {
              const absl::StatusOr<pb::RecoverLabelResponse> answer = ReadRecovery(response, "");
              if (!answer.ok()) return End(question, answer.status());
              question->response.set_recovery(answer->outcome());
              for (const auto& package : answer->result().packages()) {
                question->response.add_tracking_numbers(package.tracking_number());
              }
              Ask<Response>(
                  question,
                  TrackReferenceRequest(question->account->settings, reference, days.from, days.to),
                  track);
            });
      });
}

void Lookups::QuoteRates(const pb::QuoteRatesRequest& request, const Caller& caller,
                         Reply<pb::QuoteRatesResponse> done) {
  const std::string& service = request.shipment().service_code();
  Begin<pb::QuoteRatesResponse>(
      request.account(),
      Entry("ups.rating", caller, {{"service", service.empty() ? "all" : service}}),
      std::move(done),
      [this, shipment = request.shipment()](const QuestionPtr<pb::QuoteRatesResponse>& question) {
        const pb::Account& account = question->account->settings;
        const absl::Status status = CheckPricedShipment(shipment, account.shipper(), clock_.Now());
        if (!status.ok()) return End(question, status);
        Ask(question, RateRequest(account, shipment),
            [this, question](const HttpResponse& response) {
              absl::StatusOr<pb::QuoteRatesResponse> rates = ReadRates(response);
              if (!rates.ok()) return End(question, rates.status());
              question->response = *std::move(rates);
              question->entry.detail["quotes"] = question->response.quotes_size();
              End(question, absl::OkStatus());
            });
      });
}

void Lookups::TrackPackage(const pb::TrackPackageRequest& request, const Caller& caller,
                           Reply<pb::TrackPackageResponse> done) {
  if (absl::Status status = CheckTrackingNumber(request.tracking_number(), "tracking_number");
      !status.ok()) {
    return done(status);
  }
  AuditEntry entry = Entry("ups.track", caller, nlohmann::json::object());
  entry.subject = "trackers/" + request.tracking_number();
  Begin<pb::TrackPackageResponse>(
      request.account(), std::move(entry), std::move(done),
      [this, number = request.tracking_number(),
       whole = request.whole_shipment()](const QuestionPtr<pb::TrackPackageResponse>& question) {
        if (whole) return AskPage(question, number, 1);
        Ask(question, TrackRequest(number), [this, question, number](const HttpResponse& response) {
          absl::StatusOr<pb::TrackPackageResponse> tracked = ReadTrack(response, number);
          if (!tracked.ok()) return End(question, tracked.status());
          question->response = *std::move(tracked);
          End(question, absl::OkStatus());
        });
      });
}

// The `pages`th page, and those after it.
void Lookups::AskPage(const QuestionPtr<pb::TrackPackageResponse>& question,
                      const std::string& number, int pages) {
  Ask(question, TrackShipmentRequest(number, question->response.tracking_numbers_size()),
      [this, question, number, pages](const HttpResponse& response) {
        absl::StatusOr<TrackedPackages> page = ReadTrackedPackages(Operation::kTrack, response);
        if (!page.ok()) return End(question, page.status());
        const absl::StatusOr<bool> more = TakePage(*std::move(page), pages, question->response);
        if (!more.ok()) return End(question, more.status());
        if (*more) return AskPage(question, number, pages + 1);
        SortActivities(question->response);
        End(question, absl::OkStatus());
      });
}

void Lookups::TrackByReference(const pb::TrackByReferenceRequest& request, const Caller& caller,
                               Reply<pb::TrackByReferenceResponse> done) {
  const absl::StatusOr<Days> days = CheckReference(request, clock_.Now());
  if (!days.ok()) return done(days.status());
  Begin<pb::TrackByReferenceResponse>(
      request.account(), Entry("ups.track_reference", caller, {{"reference", request.reference()}}),
      std::move(done),
      [this, reference = request.reference(),
       days = *days](const QuestionPtr<pb::TrackByReferenceResponse>& question) {
        Ask(question,
            TrackReferenceRequest(question->account->settings, reference, days.from, days.to),
            [this, question](const HttpResponse& response) {
              absl::StatusOr<TrackedPackages> tracked =
                  ReadTrackedPackages(Operation::kTrackReference, response);
              if (!tracked.ok()) return End(question, tracked.status());
              Take(*std::move(tracked), question->response);
              End(question, absl::OkStatus());
            });
      });
}

}  // namespace psups::ups_gateway
