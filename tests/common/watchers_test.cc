#include "common/watchers.h"

#include <atomic>
#include <future>

#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace psups {
namespace {

using testing::HasCode;
using testing::IsOkAndHolds;

// News is any number but 0. Nobody is answered by polling here.
class WatchersTest : public ::testing::Test {
 protected:
  std::future<absl::StatusOr<int>> Ask(absl::Duration wait) {
    auto answer = std::make_shared<std::promise<absl::StatusOr<int>>>();
    watchers_.Answer([this]() -> absl::StatusOr<int> { return news_.load(); }, wait,
                     [answer](absl::StatusOr<int> found) { answer->set_value(found); });
    return answer->get_future();
  }
  static bool Waits(const std::future<absl::StatusOr<int>>& answer) {
    return answer.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout;
  }

  std::atomic<int> news_ = 0;
  Watchers<int> watchers_{absl::Hours(1), [](int news) { return news != 0; }};
};

TEST_F(WatchersTest, NewsIsToldAtOnce) {
  news_ = 7;
  EXPECT_THAT(Ask(absl::Hours(1)).get(), IsOkAndHolds(7));
}

TEST_F(WatchersTest, WhoDoesNotWaitHearsThatThereIsNone) {
  EXPECT_THAT(Ask(absl::ZeroDuration()).get(), IsOkAndHolds(0));
}

TEST_F(WatchersTest, AllWhoWaitHearWhenNewsCame) {
  auto first = Ask(absl::Hours(1)), second = Ask(absl::Hours(1));
  EXPECT_TRUE(Waits(first));
  news_ = 7;
  watchers_.Notify();
  EXPECT_THAT(first.get(), IsOkAndHolds(7));
  EXPECT_THAT(second.get(), IsOkAndHolds(7));
}

TEST_F(WatchersTest, NewsOfAnotherReplicaIsSeenByPolling) {
  Watchers<int> polling(absl::Milliseconds(1), [](int news) { return news != 0; });
  std::promise<absl::StatusOr<int>> answer;
  polling.Answer([this]() -> absl::StatusOr<int> { return news_.load(); }, absl::Hours(1),
                 [&](absl::StatusOr<int> found) { answer.set_value(found); });
  news_ = 7;
  EXPECT_THAT(answer.get_future().get(), IsOkAndHolds(7));
}

TEST_F(WatchersTest, AnErrorIsAnAnswer) {
  std::promise<absl::StatusOr<int>> answer;
  watchers_.Answer([]() -> absl::StatusOr<int> { return absl::UnavailableError("down"); },
                   absl::Hours(1), [&](absl::StatusOr<int> found) { answer.set_value(found); });
  EXPECT_THAT(answer.get_future().get(), HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(WatchersTest, StoppingAnswersAllAndLaterOnesAtOnce) {
  auto waiting = Ask(absl::Hours(1));
  EXPECT_TRUE(Waits(waiting));
  watchers_.Stop();
  EXPECT_THAT(waiting.get(), IsOkAndHolds(0));
  EXPECT_THAT(Ask(absl::Hours(1)).get(), IsOkAndHolds(0));
}

}  // namespace
}  // namespace psups
