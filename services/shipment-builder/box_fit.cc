#include "services/shipment-builder/box_fit.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

namespace psups::shipment_builder {
namespace {

constexpr int64_t kPartsPerThousandth = kPartsPerInch / 1000;

// The orders in which a block may grow when there are too few units to fill a space.
constexpr std::array<std::array<std::size_t, 3>, 6> kAxisOrders = {
    {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}}};

// An empty cuboid that reaches as far as it can; such spaces overlap each other.
struct Space {
  Extent low = {};
  Extent high = {};

  Extent size() const { return {high[0] - low[0], high[1] - low[1], high[2] - low[2]}; }
};

bool Within(const Space& inside, const Space& outside) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (inside.low[axis] < outside.low[axis] || inside.high[axis] > outside.high[axis])
      return false;
  }
  return true;
}

bool Apart(const Space& a, const Space& b) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (a.low[axis] >= b.high[axis] || a.high[axis] <= b.low[axis]) return true;
  }
  return false;
}

// Like Volume, without a long division: for comparing only.
int64_t RoughVolume(const Extent& extent) {
  return (extent[0] / kPartsPerThousandth) * (extent[1] / kPartsPerThousandth) *
         (extent[2] / kPartsPerThousandth);
}

// How much of a length can be filled by sides of units, to an eighth of an inch.
class Fillable {
 public:
  Fillable(const Room& room, const std::vector<Kind>& kinds, const std::vector<int64_t>& left)
      : filled_(Step(*std::max_element(room.inner.begin(), room.inner.end())) + 1) {
    std::vector<bool> is_side(filled_.size());
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (left[k] == 0) continue;
      for (const int64_t side : kinds[k].sides) {
        const std::size_t step = Step(side + kStep - 1);
        if (step < is_side.size()) is_side[step] = true;
      }
    }
    std::vector<std::size_t> sides;
    for (std::size_t step = 1; step < is_side.size(); ++step) {
      if (is_side[step]) sides.push_back(step);
    }
    std::vector<bool> reached(filled_.size());
    reached[0] = true;
    int64_t last = 0;
    for (std::size_t step = 0; step < filled_.size(); ++step) {
      if (reached[step]) {
        last = static_cast<int64_t>(step) * kStep;
        for (const std::size_t side : sides) {
          if (step + side >= reached.size()) break;
          reached[step + side] = true;
        }
      }
      filled_[step] = last;
    }
  }

  int64_t Of(int64_t length) const { return filled_[Step(length)]; }

 private:
  static constexpr int64_t kStep = kPartsPerInch / 8;
  static std::size_t Step(int64_t length) { return static_cast<std::size_t>(length / kStep); }

  std::vector<int64_t> filled_;
};

