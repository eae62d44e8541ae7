#include "services/psupsctl/output.h"

#include <sstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "psups/shipments/v1/review_service.pb.h"
#include "psups/ups/v1/account_service.pb.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/session.h"

namespace psups::psupsctl {
namespace {

using shipments::v1::Review;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<Column<Review>>& Columns() {
  static const std::vector<Column<Review>> columns = {
      {"REVIEW", [](const Review& r, Style) { return IdOf(r.name()); }},
      {"REASON", [](const Review& r, Style s) { return EnumText(r.reason(), s); }},
      {"OPENED", [](const Review& r, Style s) { return TimeText(r.create_time(), s); }, true},
      {"WHAT TO DO", [](const Review& r, Style) { return r.message(); }},
  };
  return columns;
}

std::vector<Review> Rows() {
  Review review;
  review.set_name("reviews/r1");
  review.set_reason(Review::ITEM_WEIGHT_MISSING);
  review.mutable_create_time()->set_seconds(1'795'446'062);
  review.set_message("Give item \"ABC\", a weight");
  Review other;
  other.set_name("reviews/größer");
  other.set_message("x");
  return {review, other};
}

std::string Written(Format format) {
  std::ostringstream out;
  WriteRows(out, format, Rows(), Columns());
  return out.str();
}

class OutputTest : public ::testing::Test {
 protected:
  OutputTest() {
    setenv("TZ", "America/New_York", 1);
    tzset();
  }
};

TEST_F(OutputTest, TableIsAlignedAndForPeople) {
  EXPECT_EQ(Written(Format::kTable),
            "REVIEW  REASON               WHAT TO DO\n"
            "r1      item weight missing  Give item \"ABC\", a weight\n"
            "größer                       x\n");
}

TEST_F(OutputTest, WideHasAllColumns) {
  EXPECT_THAT(Written(Format::kWide), HasSubstr("OPENED"));
  EXPECT_THAT(Written(Format::kTable), Not(HasSubstr("OPENED")));
}

TEST_F(OutputTest, CsvHasAllColumnsAndIsForPrograms) {
  EXPECT_EQ(Written(Format::kCsv),
            "REVIEW,REASON,OPENED,WHAT TO DO\n"
            "r1,ITEM_WEIGHT_MISSING,2026-11-23T15:01:02Z,\"Give item \"\"ABC\"\", a weight\"\n"
            "größer,REASON_UNSPECIFIED,,x\n");
}

TEST_F(OutputTest, JsonHasTheProtosNamesAndEveryField) {
  const auto rows = nlohmann::json::parse(Written(Format::kJson));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0]["reason"], "ITEM_WEIGHT_MISSING");
  EXPECT_EQ(rows[0]["create_time"], "2026-11-23T15:01:02Z");
  EXPECT_EQ(rows[1]["resolved_by"], "");
  EXPECT_FALSE(rows[1].contains("create_time"));
}

TEST_F(OutputTest, JsonHas64BitIntegersAsNumbersAtEveryDepth) {
  orders::v1::Connection connection;
  connection.set_version(7);
  EXPECT_EQ(ToJson(connection)["version"], 7);
  type::v1::Money money;
  money.set_amount_minor(-1234);
  EXPECT_EQ(ToJson(money)["amount_minor"], -1234);
  // A text of digits stays a text.
  type::v1::DocumentKey document;
  document.set_document_id("0000000123");
  EXPECT_EQ(ToJson(document)["document_id"], "0000000123");
}

TEST_F(OutputTest, TimesAreLocalWithTheirOffsetForPeople) {
  const absl::Time time = absl::FromUnixSeconds(1'795'446'062);
  EXPECT_EQ(TimeText(time, Style::kMachine), "2026-11-23T15:01:02Z");
  EXPECT_EQ(TimeText(time, Style::kHuman), "2026-11-23T10:01:02-05:00");
  EXPECT_EQ(TimeText(google::protobuf::Timestamp(), Style::kHuman), "");
}

TEST_F(OutputTest, MoneyHasItsPlaces) {
  type::v1::Money money;
  money.set_currency_code("USD");
  money.set_amount_minor(1205);
  EXPECT_EQ(MoneyText(money), "12.05 USD");
  money.set_amount_minor(-5);
  EXPECT_EQ(MoneyText(money), "-0.05 USD");
}

TEST_F(OutputTest, DetailsShowWhatIsSetAndPartsOnOneLine) {
  ups::v1::Account account;
  account.set_name("accounts/demo");
  account.set_environment(ups::v1::Account::CIE);
  account.set_ca_bundle_pem("-----BEGIN");
  account.mutable_shipper()->set_name("Fabrikam");
  account.mutable_shipper()->add_lines("1 Main St");
  account.mutable_shipper()->set_city("Columbus");
  account.mutable_shipper()->set_state("OH");
  account.mutable_shipper()->set_postal_code("43215");
  account.mutable_shipper()->set_country_code("US");
  account.mutable_rebuy_window()->set_seconds(90);
  (*account.mutable_api_versions())["ship"] = "v2409";
  std::ostringstream out;
  WriteDetails(out, account);
  EXPECT_EQ(out.str(),
            "name: accounts/demo\n"
            "environment: cie\n"
            "ca bundle pem: given\n"
            "shipper: Fabrikam, 1 Main St, Columbus OH 43215 US\n"
            "rebuy window: 1m30s\n"
            "api versions:\n"
            "  ship: v2409\n");
}

TEST(Input, EnumsAreTakenAsPeopleWriteThem) {
  for (const char* text : {"item-weight-missing", "ITEM_WEIGHT_MISSING", "item weight missing"}) {
    const auto reason = ParseEnum<Review::Reason>("--reason", text);
    ASSERT_TRUE(reason.ok()) << text;
    EXPECT_EQ(*reason, Review::ITEM_WEIGHT_MISSING);
  }
  const auto unknown = ParseEnum<Review::State>("--state", "gone");
  EXPECT_EQ(std::string(unknown.status().message()),
            "--state: \"gone\", want one of open, resolved, obsolete");
  EXPECT_FALSE(ParseEnum<Review::State>("--state", "STATE_UNSPECIFIED").ok());
}

TEST(ExitCode, SaysWhatKindOfFailureItWas) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(absl::FailedPreconditionError("")), 1);
  EXPECT_EQ(ExitCode(absl::InvalidArgumentError("by the service")), 1);
  EXPECT_EQ(ExitCode(UsageError("by the command line")), 2);
  EXPECT_EQ(ExitCode(absl::NotFoundError("")), 3);
  EXPECT_EQ(ExitCode(absl::UnavailableError("")), 4);
  EXPECT_EQ(ExitCode(absl::DeadlineExceededError("")), 4);
}

}  // namespace
}  // namespace psups::psupsctl
