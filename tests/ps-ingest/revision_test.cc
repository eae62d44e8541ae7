#include "services/ps-ingest/revision.h"

#include "common/testing/status_matchers.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

using orders::v1::Order;

const absl::Time kRead = absl::FromUnixSeconds(1'795'446'000);

Order At(const std::string& updated, int batch = 0, const std::string& quantity = "4") {
  Order order;
  order.set_document_status("D");
  order.set_change_order_batch(batch);
  order.set_last_update_local_time(updated);
  order.add_schedules()->set_ordered_quantity(quantity);
  return order;
}

StoredRevision Stored(const Order& order) {
  return {.revision = 1,
          .content_hash = ContentHash(order),
          .change_order_batch = order.change_order_batch(),
          .last_update_local_time = order.last_update_local_time(),
          .read_start_time = kRead};
}

Verdict After(const Order& stored, const Order& incoming,
              absl::Duration later = absl::Seconds(60)) {
  return Compare(Stored(stored), incoming, ContentHash(incoming), kRead + later, NewYork());
}

TEST(ContentHash, LeavesOutWhatSaysNothing) {
  const Order order = At("2026-11-23T10:00:00");
  Order again = At("2026-11-23T11:00:00", 3);
  again.set_revision(7);
  again.set_withdrawn(true);
  EXPECT_EQ(ContentHash(order), ContentHash(again));
  EXPECT_NE(ContentHash(order), ContentHash(At("2026-11-23T10:00:00", 0, "5")));
}

TEST(Compare, StoresTheFirst) {
  EXPECT_EQ(Compare({}, At("2026-11-23T10:00:00"), "h", kRead, NewYork()), Verdict::kNewer);
}

TEST(Compare, StoresNothingForTheSameAgain) {
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T10:00:00")), Verdict::kSame);
}

TEST(Compare, OnlyTouchesForADispatchAgain) {
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T11:00:00")), Verdict::kTouched);
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T10:00:00", 1)), Verdict::kTouched);
}

TEST(Compare, TakesOtherContentThatIsNotOlder) {
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T11:00:00", 0, "5")), Verdict::kNewer);
  // Received quantities change without a new update time.
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T10:00:00", 0, "5")), Verdict::kNewer);
}

TEST(Compare, RefusesAnOlderUpdateTimeOrBatch) {
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T09:59:59", 0, "5")), Verdict::kOlder);
  EXPECT_EQ(After(At("2026-11-23T10:00:00", 2), At("2026-11-23T11:00:00", 1, "5")),
            Verdict::kOlder);
}

TEST(Compare, RefusesWhatWasReadBefore) {
  EXPECT_EQ(After(At("2026-11-23T10:00:00"), At("2026-11-23T11:00:00", 0, "5"), -absl::Seconds(1)),
            Verdict::kOlder);
  EXPECT_EQ(
      After(At("2026-11-23T10:00:00"), At("2026-11-23T11:00:00", 0, "5"), absl::ZeroDuration()),
      Verdict::kOlder);
}

TEST(Compare, AllowsAnHourBackInTheRepeatedHourOnly) {
  // 01:50 may be before the clocks went back, 01:10 after it.
  EXPECT_EQ(After(At("2026-11-01T01:50:00"), At("2026-11-01T01:10:00", 0, "5")), Verdict::kNewer);
  EXPECT_EQ(After(At("2026-11-01T02:10:00"), At("2026-11-01T01:50:00", 0, "5")), Verdict::kOlder);
  EXPECT_EQ(After(At("2026-10-31T01:50:00"), At("2026-10-31T01:10:00", 0, "5")), Verdict::kOlder);
}

}  // namespace
}  // namespace psups::ps_ingest
