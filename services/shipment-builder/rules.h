#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "psups/orders/v1/order_service.pb.h"
#include "psups/shipments/v1/mapping_service.pb.h"
#include "psups/type/v1/address.pb.h"
#include "psups/ups/v1/ups_service.pb.h"
#include "services/shipment-builder/address_check.h"
#include "services/shipment-builder/boxes.h"
#include "services/shipment-builder/measures.h"

namespace psups::shipment_builder {

// One version of a connection's rules, ready to be asked. It never changes.
class Rules {
 public:
  using Schedule = orders::v1::Order::Schedule;

  explicit Rules(const shipments::v1::Rules& rules = {}, int64_t version = 0);

  // 0: those that every default makes.
  int64_t version() const { return version_; }
  const shipments::v1::Rules& text() const { return text_; }

  // UPS's service code for a schedule's ship via; nullopt: no rule says.
  std::optional<std::string> ServiceFor(const Schedule& schedule) const;
  // Who pays; nullopt: no rule says.
  std::optional<ups::v1::Payment> PaymentFor(const Schedule& schedule) const;
  // The address of a vendor or location with its lines put where they belong.
  type::v1::Address Arranged(const std::string& setid, const type::v1::Address& address) const;
  // What is known of a schedule's item beside PeopleSoft's; null: nothing.
  const shipments::v1::Rules::Item* ItemOf(const Schedule& schedule) const;
  const MeasureRules& measures() const { return measures_; }
  const std::vector<Box>& boxes() const { return boxes_; }
  const AddressPolicy& addresses() const { return addresses_; }
  // Whether UPS, or a form rule, checks addresses of the country.
  bool ShipsTo(const std::string& country_code) const;
  std::string packaging_code() const;
  // A label may be bought so many days before its ship date.
  int days_ahead() const;
  bool past_due_is_asked() const;
  // Whether each shipment is priced before it is bought.
  bool estimates() const;

 private:
  shipments::v1::Rules text_;
  int64_t version_ = 0;
  MeasureRules measures_;
  std::vector<Box> boxes_;
  AddressPolicy addresses_;
};

// All versions of one connection's rules that were read so far.
class RuleHistory {
 public:
  RuleHistory();  // version 0 alone

  void Add(std::shared_ptr<const Rules> rules);
  // Forgets versions that are newer than `version`.
  void DropAfter(int64_t version);
  const Rules& newest() const { return *versions_.rbegin()->second; }
  // A version that was never read is the newest: it can only be of a shipment that another replica
  // has planned since.
  const Rules& Of(int64_t version) const;

 private:
  std::map<int64_t, std::shared_ptr<const Rules>> versions_;
};

}  // namespace psups::shipment_builder
