#include "services/ups-gateway/account/account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <tuple>

#include "common/testing/status_matchers.h"
#include "services/ups-gateway/account/account_errors.h"
#include "services/ups-gateway/account/account_update.h"
#include "services/ups-gateway/account/doctor.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace pb = ::psups::ups::v1;
using Check = pb::TestAccountResponse::Check;

pb::Account Asked() {
  pb::Account account;
  account.set_environment(pb::Account::CIE);
  account.set_client_id("app");
  account.set_shipper_number("A1B2C3");
  type::v1::Address& shipper = *account.mutable_shipper();
  shipper.set_name("Fern Street Tools");
  shipper.add_lines("12 Fern St");
  shipper.set_city("Macon");
  shipper.set_state("GA");
  shipper.set_postal_code("31201");
  shipper.set_country_code("US");
  return account;
}

google::protobuf::FieldMask Mask(const std::vector<std::string>& paths) {
  google::protobuf::FieldMask mask;
  for (const std::string& path : paths) mask.add_paths(path);
  return mask;
}

TEST(AccountLimitsTest, DefaultsAreThoseOfTheProto) {
  ASSERT_OK_AND_ASSIGN(pb::Account account, CheckNewAccount("demo", Asked()));
  EXPECT_EQ(account.caps().purchases_per_hour(), 2000);
  EXPECT_EQ(account.caps().purchases_per_day(), 10000);
  EXPECT_FALSE(account.caps().has_spend_per_day());
  EXPECT_FALSE(account.caps().has_assumed_cost_per_package());
  EXPECT_EQ(account.flow().calls_per_second(), 100);
  EXPECT_EQ(account.flow().calls_in_flight(), 400);
  EXPECT_EQ(account.flow().caller_share_percent(), 50);
  EXPECT_EQ(account.address_verdict_life().seconds(), 86400);
  // Zero is a choice: no limit, never.
  pb::Account asked = Asked();
  asked.mutable_caps()->set_purchases_per_hour(0);
  asked.mutable_flow()->set_calls_per_second(0);
  asked.mutable_address_verdict_life();
  ASSERT_OK_AND_ASSIGN(account, CheckNewAccount("demo", asked));
  EXPECT_EQ(account.caps().purchases_per_hour(), 0);
  EXPECT_TRUE(account.caps().has_purchases_per_hour());
  EXPECT_EQ(account.flow().calls_per_second(), 0);
  EXPECT_EQ(account.address_verdict_life().seconds(), 0);
  // 50 of the currency's units, whatever its smallest is.
  asked.mutable_caps()->mutable_spend_per_day()->set_amount_minor(100'000);
  asked.mutable_caps()->mutable_spend_per_day()->set_currency_code("USD");
  EXPECT_EQ(CheckNewAccount("demo", asked)->caps().assumed_cost_per_package().amount_minor(), 5000);
  asked.mutable_caps()->mutable_spend_per_day()->set_currency_code("JPY");
  EXPECT_EQ(CheckNewAccount("demo", asked)->caps().assumed_cost_per_package().amount_minor(), 50);
}

TEST(AccountLimitsTest, WhatDoesNotFitIsNamed) {
  const auto refused = [](const char* field, const std::function<void(pb::Account&)>& change) {
    pb::Account asked = Asked();
    change(asked);
    const absl::Status status = CheckNewAccount("demo", asked).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("account.") + field + ": "));
  };
  refused("caps.purchases_per_hour", [](auto& a) { a.mutable_caps()->set_purchases_per_hour(-1); });
  refused("caps.purchases_per_day",
          [](auto& a) { a.mutable_caps()->set_purchases_per_day(1'000'001); });
  const auto spend = [](pb::Account& a, int64_t amount, const char* currency) {
    a.mutable_caps()->mutable_spend_per_day()->set_amount_minor(amount);
    a.mutable_caps()->mutable_spend_per_day()->set_currency_code(currency);
  };
  refused("caps.spend_per_day", [&](auto& a) { spend(a, 0, "USD"); });
  refused("caps.spend_per_day", [&](auto& a) { spend(a, 100, "usd"); });
  const auto assumed = [](pb::Account& a, const char* currency) {
    a.mutable_caps()->mutable_assumed_cost_per_package()->set_amount_minor(900);
    a.mutable_caps()->mutable_assumed_cost_per_package()->set_currency_code(currency);
  };
  refused("caps.assumed_cost_per_package", [&](auto& a) { assumed(a, "USD"); });
  refused("caps.assumed_cost_per_package", [&](auto& a) {
    spend(a, 100, "USD");
    assumed(a, "CAD");
  });
  refused("flow.calls_per_second", [](auto& a) { a.mutable_flow()->set_calls_per_second(10'001); });
  refused("flow.calls_in_flight", [](auto& a) { a.mutable_flow()->set_calls_in_flight(4097); });
  refused("flow.caller_share_percent",
          [](auto& a) { a.mutable_flow()->set_caller_share_percent(0); });
  refused("address_verdict_life",
          [](auto& a) { a.mutable_address_verdict_life()->set_seconds(30 * 86400 + 1); });
  refused("address_verdict_life",
          [](auto& a) { a.mutable_address_verdict_life()->set_seconds(-1); });
}

class AccountUpdateTest : public ::testing::Test {
 protected:
  const pb::Account stored_ = *CheckNewAccount("demo", Asked());
};

TEST_F(AccountUpdateTest, OnlyWhatTheMaskNamesChanges) {
  pb::Account asked;
  asked.mutable_rebuy_window()->set_seconds(600);
  asked.mutable_caps()->set_purchases_per_day(5);
  asked.set_ship_timeout_seconds(20);  // not named
  ASSERT_OK_AND_ASSIGN(const pb::Account updated,
                       UpdatedAccount(stored_, asked, Mask({"rebuy_window", "caps"})));
  EXPECT_EQ(updated.rebuy_window().seconds(), 600);
  EXPECT_EQ(updated.caps().purchases_per_day(), 5);
  EXPECT_EQ(updated.caps().purchases_per_hour(), 2000);  // as a whole: the rest gets its default
  EXPECT_EQ(updated.ship_timeout_seconds(), 90);
  EXPECT_EQ(updated.client_id(), "app");
  // One that is named and not set gets its default.
  ASSERT_OK_AND_ASSIGN(const pb::Account back,
                       UpdatedAccount(updated, {}, Mask({"rebuy_window", "caps"})));
  EXPECT_FALSE(back.has_rebuy_window());
  EXPECT_EQ(back.caps().purchases_per_day(), 10000);
  EXPECT_EQ(back.SerializeAsString().size(), stored_.SerializeAsString().size());
}

TEST_F(AccountUpdateTest, APartOfAFieldCanBeNamed) {
  pb::Account asked;
  asked.mutable_caps()->set_purchases_per_hour(7);
  ASSERT_OK_AND_ASSIGN(pb::Account updated,
                       UpdatedAccount(stored_, asked, Mask({"caps.purchases_per_hour"})));
  asked.mutable_caps()->set_purchases_per_day(8);
  ASSERT_OK_AND_ASSIGN(updated, UpdatedAccount(updated, asked, Mask({"caps.purchases_per_day"})));
  EXPECT_EQ(updated.caps().purchases_per_hour(), 7);
  EXPECT_EQ(updated.caps().purchases_per_day(), 8);
}

TEST_F(AccountUpdateTest, MapsAndListsAreReplaced) {
  pb::Account asked;
  (*asked.mutable_api_versions())["ship"] = "v2501";
  *asked.mutable_shipper() = Asked().shipper();
  asked.mutable_shipper()->set_lines(0, "14 Fern St");
  ASSERT_OK_AND_ASSIGN(const pb::Account updated,
                       UpdatedAccount(stored_, asked, Mask({"api_versions", "shipper"})));
  EXPECT_EQ(updated.api_versions().at("ship"), "v2501");
  EXPECT_EQ(updated.api_versions().at("void"), "v2409");
  ASSERT_EQ(updated.shipper().lines_size(), 1);
  EXPECT_EQ(updated.shipper().lines(0), "14 Fern St");
}

TEST_F(AccountUpdateTest, WhatCannotBeChangedIsRefusedByName) {
  for (const char* field : {"environment", "base_url", "client_id", "shipper_number"}) {
    const absl::Status status = UpdatedAccount(stored_, Asked(), Mask({"caps", field})).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << field;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::string("\"") + field + "\""));
    EXPECT_THAT(std::string(status.message()), HasSubstr("another account"));
  }
  for (const char* field : {"name", "credential_refused", "last_error", "stopped", "stop_reason",
                            "stop_time", "stop_time.seconds", "searches_first"}) {
    const absl::Status status = UpdatedAccount(stored_, {}, Mask({field})).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << field;
    EXPECT_THAT(std::string(status.message()), HasSubstr("output only")) << field;
  }
  for (const std::vector<std::string>& paths : {std::vector<std::string>{},
                                                {"secret"},
                                                {"caps.nothing"},
                                                {""},
                                                {"api_versions.ship"},
                                                {".environment"},
                                                {"."},
                                                {"caps..purchases_per_day"}}) {
    EXPECT_THAT(UpdatedAccount(stored_, {}, Mask(paths)),
                HasCode(absl::StatusCode::kInvalidArgument));
  }
}

