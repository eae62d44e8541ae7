#include "services/shipment-builder/shipment_filter.h"

#include <random>

#include "absl/strings/str_cat.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace psups::shipment_builder {
namespace {

using psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

absl::StatusOr<ShipmentFilter> Parse(const std::string& text) {
  ShipmentFilter filter;
  const absl::Status status = AddFilter(text, filter);
  if (!status.ok()) return status;
  return filter;
}

std::string Error(const std::string& text) {
  const absl::Status status = Parse(text).status();
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << text;
  return std::string(status.message());
}

absl::Time At(const std::string& text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

TEST(ShipmentFilterTest, AnEmptyFilterTakesAll) {
  for (const char* text : {"", " ", "\n\t"}) {
    ASSERT_OK_AND_ASSIGN(const ShipmentFilter filter, Parse(text));
    EXPECT_FALSE(filter.state.has_value());
    EXPECT_THAT(filter.not_states, IsEmpty());
    EXPECT_FALSE(filter.created.given);
    EXPECT_FALSE(filter.none);
  }
}

TEST(ShipmentFilterTest, EachFieldMayBeCompared) {
  ASSERT_OK_AND_ASSIGN(
      const ShipmentFilter filter,
      Parse("state = LABELED AND order = orders/c1-abc AND document_id = \"0000000123\" AND "
            "connection = 'connections/c1' AND tracking_number=1ZA1B2C30300010001 AND "
            "ups_shipment_id = 1ZA1B2C30300010002"));
  EXPECT_EQ(filter.state, State::kLabeled);
  EXPECT_EQ(filter.order_id, "c1-abc");
  EXPECT_EQ(filter.document_id, "0000000123");
  EXPECT_EQ(filter.connection_id, "c1");
  EXPECT_EQ(filter.tracking_number, "1ZA1B2C30300010001");
  EXPECT_EQ(filter.ups_shipment_id, "1ZA1B2C30300010002");
  EXPECT_FALSE(filter.none);
}

TEST(ShipmentFilterTest, StatesMayBeLeftOut) {
  ASSERT_OK_AND_ASSIGN(const ShipmentFilter filter, Parse("state != VOIDED AND state!=WITHDRAWN"));
  EXPECT_THAT(filter.not_states, ElementsAre(State::kVoided, State::kWithdrawn));
  EXPECT_FALSE(filter.state.has_value());
}

TEST(ShipmentFilterTest, TimesBecomeRangesOfMicroseconds) {
  ASSERT_OK_AND_ASSIGN(const ShipmentFilter filter,
                       Parse("create_time >= \"2026-11-01T00:00:00Z\" AND create_time < "
                             "2026-12-01T00:00:00-05:00 AND update_time > 2026-11-01T00:00:00Z "
                             "AND label_time<=2026-11-02T00:00:00.5Z"));
  EXPECT_EQ(filter.created.from, At("2026-11-01T00:00:00Z"));
  EXPECT_EQ(filter.created.to, At("2026-12-01T05:00:00Z"));
  EXPECT_EQ(filter.updated.from, At("2026-11-01T00:00:00.000001Z"));
  EXPECT_EQ(filter.updated.to, TimeRange().to);
  EXPECT_EQ(filter.labelled.from, TimeRange().from);
  EXPECT_EQ(filter.labelled.to, At("2026-11-02T00:00:00.500001Z"));
}

TEST(ShipmentFilterTest, WhatIsFinerThanAMicrosecondIsRoundedTheRightWay) {
  // Between 1 µs and 2 µs.
  const std::string between = "2026-11-01T00:00:00.0000015Z";
  const absl::Time one = At("2026-11-01T00:00:00.000001Z");
  const absl::Time two = At("2026-11-01T00:00:00.000002Z");
  EXPECT_EQ(Parse("create_time >= " + between)->created.from, two);
  EXPECT_EQ(Parse("create_time > " + between)->created.from, two);
  EXPECT_EQ(Parse("create_time < " + between)->created.to, two);   // one still fits
  EXPECT_EQ(Parse("create_time <= " + between)->created.to, two);  // likewise
  EXPECT_EQ(Parse("create_time < 2026-11-01T00:00:00.000001Z")->created.to, one);
}

TEST(ShipmentFilterTest, OfSeveralTimesTheNarrowestCounts) {
  ASSERT_OK_AND_ASSIGN(const ShipmentFilter filter,
                       Parse("create_time >= 2026-11-02T00:00:00Z AND create_time >= "
                             "2026-11-01T00:00:00Z AND create_time < 2026-11-05T00:00:00Z AND "
                             "create_time < 2026-11-09T00:00:00Z"));
  EXPECT_EQ(filter.created.from, At("2026-11-02T00:00:00Z"));
  EXPECT_EQ(filter.created.to, At("2026-11-05T00:00:00Z"));
  EXPECT_FALSE(filter.none);
}

TEST(ShipmentFilterTest, WhatContradictsItselfFitsNothing) {
  for (const char* text :
       {"state = LABELED AND state = VOIDED", "order = orders/a AND order = orders/b",
        "create_time > 2026-11-02T00:00:00Z AND create_time < 2026-11-01T00:00:00Z"}) {
    ASSERT_OK_AND_ASSIGN(const ShipmentFilter filter, Parse(text));
    EXPECT_TRUE(filter.none) << text;
  }
  // Also against a condition that was there before.
  ShipmentFilter filter{.document_id = "1"};
  ASSERT_OK(AddFilter("document_id = 2", filter));
  EXPECT_TRUE(filter.none);
  ASSERT_OK_AND_ASSIGN(const ShipmentFilter same, Parse("state = LOST AND state = LOST"));
  EXPECT_FALSE(same.none);
}

TEST(ShipmentFilterTest, QuotedTextsMayHoldAnything) {
  EXPECT_EQ(Parse(R"(document_id = "a \"b\" AND c = 'd' \\")")->document_id,
            R"(a "b" AND c = 'd' \)");
  EXPECT_EQ(Parse("document_id = 'Größe'")->document_id, "Größe");
  EXPECT_EQ(Parse("document_id = \"=\"")->document_id, "=");
}

TEST(ShipmentFilterTest, ErrorsSayWhereWhatCameAndWhatIsWanted) {
  EXPECT_EQ(Error("stat = LABELED"),
            "filter: at character 1: \"stat\", want state, order, document_id, connection, "
            "tracking_number, ups_shipment_id, create_time, update_time or label_time");
  EXPECT_EQ(Error("state LABELED"),
            "filter: at character 7: \"LABELED\", want = or != after state");
  EXPECT_EQ(Error("state"), "filter: at character 6: the end, want = or != after state");
  EXPECT_EQ(Error("state ="), "filter: at character 8: the end, want a value for state");
  EXPECT_EQ(Error("state = = LOST"), "filter: at character 9: \"=\", want a value for state");
  EXPECT_THAT(Error("state = SHIPPED"),
              HasSubstr("at character 9: \"SHIPPED\", want RECEIVED, VALIDATING"));
  EXPECT_THAT(Error("state = STATE_UNSPECIFIED"), HasSubstr("LOST"));
  EXPECT_THAT(Error("state = labeled"), HasSubstr("want RECEIVED"));
  EXPECT_EQ(Error("order > orders/a"), "filter: at character 7: \">\", want = after order");
  EXPECT_EQ(Error("order = a"), "filter: at character 9: \"a\", want orders/{id}");
  EXPECT_EQ(Error("connection = 'connections/'"),
            "filter: at character 14: \"\\'connections/\\'\", want connections/{id}");
  EXPECT_EQ(Error("create_time = 2026-11-01T00:00:00Z"),
            "filter: at character 13: \"=\", want <, <=, > or >= after create_time");
  EXPECT_EQ(Error("create_time > 2026-11-01"),
            "filter: at character 15: \"2026-11-01\", want a time with its zone, such as "
            "2026-11-01T00:00:00Z");
  EXPECT_EQ(Error("document_id = \"x"), "filter: at character 15: \"\\\"x\", want a closing \"");
  EXPECT_EQ(Error("state = LOST, order = orders/a"),
            "filter: at character 9: \"LOST,\", want " +
                Error("state = X").substr(Error("state = X").find("want ") + 5));
  EXPECT_EQ(Error("state = LOST OR state = VOIDED"),
            "filter: at character 14: \"OR\", want AND or the end");
  EXPECT_EQ(Error("state = LOST and state = LOST"),
            "filter: at character 14: \"and\", want AND or the end");
  EXPECT_THAT(Error("state = LOST AND"), HasSubstr("at character 17: the end, want state, "));
  EXPECT_THAT(Error("NOT state = LOST"), HasSubstr("at character 1: \"NOT\", want state, "));
  EXPECT_THAT(Error("(state = LOST)"), HasSubstr("at character 1: \"(state\", want state, "));
  EXPECT_EQ(Error("document_id:1"), "filter: at character 1: \"document_id:1\", want " +
                                        Error("x").substr(Error("x").find("want ") + 5));
}

TEST(ShipmentFilterTest, PositionsCountCharactersNotBytes) {
  EXPECT_THAT(Error("document_id = 'Größe' OR"), HasSubstr("at character 23: \"OR\""));
}

TEST(ShipmentFilterTest, TimesThatNoShipmentHasAreRefused) {
  for (const char* time : {"infinite-future", "0001-01-01T00:00:00Z", "99999-01-01T00:00:00Z",
                           "2026-11-01T00:00:00", "2026-13-01T00:00:00Z", "yesterday"}) {
    EXPECT_THAT(Error(absl::StrCat("create_time > ", time)), HasSubstr("want a time with its zone"))
        << time;
  }
}

TEST(ShipmentFilterTest, ALongFilterIsRefused) {
  EXPECT_EQ(Error(std::string(2001, ' ')), "filter: 2001 bytes, want at most 2000");
}

TEST(ShipmentFilterTest, WhatIsWrongIsShownShortAndPrintable) {
  const std::string error = Error(std::string("\x01\xff\n\x7f", 4) + std::string(500, 'x'));
  EXPECT_LT(error.size(), 300u);
  for (const char c : error) EXPECT_TRUE(c >= ' ' && c <= '~');
}

// ---- Whatever comes, the answer is a filter or a clear error. ----

void ExpectFilterOrClearError(const std::string& text) {
  ShipmentFilter filter;
  const absl::Status status = AddFilter(text, filter);
  if (status.ok()) {
    for (const TimeRange& range : {filter.created, filter.updated, filter.labelled}) {
      EXPECT_TRUE(filter.none || range.from < range.to) << text;
    }
    return;
  }
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << text;
  const std::string message(status.message());
  EXPECT_THAT(message, AllOf(StartsWith("filter: at character "), HasSubstr(", want "))) << text;
  for (const char c : message) ASSERT_TRUE(c >= ' ' && c <= '~') << text;
}

TEST(ShipmentFilterPropertyTest, AnyBytesAreAFilterOrAClearError) {
  std::mt19937 random(20'261'126);
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 40, '\0');
    for (char& c : text) c = static_cast<char>(random());
    ExpectFilterOrClearError(text);
  }
}

TEST(ShipmentFilterPropertyTest, AnyOrderOfPiecesIsAFilterOrAClearError) {
  const std::vector<std::string> pieces = {"state",
                                           "order",
                                           "document_id",
                                           "create_time",
                                           "label_time",
                                           "=",
                                           "!=",
                                           "<",
                                           ">=",
                                           ":",
                                           "LABELED",
                                           "VOIDED",
                                           "AND",
                                           "OR",
                                           "\"",
                                           "'",
                                           "\\",
                                           "2026-11-01T00:00:00Z",
                                           "orders/a",
                                           " ",
                                           "\n",
                                           "\"a b\"",
                                           std::string(1, '\0'),
                                           "(",
                                           ")",
                                           "-1",
                                           "\xc3",
                                           "1Z"};
  std::mt19937 random(5);
  int parsed = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text;
    for (unsigned n = random() % 12; n > 0; --n) {
      absl::StrAppend(&text, pieces[random() % pieces.size()], random() % 3 == 0 ? "" : " ");
    }
    ExpectFilterOrClearError(text);
    parsed += Parse(text).ok();
  }
  EXPECT_GT(parsed, 100);  // both ways are taken
}

}  // namespace
}  // namespace psups::shipment_builder
