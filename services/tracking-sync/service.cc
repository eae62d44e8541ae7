#include "services/tracking-sync/service.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "common/status_macros.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

constexpr int kMostTrackers = 500;
constexpr int kMostContents = 500;
constexpr absl::Duration kMostWait = absl::Seconds(30);

absl::Status Wrong(std::string_view field, std::string_view got, std::string_view want) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": \"", std::string(got), "\", want ", std::string(want)));
}

absl::Status CheckNumber(const std::string& field, const std::string& number) {
  const bool plain = std::all_of(number.begin(), number.end(), [](unsigned char c) {
    return absl::ascii_isdigit(c) || absl::ascii_isupper(c);
  });
  if (number.size() < 7 || number.size() > 34 || !plain) {
    return Wrong(field, number, "7 to 34 upper-case letters and digits");
  }
  return absl::OkStatus();
}

absl::Status CheckName(const std::string& field, const std::string& name, const char* prefix) {
  if (!absl::StartsWith(name, prefix) || name.size() == std::string_view(prefix).size()) {
    return Wrong(field, name, absl::StrCat(prefix, "{id}").c_str());
  }
  return absl::OkStatus();
}

absl::Status CheckTracker(const std::string& field,
                          const pb::CreateTrackersRequest::NewTracker& tracker) {
  RETURN_IF_ERROR(CheckNumber(field + ".tracking_number", tracker.tracking_number()));
  RETURN_IF_ERROR(CheckName(field + ".account", tracker.account(), "accounts/"));
  RETURN_IF_ERROR(CheckName(field + ".shipment", tracker.shipment(), "shipments/"));
  const type::v1::DocumentKey& document = tracker.document();
  RETURN_IF_ERROR(CheckName(field + ".document.connection", document.connection(), "connections/"));
  if (document.document_type() != type::v1::PURCHASE_ORDER &&
      document.document_type() != type::v1::REQUISITION) {
    return Wrong(field + ".document.document_type",
                 type::v1::DocumentType_Name(document.document_type()),
                 "PURCHASE_ORDER or REQUISITION");
  }
  if (document.business_unit().empty() || document.document_id().empty()) {
    return Wrong(field + ".document", document.document_id(), "a business unit and a document id");
  }
  if (tracker.contents().empty() || tracker.contents_size() > kMostContents) {
    return Wrong(field + ".contents", absl::StrCat(tracker.contents_size()).c_str(),
                 "1 to 500 schedules");
  }
  std::set<std::pair<int, int>> schedules;
  for (const type::v1::ScheduleQuantity& content : tracker.contents()) {
    if (content.line_number() < 1 || content.schedule_number() < 1) {
      return Wrong(field + ".contents",
                   absl::StrCat(content.line_number(), "/", content.schedule_number()),
                   "a line and a schedule number from 1");
    }
    const absl::StatusOr<Decimal> quantity = Decimal::Parse(content.quantity());
    if (!quantity.ok() || *quantity <= Decimal()) {
      return Wrong(field + ".contents.quantity", content.quantity(), "a decimal greater than 0");
    }
    if (!schedules.emplace(content.line_number(), content.schedule_number()).second) {
      return Wrong(field + ".contents",
                   absl::StrCat(content.line_number(), "/", content.schedule_number()),
                   "each schedule once");
    }
  }
  if (!tracker.has_label_time()) return Wrong(field + ".label_time", "", "a time");
  for (const std::string& number : tracker.replaces()) {
    RETURN_IF_ERROR(CheckNumber(field + ".replaces", number));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Validate(const pb::CreateTrackersRequest& request) {
  if (request.trackers().empty() || request.trackers_size() > kMostTrackers) {
    return Wrong("trackers", absl::StrCat(request.trackers_size()), "1 to 500 packages");
  }
  std::set<std::string> numbers;
  for (int i = 0; i < request.trackers_size(); ++i) {
    const std::string field = absl::StrCat("trackers[", i, "]");
    RETURN_IF_ERROR(CheckTracker(field, request.trackers(i)));
    if (!numbers.insert(request.trackers(i).tracking_number()).second) {
      return Wrong(field + ".tracking_number", request.trackers(i).tracking_number(),
                   "each number once");
    }
  }
  return absl::OkStatus();
}

absl::Status Validate(const pb::CloseTrackersRequest& request) {
  if (request.tracking_numbers().empty() || request.tracking_numbers_size() > kMostTrackers) {
    return Wrong("tracking_numbers", absl::StrCat(request.tracking_numbers_size()),
                 "1 to 500 numbers");
  }
  for (const std::string& number : request.tracking_numbers()) {
    RETURN_IF_ERROR(CheckNumber("tracking_numbers", number));
  }
  if (!request.has_void_time()) return Wrong("void_time", "", "a time");
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* TrackingServer::CreateTrackers(grpc::CallbackServerContext* context,
                                                         const pb::CreateTrackersRequest* request,
                                                         pb::CreateTrackersResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& request,
                       const Caller& caller) -> absl::StatusOr<pb::CreateTrackersResponse> {
                  RETURN_IF_ERROR(Validate(request));
                  RETURN_IF_ERROR(store_.Create(request, caller));
                  wakeups_.subscriber.Notify();
                  wakeups_.processor.Notify();
                  wakeups_.reporter.Notify();
                  wakeups_.publisher.Notify();
                  return pb::CreateTrackersResponse();
                });
}

grpc::ServerUnaryReactor* TrackingServer::CloseTrackers(grpc::CallbackServerContext* context,
                                                        const pb::CloseTrackersRequest* request,
                                                        pb::CloseTrackersResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& request,
                       const Caller& caller) -> absl::StatusOr<pb::CloseTrackersResponse> {
                  RETURN_IF_ERROR(Validate(request));
                  RETURN_IF_ERROR(store_.Close(request, caller));
                  wakeups_.reporter.Notify();
                  wakeups_.publisher.Notify();
                  return pb::CloseTrackersResponse();
                });
}

