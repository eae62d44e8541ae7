#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/sandbox/ups/sandbox.h"
#include "tests/ups-gateway/gateway_fixture.h"

namespace psups::ups_gateway {

// The gateway against the sandbox and a real database.
class SandboxFixture : public ::testing::Test {
 protected:
  // Before what a derived fixture lends it goes.
  void TearDown() override { gateway_ = nullptr; }

  void StartSandbox(ups_sandbox::Config config = {}, int token_seconds = 14399) {
    config.clients = {{.client_id = "app",
                       .client_secret = "s3cret",
                       .accounts = {"F3R1N0"},
                       .token_seconds = token_seconds}};
    sandbox_ = nullptr;
    auto started = ups_sandbox::Sandbox::Start(std::move(config));
    ASSERT_OK(started);
    sandbox_ = *std::move(started);
  }

  Gateway& Start(Gateway::Options options = {}) {
    gateway_ = nullptr;
    gateway_ = std::make_unique<Gateway>(schema_.db(), ring_, options);
    return *gateway_;
  }

  std::string Url() { return "http://" + sandbox_->api_address(); }

  void CreateAccount(const std::function<void(ups::v1::Account&)>& change = {},
                     const std::string& secret = "s3cret") {
    ups::v1::Account settings = TestSettings("demo", Url());
    if (change) change(settings);
    ASSERT_OK(gateway_->CreateAccount(settings, secret));
  }

  nlohmann::json Admin(const std::string& method, const std::string& path,
                       const nlohmann::json& body = nullptr) {
    HttpRequest request{.method = method, .url = "http://" + sandbox_->admin_address() + path};
    if (!body.is_null()) request.body = body.dump();
    const HttpOutcome outcome = admin_->Send(std::move(request));
    EXPECT_OK(outcome.response);
    EXPECT_EQ(outcome.response->status, 200) << outcome.response->body;
    return nlohmann::json::parse(outcome.response->body, nullptr, false);
  }

  void AddFault(nlohmann::json rule) {
    Admin("POST", "/admin/faults", {{"add", nlohmann::json::array({std::move(rule)})}});
  }
  void RemoveFaults(const nlohmann::json& ids) {
    Admin("POST", "/admin/faults", {{"remove", ids}});
  }

  // Instead of doing anything UPS says this on that route.
  void Answer(const std::string& route, int status, const std::string& body) {
    AddFault(
        {{"id", route}, {"route", route}, {"kind", "status"}, {"status", status}, {"body", body}});
  }

  nlohmann::json Truth() { return Admin("GET", "/admin/truth"); }

  int LiveShipments() {
    int live = 0;
    const nlohmann::json truth = Truth();
    for (const auto& shipment : truth["shipments"]) live += shipment["voided"] == false ? 1 : 0;
    return live;
  }

  // All requests that UPS saw on `route`, or on any.
  std::vector<nlohmann::json> Journal(const std::string& route = "") {
    std::vector<nlohmann::json> found;
    nlohmann::json journal = Admin("GET", "/admin/journal");
    if (journal.is_object()) journal = journal["entries"];
    for (const auto& entry : journal) {
      if (route.empty() || entry["route"] == route) found.push_back(entry);
    }
    return found;
  }

  // The entries for the ledger of that action, or of any.
  std::vector<nlohmann::json> Entries(const std::string& action = "") {
    std::vector<nlohmann::json> entries;
    auto rows = schema_.db().Exec("SELECT entry FROM audit_outbox ORDER BY create_time");
    EXPECT_OK(rows);
    for (const Row row : *rows) {
      nlohmann::json entry = nlohmann::json::parse(row.Binary("entry"));
      if (action.empty() || entry["action"] == action) entries.push_back(std::move(entry));
    }
    return entries;
  }

  int Count(const std::string& sql) {
    auto rows = schema_.db().Exec(sql);
    EXPECT_OK(rows);
    return static_cast<int>((*rows)[0].Int("n"));
  }

  testing::ScratchSchema schema_{"ups-gateway"};
  const KeyRing ring_ = TestKeyRing();
  std::unique_ptr<ups_sandbox::Sandbox> sandbox_;
  std::unique_ptr<HttpClient> admin_ = HttpClient::Create();
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace psups::ups_gateway
