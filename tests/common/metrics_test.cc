#include "common/metrics.h"

#include "common/testing/metric_value.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace psups {
namespace {

using ::testing::HasSubstr;

const CounterMetric kLetters("psups_test_letters_total", "Letters that came.", {"from", "kind"});
const CounterMetric kPlain("psups_test_plain_total", "A counter without labels.");
const GaugeMetric kUnknown("psups_test_unknown", "A gauge that nobody has set.");

TEST(MetricsTest, ASeriesIsFoundByItsLabelsValuesInTheirOrder) {
  kLetters("ann", "card").Increment(2);
  EXPECT_EQ(MetricValue("psups_test_letters_total", {{"from", "ann"}, {"kind", "card"}}), 2);
  EXPECT_EQ(MetricValue("psups_test_letters_total", {{"from", "card"}, {"kind", "ann"}}), 0);
  EXPECT_EQ(&kLetters("ann", "card"), &kLetters("ann", "card"));
}

TEST(MetricsTest, ACounterWithoutLabelsIsThereFromTheStartAndAGaugeIsNot) {
  std::map<std::string, std::size_t> series;
  for (const auto& family : MetricsRegistry().Collect()) {
    series[family.name] = family.metric.size();
  }
  EXPECT_EQ(series["psups_test_plain_total"], 1);
  EXPECT_EQ(series["psups_test_unknown"], 0);
}

TEST(MetricsTest, WhatIsDeclaredIsListedBeforeItWasEverUsed) {
  const nlohmann::json all = nlohmann::json::parse(DeclaredMetrics());
  const nlohmann::json want = {{"name", "psups_test_unknown"},
                               {"type", "gauge"},
                               {"labels", nlohmann::json::array()},
                               {"help", "A gauge that nobody has set."}};
  EXPECT_EQ(std::count(all.begin(), all.end(), want), 1);
}

TEST(MetricsDeathTest, AMetricDeclaredTwiceIsSaidAtOnce) {
  EXPECT_DEATH(CounterMetric("psups_test_plain_total", "Again."), HasSubstr("declared twice"));
}

TEST(MetricsDeathTest, AMissingLabelIsSaidAtOnce) {
  EXPECT_DEATH(kLetters("ann"), HasSubstr("1 label values, want 2"));
}

}  // namespace
}  // namespace psups
