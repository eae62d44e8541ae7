#include "common/log.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"
#include "spdlog/sinks/stdout_sinks.h"
#include "spdlog/spdlog.h"

namespace psups {
namespace {

std::string& ServiceName() {
  static std::string name = "psups";
  return name;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = spdlog::stderr_logger_mt("psups");
    made->set_pattern("%v");
    made->flush_on(spdlog::level::info);
    return made;
  }();
  return *logger;
}

void Write(spdlog::level::level_enum level, const char* severity, std::string_view event,
           std::initializer_list<LogField> fields) {
  nlohmann::ordered_json line;
  line["time"] = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone());
  line["severity"] = severity;
  line["service"] = ServiceName();
  line["event"] = event;
  for (const LogField& field : fields) line[field.name] = field.value;
  Logger().log(level, line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace

LogField::LogField(std::string_view name, long long value)
    : name(name), value(std::to_string(value)) {}

LogField::LogField(std::string_view name, const absl::Status& status)
    : name(name),
      value(status.ok()
                ? "OK"
                : absl::StrCat(absl::StatusCodeToString(status.code()), ": ", status.message())) {}

void LogInfo(std::string_view event, std::initializer_list<LogField> fields) {
  Write(spdlog::level::info, "INFO", event, fields);
}
void LogWarning(std::string_view event, std::initializer_list<LogField> fields) {
  Write(spdlog::level::warn, "WARNING", event, fields);
}
void LogError(std::string_view event, std::initializer_list<LogField> fields) {
  Write(spdlog::level::err, "ERROR", event, fields);
}

void InitLog(std::string_view service) { ServiceName() = std::string(service); }

}  // namespace psups
