#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "psups/orders/v1/connection_service.grpc.pb.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/shipments/v1/mapping_service.grpc.pb.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "psups/tracking/v1/tracking_service.grpc.pb.h"
#include "psups/ups/v1/account_service.grpc.pb.h"

// Services that keep what they are given and return what they have, page by page.
namespace psups::psupsctl {

// Fills a page of `all`; page tokens are positions.
template <typename Request, typename Rows>
std::string FillPage(const Request& request, const Rows& all, Rows* page) {
  std::size_t at = request.page_token().empty() ? 0 : std::stoul(request.page_token());
  const std::size_t size = request.page_size() == 0 ? 100 : request.page_size();
  for (; at < std::size_t(all.size()) && std::size_t(page->size()) < size; ++at) {
    *page->Add() = all.Get(static_cast<int>(at));
  }
  return at < std::size_t(all.size()) ? std::to_string(at) : "";
}

inline grpc::Status NotFound(const std::string& name) {
  return {grpc::StatusCode::NOT_FOUND, name + ": there is none"};
}

class FakeConnections : public orders::v1::ConnectionService::Service {
 public:
  grpc::Status CreateConnection(grpc::ServerContext*,
                                const orders::v1::CreateConnectionRequest* request,
                                orders::v1::Connection* response) override {
    created = *request;
    *response = request->connection();
    response->set_name("connections/" + request->connection_id());
    connection = *response;
    return grpc::Status::OK;
  }
  grpc::Status GetConnection(grpc::ServerContext*, const orders::v1::GetConnectionRequest* request,
                             orders::v1::Connection* response) override {
    if (request->name() != connection.name()) return NotFound(request->name());
    *response = connection;
    return grpc::Status::OK;
  }
  grpc::Status UpdateConnection(grpc::ServerContext*,
                                const orders::v1::UpdateConnectionRequest* request,
                                orders::v1::Connection* response) override {
    updated = *request;
    *response = request->connection();
    return grpc::Status::OK;
  }
  grpc::Status TestConnection(grpc::ServerContext*, const orders::v1::TestConnectionRequest*,
                              orders::v1::TestConnectionResponse* response) override {
    *response = test;
    return grpc::Status::OK;
  }
  grpc::Status ActivateConnection(grpc::ServerContext*,
                                  const orders::v1::ActivateConnectionRequest* request,
                                  orders::v1::Connection* response) override {
    activated.push_back(request->name());
    *response = connection;
    response->set_state(orders::v1::Connection::ACTIVE);
    return grpc::Status::OK;
  }
  grpc::Status BackfillConnection(grpc::ServerContext*,
                                  const orders::v1::BackfillConnectionRequest* request,
                                  orders::v1::BackfillConnectionResponse*) override {
    backfilled = *request;
    return grpc::Status::OK;
  }
  grpc::Status ListWindows(grpc::ServerContext*, const orders::v1::ListWindowsRequest*,
                           orders::v1::ListWindowsResponse* response) override {
    *response = windows;
    return grpc::Status::OK;
  }

