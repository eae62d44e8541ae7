#include "services/shipment-builder/service.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_text.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

constexpr int kMostListed = 1000;
constexpr int kDefaultListed = 100;
constexpr std::size_t kMostReason = 200;
// A page ends early rather than pass the 4 MB that a gRPC client takes by default.
constexpr std::size_t kMostPageBytes = 3 << 20;

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return result;
}

// The id in "<collection>/{id}".
absl::StatusOr<std::string> IdIn(const char* field, std::string_view collection,
                                 const std::string& name) {
  const std::string prefix = absl::StrCat(std::string(collection), "/");
  if (name.rfind(prefix, 0) == 0 && name.size() > prefix.size() &&
      name.find('/', prefix.size()) == std::string::npos) {
    return name.substr(prefix.size());
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": \"", name, "\", want \"", prefix, "{id}\""));
}

// The same for a condition that may be left out.
absl::StatusOr<std::string> OptionalId(const char* field, std::string_view collection,
                                       const std::string& name) {
  if (name.empty()) return std::string();
  return IdIn(field, collection, name);
}

absl::StatusOr<int> PageSize(int size) {
  if (size == 0) return kDefaultListed;
  if (size > 0 && size <= kMostListed) return size;
  return absl::InvalidArgumentError(absl::StrCat("page_size: ", size, ", want 1 to ", kMostListed));
}

absl::Status CheckText(const char* field, const std::string& text) {
  if (CharacterCount(text) <= kMostReason) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", CharacterCount(text), " characters, want at most ", kMostReason));
}

type::v1::DocumentKey Document(const std::string& connection, const std::string& type,
                               const std::string& business_unit, const std::string& id) {
  type::v1::DocumentKey document;
  document.set_connection(absl::StrCat("connections/", connection));
  document.set_document_type(type == "REQ" ? type::v1::REQUISITION : type::v1::PURCHASE_ORDER);
  document.set_business_unit(business_unit);
  document.set_document_id(id);
  return document;
}

enum class Parties { kShow, kHide };

pb::Shipment ToProto(const ShipmentRecord& record, Parties parties) {
  const Shipment& shipment = record.shipment;
  pb::Shipment result;
  result.set_name(shipment.name());
  pb::Shipment::State state = pb::Shipment::STATE_UNSPECIFIED;
  pb::Shipment::State_Parse(std::string(Name(shipment.state)), &state);
  result.set_state(state);
  *result.mutable_document() = Document(shipment.connection_id, shipment.document_type,
                                        shipment.business_unit, shipment.document_id);
  result.set_order(shipment.order_name());
  result.set_order_revision(shipment.order_revision);
  result.set_service_code(shipment.service_code);
  result.set_ship_date(shipment.ship_date);
  if (parties == Parties::kShow) {
    *result.mutable_ship_from() = shipment.ship_from;
    *result.mutable_ship_to() = shipment.ship_to;
  }
  for (const Package& package : shipment.packages) {
    pb::Shipment::Package& one = *result.add_packages();
    one.set_package_number(package.number);
    one.set_tracking_number(package.tracking_number);
    one.set_weight_lb(package.weight_lb.ToString());
    one.set_length_in(package.length_in);
    one.set_width_in(package.width_in);
    one.set_height_in(package.height_in);
    for (const Content& content : package.contents) {
      type::v1::ScheduleQuantity& quantity = *one.add_contents();
      quantity.set_line_number(content.line);
      quantity.set_schedule_number(content.schedule);
      quantity.set_quantity(content.quantity.ToString());
    }
    one.set_tracking_status(package.tracking_status);
  }
  result.set_ups_shipment_id(shipment.ups_shipment_id);
  if (shipment.labelled()) {
    result.mutable_charges()->set_amount_minor(shipment.charges.amount_minor);
    result.mutable_charges()->set_currency_code(shipment.charges.currency_code);
  }
  if (!record.review_id.empty()) result.set_review(absl::StrCat("reviews/", record.review_id));
  result.set_failure(shipment.failure);
  result.set_trace_id(shipment.trace_id);
  *result.mutable_create_time() = ToProto(record.create_time);
  *result.mutable_update_time() = ToProto(record.update_time);
  if (shipment.purchase.number > 0) result.set_purchase(shipment.request_id());
  return result;
}

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

absl::StatusOr<Action> ActionOf(pb::Review::Action action) {
  switch (action) {
    case pb::Review::ACCEPT_CANDIDATE:
      return Action::kAcceptCandidate;
    case pb::Review::OVERRIDE_ADDRESS:
      return Action::kOverrideAddress;
    case pb::Review::RETRY:
      return Action::kRetry;
    case pb::Review::CANCEL:
      return Action::kCancel;
    default:
      return absl::InvalidArgumentError(
          "action: not set, want ACCEPT_CANDIDATE, OVERRIDE_ADDRESS, RETRY or CANCEL");
  }
}

