#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/shipment-builder/grouping.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder::testing {

// ps-ingest as its contract says: the newest revision of each order is handed out until it is
// acknowledged; an acknowledgement of another revision, or under another lease, is stale.
class FakeOrders : public OrderSource {
 public:
  void Put(const orders::v1::Order& order) { orders_[order.name()] = {.order = order}; }
  void AddConnection(
      const std::string& id, orders::v1::Connection::State state,
      orders::v1::Connection::Environment environment = orders::v1::Connection::PRODUCTION) {
    auto& connection = connections_["connections/" + id];
    connection.set_connection("connections/" + id);
    connection.set_state(state);
    connection.set_ups_account("accounts/main");
    connection.set_environment(environment);
  }

  absl::StatusOr<orders::v1::LeaseOrdersResponse> LeaseOrders(
      const orders::v1::LeaseOrdersRequest& request) override {
    if (!down.ok()) return down;
    if (on_lease) on_lease();
    orders::v1::LeaseOrdersResponse response;
    for (auto& [name, entry] : orders_) {
      if (entry.acknowledged || response.orders_size() == request.limit()) continue;
      if (kept_back.count(name) > 0) continue;
      auto& leased = *response.add_orders();
      *leased.mutable_order() = entry.order;
      leased.set_lease_id(absl::StrCat(++leases_));
      entry.lease_id = leased.lease_id();
    }
    for (const auto& [name, state] : connections_) *response.add_connections() = state;
    return response;
  }
  absl::Status AcknowledgeOrders(const orders::v1::AcknowledgeOrdersRequest& request) override {
    if (!acknowledge_fails.ok()) return acknowledge_fails;
    for (const auto& one : request.acknowledgements()) {
      Entry& entry = orders_[one.name()];
      if (entry.order.revision() != one.revision() || entry.lease_id != one.lease_id()) continue;
      entry.acknowledged = true;
      ++acknowledged;
    }
    return absl::OkStatus();
  }
  // A fresh look: `closed` schedules are not open any more even if the revision does not say so.
  absl::StatusOr<orders::v1::CheckOrdersResponse> CheckOrders(
      const orders::v1::CheckOrdersRequest& request) override {
    if (!down.ok()) return down;
    if (on_check) on_check();
    orders::v1::CheckOrdersResponse response;
    for (const std::string& name : request.names()) {
      const auto found = orders_.find(name);
      if (found == orders_.end()) continue;
      auto& standing = *response.add_standings();
      standing.set_name(name);
      standing.set_revision(found->second.order.revision());
      for (const auto& schedule : found->second.order.schedules()) {
        if (closed.count(name) > 0 || schedule.ineligible_reason() != 0) continue;
        auto& open = *standing.add_open_schedules();
        open.set_line_number(schedule.line_number());
        open.set_schedule_number(schedule.schedule_number());
        open.set_quantity(schedule.open_quantity());
      }
    }
    return response;
  }

  bool IsAcknowledged(const std::string& name) { return orders_.at(name).acknowledged; }

  absl::Status down = absl::OkStatus();
  std::function<void()> on_lease, on_check;  // while it is asked
  absl::Status acknowledge_fails = absl::OkStatus();
  std::set<std::string> closed;
  std::set<std::string> kept_back;  // not handed out for now
  int acknowledged = 0;

 private:
  struct Entry {
    orders::v1::Order order = {};
    bool acknowledged = false;
    std::string lease_id = {};
  };
  std::map<std::string, Entry> orders_;
  std::map<std::string, orders::v1::LeaseOrdersResponse::ConnectionState> connections_;
  int leases_ = 0;
};

// ups-gateway as its contract says: one label per request_id, ever; the same id with another
// content is refused; what it said for ever it says again.
class FakeUps : public UpsPort {
 public:
  using Response = ups::v1::ValidateAddressResponse;

  void ValidateAddress(const ups::v1::ValidateAddressRequest& request, const std::string&,
                       Done<Response> done) override {
    Response response;
    absl::Status status;
    {
      std::lock_guard lock(mutex_);
      ++validations;
      status = validate_fails;
      if (request.account().empty()) status = absl::InvalidArgumentError("account: \"\"");
      const auto special = verdicts.find(request.address().lines(0));
      if (special != verdicts.end()) {
        response = special->second;
      } else {
        response.set_verdict(Response::VALID);
        auto& candidate = *response.add_candidates();
        *candidate.mutable_address() = request.address();
        candidate.mutable_address()->set_postal_code(
            absl::StrCat(request.address().postal_code().substr(0, 5), "-4321"));
        candidate.set_classification(Response::COMMERCIAL);
      }
      response.set_call_id(absl::StrCat("call-", validations));
    }
    if (status.ok()) {
      done(response);
    } else {
      done(status);
    }
  }