  orders::v1::Connection connection;
  orders::v1::CreateConnectionRequest created;
  orders::v1::UpdateConnectionRequest updated;
  orders::v1::TestConnectionResponse test;
  std::vector<std::string> activated;
  orders::v1::BackfillConnectionRequest backfilled;
  orders::v1::ListWindowsResponse windows;
};

class FakeOrders : public orders::v1::OrderService::Service {
 public:
  grpc::Status ListOrders(grpc::ServerContext*, const orders::v1::ListOrdersRequest* request,
                          orders::v1::ListOrdersResponse* response) override {
    decltype(orders) found;
    for (const auto& order : orders) {
      const auto& document = order.document();
      const auto fits = [](const std::string& wanted, const std::string& has) {
        return wanted.empty() || wanted == has;
      };
      if (!fits(request->connection(), document.connection()) ||
          !fits(request->document_id(), document.document_id()) ||
          !fits(request->business_unit(), document.business_unit())) {
        continue;
      }
      if (request->state() != 0 && request->state() != order.state()) continue;
      *found.Add() = order;
    }
    response->set_next_page_token(FillPage(*request, found, response->mutable_orders()));
    return grpc::Status::OK;
  }
  grpc::Status GetOrder(grpc::ServerContext*, const orders::v1::GetOrderRequest* request,
                        orders::v1::Order* response) override {
    for (const auto& order : orders) {
      if (order.name() != request->name()) continue;
      *response = order;
      return grpc::Status::OK;
    }
    return NotFound(request->name());
  }
  grpc::Status ListWriteBacks(grpc::ServerContext*,
                              const orders::v1::ListWriteBacksRequest* request,
                              orders::v1::ListWriteBacksResponse* response) override {
    response->set_next_page_token(FillPage(*request, write_backs, response->mutable_write_backs()));
    return grpc::Status::OK;
  }

  grpc::Status SkipWriteBack(grpc::ServerContext*, const orders::v1::SkipWriteBackRequest* request,
                             orders::v1::WriteBack* response) override {
    skipped = *request;
    response->set_name(request->name());
    return grpc::Status::OK;
  }
  grpc::Status ResendWriteBack(grpc::ServerContext*,
                               const orders::v1::ResendWriteBackRequest* request,
                               orders::v1::WriteBack* response) override {
    response->set_name(request->name());
    response->set_state(orders::v1::WriteBack::PENDING);
    return grpc::Status::OK;
  }

  google::protobuf::RepeatedPtrField<orders::v1::Order> orders;
  google::protobuf::RepeatedPtrField<orders::v1::WriteBack> write_backs;
  orders::v1::SkipWriteBackRequest skipped;
};

class FakeShipments : public shipments::v1::ShipmentService::Service {
 public:
  grpc::Status ListShipments(grpc::ServerContext*,
                             const shipments::v1::ListShipmentsRequest* request,
                             shipments::v1::ListShipmentsResponse* response) override {
    listed = *request;
    decltype(shipments) found;
    for (const auto& shipment : shipments) {
      const bool has_number = std::any_of(
          shipment.packages().begin(), shipment.packages().end(),
          [&](const auto& p) { return p.tracking_number() == request->tracking_number(); });
      if (!request->order().empty() && request->order() != shipment.order()) continue;
      if (!request->tracking_number().empty() && !has_number) continue;
      *found.Add() = shipment;
    }
    response->set_next_page_token(FillPage(*request, found, response->mutable_shipments()));
    return grpc::Status::OK;
  }
  grpc::Status GetShipment(grpc::ServerContext*, const shipments::v1::GetShipmentRequest* request,
                           shipments::v1::Shipment* response) override {
    for (const auto& shipment : shipments) {
      if (shipment.name() != request->name()) continue;
      *response = shipment;
      return grpc::Status::OK;
    }
    return NotFound(request->name());
  }
  grpc::Status GetLabel(grpc::ServerContext*, const shipments::v1::GetLabelRequest* request,
                        shipments::v1::GetLabelResponse* response) override {
    response->set_label("^XA" + request->name() + "#" + std::to_string(request->package_number()));
    response->set_label_format("ZPL");
    return grpc::Status::OK;
  }
  grpc::Status ReadLabels(grpc::ServerContext*, const shipments::v1::ReadLabelsRequest* request,
                          grpc::ServerWriter<shipments::v1::GetLabelResponse>* writer) override {
    read = *request;
    for (const auto& label : labels) writer->Write(label);
    return labels_end;
  }
  grpc::Status EstimateCost(grpc::ServerContext*, const shipments::v1::EstimateCostRequest* request,
                            shipments::v1::EstimateCostResponse* response) override {
    estimated = *request;
    *response = estimate;
    return grpc::Status::OK;
  }

