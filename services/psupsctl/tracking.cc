#include "absl/strings/str_cat.h"
#include "psups/tracking/v1/tracking_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::tracking::v1;
using Stub = pb::TrackingService::Stub;
using T = pb::Tracker;

const std::vector<Column<T>>& Columns() {
  static const std::vector<Column<T>> columns = {
      {"TRACKING NUMBER", [](const T& t, Style) { return t.tracking_number(); }},
      {"ORDER", [](const T& t, Style) { return NumberOf(t.document()); }},
      {"UNIT", [](const T& t, Style) { return t.document().business_unit(); }},
      {"CONNECTION", [](const T& t, Style) { return IdOf(t.document().connection()); }},
      {"STATUS", [](const T& t, Style s) { return EnumText(t.status(), s); }},
      {"DETAIL", [](const T& t, Style) { return t.detail(); }},
      {"SINCE", [](const T& t, Style s) { return TimeText(t.status_time(), s); }},
      {"PUSHED BY UPS", [](const T& t, Style s) { return EnumText(t.subscription(), s); }},
      {"UNTIL", [](const T& t, Style s) { return TimeText(t.subscription_expire_time(), s); },
       true},
      {"SHIPMENT", [](const T& t, Style) { return IdOf(t.shipment()); }, true},
      {"ACCOUNT", [](const T& t, Style) { return IdOf(t.account()); }, true},
  };
  return columns;
}

struct Options {
  std::string number = {};
  std::string status = {};
  std::string document = {};
  std::string connection = {};
  Paging paging = {};
};

absl::Status List(Session& session, const Options& options) {
  pb::ListTrackersRequest request;
  if (!options.status.empty()) {
    ASSIGN_OR_RETURN(const pb::Status status, ParseEnum<pb::Status>("--status", options.status));
    request.set_status(status);
  }
  if (!options.connection.empty()) request.set_connection(Named("connections", options.connection));
  request.set_document_id(options.document);
  ASSIGN_OR_RETURN(const std::vector<T> rows,
                   session.List(
                       kTrackingSync, &Stub::ListTrackers, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_trackers(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Get(Session& session, const Options& options) {
  pb::GetTrackerRequest request;
  request.set_name(Named("trackers", options.number));
  ASSIGN_OR_RETURN(const T tracker, session.Call(kTrackingSync, &Stub::GetTracker, request));
  if (session.format == Format::kJson || session.format == Format::kCsv) {
    WriteOne(session.out, session.format, tracker, Columns());
    return absl::OkStatus();
  }
  using E = pb::Event;
  static const std::vector<Column<E>> columns = {
      {"TIME", [](const E& e, Style s) { return TimeText(e.activity().event_time(), s); }},
      {"STATUS", [](const E& e, Style s) { return EnumText(e.status(), s); }},
      {"DETAIL", [](const E& e, Style) { return e.detail(); }},
      {"UPS SAYS", [](const E& e, Style) { return e.activity().description(); }},
      {"WHERE",
       [](const E& e, Style) {
         return absl::StrCat(e.activity().city(), e.activity().city().empty() ? "" : " ",
                             e.activity().state());
       }},
      {"CAME BY", [](const E& e, Style s) { return EnumText(e.source(), s); }},
      {"RECEIVED", [](const E& e, Style s) { return TimeText(e.receive_time(), s); }, true},
  };
  T head = tracker;
  head.clear_events();
  WriteDetails(session.out, head);
  session.out << "\n";
  const std::vector<E> events(tracker.events().begin(), tracker.events().end());
  WriteRows(session.out, session.format, events, columns);
  return absl::OkStatus();
}

}  // namespace

void AddTracking(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "tracking", "Where each parcel is");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List parcels, newest first");
  list->add_option("--status", options->status, "Only with this status, such as in-transit");
  list->add_option("--document", options->document, "Only of this PO_ID or REQ_ID");
  list->add_option("--connection", options->connection, "Only of this connection");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* get = noun->add_subcommand("get", "Show a parcel with all its events");
  get->add_option("number", options->number, "1Z number")->required();
  Run(get, cli, options, Get);
}

}  // namespace psups::psupsctl
