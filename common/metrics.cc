#include "common/metrics.h"

namespace psups {

prometheus::Registry& MetricsRegistry() {
  static prometheus::Registry registry;
  return registry;
}

prometheus::Counter& Counter(const std::string& name, const std::string& help,
                             const std::map<std::string, std::string>& labels) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(MetricsRegistry()).Add(labels);
}

prometheus::Gauge& Gauge(const std::string& name, const std::string& help,
                         const std::map<std::string, std::string>& labels) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(MetricsRegistry()).Add(labels);
}

prometheus::Histogram& SecondsHistogram(const std::string& name, const std::string& help,
                                        const std::map<std::string, std::string>& labels) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(MetricsRegistry())
      .Add(labels, prometheus::Histogram::BucketBoundaries{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                           0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100});
}

}  // namespace psups
