#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "common/status_macros.h"
#include "common/testing/metric_value.h"
#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

namespace pb = ::psups::ups::v1;

// The gateway against a UPS that answers what a test says, and a real database.
class OddRepliesTest : public SandboxFixture {
 protected:
  void SetUp() override {
    StartSandbox();
    Start();
    CreateAccount();
  }

  absl::StatusOr<pb::ValidateAddressResponse> Validate() {
    pb::ValidateAddressRequest request;
    request.set_account("accounts/demo");
    *request.mutable_address() = TestAddress("");
    return gateway_->Call(&UpsOperations::ValidateAddress, request);
  }

  std::string LastError() {
    const auto account = gateway_->accounts->Get("demo");
    EXPECT_OK(account);
    return (*account)->settings.last_error();
  }

  static double ConfigAlarms(const std::string& operation) {
    return psups::MetricValue("psups_ups_config_alarms_total", {{"op", operation}});
  }
};

constexpr char kDriftedShip[] = R"({"ShipmentResponse":{"Response":{"ResponseStatus":{"Code":"1"}},
  "Sustainability":{"Owner":"Ann Lee"},
  "ShipmentResults":{"ShipmentIdentificationNumber":"1ZF3R1N00300000017",
  "PackageResults":{"TrackingNumber":"1ZF3R1N00300000017","Carbon":"12 Fern St",
  "ShippingLabel":{"ImageFormat":{"Code":"ZPL"},"GraphicImage":"XlhBXlha"}}}}})";

TEST_F(OddRepliesTest, AShipmentWhoseReplyDriftedIsDoneAndItsDriftIsCountedAndLoggedOnce) {
  Answer("ship", 200, kDriftedShip);
  ::testing::internal::CaptureStderr();
  for (const char* shipment : {"s1", "s2"}) {
    ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase(shipment)));
    EXPECT_EQ(call.state(), pb::Call::DONE) << call.ShortDebugString();
    EXPECT_EQ(call.result().packages(0).label(), "^XA^XZ");
  }
  const std::string log = ::testing::internal::GetCapturedStderr();
  const std::string packages = "ShipmentResponse.ShipmentResults.PackageResults";
  EXPECT_THAT(
      gateway_->drift.Seen(),
      ElementsAre(
          Pair(Drift::Note{Operation::kShip, "field",
                           "ShipmentResponse.ShipmentResults.PackageResults[]."
                           "Carbon"},
               2),
          Pair(Drift::Note{Operation::kShip, "field", "ShipmentResponse.Sustainability"}, 2),
          Pair(Drift::Note{Operation::kShip, "shape", packages}, 2)));
  std::size_t lines = 0;
  for (std::size_t at = 0; (at = log.find("ups_reply_drifted", at)) != log.npos; ++at) ++lines;
  EXPECT_EQ(lines, 3u) << log;
  EXPECT_THAT(log, Not(HasSubstr("Ann")));
  EXPECT_THAT(log, Not(HasSubstr("Fern")));
}

TEST_F(OddRepliesTest, DriftIsLookedForOnlyOnceTheOutcomeIsStored) {
  Answer("ship", 200, kDriftedShip);
  // Whoever wants to store an outcome waits for this transaction.
  std::thread buyer;
  ASSERT_OK(schema_.db().Transact([&](Tx& tx) -> absl::Status {
    RETURN_IF_ERROR(tx.Exec("LOCK TABLE exchanges IN EXCLUSIVE MODE").status());
    buyer = std::thread([&] { EXPECT_OK(gateway_->Buy(TestPurchase("s1"))); });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      auto waiting = tx.Exec(
          "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND relation = "
          "'exchanges'::regclass");
      RETURN_IF_ERROR(waiting.status());
      if ((*waiting)[0].Int("n") > 0) {
        EXPECT_THAT(gateway_->drift.Seen(), IsEmpty());
        return absl::OkStatus();
      }
    }
    return absl::DeadlineExceededError("nobody came to store the outcome");
  }));
  buyer.join();
  EXPECT_THAT(gateway_->drift.Seen(), Not(IsEmpty()));
}

TEST_F(OddRepliesTest, ReadsAreLookedAtToo) {
  Answer("xav", 200, R"({"XAVResponse":{"ValidAddressIndicator":"","Score":"9"}})");
  ASSERT_OK(Validate());
  EXPECT_THAT(gateway_->drift.Seen(),
              ElementsAre(Pair(Drift::Note{Operation::kAddress, "field", "XAVResponse.Score"}, 1)));
}

std::string Error(const std::string& code) {
  return R"({"response":{"errors":[{"code":")" + code + R"(","message":"12 Fern St"}]}})";
}

TEST_F(OddRepliesTest, AnAccountThatUpsDoesNotTakeForShippingRingsAndSaysWhy) {
  Answer("ship", 400, Error("120120"));
  const double before = ConfigAlarms("ship");
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::REJECTED);
  EXPECT_FALSE(call.error().retryable());
  EXPECT_EQ(ConfigAlarms("ship") - before, 1);
  EXPECT_THAT(LastError(), HasSubstr("paying account"));
  EXPECT_THAT(LastError(), HasSubstr("120120"));
  EXPECT_THAT(LastError(), Not(HasSubstr("Fern")));
}

TEST_F(OddRepliesTest, WhatIsTheOrdersFaultRingsNothing) {
  Answer("ship", 400, Error("120802"));
  const double before = ConfigAlarms("ship");
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::REJECTED);
  EXPECT_EQ(ConfigAlarms("ship"), before);
  EXPECT_THAT(LastError(), IsEmpty());
}

TEST_F(OddRepliesTest, ARequestThatUpsDoesNotUnderstandRingsAndSaysWhy) {
  Answer("xav", 400, Error("9264028"));
  const double before = ConfigAlarms("xav");
  EXPECT_THAT(Validate(), HasCode(absl::StatusCode::kUnauthenticated));
  EXPECT_EQ(ConfigAlarms("xav") - before, 1);
  EXPECT_THAT(LastError(), HasSubstr("9264028"));
}

TEST_F(OddRepliesTest, ARefusedClientIdRings) {
  Answer("token", 401, Error("10401"));
  const double before = ConfigAlarms("token");
  EXPECT_FALSE(Validate().ok());
  EXPECT_EQ(ConfigAlarms("token") - before, 1);
}

}  // namespace
}  // namespace psups::ups_gateway
