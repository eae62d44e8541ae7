#pragma once

#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder::testing {

using Random = std::mt19937_64;

inline bool Chance(Random& random, int percent) {
  return static_cast<int>(random() % 100) < percent;
}
inline int Between(Random& random, int least, int most) {
  return least + static_cast<int>(random() % static_cast<uint64_t>(most - least + 1));
}

// What people do to an order in PeopleSoft.
enum class OrderChange {
  kQuantityUp,
  kQuantityDown,
  kShipTo,
  kService,
  kLineCancelled,
  kScheduleCancelled,
  kHoldOn,
  kHoldOff,
  kWithdrawn,
  kRedispatch,
  kNewLine,
  kSplitSchedule,
  kReceivedPartly,
  kReceivedInFull,
  kSeveral,  // two or three of these in one revision
  // Not counted: they keep orders from lying dead, or lead them where a walk is to pass.
  kReinstated,
  kShipDate,
  kMended,
  kSpoiled,
};
inline constexpr std::array<std::pair<OrderChange, std::string_view>, 19> kOrderChanges = {{
    {OrderChange::kQuantityUp, "quantity up"},
    {OrderChange::kQuantityDown, "quantity down"},
    {OrderChange::kShipTo, "ship-to"},
    {OrderChange::kService, "service"},
    {OrderChange::kLineCancelled, "line cancelled"},
    {OrderChange::kScheduleCancelled, "schedule cancelled"},
    {OrderChange::kHoldOn, "hold on"},
    {OrderChange::kHoldOff, "hold off"},
    {OrderChange::kWithdrawn, "withdrawn"},
    {OrderChange::kRedispatch, "re-dispatch"},
    {OrderChange::kNewLine, "new line"},
    {OrderChange::kSplitSchedule, "split schedule"},
    {OrderChange::kReceivedPartly, "received partly"},
    {OrderChange::kReceivedInFull, "received in full"},
    {OrderChange::kSeveral, "several at once"},
    {OrderChange::kReinstated, "reinstated"},
    {OrderChange::kShipDate, "ship date"},
    {OrderChange::kMended, "mended"},
    {OrderChange::kSpoiled, "spoiled"},
}};
inline constexpr std::size_t kCountedChanges = 15;

inline constexpr std::array<std::string_view, 4> kPlaces = {"DENVER", "AUSTIN", "BOISE", "NOWHERE"};
inline constexpr std::array<std::string_view, 4> kServices = {"GROUND", "2DAY", "1DAY", "MULE"};

inline type::v1::Address PlaceAddress(std::string_view place) {
  if (place == "AUSTIN") return AddressAt("Austin Depot", "9 Oak Ave", "Austin", "TX", "78701");
  if (place == "BOISE") return AddressAt("Boise Store", "20 Elm Rd", "Boise", "ID", "83702");
  if (place == "NOWHERE") return AddressAt("Nowhere", "1 Void Way", "Denver", "CO", "80202");
  return AddressAt("Denver Warehouse", "1500 Market Street", "Denver", "CO", "80202");
}

// One order in PeopleSoft.
class WalkOrder {
 public:
  struct Line {
    int line = 0, schedule = 0;
    int ordered = 0, received = 0;
    std::string place = "DENVER", service = "GROUND";
    bool line_cancelled = false, cancelled = false;
    bool weighed = true;
    bool later = false;  // leaves in ten days

    int open() const { return std::max(0, ordered - received); }
    bool alive() const { return !line_cancelled && !cancelled; }
    bool spoiled() const { return !weighed || place == "NOWHERE" || service == "MULE"; }
  };

  WalkOrder(std::string id, Random& random, std::string later_day)
      : id_(std::move(id)), later_day_(std::move(later_day)) {
    const int lines = Between(random, 1, 3);
    for (int i = 1; i <= lines; ++i) AddLine(random, i, 1);
  }

  const std::string& id() const { return id_; }
  const std::vector<Line>& lines() const { return lines_; }
  const Line* Find(int line, int schedule) const {
    for (const Line& one : lines_) {
      if (one.line == line && one.schedule == schedule) return &one;
    }
    return nullptr;
  }
  int64_t revision() const { return revision_; }

  Schedule::IneligibleReason WhyNot(const Line& line) const {
    if (withdrawn_) return Schedule::STATUS;
    if (held_) return Schedule::HOLD;
    if (line.line_cancelled) return Schedule::LINE_CANCELLED;
    if (line.cancelled) return Schedule::SCHEDULE_CANCELLED;
    if (line.open() == 0) return Schedule::NOTHING_OPEN;
    return Schedule::INELIGIBLE_REASON_UNSPECIFIED;
  }

