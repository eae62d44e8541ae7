#include <filesystem>
#include <fstream>

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
      {"REVISION", [](const S& s, Style) { return std::to_string(s.order_revision()); }, true},
      {"CHANGED", [](const S& s, Style t) { return TimeText(s.update_time(), t); }},
      {"REVIEW", [](const S& s, Style) { return IdOf(s.review()); }},
      {"FAILURE", [](const S& s, Style) { return s.failure(); }, true},
      {"ORDER NAME", [](const S& s, Style) { return s.order(); }, true},
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
  std::string file = {};
  int package = 1;
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
  ASSIGN_OR_RETURN(const std::vector<S> rows,
                   session.List(
                       kShipmentBuilder, &Stub::ListShipments, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_shipments(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Get(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const S found, FindShipment(session, options.shipment));
  pb::GetShipmentRequest request;
  request.set_name(found.name());
  return Show(session, session.Call(kShipmentBuilder, &Stub::GetShipment, request));
}

absl::Status Label(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const S found, FindShipment(session, options.shipment));
  pb::GetLabelRequest request;
  request.set_name(found.name());
  request.set_package_number(options.package);
  // A 1Z number means that package.
  for (const S::Package& package : found.packages()) {
    if (package.tracking_number() == options.shipment) {
      request.set_package_number(package.package_number());
    }
  }
  ASSIGN_OR_RETURN(const pb::GetLabelResponse label,
                   session.Call(kShipmentBuilder, &Stub::GetLabel, request));
  if (options.file == "-") {
    session.out << label.label();
    return absl::OkStatus();
  }
  std::ofstream file(options.file, std::ios::binary | std::ios::trunc);
  file << label.label();
  file.close();
  if (!file) return absl::UnknownError(absl::StrCat(options.file, ": cannot be written"));
  session.err << label.tracking_number() << ": " << label.label_format() << " label, "
              << label.label().size() << " bytes, in " << options.file << "\n";
  return absl::OkStatus();
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
  CLI::App* label = add("label", "Save a package's label to a file", Label);
  label->add_option("--package", options->package, "Which package, from 1; a 1Z number says it");
  label->add_option("--out,-o", options->file, "The file; - is standard output")->required();
  add("void", "Void the label at UPS", Void)
      ->add_option("--reason", options->reason, "Why; recorded");
  add("retry", "Take up a shipment that failed", Retry);
}

}  // namespace psups::psupsctl
