#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/http_client.h"
#include "tests/sandbox/ups/sandbox.h"

namespace psups::ups_sandbox {

inline constexpr char kShipPath[] = "/api/shipments/v2409/ship";
inline constexpr char kRecoveryPath[] = "/api/labels/v1/recovery";
inline constexpr char kSubscribePath[] = "/api/track/v2/subscription/standard/package";

inline constexpr std::chrono::milliseconds kPatience{5000};

struct Answer {
  absl::Status status = absl::OkStatus();  // of the connection
  int code = 0;
  Json body = {};
  std::string text = {};
  bool body_started = false;

  std::string error() const {
    const Json& errors = At(body, {"response", "errors"});
    return errors.is_array() && !errors.empty() ? TextAt(errors[0], {"code"}) : "";
  }
};

// A domestic shipment that UPS takes: one package of 12.5 lb from Georgia to California.
inline Json DomesticShipment() {
  return Json::parse(R"({"ShipmentRequest": {
    "Request": {"RequestOption": "nonvalidate"},
    "Shipment": {
      "Shipper": {"Name": "Fern Street Tools", "ShipperNumber": "F3R1N0",
        "Address": {"AddressLine": ["12 Fern St"], "City": "Macon", "StateProvinceCode": "GA",
                    "PostalCode": "31201", "CountryCode": "US"}},
      "ShipTo": {"Name": "Harbor Works", "Address": {"AddressLine": ["900 Pier Ave", "Dock 4"],
        "City": "Long Beach", "StateProvinceCode": "CA", "PostalCode": "908021234",
        "CountryCode": "US"}},
      "PaymentInformation": {"ShipmentCharge": [
        {"Type": "01", "BillShipper": {"AccountNumber": "F3R1N0"}}]},
      "Service": {"Code": "03"},
      "Package": [{"Packaging": {"Code": "02"},
        "PackageWeight": {"UnitOfMeasurement": {"Code": "LBS"}, "Weight": "12.5"}}]},
    "LabelSpecification": {"LabelImageFormat": {"Code": "ZPL"},
                           "LabelStockSize": {"Height": "6", "Width": "4"}}}})");
}

inline Json& Shipment(Json& body) { return body["ShipmentRequest"]["Shipment"]; }

inline void SetReference(Json& body, const std::string& value) {
  for (Json& package : Shipment(body)["Package"])
    package["ReferenceNumber"] = Json::array({Json{{"Code", "TN"}, {"Value", value}}});
}

class UpsSandboxTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(DefaultConfig()); }

  static Config DefaultConfig() {
    Config config;
    config.clients = {{.client_id = "app", .client_secret = "s3cret", .accounts = {"F3R1N0"}},
                      {.client_id = "other", .client_secret = "s3cret", .accounts = {"ZZ9999"}}};
    return config;
  }

  void Restart(Config config) {
    sandbox_.reset();
    auto started = Sandbox::Start(std::move(config), "", [this] { return Now(); });
    ASSERT_TRUE(started.ok()) << started.status();
    sandbox_ = *std::move(started);
    bearer_.clear();
  }

  absl::Time Now() { return absl::Now() + absl::Seconds(advanced_seconds_.load()); }

  Answer Send(const std::string& address, HttpRequest request) {
    request.url = "http://" + address + request.url;
    if (request.total_timeout > kPatience) request.total_timeout = kPatience;
    const HttpOutcome outcome = client_->Send(std::move(request));
    Answer answer{.status = outcome.response.status(), .body_started = outcome.body_started};
    if (!outcome.response.ok()) return answer;
    answer.code = outcome.response->status;
    answer.text = outcome.response->body;
    answer.body = Json::parse(answer.text, nullptr, false);
    return answer;
  }

  Answer Token(const std::string& id = "app", const std::string& secret = "s3cret",
               const std::string& form = "grant_type=client_credentials") {
    HttpRequest request{.method = "POST", .url = "/security/v1/oauth/token"};
    request.headers = {{"Authorization", BasicAuthorization(id, secret)},
                       {"Content-Type", "application/x-www-form-urlencoded"}};
    request.body = form;
    return Send(sandbox_->api_address(), request);
  }

  // As the gateway calls: with a bearer and both transaction headers.
  Answer Call(const std::string& method, const std::string& path, const Json& body = Json(),
              std::chrono::milliseconds timeout = kPatience) {
    if (bearer_.empty()) bearer_ = TextAt(Token().body, {"access_token"});
    HttpRequest request{.method = method, .url = path};
    request.headers = {{"Authorization", "Bearer " + bearer_},
                       {"transId", "0123456789abcdef0123456789abcdef"},
                       {"transactionSrc", "test"}};
    if (!body.is_null()) {
      request.headers.emplace_back("Content-Type", "application/json");
      request.body = body.dump();
    }
    request.total_timeout = timeout;
    return Send(sandbox_->api_address(), request);
  }

  Answer Admin(const std::string& method, const std::string& path, const Json& body = Json()) {
    HttpRequest request{.method = method, .url = path};
    if (!body.is_null()) request.body = body.dump();
    return Send(sandbox_->admin_address(), request);
  }

  Json Truth() { return Admin("GET", "/admin/truth").body; }

  void AddFault(const Json& rule) {
    const Answer answer = Admin("POST", "/admin/faults", {{"add", Json::array({rule})}});
    ASSERT_EQ(answer.code, 200) << answer.text;
  }

  // Ships and returns the shipment identification number.
  std::string ShipOne(const std::string& reference = "") {
    Json body = DomesticShipment();
    if (!reference.empty()) SetReference(body, reference);
    const Answer answer = Call("POST", kShipPath, body);
    EXPECT_EQ(answer.code, 200) << answer.text;
    return TextAt(answer.body,
                  {"ShipmentResponse", "ShipmentResults", "ShipmentIdentificationNumber"});
  }

  Answer Refused(const std::function<void(Json&)>& spoil) {
    Json body = DomesticShipment();
    spoil(body);
    return Call("POST", kShipPath, body);
  }

  Answer RecoverReference(const std::string& reference) {
    return Call("POST", kRecoveryPath,
                {{"LabelRecoveryRequest",
                  {{"Request", Json::object()},
                   {"LabelSpecification", {{"LabelImageFormat", {{"Code", "ZPL"}}}}},
                   {"ReferenceValues",
                    {{"ReferenceNumber", {{"Value", reference}}}, {"ShipperNumber", "F3R1N0"}}}}}});
  }

  // `at` is RFC 3339; empty: now.
  Answer Scan(const std::string& number, const std::string& code, const std::string& at = "") {
    Json scan = {{"tracking_number", number}, {"code", code}};
    if (!at.empty()) scan["at"] = at;
    return Admin("POST", "/admin/scans", scan);
  }

  template <typename Condition>
  bool Eventually(Condition condition) {
    for (int i = 0; i < 1500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

  std::atomic<long> advanced_seconds_ = 0;
  std::unique_ptr<HttpClient> client_ = HttpClient::Create();
  std::unique_ptr<Sandbox> sandbox_;
  std::string bearer_;
};

}  // namespace psups::ups_sandbox