  bool Applies(OrderChange change, const Line& line) const {
    switch (change) {
      case OrderChange::kQuantityDown:
        return line.alive() && line.ordered > std::max(1, line.received);
      case OrderChange::kQuantityUp:
        return line.alive() && line.ordered < 40;
      case OrderChange::kShipTo:
      case OrderChange::kService:
        return line.alive();
      case OrderChange::kLineCancelled:
      case OrderChange::kScheduleCancelled:
        return line.alive();
      case OrderChange::kHoldOn:
        return !held_;
      case OrderChange::kHoldOff:
        return held_;
      case OrderChange::kWithdrawn:
        return !withdrawn_;
      case OrderChange::kRedispatch:
        return true;
      case OrderChange::kNewLine:
        return lines_.size() < 7;
      case OrderChange::kSplitSchedule:
        return line.alive() && line.open() >= 2 && lines_.size() < 7;
      case OrderChange::kReceivedPartly:
        return line.open() >= 2;
      case OrderChange::kReceivedInFull:
        return line.open() >= 1;
      case OrderChange::kSeveral:
        return line.alive();
      case OrderChange::kReinstated:
        return withdrawn_;
      case OrderChange::kShipDate:
        return line.alive();
      case OrderChange::kMended:
        return line.alive() && line.spoiled();
      case OrderChange::kSpoiled:
        return line.alive() && !line.spoiled();
    }
    return false;
  }

  // Changes the line at `index` and makes a new revision.
  void Apply(OrderChange change, std::size_t index, Random& random) {
    ++revision_;
    if (change != OrderChange::kSeveral) return Do(change, index, random);
    for (int i = Between(random, 2, 3); i > 0; --i) {
      const auto one = kOrderChanges[random() % kCountedChanges].first;
      if (one != OrderChange::kSeveral && Applies(one, lines_[index])) Do(one, index, random);
      index = random() % lines_.size();
    }
  }

  orders::v1::Order ToProto() const {
    orders::v1::Order order = PlainOrder(id_, revision_);
    order.clear_schedules();
    for (const Line& line : lines_) {
      Schedule schedule = PlainSchedule(line.line, line.schedule, std::to_string(line.ordered));
      schedule.set_open_quantity(std::to_string(line.open()));
      schedule.set_ship_to_id(line.place);
      *schedule.mutable_ship_to() = PlaceAddress(line.place);
      schedule.set_ship_type_id(line.service);
      schedule.set_ineligible_reason(WhyNot(line));
      if (!line.weighed) schedule.mutable_shipping_weight()->set_value("0");
      if (line.later) schedule.set_ship_date(later_day_);
      *order.add_schedules() = std::move(schedule);
    }
    return order;
  }

 private:
  void AddLine(Random& random, int line, int schedule) {
    Line one{.line = line, .schedule = schedule, .ordered = Between(random, 1, 25)};
    one.place = Chance(random, 60) ? "DENVER" : kPlaces[random() % kPlaces.size()];
    one.service = Chance(random, 80) ? "GROUND" : kServices[random() % kServices.size()];
    one.weighed = !Chance(random, 8);
    one.later = Chance(random, 12);
    lines_.push_back(one);
  }

  void Do(OrderChange change, std::size_t index, Random& random) {
    Line& line = lines_[index];
    switch (change) {
      case OrderChange::kQuantityUp:
        line.ordered += Between(random, 1, 12);
        return;
      case OrderChange::kQuantityDown:
        line.ordered = Between(random, std::max(1, line.received), line.ordered - 1);
        return;
      case OrderChange::kShipTo: {
        const std::string before = line.place;
        while (line.place == before) line.place = kPlaces[random() % kPlaces.size()];
        return;
      }
      case OrderChange::kService: {
        const std::string before = line.service;
        while (line.service == before) line.service = kServices[random() % kServices.size()];
        return;
      }
      case OrderChange::kLineCancelled:
        for (Line& one : lines_) one.line_cancelled |= one.line == line.line;
        return;
      case OrderChange::kScheduleCancelled:
        line.cancelled = true;
        return;
      case OrderChange::kHoldOn:
        held_ = true;
        return;
      case OrderChange::kHoldOff:
        held_ = false;
        return;
      case OrderChange::kWithdrawn:
        withdrawn_ = true;
        return;
      case OrderChange::kReinstated:
        withdrawn_ = false;
        return;
      case OrderChange::kRedispatch:
      case OrderChange::kSeveral:
        return;
      case OrderChange::kNewLine:
        return AddLine(random, NextLine(), 1);
      case OrderChange::kSplitSchedule: {
        Line other = line;
        other.ordered = Between(random, 1, line.open() - 1);
        other.received = 0;
        line.ordered -= other.ordered;
        for (const Line& one : lines_) {
          if (one.line == line.line) other.schedule = std::max(other.schedule, one.schedule + 1);
        }
        if (Chance(random, 50)) other.place = kPlaces[random() % kPlaces.size()];
        lines_.push_back(other);
        return;
      }
      case OrderChange::kReceivedPartly:
        line.received += Between(random, 1, line.open() - 1);
        return;
      case OrderChange::kReceivedInFull:
        line.received = std::max(line.received, line.ordered);
        return;
      case OrderChange::kShipDate:
        line.later = !line.later;
        return;
      case OrderChange::kMended:
        line.weighed = true;
        if (line.place == "NOWHERE") line.place = "AUSTIN";
        if (line.service == "MULE") line.service = "GROUND";
        return;
      case OrderChange::kSpoiled:
        if (Chance(random, 50)) {
          line.weighed = false;
        } else {
          line.place = "NOWHERE";
        }
        return;
    }
  }

  int NextLine() const {
    int last = 0;
    for (const Line& line : lines_) last = std::max(last, line.line);
    return last + 1;
  }

  const std::string id_;
  const std::string later_day_;
  int64_t revision_ = 1;
  std::vector<Line> lines_;
  bool held_ = false;
  bool withdrawn_ = false;
};

}  // namespace psups::shipment_builder::testing
