#pragma once

#include <string>
#include <utility>
#include <vector>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace psups {

// The process's metrics. One registry a process is what Prometheus scrapes, so this one is global.
prometheus::Registry& MetricsRegistry();

// A metric's name by Prometheus conventions (a base unit, _total for what only grows), what it
// counts, and its labels' names: never one whose values have no end, such as an id.
struct MetricName {
  std::string name = {};
  std::string help = {};
  std::vector<std::string> labels = {};
  std::vector<double> buckets = {};  // of a histogram
};

// Upper bounds of buckets, in seconds: for calls, and for what may wait.
inline const std::vector<double> kUpTo100Seconds = {
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100};
inline const std::vector<double> kUpToADay = {0.1, 0.5, 1,   5,    10,    30,
                                              60,  300, 900, 3600, 14400, 86400};

// A metric of this program, declared once, at namespace scope, beside what counts it:
//   const CounterMetric kReads("psups_ps_reads_total", "Reads of …", {"outcome"});
//   kReads("OK").Increment();
// The call takes a value for each label and gives the series, made at the first call; the reference
// stays valid: keep it on hot paths. A counter without labels is there, at 0, from the start; a
// gauge is not, for it knows nothing yet.
template <typename Kind>
class Metric {
 public:
  // `buckets` are a histogram's; the others have none.
  Metric(std::string name, std::string help, std::vector<std::string> labels = {},
         std::vector<double> buckets = kUpTo100Seconds);

  template <typename... Values>
  Kind& operator()(Values&&... values) const {
    return Series({std::string(std::forward<Values>(values))...});
  }

 private:
  Kind& Series(std::vector<std::string> values) const;
  const MetricName name_;
};

using CounterMetric = Metric<prometheus::Counter>;
using GaugeMetric = Metric<prometheus::Gauge>;
using SecondsMetric = Metric<prometheus::Histogram>;

// What this program declares, as docs/metrics.md has it: a JSON array of {name, type, labels, help}
// by name.
std::string DeclaredMetrics();

}  // namespace psups
