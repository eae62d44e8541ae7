#include "services/ps-ingest/order_service.h"

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection_service.h"
#include "services/ps-ingest/write_back.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

constexpr int kMostOfOneCall = 500;
constexpr int kMostWatched = 1000;
constexpr std::size_t kLongestReason = 200;
constexpr absl::Duration kLongestLeaseWait = absl::Seconds(5);
constexpr absl::Duration kLongestWatchWait = absl::Seconds(30);

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

absl::Status CheckWait(absl::Duration wait, absl::Duration most) {
  if (wait >= absl::ZeroDuration() && wait <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("wait: ", absl::FormatDuration(wait),
                                                 ", want 0 to ", absl::FormatDuration(most)));
}

absl::Status CheckCount(const char* field, int count) {
  if (count >= 1 && count <= kMostOfOneCall) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", count, " of them, want 1 to ", kMostOfOneCall));
}

// Empty stays empty: no condition.
absl::StatusOr<std::string> ConnectionFilter(const std::string& name) {
  if (name.empty()) return "";
  return ConnectionId(name);
}

absl::StatusOr<WriteBackStore::Key> WriteBackKeyOf(const std::string& name) {
  constexpr absl::string_view kMiddle = "/writeBacks/";
  const std::size_t middle = name.find(kMiddle.data());
  const auto connection = ConnectionId(name.substr(0, middle));
  if (middle == std::string::npos || !connection.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "name: \"", name, "\", want connections/{connection_id}/writeBacks/{update_id}"));
  }
  return WriteBackStore::Key{.connection_id = *connection,
                             .update_id = name.substr(middle + kMiddle.size())};
}

}  // namespace

absl::StatusOr<pb::LeaseOrdersResponse> OrderServer::Lease(const pb::LeaseOrdersRequest& request) {
  const int limit = request.limit() == 0 ? 50 : request.limit();
  RETURN_IF_ERROR(CheckCount("limit", limit));
  const absl::Duration lease =
      request.has_lease_duration() ? FromProto(request.lease_duration()) : absl::Seconds(60);
  if (lease < absl::Seconds(1) || lease > absl::Minutes(10)) {
    return absl::InvalidArgumentError(
        absl::StrCat("lease_duration: ", absl::FormatDuration(lease), ", want 1 s to 10 min"));
  }
  RETURN_IF_ERROR(CheckWait(FromProto(request.wait()), kLongestLeaseWait));
  ASSIGN_OR_RETURN(std::vector<OrderStore::Leased> leased, orders_.LeaseOrders(limit, lease));
  ASSIGN_OR_RETURN(const auto states, orders_.ConnectionStates());
  pb::LeaseOrdersResponse response;
  for (OrderStore::Leased& one : leased) {
    auto& order = *response.add_orders();
    *order.mutable_order() = std::move(one.order);
    order.set_lease_id(std::move(one.lease_id));
  }
  for (const auto& state : states) *response.add_connections() = state;
  return response;
}

absl::StatusOr<pb::AcknowledgeOrdersResponse> OrderServer::Acknowledge(
    const pb::AcknowledgeOrdersRequest& request) {
  RETURN_IF_ERROR(CheckCount("acknowledgements", request.acknowledgements_size()));
  ASSIGN_OR_RETURN(
      const std::vector<std::string> stale,
      orders_.Acknowledge({request.acknowledgements().begin(), request.acknowledgements().end()}));
  pb::AcknowledgeOrdersResponse response;
  *response.mutable_stale_names() = {stale.begin(), stale.end()};
  return response;
}

absl::StatusOr<pb::CheckOrdersResponse> OrderServer::Check(const pb::CheckOrdersRequest& request) {
  RETURN_IF_ERROR(CheckCount("names", request.names_size()));
  ASSIGN_OR_RETURN(const auto standings,
                   checker_.Check({request.names().begin(), request.names().end()}));
  pb::CheckOrdersResponse response;
  *response.mutable_standings() = {standings.begin(), standings.end()};
  return response;
}

