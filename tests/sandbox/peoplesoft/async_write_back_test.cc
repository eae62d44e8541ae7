#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A site that accepts messages first and takes them five seconds later.
class AsyncWriteBackTest : public PeopleSoftSandboxTest {
 protected:
  AsyncWriteBackTest() { Open({{"write_back_mode", "async"}, {"write_back_apply_ms", 5000}}); }

  static std::string StatusTarget(int first, int second) {
    return Target("PSUPS_TRACKING_STATUS",
                  {{"ID_1", MessageId(first)}, {"ID_2", MessageId(second)}});
  }

  std::vector<std::string> Statuses() { return Ids(StatusTarget(1, 2), "A.STATUS"); }
};

TEST_F(AsyncWriteBackTest, AcceptsAndTakesLater) {
  const HttpResponse accepted = Post(Messages({Message(MessageId(1))}));
  EXPECT_EQ(accepted.status, 202);
  EXPECT_EQ(accepted.body, "");
  EXPECT_THAT(Statuses(), IsEmpty());
  EXPECT_THAT(Truth()["updates"], IsEmpty());
  now_ += absl::Seconds(5);
  EXPECT_EQ(Rows(StatusTarget(1, 2)), Json::array({{{"attr:rownumber", 1},
                                                    {"A.MSG_ID", MessageId(1)},
                                                    {"A.STATUS", "OK"},
                                                    {"A.MESSAGE", " "}}}));
  EXPECT_EQ(Truth()["updates"][0]["result"], "OK");
  EXPECT_EQ(Truth()["updates"][0]["time"], "2026-11-23T20:00:05.000Z");
}

TEST_F(AsyncWriteBackTest, WhatIsRefusedLaterHasTheStatusErrorUntilItComesAgain) {
  Post(Messages({Message(MessageId(1)), Message(MessageId(2), "0000000999")}));
  now_ += absl::Seconds(5);
  EXPECT_THAT(Statuses(), ElementsAre("OK", "ERROR"));
  EXPECT_EQ(Rows(StatusTarget(1, 2))[1]["A.MESSAGE"], "no such document, line or schedule");
  Post(Messages({Message(MessageId(2))}));
  now_ += absl::Seconds(5);
  EXPECT_THAT(Statuses(), ElementsAre("OK", "OK"));
}

TEST_F(AsyncWriteBackTest, ADuplicateStaysAsItWasStored) {
  Post(Messages({Message(MessageId(1))}));
  Json changed = Message(MessageId(1), "0000000999");
  Post(Messages({changed}));
  now_ += absl::Seconds(5);
  EXPECT_THAT(Statuses(), ElementsAre("OK"));
  EXPECT_EQ(Truth()["updates"][1]["result"], "DUPLICATE");
}

TEST_F(AsyncWriteBackTest, AcceptedButFailedIsSeenInTheStatus) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "accepted_but_failed"}, {"count", 1}});
  EXPECT_EQ(Post(Messages({Message(MessageId(1))})).status, 202);
  now_ += absl::Seconds(5);
  EXPECT_THAT(Statuses(), ElementsAre("ERROR"));
  EXPECT_EQ(Truth()["updates"][0]["result"], "ERROR");
}

TEST_F(AsyncWriteBackTest, WhatIsNoListOfMessagesIsRefusedAtOnce) {
  EXPECT_THAT(Post("not json").body, HasSubstr("IBResponse"));
  EXPECT_EQ(Post("{\"MESSAGES\":[]}").status, 202);
}

TEST_F(AsyncWriteBackTest, WithoutADelayTheNextRequestSeesItTaken) {
  Configure({{"write_back_apply_ms", 0}});
  Post(Messages({Message(MessageId(1))}));
  EXPECT_THAT(Statuses(), ElementsAre("OK"));
}

TEST_F(PeopleSoftSandboxTest, StatusQueryKnowsWhatIsStored) {
  const auto statuses = [&] {
    return Ids(Target("PSUPS_TRACKING_STATUS", {{"ID_1", MessageId(1)}, {"ID_2", MessageId(2)}}),
               "A.STATUS");
  };
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "accepted_but_failed"}, {"count", 1}});
  Post(Messages({Message(MessageId(1))}));
  EXPECT_THAT(statuses(), IsEmpty()) << "lost without a trace";
  Post(Messages({Message(MessageId(1)), Message(MessageId(2), "0000000999")}));
  EXPECT_THAT(statuses(), ElementsAre("OK")) << "what was refused at once was never accepted";
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
