#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/audit_client.h"
#include "common/channel.h"
#include "common/clock.h"
#include "common/envelope.h"
#include "common/http_client.h"
#include "common/identity.h"
#include "common/metrics.h"
#include "common/outbox.h"
#include "common/postgres.h"
#include "common/server.h"
#include "common/settings.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_book.h"
#include "services/shipment-builder/buyer.h"
#include "services/shipment-builder/connections.h"
#include "services/shipment-builder/hand_over.h"
#include "services/shipment-builder/held_leases.h"
#include "services/shipment-builder/intake.h"
#include "services/shipment-builder/mapping_server.h"
#include "services/shipment-builder/peers.h"
#include "services/shipment-builder/postgres.h"
#include "services/shipment-builder/review_event.h"
#include "services/shipment-builder/review_server.h"
#include "services/shipment-builder/review_webhook.h"
#include "services/shipment-builder/shipment_server.h"
#include "services/shipment-builder/told.h"
#include "services/shipment-builder/validator.h"
#include "services/shipment-builder/voider.h"
#include "services/shipment-builder/watcher.h"

namespace psups::shipment_builder {
namespace {

constexpr int kMostInFlight = 600;
constexpr char kHookUrl[] = "PSUPS_REVIEW_WEBHOOK_URL";
constexpr char kHookSecret[] = "PSUPS_REVIEW_WEBHOOK_SECRET_FILE";
// Calls that wait at the peer for something to come, and between two of them.
constexpr absl::Duration kPeerWaits = absl::Seconds(1);
constexpr absl::Duration kBetween = absl::Milliseconds(50);
constexpr int kPublishTogether = 1000;
constexpr absl::Duration kPublishGather = absl::Milliseconds(200);
// Between two looks for what another replica published.
constexpr absl::Duration kWatchPoll = absl::Milliseconds(250);

absl::Duration Uptime() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// The identities in PSUPS_ACTS_FOR_OTHERS, separated by commas.
absl::StatusOr<std::set<std::string>> Identities(const std::string& setting) {
  std::set<std::string> identities;
  for (const absl::string_view text : absl::StrSplit(setting, ',', absl::SkipWhitespace())) {
    const std::string identity(absl::StripAsciiWhitespace(text));
    if (!CallerFromUri(identity).ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("PSUPS_ACTS_FOR_OTHERS: \"", identity,
                       "\", want spiffe://psups/<role>/<person>, several separated by commas"));
    }
    identities.insert(identity);
  }
  return identities;
}

const GaugeMetric kShipments("psups_shipments",
                             "Shipments that have not come to their end, by state.", {"state"});
const GaugeMetric kReviewsOpen("psups_reviews_open", "Reviews that wait for a person, by reason.",
                               {"reason"});
const GaugeMetric kPartlyShipped(
    "psups_schedules_partly_shipped",
    "Schedules of purchase orders left out because a part was shipped as a requisition.");

absl::StatusOr<int> ShowFigures(ShipmentStore& store, AuditRelay& relay) {
  RETURN_IF_ERROR(relay.ShowBacklog());
  ASSIGN_OR_RETURN(const ShipmentStore::Figures figures, store.Count());
  for (const State open :
       {State::kReceived, State::kValidating, State::kLabeling, State::kLabeled, State::kInTransit,
        State::kNeedsReview, State::kFailed, State::kVoiding}) {
    kShipments(Name(open)).Set(0);
  }
  for (const auto& [open, count] : figures.open_shipments) {
    kShipments(Name(open)).Set(static_cast<double>(count));
  }
  for (const auto& [work, age] : figures.oldest_due) {
    OldestDueSeconds(absl::AsciiStrToLower(std::string(Name(work))))
        .Set(absl::ToDoubleSeconds(age));
  }
  for (const Reason reason : AllReasons()) {
    const auto found = figures.open_reviews.find(reason);
    kReviewsOpen(Name(reason))
        .Set(found == figures.open_reviews.end() ? 0 : static_cast<double>(found->second));
  }
  kPartlyShipped().Set(static_cast<double>(figures.partly_shipped));
  return 0;
}

// Has watchers see what changed. Its end answers those who wait: the server drains its calls after
// that.
Worker Publisher(ShipmentViews& views, ShipmentWatchers& watchers, absl::Duration idle) {
  const auto stop = [&watchers](void*) { watchers.Stop(); };
  return {.name = "publish",
          .idle_wait = idle,
          .step = [&, stopper = std::shared_ptr<void>(nullptr, stop)]() -> absl::StatusOr<int> {
            ASSIGN_OR_RETURN(const int published, views.Publish(kPublishTogether));
            if (published > 0) watchers.Notify();
            return published;
          },
          .gather = kPublishGather};
}

absl::Status Main(Settings& settings) {
  const ServiceSettings base(settings);
  const std::string key_file = settings.File("PSUPS_KEY_FILE");
  const std::string ledger_address = settings.Text("PSUPS_AUDIT_LEDGER_ADDR");
  const std::string orders_address = settings.Text("PSUPS_PS_INGEST_ADDR");
  const std::string ups_address = settings.Text("PSUPS_UPS_GATEWAY_ADDR");
  const std::string tracking_address = settings.Text("PSUPS_TRACKING_SYNC_ADDR");
  const absl::Duration idle = settings.Duration("PSUPS_IDLE_WAIT", absl::Seconds(1));
  const absl::Duration call_timeout = settings.Duration("PSUPS_CALL_TIMEOUT", absl::Seconds(35));
  const absl::Duration ship_timeout = settings.Duration("PSUPS_SHIP_TIMEOUT", absl::Seconds(35));
  const absl::Duration lease = settings.Duration("PSUPS_LEASE", absl::Seconds(15));
  const absl::Duration verdicts =
      settings.Duration("PSUPS_ADDRESS_VERDICT_LIFETIME", absl::Hours(7 * 24));
  const absl::Duration void_window = settings.Duration("PSUPS_VOID_WINDOW", absl::Hours(90 * 24));
  const std::string zone_name = settings.Text("PSUPS_TIME_ZONE", "America/New_York");
  const std::string act_for_others = settings.Text("PSUPS_ACTS_FOR_OTHERS", "");
  const std::string hook_url = settings.Text(kHookUrl, "");
  const std::string hook_secret = hook_url.empty() ? "" : settings.Secret(kHookSecret);
  const std::string hook_ca =
      hook_url.empty() ? "" : settings.File("PSUPS_REVIEW_WEBHOOK_CA_FILE", "");
  RETURN_IF_ERROR(FinishSettings(settings));
  ASSIGN_OR_RETURN(const std::set<std::string> actors, Identities(act_for_others));
  std::string hook_key;
  if (!hook_url.empty()) {
    RETURN_IF_ERROR(CheckWebhookUrl(kHookUrl, hook_url));
    ASSIGN_OR_RETURN(hook_key, WebhookKey(kHookSecret, hook_secret));
  }
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(zone_name, &zone)) {
    return absl::InvalidArgumentError(
        absl::StrCat("PSUPS_TIME_ZONE: \"", zone_name,
                     "\", want the name of a zone in the system's tzdata, such as UTC"));
  }
  ASSIGN_OR_RETURN(KeyRing ring, KeyRing::FromFile(key_file));

