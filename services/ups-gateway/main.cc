#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "common/audit_client.h"
#include "common/channel.h"
#include "common/crypto.h"
#include "common/envelope.h"
#include "common/log.h"
#include "common/metrics.h"
#include "common/outbox.h"
#include "common/server.h"
#include "common/status_macros.h"
#include "common/worker.h"
#include "services/ups-gateway/account/account_server.h"
#include "services/ups-gateway/calls/service.h"
#include "services/ups-gateway/purchase/manifest.h"
#include "services/ups-gateway/purchase/resolver.h"
#include "services/ups-gateway/store/postgres.h"
#include "services/ups-gateway/wire/ups_api.h"

namespace psups::ups_gateway {
namespace {

constexpr absl::Duration kHeartbeat = absl::Seconds(1);
constexpr absl::Duration kSilence = absl::Seconds(3);
constexpr int kMostAccounts = 1000;
constexpr int kMostDropped = 1000;  // at once

const GaugeMetric kCapUsed(
    "psups_ups_cap_used_ratio",
    "Share of a cap on purchases that is used; the greatest over the accounts and their caps.");
const GaugeMetric kStopped("psups_ups_accounts_stopped",
                           "Accounts that buy nothing, by their kill switch.");
const GaugeMetric kSearching("psups_ups_search_first",
                             "Accounts whose purchases are looked for at UPS before they are made, "
                             "because the database may have lost commits.");
const GaugeMetric kCalls("psups_ups_calls", "Purchases that are not at their end.", {"state"});
const GaugeMetric kOldestDoubt("psups_ups_calls_in_doubt_oldest_seconds",
                               "Since the oldest purchase in doubt was begun; 0 if none is.");
const GaugeMetric kNeedingPerson("psups_ups_calls_needing_person",
                                 "Purchases in doubt that a person must decide.");
const GaugeMetric kBudgetUsed(
    "psups_ups_token_budget_used",
    "Token requests of the last 24 hours, of the credential that has the least left.");
const GaugeMetric kBudgetLeft(
    "psups_ups_token_budget_left",
    "Token requests that may still be made now; the least over the credentials.");
const GaugeMetric kBudgetRatio(
    "psups_ups_token_budget_used_ratio",
    "Share of a day's token requests that is used; the greatest over the credentials.");
const GaugeMetric kBudgetForecast(
    "psups_ups_token_budget_forecast_seconds",
    "Time until a day's token requests are used up if they go on as in the last hour; the least "
    "over the credentials, +Inf if they last.");

absl::StatusOr<int> ExportCaps(CallStore& calls, const std::vector<AccountPtr>& accounts) {
  ASSIGN_OR_RETURN(const auto bought, calls.CountBought());
  double most = 0;
  int stops = 0;
  int searches = 0;
  for (const AccountPtr& account : accounts) {
    if (const auto found = bought.find(account->id); found != bought.end()) {
      most = std::max(most, UsedRatio(CapsOf(account->settings), found->second));
    }
    stops += account->settings.stopped() ? 1 : 0;
    searches += account->settings.searches_first() ? 1 : 0;
  }
  kCapUsed().Set(most);
  kStopped().Set(stops);
  kSearching().Set(searches);
  return 0;
}

int64_t Left(const TreasuryFacts& facts) { return std::max<int64_t>(0, facts.limit - facts.used); }

absl::StatusOr<int> ExportGauges(CallStore& calls, AccountStore& accounts, TokenStore& tokens,
                                 Treasury& treasury, AuditRelay& relay) {
  treasury.ExportMetrics();
  ASSIGN_OR_RETURN(const CallStore::OpenCalls open, calls.CountOpen());
  kCalls("SENT").Set(open.sent);
  kCalls("IN_DOUBT").Set(open.in_doubt);
  kOldestDoubt().Set(absl::ToDoubleSeconds(open.oldest_doubt));
  kNeedingPerson().Set(open.needs_person);
  OldestDueSeconds("resolver").Set(absl::ToDoubleSeconds(open.oldest_due));
  RETURN_IF_ERROR(relay.ShowBacklog());
  double most = 0;
  absl::Duration lasts = absl::InfiniteDuration();
  std::optional<TreasuryFacts> scarcest;
  ASSIGN_OR_RETURN(const std::vector<AccountPtr> all, accounts.List("", kMostAccounts));
  for (const AccountPtr& account : all) {
    ASSIGN_OR_RETURN(const TokenBudget budget, tokens.Budget(*account));
    if (!scarcest || Left(budget.facts) < Left(*scarcest)) scarcest = budget.facts;
    if (budget.facts.limit > 0) most = std::max(most, 1.0 * budget.facts.used / budget.facts.limit);
    lasts = std::min(lasts, budget.exhausted_in);
  }
  if (scarcest) {
    kBudgetUsed().Set(static_cast<double>(scarcest->used));
    kBudgetLeft().Set(static_cast<double>(Left(*scarcest)));
    kBudgetRatio().Set(most);
    kBudgetForecast().Set(absl::ToDoubleSeconds(lasts));
  }
  return ExportCaps(calls, all);
}

// Notes whether the database is still the one that it was.
absl::StatusOr<int> CompareEpochs(EpochStore& epochs) {
  ASSIGN_OR_RETURN(const EpochComparison comparison, epochs.Compare());
  if (!comparison.changed) return 0;
  LogError("database_changed",
           {{"unseen_seconds", absl::ToInt64Seconds(comparison.unseen)},
            {"token_requests_booked", comparison.booked_tokens},
            {"next_step", "Nothing: each purchase is looked for at UPS before it is made."}});
  return 0;
}

absl::Status Main(Settings& settings) {
  const ServiceSettings base(settings);
  const std::string key_file = settings.File("PSUPS_KEY_FILE");
  const std::string ledger_address = settings.Text("PSUPS_AUDIT_LEDGER_ADDR");
  const auto connections =
      static_cast<int>(settings.Number("PSUPS_UPS_CONNECTIONS", 1, 4096, 1024));
  const absl::Duration patience = settings.Duration("PSUPS_TOKEN_PATIENCE", absl::Seconds(15));
  FlowControl::Options flow_options;
  flow_options.patience = settings.Duration("PSUPS_FLOW_PATIENCE", flow_options.patience);
  flow_options.recovery = settings.Duration("PSUPS_FLOW_RECOVERY", flow_options.recovery);
  DoubtSettings doubt;
  doubt.first_wait = settings.Duration("PSUPS_RESOLVER_FIRST_WAIT", absl::Seconds(30));
  doubt.most_wait = settings.Duration("PSUPS_RESOLVER_MOST_WAIT", absl::Minutes(15));
  doubt.window = settings.Duration("PSUPS_RESOLVER_WINDOW", absl::Hours(2));
  doubt.watch = settings.Duration("PSUPS_RESOLVER_WATCH", absl::Hours(24 * 7));
  const absl::Duration resolver_idle =
      settings.Duration("PSUPS_RESOLVER_IDLE_WAIT", absl::Seconds(1));
  RETURN_IF_ERROR(FinishSettings(settings));

  ASSIGN_OR_RETURN(KeyRing ring, KeyRing::FromFile(key_file));
  Db db(base.database_url, 16);
  Sealer sealer(db, std::move(ring));
  const Clock clock;
  const auto accounts = MakePostgresAccountStore(db, sealer);
  const std::string run_id = RandomHex128();
  const auto tokens = MakePostgresTokenStore(db, sealer, run_id);
  const auto calls = MakePostgresCallStore(db, sealer);
  const auto runs = MakePostgresRunStore(db);
  const auto epochs = MakePostgresEpochStore(db);
  const auto flow_limits = MakePostgresFlowStore(db);
  const auto sink = MakeLedgerSink(MakeChannel(ledger_address, base.tls));
  AuditRelay relay(db, *sink);

  // Once all that follows has ended, and with it what it had to record.
  const absl::Cleanup end_run = [&runs, &run_id] {
    const absl::Status ended = runs->End(run_id);
    if (!ended.ok()) LogWarning("clean_stop_not_stored", {{"status", ended}});
  };
  // Whatever feeds another stands below it: what is under way ends in the order of destruction.
  Wakeup doubts;
  const SteadyClock steady;
  FlowControl flow(*flow_limits, run_id, steady, clock, UnitRandom, flow_options);
  Unrecorded unrecorded(clock);
  CallRecorder recorder(*calls);
  Drift drift;
  auto executor = std::make_unique<Executor>(4);
  const Post post = [to = executor.get()](std::function<void()> task) {
    to->Post(std::move(task));
  };
  HttpUpsApi api(HttpClient::Create(connections));
  Treasury treasury(*tokens, api, clock, UnitRandom, patience);
  AccountBook book(*accounts, clock, post);
  const UpsLine line{api, treasury, flow, clock, unrecorded, drift, post};
  Asker asker(line);
  SearchFirst search_first(*calls, asker, recorder, clock, {.window = doubt.window});
  Purchaser purchaser(*calls, line, search_first, doubts, {.first_wait = doubt.first_wait});
  const auto manifest = MakeManifestNotYet();
  Resolver resolver(*calls, book, asker, *manifest, clock, doubt);
  Reconciler reconciler(*calls, *accounts, *epochs, *manifest, clock, doubt.window);
  UpsOperations operations(*calls, book, asker, recorder, purchaser, clock, post);
  UpsServer ups_server(operations, *executor);
  Doctor doctor(line, asker, recorder);
  AccountServer account_server(*accounts, *tokens, book, doctor, reconciler, clock, *executor);

  // Tokens and turns are needed until the last RPC has drained.
  Stop treasury_stop;
  std::optional<WorkerThreads> treasury_thread;
  treasury_thread.emplace(std::vector<Worker>{{.name = "treasury",
                                               .idle_wait = absl::Milliseconds(250),
                                               .step = [&] { return treasury.Step(); },
                                               .wakeup = &treasury.wakeup(),
                                               .backoff = {.cap = absl::Seconds(2)}},
                                              {.name = "flow",
                                               .step = [&] { return flow.Pump(); },
                                               .wakeup = &flow.wakeup(),
                                               .due_in = [&] { return flow.DueIn(); }}},
                          treasury_stop);
  const absl::Status served = Serve(
      base, db,
      {.schema_version = PSUPS_SCHEMA_VERSION,
       .services = {&ups_server, &account_server},
       .workers = {
           {.name = "audit_relay",
            .idle_wait = absl::Milliseconds(200),
            .step = [&] { return relay.Step(); },
            .gather = AuditRelay::kGather},
           {.name = "resolver",
            .idle_wait = resolver_idle,
            .step = [&] { return resolver.Step(); },
            .wakeup = &doubts},
           {.name = "renew_leases",
            .idle_wait = kDoubtLease / 3,
            .step = [&]() -> absl::StatusOr<int> {
              RETURN_IF_ERROR(resolver.RenewLeases());
              return 0;
            }},
           {.name = "heartbeat",
            .idle_wait = kHeartbeat,
            .step = [&]() -> absl::StatusOr<int> {
              RETURN_IF_ERROR(runs->Beat(
                  run_id, [&] { return unrecorded.OldestAge(); }, kSilence));
              return 0;
            }},
           {.name = "epoch",
            .idle_wait = kHeartbeat,
            .step = [&] { return CompareEpochs(*epochs); }},
           {.name = "reconcile",
            .idle_wait = absl::Minutes(5),
            .step = [&] { return reconciler.Step(); }},
           {.name = "drop_verdicts",
            .idle_wait = absl::Minutes(1),
            .step = [&] { return calls->DropVerdicts(kMostDropped); }},
           {.name = "flow_limits", .step = [&] { return flow.Share(); }, .wakeup = &flow.news()},
           {.name = "gauges", .idle_wait = absl::Seconds(5), .step = [&] {
              return ExportGauges(*calls, *accounts, *tokens, treasury, relay);
            }}}});
  treasury_stop.Request();
  treasury.wakeup().Notify();
  flow.wakeup().Notify();
  treasury_thread.reset();
  flow.Close();
  treasury.Close();
  api.Close();       // what is still on its way ends, and is posted
  executor.reset();  // what was posted runs
  const absl::StatusOr<int> settled = treasury.Step();
  if (!settled.ok()) LogWarning("token_request_not_settled", {{"status", settled.status()}});
  return served;
}

}  // namespace
}  // namespace psups::ups_gateway

int main(int argc, char** argv) {
  return psups::RunService("ups-gateway", argc, argv, psups::ups_gateway::Main);
}
