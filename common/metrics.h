#pragma once

#include <map>
#include <string>

#include "prometheus/counter.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace psups {

// The process's metrics. One registry a process is what Prometheus scrapes, so this one is global.
prometheus::Registry& MetricsRegistry();

// The counter, gauge or histogram of that name and labels; made at the first call. The reference
// stays valid: keep it on hot paths. Names by Prometheus conventions, help says what is counted.
prometheus::Counter& Counter(const std::string& name, const std::string& help,
                             const std::map<std::string, std::string>& labels = {});
prometheus::Gauge& Gauge(const std::string& name, const std::string& help,
                         const std::map<std::string, std::string>& labels = {});
// Seconds, buckets from 1 ms to 100 s.
prometheus::Histogram& SecondsHistogram(const std::string& name, const std::string& help,
                                        const std::map<std::string, std::string>& labels = {});

}  // namespace psups
