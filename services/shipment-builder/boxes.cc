#include "services/shipment-builder/boxes.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "services/shipment-builder/box_search.h"

namespace psups::shipment_builder {
namespace {

constexpr int64_t kCubicInchesPerPound = 139;
const Decimal kWeightParts(kPartsPerPound);
const Decimal kLengthParts(kPartsPerInch / 127);

// Longest first.
template <typename Number>
std::array<int, 3> Descending(std::array<Number, 3> sides) {
  std::sort(sides.begin(), sides.end(), std::greater<>());
  return {static_cast<int>(sides[0]), static_cast<int>(sides[1]), static_cast<int>(sides[2])};
}

bool WithinUps(const std::array<int, 3>& inches) {
  return inches[0] <= kMostInchesLong &&
         inches[0] + 2 * (inches[1] + inches[2]) <= kMostLengthAndGirth;
}

// Of the unit as a package of its own.
std::array<int, 3> InchesOf(const Unit& unit) {
  const auto& [a, b, c] = unit.sides;
  return Descending(std::array{a.WholeInchesUp(), b.WholeInchesUp(), c.WholeInchesUp()});
}

std::optional<PackingProblem> ProblemOf(const Unit& unit) {
  if (unit.weight_lb > Decimal(kMostPoundsPerPackage)) return PackingProblem::kTooHeavy;
  for (const Length side : unit.sides) {
    if (side > Length::Inches(Decimal(kMostInchesLong))) return PackingProblem::kTooLarge;
  }
  if (!WithinUps(InchesOf(unit))) return PackingProblem::kTooLarge;
  return std::nullopt;
}

Package OwnCarton(const Unit& unit) {
  const std::array<int, 3> inches = InchesOf(unit);
  return {.weight_lb = unit.weight_lb.RoundUp(1),
          .length_in = inches[0],
          .width_in = inches[1],
          .height_in = inches[2]};
}

Kind KindOf(const ToPack& item) {
  Extent sides;
  for (std::size_t i = 0; i < 3; ++i) {
    sides[i] = std::max<int64_t>(1, (item.unit.sides[i].parts() * kLengthParts).Ceil());
  }
  const int64_t weight = (item.unit.weight_lb * kWeightParts).Ceil();
  return {sides, std::max<int64_t>(1, weight), item.upright};
}

// Whether UPS carries it and something may be put into it.
bool Usable(const Box& box) {
  return WithinUps(Descending(box.outer_in)) && box.tare_lb >= Decimal(0) &&
         box.tare_lb < std::min(box.max_weight_lb, Decimal(kMostPoundsPerPackage)) &&
         std::all_of(box.inner.begin(), box.inner.end(), [](const Length side) {
           return side.positive() && side <= Length::Inches(Decimal(kMostInchesLong));
         });
}

Room RoomOf(const Box& box) {
  Room room;
  for (std::size_t i = 0; i < 3; ++i) {
    room.inner[i] = (box.inner[i].parts() * kLengthParts).Floor();
  }
  room.volume = Volume(room.inner);
  room.tare = (box.tare_lb * kWeightParts).Ceil();
  room.most_weight =
      (std::min(box.max_weight_lb, Decimal(kMostPoundsPerPackage)) * kWeightParts).Floor() -
      room.tare;
  const int64_t outer = static_cast<int64_t>(box.outer_in[0]) * box.outer_in[1] * box.outer_in[2];
  room.dimensional_pounds = (outer + kCubicInchesPerPound - 1) / kCubicInchesPerPound;
  return room;
}

// How much of an item has not been handed out to a package yet.
struct Rest {
  std::size_t item = 0;
  Decimal quantity = {};

  Decimal Take(int64_t units) {
    const Decimal taken = std::min(Decimal(units), quantity);
    quantity = quantity - taken;
    return taken;
  }
};

// Units that are alike, whatever schedules they are of.
struct Alike {
  Kind kind;
  std::vector<Rest> rests = {};  // in the order of lines and schedules
  std::size_t handed_out = 0;    // of rests
  int64_t units = 0;
};

auto Rank(const Kind& kind) {
  return std::tie(kind.volume, kind.sides[0], kind.sides[1], kind.sides[2], kind.weight,
                  kind.upright);
}

class Packer {
 public:
  Packer(const std::vector<ToPack>& items, const std::vector<Box>& boxes) : items_(items) {
    for (const Box& box : boxes) {
      if (Usable(box)) boxes_.emplace_back(&box, RoomOf(box));
    }
    // The largest first.
    std::sort(boxes_.begin(), boxes_.end(), [](const auto& a, const auto& b) {
      return std::tie(b.second.volume, b.second.most_weight, a.first->box_id) <
             std::tie(a.second.volume, a.second.most_weight, b.first->box_id);
    });
    for (const auto& [box, room] : boxes_) rooms_.push_back(room);
  }

  BoxPacking Pack() {
    std::vector<std::size_t> order(items_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::tie(items_[a].line, items_[a].schedule) <
             std::tie(items_[b].line, items_[b].schedule);
    });
    for (const std::size_t item : order) {
      if (!Sort(item)) return result_;
    }
    std::sort(alike_.begin(), alike_.end(),
              [](const Alike& a, const Alike& b) { return Rank(b.kind) < Rank(a.kind); });
    if (!FillBoxes()) return result_;
    for (Rest& rest : alone_) AddOwnCartons(rest);
    result_.packed = true;
    return std::move(result_);
  }

