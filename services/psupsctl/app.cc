#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

constexpr char kVersion[] = "psupsctl 0.1.0";

// The innermost command that was given, and its words, such as "psupsctl order get".
struct Given {
  const CLI::App* command;
  std::string words;
};
Given CommandOf(const CLI::App& app) {
  Given given = {&app, app.get_name()};
  while (!given.command->get_subcommands().empty()) {
    given.command = given.command->get_subcommands().front();
    absl::StrAppend(&given.words, " ", given.command->get_name());
  }
  return given;
}

// What is wrong with the command line, in one line.
std::string Problem(const CLI::ParseError& error, const CLI::App& app) {
  const Given given = CommandOf(app);
  std::string problem = absl::StrReplaceAll(error.what(), {{"\n", " "}});
  std::vector<std::string> verbs;
  for (const CLI::App* verb :
       given.command->get_subcommands([](const CLI::App*) { return true; })) {
    verbs.push_back(verb->get_name());
  }
  if (!verbs.empty()) {
    const std::vector<std::string> rest = app.remaining(/*recurse=*/true);
    problem = absl::StrCat(
        rest.empty() ? "something is missing" : absl::StrCat("\"", rest.front(), "\" is unknown"),
        ", want one of ", absl::StrJoin(verbs, ", "));
  }
  return absl::StrCat(problem, "; see ", given.words, " --help");
}

absl::StatusOr<Format> ParseFormat(const std::string& text, bool has_yaml) {
  if (text == "table") return Format::kTable;
  if (text == "wide") return Format::kWide;
  if (text == "json") return Format::kJson;
  if (text == "csv") return Format::kCsv;
  if (text == "yaml" && has_yaml) return Format::kYaml;
  return UsageError(absl::StrCat("--output: \"", text, "\", want ", has_yaml ? "yaml, " : "",
                                 "table, wide, json or csv"));
}

}  // namespace

int RunPsupsctl(std::vector<std::string> arguments, std::istream& in, std::ostream& out,
                std::ostream& err, const std::function<Connector(std::string)>& connect) {
  CLI::App app("Works with psups: PeopleSoft orders, UPS shipments and what became of them.",
               "psupsctl");
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", kVersion);
  std::string context;
  app.add_option("--context", context,
                 "File that says where the services are and as whom to ask them; else "
                 "$PSUPS_CONTEXT, ./.run/context.json, ~/.config/psups/context.json");
  std::string format = "table";
  app.add_option("-o,--output", format, "table (default), wide, json or csv")
      ->option_text("FORMAT");
  int seconds = 30;
  app.add_option("--timeout", seconds, "Seconds that one call may take (default 30)")
      ->check(CLI::Range(1, 3600).description(""))
      ->option_text("SECONDS");

  Cli cli;
  AddAccount(app, cli);
  AddConnection(app, cli);
  AddMapping(app, cli);
  AddOrder(app, cli);
  AddShipment(app, cli);
  AddReview(app, cli);
  AddTracking(app, cli);
  AddWriteBack(app, cli);
  AddTrace(app, cli);
  AddToken(app, cli);
  AddAudit(app, cli);
  AddKeygen(app, cli);
  AddCompletion(app, cli);

  std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
  try {
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, out, err);  // --help, --version
    err << "psupsctl: " << Problem(error, app) << "\n";
    return 2;
  }
  Session session(in, out, err, connect(context));
  absl::StatusOr<Format> parsed = ParseFormat(format, cli.has_yaml);
  session.format = parsed.value_or(Format::kTable);
  session.timeout = absl::Seconds(seconds);
  const absl::Status status = parsed.ok() ? cli.command(session) : parsed.status();
  out.flush();
  if (!status.ok()) {
    err << "psupsctl: " << absl::StrReplaceAll(std::string(status.message()), {{"\n", " "}})
        << "\n";
  }
  return ExitCode(status);
}

}  // namespace psups::psupsctl
