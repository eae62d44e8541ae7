#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "common/server.h"
#include "common/testing/test_authority.h"
#include "nlohmann/json.hpp"
#include "services/psupsctl/cli.h"

namespace psups::psupsctl {

// What one run of the command said.
struct Ran {
  int code = 0;
  std::string out = {};
  std::string err = {};
  nlohmann::json json() const { return nlohmann::json::parse(out, nullptr, false); }
};

// Runs psupsctl in this process against services of the test's, by a context file and mTLS.
class Runner {
 public:
  // All of `services` at one address, which every endpoint of the context names.
  explicit Runner(std::vector<grpc::Service*> services,
                  const std::string& identity = "spiffe://psups/admin/ann") {
    server_ = Server::Start({.listen = "localhost:0",
                             .tls = authority_.Issue("spiffe://psups/service/all"),
                             .services = std::move(services)})
                  .value();
    WriteContext(identity, server_->port());
  }

  void WriteContext(const std::string& identity, int port,
                    absl::Duration valid_for = absl::Hours(24)) {
    const TlsFiles tls = authority_.Issue(identity, valid_for);
    nlohmann::json context = {
        {"ca_file", tls.authority}, {"cert_file", tls.certificate}, {"key_file", tls.key}};
    for (const char* service :
         {kPsIngest, kShipmentBuilder, kUpsGateway, kTrackingSync, kAuditLedger}) {
      context["endpoints"][service] = "localhost:" + std::to_string(port);
    }
    Write("context.json", context.dump());
  }

  Ran Run(std::vector<std::string> arguments, const std::string& input = "") {
    arguments.insert(arguments.begin(), {"--context", Path("context.json")});
    std::istringstream in(input);
    std::ostringstream out;
    std::ostringstream err;
    const int code = RunPsupsctl(arguments, in, out, err, ConnectByContext);
    return {.code = code, .out = out.str(), .err = err.str()};
  }

  std::string Path(const std::string& name) const { return authority_.folder() + "/" + name; }
  std::string Write(const std::string& name, const std::string& content) {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }
  std::string Read(const std::string& name) const {
    std::ifstream in(Path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  psups::testing::TestAuthority authority_;
  std::unique_ptr<Server> server_;
};

}  // namespace psups::psupsctl
