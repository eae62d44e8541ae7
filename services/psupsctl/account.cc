#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "psups/ups/v1/account_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::ups::v1;
using Stub = pb::AccountService::Stub;

std::string Buying(const pb::Account& account) {
  if (account.stopped()) return "stopped";
  return account.searches_first() ? "searches first" : "yes";
}

// "2000 an hour, 10000 a day, 500.00 USD a day"; what has no limit is left out.
std::string CapsText(const pb::Caps& caps) {
  std::vector<std::string> parts;
  if (caps.purchases_per_hour() > 0) {
    parts.push_back(absl::StrCat(caps.purchases_per_hour(), " an hour"));
  }
  if (caps.purchases_per_day() > 0) {
    parts.push_back(absl::StrCat(caps.purchases_per_day(), " a day"));
  }
  if (caps.has_spend_per_day()) {
    parts.push_back(absl::StrCat(MoneyText(caps.spend_per_day()), " a day"));
  }
  return parts.empty() ? "none" : absl::StrJoin(parts, ", ");
}

const std::vector<Column<pb::Account>>& Columns() {
  static const std::vector<Column<pb::Account>> columns = {
      {"ACCOUNT", [](const pb::Account& a, Style) { return IdOf(a.name()); }},
      {"NAME", [](const pb::Account& a, Style) { return a.display_name(); }},
      {"ENVIRONMENT", [](const pb::Account& a, Style s) { return EnumText(a.environment(), s); }},
      {"SHIPPER NUMBER", [](const pb::Account& a, Style) { return a.shipper_number(); }},
      {"BUYS", [](const pb::Account& a, Style) { return Buying(a); }},
      {"CAPS", [](const pb::Account& a, Style) { return CapsText(a.caps()); }},
      {"TOKENS A DAY",
       [](const pb::Account& a, Style) { return std::to_string(a.token_limit_per_day()); }},
      {"CLIENT ID", [](const pb::Account& a, Style) { return a.client_id(); }, true},
      {"ADDRESS", [](const pb::Account& a, Style) { return a.base_url(); }, true},
      {"PROBLEM",
       [](const pb::Account& a, Style) {
         if (!a.last_error().empty()) return a.last_error();
         return std::string(a.credential_refused() ? "credential refused: rotate it" : "");
       }},
  };
  return columns;
}

struct Options {
  std::string id = {};
  std::string file = {};
  std::string secret_file = {};
  std::string reason = {};
  Paging paging = {};
};

absl::Status Show(Session& session, const absl::StatusOr<pb::Account>& account) {
  if (!account.ok()) return account.status();
  WriteOne(session.out, session.format, *account, Columns());
  return absl::OkStatus();
}

absl::Status Create(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const Described described, ReadDescribed(options.file, "account_id"));
  pb::CreateAccountRequest request;
  request.set_account_id(options.id.empty() ? described.id : options.id);
  if (request.account_id().empty()) {
    return UsageError(options.file + ": account_id is missing, and no id was given");
  }
  RETURN_IF_ERROR(FromJson(described.fields, options.file, *request.mutable_account()));
  ASSIGN_OR_RETURN(*request.mutable_client_secret(),
                   ReadSecret(options.secret_file, "client secret", session.in));
  return Show(session, session.Call(kUpsGateway, &Stub::CreateAccount, request));
}

absl::Status Get(Session& session, const Options& options) {
  pb::GetAccountRequest request;
  request.set_name(Named("accounts", options.id));
  return Show(session, session.Call(kUpsGateway, &Stub::GetAccount, request));
}

absl::Status List(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const std::vector<pb::Account> rows,
                   session.List(
                       kUpsGateway, &Stub::ListAccounts, pb::ListAccountsRequest(), options.paging,
                       [](auto& page) -> auto& { return *page.mutable_accounts(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

// The fields that the file names, null among them: that one gets its default.
absl::Status Update(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const Described described, ReadDescribed(options.file, "account_id"));
  if (described.fields.empty()) return UsageError(options.file + ": names no field to change");
  pb::UpdateAccountRequest request;
  pb::Account& account = *request.mutable_account();
  RETURN_IF_ERROR(FromJson(described.fields, options.file, account));
  account.set_name(Named("accounts", options.id));
  for (const auto& [key, value] : described.fields.items()) {
    const auto* field = pb::Account::descriptor()->FindFieldByCamelcaseName(key);
    request.mutable_update_mask()->add_paths(field == nullptr ? key : field->name());
  }
  return Show(session, session.Call(kUpsGateway, &Stub::UpdateAccount, request));
}

absl::Status StopBuying(Session& session, const Options& options) {
  pb::StopAccountRequest request;
  request.set_name(Named("accounts", options.id));
  request.set_reason(options.reason);
  return Show(session, session.Call(kUpsGateway, &Stub::StopAccount, request));
}

absl::Status StartBuying(Session& session, const Options& options) {
  pb::StartAccountRequest request;
  request.set_name(Named("accounts", options.id));
  return Show(session, session.Call(kUpsGateway, &Stub::StartAccount, request));
}

absl::Status Rotate(Session& session, const Options& options) {
  pb::RotateAccountSecretRequest request;
  request.set_name(Named("accounts", options.id));
  ASSIGN_OR_RETURN(*request.mutable_client_secret(),
                   ReadSecret(options.secret_file, "new client secret", session.in));
  return Show(session, session.Call(kUpsGateway, &Stub::RotateAccountSecret, request));
}

}  // namespace

void AddAccount(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "account", "UPS accounts and their credentials");
  const auto options = std::make_shared<Options>();
  CLI::App* create = noun->add_subcommand("create", "Store a UPS account");
  create->add_option("id", options->id, "Its id; default: account_id in the file");
  create
      ->add_option("--file", options->file,
                   "JSON: the account's fields, account_id, and "
                   "ca_bundle_file if the host has a certificate of its own")
      ->required();
  create->add_option("--secret-file", options->secret_file,
                     "File that holds the client secret; default: standard input");
  Run(create, cli, options, Create);
  CLI::App* get = noun->add_subcommand("get", "Show an account");
  get->add_option("id", options->id, "Its id")->required();
  Run(get, cli, options, Get);
  CLI::App* list = noun->add_subcommand("list", "List accounts");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* update = noun->add_subcommand("update", "Change settings of an account");
  update->add_option("id", options->id, "Its id")->required();
  update
      ->add_option("--file", options->file,
                   "JSON: the fields to change, each as a whole; null is its default")
      ->required();
  Run(update, cli, options, Update);
  CLI::App* rotate = noun->add_subcommand("rotate", "Replace an account's client secret");
  rotate->add_option("id", options->id, "Its id")->required();
  rotate->add_option("--secret-file", options->secret_file,
                     "File that holds the new secret; default: standard input");
  Run(rotate, cli, options, Rotate);
  CLI::App* stop = noun->add_subcommand("stop", "Kill switch: buy nothing with it until start");
  stop->add_option("id", options->id, "Its id")->required();
  stop->add_option("--reason", options->reason, "Why; shown to everybody")->required();
  Run(stop, cli, options, StopBuying);
  CLI::App* start = noun->add_subcommand("start", "Buy again; what waited is bought");
  start->add_option("id", options->id, "Its id")->required();
  Run(start, cli, options, StartBuying);
  AddAccountChecks(*noun, cli);
}

}  // namespace psups::psupsctl
