#include "absl/strings/str_cat.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::shipments::v1;
using Stub = pb::ShipmentService::Stub;
using S = pb::Shipment;

// The first package's number, and how many more there are.
std::string TrackingText(const S& shipment, Style style) {
  if (shipment.packages().empty()) return "";
  const std::string first = shipment.packages(0).tracking_number();
  if (style == Style::kMachine || shipment.packages_size() == 1 || first.empty()) return first;
  return absl::StrCat(first, " +", shipment.packages_size() - 1);
}

const std::vector<Column<S>>& Columns() {
  static const std::vector<Column<S>> columns = {
      {"SHIPMENT", [](const S& s, Style) { return IdOf(s.name()); }},
      {"ORDER", [](const S& s, Style) { return NumberOf(s.document()); }},
      {"UNIT", [](const S& s, Style) { return s.document().business_unit(); }},
      {"CONNECTION", [](const S& s, Style) { return IdOf(s.document().connection()); }},
      {"STATE", [](const S& s, Style t) { return EnumText(s.state(), t); }},
      {"TRACKING NUMBER", TrackingText},
      {"PACKAGES", [](const S& s, Style) { return std::to_string(s.packages_size()); }, true},
      {"SERVICE", [](const S& s, Style) { return s.service_code(); }, true},
      {"SHIP DATE", [](const S& s, Style) { return s.ship_date(); }, true},
      {"COST", [](const S& s, Style) { return MoneyText(s.charges()); }},
      {"PUBLISHED COST", [](const S& s, Style) { return MoneyText(s.published_charges()); }, true},
      {"LABELLED", [](const S& s, Style t) { return TimeText(s.label_time(), t); }, true},
      {"WAITS FOR", [](const S& s, Style) { return s.waits_for(); }, true},
      {"REVISION", [](const S& s, Style) { return std::to_string(s.order_revision()); }, true},
      {"CHANGED", [](const S& s, Style t) { return TimeText(s.update_time(), t); }},
      {"REVIEW", [](const S& s, Style) { return IdOf(s.review()); }},
      {"FAILURE", [](const S& s, Style) { return s.failure(); }, true},
      {"ORDER NAME", [](const S& s, Style) { return s.order(); }, true},
  };
  return columns;
}

// A package of a shipment, or a shipment that has none: a row for finance.
struct Parcel {
  const S* shipment = nullptr;
  S::Package package = {};
};

std::vector<Parcel> ParcelsOf(const std::vector<S>& shipments) {
  std::vector<Parcel> parcels;
  for (const S& shipment : shipments) {
    for (const S::Package& package : shipment.packages()) parcels.push_back({&shipment, package});
    if (shipment.packages().empty()) parcels.push_back({.shipment = &shipment});
  }
  return parcels;
}

std::string Amount(const Parcel& parcel, const type::v1::Money& money) {
  // What a shipment cost stands once, so that a column can be added up.
  if (parcel.package.package_number() > 1) return "";
  const std::string text = MoneyText(money);
  return text.substr(0, text.find(' '));
}

std::string Currency(const Parcel& parcel, const type::v1::Money& money) {
  return parcel.package.package_number() > 1 ? "" : money.currency_code();
}

const std::vector<Column<Parcel>>& ParcelColumns() {
  using P = Parcel;
  static const std::vector<Column<P>> columns = {
      {"SHIPMENT", [](const P& p, Style) { return IdOf(p.shipment->name()); }},
      {"TYPE",
       [](const P& p, Style s) { return EnumText(p.shipment->document().document_type(), s); }},
      {"NUMBER", [](const P& p, Style) { return p.shipment->document().document_id(); }},
      {"UNIT", [](const P& p, Style) { return p.shipment->document().business_unit(); }},
      {"CONNECTION", [](const P& p, Style) { return IdOf(p.shipment->document().connection()); }},
      {"STATE", [](const P& p, Style s) { return EnumText(p.shipment->state(), s); }},
      {"PACKAGE",
       [](const P& p, Style) {
         return p.package.package_number() == 0 ? "" : absl::StrCat(p.package.package_number());
       }},
      {"TRACKING NUMBER", [](const P& p, Style) { return p.package.tracking_number(); }},
      {"TRACKING STATUS", [](const P& p, Style) { return p.package.tracking_status(); }},
      {"VOIDED",
       [](const P& p, Style) {
         return std::string(p.shipment->state() == S::VOIDED || p.package.voided() ? "true"
                                                                                   : "false");
       }},
      {"SERVICE", [](const P& p, Style) { return p.shipment->service_code(); }},
      {"SHIP DATE", [](const P& p, Style) { return p.shipment->ship_date(); }},
      {"LABELLED", [](const P& p, Style s) { return TimeText(p.shipment->label_time(), s); }},
      {"COST", [](const P& p, Style) { return Amount(p, p.shipment->charges()); }},
      {"CURRENCY", [](const P& p, Style) { return Currency(p, p.shipment->charges()); }},
      {"PUBLISHED COST",
       [](const P& p, Style) { return Amount(p, p.shipment->published_charges()); }},
      {"PUBLISHED CURRENCY",
       [](const P& p, Style) { return Currency(p, p.shipment->published_charges()); }},
      {"TAKEN IN", [](const P& p, Style s) { return TimeText(p.shipment->create_time(), s); }},
      {"CHANGED", [](const P& p, Style s) { return TimeText(p.shipment->update_time(), s); }},
      {"REVIEW", [](const P& p, Style) { return IdOf(p.shipment->review()); }},
      {"FAILURE", [](const P& p, Style) { return p.shipment->failure(); }},
      {"ORDER NAME", [](const P& p, Style) { return p.shipment->order(); }},
  };
  return columns;
}

