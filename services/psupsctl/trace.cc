#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "psups/tracking/v1/tracking_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/ledger.h"

namespace psups::psupsctl {
namespace {

namespace orders = psups::orders::v1;
namespace shipments = psups::shipments::v1;
namespace tracking = psups::tracking::v1;
namespace audit = psups::audit::v1;

constexpr Style kHuman = Style::kHuman;

// All that is known of one order.
struct Story {
  orders::Order order = {};
  std::vector<shipments::Shipment> shipments = {};
  std::vector<shipments::Review> reviews = {};
  std::vector<tracking::Tracker> trackers = {};
  std::vector<orders::WriteBack> write_backs = {};
  std::vector<audit::Entry> entries = {};
};

// Which order a number, a 1Z number or a name means.
absl::StatusOr<OrderQuery> QueryFor(Session& session, const OrderQuery& query) {
  if (!IsTrackingNumber(query.text) && !absl::StartsWith(query.text, "shipments/")) return query;
  ASSIGN_OR_RETURN(const shipments::Shipment shipment, FindShipment(session, query.text));
  return OrderQuery{.text = absl::StrCat(shipment.document().business_unit(), "/",
                                         shipment.document().document_id()),
                    .connection = shipment.document().connection(),
                    .name = shipment.order()};
}

bool IsOf(const orders::Order& order, const type::v1::DocumentKey& document) {
  return document.connection() == order.document().connection() &&
         document.document_type() == order.document().document_type() &&
         document.business_unit() == order.document().business_unit() &&
         document.document_id() == order.document().document_id();
}

absl::StatusOr<Story> Collect(Session& session, const OrderQuery& asked) {
  constexpr Paging kAll = {.all = true};
  Story story;
  ASSIGN_OR_RETURN(const OrderQuery query, QueryFor(session, asked));
  ASSIGN_OR_RETURN(story.order, FindOrder(session, query));
  const type::v1::DocumentKey& document = story.order.document();

  shipments::ListShipmentsRequest of_order;
  of_order.set_order(story.order.name());
  ASSIGN_OR_RETURN(story.shipments,
                   session.List(
                       kShipmentBuilder, &shipments::ShipmentService::Stub::ListShipments, of_order,
                       kAll, [](auto& page) -> auto& { return *page.mutable_shipments(); }));
  std::reverse(story.shipments.begin(), story.shipments.end());  // oldest first

  shipments::ListReviewsRequest of_document;
  of_document.set_connection(document.connection());
  of_document.set_document_id(document.document_id());
  ASSIGN_OR_RETURN(story.reviews,
                   session.List(
                       kShipmentBuilder, &shipments::ReviewService::Stub::ListReviews, of_document,
                       kAll, [](auto& page) -> auto& { return *page.mutable_reviews(); }));
  std::erase_if(story.reviews,
                [&](const auto& review) { return !IsOf(story.order, review.document()); });

  for (const shipments::Shipment& shipment : story.shipments) {
    for (const shipments::Shipment::Package& package : shipment.packages()) {
      if (package.tracking_number().empty()) continue;
      tracking::GetTrackerRequest get;
      get.set_name(Named("trackers", package.tracking_number()));
      absl::StatusOr<tracking::Tracker> tracker =
          session.Call(kTrackingSync, &tracking::TrackingService::Stub::GetTracker, get);
      if (absl::IsNotFound(tracker.status())) continue;  // not handed over yet
      if (!tracker.ok()) return tracker.status();
      story.trackers.push_back(*std::move(tracker));
    }
  }

  orders::ListWriteBacksRequest back;
  back.set_connection(document.connection());
  back.set_document_id(document.document_id());
  ASSIGN_OR_RETURN(story.write_backs,
                   session.List(
                       kPsIngest, &orders::OrderService::Stub::ListWriteBacks, back, kAll,
                       [](auto& page) -> auto& { return *page.mutable_write_backs(); }));
  std::erase_if(story.write_backs,
                [&](const auto& row) { return !IsOf(story.order, row.update().document()); });

  if (!story.order.trace_id().empty()) {
    audit::ListEntriesRequest of_trace;
    of_trace.set_trace_id(story.order.trace_id());
    ASSIGN_OR_RETURN(story.entries,
                     session.List(
                         kAuditLedger, &audit::AuditService::Stub::ListEntries, of_trace, kAll,
                         [](auto& page) -> auto& { return *page.mutable_entries(); }));
    // Each service's outbox comes at its own pace; the story goes by when it happened.
    std::stable_sort(story.entries.begin(), story.entries.end(), [](const auto& a, const auto& b) {
      return EntryField(a, "time") < EntryField(b, "time");
    });
  }
  return story;
}

void Line(std::ostream& out, const std::string& time, const std::string& text) {
  std::string padded = time;
  padded.resize(std::max<std::size_t>(padded.size(), 25), ' ');
  out << "  " << padded << "  " << text << "\n";
}

std::string LocalText(const google::protobuf::Timestamp& time) { return TimeText(time, kHuman); }

void WriteOrder(std::ostream& out, const orders::Order& order) {
  out << DocumentText(order.document()) << " of " << IdOf(order.document().connection()) << " ("
      << order.name() << ")\n";
  Line(out, LocalText(order.revision_time()),
       absl::StrCat("revision ", order.revision(), " read: dated ", order.document_date(),
                    ", status ", order.document_status(), ", ", EnumText(order.state(), kHuman),
                    order.withdrawn() ? ", withdrawn" : ""));
  for (const auto& schedule : order.schedules()) {
    const std::string reason = EnumText(schedule.ineligible_reason(), kHuman);
    Line(out, LocalText(order.revision_time()),
         absl::StrCat("line ", schedule.line_number(), " schedule ", schedule.schedule_number(),
                      ": ", schedule.open_quantity(), " ", schedule.unit_of_measure(), " ",
                      schedule.item_id(),
                      reason.empty() ? "" : absl::StrCat("; does not ship: ", reason)));
  }
}

void WriteTracker(std::ostream& out, const tracking::Tracker& tracker) {
  for (const tracking::Event& event : tracker.events()) {
    const auto& activity = event.activity();
    std::vector<std::string> where = {activity.city(), activity.state()};
    std::erase(where, "");
    Line(out, LocalText(activity.event_time()),
         absl::StrCat("  ", EnumText(event.status(), kHuman),
                      event.detail().empty() ? "" : absl::StrCat(" (", event.detail(), ")"),
                      activity.description().empty() ? "" : ": ", activity.description(),
                      where.empty() ? "" : absl::StrCat(", ", absl::StrJoin(where, " ")), " [",
                      EnumText(event.source(), kHuman), "]"));
  }
}

void WriteShipment(std::ostream& out, const Story& story, const shipments::Shipment& shipment) {
  out << "\nShipment " << IdOf(shipment.name()) << ": " << EnumText(shipment.state(), kHuman)
      << "\n";
  Line(out, LocalText(shipment.create_time()),
       absl::StrCat("taken in from revision ", shipment.order_revision(), ", service ",
                    shipment.service_code()));
  for (const shipments::Review& review : story.reviews) {
    if (review.shipment() != shipment.name()) continue;
    Line(out, LocalText(review.create_time()),
         absl::StrCat("review ", IdOf(review.name()), ": ", EnumText(review.reason(), kHuman), ": ",
                      review.message()));
    if (review.state() == shipments::Review::OPEN) continue;
    Line(out, LocalText(review.close_time()),
         absl::StrCat("review ", EnumText(review.state(), kHuman), ": ",
                      EnumText(review.resolution(), kHuman), " ", review.resolved_by()));
  }
  const std::string changed = LocalText(shipment.update_time());
  std::string state = EnumText(shipment.state(), kHuman);
  if (!shipment.ups_shipment_id().empty()) {
    absl::StrAppend(&state, ", UPS shipment ", shipment.ups_shipment_id());
  }
  if (shipment.has_charges()) absl::StrAppend(&state, ", ", MoneyText(shipment.charges()));
  if (!shipment.failure().empty()) absl::StrAppend(&state, ": ", shipment.failure());
  Line(out, changed, state);
  for (const shipments::Shipment::Package& package : shipment.packages()) {
    std::vector<std::string> contents;
    for (const auto& quantity : package.contents()) contents.push_back(QuantityText(quantity));
    Line(out, changed,
         absl::StrCat("package ", package.package_number(), " ", package.tracking_number(), " ",
                      package.weight_lb(), " lb, ", package.length_in(), " x ", package.width_in(),
                      " x ", package.height_in(), " in: ", absl::StrJoin(contents, "; ")));
    for (const tracking::Tracker& tracker : story.trackers) {
      if (tracker.tracking_number() == package.tracking_number()) WriteTracker(out, tracker);
    }
  }
}

void WriteStory(std::ostream& out, const Story& story) {
  WriteOrder(out, story.order);
  for (const shipments::Shipment& shipment : story.shipments) WriteShipment(out, story, shipment);
  if (story.shipments.empty()) out << "\nNo shipment yet.\n";
  if (!story.write_backs.empty()) out << "\nWritten back to PeopleSoft\n";
  for (const orders::WriteBack& row : story.write_backs) {
    const orders::TrackingUpdate& update = row.update();
    const bool written = row.has_written_time();
    Line(out, LocalText(written ? row.written_time() : update.event_time()),
         absl::StrCat("line ", update.schedule().line_number(), " schedule ",
                      update.schedule().schedule_number(), " no. ", update.sequence_number(), ": ",
                      update.tracking_number(), " ", update.status(), ": ",
                      EnumText(row.state(), kHuman),
                      row.last_error().empty() ? "" : absl::StrCat(": ", row.last_error())));
  }
  if (!story.entries.empty()) out << "\nLedger, trace " << story.order.trace_id() << "\n";
  for (const audit::Entry& entry : story.entries) {
    absl::Time time;
    std::string text = EntryField(entry, "time");
    if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) text = TimeText(time, kHuman);
    Line(out, text,
         absl::StrCat("entry ", entry.index(), ": ", EntryField(entry, "action"), " ",
                      EntryField(entry, "subject"), " by ", ActorText(entry, kHuman)));
  }
}

template <typename Row>
nlohmann::ordered_json Array(const std::vector<Row>& rows) {
  nlohmann::ordered_json array = nlohmann::ordered_json::array();
  for (const Row& row : rows) array.push_back(ToJson(row));
  return array;
}

absl::Status Trace(Session& session, const OrderQuery& query) {
  if (session.format == Format::kCsv) return UsageError("trace has no csv; take json");
  ASSIGN_OR_RETURN(const Story story, Collect(session, query));
  if (session.format != Format::kJson) {
    WriteStory(session.out, story);
    return absl::OkStatus();
  }
  nlohmann::ordered_json entries = nlohmann::ordered_json::array();
  for (const audit::Entry& entry : story.entries) entries.push_back(EntryJson(entry));
  session.out << nlohmann::ordered_json{{"order", ToJson(story.order)},
                                        {"shipments", Array(story.shipments)},
                                        {"reviews", Array(story.reviews)},
                                        {"trackers", Array(story.trackers)},
                                        {"write_backs", Array(story.write_backs)},
                                        {"entries", entries}}
                     .dump(2)
              << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddTrace(CLI::App& app, Cli& cli) {
  CLI::App* trace = app.add_subcommand(
      "trace", "The whole story of one order: shipments, parcels, write-backs, ledger");
  const auto query = std::make_shared<OrderQuery>();
  trace
      ->add_option("what", query->text,
                   "PO_ID or REQ_ID (also UNIT/ID), orders/…, shipments/… or a 1Z number")
      ->required();
  trace->add_option("--connection", query->connection, "If the number stands in several");
  trace->add_option("--business-unit", query->business_unit, "If the number stands in several");
  Run(trace, cli, query, Trace);
}

}  // namespace psups::psupsctl
