#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "psups/ups/v1/account_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::ups::v1;
using Stub = pb::AccountService::Stub;

// Every product is asked in turn, and each may take its time.
constexpr absl::Duration kTestTimeout = absl::Minutes(5);

struct Options {
  std::string id = {};
  std::string since = {};
  Paging paging = {};
};

absl::Status Test(Session& session, const Options& options) {
  using Check = pb::TestAccountResponse::Check;
  static const std::vector<Column<Check>> columns = {
      {"",
       [](const Check& c, Style s) {
         return c.result() == Check::FAILED ? std::string("FAILED") : EnumText(c.result(), s);
       }},
      {"CHECK", [](const Check& c, Style) { return c.name(); }},
      {"FINDING", [](const Check& c, Style) { return c.finding(); }},
      {"NEXT STEP", [](const Check& c, Style) { return c.next_step(); }},
  };
  session.timeout = std::max(session.timeout, kTestTimeout);
  pb::TestAccountRequest request;
  request.set_name(Named("accounts", options.id));
  ASSIGN_OR_RETURN(const pb::TestAccountResponse response,
                   session.Call(kUpsGateway, &Stub::TestAccount, request));
  const std::vector<Check> checks(response.checks().begin(), response.checks().end());
  WriteRows(session.out, session.format, checks, columns);
  for (const Check& check : checks) {
    if (check.result() == Check::FAILED) {
      return absl::FailedPreconditionError(
          absl::StrCat(check.name(), " failed: ", check.next_step()));
    }
  }
  return absl::OkStatus();
}

absl::Status Errors(Session& session, const Options& options) {
  using E = pb::AccountError;
  static const std::vector<Column<E>> columns = {
      {"LAST", [](const E& e, Style s) { return TimeText(e.last_time(), s); }},
      {"OPERATION", [](const E& e, Style) { return e.operation(); }},
      {"CODE", [](const E& e, Style) { return e.ups_code(); }},
      {"HTTP",
       [](const E& e, Style s) {
         return e.http_status() == 0 && s == Style::kHuman ? std::string("no answer")
                                                           : absl::StrCat(e.http_status());
       }},
      {"TIMES", [](const E& e, Style) { return absl::StrCat(e.count()); }},
      {"FIRST", [](const E& e, Style s) { return TimeText(e.first_time(), s); }, true},
      {"ACTION", [](const E& e, Style) { return e.action(); }},
      {"WHAT TO DO", [](const E& e, Style) { return e.clerk_message(); }},
  };
  pb::ListAccountErrorsRequest request;
  request.set_name(Named("accounts", options.id));
  ASSIGN_OR_RETURN(const std::vector<E> rows,
                   session.List(
                       kUpsGateway, &Stub::ListAccountErrors, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_errors(); }));
  WriteRows(session.out, session.format, rows, columns);
  return absl::OkStatus();
}

// RFC 3339, or so long ago: "36h".
absl::StatusOr<absl::Time> ParseSince(const std::string& text) {
  absl::Time time;
  if (absl::ParseTime(absl::RFC3339_full, text, &time, nullptr)) return time;
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago) && ago > absl::ZeroDuration()) return WallTime() - ago;
  return UsageError(
      absl::StrCat("--since: \"", text, "\", want a time such as 2026-11-23T15:00:00Z or 36h"));
}

absl::Status Reconcile(Session& session, const Options& options) {
  struct Difference {
    std::string number;
    std::string where;
  };
  static const std::vector<Column<Difference>> columns = {
      {"NUMBER", [](const Difference& d, Style) { return d.number; }},
      {"WHERE", [](const Difference& d, Style) { return d.where; }},
  };
  ASSIGN_OR_RETURN(const absl::Time since, ParseSince(options.since));
  pb::ReconcileAccountRequest request;
  request.set_name(Named("accounts", options.id));
  request.mutable_since()->set_seconds(absl::ToUnixSeconds(since));
  session.timeout = std::max(session.timeout, kTestTimeout);
  ASSIGN_OR_RETURN(const pb::ReconcileAccountResponse response,
                   session.Call(kUpsGateway, &Stub::ReconcileAccount, request));
  if (session.format == Format::kJson) {
    session.out << ToJson(response).dump(2) << "\n";
  } else {
    std::vector<Difference> differences;
    for (const std::string& number : response.only_here()) {
      differences.push_back({number, "only here"});
    }
    for (const std::string& number : response.only_at_ups()) {
      differences.push_back({number, "only at UPS"});
    }
    const std::function<nlohmann::ordered_json(const Difference&)> unused;
    WriteRows<Difference>(session.out, session.format, differences, columns, unused);
  }
  session.err << response.matched() << " labels match.\n";
  if (response.only_here().empty() && response.only_at_ups().empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(response.only_here_size(), " labels are only here, ",
                   response.only_at_ups_size(), " only at UPS; look them up at ups.com"));
}

absl::Status Rewrap(Session& session, const Options&) {
  using R = pb::RewrapKeysResponse;
  static const std::vector<Column<R>> columns = {
      {"KEY", [](const R& r, Style) { return r.key_id(); }},
      {"REWRAPPED", [](const R& r, Style) { return absl::StrCat(r.rewrapped()); }},
      {"TOTAL", [](const R& r, Style) { return absl::StrCat(r.total()); }},
  };
  ASSIGN_OR_RETURN(const R response,
                   session.Call(kUpsGateway, &Stub::RewrapKeys, pb::RewrapKeysRequest()));
  if (session.format == Format::kJson) {
    WriteOne(session.out, session.format, response, columns);
  } else {
    WriteRows<R>(session.out, session.format, {response}, columns);
  }
  session.err << "ups-gateway needs no key but " << response.key_id()
              << " any more; other services that use the same key file may.\n";
  return absl::OkStatus();
}

}  // namespace

void AddAccountChecks(CLI::App& noun, Cli& cli) {
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description,
                       absl::Status (*action)(Session&, const Options&)) {
    CLI::App* verb = noun.add_subcommand(name, description);
    verb->add_option("id", options->id, "The account's id")->required();
    Run(verb, cli, options, action);
    return verb;
  };
  add("test", "Examine name, TLS, token and each of UPS's products; buys nothing", Test);
  AddPaging(add("errors", "The errors that UPS gave, the latest first", Errors), options->paging);
  add("reconcile", "Compare the labels that we hold as live with those that UPS has", Reconcile)
      ->add_option("--since", options->since,
                   "Labels bought since then: a time (RFC 3339) or so long ago (36h)")
      ->required();
  Run(noun.add_subcommand("rewrap",
                          "Wrap all data keys of ups-gateway under the key file's current key"),
      cli, options, Rewrap);
}

}  // namespace psups::psupsctl
