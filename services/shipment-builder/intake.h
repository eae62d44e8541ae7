#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/planning.h"
#include "services/shipment-builder/ports.h"
#include "services/shipment-builder/rule_book.h"

namespace psups::shipment_builder {

// Plans with the present day and the connections' rules.
class Planner {
 public:
  Planner(const Clock& clock, absl::TimeZone zone, Derive derive, RuleBook& rules)
      : clock_(clock), zone_(zone), derive_(std::move(derive)), rules_(rules) {}

  Calendar calendar() const { return {.now = clock_.Now(), .zone = zone_}; }
  const Derive& derive() const { return derive_; }
  RuleBook& rules() const { return rules_; }
  // By the rules that this process knows to be the newest.
  Basis BasisFor(const std::string& connection_id) const {
    return {.calendar = calendar(), .derive = derive_, .rules = rules_.Of(connection_id)};
  }
  ShipmentStore::Plan plan() const;

 private:
  const Clock& clock_;
  const absl::TimeZone zone_;
  const Derive derive_;
  RuleBook& rules_;
};

// Takes order revisions from ps-ingest, stores them with the shipments they make, and only then
// acknowledges them. Learns on the way what each connection permits. ps-ingest may wait up to
// `wait` for the first revision: so long may a connection's change of state be unknown here.
class Intake {
 public:
  Intake(ShipmentStore& store, OrderSource& orders, UpsPort& ups, Connections& connections,
         const Planner& planner, Connections::Uptime uptime, Wakeup& validate, Wakeup& label,
         Wakeup& tell, absl::Duration wait)
      : store_(store),
        orders_(orders),
        ups_(ups),
        connections_(connections),
        planner_(planner),
        uptime_(std::move(uptime)),
        validate_(validate),
        label_(label),
        tell_(tell),
        wait_(wait) {}

  absl::StatusOr<int> Step();
  // Plans orders again whose schedules became free.
  absl::StatusOr<int> PlanAgain();

 private:
  absl::StatusOr<std::vector<Stored>> Planned(
      const std::function<absl::StatusOr<std::vector<Stored>>()>& plan);
  // Asks for accounts that are not known, or were known long ago.
  void LookAtAccounts(const orders::v1::LeaseOrdersResponse& response);
  std::map<std::string, std::string> Countries() const;
  std::vector<std::string> Refused(const orders::v1::LeaseOrdersResponse& response);
  absl::Status WakeParked();

  ShipmentStore& store_;
  OrderSource& orders_;
  UpsPort& ups_;
  Connections& connections_;
  const Planner& planner_;
  const Connections::Uptime uptime_;
  Wakeup& validate_;
  Wakeup& label_;
  Wakeup& tell_;
  const absl::Duration wait_;
  struct Account {
    bool known = false;
    AccountFacts facts = {};
    absl::Duration asked = -absl::InfiniteDuration();
  };
  std::map<std::string, Account> accounts_;
  std::vector<std::string> told_refused_;
  std::vector<std::string> buying_;
  absl::Duration unparked_ = -absl::InfiniteDuration();
};

}  // namespace psups::shipment_builder
