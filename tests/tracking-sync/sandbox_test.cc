// The door, the loops and the rules against ups-sandbox: its webhook sender and its Track, read as
// the gateway reads it.
#include "tests/sandbox/ups/sandbox.h"

#include <thread>

#include "common/http_client.h"
#include "common/http_server.h"
#include "services/tracking-sync/processor.h"
#include "services/tracking-sync/reader.h"
#include "services/tracking-sync/subscriber.h"
#include "services/tracking-sync/webhook.h"
#include "services/ups-gateway/wire/ups_replies.h"
#include "tests/tracking-sync/fixture.h"

namespace psups::tracking_sync {
namespace {

using nlohmann::json;
using ::psups::testing::IsOkAndHolds;

// The sandbox as the gateway would offer it.
class SandboxUps : public UpsTracking {
 public:
  explicit SandboxUps(std::string address) : address_(std::move(address)) {
    const HttpResponse response = Send("POST", "/security/v1/oauth/token",
                                       {{"Authorization", BasicAuthorization("app", "s3cret")},
                                        {"Content-Type", "application/x-www-form-urlencoded"}},
                                       "grant_type=client_credentials");
    bearer_ = json::parse(response.body).at("access_token");
  }

  HttpResponse Call(const std::string& method, const std::string& path, const json& body = {}) {
    HttpHeaders headers = {{"Authorization", "Bearer " + bearer_},
                           {"transId", RandomHex128()},
                           {"transactionSrc", "test"}};
    if (!body.is_null()) headers.emplace_back("Content-Type", "application/json");
    return Send(method, path, std::move(headers), body.is_null() ? "" : body.dump());
  }

  void Subscribe(
      const std::string&, const std::vector<std::string>& numbers,
      std::function<void(absl::StatusOr<ups::v1::SubscribePackagesResponse>)> done) override {
    const HttpResponse response = Call("POST", "/api/track/v2/subscription/standard/package",
                                       {{"locale", "en_US"}, {"trackingNumberList", numbers}});
    ASSERT_EQ(response.status, 200) << response.body;
    ups::v1::SubscribePackagesResponse proto;
    const json body = json::parse(response.body);
    for (const json& number : body.at("validTrackingNumbers")) {
      proto.add_valid_tracking_numbers(number.get<std::string>());
    }
    *proto.mutable_expire_time() = ToProto(absl::Now() + absl::Hours(24 * 14));
    done(std::move(proto));
  }

  void Track(const std::string&, const std::string& number, const std::string&,
             std::function<void(absl::StatusOr<ups::v1::TrackPackageResponse>)> done) override {
    const HttpResponse response = Call("GET", "/api/track/v1/details/" + number);
    ASSERT_EQ(response.status, 200) << response.body;
    done(ups_gateway::ParseTrackReply(response.body, number));
  }

 private:
  HttpResponse Send(const std::string& method, const std::string& path, HttpHeaders headers,
                    std::string body) {
    HttpOutcome outcome = client_->Send({.method = method,
                                         .url = "http://" + address_ + path,
                                         .headers = std::move(headers),
                                         .body = std::move(body)});
    EXPECT_OK(outcome.response.status());
    return outcome.response.value_or(HttpResponse{.status = 0, .body = "{}"});
  }

  const std::string address_;
  std::unique_ptr<HttpClient> client_ = HttpClient::Create();
  std::string bearer_;
};

class SandboxTest : public StoreFixture {
 protected:
  void SetUp() override {
    ups_sandbox::Config config;
    config.clients = {{.client_id = "app", .client_secret = "s3cret", .accounts = {"F3R1N0"}}};
    auto sandbox = ups_sandbox::Sandbox::Start(config);
    ASSERT_OK(sandbox.status());
    sandbox_ = *std::move(sandbox);
    auto server = HttpServer::Start({}, [this](HttpServerRequest request, HttpReplyFunction reply) {
      door_.Handle(std::move(request), std::move(reply));
    });
    ASSERT_OK(server.status());
    server_ = *std::move(server);
    ups_ = std::make_unique<SandboxUps>(sandbox_->api_address());
    subscriber_ = std::make_unique<Subscriber>(*store_, *ups_, absl::Minutes(1), wakeups_);
    reader_ = std::make_unique<TrackReader>(*store_, *ups_, 10, absl::Minutes(1), wakeups_);
    const std::string base = "http://" + server_->address();
    Admin("/admin/webhook", {{"url", base + "/ups/v2/track-alert"},
                             {"token_url", base + "/oauth/token"},
                             {"client_id", "ups"},
                             {"client_secret", "hook"},
                             {"x_api_key", "app"}});
    const HttpResponse shipped =
        ups_->Call("POST", "/api/shipments/v2409/ship", json::parse(R"({"ShipmentRequest": {
          "Request": {"RequestOption": "nonvalidate"},
          "Shipment": {
            "Shipper": {"Name": "Fern Street Tools", "ShipperNumber": "F3R1N0", "Address": {
              "AddressLine": ["12 Fern St"], "City": "Macon", "StateProvinceCode": "GA",
              "PostalCode": "31201", "CountryCode": "US"}},
            "ShipTo": {"Name": "Harbor Works", "Address": {"AddressLine": ["900 Pier Ave"],
              "City": "Long Beach", "StateProvinceCode": "CA", "PostalCode": "90802",
              "CountryCode": "US"}},
            "PaymentInformation": {"ShipmentCharge": [
              {"Type": "01", "BillShipper": {"AccountNumber": "F3R1N0"}}]},
            "Service": {"Code": "03"},
            "Package": [{"Packaging": {"Code": "02"},
              "PackageWeight": {"UnitOfMeasurement": {"Code": "LBS"}, "Weight": "12.5"}}]},
          "LabelSpecification": {"LabelImageFormat": {"Code": "ZPL"},
                                 "LabelStockSize": {"Height": "6", "Width": "4"}}}})"));
    ASSERT_EQ(shipped.status, 200) << shipped.body;
    number_ = json::parse(shipped.body)
                  .at("ShipmentResponse")
                  .at("ShipmentResults")
                  .at("ShipmentIdentificationNumber");
  }