grpc::ServerUnaryReactor* TrackingServer::GetTracker(grpc::CallbackServerContext* context,
                                                     const pb::GetTrackerRequest* request,
                                                     pb::Tracker* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& request, const Caller&) -> absl::StatusOr<pb::Tracker> {
                  RETURN_IF_ERROR(CheckName("name", request.name(), "trackers/"));
                  return store_.Get(request.name().substr(std::string_view("trackers/").size()));
                });
}

grpc::ServerUnaryReactor* TrackingServer::ListTrackers(grpc::CallbackServerContext* context,
                                                       const pb::ListTrackersRequest* request,
                                                       pb::ListTrackersResponse* response) {
  return Handle(executor_, context, request, response,
                [this](pb::ListTrackersRequest request,
                       const Caller&) -> absl::StatusOr<pb::ListTrackersResponse> {
                  if (request.page_size() < 0 || request.page_size() > 1000) {
                    return Wrong("page_size", absl::StrCat(request.page_size()), "1 to 1000");
                  }
                  if (request.page_size() == 0) request.set_page_size(100);
                  return store_.List(request);
                });
}

grpc::ServerUnaryReactor* TrackingServer::WatchEvents(grpc::CallbackServerContext* context,
                                                      const pb::WatchEventsRequest* request,
                                                      pb::WatchEventsResponse* response) {
  return HandleAsync(
      context, request, response, [this](const auto& request, const Caller&, Watchers::Done done) {
        const absl::Duration wait =
            absl::Seconds(request.wait().seconds()) + absl::Nanoseconds(request.wait().nanos());
        if (request.limit() < 0 || request.limit() > 1000) {
          return done(Wrong("limit", absl::StrCat(request.limit()), "1 to 1000"));
        }
        if (wait < absl::ZeroDuration() || wait > kMostWait) {
          return done(Wrong("wait", absl::FormatDuration(wait), "0 to 30 s"));
        }
        const int limit = request.limit() == 0 ? 200 : request.limit();
        executor_.Post([this, cursor = request.cursor(), limit, wait, done = std::move(done)] {
          watchers_.Answer([=, this] { return store_.ReadChanges(cursor, limit); }, wait, done);
        });
      });
}

}  // namespace psups::tracking_sync