// OK if the address can stand on a label; errors name the field, never its text.
absl::Status CheckOverride(const type::v1::Address& address) {
  const auto error = [](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat("address.", std::string(what)));
  };
  if (address.lines().empty()) return error("lines: none, want 1 to 3");
  if (address.lines_size() > 3) {
    return error(absl::StrCat("lines: ", address.lines_size(), ", want 1 to 3"));
  }
  for (const std::string& line : address.lines()) {
    if (line.empty() || CharacterCount(line) > 35) {
      return error(
          absl::StrCat("lines: one of ", CharacterCount(line), " characters, want 1 to 35"));
    }
  }
  if (address.city().empty() || CharacterCount(address.city()) > 30) {
    return error(
        absl::StrCat("city: ", CharacterCount(address.city()), " characters, want 1 to 30"));
  }
  if (address.state().size() != 2) return error("state: want two letters");
  const std::size_t digits = Digits(address.postal_code()).size();
  if (digits != 5 && digits != 9) return error("postal_code: want five or nine digits");
  if (CharacterCount(address.name()) > 35) return error("name: want at most 35 characters");
  if (CharacterCount(address.attention_name()) > 35) {
    return error("attention_name: want at most 35 characters");
  }
  return absl::OkStatus();
}

// Has the shipment validated again with another address on one side.
void UseAddress(Shipment& shipment, Side side, type::v1::Address address, Effects& effects) {
  type::v1::Address& place = side == Side::kShipFrom ? shipment.ship_from : shipment.ship_to;
  if (address.name().empty()) address.set_name(place.name());
  if (address.attention_name().empty()) address.set_attention_name(place.attention_name());
  if (address.phone().empty()) address.set_phone(place.phone());
  if (address.country_code().empty()) address.set_country_code(place.country_code());
  place = std::move(address);
  effects.parties_changed = true;
}

}  // namespace

absl::Status Decide(const Review& review, const orders::v1::Order& order,
                    const pb::ResolveReviewRequest& request, const std::string& who,
                    const Planner& planner, Shipment& shipment, Effects& effects) {
  ASSIGN_OR_RETURN(const Action action, ActionOf(request.action()));
  const std::vector<Action> allowed = ActionsFor(review.asked);
  if (std::find(allowed.begin(), allowed.end(), action) == allowed.end()) {
    std::vector<std::string> names;
    for (const Action one : allowed) names.emplace_back(Name(one));
    return absl::FailedPreconditionError(absl::StrCat(
        "action: ", std::string(Name(action)), " is not possible for ",
        std::string(Name(review.asked.reason)), ", want ", absl::StrJoin(names, " or ")));
  }
  const State from = shipment.state;
  effects.lease = Effects::Lease::kEnd;
  switch (review.asked.reason) {
    case Reason::kChangedAfterPickup:
      // It is dealt with by hand: what the order says now is what was shipped.
      shipment.fingerprint = FingerprintNow(order, shipment, planner.derive());
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidedLabelScanned:
      effects.lease = Effects::Lease::kKeep;
      return absl::OkStatus();
    case Reason::kVoidRefused:
      if (action == Action::kCancel) {
        shipment.fingerprint = FingerprintNow(order, shipment, planner.derive());
        effects.lease = Effects::Lease::kKeep;
        effects.replan = true;  // other schedules may have waited for it to go
        return absl::OkStatus();
      }
      effects = BeginVoid(shipment,
                          FingerprintNow(order, shipment, planner.derive()) == shipment.fingerprint
                              ? Undo::kPerson
                              : Undo::kChange);
      effects.close_reviews = false;
      return absl::OkStatus();
    case Reason::kInDoubtUnresolved:
      if (action == Action::kCancel) {
        RETURN_IF_ERROR(CancelByPerson(shipment, effects));
        // What the order says now of these schedules is what is not to be sent.
        shipment.fingerprint = ContentNow(order, shipment, planner.derive());
      } else {
        shipment.state = State::kLabeling;
        Progress(shipment);
      }
      // Who decides has looked at UPS: the purchase is ended in this name.
      shipment.purchase.confirmed_by = who;
      effects.purchase_changed = true;
      break;
    default:
      if (action == Action::kCancel) return CancelByPerson(shipment, effects);
      if (action == Action::kRetry) {
        return PlanAgain(order, shipment, effects, planner.calendar(), planner.derive());
      }
      if (action == Action::kAcceptCandidate) {
        const int index = request.candidate_index();
        const int count = static_cast<int>(review.asked.candidates.size());
        if (index < 0 || index >= count) {
          return absl::InvalidArgumentError(
              absl::StrCat("candidate_index: ", index, ", want 0 to ", count - 1));
        }
        type::v1::Address address = review.asked.candidates[static_cast<std::size_t>(index)];
        UseAddress(shipment, review.asked.side, std::move(address), effects);
      } else {
        RETURN_IF_ERROR(CheckOverride(request.address()));
        UseAddress(shipment, review.asked.side, request.address(), effects);
      }
      shipment.validated = false;
      shipment.state = State::kValidating;
      Progress(shipment);
      break;
  }
  effects.action = "shipment.decide";
  effects.detail["from"] = std::string(Name(from));
  effects.detail["to"] = std::string(Name(shipment.state));
  return absl::OkStatus();
}

