// What it takes to pack 10,000 units into boxes, beside first-fit-decreasing alone.

#include <benchmark/benchmark.h>

#include <algorithm>

#include "services/shipment-builder/first_fit.h"
#include "tests/shipment-builder/box_sets.h"

namespace psups::shipment_builder {
namespace {

constexpr uint32_t kSeed = 20261126;

Extent Parts(const std::array<Length, 3>& sides) {
  Extent parts;
  for (std::size_t i = 0; i < 3; ++i)
    parts[i] = (sides[i].parts() * Decimal(kPartsPerInch / 127)).Ceil();
  return parts;
}

int64_t WeightParts(Decimal pounds) { return (pounds * Decimal(kPartsPerPound)).Ceil(); }

void PackBoxes(benchmark::State& state) {
  BoxSets sets(kSeed);
  const std::vector<ToPack> items = sets.TenThousand(static_cast<int>(state.range(0)));
  const std::vector<Box> boxes = BoxSets::Catalogue();
  std::size_t packages = 0;
  for (auto _ : state) packages = PackIntoBoxes(items, boxes).packages.size();
  if (packages == 0) state.SkipWithError("not packed");
  state.counters["packages"] = static_cast<double>(packages);
}
BENCHMARK(PackBoxes)->Arg(40)->Arg(1000)->Unit(benchmark::kSecond);

// The same units one by one, the largest first, each into the first box that has a place.
void FirstFitDecreasing(benchmark::State& state) {
  BoxSets sets(kSeed);
  std::vector<std::pair<Kind, int64_t>> sorted;
  for (const ToPack& item : sets.TenThousand(static_cast<int>(state.range(0)))) {
    sorted.emplace_back(
        Kind(Parts(item.unit.sides), WeightParts(item.unit.weight_lb), item.upright),
        item.quantity.Ceil());
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first.volume > b.first.volume; });
  std::vector<Kind> kinds;
  std::vector<int64_t> counts;
  for (const auto& [kind, count] : sorted) {
    kinds.push_back(kind);
    counts.push_back(count);
  }
  const Box largest = BoxSets::Catalogue().back();
  const Extent inner = Parts(largest.inner);
  const std::vector<Room> rooms = {
      {.inner = inner,
       .volume = Volume(inner),
       .most_weight = WeightParts(largest.max_weight_lb - largest.tare_lb)}};
  std::size_t packages = 0;
  for (auto _ : state) {
    packages =
        FirstFit(kinds, counts, rooms, kMostPackages).value_or(std::vector<FilledBox>()).size();
  }
  if (packages == 0) state.SkipWithError("not packed");
  state.counters["packages"] = static_cast<double>(packages);
}
BENCHMARK(FirstFitDecreasing)->Arg(40)->Arg(1000)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace psups::shipment_builder