  void CreateShipment(const ups::v1::CreateShipmentRequest& request, const std::string&,
                      Done<ups::v1::Call> done) override {
    absl::StatusOr<ups::v1::Call> answer = absl::UnknownError("");
    {
      std::lock_guard lock(mutex_);
      ++creates;
      answer = Create(request);
      if (hold) {
        held_.push_back([done, answer] { done(answer); });
        return;
      }
    }
    done(answer);
  }

  void GetCall(const std::string& request_id, const std::string&,
               Done<ups::v1::Call> done) override {
    absl::StatusOr<ups::v1::Call> answer = absl::NotFoundError("never came");
    {
      std::lock_guard lock(mutex_);
      const auto found = calls.find(request_id);
      if (found != calls.end()) answer = found->second;
    }
    done(answer);
  }

  void CloseCall(const ups::v1::CloseCallRequest& request, const std::string&,
                 Done<ups::v1::Call> done) override {
    absl::StatusOr<ups::v1::Call> answer = absl::UnknownError("");
    {
      std::lock_guard lock(mutex_);
      if (!close_fails.ok()) {
        answer = close_fails;
      } else {
        ups::v1::Call& call = calls[request.request_id()];
        const bool given_up = call.needs_person() && !request.confirmed_by().empty();
        if (call.state() == ups::v1::Call::STATE_UNSPECIFIED || given_up) {
          call.set_request_id(request.request_id());
          call.set_state(ups::v1::Call::NOT_MADE);
          call.set_needs_person(false);
        }
        closed_by[request.request_id()] = request.confirmed_by();
        answer = call;
      }
    }
    done(answer);
  }

  void VoidShipment(const ups::v1::VoidShipmentRequest& request, const std::string&,
                    Done<ups::v1::VoidShipmentResponse> done) override {
    absl::Status status;
    ups::v1::VoidShipmentResponse response;
    {
      std::lock_guard lock(mutex_);
      ++voids;
      status = void_fails;
      if (status.ok() && !request.tracking_numbers().empty()) {
        status = part_void_fails;
        if (status.ok()) {
          voided_packages.insert(request.tracking_numbers().begin(),
                                 request.tracking_numbers().end());
        }
      } else if (status.ok()) {
        response.set_already_voided(!voided.insert(request.ups_shipment_id()).second);
      }
    }
    if (status.ok()) {
      done(response);
    } else {
      done(status);
    }
  }
  absl::Status AcknowledgeCalls(const std::vector<std::string>& request_ids) override {
    std::lock_guard lock(mutex_);
    if (!acknowledge_fails.ok()) return acknowledge_fails;
    for (const std::string& id : request_ids) acknowledged.insert(id);
    return absl::OkStatus();
  }
  // The labels of the purchase that has the number, unless recover_fails says otherwise.
  absl::StatusOr<ups::v1::RecoverLabelResponse> RecoverLabel(
      const ups::v1::RecoverLabelRequest& request, const std::string&) override {
    std::lock_guard lock(mutex_);
    recoveries.push_back(request);
    if (!recover_fails.ok()) return recover_fails;
    ups::v1::RecoverLabelResponse response;
    response.set_outcome(ups::v1::RecoverLabelResponse::NOT_FOUND);
    for (const auto& [id, call] : calls) {
      for (const auto& package : call.result().packages()) {
        if (package.tracking_number() != request.tracking_number()) continue;
        const bool is_void = voided.count(call.result().ups_shipment_id()) > 0;
        response.set_outcome(is_void ? ups::v1::RecoverLabelResponse::VOIDED
                                     : ups::v1::RecoverLabelResponse::FOUND);
        if (!is_void) *response.mutable_result() = call.result();
      }
    }
    for (auto& package : *response.mutable_result()->mutable_packages()) {
      package.mutable_label()->append(rendered_anew);
    }
    return response;
  }
  // By pound of the first package: ground a dollar, each faster service two more; a business day
  // from 2026-11-24 on for the fastest.
  void QuoteRates(const ups::v1::QuoteRatesRequest& request, const std::string&,
                  Done<ups::v1::QuoteRatesResponse> done) override {
    ++quotes;
    if (!quote_fails.ok()) return done(quote_fails);
    ups::v1::QuoteRatesResponse response;
    const std::vector<std::pair<std::string, std::string>> services = {
        {"03", "2026-11-30"}, {"12", "2026-11-27"}, {"02", "2026-11-25"}, {"01", "2026-11-24"}};
    int64_t price = 1000;
    for (const auto& [code, day] : services) {
      const std::string& wanted = request.shipment().service_code();
      if (wanted.empty() || wanted == code) {
        auto& quote = *response.add_quotes();
        quote.set_service_code(code);
        quote.set_delivery_date(day);
        quote.mutable_charges()->set_amount_minor(price);
        quote.mutable_charges()->set_currency_code("USD");
      }
      price += 500;
    }
    done(response);
  }
  void FindShipmentByReference(const ups::v1::FindShipmentByReferenceRequest& request,
                               const std::string&,
                               Done<ups::v1::FindShipmentByReferenceResponse> done) override {
    ++searches;
    if (!search_fails.ok()) return done(search_fails);
    ups::v1::FindShipmentByReferenceResponse response;
    for (const auto& [reference, number] : by_hand) {
      if (reference == request.reference()) response.add_tracking_numbers(number);
    }
    done(response);
  }
  absl::StatusOr<AccountFacts> GetAccountFacts(const std::string&) override {
    return AccountFacts{.production = production, .country_code = account_country};
  }

