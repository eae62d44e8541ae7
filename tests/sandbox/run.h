#pragma once

#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

// What the programs of both sandboxes have in common: arguments, the ready file, the end.
namespace psups::sandbox {

inline absl::StatusOr<std::string> ReadFile(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError("cannot read " + file);
  return text.str();
}

// Whoever waits for the file sees it whole or not at all.
inline absl::Status WriteReadyFile(const std::string& file, const nlohmann::json& ready) {
  const std::string unfinished = file + ".new";
  std::ofstream out(unfinished);
  out << ready.dump() << std::endl;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(unfinished, file, error);
  return out && !error ? absl::OkStatus() : absl::UnavailableError("cannot write " + file);
}

// `start(configuration, journal file)` returns a sandbox with its addresses, or why not.
template <typename Start>
absl::Status RunUntilStopped(const std::string& config_file, const std::string& ready_file,
                             const std::string& journal_file, const Start& start) {
  // Blocked before any thread starts, so that every thread leaves them to sigwait.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const absl::StatusOr<std::string> text = ReadFile(config_file);
  if (!text.ok()) return text.status();
  const auto sandbox = start(*text, journal_file);
  if (!sandbox.ok()) return sandbox.status();
  if (!ready_file.empty()) {
    const absl::Status written = WriteReadyFile(ready_file, {{"api", (*sandbox)->api_address()},
                                                             {"admin", (*sandbox)->admin_address()},
                                                             {"pid", getpid()}});
    if (!written.ok()) return written;
  }
  int signal = 0;
  sigwait(&signals, &signal);
  return absl::OkStatus();
}

// The whole of main(): `name` is the program's, `what` its help's first line.
template <typename Start>
int Main(int argc, char** argv, const std::string& name, const std::string& what,
         const Start& start) {
  CLI::App app(what);
  std::string config_file;
  std::string ready_file;
  std::string journal_file;
  app.add_option("--config", config_file, "what it is, JSON (docs/sandbox.md)")->required();
  app.add_option("--ready-file", ready_file, "written once it listens: its addresses and pid");
  app.add_option("--journal", journal_file, "the journal is appended here, a JSON line a request");
  CLI11_PARSE(app, argc, argv);

  const absl::Status status = RunUntilStopped(config_file, ready_file, journal_file, start);
  if (status.ok()) return 0;
  std::cerr << name << ": " << std::string(status.message()) << std::endl;
  return 1;
}

}  // namespace psups::sandbox
