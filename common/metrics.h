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
};

// A metric of this program, declared once, at namespace scope, beside what counts it:
//   const CounterMetric kReads("psups_ps_reads_total", "Reads of …", {"outcome"});
//   kReads("OK").Increment();
// The call takes a value for each label and gives the series, made at the first call; the reference
// stays valid: keep it on hot paths. A counter without labels is there, at 0, from the start; a
// gauge is not, for it knows nothing yet.
template <typename Kind>
class Metric {
 public:
  Metric(std::string name, std::string help, std::vector<std::string> labels = {});

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
using SecondsMetric = Metric<prometheus::Histogram>;  // buckets from 1 ms to 100 s

// What this program declares, as docs/metrics.md has it: a JSON array of {name, type, labels, help}
// by name.
std::string DeclaredMetrics();

}  // namespace psups
