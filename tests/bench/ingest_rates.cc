// What ps-ingest does in a second, against a PeopleSoft site in the same process and a real
// database. Prints "NAME value" lines; tests/bench/ingest_rates.py runs it.

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "services/ps-ingest/query_url.h"
#include "services/ps-ingest/read.h"
#include "services/ps-ingest/write_back.h"
#include "tests/ps-ingest/samples.h"
#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::duration duration) { return std::chrono::duration<double>(duration).count(); }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

class IngestRates : public SandboxTest {
 protected:
  // Orders that were read long ago, with their revisions.
  void MakeHistory(int count) {
    constexpr int kAtOnce = 100'000;  // within a statement's time limit
    for (int from = 1; from <= count; from += kAtOnce) {
      const std::string numbers =
          absl::StrCat("generate_series(", from, ", ", std::min(count, from + kAtOnce - 1), ") n");
      stack_.Exec(
          "INSERT INTO orders (connection_id, document_type, read_start_time, order_id, "
          "  business_unit, document_id, revision, state, change_order_batch, document_status, "
          "  document_date, last_update_local, content_hash, open_schedules, trace_id) "
          "SELECT 'c1', 'PO', now() - interval '90 days', 'c1-' || md5(n::text), 'US009', "
          "  lpad(n::text, 10, '0'), 1, 'ACKNOWLEDGED', 0, 'C', '2026-01-01', "
          "  '2026-01-01T00:00:00', sha256(n::text::bytea), '', md5(n::text) FROM " +
          numbers);
      stack_.Exec(
          "INSERT INTO order_revisions (connection_id, order_id, revision, call_id, content) "
          "SELECT 'c1', 'c1-' || md5(n::text), 1, '', convert_to(repeat('x', 600), 'UTF8') FROM " +
          numbers);
    }
    // What a database has done long before by itself.
    for (const char* table : {"orders", "order_revisions"}) {
      stack_.Exec(absl::StrCat("VACUUM ANALYZE ", table));
    }
    stack_.Exec("CHECKPOINT");
  }

  // The seconds that a poll takes that brings `changed` orders, the median of `rounds`.
  double PollSeconds(int changed, int rounds) {
    std::vector<double> took;
    for (int round = 0; round < rounds; ++round) {
      // Behind the lag already.
      const std::string stamp =
          absl::FormatTime("%Y-%m-%dT%H:%M:%S", SiteNow() - absl::Seconds(3), ZoneOf(Stored()));
      std::vector<Json> documents;
      for (int i = 0; i < changed; ++i) {
        documents.push_back(Order(absl::StrFormat("%010d", i + 1), stamp));
        documents.back()["PO_REF"] = absl::StrCat("round ", round);
      }
      Load(documents);
      const auto begin = Clock::now();
      Poll();
      took.push_back(Seconds(Clock::now() - begin));
      EXPECT_EQ(stack_.Count(absl::StrCat("SELECT count(*) FROM orders WHERE business_unit = ",
                                          "'US001' AND revision = ", round + 1)),
                changed);
    }
    return Median(took);
  }
};

constexpr int kChanged = 200;
constexpr int kRounds = 15;

class PollAgainst : public IngestRates, public ::testing::WithParamInterface<int> {};

TEST_P(PollAgainst, History) {
  pb::Connection settings = Settings();
  settings.set_max_window_seconds(86400 * 300);
  Connect(settings);
  Poll();
  MakeHistory(GetParam());
  std::printf("poll_against_%d %.6f\n", GetParam(), PollSeconds(kChanged, kRounds));
}

INSTANTIATE_TEST_SUITE_P(Orders, PollAgainst, ::testing::Values(10'000, 1'000'000));

class WriteBacks : public IngestRates {
 protected:
  static constexpr int kSchedules = 2000;

  // One for each schedule; `round` makes their ids.
  std::vector<pb::TrackingUpdate> Statuses(const std::string& round) {
    std::vector<pb::TrackingUpdate> updates;
    for (int i = 0; i < kSchedules; ++i) {
      updates.push_back(Update(1));
      updates.back().set_update_id(Hex(Sha256(absl::StrCat(round, i))).substr(0, 32));
      updates.back().mutable_document()->set_document_id(absl::StrFormat("%010d", i + 1));
    }
    return updates;
  }
};

TEST_F(WriteBacks, OfASite) {
  std::vector<Json> documents;
  for (int i = 0; i < kSchedules; ++i) documents.push_back(Order(absl::StrFormat("%010d", i + 1)));
  Load(documents);
  Connect(Settings());
  const std::vector<pb::TrackingUpdate> bare = Statuses("bare");
  auto begin = Clock::now();
  for (int i = 0; i < kSchedules; i += 100) {
    const std::vector<pb::TrackingUpdate> batch(bare.begin() + i, bare.begin() + i + 100);
    const HttpOutcome outcome = admin_client_->Send(
        {.method = "POST",
         .url = OperationUrl(Stored().base_url(), Stored().node(), Stored().write_back_path()),
         .headers = {{"Authorization", BasicAuthorization("PSUPS", "secret")},
                     {"Content-Type", "application/json"}},
         .body = MessagesJson(batch, ZoneOf(Stored()))});
    ASSERT_OK(outcome.response.status());
  }
  std::printf("bare_posts_per_second %.1f\n", kSchedules / Seconds(Clock::now() - begin));

  const std::vector<pb::TrackingUpdate> ours = Statuses("ours");
  for (int i = 0; i < kSchedules; i += 500) {
    ASSERT_OK(stack_.write_backs->Report({ours.begin() + i, ours.begin() + i + 500}, kAdmin));
  }
  begin = Clock::now();
  WriteBack();
  std::printf("write_backs_per_second %.1f\n", kSchedules / Seconds(Clock::now() - begin));
  ASSERT_EQ(static_cast<int>(Updates().size()), 2 * kSchedules);
}

// 1,000 rows of 500 documents, read to judged documents, and parsed by the JSON library alone.
TEST(Parsing, Documents) {
  std::vector<nlohmann::ordered_json> rows;
  for (int i = 0; i < 1000; ++i) {
    rows.push_back(SampleRow());
    rows.back()["A.PO_ID"] = absl::StrFormat("%010d", i / 2);
    rows.back()["B.LINE_NBR"] = i % 2 + 1;
  }
  const std::string body = SampleBody(rows);
  const PeopleSoft::Reply reply = {.response = HttpResponse{.status = 200, .body = body}};
  const pb::Connection connection = SampleConnection();
  std::vector<double> ours, library;
  for (int round = 0; round < 21; ++round) {
    auto begin = Clock::now();
    const Answer answer =
        Understand(reply, connection, type::v1::PURCHASE_ORDER, 100'000, "query Q");
    ours.push_back(Seconds(Clock::now() - begin));
    ASSERT_EQ(answer.documents.readable.size(), 500u);
    begin = Clock::now();
    const auto json = nlohmann::json::parse(body);
    library.push_back(Seconds(Clock::now() - begin));
    ASSERT_TRUE(json.is_object());
  }
  std::printf("documents_parsed_per_second %.0f\n", 500 / Median(ours));
  std::printf("documents_parsed_per_second_by_the_library %.0f\n", 500 / Median(library));
}

}  // namespace
}  // namespace psups::ps_ingest
