#include <grpc/support/log.h>
#include <signal.h>

#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>

#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/server.h"
#include "common/status_macros.h"
#include "prometheus/exposer.h"

namespace psups {
namespace {

constexpr char kVersion[] = "0.1.0";
constexpr absl::Duration kDrain = absl::Seconds(5);

const GaugeMetric kServing("psups_serving",
                           "1 while the service serves and its database answers, else 0.");
const GaugeMetric kBuildInfo("psups_build_info", "Always 1; the version is the label.",
                             {"version"});

bool check_config = false;  // set once, before any thread, by RunService

sigset_t StopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Whether a stop signal came within `wait`.
bool WaitForStopSignal(absl::Duration wait) {
  const sigset_t signals = StopSignals();
  const timespec timeout = absl::ToTimespec(wait);
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

absl::StatusOr<std::unique_ptr<prometheus::Exposer>> StartExposer(const std::string& listen) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(listen, 1);
    // The exposer keeps a weak reference only.
    static const std::shared_ptr<prometheus::Collectable> registry(&MetricsRegistry(),
                                                                   [](auto*) {});
    exposer->RegisterCollectable(registry);
    return exposer;
  } catch (const std::exception&) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", listen,
                     " for metrics: taken by another process, or no address of this machine; stop "
                     "the other or set PSUPS_METRICS_LISTEN"));
  }
}

// Watches the database and says so once when it goes and once when it is back.
class DatabaseWatch {
 public:
  explicit DatabaseWatch(Db& db) : db_(db) {}
  bool Answers() {
    const absl::Status status = db_.Ping();
    if (status.ok() && !answers_) LogInfo("database_back");
    if (!status.ok() && answers_) {
      LogError("database_unreachable",
               {{"status", status},
                {"next_step", "start PostgreSQL or mend PSUPS_DATABASE_URL; this service waits"}});
    }
    answers_ = status.ok();
    return status.ok();
  }

 private:
  Db& db_;
  bool answers_ = true;
};

}  // namespace

ServiceSettings::ServiceSettings(Settings& settings)
    : database_url(settings.DatabaseUrl()),
      grpc_listen(settings.Text("PSUPS_GRPC_LISTEN")),
      metrics_listen(settings.Text("PSUPS_METRICS_LISTEN")),
      health_listen(settings.Text("PSUPS_HEALTH_LISTEN", "")),
      tls{.certificate = settings.File("PSUPS_TLS_CERT_FILE"),
          .key = settings.File("PSUPS_TLS_KEY_FILE"),
          .authority = settings.File("PSUPS_TLS_CA_FILE")} {}

absl::Status Serve(const ServiceSettings& settings, Db& db, ServeOptions options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<prometheus::Exposer> exposer,
                   StartExposer(settings.metrics_listen));
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server,
                   Server::Start({.listen = settings.grpc_listen,
                                  .tls = settings.tls,
                                  .services = options.services,
                                  .health_listen = settings.health_listen}));
  prometheus::Gauge& serving = kServing();
  kBuildInfo(kVersion).Set(1);
  LogInfo("started", {{"grpc_port", server->port()}, {"version", kVersion}});

  DatabaseWatch database(db);
  Stop stop;
  std::optional<WorkerThreads> workers;
  absl::Status failure = absl::OkStatus();
  bool checked = false;
  do {
    bool ready = database.Answers();
    if (ready && !checked) {
      const absl::Status schema = db.CheckSchema(options.schema_version);
      if (schema.code() == absl::StatusCode::kFailedPrecondition) {
        failure = schema;
        break;
      }
      ready = checked = schema.ok();
      if (checked) {
        if (options.on_ready) failure = options.on_ready();
        if (!failure.ok()) break;
        workers.emplace(std::move(options.workers), stop);
        LogInfo("serving");
      }
    }
    server->SetServing(ready);
    serving.Set(ready ? 1 : 0);
  } while (!WaitForStopSignal(checked ? absl::Seconds(1) : absl::Milliseconds(200)));

  serving.Set(0);
  server->SetServing(false);
  stop.Request();
  workers.reset();
  server->Shutdown(kDrain);
  if (options.on_stopped) options.on_stopped();
  LogInfo("stopped");
  return failure;
}

absl::Status FinishSettings(Settings& settings) {
  RETURN_IF_ERROR(settings.Finish());
  if (!check_config) return absl::OkStatus();
  std::fputs(settings.Effective().c_str(), stdout);
  return absl::CancelledError("--check-config");
}

int RunService(const char* name, int argc, char** argv, absl::Status (*body)(Settings&)) {
  InitLog(name);
  // gRPC's own words become lines like ours.
  gpr_set_log_function([](gpr_log_func_args* said) {
    LogWarning("grpc", {{"message", said->message}});
  });
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--version") == 0) {
      std::printf("%s %s\n", name, kVersion);
      return 0;
    }
    if (std::strcmp(argv[i], "--metrics") == 0) {
      std::printf("%s\n", DeclaredMetrics().c_str());
      return 0;
    }
    if (std::strcmp(argv[i], "--check-config") == 0) {
      check_config = true;
      continue;
    }
    std::fprintf(stderr,
                 "usage: %s [--version | --check-config | --metrics]; settings are PSUPS_* "
                 "variables\n",
                 name);
    return 2;
  }
  const sigset_t signals = StopSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before any thread starts; Serve takes them
  signal(SIGPIPE, SIG_IGN);
  Settings settings = Settings::FromEnvironment();
  const absl::Status status = body(settings);
  if (status.ok()) return 0;
  if (check_config && absl::IsCancelled(status)) return 0;
  LogError("start_failed", {{"status", status}});
  return 1;
}

}  // namespace psups
