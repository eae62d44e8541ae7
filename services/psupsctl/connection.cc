#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "psups/orders/v1/connection_service.grpc.pb.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::orders::v1;
using Stub = pb::ConnectionService::Stub;

// Reads PeopleSoft before it answers.
constexpr absl::Duration kTestTimeout = absl::Minutes(10);
constexpr std::size_t kFindingWidth = 80;  // for people; a query has a hundred columns

std::string Problem(const pb::Connection& connection) {
  return connection.state_reason().empty() ? connection.last_error() : connection.state_reason();
}

const std::vector<Column<pb::Connection>>& Columns() {
  using C = pb::Connection;
  static const std::vector<Column<C>> columns = {
      {"CONNECTION", [](const C& c, Style) { return IdOf(c.name()); }},
      {"NAME", [](const C& c, Style) { return c.display_name(); }},
      {"STATE", [](const C& c, Style s) { return EnumText(c.state(), s); }},
      {"ENVIRONMENT", [](const C& c, Style s) { return EnumText(c.environment(), s); }},
      {"READ UP TO", [](const C& c, Style) { return c.watermark(); }},
      {"LAST READ", [](const C& c, Style s) { return TimeText(c.last_read_time(), s); }},
      {"SHIPS SINCE", [](const C& c, Style) { return c.ship_orders_since(); }, true},
      {"UPS ACCOUNT", [](const C& c, Style) { return IdOf(c.ups_account()); }, true},
      {"NODE", [](const C& c, Style) { return c.node(); }, true},
      {"ADDRESS", [](const C& c, Style) { return c.base_url(); }, true},
      {"AUTHENTICATION", [](const C& c, Style s) { return EnumText(c.authentication(), s); }, true},
      {"ROW LIMIT MET",
       [](const C& c, Style) {
         return c.learned_row_cap() == 0 ? std::string() : absl::StrCat(c.learned_row_cap());
       },
       true},
      {"LAST SWEEP", [](const C& c, Style s) { return TimeText(c.last_sweep_time(), s); }, true},
      {"PROBLEM", [](const C& c, Style) { return Problem(c); }},
  };
  return columns;
}

struct Options {
  std::string id = {};
  std::string file = {};
  std::string password_file = {};
  std::string reason = {};
  std::string from = {};
  std::string to = {};
  bool yes = false;
  Paging paging = {};
};

absl::Status Show(Session& session, const absl::StatusOr<pb::Connection>& connection) {
  if (!connection.ok()) return connection.status();
  WriteOne(session.out, session.format, *connection, Columns());
  return absl::OkStatus();
}

template <typename Request>
Request For(const Options& options) {
  Request request;
  request.set_name(Named("connections", options.id));
  return request;
}

absl::Status Create(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const Described described, ReadDescribed(options.file, "connection_id"));
  pb::CreateConnectionRequest request;
  request.set_connection_id(options.id.empty() ? described.id : options.id);
  if (request.connection_id().empty()) {
    return UsageError(options.file + ": connection_id is missing, and no id was given");
  }
  RETURN_IF_ERROR(FromJson(described.fields, options.file, *request.mutable_connection()));
  ASSIGN_OR_RETURN(*request.mutable_password(),
                   ReadSecret(options.password_file, "password", session.in));
  return Show(session, session.Call(kPsIngest, &Stub::CreateConnection, request));
}

absl::Status Get(Session& session, const Options& options) {
  return Show(session, session.Call(kPsIngest, &Stub::GetConnection,
                                    For<pb::GetConnectionRequest>(options)));
}

