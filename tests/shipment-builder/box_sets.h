#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "services/shipment-builder/boxes.h"

namespace psups::shipment_builder {

// Shipments as they are packed every day: made from a seed, for tests and the benchmark.
class BoxSets {
 public:
  explicit BoxSets(uint32_t seed) : random_(seed) {}

  // Five cartons as they are sold: inner sides, a wall of half an inch, tare and what they bear.
  static std::vector<Box> Catalogue() {
    const auto box = [](const std::string& id, int a, int b, int c, const std::string& tare,
                        int most) {
      return Box{.box_id = id,
                 .inner = {Inches(4 * a), Inches(4 * b), Inches(4 * c)},
                 .outer_in = {a + 1, b + 1, c + 1},
                 .tare_lb = *Decimal::Parse(tare),
                 .max_weight_lb = Decimal(most),
                 .packaging_code = "02"};
    };
    return {box("XS", 8, 6, 4, "0.4", 50), box("S", 12, 9, 6, "0.7", 50),
            box("M", 16, 12, 10, "1.2", 65), box("L", 20, 16, 14, "1.9", 70),
            box("XL", 24, 18, 18, "2.6", 70)};
  }

  // 5–40 lines of 1–40 units, each side 2–6 in.
  std::vector<ToPack> UniformSmall() {
    DrawDensity();
    std::vector<ToPack> items;
    for (int lines = Draw(5, 40); lines > 0; --lines) {
      Add(items, Draw(1, 40), {Draw(8, 24), Draw(8, 24), Draw(8, 24)});
    }
    return items;
  }

  // 2–15 lines of 1–8 units, one side 8–30 in, the others 1–4 in.
  std::vector<ToPack> LongThin() {
    DrawDensity();
    std::vector<ToPack> items;
    for (int lines = Draw(2, 15); lines > 0; --lines) {
      Add(items, Draw(1, 8), {Draw(32, 120), Draw(4, 16), Draw(4, 16)});
    }
    return items;
  }

  // 3–30 lines of 1–12 units, sides 2–20 in, small ones more often; each fits the largest box.
  std::vector<ToPack> Mixed() {
    DrawDensity();
    std::vector<ToPack> items;
    for (int lines = Draw(3, 30); lines > 0; --lines) {
      std::array<int, 3> quarters;
      do {
        for (int& side : quarters) side = static_cast<int>(8 * std::exp(Real(0, std::log(10.0))));
        std::sort(quarters.begin(), quarters.end());
      } while (quarters[1] > 72);
      Add(items, Draw(1, 12), quarters);
    }
    return items;
  }

  // Small ones and one that no box takes: 26–60 by 8–20 by 6–16 in.
  std::vector<ToPack> OneHuge() {
    std::vector<ToPack> items = UniformSmall();
    Add(items, 1, {Draw(104, 240), Draw(32, 80), Draw(24, 64)});
    items.back().unit.weight_lb = Decimal(Draw(40, 120));
    return items;
  }

  // 10,000 units in so many schedules, each side 2–5 in.
  std::vector<ToPack> TenThousand(int schedules) {
    DrawDensity();
    std::vector<ToPack> items;
    for (int i = 0; i < schedules; ++i) {
      Add(items, 10'000 / schedules, {Draw(8, 20), Draw(8, 20), Draw(8, 20)});
    }
    return items;
  }

  int Draw(int least, int most) { return std::uniform_int_distribution<int>(least, most)(random_); }

  void Shuffle(std::vector<ToPack>& items) { std::shuffle(items.begin(), items.end(), random_); }

 private:
  static Length Inches(int quarters) {
    return Length::Inches(Decimal(quarters) * *Decimal::Parse("0.25"));
  }

  double Real(double least, double most) {
    return std::uniform_real_distribution<double>(least, most)(random_);
  }

  // A line weighs 0.001–0.008 lb/in³ (2–14 lb/ft³) in one half of the shipments, which fill boxes
  // by their volume, and 0.003–0.04 lb/in³ in the other, which fill them by their weight.
  void DrawDensity() { dense_ = Draw(0, 1) == 1; }

  // Between 0.2 and 30 lb.
  void Add(std::vector<ToPack>& items, int quantity, const std::array<int, 3>& quarters) {
    const double density = dense_ ? std::exp(Real(std::log(0.003), std::log(0.04)))
                                  : std::exp(Real(std::log(0.001), std::log(0.008)));
    const double cubic_inches = quarters[0] * quarters[1] * quarters[2] / 64.0;
    const int tenths = std::clamp(static_cast<int>(cubic_inches * density * 10), 2, 300);
    ToPack item{.line = static_cast<int>(items.size()) / 2 + 1,
                .schedule = static_cast<int>(items.size()) % 2 + 1,
                .quantity = Decimal(quantity)};
    item.unit.weight_lb = Decimal(tenths) * *Decimal::Parse("0.1");
    for (std::size_t i = 0; i < 3; ++i) item.unit.sides[i] = Inches(quarters[i]);
    items.push_back(item);
  }

  std::mt19937 random_;
  bool dense_ = false;
};

}  // namespace psups::shipment_builder