  // Answers that are held back go out.
  void Release() {
    std::vector<std::function<void()>> answers;
    {
      std::lock_guard lock(mutex_);
      answers.swap(held_);
      hold = false;
    }
    for (const auto& answer : answers) answer();
  }
  // Labels that exist at UPS and are not void.
  int LiveLabels() {
    std::lock_guard lock(mutex_);
    int live = 0;
    for (const auto& [id, call] : calls) {
      live +=
          call.state() == ups::v1::Call::DONE && voided.count(call.result().ups_shipment_id()) == 0;
    }
    return live;
  }
  void Finish(const std::string& request_id, ups::v1::Call::State state) {
    std::lock_guard lock(mutex_);
    ups::v1::Call& call = calls.at(request_id);
    call.set_state(state);
    call.set_needs_person(false);
    if (state == ups::v1::Call::DONE) Label(requests.at(request_id), call);
  }

  std::map<std::string, Response> verdicts;  // by first street line
  absl::Status validate_fails = absl::OkStatus();
  absl::Status create_fails = absl::OkStatus();  // nothing is stored
  absl::Status close_fails = absl::OkStatus();
  std::map<std::string, std::string> closed_by;  // request id → who confirmed it
  // What becomes of the next new calls, then DONE.
  std::vector<ups::v1::Call> next;
  absl::Status void_fails = absl::OkStatus();
  absl::Status part_void_fails = absl::OkStatus();
  absl::Status acknowledge_fails = absl::OkStatus();
  absl::Status recover_fails = absl::OkStatus();
  std::string rendered_anew = {};  // what recovered labels have more
  std::vector<ups::v1::RecoverLabelRequest> recoveries;
  bool production = true;
  std::string account_country = "US";
  std::multimap<std::string, std::string> by_hand;  // reference → 1Z number that is not ours
  absl::Status quote_fails = absl::OkStatus();
  absl::Status search_fails = absl::OkStatus();
  int quotes = 0;
  int searches = 0;
  bool hold = false;
  int validations = 0;
  int creates = 0;
  int voids = 0;
  std::map<std::string, ups::v1::Call> calls;
  std::map<std::string, ups::v1::CreateShipmentRequest> requests;
  std::set<std::string> voided;
  std::set<std::string> voided_packages;  // alone
  std::set<std::string> acknowledged;

 private:
  absl::StatusOr<ups::v1::Call> Create(const ups::v1::CreateShipmentRequest& request) {
    if (!create_fails.ok()) return create_fails;
    const auto known = calls.find(request.request_id());
    if (known != calls.end()) {
      if (requests.count(request.request_id()) > 0 &&
          requests.at(request.request_id()).SerializeAsString() != request.SerializeAsString()) {
        return absl::AlreadyExistsError("another content");
      }
      return known->second;
    }
    ups::v1::Call call;
    call.set_state(ups::v1::Call::DONE);
    if (!next.empty()) {
      call = next.front();
      next.erase(next.begin());
    }
    call.set_request_id(request.request_id());
    if (call.state() == ups::v1::Call::DONE) Label(request, call);
    requests[request.request_id()] = request;
    calls[request.request_id()] = call;
    return call;
  }
  void Label(const ups::v1::CreateShipmentRequest& request, ups::v1::Call& call) {
    auto& result = *call.mutable_result();
    for (int i = 0; i < request.shipment().packages_size(); ++i) {
      auto& package = *result.add_packages();
      package.set_tracking_number(absl::StrCat("1ZA1B2C303000", 10000 + ++numbers_));
      package.set_label(absl::StrCat("^XA label ", numbers_));
      package.set_label_format("ZPL");
    }
    result.set_ups_shipment_id(result.packages(0).tracking_number());
    result.mutable_charges()->set_amount_minor(1234);
    result.mutable_charges()->set_currency_code("USD");
  }

  std::mutex mutex_;
  std::vector<std::function<void()>> held_;
  int numbers_ = 0;
};