absl::Status List(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(
      const std::vector<pb::Connection> rows,
      session.List(
          kPsIngest, &Stub::ListConnections, pb::ListConnectionsRequest(), options.paging,
          [](auto& page) -> auto& { return *page.mutable_connections(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Update(Session& session, const Options& options) {
  pb::UpdateConnectionRequest request;
  Described described;
  if (!options.file.empty()) {
    ASSIGN_OR_RETURN(described, ReadDescribed(options.file, "connection_id"));
  }
  pb::GetConnectionRequest get;
  get.set_name(Named("connections", options.id.empty() ? described.id : options.id));
  ASSIGN_OR_RETURN(*request.mutable_connection(),
                   session.Call(kPsIngest, &Stub::GetConnection, get));
  if (!options.file.empty()) {
    RETURN_IF_ERROR(MergeJson(described.fields, options.file, *request.mutable_connection()));
  }
  if (!options.password_file.empty()) {
    ASSIGN_OR_RETURN(*request.mutable_password(),
                     ReadSecret(options.password_file, "new password", session.in));
  }
  if (options.file.empty() && options.password_file.empty()) {
    return UsageError("nothing to update: give --file, --password-file or both");
  }
  return Show(session, session.Call(kPsIngest, &Stub::UpdateConnection, request));
}

using Check = pb::TestConnectionResponse::Check;

// One check as the rows of a table: its finding in lines that a person can read.
std::vector<std::vector<std::string>> Wrapped(const Check& check) {
  std::vector<std::string> lines(1);
  for (const std::string& word : std::vector<std::string>(absl::StrSplit(check.finding(), ' '))) {
    if (!lines.back().empty() && lines.back().size() + word.size() >= kFindingWidth) {
      lines.emplace_back();
    }
    absl::StrAppend(&lines.back(), lines.back().empty() ? "" : " ", word);
  }
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : lines) rows.push_back({"", "", line});
  rows[0][0] = check.ok() ? "ok" : "FAILED";
  rows[0][1] = check.subject();
  return rows;
}

absl::Status Test(Session& session, const Options& options) {
  static const std::vector<Column<Check>> columns = {
      {"", [](const Check& c, Style) { return std::string(c.ok() ? "ok" : "FAILED"); }},
      {"CHECK", [](const Check& c, Style) { return c.subject(); }},
      {"FINDING", [](const Check& c, Style) { return c.finding(); }},
  };
  session.timeout = std::max(session.timeout, kTestTimeout);
  ASSIGN_OR_RETURN(
      const pb::TestConnectionResponse response,
      session.Call(kPsIngest, &Stub::TestConnection, For<pb::TestConnectionRequest>(options)));
  const std::vector<Check> checks(response.checks().begin(), response.checks().end());
  if (session.format == Format::kTable) {
    std::vector<std::vector<std::string>> rows = {{"", "CHECK", "FINDING"}};
    for (const Check& check : checks) {
      for (std::vector<std::string>& row : Wrapped(check)) rows.push_back(std::move(row));
    }
    WriteTable(session.out, rows);
  } else {
    WriteRows(session.out, session.format, checks, columns);
  }
  const auto is_bad = [](const Check& check) { return !check.ok(); };
  const auto first = std::find_if(checks.begin(), checks.end(), is_bad);
  if (first == checks.end()) return absl::OkStatus();
  const auto failed = std::count_if(checks.begin(), checks.end(), is_bad);
  return absl::FailedPreconditionError(
      absl::StrCat(failed == 1 ? "" : absl::StrCat(failed, " checks failed; the first: "),
                   first->subject(), " failed: ", first->finding()));
}

// Of one document type: what was read, and what of it would be bought from now on.
struct Share {
  const char* name = "";
  int orders = 0;
  int eligible = 0;
  int schedules = 0;
  const pb::Order* oldest = nullptr;

  void Add(const pb::Order& order) {
    ++orders;
    int open = 0;
    for (const auto& schedule : order.schedules()) {
      open += schedule.ineligible_reason() == pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED;
    }
    if (open == 0) return;
    ++eligible;
    schedules += open;
    if (oldest == nullptr || order.document_date() < oldest->document_date()) oldest = &order;
  }
  std::string Text() const {
    const std::string of = absl::StrCat("Of ", orders, " ", name, " read so far ");
    if (eligible == 0) return of + "none would ship now.\n";
    return absl::StrCat(of, eligible, " would ship (", schedules, " schedules); the oldest is ",
                        DocumentText(oldest->document()), " of ", oldest->document_date(), ".\n");
  }
};

// What would be bought from now on, a line for each document type of which there is something.
absl::StatusOr<std::string> Preview(Session& session, const std::string& connection) {
  pb::ListOrdersRequest request;
  request.set_connection(connection);
  ASSIGN_OR_RETURN(const std::vector<pb::Order> orders,
                   session.List(
                       kPsIngest, &pb::OrderService::Stub::ListOrders, request, {.all = true},
                       [](auto& page) -> auto& { return *page.mutable_orders(); }));
  std::array<Share, 2> shares = {Share{"purchase orders"}, Share{"requisitions"}};
  for (const pb::Order& order : orders) {
    shares[order.document().document_type() == type::v1::REQUISITION].Add(order);
  }
  std::string text;
  for (const Share& share : shares) {
    if (share.orders > 0) text += share.Text();
  }
  return text.empty() ? "No order has been read so far.\n" : text;
}

// What buying the shipments that wait would cost.
absl::StatusOr<std::string> CostPreview(Session& session, const std::string& connection) {
  using Service = shipments::v1::ShipmentService;
  shipments::v1::EstimateCostRequest request;
  request.set_connection(connection);
  ASSIGN_OR_RETURN(const shipments::v1::EstimateCostResponse estimate,
                   session.Call(kShipmentBuilder, &Service::Stub::EstimateCost, request));
  std::string text =
      absl::StrCat(estimate.shipments(), " shipments (", estimate.packages(), " packages) wait");
  const int unknown = estimate.shipments_without_estimate();
  if (estimate.has_cost()) {
    absl::StrAppend(&text, ", at about ", MoneyText(estimate.cost()));
    if (unknown > 0) absl::StrAppend(&text, " without the ", unknown, " whose cost nobody asked");
  } else if (estimate.shipments() > 0) {
    absl::StrAppend(&text, "; nobody asked UPS what they would cost");
  }
  absl::StrAppend(&text, "; ", estimate.reviews(), " reviews are open.\n");
  return text;
}

absl::Status Activate(Session& session, const Options& options) {
  const auto request = For<pb::ActivateConnectionRequest>(options);
  ASSIGN_OR_RETURN(const std::string preview, Preview(session, request.name()));
  ASSIGN_OR_RETURN(const std::string cost, CostPreview(session, request.name()));
  session.err << preview << cost;
  if (!options.yes &&
      !session.Confirm(absl::StrCat("Activate ", options.id, ": buy labels and write back?"))) {
    return absl::CancelledError("not activated; --yes activates without asking");
  }
  return Show(session, session.Call(kPsIngest, &Stub::ActivateConnection, request));
}

absl::Status Pause(Session& session, const Options& options) {
  auto request = For<pb::PauseConnectionRequest>(options);
  request.set_reason(options.reason);
  return Show(session, session.Call(kPsIngest, &Stub::PauseConnection, request));
}

absl::Status Resume(Session& session, const Options& options) {
  return Show(session, session.Call(kPsIngest, &Stub::ResumeConnection,
                                    For<pb::ResumeConnectionRequest>(options)));
}

absl::Status Backfill(Session& session, const Options& options) {
  auto request = For<pb::BackfillConnectionRequest>(options);
  request.set_from_date(options.from);
  request.set_to_date(options.to);
  RETURN_IF_ERROR(session.Call(kPsIngest, &Stub::BackfillConnection, request).status());
  session.err << options.id << " reads what was changed from " << options.from << " to "
              << (options.to.empty() ? "today" : options.to)
              << " again, beside its polls; \"psupsctl connection windows " << options.id
              << " -o wide\" shows how far it is.\n";
  return absl::OkStatus();
}

absl::Status Windows(Session& session, const Options& options) {
  using W = pb::Window;
  static const std::vector<Column<W>> columns = {
      {"READ", [](const W& w, Style s) { return TimeText(w.read_time(), s); }},
      {"DOCUMENTS", [](const W& w, Style s) { return EnumText(w.document_type(), s); }},
      {"FROM", [](const W& w, Style) { return w.from(); }},
      {"TO", [](const W& w, Style) { return w.to(); }},
      {"ROWS", [](const W& w, Style) { return std::to_string(w.rows()); }},
      {"ORDERS", [](const W& w, Style) { return std::to_string(w.documents()); }},
      {"NEW OR CHANGED", [](const W& w, Style) { return std::to_string(w.documents_stored()); }},
      {"CUT", [](const W& w, Style) { return std::string(w.truncated() ? "yes" : "no"); }},
      {"PURPOSE", [](const W& w, Style s) { return EnumText(w.purpose(), s); }, true},
      {"COUNTED",
       [](const W& w, Style) {
         return w.counted_rows() < 0 ? std::string() : std::to_string(w.counted_rows());
       },
       true},
  };
  pb::ListWindowsRequest request;
  request.set_parent(Named("connections", options.id));
  ASSIGN_OR_RETURN(const std::vector<W> rows,
                   session.List(
                       kPsIngest, &Stub::ListWindows, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_windows(); }));
  WriteRows(session.out, session.format, rows, columns);
  return absl::OkStatus();
}

}  // namespace

void AddConnection(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "connection", "PeopleSoft systems to read and write back to");
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description,
                       absl::Status (*action)(Session&, const Options&)) {
    CLI::App* verb = noun->add_subcommand(name, description);
    verb->add_option("id", options->id, "The connection's id")->required();
    Run(verb, cli, options, action);
    return verb;
  };
  CLI::App* create =
      noun->add_subcommand("create", "Store a connection; it only observes at first");
  create->add_option("id", options->id, "Its id; default: connection_id in the file");
  create
      ->add_option("--file", options->file,
                   "JSON: the connection's fields, connection_id, and ca_bundle_file if the site "
                   "has a certificate of its own")
      ->required();
  create->add_option("--password-file", options->password_file,
                     "File that holds the OPRID's password, the bearer token or the client secret; "
                     "default: standard input");
  Run(create, cli, options, Create);
  add("get", "Show a connection", Get);
  CLI::App* list = noun->add_subcommand("list", "List connections");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* update = add("update", "Change settings or the credential", Update);
  update->add_option("--file", options->file, "JSON: the fields to change");
  update->add_option("--password-file", options->password_file,
                     "File that holds the new password, token or secret; - is standard input");
  add("test", "Examine all that the site must be set up with; writes nothing there", Test);
  add("activate", "Buy labels and write back from now on", Activate)
      ->add_flag("--yes,-y", options->yes, "Do not ask");
  add("pause", "Go on reading, but buy and write nothing", Pause)
      ->add_option("--reason", options->reason, "Why; shown to everybody");
  add("resume", "Undo a pause, or a stop whose cause is gone", Resume);
  CLI::App* backfill = add("backfill", "Read a range of days again, beside the polls", Backfill);
  backfill->add_option("--from", options->from, "First day of last change, YYYY-MM-DD")->required();
  backfill->add_option("--to", options->to, "Last day, YYYY-MM-DD; default: today");
  AddPaging(add("windows", "The time windows that were read, newest first", Windows),
            options->paging);
}

}  // namespace psups::psupsctl
