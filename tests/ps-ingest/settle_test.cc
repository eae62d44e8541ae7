#include "services/ps-ingest/settle.h"

#include "common/testing/status_matchers.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

using ::testing::HasSubstr;

// What a reading makes of the cursor.
class SettleTest : public ::testing::Test {
 protected:
  using Json = nlohmann::ordered_json;

  SettleTest() {
    poll_.connection = SampleConnection();
    poll_.cursor.position = window_.from;
    poll_.cursor.round_end = window_.to;
    poll_.cursor.window_limit = absl::Hours(24);
  }
  static Json RowOf(const std::string& id, int schedule = 1) {
    Json row = SampleRow();
    row["A.PO_ID"] = id;
    row["C.SCHED_NBR"] = schedule;
    return row;
  }
  Reading Of(const std::vector<nlohmann::ordered_json>& rows, int asked = 1000) {
    const PeopleSoft::Reply reply = {.response = HttpResponse{.body = SampleBody(rows)}};
    return {.window = window_,
            .call_id = "call",
            .asked = asked,
            .answer = Understand(reply, poll_.connection, poll_.type, asked, "query Q")};
  }
  ReadOutcome Settled(Reading reading) {
    const Deriver derive = [](std::string_view, std::string_view text) {
      return std::string(32, text.empty() ? 'x' : text.back());
    };
    return Settle(poll_, std::move(reading), {}, {.setup_retry = absl::Minutes(1)}, derive);
  }

  const absl::Time to_ = absl::FromUnixSeconds(1'795'449'600);
  const Window window_ = {to_ - absl::Hours(24), to_};
  PollLease poll_;
};

TEST_F(SettleTest, DocumentsThatAreNotBehindTheOneThatWasNamedAreAnAlarmAndNoEndlessLoop) {
  poll_.cursor.after = {.business_unit = "US001", .id = "0000000005"};
  const ReadOutcome outcome = Settled(Of({RowOf("0000000004"), RowOf("0000000006")}, 2));
  EXPECT_THAT(outcome.error, HasSubstr("AFTER_BU and AFTER_ID"));
  EXPECT_TRUE(outcome.revisions.empty());
  EXPECT_GE(outcome.wait, absl::Minutes(1));
  EXPECT_EQ(outcome.cursor.after->id, "0000000005");
}

TEST_F(SettleTest, OfACutAnswerAllButTheLastDocumentCountAndTheWindowGoesOnBehindThem) {
  const ReadOutcome outcome = Settled(Of({RowOf("1"), RowOf("2"), RowOf("2", 2), RowOf("3")}, 4));
  EXPECT_EQ(outcome.revisions.size(), 2u);
  EXPECT_EQ(outcome.cursor.after->id, "2");
  EXPECT_EQ(outcome.cursor.position, window_.from);
  EXPECT_EQ(outcome.wait, absl::ZeroDuration());
  EXPECT_TRUE(outcome.window->truncated());
}

TEST_F(SettleTest, WhatTakesTheSiteTooLongIsAskedForInHalvesAfterARest) {
  Reading reading = Of({});
  reading.took = absl::Seconds(30);
  reading.answer.error = PsError{.sentence = "late", .timed_out = true};
  const ReadOutcome outcome = Settled(std::move(reading));
  EXPECT_EQ(outcome.cursor.window_limit, absl::Hours(12));
  EXPECT_GE(outcome.wait, absl::Seconds(120));
}

TEST_F(SettleTest, ARoundWithAFaultIsReadAgainNoMoreOftenThanOneWithout) {
  Reading reading = Of({RowOf("1")});
  reading.answer.error = PsError{PsErrorKind::kData, "a row"};
  poll_.cursor.idle_rounds = 9;
  reading.answer.documents.readable.clear();
  const ReadOutcome outcome = Settled(std::move(reading));
  EXPECT_EQ(outcome.error, "a row");
  EXPECT_EQ(outcome.wait, absl::Seconds(poll_.connection.max_poll_interval_seconds()));
}

TEST_F(SettleTest, WhatWasTheLongestAnswerIsForgottenInTheCourseOfRounds) {
  poll_.cursor.most_rows = 800;
  const ReadOutcome outcome = Settled(Of({RowOf("1")}));
  EXPECT_EQ(outcome.cursor.most_rows, 700);
}

}  // namespace
}  // namespace psups::ps_ingest