  void TearDown() override {
    sandbox_.reset();
    server_.reset();
  }

  void Admin(const std::string& path, const json& body) {
    const HttpOutcome outcome =
        HttpClient::Create()->Send({.method = "POST",
                                    .url = "http://" + sandbox_->admin_address() + path,
                                    .body = body.dump()});
    ASSERT_OK(outcome.response.status());
    ASSERT_EQ(outcome.response->status, 200) << outcome.response->body;
  }

  void Scan(const std::string& code) {
    // UPS's seconds.
    moment_ += absl::Seconds(1);
    Admin("/admin/scans",
          {{"tracking_number", number_},
           {"code", code},
           {"at", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", moment_, absl::UTCTimeZone())}});
  }
  void AddFault(const json& rule) { Admin("/admin/faults", {{"add", {rule}}}); }

  // Waits for that many webhook messages to be stored, and processes them.
  void ProcessReceived(int64_t wanted) {
    const absl::Time end = absl::Now() + absl::Seconds(10);
    while (Number("SELECT count(*) FROM received_events") < wanted && absl::Now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_EQ(Number("SELECT count(*) FROM received_events"), wanted);
    ASSERT_OK(processor_.Step().status());
  }
  absl::StatusOr<int> ReadNow() {
    Query("UPDATE trackers SET read_due_time = now()");
    auto step = reader_->Step();
    reader_->WaitUntilIdle();
    return step;
  }
  std::string Story() {
    return Text(
        "SELECT string_agg(status || CASE source WHEN 'WEBHOOK' THEN '' ELSE '(' || source "
        "|| ')' END, ' ' ORDER BY status <> 'LABEL_CREATED', event_time) FROM events");
  }

  const Clock clock_ = {};
  Wakeups wakeups_;
  Processor processor_{*store_, clock_, wakeups_};
  WebhookDoor door_{
      *store_,
      {.client_id = "ups", .client_secret = "hook", .api_keys = {"app"}},
      Bearers([](std::string_view text) { return HmacSha256("k", text); }, absl::Hours(1)),
      clock_,
      wakeups_};
  std::unique_ptr<ups_sandbox::Sandbox> sandbox_;
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<SandboxUps> ups_;
  std::unique_ptr<Subscriber> subscriber_;
  std::unique_ptr<TrackReader> reader_;
  std::string number_;
  absl::Time moment_ = absl::Now() - absl::Minutes(10);
};

TEST_F(SandboxTest, EveryScanComesByTheWebhookAndTrackAddsNothingWhateverItsForm) {
  ASSERT_OK(Create({NewTracker(number_)}));
  EXPECT_THAT(subscriber_->Step(), IsOkAndHolds(1));
  EXPECT_THAT(ReadNow(), IsOkAndHolds(1));
  EXPECT_EQ(Story(), "LABEL_CREATED(OWN)");  // UPS's M is ours
  const std::vector<std::string> codes = {"OR", "DP", "AR", "YP", "XA", "OT", "PU", "FS"};
  for (const std::string& code : codes) Scan(code);
  ProcessReceived(static_cast<int64_t>(codes.size()));
  const std::string story =
      "LABEL_CREATED(OWN) PICKED_UP IN_TRANSIT IN_TRANSIT IN_TRANSIT EXCEPTION OUT_FOR_DELIVERY "
      "IN_TRANSIT DELIVERED";
  EXPECT_EQ(Story(), story);
  EXPECT_EQ(StatusOf(number_), pb::DELIVERED);
  EXPECT_THAT(ReadNow(), IsOkAndHolds(1));
  EXPECT_EQ(Story(), story);
  for (const char* form : {"short_gmt", "no_gmt"}) {
    AddFault({{"id", form}, {"route", "track"}, {"kind", form}, {"count", 1}});
    EXPECT_THAT(ReadNow(), IsOkAndHolds(1));
    EXPECT_EQ(Story(), story) << form;
  }
}

TEST_F(SandboxTest, WhatTheWebhookLostOrWasRefusedTrackBrings) {
  ASSERT_OK(Create({NewTracker(number_)}));
  EXPECT_THAT(subscriber_->Step(), IsOkAndHolds(1));
  AddFault({{"id", "lost"}, {"route", "webhook"}, {"kind", "lost"}, {"count", 1}});
  Scan("OR");
  AddFault({{"id", "bad"}, {"route", "webhook"}, {"kind", "bad_credential"}, {"count", 1}});
  Scan("DP");
  AddFault({{"id", "twice"}, {"route", "webhook"}, {"kind", "duplicate"}, {"count", 1}});
  Scan("OT");
  ProcessReceived(2);
  EXPECT_EQ(Story(), "LABEL_CREATED(OWN) OUT_FOR_DELIVERY");
  EXPECT_THAT(ReadNow(), IsOkAndHolds(1));
  EXPECT_EQ(Story(), "LABEL_CREATED(OWN) PICKED_UP(TRACK) IN_TRANSIT(TRACK) OUT_FOR_DELIVERY");
  EXPECT_EQ(StatusOf(number_), pb::OUT_FOR_DELIVERY);
}

}  // namespace
}  // namespace psups::tracking_sync
