#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "CLI/App.hpp"
#include "CLI/Config.hpp"
#include "CLI/Formatter.hpp"
#include "absl/status/status.h"
#include "services/psupsctl/session.h"

namespace psups::psupsctl {

// What the command line asked for; set by the verb's callback.
struct Cli {
  std::function<absl::Status(Session&)> command = {};
  bool has_yaml = false;  // it has -o yaml
};

// Adds a noun, which wants one verb.
inline CLI::App* AddNoun(CLI::App& app, const char* name, const char* description) {
  CLI::App* noun = app.add_subcommand(name, description);
  noun->require_subcommand(1);
  return noun;
}

// Has `verb` run `action` with the options that were parsed into `options`.
template <typename Options>
void Run(CLI::App* verb, Cli& cli, std::shared_ptr<Options> options,
         absl::Status (*action)(Session&, const Options&)) {
  verb->callback([&cli, options, action] {
    cli.command = [options, action](Session& session) { return action(session, *options); };
  });
}

// --all and --limit of a list.
inline void AddPaging(CLI::App* verb, Paging& paging) {
  verb->add_flag("--all", paging.all, "Follow all pages (json and csv do so anyway)");
  verb->add_option("--limit", paging.limit, "At most this many")->check(CLI::PositiveNumber);
}

// Each in the file of its noun.
void AddAccount(CLI::App& app, Cli& cli);
void AddAccountChecks(CLI::App& noun, Cli& cli);  // the verbs that look and change nothing at UPS
void AddAudit(CLI::App& app, Cli& cli);
void AddCompletion(CLI::App& app, Cli& cli);
void AddConnection(CLI::App& app, Cli& cli);
void AddKeygen(CLI::App& app, Cli& cli);
void AddMapping(CLI::App& app, Cli& cli);
void AddOrder(CLI::App& app, Cli& cli);
void AddReview(CLI::App& app, Cli& cli);
void AddShipment(CLI::App& app, Cli& cli);
void AddShipmentLabel(CLI::App& noun, Cli& cli);
void AddToken(CLI::App& app, Cli& cli);
void AddTrace(CLI::App& app, Cli& cli);
void AddTracking(CLI::App& app, Cli& cli);
void AddWriteBack(CLI::App& app, Cli& cli);

// The whole command: parses, runs, says what is wrong in one line on `err`, returns the exit code.
int RunPsupsctl(std::vector<std::string> arguments, std::istream& in, std::ostream& out,
                std::ostream& err, const std::function<Connector(std::string)>& connect);

}  // namespace psups::psupsctl
