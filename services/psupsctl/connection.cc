#include <unistd.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "psups/orders/v1/connection_service.grpc.pb.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::orders::v1;
using Stub = pb::ConnectionService::Stub;

// Reads PeopleSoft before it answers.
constexpr absl::Duration kTestTimeout = absl::Minutes(10);

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
      {"PROBLEM", [](const C& c, Style) { return Problem(c); }},
  };
  return columns;
}

struct Options {
  std::string id = {};
  std::string file = {};
  std::string password_file = {};
  std::string reason = {};
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

absl::Status Test(Session& session, const Options& options) {
  using Check = pb::TestConnectionResponse::Check;
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
  WriteRows(session.out, session.format, checks, columns);
  for (const Check& check : checks) {
    if (!check.ok()) {
      return absl::FailedPreconditionError(
          absl::StrCat(check.subject(), " failed: ", check.finding()));
    }
  }
  return absl::OkStatus();
}

// What would be bought from now on.
absl::StatusOr<std::string> Preview(Session& session, const std::string& connection) {
  pb::ListOrdersRequest request;
  request.set_connection(connection);
  ASSIGN_OR_RETURN(const std::vector<pb::Order> orders,
                   session.List(
                       kPsIngest, &pb::OrderService::Stub::ListOrders, request, {.all = true},
                       [](auto& page) -> auto& { return *page.mutable_orders(); }));
  int eligible = 0;
  int schedules = 0;
  const pb::Order* oldest = nullptr;
  for (const pb::Order& order : orders) {
    int open = 0;
    for (const auto& schedule : order.schedules()) {
      if (schedule.ineligible_reason() == pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
        ++open;
      }
    }
    if (open == 0) continue;
    ++eligible;
    schedules += open;
    if (oldest == nullptr || order.document_date() < oldest->document_date()) oldest = &order;
  }
  if (eligible == 0) {
    return absl::StrCat("Of ", orders.size(), " orders read so far none would ship now.");
  }
  return absl::StrCat("Of ", orders.size(), " orders read so far ", eligible, " would ship (",
                      schedules, " schedules); the oldest is ", DocumentText(oldest->document()),
                      " of ", oldest->document_date(), ".");
}

absl::Status Activate(Session& session, const Options& options) {
  const auto request = For<pb::ActivateConnectionRequest>(options);
  ASSIGN_OR_RETURN(const std::string preview, Preview(session, request.name()));
  session.err << preview << "\n";
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
                     "File that holds the OPRID's password; default: standard input");
  Run(create, cli, options, Create);
  add("get", "Show a connection", Get);
  CLI::App* list = noun->add_subcommand("list", "List connections");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* update = add("update", "Change settings or the password", Update);
  update->add_option("--file", options->file, "JSON: the fields to change");
  update->add_option("--password-file", options->password_file,
                     "File that holds the new password; - is standard input");
  add("test", "Read a row by each query and say what is wrong", Test);
  add("activate", "Buy labels and write back from now on", Activate)
      ->add_flag("--yes,-y", options->yes, "Do not ask");
  add("pause", "Go on reading, but buy and write nothing", Pause)
      ->add_option("--reason", options->reason, "Why; shown to everybody");
  add("resume", "Undo a pause, or a stop whose cause is gone", Resume);
  AddPaging(add("windows", "The time windows that were read, newest first", Windows),
            options->paging);
}

}  // namespace psups::psupsctl
