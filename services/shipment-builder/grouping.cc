#include "services/shipment-builder/grouping.h"

#include <algorithm>
#include <map>

#include "absl/time/time.h"
#include "common/crypto.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {

std::optional<Quantities> QuantitiesOf(const Schedule& schedule) {
  const auto ordered = Decimal::Parse(schedule.ordered_quantity());
  const auto open = Decimal::Parse(schedule.open_quantity());
  if (!ordered.ok() || !open.ok()) return std::nullopt;
  if (*open < Decimal(0) || *open > *ordered) return std::nullopt;
  return Quantities{.ordered = *ordered, .open = *open};
}

std::string LeavingDay(const std::string& ship_date, absl::CivilDay today) {
  absl::CivilDay day;
  if (!absl::ParseCivilTime(ship_date, &day) || day <= today) return "";
  return absl::FormatCivilTime(day);
}

const Schedule* FindSchedule(const orders::v1::Order& order, int line, int schedule) {
  for (const Schedule& candidate : order.schedules()) {
    if (candidate.line_number() == line && candidate.schedule_number() == schedule) {
      return &candidate;
    }
  }
  return nullptr;
}

std::vector<Group> GroupSchedules(const orders::v1::Order& order, const std::vector<Share>& shares,
                                  const Rules& rules, absl::CivilDay today) {
  std::vector<Share> sorted = shares;
  std::sort(sorted.begin(), sorted.end(), [](const Share& a, const Share& b) {
    return std::pair(a.line, a.schedule) < std::pair(b.line, b.schedule);
  });
  std::vector<Group> groups;
  std::map<std::string, std::size_t> by_key;
  for (const Share& share : sorted) {
    const Schedule* schedule = FindSchedule(order, share.line, share.schedule);
    if (schedule == nullptr) continue;
    const std::string day = LeavingDay(schedule->ship_date(), today);
    const auto service = rules.ServiceFor(*schedule);
    const auto payment = rules.PaymentFor(*schedule);
    // The addresses stand beside the ids: a requisition's lines may name a vendor's several ones.
    const std::string key = JoinUnambiguously(
        {schedule->vendor_setid(), schedule->vendor_id(), FullAddress(schedule->ship_from()),
         schedule->ship_to_setid(), schedule->ship_to_id(), FullAddress(schedule->ship_to()),
         service.has_value() ? "service" : "ship type", service.value_or(schedule->ship_type_id()),
         payment.has_value() ? payment->SerializeAsString() : "terms " + schedule->freight_terms(),
         schedule->ineligible_reason() == kPartlyShippedAsRequisition ? "in part" : "", day});
    const auto [entry, fresh] = by_key.try_emplace(key, groups.size());
    if (fresh) groups.push_back({.ship_date = day});
    groups[entry->second].schedules.push_back(schedule);
    groups[entry->second].shares.push_back(share);
  }
  return groups;
}

}  // namespace psups::shipment_builder