TEST_F(AccountUpdateTest, TheResultIsCheckedAsAWhole) {
  pb::Account asked;
  asked.set_token_limit_per_day(10001);
  EXPECT_THAT(UpdatedAccount(stored_, asked, Mask({"token_limit_per_day"})),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(UpdatedAccount(stored_, {}, Mask({"shipper"})),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(AccountUpdateTest, EveryFieldIsEitherForChangingOrRefused) {
  // A field that is added to Account must be thought of here.
  std::set<std::string> changeable;
  const auto* descriptor = pb::Account::descriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const std::string& name = descriptor->field(i)->name();
    if (CheckUpdateMask(Mask({name})).ok()) changeable.insert(name);
  }
  EXPECT_THAT(changeable,
              ::testing::UnorderedElementsAre(
                  "display_name", "ca_bundle_pem", "shipper", "token_limit_per_day",
                  "token_min_interval", "rebuy_window", "ship_timeout_seconds",
                  "read_timeout_seconds", "api_versions", "address_verdict_life", "caps", "flow"));
}

// --- the doctor's judgement

Check Judged(int status, const std::string& code) {
  HttpResponse response{.status = status};
  if (!code.empty()) {
    response.body = R"({"response":{"errors":[{"code":")" + code + R"(","message":"m"}]}})";
  }
  return JudgeProbe("shipping", "Shipping", Operation::kRecovery, response);
}

TEST(DoctorJudgementTest, WhatAnEntitledAppIsToldIsOk) {
  for (const auto& [status, code] : std::vector<std::pair<int, std::string>>{
           {200, ""}, {400, "300007"}, {400, "VSS210"}, {404, "TW0001"}, {400, "9264030"}}) {
    const Check check = Judged(status, code);
    EXPECT_EQ(check.result(), Check::OK) << status << code;
    EXPECT_THAT(check.next_step(), IsEmpty());
  }
}

TEST(DoctorJudgementTest, EveryRefusalSaysWhatToDoInAtMostTwoSentences) {
  for (const auto& [status, code, step] : std::vector<std::tuple<int, std::string, std::string>>{
           {401, "250002", "add the product Shipping"},
           {401, "UJ0001", "add the product Shipping"},
           {401, "", "add the product Shipping"},
           {403, "", "has the product Shipping"},
           {401, "10401", "credentials"},
           {401, "251004", "credentials"},
           {429, "10429", "again in some minutes"},
           {503, "", "again in some minutes"},
           {500, "300000", "again in some minutes"}}) {
    const Check check = Judged(status, code);
    EXPECT_EQ(check.result(), Check::FAILED) << status << code;
    EXPECT_THAT(check.next_step(), HasSubstr(step)) << status << code;
    EXPECT_LE(std::count(check.next_step().begin(), check.next_step().end(), '.'), 2);
    EXPECT_THAT(check.finding(), HasSubstr(std::to_string(status)));
  }
  const Check silent =
      JudgeProbe("tracking", "Tracking", Operation::kTrack, absl::UnavailableError("h: reset"));
  EXPECT_EQ(silent.result(), Check::FAILED);
  EXPECT_THAT(silent.finding(), HasSubstr("h: reset"));
}

// --- errors that were met

TEST(AccountErrorsTest, TheCatalogueSpeaksForWhatWasCounted) {
  const auto shown = [](const char* operation, const char* code, int status) {
    return ToProto({.operation = operation, .ups_code = code, .http_status = status, .count = 3});
  };
  EXPECT_EQ(shown("ship", "120802", 400).action(), "review");
  EXPECT_THAT(shown("ship", "120802", 400).clerk_message(), HasSubstr("ship-to address"));
  EXPECT_EQ(shown("token", "10401", 401).action(), "configure");
  EXPECT_EQ(shown("recovery", "300007", 400).action(), "not_found");
  EXPECT_EQ(shown("recovery", "300007", 400).count(), 3);
  // Silence: ask what became of a purchase, try anything else again.
  EXPECT_EQ(shown("ship", "", 0).action(), "reconcile");
  EXPECT_EQ(shown("xav", "", 0).action(), "back_off");
}

TEST(AccountErrorsTest, PageTokensComeBackAsTheyWent) {
  const MetError last{.operation = "ship",
                      .ups_code = "120802",
                      .http_status = 400,
                      .last_time = absl::FromUnixMicros(1'795'446'062'123'456)};
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseErrorPageToken(ErrorPageToken(last)));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->operation, "ship");
  EXPECT_EQ(parsed->ups_code, "120802");
  EXPECT_EQ(parsed->http_status, 400);
  EXPECT_EQ(parsed->last_time, last.last_time);
  EXPECT_FALSE(ParseErrorPageToken("")->has_value());
  for (const char* bad : {"x", "1/ship/2", "a/ship/b/400", "1/ship/b/x"}) {
    EXPECT_THAT(ParseErrorPageToken(bad), HasCode(absl::StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace psups::ups_gateway
