#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/psupsctl/cli.h"

namespace psups::psupsctl {
namespace {

// The words that may follow a command: its verbs, and its options and the root's.
std::string WordsOf(const CLI::App& app, const CLI::App& root) {
  std::vector<std::string> words;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(verb->get_name());
  }
  const auto add_options = [&words](const CLI::App& of) {
    for (const CLI::Option* option : of.get_options()) {
      for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
    }
  };
  add_options(app);
  if (&app != &root) add_options(root);
  return absl::StrJoin(words, " ");
}

void AddCases(const CLI::App& app, const CLI::App& root, const std::string& path,
              std::string& cases) {
  absl::StrAppend(&cases, "    \"", path, "\") words=\"", WordsOf(app, root), "\" ;;\n");
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    AddCases(*verb, root, absl::StrCat(path, path.empty() ? "" : " ", verb->get_name()), cases);
  }
}

std::string BashScript(const CLI::App& root) {
  std::string cases;
  AddCases(root, root, "", cases);
  return absl::StrCat(R"(# source <(psupsctl completion bash)
_psupsctl() {
  local current=${COMP_WORDS[COMP_CWORD]} path="" words="" i
  for ((i = 1; i < COMP_CWORD && i <= 2; i++)); do
    [[ ${COMP_WORDS[i]} == -* ]] && break
    path+="${path:+ }${COMP_WORDS[i]}"
  done
  case "$path" in
)",
                      cases, R"(  esac
  if [[ -z $words || $current != -* && -n $words && $words != [a-z]* ]]; then
    compopt -o default
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _psupsctl psupsctl
)");
}

struct Options {
  const CLI::App* root = nullptr;
};

absl::Status Bash(Session& session, const Options& options) {
  session.out << BashScript(*options.root);
  return absl::OkStatus();
}

}  // namespace

void AddCompletion(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "completion", "Scripts that complete commands in a shell");
  const auto options = std::make_shared<Options>();
  options->root = &app;
  Run(noun->add_subcommand("bash", "For bash: source <(psupsctl completion bash)"), cli, options,
      Bash);
}

}  // namespace psups::psupsctl