  google::protobuf::RepeatedPtrField<shipments::v1::Shipment> shipments;
  shipments::v1::ListShipmentsRequest listed;
  std::vector<shipments::v1::GetLabelResponse> labels;  // what ReadLabels says
  grpc::Status labels_end = grpc::Status::OK;
  shipments::v1::ReadLabelsRequest read;
  shipments::v1::EstimateCostResponse estimate;
  shipments::v1::EstimateCostRequest estimated;
};

class FakeReviews : public shipments::v1::ReviewService::Service {
 public:
  grpc::Status ListReviews(grpc::ServerContext*, const shipments::v1::ListReviewsRequest* request,
                           shipments::v1::ListReviewsResponse* response) override {
    decltype(reviews) found;
    for (const auto& review : reviews) {
      if (request->state() == 0 || request->state() == review.state()) *found.Add() = review;
    }
    response->set_next_page_token(FillPage(*request, found, response->mutable_reviews()));
    return grpc::Status::OK;
  }
  grpc::Status GetReview(grpc::ServerContext*, const shipments::v1::GetReviewRequest* request,
                         shipments::v1::Review* response) override {
    for (const auto& review : reviews) {
      if (review.name() != request->name()) continue;
      *response = review;
      return grpc::Status::OK;
    }
    return NotFound(request->name());
  }
  grpc::Status ResolveReview(grpc::ServerContext*,
                             const shipments::v1::ResolveReviewRequest* request,
                             shipments::v1::Review* response) override {
    resolved = *request;
    response->set_name(request->name());
    return grpc::Status::OK;
  }

  google::protobuf::RepeatedPtrField<shipments::v1::Review> reviews;
  shipments::v1::ResolveReviewRequest resolved;
};

class FakeMapping : public shipments::v1::MappingService::Service {
 public:
  grpc::Status GetMapping(grpc::ServerContext*, const shipments::v1::GetMappingRequest* request,
                          shipments::v1::Mapping* response) override {
    asked = *request;
    if (request->connection() != mapping.connection()) return NotFound(request->connection());
    *response = mapping;
    return grpc::Status::OK;
  }
  grpc::Status SetMapping(grpc::ServerContext*, const shipments::v1::SetMappingRequest* request,
                          shipments::v1::Mapping* response) override {
    if (!refusal.ok()) return refusal;
    set = *request;
    *mapping.mutable_rules() = request->rules();
    mapping.set_comment(request->comment());
    mapping.set_version(mapping.version() + 1);
    *response = mapping;
    return grpc::Status::OK;
  }
  grpc::Status PreviewMapping(grpc::ServerContext*,
                              const shipments::v1::PreviewMappingRequest* request,
                              shipments::v1::PreviewMappingResponse* response) override {
    if (!refusal.ok()) return refusal;
    previewed = *request;
    *response = preview;
    return grpc::Status::OK;
  }

  shipments::v1::Mapping mapping;
  shipments::v1::PreviewMappingResponse preview;
  grpc::Status refusal;  // of what is set or previewed
  shipments::v1::GetMappingRequest asked;
  shipments::v1::SetMappingRequest set;
  shipments::v1::PreviewMappingRequest previewed;
};

class FakeTracking : public tracking::v1::TrackingService::Service {
 public:
  grpc::Status GetTracker(grpc::ServerContext*, const tracking::v1::GetTrackerRequest* request,
                          tracking::v1::Tracker* response) override {
    for (const auto& tracker : trackers) {
      if (tracker.name() != request->name()) continue;
      *response = tracker;
      return grpc::Status::OK;
    }
    return NotFound(request->name());
  }

