#include <unistd.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/audit_client.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/envelope.h"
#include "common/http_client.h"
#include "common/log.h"
#include "common/server.h"
#include "common/status_macros.h"
#include "services/ps-ingest/checker.h"
#include "services/ps-ingest/connection_service.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/order_service.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/postgres.h"
#include "services/ps-ingest/ps_api.h"
#include "services/ps-ingest/write_backer.h"

namespace psups::ps_ingest {
namespace {

constexpr int kDatabaseConnections = 16;
constexpr int kHandlerThreads = 8;
constexpr int kOutcomeThreads = 4;
constexpr int kCheckThreads = 4;
constexpr int kPublishTogether = 1000;

// The place that only one run can have at a time.
std::string Slot(const std::string& grpc_listen) {
  char host[256] = {};
  gethostname(host, sizeof(host) - 1);
  return absl::StrCat(host, " ", grpc_listen);
}

absl::Status Main(Settings& settings) {
  const ServiceSettings base(settings);
  const std::string key_file = settings.File("PSUPS_KEY_FILE");
  const std::string ledger_address = settings.Text("PSUPS_AUDIT_LEDGER_ADDR");
  const absl::Duration poll_wait = settings.Duration("PSUPS_POLL_IDLE_WAIT", absl::Seconds(1));
  const absl::Duration write_wait =
      settings.Duration("PSUPS_WRITE_BACK_IDLE_WAIT", absl::Seconds(1));
  const absl::Duration lease = settings.Duration("PSUPS_LEASE", absl::Seconds(15));
  const absl::Duration retry_cap = settings.Duration("PSUPS_RETRY_CAP", absl::Seconds(30));
  const absl::Duration setup_retry = settings.Duration("PSUPS_SETUP_RETRY", absl::Seconds(60));
  const absl::Duration confirm_wait = settings.Duration("PSUPS_CONFIRM_WAIT", absl::Seconds(5));
  const absl::Duration confirm_timeout =
      settings.Duration("PSUPS_CONFIRM_TIMEOUT", absl::Minutes(10));
  const absl::Duration heartbeat = settings.Duration("PSUPS_HEARTBEAT", absl::Seconds(1));
  RETURN_IF_ERROR(FinishSettings(settings));
  ASSIGN_OR_RETURN(const KeyRing ring, KeyRing::FromFile(key_file));

  Db db(base.database_url, kDatabaseConnections);
  Sealer sealer(db, ring);
  const Deriver derive = [&ring](std::string_view purpose, std::string_view text) {
    return ring.Derive(purpose, text);
  };
  const auto connections = MakeConnectionStore(db, sealer);
  const auto polls = MakePollStore(db, sealer);
  const auto orders = MakeOrderStore(db, sealer);
  const auto write_backs = MakeWriteBackStore(db, sealer, derive);
  const auto runs = MakeRunStore(db);
  const auto gauges = MakeGauges(db);
  const auto ledger = MakeLedgerSink(MakeChannel(ledger_address, base.tls));
  AuditRelay relay(db, *ledger);

  OpenCalls calls;
  Heartbeat pulse(*runs, calls, Slot(base.grpc_listen), heartbeat * 10);
  Passwords passwords(*connections);
  Wakeup poll_wakeup;
  Wakeup write_wakeup;
  OrderNews order_news;
  const Backoff retry = {.first = absl::Seconds(1), .cap = retry_cap};

  // From here on in the order of who is needed by whom: the client ends its calls, whose outcomes
  // the executor's threads store, before the loops that they belong to are gone.
  Executor outcomes(kOutcomeThreads);
  const Post post = [&outcomes](std::function<void()> task) { outcomes.Post(std::move(task)); };
  std::unique_ptr<PeopleSoft> people_soft = MakePeopleSoft(HttpClient::Create());
  MasterData master_data;
  Poller poller(*polls, *people_soft, passwords, master_data, calls, post, derive,
                {.lease = lease, .retry = retry, .setup_retry = setup_retry}, poll_wakeup,
                [&] { order_news.Stored(); });
  WriteBacker write_backer(*write_backs, *people_soft, passwords, calls, post,
                           {.lease = lease,
                            .retry = retry,
                            .setup_retry = setup_retry,
                            .confirm_wait = confirm_wait,
                            .confirm_timeout = confirm_timeout},
                           write_wakeup);
  Checker checker({.connections = *connections,
                   .polls = *polls,
                   .orders = *orders,
                   .people_soft = *people_soft,
                   .passwords = passwords,
                   .master_data = master_data,
                   .calls = calls},
                  derive, [&] { order_news.Stored(); });
  Executor handlers(kHandlerThreads);
  Executor tests(1);
  Executor checks(kCheckThreads);
  ConnectionServer connection_server(*connections, *people_soft, calls, handlers, tests, [&] {
    poll_wakeup.Notify();
    write_wakeup.Notify();
  });
  OrderServer order_server(
      *orders, *write_backs, checker, handlers, checks, [&] { write_wakeup.Notify(); }, order_news);

  // A hundred times as long as it takes passes until the next.
  absl::Duration census_wait = absl::Seconds(5);
  const Worker census = {.name = "count_orders",
                         .idle_wait = absl::Minutes(10),
                         .step = [&]() -> absl::StatusOr<int> {
                           const absl::Time begun = WallTime();
                           RETURN_IF_ERROR(gauges->CountOrders());
                           census_wait = std::max(absl::Seconds(5), 100 * (WallTime() - begun));
                           return 0;
                         },
                         .due_in = [&] { return census_wait; }};

  ServeOptions options = {
      .schema_version = PSUPS_SCHEMA_VERSION,
      .services = {&connection_server, &order_server},
      .workers = {{.name = "poll",
                   .idle_wait = poll_wait,
                   .step = [&] { return poller.Step(); },
                   .wakeup = &poll_wakeup},
                  {.name = "write_back",
                   .idle_wait = write_wait,
                   .step = [&] { return write_backer.Step(); },
                   .wakeup = &write_wakeup},
                  {.name = "audit_relay",
                   .idle_wait = absl::Milliseconds(200),
                   .step = [&] { return relay.Step(); },
                   .gather = AuditRelay::kGather},
                  {.name = "heartbeat",
                   .idle_wait = heartbeat,
                   .step = [&] { return pulse.Step(); }},
                  {.name = "gauges",
                   .idle_wait = absl::Seconds(5),
                   .step = [&]() -> absl::StatusOr<int> {
                     RETURN_IF_ERROR(relay.ShowBacklog());
                     RETURN_IF_ERROR(gauges->Refresh());
                     ASSIGN_OR_RETURN(const absl::Duration oldest, write_backs->OldestDue());
                     OldestDueSeconds("write_back").Set(absl::ToDoubleSeconds(oldest));
                     return 0;
                   }},
                  census},
      .on_ready =
          [&] {
            // Without it the next beats say the same, only later.
            if (const absl::Status begun = pulse.Begin(); !begun.ok()) {
              LogWarning("run_begin_not_stored", {{"status", begun}});
            }
            return absl::OkStatus();
          },
      .on_stopped =
          [&] {
            people_soft->Close();
            poller.Drain();
            write_backer.Drain();
            pulse.End();
          }};
  // Its end answers those who wait: the server drains its calls after that.
  const auto stop = [&](void*) { order_news.Stop(); };
  options.workers.push_back(
      {.name = "publish",
       .step = [&, stopper = std::shared_ptr<void>(nullptr, stop)]() -> absl::StatusOr<int> {
         ASSIGN_OR_RETURN(const int published, orders->Publish(kPublishTogether));
         if (published > 0) order_news.changes.Notify();
         return published;
       },
       .wakeup = &order_news.publisher});
  return Serve(base, db, std::move(options));
}

}  // namespace
}  // namespace psups::ps_ingest

int main(int argc, char** argv) {
  return psups::RunService(PSUPS_SERVICE, argc, argv, psups::ps_ingest::Main);
}
