#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

// Prices of the sandbox's, over a real database.
class QuoteRatesTest : public SandboxFixture {
 protected:
  void SetUp() override {
    StartSandbox();
    Start();
    CreateAccount([](pb::Account& account) {
      account.mutable_shipper()->set_attention_name("Shipping");
      account.mutable_shipper()->set_phone("478-555-0100");
    });
  }

  absl::StatusOr<pb::QuoteRatesResponse> Quote(const pb::ShipmentSpec& shipment) {
    pb::QuoteRatesRequest request;
    request.set_account("accounts/demo");
    *request.mutable_shipment() = shipment;
    return gateway_->Call(&UpsOperations::QuoteRates, request);
  }

  static pb::ShipmentSpec Spec(const std::string& service, int packages = 1) {
    pb::ShipmentSpec spec = TestPurchase("s1", packages).shipment();
    spec.set_service_code(service);
    return spec;
  }
};

TEST_F(QuoteRatesTest, TheQuoteIsWhatTheShipmentThenCosts) {
  ASSERT_OK_AND_ASSIGN(const auto rates, Quote(Spec("03", 3)));
  ASSERT_THAT(rates.quotes(), SizeIs(1));
  const auto& quote = rates.quotes(0);
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1", 3)));
  ASSERT_EQ(call.state(), pb::Call::DONE);
  EXPECT_EQ(quote.service_code(), "03");
  EXPECT_GT(quote.charges().amount_minor(), 0);
  EXPECT_EQ(quote.charges().SerializeAsString(), call.result().charges().SerializeAsString());
  EXPECT_EQ(quote.negotiated_charges().SerializeAsString(),
            call.result().negotiated_charges().SerializeAsString());
  EXPECT_EQ(quote.business_days(), 4);
}

TEST_F(QuoteRatesTest, WithoutAServiceEachComesTheCheapestFirstWithItsDay) {
  ASSERT_OK_AND_ASSIGN(const auto rates, Quote(Spec("")));
  std::vector<std::string> services;
  std::string latest = "9999-12-31";
  for (const auto& quote : rates.quotes()) {
    services.push_back(quote.service_code());
    EXPECT_LE(quote.delivery_date(), latest) << quote.service_code();
    latest = quote.delivery_date();
    EXPECT_THAT(latest, SizeIs(10));
    EXPECT_LT(quote.negotiated_charges().amount_minor(), quote.charges().amount_minor());
  }
  EXPECT_THAT(services, ElementsAre("03", "12", "02", "59", "13", "01", "14"));
  EXPECT_THAT(rates.alerts(), SizeIs(1));
  EXPECT_THAT(Truth()["shipments"], IsEmpty());
}

TEST_F(QuoteRatesTest, EachQuestionIsKeptAndInTheLedger) {
  ASSERT_OK(Quote(Spec("")));
  const auto journal = Journal("rating");
  ASSERT_THAT(journal, SizeIs(1));
  const auto entries = Entries("ups.rating");
  ASSERT_THAT(entries, SizeIs(1));
  const nlohmann::json& entry = entries[0];
  EXPECT_EQ(entry["subject"], "accounts/demo");
  EXPECT_EQ(entry["actor"], "spiffe://psups/service/shipment-builder");
  EXPECT_EQ(entry["detail"]["calls"][0]["call_id"], journal[0]["call_id"]);
  EXPECT_EQ(entry["detail"]["calls"][0]["operation"], "rating");
  EXPECT_EQ(entry["detail"]["service"], "all");
  EXPECT_EQ(entry["detail"]["quotes"], 7);
  EXPECT_EQ(entry["detail"]["status"], "OK");
  EXPECT_THAT(entry.dump(), Not(HasSubstr("Fern St")));
  EXPECT_EQ(Count("SELECT count(*) AS n FROM exchanges WHERE operation = 'rating'"), 1);
}

TEST_F(QuoteRatesTest, WhatUpsRefusesIsToldAsAPreconditionAndKeptToo) {
  Answer("rating", 400, R"({"response":{"errors":[{"code":"111210","message":"Not there."}]}})");
  const absl::Status refused = Quote(Spec("13")).status();
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("Choose another service"));
  ASSERT_THAT(Entries("ups.rating"), SizeIs(1));
  EXPECT_EQ(Entries("ups.rating")[0]["detail"]["service"], "13");
  EXPECT_EQ(Entries("ups.rating")[0]["detail"]["status"], "FAILED_PRECONDITION");
}

