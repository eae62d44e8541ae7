#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::orders::v1;
using Stub = pb::OrderService::Stub;
using O = pb::Order;

// "2 of 3", and why the others do not.
std::string ShipsText(const O& order) {
  int open = 0;
  std::vector<std::string> reasons;
  for (const O::Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() == O::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      ++open;
      continue;
    }
    const std::string reason = EnumText(schedule.ineligible_reason(), Style::kHuman);
    if (std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
      reasons.push_back(reason);
    }
  }
  return absl::StrCat(open, " of ", order.schedules_size(), reasons.empty() ? "" : ": ",
                      absl::StrJoin(reasons, ", "));
}

const std::vector<Column<O>>& Columns() {
  static const std::vector<Column<O>> columns = {
      {"ORDER", [](const O& o, Style) { return NumberOf(o.document()); }},
      {"UNIT", [](const O& o, Style) { return o.document().business_unit(); }},
      {"CONNECTION", [](const O& o, Style) { return IdOf(o.document().connection()); }},
      {"STATE", [](const O& o, Style s) { return EnumText(o.state(), s); }},
      {"DATE", [](const O& o, Style) { return o.document_date(); }},
      {"REVISION", [](const O& o, Style) { return std::to_string(o.revision()); }, true},
      {"STATUS", [](const O& o, Style) { return o.document_status(); }, true},
      {"READ", [](const O& o, Style s) { return TimeText(o.revision_time(), s); }},
      {"NAME", [](const O& o, Style) { return o.name(); }, true},
      {"TRACE", [](const O& o, Style) { return o.trace_id(); }, true},
      {"SCHEDULES THAT SHIP", [](const O& o, Style) { return ShipsText(o); }},
  };
  return columns;
}

struct Options {
  OrderQuery query = {};
  std::string state = {};
  std::string document = {};
  Paging paging = {};
};

absl::Status List(Session& session, const Options& options) {
  pb::ListOrdersRequest request;
  if (!options.query.connection.empty()) {
    request.set_connection(Named("connections", options.query.connection));
  }
  if (!options.state.empty()) {
    ASSIGN_OR_RETURN(const O::State state, ParseEnum<O::State>("--state", options.state));
    request.set_state(state);
  }
  request.set_document_id(options.document);
  request.set_business_unit(options.query.business_unit);
  ASSIGN_OR_RETURN(const std::vector<O> rows,
                   session.List(
                       kPsIngest, &Stub::ListOrders, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_orders(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Get(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const O found, FindOrder(session, options.query));
  pb::GetOrderRequest request;
  request.set_name(found.name());
  ASSIGN_OR_RETURN(const O order, session.Call(kPsIngest, &Stub::GetOrder, request));
  WriteOne(session.out, session.format, order, Columns());
  return absl::OkStatus();
}

}  // namespace

void AddOrder(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "order", "Purchase orders and requisitions as PeopleSoft has them");
  const auto options = std::make_shared<Options>();
  const auto narrow = [&](CLI::App* verb) {
    verb->add_option("--connection", options->query.connection, "Only of this connection");
    verb->add_option("--business-unit", options->query.business_unit, "Only of this business unit");
  };
  CLI::App* list = noun->add_subcommand("list", "List orders, newest change first");
  narrow(list);
  list->add_option("--state", options->state, "Only ineligible, pending or acknowledged ones");
  list->add_option("--document", options->document, "Only this PO_ID or REQ_ID");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* get = noun->add_subcommand("get", "Show an order with its addresses");
  get->add_option("order", options->query.text, "PO_ID, REQ_ID, UNIT/ID or orders/…")->required();
  narrow(get);
  Run(get, cli, options, Get);
}

}  // namespace psups::psupsctl