  Db db(base.database_url, /*max_connections=*/16);
  Sealer sealer(db, std::move(ring));
  const std::unique_ptr<ShipmentStore> store = MakePostgresShipmentStore(db, sealer);
  const std::unique_ptr<ShipmentViews> views = MakePostgresShipmentViews(db, sealer);
  const std::unique_ptr<OrderSource> orders =
      MakeOrderSource(MakeChannel(orders_address, base.tls), call_timeout);
  const std::unique_ptr<UpsPort> ups =
      MakeUpsPort(MakeChannel(ups_address, base.tls), call_timeout, ship_timeout);
  const std::unique_ptr<TrackingPort> tracking =
      MakeTrackingPort(MakeChannel(tracking_address, base.tls), call_timeout);
  const std::unique_ptr<AuditSink> ledger = MakeLedgerSink(MakeChannel(ledger_address, base.tls));

  const Clock clock;
  const Derive derive = [&sealer](std::string_view purpose, std::string_view text) {
    return sealer.ring().Derive(purpose, text);
  };
  const std::unique_ptr<MappingStore> mappings = MakePostgresMappingStore(db, sealer);
  RuleBook rules(*mappings);
  const Planner planner(clock, zone, derive, rules);
  Connections connections(Uptime);
  Wakeup validate, label, hand_over, undo, replan, tell;
  HeldLeases buying(*store, kMostInFlight, lease, {&validate, &label});
  HeldLeases others(*store, kMostInFlight, lease, {});
  Intake intake(*store, *orders, *ups, connections, planner, Uptime, validate, label, tell,
                kPeerWaits);
  AddressBook book(*store, *ups, clock, derive, verdicts);
  Buyer buyer(*store, *orders, *ups, connections, planner, buying,
              {.hand_over = hand_over, .undo = undo, .replan = replan, .tell = tell});
  Pricer pricer(*store, *ups, buyer, connections, planner, buying, tell);
  Validator validator(*store, book, pricer, connections, planner, buying, tell);
  HandOver handing_over(*store, *ups, *tracking, others);
  Voider voider(*store, *ups, *tracking, clock, replan, tell, others, void_window);
  Watcher watcher(*store, *tracking, kPeerWaits);
  AuditRelay relay(db, *ledger);

