#include "services/shipment-builder/review_server.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_compare.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/decide.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {

namespace pb = psups::shipments::v1;

namespace {

constexpr std::size_t kMostBehalf = 80;

void ShowEvidence(const ReviewDraft& asked, pb::Review& result) {
  result.MergeFrom(EvidenceOf(asked));
  for (int i = 0; i < result.candidates_size(); ++i) {
    for (FieldDifference& field : Differences(asked.address, result.candidates(i))) {
      pb::Review::Difference& difference = *result.add_differences();
      difference.set_field(std::move(field.field));
      difference.set_ours(std::move(field.ours));
      difference.set_theirs(std::move(field.theirs));
      difference.set_candidate_index(i);
    }
  }
}

}  // namespace

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
  if (parties == Parties::kShow) ShowEvidence(asked, result);
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
  result.set_on_behalf_of(record.on_behalf_of);
  result.set_comment(record.comment);
  result.set_ship_by_date(record.ship_date);
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
  return Handle(executor_, context, request, response,
                [this](const pb::ResolveReviewRequest& request, const Caller& caller) {
                  return Resolve(request, caller);
                });
}

absl::Status ReviewServer::CheckPermission(const pb::ResolveReviewRequest& request,
                                           const Caller& caller) const {
  if (!request.on_behalf_of().empty() && act_for_others_.count(caller.identity) == 0) {
    return absl::PermissionDeniedError(
        absl::StrCat("on_behalf_of: ", caller.identity,
                     " decides for itself only; shipment-builder's setting PSUPS_ACTS_FOR_OTHERS "
                     "names those that may decide for others"));
  }
  access::v1::Rule operators;
  operators.set_role(access::v1::Rule::OPERATOR);
  if (request.action() == pb::Review::SHIP_ANYWAY && !Permits(operators, caller)) {
    return absl::PermissionDeniedError(
        absl::StrCat("action: SHIP_ANYWAY needs an operator or an administrator, ", caller.identity,
                     " is none"));
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::Review> ReviewServer::Resolve(const pb::ResolveReviewRequest& request,
                                                 const Caller& caller) {
  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "reviews", request.name()));
  RETURN_IF_ERROR(ActionOf(request.action()).status());
  RETURN_IF_ERROR(CheckText("comment", request.comment()));
  if (CharacterCount(request.on_behalf_of()) > kMostBehalf) {
    return absl::InvalidArgumentError(
        absl::StrCat("on_behalf_of: ", CharacterCount(request.on_behalf_of()),
                     " characters, want at most ", kMostBehalf));
  }
  RETURN_IF_ERROR(CheckPermission(request, caller));
  RETURN_IF_ERROR(planner_.rules().Refresh().status());
  ASSIGN_OR_RETURN(ShipmentStore::Resolved resolved,
                   store_.ResolveReview(id, {.request = request, .actor = caller.identity},
                                        [&](const Review& review, const orders::v1::Order& order,
                                            Shipment& shipment, Effects& effects) {
                                          return Decide(review, order, request, caller.identity,
                                                        planner_, shipment, effects);
                                        }));
  if (resolved.stored.has_value()) {
    TellPeople({*resolved.stored}, tell_);
    validate_.Notify();
  }
  return ToProto(resolved.review, Parties::kShow);
}

}  // namespace psups::shipment_builder