struct Options {
  std::string shipment = {};
  std::string state = {};
  std::string order = {};
  std::string document = {};
  std::string connection = {};
  std::string tracking_number = {};
  std::string reason = {};
  std::string filter = {};
  std::string since = {};
  Paging paging = {};
};

absl::Status Show(Session& session, const absl::StatusOr<S>& shipment) {
  if (!shipment.ok()) return shipment.status();
  WriteOne(session.out, session.format, *shipment, Columns());
  return absl::OkStatus();
}

absl::Status List(Session& session, const Options& options) {
  pb::ListShipmentsRequest request;
  if (!options.state.empty()) {
    ASSIGN_OR_RETURN(const S::State state, ParseEnum<S::State>("--state", options.state));
    request.set_state(state);
  }
  if (!options.order.empty()) request.set_order(Named("orders", options.order));
  if (!options.connection.empty()) request.set_connection(Named("connections", options.connection));
  request.set_document_id(options.document);
  request.set_tracking_number(options.tracking_number);
  request.set_filter(options.filter);
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(const absl::Time since, ParseSince("--since", options.since));
    const std::string condition = absl::StrCat(
        "create_time >= ", absl::FormatTime(absl::RFC3339_full, since, absl::UTCTimeZone()));
    request.set_filter(options.filter.empty() ? condition
                                              : absl::StrCat(options.filter, " AND ", condition));
  }
  ASSIGN_OR_RETURN(const std::vector<S> rows,
                   session.List(
                       kShipmentBuilder, &Stub::ListShipments, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_shipments(); }));
  if (session.format == Format::kCsv) {
    WriteCsv(session.out, Cells(ParcelsOf(rows), ParcelColumns(), /*wide=*/true, Style::kMachine));
  } else {
    WriteRows(session.out, session.format, rows, Columns());
  }
  return absl::OkStatus();
}

absl::Status Get(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const S found, FindShipment(session, options.shipment));
  pb::GetShipmentRequest request;
  request.set_name(found.name());
  return Show(session, session.Call(kShipmentBuilder, &Stub::GetShipment, request));
}

absl::Status Void(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const S found, FindShipment(session, options.shipment));
  pb::VoidShipmentRequest request;
  request.set_name(found.name());
  request.set_reason(options.reason);
  return Show(session, session.Call(kShipmentBuilder, &Stub::VoidShipment, request));
}

absl::Status Retry(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const S found, FindShipment(session, options.shipment));
  pb::RetryShipmentRequest request;
  request.set_name(found.name());
  return Show(session, session.Call(kShipmentBuilder, &Stub::RetryShipment, request));
}

}  // namespace

void AddShipment(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "shipment", "What is, was or will be sent");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List shipments, newest first");
  list->add_option("--state", options->state, "Only in this state, such as needs-review");
  list->add_option("--order", options->order, "Only of this order (orders/…)");
  list->add_option("--document", options->document, "Only of this PO_ID or REQ_ID");
  list->add_option("--connection", options->connection, "Only of this connection");
  list->add_option("--tracking-number", options->tracking_number, "Only with this 1Z number");
  list->add_option("--since", options->since, "Only those taken in since a day, or a time");
  list->add_option("--filter", options->filter,
                   "Conditions joined by AND, such as 'state = LABELED AND label_time >= "
                   "2026-11-01T00:00:00Z'");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  const auto add = [&](const char* name, const char* description,
                       absl::Status (*action)(Session&, const Options&)) {
    CLI::App* verb = noun->add_subcommand(name, description);
    verb->add_option("shipment", options->shipment, "Its id or a 1Z number")->required();
    Run(verb, cli, options, action);
    return verb;
  };
  add("get", "Show a shipment with its addresses", Get);
  AddShipmentLabel(*noun, cli);
  add("void", "Void the label at UPS", Void)
      ->add_option("--reason", options->reason, "Why; recorded");
  add("retry", "Take up a shipment that failed", Retry);
}

}  // namespace psups::psupsctl
