#include <string>

#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A site that says later what became of a message.
class ConfirmTest : public SandboxTest {
 protected:
  ConfirmTest() {
    Open({{"write_back_mode", "async"}});
    Load({Order("0000000001", "2026-11-20T10:00:00")});
    pb::Connection settings = Settings();
    settings.set_write_back_status_query("PSUPS_TRACKING_STATUS");
    Connect(settings);
  }

  std::string State(int sequence) {
    const auto listed = stack_.write_backs->List({}, {.size = 100});
    EXPECT_OK(listed.status());
    for (const pb::WriteBack& one : listed->items) {
      if (one.update().sequence_number() == sequence) {
        return pb::WriteBack::State_Name(one.state());
      }
    }
    return "";
  }
  void Confirm() {
    stack_.Exec("UPDATE write_backs SET confirm_time = now()");
    WriteBack();
  }
};

TEST_F(ConfirmTest, AnAcceptedMessageIsWrittenOnceTheSiteSaysSo) {
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAdmin));
  WriteBack();
  EXPECT_EQ(State(1), "ACCEPTED");
  EXPECT_EQ(State(2), "PENDING");  // in order: not before the first is settled
  Confirm();
  EXPECT_EQ(State(1), "WRITTEN");
  Confirm();
  EXPECT_EQ(State(2), "WRITTEN");
  EXPECT_THAT(Updates(), SizeIs(2));
  std::multiset<std::string> recorded = CallsRecorded("ps.query");
  recorded.merge(CallsRecorded("ps.write_back"));
  EXPECT_EQ(recorded, CallsSeen());
}

TEST_F(ConfirmTest, AMessageThatFailedAfterItWasAcceptedIsParkedAndBlocksItsScheduleOnly) {
  Fault({{"id", "f"}, {"route", "writeback"}, {"kind", "accepted_but_failed"}, {"count", 1}});
  ASSERT_OK(stack_.write_backs->Report({Update(1), Update(2)}, kAdmin));
  WriteBack();
  Confirm();
  EXPECT_EQ(State(1), "PARKED");
  EXPECT_EQ(State(2), "PENDING");
  const auto listed = stack_.write_backs->List({.state = pb::WriteBack::PARKED}, {.size = 10});
  EXPECT_THAT(listed->items.at(0).last_error(), HasSubstr("accepted the message and then failed"));
}

TEST_F(ConfirmTest, AMessageThatNeverArrivesIsSentAgain) {
  Configure({{"write_back_apply_ms", 3'600'000}});
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAdmin));
  WriteBack();
  Confirm();
  EXPECT_EQ(State(1), "ACCEPTED");
  Configure({{"write_back_apply_ms", 0}});
  stack_.Exec("UPDATE write_backs SET accept_time = now() - interval '11 minutes'");
  Confirm();  // gives it up, and sends it again
  Confirm();
  EXPECT_EQ(State(1), "WRITTEN");
}

TEST_F(ConfirmTest, AStatusQueryThatIsAwayLosesNothing) {
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAdmin));
  WriteBack();
  stack_.Exec("UPDATE write_backs SET accept_time = now() - interval '11 minutes'");
  Fault({{"id", "f"}, {"route", "query"}, {"kind", "status_503"}, {"count", 1}});
  Confirm();
  EXPECT_EQ(State(1), "ACCEPTED");
  Confirm();
  EXPECT_EQ(State(1), "WRITTEN");
}

TEST_F(ConfirmTest, TheSitesOwnFieldNamesAreUsed) {
  Configure({{"write_back_mode", "sync"},
             {"write_back_fields", {{"MSG_ID", "UPS_MSG"}, {"TRACKING_NBR", "PRO_NUMBER"}}}});
  pb::Connection settings = Stored();
  (*settings.mutable_write_back_fields())["MSG_ID"] = "UPS_MSG";
  (*settings.mutable_write_back_fields())["TRACKING_NBR"] = "PRO_NUMBER";
  ASSERT_OK(stack_.connections->Update(settings, "", kAdmin).status());
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAdmin));
  WriteBack();
  Confirm();
  EXPECT_EQ(State(1), "WRITTEN");
  EXPECT_THAT(Updates(), SizeIs(1));
}

}  // namespace
}  // namespace psups::ps_ingest