// tracking-sync as its contract says: a tracker per number; the stream keeps its positions.
class FakeTracking : public TrackingPort {
 public:
  absl::Status CreateTrackers(const tracking::v1::CreateTrackersRequest& request) override {
    if (!create_fails.ok()) return create_fails;
    for (const auto& tracker : request.trackers()) {
      const auto [entry, fresh] = trackers.try_emplace(tracker.tracking_number(), tracker);
      if (!fresh && entry->second.shipment() != tracker.shipment()) {
        return absl::AlreadyExistsError(tracker.tracking_number());
      }
    }
    return absl::OkStatus();
  }
  absl::Status CloseTrackers(const tracking::v1::CloseTrackersRequest& request) override {
    if (!close_fails.ok()) return close_fails;
    for (const std::string& number : request.tracking_numbers()) {
      if (trackers.count(number) == 0) return absl::NotFoundError(number);
      closed.insert(number);
    }
    return absl::OkStatus();
  }
  absl::StatusOr<tracking::v1::WatchEventsResponse> WatchEvents(
      const tracking::v1::WatchEventsRequest& request) override {
    tracking::v1::WatchEventsResponse response;
    const std::string& cursor = request.cursor();
    if (!cursor.empty() && cursor.rfind(epoch, 0) != 0) return absl::OutOfRangeError("epoch");
    std::size_t position = cursor.empty() ? 0 : std::stoul(cursor.substr(epoch.size()));
    for (; position < events.size() && response.changes_size() < request.limit(); ++position) {
      *response.add_changes() = events[position];
    }
    response.set_next_cursor(position == 0 ? cursor : absl::StrCat(epoch, position));
    return response;
  }
  void Scan(const std::string& number, tracking::v1::Status status) {
    tracking::v1::WatchEventsResponse::StatusChange change;
    change.set_tracking_number(number);
    change.set_shipment(trackers.at(number).shipment());
    change.set_status(status);
    events.push_back(change);
  }

  absl::Status create_fails = absl::OkStatus();
  absl::Status close_fails = absl::OkStatus();
  std::string epoch = "a.";
  std::map<std::string, tracking::v1::CreateTrackersRequest::NewTracker> trackers;
  std::set<std::string> closed;
  std::vector<tracking::v1::WatchEventsResponse::StatusChange> events;
};

// ---- Orders to begin with ----

inline type::v1::Address AddressAt(const std::string& name, const std::string& line,
                                   const std::string& city, const std::string& state,
                                   const std::string& zip) {
  type::v1::Address address;
  address.set_name(name);
  address.add_lines(line);
  address.set_city(city);
  address.set_state(state);
  address.set_postal_code(zip);
  address.set_country_code("US");
  return address;
}

// An item of 5 lb, 12 × 10 × 4 in.
inline Schedule PlainSchedule(int line, int number, const std::string& quantity = "4") {
  Schedule schedule;
  schedule.set_line_number(line);
  schedule.set_schedule_number(number);
  schedule.set_ordered_quantity(quantity);
  schedule.set_open_quantity(quantity);
  schedule.set_unit_of_measure("EA");
  schedule.set_item_setid("SHARE");
  schedule.set_item_id("10001");
  schedule.mutable_shipping_weight()->set_value("5");
  schedule.mutable_shipping_weight()->set_unit("LB");
  schedule.mutable_item_dimensions()->set_length("12");
  schedule.mutable_item_dimensions()->set_width("10");
  schedule.mutable_item_dimensions()->set_height("4");
  schedule.mutable_item_dimensions()->set_unit("IN");
  schedule.set_ship_type_id("GROUND");
  schedule.set_vendor_setid("SHARE");
  schedule.set_vendor_id("0000000042");
  schedule.set_ship_to_setid("SHARE");
  schedule.set_ship_to_id("DENVER");
  *schedule.mutable_ship_from() =
      AddressAt("Cascade Tool & Die", "100 Mill St", "Portland", "OR", "97204");
  *schedule.mutable_ship_to() =
      AddressAt("Denver Warehouse", "1500 Market Street", "Denver", "CO", "80202");
  return schedule;
}

inline orders::v1::Order PlainOrder(const std::string& id, int64_t revision = 1,
                                    const std::string& connection = "c1") {
  orders::v1::Order order;
  order.set_name("orders/" + id);
  order.set_revision(revision);
  order.set_trace_id("0123456789abcdef0123456789abcdef");
  order.mutable_document()->set_connection("connections/" + connection);
  order.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
  order.mutable_document()->set_business_unit("US001");
  order.mutable_document()->set_document_id("0000000123");
  *order.add_schedules() = PlainSchedule(1, 1);
  return order;
}

}  // namespace psups::shipment_builder::testing
