#include <string>
#include <vector>

#include "services/ps-ingest/quiet.h"
#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Sweeps, backfills, and the pace of reading.
class PurposesTest : public SandboxTest {
 protected:
  void Read(const std::string& purpose) {
    for (int i = 0; i < 400; ++i) {
      stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = '" + purpose +
                  "' AND (position_time IS NOT NULL OR round_time IS NULL)");
      const auto count = poller_->Step();
      ASSERT_OK(count.status());
      poller_->Drain();
      if (*count == 0) return;
    }
    FAIL() << "the round does not end";
  }
  int64_t SecondsUntilDue(const std::string& purpose) {
    return stack_.Count(
        "SELECT round(extract(epoch FROM due_time - now())) FROM source_cursors "
        "WHERE document_type = 'PO' AND purpose = '" +
        purpose + "'");
  }
  Json Reads() { return Admin("GET", "/admin/truth")["reads"]; }
};

TEST_F(PurposesTest, ASweepFindsWhatCameTooLateForThePolls) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  settings.set_max_window_seconds(86400 * 60);
  Connect(settings);
  Poll();
  // A batch program's commit of a week later, far beyond the overlap.
  Load({Order("0000000002", "2026-11-19T10:00:00")});
  Poll();
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001"));
  Read("SWEEP");
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001", "0000000002"));
  EXPECT_GT(Stored().last_sweep_time().seconds(), 0);
  EXPECT_GT(SecondsUntilDue("SWEEP"), 86000);
}

TEST_F(PurposesTest, ASweepCanBeAsRareAsOnceAYear) {
  pb::Connection settings = Settings();
  settings.set_sweep_interval_seconds(31'536'000);
  Connect(settings);
  EXPECT_GT(SecondsUntilDue("SWEEP"), 31'535'000);
}

TEST_F(PurposesTest, ASweepFindsWhatChangedWithoutAWordOfIt) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  settings.set_max_window_seconds(86400 * 60);
  Connect(settings);
  Poll();
  Json changed = Order("0000000001", "2026-11-20T10:00:00");
  changed["LINES"][0]["SCHEDULES"][0]["QTY_PO"] = "9";
  Load({changed});
  Poll();
  Read("SWEEP");
  ASSERT_THAT(Orders(), SizeIs(1));
  EXPECT_EQ(Orders()[0].revision(), 2);
  EXPECT_EQ(Orders()[0].schedules(0).open_quantity(), "9");
}

TEST_F(PurposesTest, WhatIsNewIsReadBeforeASweepGoesOn) {
  Connect(Settings());
  stack_.Exec(
      "UPDATE source_cursors SET due_time = now() - interval '1 hour' "
      "WHERE purpose = 'SWEEP'");
  ASSERT_OK_AND_ASSIGN(const auto leased, stack_.polls->LeasePolls(10, absl::Seconds(30)));
  ASSERT_THAT(leased, SizeIs(1));
  EXPECT_EQ(leased[0].cursor.purpose, Purpose::kPoll);
}

TEST_F(PurposesTest, ABackfillReadsItsDaysOnceAndEnds) {
  Load({Order("0000000001", "2026-09-01T00:00:00"), Order("0000000002", "2026-09-02T23:59:59"),
        Order("0000000003", "2026-09-03T00:00:01")});
  Connect(Settings());
  Poll();
  EXPECT_THAT(Orders(), IsEmpty());  // long before the go-live
  Executor slow(1);
  ConnectionServer server(*stack_.connections, *people_soft_, calls_, executor_, slow, [] {});
  pb::BackfillConnectionRequest request;
  request.set_name("connections/c1");
  request.set_from_date("2026-09-01");
  request.set_to_date("2026-09-02");
  ASSERT_OK(server.Backfill(request, kAdmin).status());
  Read("BACKFILL");
  EXPECT_THAT(DocumentIds(), ElementsAre("0000000001", "0000000002"));
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM source_cursors WHERE purpose = 'BACKFILL' "
                         "AND enabled"),
            0);
  EXPECT_THAT(stack_.Audit("connection.backfill"), SizeIs(1));
  ASSERT_OK_AND_ASSIGN(const auto windows, stack_.connections->ListWindows("c1", {.size = 1}));
  EXPECT_EQ(windows.items[0].purpose(), pb::Window::BACKFILL);
}

TEST_F(PurposesTest, ABackfillOfNoDaysIsRefused) {
  Connect(Settings());
  Executor slow(1);
  ConnectionServer server(*stack_.connections, *people_soft_, calls_, executor_, slow, [] {});
  pb::BackfillConnectionRequest request;
  request.set_name("connections/c1");
  for (const char* from : {"", "yesterday", "2026-13-01", "2036-01-01"}) {
    request.set_from_date(from);
    EXPECT_THAT(server.Backfill(request, kAdmin).status(),
                testing::HasCode(absl::StatusCode::kInvalidArgument))
        << from;
  }
}

TEST_F(PurposesTest, PollsThatBringNothingComeAtLongerIntervals) {
  pb::Connection settings = Settings();
  settings.set_poll_interval_seconds(60);
  settings.set_max_poll_interval_seconds(200);
  Connect(settings);
  std::vector<int64_t> waits;
  for (int round = 0; round < 5; ++round) {
    Poll();
    waits.push_back(SecondsUntilDue("POLL"));
  }
  EXPECT_THAT(waits, ElementsAre(60, 120, 200, 200, 200));
  Load({Order("0000000002", "now")});
  site_ahead_ = site_ahead_.load() + absl::Seconds(5);  // beyond the lag
  Poll();                                               // learns of the site's clock
  Poll();
  EXPECT_EQ(SecondsUntilDue("POLL"), 60);
}

TEST_F(PurposesTest, NothingIsReadOrWrittenInQuietHours) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  const absl::Time now = SiteNow();
  auto& quiet = *settings.add_quiet_hours();
  quiet.set_from(absl::FormatTime("%H:%M", now - absl::Minutes(5), ZoneOf(settings)));
  quiet.set_to(absl::FormatTime("%H:%M", now + absl::Minutes(90), ZoneOf(settings)));
  Connect(settings);
  Poll();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAdmin));
  WriteBack();
  EXPECT_THAT(Journal(), IsEmpty());
  EXPECT_GT(SecondsUntilDue("POLL"), 60 * 80);
}

TEST(QuietHours, HoldUntilTheirEndAlsoPastMidnightAndInTheRepeatedHour) {
  pb::Connection connection = TestConnection();
  auto& quiet = *connection.add_quiet_hours();
  quiet.set_from("22:00");
  quiet.set_to("01:30");
  const absl::TimeZone zone = ZoneOf(connection);
  const auto at = [&](int day, int hour, int minute) {
    return absl::FromCivil(absl::CivilMinute(2026, 10, day, hour, minute), zone);
  };
  EXPECT_EQ(QuietUntil(connection, at(20, 21, 59)), std::nullopt);
  EXPECT_EQ(QuietUntil(connection, at(20, 22, 0)), at(21, 1, 30));
  EXPECT_EQ(QuietUntil(connection, at(21, 1, 29)), at(21, 1, 30));
  EXPECT_EQ(QuietUntil(connection, at(21, 1, 30)), std::nullopt);
  // 1:10 for the second time: 1:30 was an hour ago and comes again.
  const absl::Time second =
      absl::FromCivil(absl::CivilMinute(2026, 11, 1, 0, 0), zone) + absl::Minutes(130);
  ASSERT_TRUE(QuietUntil(connection, second).has_value());
  EXPECT_GT(*QuietUntil(connection, second), second);
}

}  // namespace
}  // namespace psups::ps_ingest
