#include "psups/ups/v1/account_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::ups::v1;
using T = pb::TokenStatus;

struct Options {
  std::string account = {};
};

absl::Status Status(Session& session, const Options& options) {
  static const std::vector<Column<T>> columns = {
      {"ACCOUNT", [](const T& t, Style) { return IdOf(t.account()); }},
      {"USED", [](const T& t, Style) { return std::to_string(t.requests_used()); }},
      {"LIMIT", [](const T& t, Style) { return std::to_string(t.requests_limit()); }},
      {"LEFT", [](const T& t, Style) { return std::to_string(t.requests_left()); }},
      {"EXPIRES", [](const T& t, Style s) { return TimeText(t.expire_time(), s); }},
      {"RENEWAL", [](const T& t, Style s) { return TimeText(t.renew_time(), s); }},
      {"NEXT FREE", [](const T& t, Style s) { return TimeText(t.next_free_time(), s); }},
      {"USED UP", [](const T& t, Style s) { return TimeText(t.exhaust_time(), s); }},
      {"PROBLEM", [](const T& t, Style) { return t.problem(); }},
  };
  pb::GetTokenStatusRequest request;
  request.set_name(Named("accounts", options.account));
  ASSIGN_OR_RETURN(const T status,
                   session.Call(kUpsGateway, &pb::AccountService::Stub::GetTokenStatus, request));
  if (session.format == Format::kJson) {
    WriteOne(session.out, session.format, status, columns);
  } else {
    WriteRows<T>(session.out, session.format, {status}, columns);
  }
  return absl::OkStatus();
}

}  // namespace

void AddToken(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "token", "UPS access tokens");
  const auto options = std::make_shared<Options>();
  CLI::App* status = noun->add_subcommand(
      "status", "Requests of the last 24 hours, and what is left; asks UPS nothing");
  status->add_option("account", options->account, "The account's id")->required();
  Run(status, cli, options, Status);
}

}  // namespace psups::psupsctl