  Executor executor(/*threads=*/4);
  Executor label_executor(/*threads=*/2);
  ShipmentWatchers watchers(kWatchPoll, HasShipments);
  ShipmentServer shipment_server({.store = *store,
                                  .views = *views,
                                  .ups = *ups,
                                  .watchers = watchers,
                                  .undo = undo,
                                  .executor = executor,
                                  .labels = label_executor});
  ReviewServer review_server(*store, planner, validate, tell, executor, actors);
  const std::unique_ptr<HttpClient> http = hook_url.empty() ? nullptr : HttpClient::Create();
  std::unique_ptr<ReviewWebhook> webhook;
  if (http != nullptr) {
    webhook = std::make_unique<ReviewWebhook>(
        *store, *http, clock,
        ReviewWebhook::Target{.url = hook_url, .key = hook_key, .ca_file = hook_ca}, UnitRandom);
  }
  MappingServer mapping_server(*mappings, planner, replan, executor);
  // Not in the list below, of which a copy would outlive the workers.
  const auto serve = [&](ServeOptions options) {
    options.workers.push_back(Publisher(*views, watchers, idle));
    return Serve(base, db, std::move(options));
  };
  return serve(
      {.schema_version = PSUPS_SCHEMA_VERSION,
       .services = {&shipment_server, &review_server, &mapping_server},
       .workers = {{.name = "intake", .idle_wait = kBetween, .step = [&] { return intake.Step(); }},
                   {.name = "rules", .idle_wait = idle, .step = [&] { return rules.Refresh(); }},
                   {.name = "replan",
                    .idle_wait = idle,
                    .step = [&] { return intake.PlanAgain(); },
                    .wakeup = &replan},
                   {.name = "validate",
                    .idle_wait = idle,
                    .step = [&] { return validator.Step(); },
                    .wakeup = &validate},
                   {.name = "label",
                    .idle_wait = idle,
                    .step = [&] { return buyer.Step(); },
                    .wakeup = &label},
                   {.name = "hand_over",
                    .idle_wait = idle,
                    .step = [&] { return handing_over.Step(); },
                    .wakeup = &hand_over},
                   {.name = "void",
                    .idle_wait = idle,
                    .step = [&] { return voider.Step(); },
                    .wakeup = &undo},
                   {.name = "tell",
                    .idle_wait = idle,
                    .step = [&] { return TellOfReviews(*store); },
                    .wakeup = &tell},
                   {.name = "review_webhook",
                    .idle_wait = idle,
                    .step = [&]() -> absl::StatusOr<int> {
                      return webhook == nullptr ? 0 : webhook->Step();
                    }},
                   {.name = "renew_leases",
                    .idle_wait = lease / 3,
                    .step = [&]() -> absl::StatusOr<int> {
                      RETURN_IF_ERROR(buying.Renew().status());
                      return others.Renew();
                    }},
                   {.name = "watch_tracking",
                    .idle_wait = kBetween,
                    .step = [&] { return watcher.Step(); }},
                   {.name = "audit_relay",
                    .idle_wait = idle,
                    .step = [&] { return relay.Step(); },
                    .gather = AuditRelay::kGather},
                   {.name = "drop_verdicts",
                    .idle_wait = absl::Minutes(10),
                    .step = [&] { return store->DropOldVerdicts(); }},
                   {.name = "figures",
                    .idle_wait = absl::Seconds(5),
                    .step = [&] { return ShowFigures(*store, relay); }}},
       .on_stopped = [&] { buying.WaitUntilNone(); }});
}

}  // namespace
}  // namespace psups::shipment_builder

int main(int argc, char** argv) {
  return psups::RunService(PSUPS_SERVICE, argc, argv, psups::shipment_builder::Main);
}
