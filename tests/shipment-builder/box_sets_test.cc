// Properties of any packing, and how good it is, over sets of shipments made from a seed.

#include "tests/shipment-builder/box_sets.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "services/shipment-builder/boxes.h"

namespace psups::shipment_builder {
namespace {

Decimal D(const std::string& text) { return Decimal::Parse(text).value(); }

int64_t Parts(Length length) {
  const Decimal parts = length.parts() * Decimal(10'000);
  EXPECT_EQ(Decimal(parts.Ceil()), parts);  // the sets have quarters of an inch only
  return parts.Ceil();
}

Extent PartsOf(const std::array<Length, 3>& sides) {
  return {Parts(sides[0]), Parts(sides[1]), Parts(sides[2])};
}

Extent Ascending(Extent sides) {
  std::sort(sides.begin(), sides.end());
  return sides;
}

// What makes two units alike: the sides (the height last, if it matters) and the weight.
using Likeness = std::tuple<Extent, std::string, bool>;

Likeness LikenessOf(const ToPack& item) {
  Extent sides = PartsOf(item.unit.sides);
  std::sort(sides.begin(), item.upright ? sides.end() - 1 : sides.end());
  return {sides, item.unit.weight_lb.ToString(), item.upright};
}

struct Unit3d {
  Extent low = {};
  Extent high = {};
};

std::vector<Unit3d> UnitsOf(const Block& block) {
  std::vector<Unit3d> units;
  for (int64_t i = 0; i < block.units(); ++i) {
    const Extent step = {i % block.count[0], i / block.count[0] % block.count[1],
                         i / block.count[0] / block.count[1]};
    Unit3d unit;
    for (std::size_t a = 0; a < 3; ++a) {
      unit.low[a] = block.corner[a] + step[a] * block.unit[a];
      unit.high[a] = unit.low[a] + block.unit[a];
    }
    units.push_back(unit);
  }
  return units;
}

bool Overlap(const Unit3d& a, const Unit3d& b) {
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (a.high[axis] <= b.low[axis] || b.high[axis] <= a.low[axis]) return false;
  }
  return true;
}

// All lie inside, none in another's place, and they are what the contents say.
void CheckBox(const std::vector<ToPack>& items, const Box& box, const Package& package,
              const std::vector<Placement>& placements) {
  std::map<Likeness, int64_t> placed, contained;
  std::vector<Unit3d> units;
  Decimal weight = box.tare_lb;
  for (const Placement& placement : placements) {
    const ToPack& item = items[placement.item];
    const Block& block = placement.block;
    EXPECT_EQ(Ascending(block.unit), Ascending(PartsOf(item.unit.sides)));
    if (item.upright) {
      EXPECT_EQ(block.unit[2], Parts(item.unit.sides[2]));
    }
    placed[LikenessOf(item)] += block.units();
    weight = weight + item.unit.weight_lb * Decimal(block.units());
    for (const Unit3d& unit : UnitsOf(block)) units.push_back(unit);
  }
  for (const Content& content : package.contents) {
    const auto item = std::find_if(items.begin(), items.end(), [&](const ToPack& i) {
      return i.line == content.line && i.schedule == content.schedule;
    });
    ASSERT_NE(item, items.end());
    EXPECT_FALSE(item->own_carton);
    contained[LikenessOf(*item)] += content.quantity.Ceil();
  }
  EXPECT_EQ(placed, contained);
  EXPECT_LE(weight, box.max_weight_lb);
  EXPECT_EQ(package.weight_lb, weight.RoundUp(1));
  EXPECT_EQ(package.packaging_code, box.packaging_code);
  const Extent inner = PartsOf(box.inner);
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      EXPECT_GE(units[i].low[axis], 0);
      EXPECT_LE(units[i].high[axis], inner[axis]);
    }
    for (std::size_t j = 0; j < i; ++j) ASSERT_FALSE(Overlap(units[i], units[j]));
  }
}

void CheckPacking(const std::vector<ToPack>& items, const BoxPacking& packing) {
  ASSERT_TRUE(packing.packed);
  std::map<std::pair<int, int>, Decimal> quantities;
  std::vector<std::vector<Placement>> placements(packing.packages.size());
  for (const Placement& placement : packing.placements) {
    placements.at(placement.package).push_back(placement);
  }
  const std::vector<Box> boxes = BoxSets::Catalogue();
  for (std::size_t i = 0; i < packing.packages.size(); ++i) {
    const Package& package = packing.packages[i];
    EXPECT_EQ(package.number, static_cast<int>(i) + 1);
    EXPECT_LE(package.weight_lb, Decimal(kMostPoundsPerPackage));
    EXPECT_LE(package.length_in, kMostInchesLong);
    EXPECT_LE(package.length_in + 2 * (package.width_in + package.height_in), kMostLengthAndGirth);
    EXPECT_GE(package.length_in, package.width_in);
    EXPECT_GE(package.width_in, package.height_in);
    for (const Content& content : package.contents) {
      EXPECT_GT(content.quantity, Decimal(0));
      Decimal& sum = quantities[{content.line, content.schedule}];
      sum = sum + content.quantity;
    }
    const auto box = std::find_if(boxes.begin(), boxes.end(),
                                  [&](const Box& b) { return b.box_id == package.box_id; });
    if (box != boxes.end()) {
      CheckBox(items, *box, package, placements[i]);
    } else {
      EXPECT_EQ(package.box_id, "");
      ASSERT_EQ(package.contents.size(), 1u);
      EXPECT_LE(package.contents[0].quantity, Decimal(1));
    }
  }
  for (const ToPack& item : items) {
    EXPECT_EQ((quantities[{item.line, item.schedule}]), item.quantity);
  }
  EXPECT_EQ(quantities.size(), items.size());
}