// One box while it is being filled.
class Filling {
 public:
  Filling(const Room& room, const std::vector<Kind>& kinds, const Taste& taste,
          std::vector<int64_t>& left)
      : room_(room),
        kinds_(kinds),
        left_(left),
        fillable_(room, kinds, left),
        values_(kinds.size()),
        weight_left_(room.most_weight),
        spaces_({{.low = {}, .high = room.inner}}) {
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (left[k] == 0 || !room.Takes(kinds[k])) continue;
      // Of the weight that a box carries, a unit has the part that the product is of its volume.
      __extension__ using Wide = __int128;
      const auto weight =
          static_cast<int64_t>(static_cast<Wide>(kinds[k].weight) * room.volume / room.most_weight);
      const int64_t value =
          (kinds[k].volume * (100 - taste.weight_percent) + weight * taste.weight_percent) / 100;
      values_[k] = value * taste.priority[k] / 100;
      order_.push_back(k);
    }
    // What is worth most comes first, so that most of the others need not be looked at.
    const auto worth = [&](std::size_t k) {
      return values_[k] * std::min(left_[k], room_.most_weight / kinds_[k].weight);
    };
    std::stable_sort(order_.begin(), order_.end(),
                     [&](std::size_t a, std::size_t b) { return worth(a) > worth(b); });
    FindLeastSide();
  }

  std::vector<Block> Fill() {
    std::vector<Block> blocks;
    while (!spaces_.empty() && !order_.empty()) {
      const std::size_t corner = CornerMost();
      std::optional<Block> block = BestBlock(spaces_[corner].size());
      if (!block.has_value()) {
        spaces_.erase(spaces_.begin() + static_cast<std::ptrdiff_t>(corner));
        continue;
      }
      Put(*block, spaces_[corner]);
      blocks.push_back(*block);
    }
    return blocks;
  }

 private:
  void FindLeastSide() {
    least_side_ = std::numeric_limits<int64_t>::max();
    for (const std::size_t k : order_) {
      for (const int64_t side : kinds_[k].sides) least_side_ = std::min(least_side_, side);
    }
  }

  // The space nearest to a corner of the box: what stays empty stays together in the middle.
  std::size_t CornerMost() const {
    using Rank = std::array<int64_t, 4>;
    std::size_t best = 0;
    Rank best_rank = {};
    for (std::size_t i = 0; i < spaces_.size(); ++i) {
      Extent gap;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        gap[axis] = std::min(spaces_[i].low[axis], room_.inner[axis] - spaces_[i].high[axis]);
      }
      std::sort(gap.begin(), gap.end());
      const Rank rank = {gap[0] + gap[1] + gap[2], gap[0], gap[1], -RoughVolume(spaces_[i].size())};
      if (i == 0 || rank < best_rank) {
        best = i;
        best_rank = rank;
      }
    }
    return best;
  }

  std::optional<Block> BestBlock(const Extent& space) const {
    const int64_t space_volume = RoughVolume(space);
    std::optional<Block> best;
    int64_t best_score = 0;
    for (const std::size_t k : order_) {
      const int64_t units = std::min(left_[k], weight_left_ / kinds_[k].weight);
      if (units == 0 || (best.has_value() && units * values_[k] <= best_score)) continue;
      for (const Extent& unit : kinds_[k].ways) {
        if (unit[0] > space[0] || unit[1] > space[1] || unit[2] > space[2]) continue;
        const Extent most = {space[0] / unit[0], space[1] / unit[1], space[2] / unit[2]};
        Extent before = {};
        for (const auto& axes : kAxisOrders) {
          Block block{.kind = static_cast<int>(k), .unit = unit};
          int64_t rest = units;
          for (const std::size_t axis : axes) {
            block.count[axis] = std::min(most[axis], rest);
            rest /= block.count[axis];
          }
          if (block.count == before) continue;
          before = block.count;
          Extent useful;
          for (std::size_t axis = 0; axis < 3; ++axis) {
            const int64_t taken = block.count[axis] * unit[axis];
            useful[axis] = taken + fillable_.Of(space[axis] - taken);
          }
          const int64_t lost = space_volume - RoughVolume(useful);
          const int64_t score = block.units() * values_[k] - 2 * lost;
          if (!best.has_value() || score > best_score) {
            best = block;
            best_score = score;
          }
          if (block.count == most) break;
        }
      }
    }
    return best;
  }

  // Puts the block into that corner of the space which is nearest to one of the box.
  void Put(Block& block, const Space& space) {
    Space taken;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const int64_t length = block.count[axis] * block.unit[axis];
      const bool low = space.low[axis] <= room_.inner[axis] - space.high[axis];
      taken.low[axis] = low ? space.low[axis] : space.high[axis] - length;
      taken.high[axis] = taken.low[axis] + length;
    }
    block.corner = taken.low;
    const auto k = static_cast<std::size_t>(block.kind);
    left_[k] -= block.units();
    weight_left_ -= block.units() * kinds_[k].weight;
    if (left_[k] == 0) {
      order_.erase(std::find(order_.begin(), order_.end(), k));
      FindLeastSide();
    }
    CutOut(taken);
  }

  void CutOut(const Space& taken) {
    std::vector<Space> kept, cut;
    for (const Space& space : spaces_) {
      if (Apart(space, taken)) {
        kept.push_back(space);
        continue;
      }
      for (std::size_t axis = 0; axis < 3; ++axis) {
        if (taken.low[axis] - space.low[axis] >= least_side_) {
          cut.push_back(space);
          cut.back().high[axis] = taken.low[axis];
        }
        if (space.high[axis] - taken.high[axis] >= least_side_) {
          cut.push_back(space);
          cut.back().low[axis] = taken.high[axis];
        }
      }
    }
    const std::size_t untouched = kept.size();
    for (std::size_t i = 0; i < cut.size(); ++i) {
      bool needed = true;
      for (std::size_t j = 0; j < untouched && needed; ++j) needed = !Within(cut[i], kept[j]);
      for (std::size_t j = 0; j < cut.size() && needed; ++j) {
        // Of two that are the same the first stays.
        needed = i == j || !Within(cut[i], cut[j]) || (i < j && Within(cut[j], cut[i]));
      }
      if (needed) kept.push_back(cut[i]);
    }
    spaces_ = std::move(kept);
  }

  const Room& room_;
  const std::vector<Kind>& kinds_;
  std::vector<int64_t>& left_;
  Fillable fillable_;
  std::vector<int64_t> values_;     // of a unit of each kind
  std::vector<std::size_t> order_;  // kinds of which units are left that may fit
  int64_t weight_left_ = 0;
  int64_t least_side_ = 0;
  std::vector<Space> spaces_;
};

}  // namespace

int64_t Volume(const Extent& extent) {
  __extension__ using Wide = __int128;
  constexpr Wide kCube =
      static_cast<Wide>(kPartsPerThousandth) * kPartsPerThousandth * kPartsPerThousandth;
  return static_cast<int64_t>(static_cast<Wide>(extent[0]) * extent[1] * extent[2] / kCube);
}

Kind::Kind(const Extent& unit_sides, int64_t unit_weight, bool stays_upright)
    : sides(unit_sides), weight(unit_weight), upright(stays_upright), volume(Volume(unit_sides)) {
  const auto turned = upright ? sides.end() - 1 : sides.end();
  std::sort(sides.begin(), turned);
  Extent way = sides;
  do {
    ways.push_back(way);
  } while (std::next_permutation(way.begin(), upright ? way.end() - 1 : way.end()));
}

bool Room::Takes(const Kind& kind) const {
  return kind.weight <= most_weight &&
         std::any_of(kind.ways.begin(), kind.ways.end(), [&](const Extent& way) {
           return way[0] <= inner[0] && way[1] <= inner[1] && way[2] <= inner[2];
         });
}

std::vector<Block> FillRoom(const Room& room, const std::vector<Kind>& kinds, const Taste& taste,
                            std::vector<int64_t>& left) {
  return Filling(room, kinds, taste, left).Fill();
}

}  // namespace psups::shipment_builder