grpc::ServerUnaryReactor* ShipmentServer::GetShipment(grpc::CallbackServerContext* context,
                                                      const pb::GetShipmentRequest* request,
                                                      pb::Shipment* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetShipmentRequest& request, const Caller&) -> absl::StatusOr<pb::Shipment> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        ASSIGN_OR_RETURN(const ShipmentRecord record, store_.GetShipment(id));
        return ToProto(record, Parties::kShow);
      });
}

grpc::ServerUnaryReactor* ShipmentServer::ListShipments(grpc::CallbackServerContext* context,
                                                        const pb::ListShipmentsRequest* request,
                                                        pb::ListShipmentsResponse* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::ListShipmentsRequest& request,
             const Caller&) -> absl::StatusOr<pb::ListShipmentsResponse> {
        ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
        ShipmentFilter filter{.document_id = request.document_id(),
                              .tracking_number = request.tracking_number()};
        ASSIGN_OR_RETURN(filter.order_id, OptionalId("order", "orders", request.order()));
        ASSIGN_OR_RETURN(filter.connection_id,
                         OptionalId("connection", "connections", request.connection()));
        if (request.state() != pb::Shipment::STATE_UNSPECIFIED) {
          if (!pb::Shipment::State_IsValid(request.state())) {
            return absl::InvalidArgumentError(
                absl::StrCat("state: ", static_cast<int>(request.state()), ", no such state"));
          }
          filter.state = StateFromName(pb::Shipment::State_Name(request.state()));
        }
        ASSIGN_OR_RETURN(const auto page, store_.ListShipments(filter, size, request.page_token()));
        pb::ListShipmentsResponse result;
        std::size_t bytes = 0;
        for (std::size_t i = 0; i < page.records.size(); ++i) {
          const ShipmentRecord& record = page.records[i];
          pb::Shipment& shipment = *result.add_shipments();
          shipment = ToProto(record, Parties::kHide);
          bytes += shipment.ByteSizeLong();
          const bool last = i + 1 == page.records.size();
          if (last ? page.more : bytes > kMostPageBytes) {
            result.set_next_page_token(record.position);
            break;
          }
        }
        return result;
      });
}

grpc::ServerUnaryReactor* ShipmentServer::GetLabel(grpc::CallbackServerContext* context,
                                                   const pb::GetLabelRequest* request,
                                                   pb::GetLabelResponse* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetLabelRequest& request,
             const Caller&) -> absl::StatusOr<pb::GetLabelResponse> {
        ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
        if (request.package_number() < 0) {
          return absl::InvalidArgumentError(
              absl::StrCat("package_number: ", request.package_number(), ", want at least 1"));
        }
        ASSIGN_OR_RETURN(Label label, store_.GetLabel(id, std::max(1, request.package_number())));
        pb::GetLabelResponse result;
        result.set_label(std::move(label.bytes));
        result.set_label_format(label.format);
        result.set_tracking_number(label.tracking_number);
        return result;
      });
}

grpc::ServerUnaryReactor* ShipmentServer::VoidShipment(grpc::CallbackServerContext* context,
                                                       const pb::VoidShipmentRequest* request,
                                                       pb::Shipment* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::VoidShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  RETURN_IF_ERROR(CheckText("reason", request.reason()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      store_.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestVoid(shipment, effects);
                        effects.actor = caller.identity;
                        if (!request.reason().empty()) effects.detail["reason"] = request.reason();
                        return status;
                      }));
                  undo_.Notify();
                  return ToProto(record, Parties::kShow);
                });
}

grpc::ServerUnaryReactor* ShipmentServer::RetryShipment(grpc::CallbackServerContext* context,
                                                        const pb::RetryShipmentRequest* request,
                                                        pb::Shipment* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::RetryShipmentRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Shipment> {
                  ASSIGN_OR_RETURN(const std::string id, IdIn("name", "shipments", request.name()));
                  ASSIGN_OR_RETURN(
                      const ShipmentRecord record,
                      store_.ChangeShipment(id, [&](Shipment& shipment, Effects& effects) {
                        const absl::Status status = RequestRetry(shipment, effects);
                        effects.actor = caller.identity;
                        effects.lease = Effects::Lease::kEnd;
                        return status;
                      }));
                  return ToProto(record, Parties::kShow);
                });
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