// ---- First-fit-decreasing, as it stands in a textbook ----

struct NaiveUnit {
  Extent sides = {};  // ascending; the height last if upright
  bool upright = false;
  Decimal weight = {};
  int64_t Size() const { return Volume(sides); }
};

struct NaiveBox {
  Extent inner = {};
  Decimal weight_left = {};
  std::vector<Unit3d> units = {};
};

std::vector<Extent> WaysOf(const NaiveUnit& unit) {
  std::vector<Extent> ways;
  Extent way = unit.sides;
  do {
    if (!unit.upright || way[2] == unit.sides[2]) ways.push_back(way);
  } while (std::next_permutation(way.begin(), unit.upright ? way.end() - 1 : way.end()));
  return ways;
}

// At the lowest, then rearmost, then leftmost corner that the units make and that has place.
bool PutIn(const NaiveUnit& unit, NaiveBox& box) {
  if (unit.weight > box.weight_left) return false;
  const std::vector<Extent> ways = WaysOf(unit);
  std::vector<Extent> corners = {{}};
  for (const Unit3d& other : box.units) {
    for (std::size_t axis = 0; axis < 3; ++axis) {
      corners.push_back(other.low);
      corners.back()[axis] = other.high[axis];
    }
  }
  std::sort(corners.begin(), corners.end(), [](const Extent& a, const Extent& b) {
    return std::tie(a[2], a[1], a[0]) < std::tie(b[2], b[1], b[0]);
  });
  for (const Extent& corner : corners) {
    for (const Extent& way : ways) {
      Unit3d place{.low = corner};
      bool free = true;
      for (std::size_t axis = 0; axis < 3; ++axis) {
        place.high[axis] = corner[axis] + way[axis];
        free = free && place.high[axis] <= box.inner[axis];
      }
      for (std::size_t i = 0; free && i < box.units.size(); ++i) {
        free = !Overlap(place, box.units[i]);
      }
      if (!free) continue;
      box.units.push_back(place);
      box.weight_left = box.weight_left - unit.weight;
      return true;
    }
  }
  return false;
}

// How many packages it makes, a new box being the largest that takes the unit.
std::size_t FirstFitDecreasing(const std::vector<ToPack>& items) {
  std::vector<Box> boxes = BoxSets::Catalogue();
  std::sort(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
    return Volume(PartsOf(a.inner)) > Volume(PartsOf(b.inner));
  });
  std::vector<NaiveUnit> units;
  std::size_t packages = 0;
  for (const ToPack& item : items) {
    NaiveUnit unit{
        .sides = PartsOf(item.unit.sides), .upright = item.upright, .weight = item.unit.weight_lb};
    std::sort(unit.sides.begin(), item.upright ? unit.sides.end() - 1 : unit.sides.end());
    const auto count = static_cast<std::size_t>(item.quantity.Ceil());
    if (item.own_carton) {
      packages += count;
    } else {
      units.insert(units.end(), count, unit);
    }
  }
  const auto rank = [](const NaiveUnit& u) {
    return std::make_tuple(u.Size(), u.sides, u.weight, u.upright);
  };
  std::sort(units.begin(), units.end(),
            [&](const NaiveUnit& a, const NaiveUnit& b) { return rank(b) < rank(a); });
  std::vector<NaiveBox> open;
  std::size_t first = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    // Where there was no place for one there is none for the next that is the same.
    if (i > 0 && rank(units[i]) != rank(units[i - 1])) first = 0;
    while (first < open.size() && !PutIn(units[i], open[first])) ++first;
    if (first < open.size()) continue;
    bool placed = false;
    for (std::size_t b = 0; b < boxes.size() && !placed; ++b) {
      NaiveBox box{.inner = PartsOf(boxes[b].inner),
                   .weight_left = boxes[b].max_weight_lb - boxes[b].tare_lb};
      placed = PutIn(units[i], box);
      if (placed) open.push_back(std::move(box));
    }
    if (!placed) ++packages;  // in its own carton
  }
  return packages + open.size();
}

