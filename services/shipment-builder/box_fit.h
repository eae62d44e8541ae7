#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace psups::shipment_builder {

// In here lengths are whole numbers of 1/1,270,000 inch, so that sixteenths of an inch and
// hundredths of a centimetre are exact, and weights of 10^-11 lb: placing counts in integers only.
inline constexpr int64_t kPartsPerInch = 1'270'000;
inline constexpr int64_t kPartsPerPound = 100'000'000'000;

// Along a box's first side, its second and upwards.
using Extent = std::array<int64_t, 3>;

// In (1/1000 in)³, rounded down: of what fills a space the sum is never above the space's.
int64_t Volume(const Extent& extent);

// Units that are alike to a packer.
struct Kind {
  Kind(const Extent& sides, int64_t weight, bool upright);

  Extent sides = {};  // ascending; if upright the last is the height
  int64_t weight = 0;
  bool upright = false;
  int64_t volume = 0;
  std::vector<Extent> ways = {};  // in which a unit may lie, ascending
};

// A box of the catalogue as a packer sees it.
struct Room {
  Extent inner = {};
  int64_t volume = 0;       // of the inner sides
  int64_t most_weight = 0;  // of the contents, above 0
  int64_t tare = 0;
  int64_t dimensional_pounds = 0;  // what UPS bills at least, by the outer sides

  bool Takes(const Kind& kind) const;
};

// Units of one kind that lie the same way, side by side in a grid.
struct Block {
  int kind = 0;
  Extent corner = {};
  Extent unit = {};
  Extent count = {};

  int64_t units() const { return count[0] * count[1] * count[2]; }
};

// A box with what lies in it.
struct FilledBox {
  std::size_t room = 0;
  std::vector<Block> blocks = {};
};

// What a packer would rather have in a box.
struct Taste {
  int64_t weight_percent = 0;          // how much weight matters beside volume
  std::vector<int64_t> priority = {};  // of each kind in percent
};

// Fills one box with some of the units that are left, of which it takes off what it places. Fills
// corners first, each with the block that is worth most, less the room beside it that no units
// could fill. Empty if nothing fits.
std::vector<Block> FillRoom(const Room& room, const std::vector<Kind>& kinds, const Taste& taste,
                            std::vector<int64_t>& left);

}  // namespace psups::shipment_builder
