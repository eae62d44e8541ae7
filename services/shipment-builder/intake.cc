#include "services/shipment-builder/intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/status_macros.h"
#include "services/shipment-builder/told.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::orders::v1;

constexpr int kOrdersAtOnce = 100;
constexpr int64_t kLeaseSeconds = 60;
constexpr absl::Duration kAccountKnownFor = absl::Minutes(10);
constexpr absl::Duration kAccountAskedAgain = absl::Seconds(10);
constexpr absl::Duration kUnparkEvery = absl::Minutes(1);

bool WellFormed(const pb::Order& order) {
  return order.name().rfind("orders/", 0) == 0 && order.revision() > 0 &&
         order.document().connection().rfind("connections/", 0) == 0;
}

std::string ConnectionOf(const pb::Order& order) {
  const std::string& name = order.document().connection();
  return name.substr(name.find('/') + 1);
}

}  // namespace

ShipmentStore::Plan Planner::plan() const {
  return [this](const pb::Order& order, std::vector<Shipment>& existing, int64_t built,
                int64_t mapping_version) -> absl::StatusOr<Reconciliation> {
    ASSIGN_OR_RETURN(RuleHistory history, rules_.At(ConnectionOf(order), mapping_version));
    return Reconcile(order, existing, built,
                     {.calendar = calendar(), .derive = derive_, .rules = std::move(history)});
  };
}

absl::StatusOr<std::vector<Stored>> Intake::Planned(
    const std::function<absl::StatusOr<std::vector<Stored>>()>& plan) {
  absl::StatusOr<std::vector<Stored>> stored = plan();
  if (absl::IsAborted(stored.status())) {
    // Rules were set that this process has not read yet.
    RETURN_IF_ERROR(planner_.rules().Refresh().status());
    stored = plan();
  }
  return stored;
}

absl::StatusOr<int> Intake::Step() {
  pb::LeaseOrdersRequest request;
  request.set_limit(kOrdersAtOnce);
  request.mutable_lease_duration()->set_seconds(kLeaseSeconds);
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait_));
  const absl::Duration asked = uptime_();  // the reply is older when it has been worked on
  ASSIGN_OR_RETURN(const pb::LeaseOrdersResponse response, orders_.LeaseOrders(request));
  LookAtAccounts(response);
  connections_.Report(response, Refused(response), asked, Countries());
  RETURN_IF_ERROR(WakeParked());
  if (response.orders().empty()) return 0;

  std::vector<pb::Order> orders;
  pb::AcknowledgeOrdersRequest acknowledge;
  for (const auto& leased : response.orders()) {
    if (!WellFormed(leased.order())) {
      LogError("order_malformed", {{"order", leased.order().name()}});
      continue;  // not acknowledged: it shows at ps-ingest, and a fixed version takes it
    }
    orders.push_back(leased.order());
    auto& entry = *acknowledge.add_acknowledgements();
    entry.set_name(leased.order().name());
    entry.set_revision(leased.order().revision());
    entry.set_lease_id(leased.lease_id());
  }
  if (orders.empty()) return 0;
  ASSIGN_OR_RETURN(const std::vector<Stored> stored,
                   Planned([&] { return store_.TakeIn(orders, planner_.plan()); }));
  TellPeople(stored, tell_);
  if (!stored.empty()) {
    validate_.Notify();
    label_.Notify();
  }
  // Dying here is harmless: the same revisions come again and change nothing.
  RETURN_IF_ERROR(orders_.AcknowledgeOrders(acknowledge));
  return static_cast<int>(orders.size());
}

absl::StatusOr<int> Intake::PlanAgain() {
  ASSIGN_OR_RETURN(const std::vector<Stored> stored,
                   Planned([&] { return store_.PlanAgain(kOrdersAtOnce, planner_.plan()); }));
  TellPeople(stored, tell_);
  if (!stored.empty()) validate_.Notify();
  return static_cast<int>(stored.size());
}

void Intake::LookAtAccounts(const pb::LeaseOrdersResponse& response) {
  for (const auto& connection : response.connections()) {
    if (connection.ups_account().empty()) continue;
    Account& account = accounts_[connection.ups_account()];
    if (uptime_() - account.asked <= (account.known ? kAccountKnownFor : kAccountAskedAgain)) {
      continue;
    }
    absl::StatusOr<AccountFacts> facts = ups_.GetAccountFacts(connection.ups_account());
    if (facts.ok()) account = {.known = true, .facts = *std::move(facts)};
    account.asked = uptime_();
  }
}

std::map<std::string, std::string> Intake::Countries() const {
  std::map<std::string, std::string> countries;
  for (const auto& [name, account] : accounts_) {
    if (account.known) countries[name] = account.facts.country_code;
  }
  return countries;
}

// A test system's connections must not buy labels that cost money.
std::vector<std::string> Intake::Refused(const pb::LeaseOrdersResponse& response) {
  std::vector<std::string> refused, told_now;
  for (const auto& connection : response.connections()) {
    if (connection.environment() != pb::Connection::TEST ||
        connection.state() != pb::Connection::ACTIVE) {
      continue;
    }
    const Account& account = accounts_[connection.ups_account()];
    if (!account.facts.production) continue;
    refused.push_back(connection.connection().substr(connection.connection().find('/') + 1));
    if (!account.known) continue;
    told_now.push_back(refused.back());
    const bool told = std::find(told_refused_.begin(), told_refused_.end(), refused.back()) !=
                      told_refused_.end();
    if (!told) {
      LogError("buying_refused",
               {{"connection", connection.connection()},
                {"account", connection.ups_account()},
                {"reason",
                 "a TEST connection may not buy from a PRODUCTION account; give the "
                 "connection a CIE account"}});
    }
  }
  told_refused_ = std::move(told_now);
  return refused;
}

absl::Status Intake::WakeParked() {
  std::vector<std::string> buying = connections_.Buying();
  if (buying == buying_ && uptime_() - unparked_ < kUnparkEvery) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int woken, store_.Unpark(buying));
  buying_ = std::move(buying);
  unparked_ = uptime_();
  if (woken > 0) label_.Notify();
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder
