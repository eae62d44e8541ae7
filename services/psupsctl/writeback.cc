#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "psups/orders/v1/order_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::orders::v1;
using Stub = pb::OrderService::Stub;
using W = pb::WriteBack;

// As PeopleSoft has it, or as people say it.
std::string StatusText(const std::string& status, Style style) {
  if (style == Style::kMachine) return status;
  return absl::StrReplaceAll(absl::AsciiStrToLower(status), {{"_", " "}});
}

const std::vector<Column<W>>& Columns() {
  static const std::vector<Column<W>> columns = {
      {"ORDER", [](const W& w, Style) { return NumberOf(w.update().document()); }},
      {"UNIT", [](const W& w, Style) { return w.update().document().business_unit(); }},
      {"CONNECTION", [](const W& w, Style) { return IdOf(w.update().document().connection()); }},
      {"LINE",
       [](const W& w, Style) { return std::to_string(w.update().schedule().line_number()); }},
      {"SCHEDULE",
       [](const W& w, Style) { return std::to_string(w.update().schedule().schedule_number()); }},
      {"NO.", [](const W& w, Style) { return std::to_string(w.update().sequence_number()); }},
      {"TRACKING NUMBER", [](const W& w, Style) { return w.update().tracking_number(); }},
      {"STATUS", [](const W& w, Style s) { return StatusText(w.update().status(), s); }},
      {"HAPPENED", [](const W& w, Style s) { return TimeText(w.update().event_time(), s); }},
      {"STATE", [](const W& w, Style s) { return EnumText(w.state(), s); }},
      {"WRITTEN", [](const W& w, Style s) { return TimeText(w.written_time(), s); }},
      {"ATTEMPTS", [](const W& w, Style) { return std::to_string(w.attempt_count()); }, true},
      {"LAST ERROR", [](const W& w, Style) { return w.last_error(); }},
      {"WRITE-BACK", [](const W& w, Style) { return w.name(); }},
  };
  return columns;
}

struct Options {
  std::string write_back = {};
  std::string reason = {};
  std::string state = {};
  std::string document = {};
  std::string connection = {};
  Paging paging = {};
};

absl::Status List(Session& session, const Options& options) {
  pb::ListWriteBacksRequest request;
  if (!options.state.empty()) {
    ASSIGN_OR_RETURN(const W::State state, ParseEnum<W::State>("--state", options.state));
    request.set_state(state);
  }
  if (!options.connection.empty()) request.set_connection(Named("connections", options.connection));
  request.set_document_id(options.document);
  ASSIGN_OR_RETURN(const std::vector<W> rows,
                   session.List(
                       kPsIngest, &Stub::ListWriteBacks, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_write_backs(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Show(Session& session, const absl::StatusOr<W>& write_back) {
  if (!write_back.ok()) return write_back.status();
  WriteOne(session.out, session.format, *write_back, Columns());
  return absl::OkStatus();
}

absl::Status Resend(Session& session, const Options& options) {
  pb::ResendWriteBackRequest request;
  request.set_name(options.write_back);
  return Show(session, session.Call(kPsIngest, &Stub::ResendWriteBack, request));
}

absl::Status Skip(Session& session, const Options& options) {
  pb::SkipWriteBackRequest request;
  request.set_name(options.write_back);
  request.set_reason(options.reason);
  return Show(session, session.Call(kPsIngest, &Stub::SkipWriteBack, request));
}

}  // namespace

void AddWriteBack(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "writeback", "Statuses on their way back to PeopleSoft");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List them by order, schedule and number");
  list->add_option("--state", options->state, "Only pending, written, parked or skipped ones");
  list->add_option("--document", options->document, "Only of this PO_ID or REQ_ID");
  list->add_option("--connection", options->connection, "Only of this connection");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* resend = noun->add_subcommand("resend", "Send a parked one to PeopleSoft again");
  CLI::App* skip = noun->add_subcommand("skip", "Give a parked one up; later ones go on");
  for (CLI::App* verb : {resend, skip}) {
    verb->add_option("write-back", options->write_back, "Its name, as the list shows it")
        ->required();
  }
  skip->add_option("--reason", options->reason, "Why; recorded")->required();
  Run(resend, cli, options, Resend);
  Run(skip, cli, options, Skip);
}

}  // namespace psups::psupsctl
