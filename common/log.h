#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "nlohmann/json_fwd.hpp"

namespace psups {

// A field of a log line: resource names, counts, codes. Never names, addresses, credentials,
// labels.
struct LogField {
  LogField(std::string_view name, std::string_view value) : name(name), value(value) {}
  LogField(std::string_view name, const char* value) : name(name), value(value) {}
  LogField(std::string_view name, const std::string& value) : name(name), value(value) {}
  LogField(std::string_view name, long long value);
  LogField(std::string_view name, long value) : LogField(name, static_cast<long long>(value)) {}
  LogField(std::string_view name, int value) : LogField(name, static_cast<long long>(value)) {}
  LogField(std::string_view name, unsigned long value)
      : LogField(name, static_cast<long long>(value)) {}
  LogField(std::string_view name, const absl::Status& status);

  std::string name;
  std::string value;
};

// One JSON line on stderr: time, severity, service, event and the fields, in this order. `event` is
// snake_case and constant: what a person greps for.
void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {});
void LogWarning(std::string_view event, std::initializer_list<LogField> fields = {});
void LogError(std::string_view event, std::initializer_list<LogField> fields = {});

// Names the service in every line. To be called once, first thing in main.
void InitLog(std::string_view service);

}  // namespace psups
