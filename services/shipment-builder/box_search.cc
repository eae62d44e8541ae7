#include "services/shipment-builder/box_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "services/shipment-builder/first_fit.h"

namespace psups::shipment_builder {
namespace {

constexpr int kMostAttempts = 32;
// Blocks that are placed, times the kinds that each is chosen from, in all attempts.
constexpr std::size_t kMostEffort = 1'000'000;
constexpr int64_t kMostPriority = 1000;

using Boxes = std::vector<FilledBox>;

int64_t DividedUp(int64_t total, int64_t by) { return total / by + (total % by > 0 ? 1 : 0); }

struct Load {
  int64_t volume = 0;
  int64_t weight = 0;

  void Add(const Kind& kind, int64_t units) {
    volume += units * kind.volume;
    weight += units * kind.weight;
  }
  // No fewer boxes than these are enough.
  int64_t LeastBoxes(int64_t box_volume, int64_t box_weight) const {
    return std::max(DividedUp(volume, box_volume), DividedUp(weight, box_weight));
  }
};

// Which part of what the room takes that is, in thousandths.
Load PartOf(const Load& load, const Room& room) {
  return {.volume = load.volume / std::max<int64_t>(1, room.volume / 1000),
          .weight = load.weight / std::max<int64_t>(1, room.most_weight / 1000)};
}

class Search {
 public:
  Search(const std::vector<Kind>& kinds, const std::vector<int64_t>& counts,
         const std::vector<Room>& rooms, std::size_t most_boxes)
      : kinds_(kinds), counts_(counts), rooms_(rooms), most_boxes_(most_boxes) {}

  std::optional<Boxes> Run() {
    if (!AddUp()) return std::nullopt;
    priority_.assign(kinds_.size(), 100);
    const std::size_t main = MainRoom();
    std::size_t effort = 0;
    for (int attempt = 0; attempt < kMostAttempts && effort < kMostEffort && !Optimal();
         ++attempt) {
      const Boxes boxes = OneAfterTheOther(main);
      for (const FilledBox& box : boxes) effort += box.blocks.size() * kinds_.size();
      Prefer(boxes);
      Blame(boxes);
    }
    if (!Optimal()) {
      // One that is as good is no gain.
      const std::size_t most = best_.empty() ? most_boxes_ : best_.size() - 1;
      Prefer(FirstFit(kinds_, counts_, rooms_, most).value_or(Boxes()));
    }
    if (best_.empty()) return std::nullopt;
    // As many boxes of another kind may be billed less.
    for (std::size_t room = 0; room < rooms_.size(); ++room) {
      if (room == main || LeastBoxes(room) > static_cast<int64_t>(best_.size())) continue;
      Prefer(OneAfterTheOther(room));
    }
    return best_;
  }

 private:
  // False if it is clear that there are too many.
  bool AddUp() {
    int64_t volume = 0, weight = 0;  // of the greatest box
    for (const Room& room : rooms_) {
      volume = std::max(volume, room.volume);
      weight = std::max(weight, room.most_weight);
    }
    const auto most = static_cast<int64_t>(most_boxes_);
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
      if (counts_[k] / most > weight / kinds_[k].weight) return false;
      if (kinds_[k].volume > 0 && counts_[k] / most > volume / kinds_[k].volume) return false;
      load_.Add(kinds_[k], counts_[k]);
      least_boxes_ = load_.LeastBoxes(volume, weight);
      if (least_boxes_ > most) return false;
    }
    return true;
  }

  bool Optimal() const { return static_cast<int64_t>(best_.size()) == least_boxes_; }