 private:
  // Into what fills boxes and what travels alone.
  bool Sort(std::size_t i) {
    const ToPack& item = items_[i];
    if (const auto problem = ProblemOf(item.unit); problem.has_value()) return Fail(*problem, i);
    const int64_t units = item.quantity.Ceil();
    if (units <= 0) return true;
    if (!most_units_.has_value() || units > items_[*most_units_].quantity.Ceil()) most_units_ = i;
    const Kind kind = KindOf(item);
    const bool fits = std::any_of(rooms_.begin(), rooms_.end(),
                                  [&](const Room& room) { return room.Takes(kind); });
    if (item.own_carton || !fits) {
      alone_.push_back({.item = i, .quantity = item.quantity});
      if (units > kMostPackages - units_alone_) return Fail(PackingProblem::kTooMany, i);
      units_alone_ += units;
      return true;
    }
    auto alike = std::find_if(alike_.begin(), alike_.end(),
                              [&](const Alike& a) { return Rank(a.kind) == Rank(kind); });
    if (alike == alike_.end()) alike = alike_.insert(alike_.end(), {.kind = kind});
    alike->rests.push_back({.item = i, .quantity = item.quantity});
    alike->units += units;
    return true;
  }

  bool FillBoxes() {
    if (alike_.empty()) return true;
    std::vector<Kind> kinds;
    std::vector<int64_t> counts;
    for (const Alike& alike : alike_) {
      kinds.push_back(alike.kind);
      counts.push_back(alike.units);
    }
    const auto most = static_cast<std::size_t>(kMostPackages - units_alone_);
    const auto filled = most == 0 ? std::nullopt : FewestBoxes(kinds, counts, rooms_, most);
    if (!filled.has_value()) return Fail(PackingProblem::kTooMany, *most_units_);
    for (const FilledBox& box : *filled) AddBox(box);
    return true;
  }

  void AddBox(const FilledBox& filled) {
    const Box& box = *boxes_[filled.room].first;
    const std::array<int, 3> inches = Descending(box.outer_in);
    Package package{.length_in = inches[0],
                    .width_in = inches[1],
                    .height_in = inches[2],
                    .box_id = box.box_id,
                    .packaging_code = box.packaging_code};
    Decimal weight = box.tare_lb;
    for (const Block& block : filled.blocks) {
      Alike& alike = alike_[static_cast<std::size_t>(block.kind)];
      const std::size_t item = alike.rests[alike.handed_out].item;
      result_.placements.push_back(
          {.package = result_.packages.size(), .item = item, .block = block});
      weight = weight + items_[item].unit.weight_lb * Decimal(block.units());
      HandOut(alike, block.units(), package.contents);
    }
    package.weight_lb = weight.RoundUp(1);
    std::sort(package.contents.begin(), package.contents.end(),
              [](const Content& a, const Content& b) {
                return std::tie(a.line, a.schedule) < std::tie(b.line, b.schedule);
              });
    Add(std::move(package));
  }

  void HandOut(Alike& alike, int64_t units, std::vector<Content>& contents) const {
    while (units > 0) {
      Rest& rest = alike.rests[alike.handed_out];
      const int64_t taken = std::min(units, rest.quantity.Ceil());
      const ToPack& item = items_[rest.item];
      AddContent(item, rest.Take(taken), contents);
      units -= taken;
      if (rest.quantity.is_zero()) ++alike.handed_out;
    }
  }

  void AddOwnCartons(Rest& rest) {
    const ToPack& item = items_[rest.item];
    while (!rest.quantity.is_zero()) {
      Package package = OwnCarton(item.unit);
      AddContent(item, rest.Take(1), package.contents);
      Add(std::move(package));
    }
  }

  static void AddContent(const ToPack& item, Decimal quantity, std::vector<Content>& contents) {
    for (Content& content : contents) {
      if (content.line != item.line || content.schedule != item.schedule) continue;
      content.quantity = content.quantity + quantity;
      return;
    }
    contents.push_back({.line = item.line, .schedule = item.schedule, .quantity = quantity});
  }

  void Add(Package package) {
    package.number = static_cast<int>(result_.packages.size()) + 1;
    result_.packages.push_back(std::move(package));
  }

  bool Fail(PackingProblem problem, std::size_t item) {
    result_ = {.problem = problem, .item = item};
    return false;
  }

  const std::vector<ToPack>& items_;
  std::vector<std::pair<const Box*, Room>> boxes_;  // the largest first
  std::vector<Room> rooms_;                         // of boxes_
  std::vector<Alike> alike_;                        // the largest first
  std::vector<Rest> alone_;                         // what travels in its own carton
  int64_t units_alone_ = 0;
  std::optional<std::size_t> most_units_;  // the item of which there are the most
  BoxPacking result_;
};

}  // namespace

BoxPacking PackIntoBoxes(const std::vector<ToPack>& items, const std::vector<Box>& boxes) {
  return Packer(items, boxes).Pack();
}

}  // namespace psups::shipment_builder