  google::protobuf::RepeatedPtrField<tracking::v1::Tracker> trackers;
};

class FakeAccounts : public ups::v1::AccountService::Service {
 public:
  grpc::Status CreateAccount(grpc::ServerContext*, const ups::v1::CreateAccountRequest* request,
                             ups::v1::Account* response) override {
    created = *request;
    *response = request->account();
    response->set_name("accounts/" + request->account_id());
    return grpc::Status::OK;
  }
  grpc::Status GetTokenStatus(grpc::ServerContext*, const ups::v1::GetTokenStatusRequest* request,
                              ups::v1::TokenStatus* response) override {
    response->set_account(request->name());
    response->set_requests_used(2);
    response->set_requests_limit(250);
    response->set_requests_left(248);
    response->mutable_exhaust_time()->set_seconds(1'795'446'062);
    return grpc::Status::OK;
  }
  grpc::Status GetAccount(grpc::ServerContext*, const ups::v1::GetAccountRequest* request,
                          ups::v1::Account* response) override {
    if (request->name() != account.name()) return NotFound(request->name());
    *response = account;
    return grpc::Status::OK;
  }
  grpc::Status ListAccounts(grpc::ServerContext*, const ups::v1::ListAccountsRequest*,
                            ups::v1::ListAccountsResponse* response) override {
    *response->add_accounts() = account;
    return grpc::Status::OK;
  }
  grpc::Status UpdateAccount(grpc::ServerContext*, const ups::v1::UpdateAccountRequest* request,
                             ups::v1::Account* response) override {
    updated = *request;
    *response = request->account();
    return grpc::Status::OK;
  }
  grpc::Status StopAccount(grpc::ServerContext*, const ups::v1::StopAccountRequest* request,
                           ups::v1::Account* response) override {
    if (request->name() != account.name()) return NotFound(request->name());
    account.set_stopped(true);
    account.set_stop_reason(request->reason());
    *response = account;
    return grpc::Status::OK;
  }
  grpc::Status StartAccount(grpc::ServerContext*, const ups::v1::StartAccountRequest*,
                            ups::v1::Account* response) override {
    account.clear_stopped();
    account.clear_stop_reason();
    *response = account;
    return grpc::Status::OK;
  }
  grpc::Status RewrapKeys(grpc::ServerContext*, const ups::v1::RewrapKeysRequest*,
                          ups::v1::RewrapKeysResponse* response) override {
    response->set_rewrapped(3);
    response->set_total(4);
    response->set_key_id("k2");
    return grpc::Status::OK;
  }
  grpc::Status TestAccount(grpc::ServerContext*, const ups::v1::TestAccountRequest*,
                           ups::v1::TestAccountResponse* response) override {
    *response = test;
    return grpc::Status::OK;
  }
  grpc::Status ListAccountErrors(grpc::ServerContext*,
                                 const ups::v1::ListAccountErrorsRequest* request,
                                 ups::v1::ListAccountErrorsResponse* response) override {
    response->set_next_page_token(FillPage(*request, errors, response->mutable_errors()));
    return grpc::Status::OK;
  }
  grpc::Status ReconcileAccount(grpc::ServerContext*,
                                const ups::v1::ReconcileAccountRequest* request,
                                ups::v1::ReconcileAccountResponse* response) override {
    reconciled = *request;
    *response = differences;
    return grpc::Status::OK;
  }

  ups::v1::CreateAccountRequest created;
  ups::v1::UpdateAccountRequest updated;
  ups::v1::ReconcileAccountRequest reconciled;
  ups::v1::ReconcileAccountResponse differences;
  ups::v1::Account account;
  ups::v1::TestAccountResponse test;
  google::protobuf::RepeatedPtrField<ups::v1::AccountError> errors;
};

class FakeAudit : public audit::v1::AuditService::Service {
 public:
  grpc::Status ListEntries(grpc::ServerContext*, const audit::v1::ListEntriesRequest* request,
                           audit::v1::ListEntriesResponse* response) override {
    response->set_next_page_token(FillPage(*request, entries, response->mutable_entries()));
    return grpc::Status::OK;
  }

  google::protobuf::RepeatedPtrField<audit::v1::Entry> entries;
};

}  // namespace psups::psupsctl
