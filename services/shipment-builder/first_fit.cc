#include "services/shipment-builder/first_fit.h"

#include <algorithm>
#include <utility>

namespace psups::shipment_builder {
namespace {

// Of a place with what lies there. Where thousands of units come into a box it would be minutes.
constexpr int64_t kMostComparisons = 100'000'000;

// A corner at which a unit may be put, and how far it is from there to the next thing along each
// axis: no unit that is longer has a place.
struct Corner {
  Extent at = {};
  Extent reach = {};
};

struct Taken {
  Extent low = {};
  Extent high = {};
};

void Shorten(Corner& corner, const Taken& unit) {
  std::array<bool, 3> beside = {};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    beside[axis] = unit.low[axis] <= corner.at[axis] && corner.at[axis] < unit.high[axis];
  }
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if (!beside[(axis + 1) % 3] || !beside[(axis + 2) % 3]) continue;
    if (unit.high[axis] <= corner.at[axis]) continue;  // behind
    corner.reach[axis] =
        std::min(corner.reach[axis], std::max<int64_t>(0, unit.low[axis] - corner.at[axis]));
  }
}

class OpenBox {
 public:
  OpenBox(std::size_t room, const Room& inside)
      : room_(room),
        inner_(inside.inner),
        volume_left_(inside.volume),
        weight_left_(inside.most_weight),
        corners_({{.at = {}, .reach = inside.inner}}) {}

  // Takes its comparisons off `comparisons`.
  bool Place(int number, const Kind& kind, int64_t& comparisons) {
    if (kind.volume > volume_left_ || kind.weight > weight_left_) return false;
    for (std::size_t i = 0; i < corners_.size(); ++i) {
      for (const Extent& way : kind.ways) {
        if (!HasPlace(corners_[i], way, comparisons)) continue;
        blocks_.push_back(
            {.kind = number, .corner = corners_[i].at, .unit = way, .count = {1, 1, 1}});
        volume_left_ -= kind.volume;
        weight_left_ -= kind.weight;
        Occupy(i, way);
        comparisons -= static_cast<int64_t>(corners_.size() + 3 * taken_.size());
        return true;
      }
    }
    return false;
  }

  FilledBox Close() && { return {.room = room_, .blocks = std::move(blocks_)}; }

 private:
  bool HasPlace(const Corner& corner, const Extent& way, int64_t& comparisons) const {
    --comparisons;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (way[axis] > corner.reach[axis]) return false;
    }
    comparisons -= static_cast<int64_t>(taken_.size());
    return std::none_of(taken_.begin(), taken_.end(), [&](const Taken& unit) {
      for (std::size_t axis = 0; axis < 3; ++axis) {
        if (unit.high[axis] <= corner.at[axis] || corner.at[axis] + way[axis] <= unit.low[axis]) {
          return false;
        }
      }
      return true;
    });
  }

  void Occupy(std::size_t corner, const Extent& way) {
    Taken unit{.low = corners_[corner].at};
    for (std::size_t axis = 0; axis < 3; ++axis) unit.high[axis] = unit.low[axis] + way[axis];
    corners_.erase(corners_.begin() + static_cast<std::ptrdiff_t>(corner));
    taken_.push_back(unit);
    for (Corner& other : corners_) Shorten(other, unit);
    for (std::size_t axis = 0; axis < 3; ++axis) {
      Corner fresh{.at = unit.low};
      fresh.at[axis] = unit.high[axis];
      for (std::size_t a = 0; a < 3; ++a) fresh.reach[a] = inner_[a] - fresh.at[a];
      for (const Taken& placed : taken_) Shorten(fresh, placed);
      corners_.push_back(fresh);
    }
    std::erase_if(corners_, [](const Corner& c) {
      return c.reach[0] == 0 || c.reach[1] == 0 || c.reach[2] == 0;
    });
    std::sort(corners_.begin(), corners_.end(), [](const Corner& a, const Corner& b) {
      return std::lexicographical_compare(a.at.rbegin(), a.at.rend(), b.at.rbegin(), b.at.rend());
    });
  }

  std::size_t room_;
  Extent inner_;
  int64_t volume_left_;
  int64_t weight_left_;
  std::vector<Corner> corners_;
  std::vector<Taken> taken_;
  std::vector<Block> blocks_;
};

}  // namespace

std::optional<std::vector<FilledBox>> FirstFit(const std::vector<Kind>& kinds,
                                               const std::vector<int64_t>& counts,
                                               const std::vector<Room>& rooms,
                                               std::size_t most_boxes) {
  std::vector<OpenBox> open;
  int64_t comparisons = kMostComparisons;
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    // A box that has no place for a unit has none for the next that is like it.
    std::size_t first = 0;
    for (int64_t unit = 0; unit < counts[k]; ++unit) {
      while (first < open.size() && !open[first].Place(static_cast<int>(k), kinds[k], comparisons))
        ++first;
      if (comparisons < 0) return std::nullopt;
      if (first < open.size()) continue;
      if (open.size() == most_boxes) return std::nullopt;
      const auto room = std::find_if(rooms.begin(), rooms.end(),
                                     [&](const Room& r) { return r.Takes(kinds[k]); });
      open.emplace_back(static_cast<std::size_t>(room - rooms.begin()), *room);
      (void)open.back().Place(static_cast<int>(k), kinds[k], comparisons);
    }
  }
  std::vector<FilledBox> filled;
  filled.reserve(open.size());
  for (OpenBox& box : open) filled.push_back(std::move(box).Close());
  return filled;
}

}  // namespace psups::shipment_builder