// No packing has fewer boxes: their volume, and the weight that they bear.
std::size_t LowerBound(const std::vector<ToPack>& items) {
  int64_t volume = 0;
  Decimal weight;
  for (const ToPack& item : items) {
    volume += Volume(PartsOf(item.unit.sides)) * item.quantity.Ceil();
    weight = weight + item.unit.weight_lb * Decimal(item.quantity.Ceil());
  }
  int64_t box = 0;
  Decimal bears;
  for (const Box& each : BoxSets::Catalogue()) {
    box = std::max(box, Volume(PartsOf(each.inner)));
    bears = std::max(bears, each.max_weight_lb - each.tare_lb);
  }
  const int64_t by_weight = weight.HowMany(bears);
  return static_cast<std::size_t>(std::max(
      (volume + box - 1) / box, by_weight + (Decimal(by_weight) * bears < weight ? 1 : 0)));
}

// ---- Over the sets ----

struct Totals {
  std::size_t packages = 0;
  std::size_t first_fit = 0;
  std::size_t lower_bound = 0;
};

using Make = std::function<std::vector<ToPack>(BoxSets&)>;

// Checks all that holds for any packing.
Totals PackSet(uint32_t seed, int shipments, const Make& make) {
  Totals totals;
  for (int i = 0; i < shipments; ++i) {
    const uint32_t own_seed = seed + static_cast<uint32_t>(i);
    SCOPED_TRACE("seed " + std::to_string(own_seed));
    BoxSets sets(own_seed);
    std::vector<ToPack> items = make(sets);
    const BoxPacking packing = PackIntoBoxes(items, BoxSets::Catalogue());
    CheckPacking(items, packing);
    const std::size_t first_fit = FirstFitDecreasing(items);
    EXPECT_LE(packing.packages.size(), first_fit);
    totals.packages += packing.packages.size();
    totals.first_fit += first_fit;
    totals.lower_bound += LowerBound(items);
  }
  std::cout << "seeds from " << seed << ": " << shipments << " shipments, " << totals.packages
            << " packages, first-fit-decreasing " << totals.first_fit << ", lower bound "
            << totals.lower_bound << "\n";
  return totals;
}

constexpr uint32_t kSeed = 20261126;

TEST(BoxSets, UniformSmallIsNearTheLowerBound) {
  const Totals totals = PackSet(kSeed, 60, [](BoxSets& sets) { return sets.UniformSmall(); });
  EXPECT_LE(totals.packages * 100, totals.lower_bound * 115);
}

TEST(BoxSets, MixedIsNearTheLowerBound) {
  const Totals totals = PackSet(kSeed, 200, [](BoxSets& sets) { return sets.Mixed(); });
  EXPECT_LE(totals.packages * 100, totals.lower_bound * 115);
}

TEST(BoxSets, LongThinNeedsNoMoreThanFirstFitDecreasing) {
  PackSet(kSeed, 200, [](BoxSets& sets) { return sets.LongThin(); });
}

TEST(BoxSets, OneHugeNeedsNoMoreThanFirstFitDecreasing) {
  PackSet(kSeed, 40, [](BoxSets& sets) { return sets.OneHuge(); });
}

TEST(BoxSets, TenThousandUnitsNeedNoMoreThanFirstFitDecreasing) {
  PackSet(kSeed, 1, [](BoxSets& sets) { return sets.TenThousand(40); });
}

// With parts of units, upright ones and own cartons among them.
std::vector<ToPack> Anything(BoxSets& sets) {
  std::vector<ToPack> items;
  switch (sets.Draw(0, 3)) {
    case 0:
      items = sets.UniformSmall();
      break;
    case 1:
      items = sets.LongThin();
      break;
    case 2:
      items = sets.Mixed();
      break;
    default:
      items = sets.OneHuge();
  }
  for (ToPack& item : items) {
    if (sets.Draw(0, 3) == 0) item.quantity = item.quantity - D("0.125");
    item.upright = sets.Draw(0, 3) == 0;
    item.own_carton = item.quantity < Decimal(4) && sets.Draw(0, 3) == 0;
    // Some are alike.
    if (sets.Draw(0, 3) == 0) item.unit = items[0].unit;
  }
  return items;
}

TEST(BoxSets, HoldsForAnything) { PackSet(kSeed, 100, Anything); }

TEST(BoxSets, TheOrderOfItemsAndBoxesMakesNoDifference) {
  const auto packages = [](const std::vector<ToPack>& items, const std::vector<Box>& boxes) {
    std::string text;
    for (const Package& package : PackIntoBoxes(items, boxes).packages) {
      text += "\n" + std::to_string(package.number) + package.box_id + " " +
              package.weight_lb.ToString() + " " + std::to_string(package.length_in);
      for (const Content& content : package.contents) {
        text += " " + std::to_string(content.line) + "/" + std::to_string(content.schedule) + "×" +
                content.quantity.ToString();
      }
    }
    return text;
  };
  for (uint32_t seed = kSeed; seed < kSeed + 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    BoxSets sets(seed);
    std::vector<ToPack> items = Anything(sets);
    std::vector<Box> boxes = BoxSets::Catalogue();
    const std::string before = packages(items, boxes);
    sets.Shuffle(items);
    std::reverse(boxes.begin(), boxes.end());
    EXPECT_EQ(packages(items, boxes), before);
  }
}

}  // namespace
}  // namespace psups::shipment_builder