TEST_F(QuoteRatesTest, WhatIsNoShipmentIsNotAsked) {
  pb::ShipmentSpec spec = Spec("03");
  spec.mutable_packages(0)->set_weight_lb("151");
  EXPECT_THAT(Quote(spec), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Quote(Spec("65")), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Journal("rating"), IsEmpty());
  EXPECT_THAT(Entries("ups.rating"), IsEmpty());
  pb::QuoteRatesRequest request;
  request.set_account("accounts/nobody");
  EXPECT_THAT(gateway_->Call(&UpsOperations::QuoteRates, request),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(QuoteRatesTest, TheReplyMayComeInOddForms) {
  for (const nlohmann::json& odd : {nlohmann::json{{"kind", "singleton"}},
                                    nlohmann::json{{"kind", "lists"}, {"field", "RatedShipment"}},
                                    nlohmann::json{{"kind", "extra_fields"}}}) {
    nlohmann::json rule = {{"id", "odd"}, {"route", "rating"}, {"count", 1}};
    rule.update(odd);
    AddFault(rule);
    ASSERT_OK_AND_ASSIGN(const auto rates, Quote(Spec("03")));
    EXPECT_EQ(rates.quotes(0).business_days(), 4) << odd;
  }
  AddFault({{"id", "odd"}, {"route", "rating"}, {"kind", "drop"}, {"field", "TimeInTransit"}});
  ASSERT_OK_AND_ASSIGN(const auto rates, Quote(Spec("03")));
  EXPECT_EQ(rates.quotes(0).delivery_date(), "");
  EXPECT_GT(rates.quotes(0).charges().amount_minor(), 0);
}

TEST_F(QuoteRatesTest, AnUnreadableAnswerIsAnOutage) {
  AddFault({{"id", "cut"}, {"route", "rating"}, {"kind", "html"}, {"status", 200}});
  EXPECT_THAT(Quote(Spec("03")), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(QuoteRatesTest, RatingsOutageLeavesBuyingAlone) {
  AddFault({{"id", "down"}, {"route", "rating"}, {"kind", "status"}});
  for (int i = 0; i < 8; ++i) {
    EXPECT_THAT(Quote(Spec("03")), HasCode(absl::StatusCode::kUnavailable));
  }
  EXPECT_THAT(Journal("rating"), SizeIs(5));  // then the circuit of rating was open
  ASSERT_OK_AND_ASSIGN(const pb::Call call, gateway_->Buy(TestPurchase("s1")));
  EXPECT_EQ(call.state(), pb::Call::DONE);
}

TEST_F(QuoteRatesTest, AnExpiredTokenIsRenewedAndTheQuestionAskedAgain) {
  ASSERT_OK(Quote(Spec("03")));
  Admin("POST", "/admin/revoke", {{"client_id", "app"}, {"code", "251004"}});
  ASSERT_OK(Quote(Spec("03")));
  EXPECT_THAT(Entries("ups.rating")[1]["detail"]["calls"], SizeIs(2));
}

TEST_F(QuoteRatesTest, AcrossABorderTheDayIsToldWhereTheValueIsKnown) {
  pb::ShipmentSpec spec = Spec("02");
  *spec.mutable_ship_to() = TestAddress("Talleres del Puerto");
  spec.mutable_ship_to()->set_country_code("PR");
  spec.mutable_ship_to()->set_state("PR");
  spec.mutable_ship_to()->set_postal_code("00901");
  spec.mutable_ship_to()->set_attention_name("Recibo");
  spec.mutable_ship_to()->set_phone("787-555-0129");
  spec.set_description("Hand tools");
  spec.mutable_invoice_total()->set_amount_minor(28300);
  spec.mutable_invoice_total()->set_currency_code("USD");
  ASSERT_OK_AND_ASSIGN(const auto rates, Quote(spec));
  EXPECT_EQ(rates.quotes(0).business_days(), 2);

  pb::ShipmentSpec abroad = Spec("65");
  *abroad.mutable_ship_to() = spec.ship_to();
  abroad.mutable_ship_to()->set_country_code("DE");
  abroad.mutable_ship_to()->clear_state();
  abroad.mutable_ship_to()->set_postal_code("80337");
  abroad.set_description("Hand tools");
  ASSERT_OK_AND_ASSIGN(const auto untimed, Quote(abroad));
  EXPECT_EQ(untimed.quotes(0).delivery_date(), "");
  *abroad.mutable_invoice_total() = spec.invoice_total();
  ASSERT_OK_AND_ASSIGN(const auto timed, Quote(abroad));
  EXPECT_NE(timed.quotes(0).delivery_date(), "");
  EXPECT_EQ(timed.quotes(0).charges().amount_minor(), untimed.quotes(0).charges().amount_minor());
}

}  // namespace
}  // namespace psups::ups_gateway
