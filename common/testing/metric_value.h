#pragma once

#include <map>
#include <string>

#include "common/metrics.h"

namespace psups {

// What a counter or gauge of this process shows; 0 if nothing has made it yet.
inline double MetricValue(const std::string& name,
                          const std::map<std::string, std::string>& labels = {}) {
  for (const prometheus::MetricFamily& family : MetricsRegistry().Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      std::map<std::string, std::string> found;
      for (const auto& label : metric.label) found[label.name] = label.value;
      if (found == labels) return metric.counter.value + metric.gauge.value;
    }
  }
  return 0;
}

}  // namespace psups
