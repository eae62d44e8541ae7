#include "common/metrics.h"

#include <cstdio>
#include <cstdlib>
#include <map>

#include "nlohmann/json.hpp"

namespace psups {
namespace {

struct Declared {
  std::string type;
  MetricName name;
};

// Filled while the program starts, before any thread.
std::map<std::string, Declared>& AllDeclared() {
  static std::map<std::string, Declared> declared;
  return declared;
}

constexpr const char* TypeOf(const prometheus::Counter*) { return "counter"; }
constexpr const char* TypeOf(const prometheus::Gauge*) { return "gauge"; }
constexpr const char* TypeOf(const prometheus::Histogram*) { return "histogram"; }

prometheus::Counter& Find(const MetricName& metric, const prometheus::Labels& labels,
                          const prometheus::Counter*) {
  return prometheus::BuildCounter()
      .Name(metric.name)
      .Help(metric.help)
      .Register(MetricsRegistry())
      .Add(labels);
}

prometheus::Gauge& Find(const MetricName& metric, const prometheus::Labels& labels,
                        const prometheus::Gauge*) {
  return prometheus::BuildGauge()
      .Name(metric.name)
      .Help(metric.help)
      .Register(MetricsRegistry())
      .Add(labels);
}

prometheus::Histogram& Find(const MetricName& metric, const prometheus::Labels& labels,
                            const prometheus::Histogram*) {
  return prometheus::BuildHistogram()
      .Name(metric.name)
      .Help(metric.help)
      .Register(MetricsRegistry())
      .Add(labels, metric.buckets);
}

}  // namespace

prometheus::Registry& MetricsRegistry() {
  static prometheus::Registry registry;
  return registry;
}

template <typename Kind>
Metric<Kind>::Metric(std::string name, std::string help, std::vector<std::string> labels,
                     std::vector<double> buckets)
    : name_{.name = std::move(name),
            .help = std::move(help),
            .labels = std::move(labels),
            .buckets = std::move(buckets)} {
  const char* type = TypeOf(static_cast<Kind*>(nullptr));
  if (!AllDeclared().emplace(name_.name, Declared{.type = type, .name = name_}).second) {
    std::fprintf(stderr, "metric %s: declared twice, want one declaration that all use\n",
                 name_.name.c_str());
    std::abort();
  }
  if (name_.labels.empty() && std::string_view(type) == "counter") (*this)();
}

template <typename Kind>
Kind& Metric<Kind>::Series(std::vector<std::string> values) const {
  if (values.size() != name_.labels.size()) {
    std::fprintf(stderr, "metric %s: %zu label values, want %zu\n", name_.name.c_str(),
                 values.size(), name_.labels.size());
    std::abort();
  }
  prometheus::Labels labels;
  for (std::size_t i = 0; i < values.size(); ++i) labels[name_.labels[i]] = std::move(values[i]);
  return Find(name_, labels, static_cast<Kind*>(nullptr));
}

template class Metric<prometheus::Counter>;
template class Metric<prometheus::Gauge>;
template class Metric<prometheus::Histogram>;

std::string DeclaredMetrics() {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const auto& [name, declared] : AllDeclared()) {
    all.push_back({{"name", name},
                   {"type", declared.type},
                   {"labels", declared.name.labels},
                   {"help", declared.name.help}});
  }
  return all.dump(1);
}

}  // namespace psups
