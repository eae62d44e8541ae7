#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tests/sandbox/ups/sandbox.h"

namespace psups::ups_sandbox {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError("cannot read " + file);
  return text.str();
}

// Whoever waits for the file sees it whole or not at all.
absl::Status WriteReadyFile(const std::string& file, const Sandbox& sandbox) {
  const Json ready = {
      {"api", sandbox.api_address()}, {"admin", sandbox.admin_address()}, {"pid", getpid()}};
  const std::string unfinished = file + ".new";
  std::ofstream out(unfinished);
  out << ready.dump() << std::endl;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(unfinished, file, error);
  return out && !error ? absl::OkStatus() : absl::UnavailableError("cannot write " + file);
}

absl::Status Run(const std::string& config_file, const std::string& ready_file,
                 const std::string& journal_file) {
  // Blocked before any thread starts, so that every thread leaves them to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::StatusOr<std::string> text = ReadFile(config_file);
  if (!text.ok()) return text.status();
  absl::StatusOr<Config> config = ParseConfig(*text);
  if (!config.ok()) return config.status();
  auto sandbox = Sandbox::Start(*std::move(config), journal_file);
  if (!sandbox.ok()) return sandbox.status();
  if (!ready_file.empty()) {
    if (absl::Status status = WriteReadyFile(ready_file, **sandbox); !status.ok()) return status;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  return absl::OkStatus();
}

}  // namespace
}  // namespace psups::ups_sandbox

int main(int argc, char** argv) {
  CLI::App app("ups-sandbox: UPS, to try psups against.");
  std::string config_file;
  std::string ready_file;
  std::string journal_file;
  app.add_option("--config", config_file, "what it is, JSON (docs/sandbox.md)")->required();
  app.add_option("--ready-file", ready_file, "written once it listens: its addresses and pid");
  app.add_option("--journal", journal_file, "the journal is appended here, a JSON line a request");
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = psups::ups_sandbox::Run(config_file, ready_file, journal_file);
  if (status.ok()) return 0;
  std::cerr << "ups-sandbox: " << std::string(status.message()) << std::endl;
  return 1;
}
