#include "services/shipment-builder/review_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/decide.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {

namespace pb = psups::shipments::v1;

pb::Review ToProto(const ReviewRecord& record, Parties parties) {
  const ReviewDraft& asked = record.review.asked;
  pb::Review result;
  result.set_name(absl::StrCat("reviews/", record.review.review_id));
  pb::Review::State state = pb::Review::STATE_UNSPECIFIED;
  pb::Review::State_Parse(record.state, &state);
  result.set_state(state);
  pb::Review::Reason reason = pb::Review::REASON_UNSPECIFIED;
  pb::Review::Reason_Parse(std::string(Name(asked.reason)), &reason);
  result.set_reason(reason);
  result.set_shipment(absl::StrCat("shipments/", record.review.shipment_id));
  *result.mutable_document() = Document(record.review.connection_id, record.document_type,
                                        record.business_unit, record.document_id);
  result.set_message(asked.message);
  if (parties == Parties::kShow) {
    if (asked.side != Side::kNone) *result.mutable_address() = asked.address;
    for (const auto& candidate : asked.candidates) *result.add_candidates() = candidate;
  }
  if (record.review.open) {
    for (const Action action : ActionsFor(asked)) {
      pb::Review::Action value = pb::Review::ACTION_UNSPECIFIED;
      pb::Review::Action_Parse(std::string(Name(action)), &value);
      result.add_actions(value);
    }
  }
  *result.mutable_create_time() = ToProto(record.create_time);
  if (record.close_time.has_value()) *result.mutable_close_time() = ToProto(*record.close_time);
  pb::Review::Action resolution = pb::Review::ACTION_UNSPECIFIED;
  if (pb::Review::Action_Parse(record.resolution, &resolution)) result.set_resolution(resolution);
  result.set_resolved_by(record.resolved_by);
  return result;
}

grpc::ServerUnaryReactor* ReviewServer::GetReview(grpc::CallbackServerContext* context,
                                                  const pb::GetReviewRequest* request,
                                                  pb::Review* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetReviewRequest& request, const Caller&) -> absl::StatusOr<pb::Review> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "reviews", request.name()));
        ASSIGN_OR_RETURN(const ReviewRecord record, store_.GetReview(id));
        return ToProto(record, Parties::kShow);
      });
}

grpc::ServerUnaryReactor* ReviewServer::ListReviews(grpc::CallbackServerContext* context,
                                                    const pb::ListReviewsRequest* request,
                                                    pb::ListReviewsResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::ListReviewsRequest& request,
                       const Caller&) -> absl::StatusOr<pb::ListReviewsResponse> {
                  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
                  ReviewFilter filter{.document_id = request.document_id()};
                  ASSIGN_OR_RETURN(filter.connection_id,
                                   OptionalId("connection", "connections", request.connection()));
                  if (request.state() != pb::Review::STATE_UNSPECIFIED) {
                    filter.state = pb::Review::State_Name(request.state());
                  }
                  ASSIGN_OR_RETURN(const auto page,
                                   store_.ListReviews(filter, size, request.page_token()));
                  pb::ListReviewsResponse result;
                  for (const ReviewRecord& record : page.records) {
                    *result.add_reviews() = ToProto(record, Parties::kHide);
                  }
                  if (page.more) result.set_next_page_token(page.records.back().position);
                  return result;
                });
}

grpc::ServerUnaryReactor* ReviewServer::ResolveReview(grpc::CallbackServerContext* context,
                                                      const pb::ResolveReviewRequest* request,
                                                      pb::Review* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::ResolveReviewRequest& request,
             const Caller& caller) -> absl::StatusOr<pb::Review> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "reviews", request.name()));
        ASSIGN_OR_RETURN(const Action action, ActionOf(request.action()));
        RETURN_IF_ERROR(CheckText("comment", request.comment()));
        ASSIGN_OR_RETURN(
            ShipmentStore::Resolved resolved,
            store_.ResolveReview(
                id, {.action = action, .comment = request.comment(), .actor = caller.identity},
                [&](const Review& review, const orders::v1::Order& order, Shipment& shipment,
                    Effects& effects) {
                  return Decide(review, order, request, caller.identity, planner_, shipment,
                                effects);
                }));
        if (resolved.stored.has_value()) {
          TellPeople({*resolved.stored}, tell_);
          validate_.Notify();
        }
        return ToProto(resolved.review, Parties::kShow);
      });
}

}  // namespace psups::shipment_builder