absl::StatusOr<pb::ListOrdersResponse> OrderServer::List(const pb::ListOrdersRequest& request) {
  ASSIGN_OR_RETURN(const Page page, PageFrom(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(const std::string connection, ConnectionFilter(request.connection()));
  ASSIGN_OR_RETURN(PageOf<pb::Order> found, orders_.List({.connection_id = connection,
                                                          .state = request.state(),
                                                          .document_id = request.document_id(),
                                                          .business_unit = request.business_unit()},
                                                         page));
  pb::ListOrdersResponse response;
  for (pb::Order& order : found.items) *response.add_orders() = std::move(order);
  response.set_next_page_token(found.next_token);
  return response;
}

absl::StatusOr<pb::WatchOrdersResponse> OrderServer::Watch(const pb::WatchOrdersRequest& request) {
  const int limit = request.limit() == 0 ? 200 : request.limit();
  if (limit < 1 || limit > kMostWatched) {
    return absl::InvalidArgumentError(absl::StrCat("limit: ", limit, ", want 1 to ", kMostWatched));
  }
  RETURN_IF_ERROR(CheckWait(FromProto(request.wait()), kLongestWatchWait));
  return orders_.ReadChanges(request.cursor(), limit);
}

absl::StatusOr<pb::ReportTrackingResponse> OrderServer::Report(
    const pb::ReportTrackingRequest& request, const std::string& actor) {
  RETURN_IF_ERROR(CheckCount("updates", request.updates_size()));
  for (const pb::TrackingUpdate& update : request.updates()) {
    RETURN_IF_ERROR(CheckUpdate(update));
  }
  RETURN_IF_ERROR(write_backs_.Report({request.updates().begin(), request.updates().end()}, actor));
  reported_();
  return pb::ReportTrackingResponse();
}

absl::StatusOr<pb::ListWriteBacksResponse> OrderServer::ListWritten(
    const pb::ListWriteBacksRequest& request) {
  ASSIGN_OR_RETURN(const Page page, PageFrom(request.page_size(), request.page_token()));
  ASSIGN_OR_RETURN(const std::string connection, ConnectionFilter(request.connection()));
  ASSIGN_OR_RETURN(PageOf<pb::WriteBack> found,
                   write_backs_.List({.connection_id = connection,
                                      .state = request.state(),
                                      .document_id = request.document_id()},
                                     page));
  pb::ListWriteBacksResponse response;
  for (pb::WriteBack& write_back : found.items) {
    *response.add_write_backs() = std::move(write_back);
  }
  response.set_next_page_token(found.next_token);
  return response;
}

absl::StatusOr<pb::WriteBack> OrderServer::Resend(const pb::ResendWriteBackRequest& request,
                                                  const std::string& actor) {
  ASSIGN_OR_RETURN(const WriteBackStore::Key key, WriteBackKeyOf(request.name()));
  ASSIGN_OR_RETURN(pb::WriteBack decided,
                   write_backs_.Decide(key, pb::WriteBack::PENDING, actor, ""));
  reported_();
  return decided;
}

absl::StatusOr<pb::WriteBack> OrderServer::Skip(const pb::SkipWriteBackRequest& request,
                                                const std::string& actor) {
  ASSIGN_OR_RETURN(const WriteBackStore::Key key, WriteBackKeyOf(request.name()));
  if (request.reason().empty() || request.reason().size() > kLongestReason) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason: ", request.reason().size(), " bytes, want 1 to ", kLongestReason));
  }
  ASSIGN_OR_RETURN(pb::WriteBack decided,
                   write_backs_.Decide(key, pb::WriteBack::SKIPPED, actor, request.reason()));
  reported_();
  return decided;
}

grpc::ServerUnaryReactor* OrderServer::LeaseOrders(grpc::CallbackServerContext* context,
                                                   const pb::LeaseOrdersRequest* request,
                                                   pb::LeaseOrdersResponse* response) {
  return HandleAsync(
      context, request, response, [this, context](const auto& r, const Caller&, auto done) {
        // Whoever has hung up would keep what it is handed until the lease is over.
        const auto lease = [this, context, r]() -> absl::StatusOr<pb::LeaseOrdersResponse> {
          if (context->IsCancelled()) return absl::CancelledError("the caller has hung up");
          return Lease(r);
        };
        executor_.Post([this, lease, wait = FromProto(r.wait()), done] {
          news_.leases.Answer(lease, wait, done);
        });
      });
}

grpc::ServerUnaryReactor* OrderServer::WatchOrders(grpc::CallbackServerContext* context,
                                                   const pb::WatchOrdersRequest* request,
                                                   pb::WatchOrdersResponse* response) {
  return HandleAsync(context, request, response, [this](const auto& r, const Caller&, auto done) {
    executor_.Post([this, r, done] {
      news_.changes.Answer([this, r] { return Watch(r); }, FromProto(r.wait()), done);
    });
  });
}

grpc::ServerUnaryReactor* OrderServer::AcknowledgeOrders(
    grpc::CallbackServerContext* context, const pb::AcknowledgeOrdersRequest* request,
    pb::AcknowledgeOrdersResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) { return Acknowledge(r); });
}

grpc::ServerUnaryReactor* OrderServer::CheckOrders(grpc::CallbackServerContext* context,
                                                   const pb::CheckOrdersRequest* request,
                                                   pb::CheckOrdersResponse* response) {
  return Handle(slow_, context, request, response,
                [this](const auto& r, const Caller&) { return Check(r); });
}

grpc::ServerUnaryReactor* OrderServer::GetOrder(grpc::CallbackServerContext* context,
                                                const pb::GetOrderRequest* request,
                                                pb::Order* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) { return orders_.Get(r.name()); });
}

grpc::ServerUnaryReactor* OrderServer::ListOrders(grpc::CallbackServerContext* context,
                                                  const pb::ListOrdersRequest* request,
                                                  pb::ListOrdersResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) { return List(r); });
}

grpc::ServerUnaryReactor* OrderServer::ReportTracking(grpc::CallbackServerContext* context,
                                                      const pb::ReportTrackingRequest* request,
                                                      pb::ReportTrackingResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller& caller) { return Report(r, caller.identity); });
}

grpc::ServerUnaryReactor* OrderServer::ListWriteBacks(grpc::CallbackServerContext* context,
                                                      const pb::ListWriteBacksRequest* request,
                                                      pb::ListWriteBacksResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) { return ListWritten(r); });
}

grpc::ServerUnaryReactor* OrderServer::ResendWriteBack(grpc::CallbackServerContext* context,
                                                       const pb::ResendWriteBackRequest* request,
                                                       pb::WriteBack* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller& caller) { return Resend(r, caller.identity); });
}

grpc::ServerUnaryReactor* OrderServer::SkipWriteBack(grpc::CallbackServerContext* context,
                                                     const pb::SkipWriteBackRequest* request,
                                                     pb::WriteBack* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller& caller) { return Skip(r, caller.identity); });
}

}  // namespace psups::ps_ingest
