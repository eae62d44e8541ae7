#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/audit_client.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/envelope.h"
#include "common/http_server.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/server.h"
#include "common/status_macros.h"
#include "services/tracking-sync/peers.h"
#include "services/tracking-sync/processor.h"
#include "services/tracking-sync/reader.h"
#include "services/tracking-sync/reporter.h"
#include "services/tracking-sync/service.h"
#include "services/tracking-sync/subscriber.h"
#include "services/tracking-sync/webhook.h"

namespace psups::tracking_sync {
namespace {

constexpr int kConnections = 16;
constexpr int kThreads = 12;
constexpr int kPublishTogether = 1000;
constexpr int kDeleteTogether = 1000;
// Reporting twice is harmless, so a replica that dies holds the others up only this long.
constexpr absl::Duration kReportLease = absl::Seconds(10);
// Of a number that is being subscribed or read; renewed while that takes longer.
constexpr absl::Duration kLease = absl::Seconds(15);

std::vector<std::string> Words(const std::string& list) {
  std::vector<std::string> words;
  for (const absl::string_view word : absl::StrSplit(list, ',')) {
    const absl::string_view trimmed = absl::StripAsciiWhitespace(word);
    if (!trimmed.empty()) words.emplace_back(trimmed);
  }
  return words;
}

const GaugeMetric kUpdatesPending("psups_tracking_updates_pending",
                                  "Updates that ps-ingest has not taken yet.");
const GaugeMetric kTrackers("psups_trackers", "Trackers that are followed, by status.", {"status"});

absl::StatusOr<int> UpdateGauges(TrackerStore& store, AuditRelay& relay) {
  RETURN_IF_ERROR(relay.ShowBacklog());
  ASSIGN_OR_RETURN(const TrackerStore::Statistics statistics, store.Count());
  for (const auto& [worker, age] : statistics.oldest_due) {
    OldestDueSeconds(worker).Set(absl::ToDoubleSeconds(age));
  }
  kUpdatesPending().Set(static_cast<double>(statistics.updates_pending));
  for (int status = tracking::v1::Status_MIN; status <= tracking::v1::Status_MAX; ++status) {
    if (status == tracking::v1::STATUS_UNSPECIFIED) continue;
    const std::string name = tracking::v1::Status_Name(static_cast<ParcelStatus>(status));
    int64_t count = 0;
    for (const auto& [key, value] : statistics.followed_by_status) {
      if (key == name) count = value;
    }
    kTrackers(name).Set(static_cast<double>(count));
  }
  return 0;
}

// Ends the waiting watchers' calls when the workers end: the server drains its calls after that.
struct StopsWatchers {
  explicit StopsWatchers(Watchers& watchers) : watchers(watchers) {}
  ~StopsWatchers() { watchers.Stop(); }
  Watchers& watchers;
};

absl::Status Main(Settings& settings) {
  const ServiceSettings base(settings);
  const std::string key_file = settings.File("PSUPS_KEY_FILE");
  const std::string gateway = settings.Text("PSUPS_UPS_GATEWAY_ADDR");
  const std::string ingest = settings.Text("PSUPS_PS_INGEST_ADDR");
  const std::string ledger = settings.Text("PSUPS_AUDIT_LEDGER_ADDR");
  const HttpServerOptions door_options = {
      .listen = settings.Text("PSUPS_WEBHOOK_LISTEN"),
      .tls_certificate_file = settings.File("PSUPS_WEBHOOK_TLS_CERT_FILE"),
      .tls_key_file = settings.File("PSUPS_WEBHOOK_TLS_KEY_FILE")};
  const WebhookCredentials credentials = {
      .client_id = settings.Text("PSUPS_WEBHOOK_CLIENT_ID"),
      .client_secret = settings.Secret("PSUPS_WEBHOOK_CLIENT_SECRET_FILE"),
      .api_keys = Words(settings.Text("PSUPS_WEBHOOK_API_KEYS"))};
  const absl::Duration token_life =
      absl::Seconds(settings.Number("PSUPS_WEBHOOK_TOKEN_SECONDS", 60, 86400, 3600));
  const Timing timing = {
      .read_interval = settings.Duration("PSUPS_BACKFILL_INTERVAL", absl::Hours(6)),
      .last_read_delay = settings.Duration("PSUPS_LAST_READ_DELAY", absl::Hours(1)),
      .renew_before = settings.Duration("PSUPS_RENEW_BEFORE", absl::Hours(48)),
      .retry_wait = settings.Duration("PSUPS_RETRY_WAIT", absl::Seconds(10)),
      .refused_retry = settings.Duration("PSUPS_REFUSED_RETRY", absl::Hours(24)),
      .unknown_keep = settings.Duration("PSUPS_UNKNOWN_KEEP", absl::Hours(24 * 14)),
      .received_keep = settings.Duration("PSUPS_RECEIVED_KEEP", absl::Hours(24 * 30))};
  const absl::Duration call_timeout = settings.Duration("PSUPS_CALL_TIMEOUT", absl::Seconds(30));
  const int reads_in_flight =
      static_cast<int>(settings.Number("PSUPS_READS_IN_FLIGHT", 1, 1000, 100));
  const absl::Duration idle = settings.Duration("PSUPS_IDLE_WAIT", absl::Seconds(1));
  const absl::Duration heartbeat = settings.Duration("PSUPS_HEARTBEAT", absl::Seconds(5));
  RETURN_IF_ERROR(FinishSettings(settings));
  if (credentials.client_secret.empty()) {
    return absl::InvalidArgumentError("PSUPS_WEBHOOK_CLIENT_SECRET_FILE: the file is empty");
  }
  if (credentials.api_keys.empty()) {
    return absl::InvalidArgumentError("PSUPS_WEBHOOK_API_KEYS: want the client ids, by commas");
  }
  ASSIGN_OR_RETURN(KeyRing ring, KeyRing::FromFile(key_file));

  Db db(base.database_url, kConnections);
  Sealer sealer(db, std::move(ring));
  const std::unique_ptr<TrackerStore> store = MakePostgresTrackerStore(db, sealer, timing);
  const auto gateway_channel = MakeChannel(gateway, base.tls);
  const auto ups = MakeUpsTracking(gateway_channel, call_timeout);
  const auto reporter_port = MakeStatusReporter(MakeChannel(ingest, base.tls), call_timeout);
  const auto sink = MakeLedgerSink(MakeChannel(ledger, base.tls));
  const Clock clock;
  const std::string run_id = RandomHex128();

  Wakeups wakeups;
  Executor executor(kThreads);
  Watchers watchers(/*poll=*/absl::Milliseconds(250), HasChanges);
  TrackingServer server(*store, executor, watchers, wakeups);
  Processor processor(*store, clock, wakeups);
  Subscriber subscriber(*store, *ups, kLease, wakeups);
  TrackReader reader(*store, *ups, reads_in_flight, kLease, wakeups);
  Reporter reporter(*store, *reporter_port, kReportLease);
  AuditRelay relay(db, *sink);

  WebhookDoor door(
      *store, credentials,
      Bearers([&](std::string_view text) { return sealer.ring().Derive("webhook-bearer", text); },
              token_life),
      clock, wakeups);
  std::unique_ptr<HttpServer> https;
  const auto beat = [&] {
    return door.TellRefused(
        [&](absl::Time since) { return store->Heartbeat(run_id, 4 * heartbeat, since); });
  };

  std::vector<Worker> workers;
  workers.push_back({.name = "process",
                     .idle_wait = idle,
                     .step = [&] { return processor.Step(); },
                     .wakeup = &wakeups.processor});
  workers.push_back({.name = "subscribe",
                     .idle_wait = idle,
                     .step = [&] { return subscriber.Step(); },
                     .wakeup = &wakeups.subscriber});
  workers.push_back({.name = "backfill",
                     .idle_wait = idle,
                     .step = [&] { return reader.Step(); },
                     .wakeup = &wakeups.reader});
  workers.push_back({.name = "report",
                     .idle_wait = idle,
                     .step = [&] { return reporter.Step(); },
                     .wakeup = &wakeups.reporter});
  workers.push_back(
      {.name = "publish",
       .idle_wait = idle,
       .step = [&, stop = std::make_shared<StopsWatchers>(watchers)]() -> absl::StatusOr<int> {
         ASSIGN_OR_RETURN(const int published, store->Publish(kPublishTogether));
         if (published > 0) watchers.Notify();
         return published;
       },
       .wakeup = &wakeups.publisher});
  workers.push_back(
      {.name = "heartbeat", .idle_wait = heartbeat, .step = [&]() -> absl::StatusOr<int> {
         RETURN_IF_ERROR(beat());
         return 0;
       }});
  workers.push_back(
      {.name = "renew_leases", .idle_wait = kLease / 3, .step = [&]() -> absl::StatusOr<int> {
         RETURN_IF_ERROR(subscriber.RenewLeases());
         RETURN_IF_ERROR(reader.RenewLeases());
         return 0;
       }});
  workers.push_back({.name = "purge", .idle_wait = absl::Minutes(10), .step = [&] {
                       return store->DeleteOldReceived(kDeleteTogether);
                     }});
  workers.push_back({.name = "gauges", .idle_wait = absl::Seconds(5), .step = [&] {
                       return UpdateGauges(*store, relay);
                     }});
  workers.push_back({.name = "audit",
                     .idle_wait = idle,
                     .step = [&] { return relay.Step(); },
                     .gather = AuditRelay::kGather});

  return Serve(base, db,
               {.schema_version = PSUPS_SCHEMA_VERSION,
                .services = {&server},
                .workers = std::move(workers),
                .on_ready = [&]() -> absl::Status {
                  // The run is known before its door opens. If it cannot be, the gap before it
                  // lasts until the first beat that can.
                  const absl::Status begun = beat();
                  if (!begun.ok()) LogWarning("run_not_begun", {{"reason", begun}});
                  ASSIGN_OR_RETURN(https,
                                   HttpServer::Start(door_options, [&](auto request, auto reply) {
                                     door.Handle(std::move(request), std::move(reply));
                                   }));
                  LogInfo("webhook_listening", {{"address", https->address()}});
                  return absl::OkStatus();
                },
                .on_stopped =
                    [&] {
                      https.reset();
                      // A run that cannot tell what it refused does not end in order.
                      absl::Status ended = beat();
                      if (ended.ok()) ended = store->EndRun(run_id);
                      if (!ended.ok()) LogWarning("run_not_ended", {{"reason", ended}});
                    }});
}

}  // namespace
}  // namespace psups::tracking_sync

int main(int argc, char** argv) {
  return psups::RunService("tracking-sync", argc, argv, psups::tracking_sync::Main);
}