  // The room of which the fewest might do.
  std::size_t MainRoom() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < rooms_.size(); ++i) {
      if (LeastBoxes(i) < LeastBoxes(best)) best = i;
    }
    return best;
  }

  int64_t LeastBoxes(std::size_t room) const {
    return load_.LeastBoxes(rooms_[room].volume, rooms_[room].most_weight);
  }

  // Fills boxes of the room until it takes no more, then of the others.
  Boxes OneAfterTheOther(std::size_t room) const {
    Boxes boxes;
    std::vector<int64_t> left = counts_;
    while (std::any_of(left.begin(), left.end(), [](int64_t count) { return count > 0; })) {
      if (boxes.size() == most_boxes_) return {};
      FilledBox box = Fill(room, left);
      for (std::size_t other = 0; box.blocks.empty(); ++other) box = Fill(other, left);
      boxes.push_back(std::move(box));
    }
    return boxes;
  }

  FilledBox Fill(std::size_t room, std::vector<int64_t>& left) const {
    const Load part = PartOf(load_, rooms_[room]);
    const Taste taste{
        .weight_percent = 100 * part.weight / std::max<int64_t>(1, part.volume + part.weight),
        .priority = priority_};
    return {.room = room, .blocks = FillRoom(rooms_[room], kinds_, taste, left)};
  }

  // Keeps the boxes if they are fewer than the best so far, or as many and billed less.
  void Prefer(Boxes boxes) {
    if (boxes.empty() || (!best_.empty() && boxes.size() > best_.size())) return;
    int64_t billed = 0;
    for (FilledBox& box : boxes) {
      UseCheaperRoom(box);
      billed += BilledPounds(box, kinds_, rooms_);
    }
    if (!best_.empty() && boxes.size() == best_.size() && billed >= best_billed_) return;
    best_ = std::move(boxes);
    best_billed_ = billed;
  }

  void UseCheaperRoom(FilledBox& box) const {
    const Load load = LoadOf(box.blocks);
    std::vector<std::pair<int64_t, std::size_t>> cheaper;
    const int64_t billed = BilledPounds(box, kinds_, rooms_);
    for (std::size_t i = 0; i < rooms_.size(); ++i) {
      const int64_t pounds = BilledPounds({.room = i, .blocks = box.blocks}, kinds_, rooms_);
      if (pounds < billed && load.LeastBoxes(rooms_[i].volume, rooms_[i].most_weight) == 1) {
        cheaper.emplace_back(pounds, i);
      }
    }
    if (cheaper.empty()) return;
    std::sort(cheaper.begin(), cheaper.end());
    std::vector<int64_t> contents(kinds_.size());
    for (const Block& block : box.blocks) {
      contents[static_cast<std::size_t>(block.kind)] += block.units();
    }
    for (const auto& [pounds, room] : cheaper) {
      std::vector<int64_t> left = contents;
      FilledBox smaller = Fill(room, left);
      if (std::all_of(left.begin(), left.end(), [](int64_t count) { return count == 0; })) {
        box = std::move(smaller);
        return;
      }
    }
  }

  Load LoadOf(const std::vector<Block>& blocks) const {
    Load load;
    for (const Block& block : blocks) {
      load.Add(kinds_[static_cast<std::size_t>(block.kind)], block.units());
    }
    return load;
  }

  // What came into the emptiest boxes is hard to place, so it comes earlier the next time.
  void Blame(const Boxes& boxes) {
    std::vector<std::pair<int64_t, std::size_t>> fullness;
    for (std::size_t i = 0; i < boxes.size(); ++i) {
      const Load part = PartOf(LoadOf(boxes[i].blocks), rooms_[boxes[i].room]);
      fullness.emplace_back(std::max(part.volume, part.weight), i);
    }
    std::sort(fullness.begin(), fullness.end());
    for (std::size_t i = 0; i < (boxes.size() + 2) / 3; ++i) {
      for (const Block& block : boxes[fullness[i].second].blocks) {
        int64_t& priority = priority_[static_cast<std::size_t>(block.kind)];
        priority = std::min(kMostPriority, priority * 110 / 100);
      }
    }
  }

  const std::vector<Kind>& kinds_;
  const std::vector<int64_t>& counts_;
  const std::vector<Room>& rooms_;
  const std::size_t most_boxes_;
  Load load_;
  int64_t least_boxes_ = 0;  // no packing has fewer
  std::vector<int64_t> priority_;
  Boxes best_;
  int64_t best_billed_ = 0;
};

}  // namespace

int64_t BilledPounds(const FilledBox& box, const std::vector<Kind>& kinds,
                     const std::vector<Room>& rooms) {
  int64_t weight = rooms[box.room].tare;
  for (const Block& block : box.blocks) {
    weight += block.units() * kinds[static_cast<std::size_t>(block.kind)].weight;
  }
  return std::max(rooms[box.room].dimensional_pounds, DividedUp(weight, kPartsPerPound));
}

std::optional<std::vector<FilledBox>> FewestBoxes(const std::vector<Kind>& kinds,
                                                  const std::vector<int64_t>& counts,
                                                  const std::vector<Room>& rooms,
                                                  std::size_t most_boxes) {
  return Search(kinds, counts, rooms, most_boxes).Run();
}

}  // namespace psups::shipment_builder
