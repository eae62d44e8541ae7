#include <algorithm>
#include <chrono>
#include <string>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(PeopleSoftSandboxTest, AFaultHitsAsOftenAsItsCountAndIsJournalled) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "bare_500"}, {"count", 2}});
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_THAT(Results(Messages({Message(MessageId(1))})), ElementsAre("OK")) << "another route";
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(Journal()[0]["fault"], "x");
  EXPECT_TRUE(Journal()[3]["fault"].is_null());
}

TEST_F(PeopleSoftSandboxTest, AFaultMatchesASubstringOfTargetOrBody) {
  Fault({{"id", "x"}, {"route", "*"}, {"kind", "bare_500"}, {"match", MessageId(77)}});
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(Post(Messages({Message(MessageId(76))})).status, 200);
  EXPECT_EQ(Post(Messages({Message(MessageId(77))})).status, 500);
}

TEST_F(PeopleSoftSandboxTest, AProbabilityIsTheSameForTheSameSeed) {
  const auto hits = [&](int seed) {
    Fault({{"id", "x"},
           {"route", "query"},
           {"kind", "bare_500"},
           {"probability", 0.3},
           {"seed", seed}});
    std::string drawn;
    for (int i = 0; i < 200; ++i) drawn += Get(WholeDay()).status == 500 ? '1' : '0';
    return drawn;
  };
  const std::string first = hits(7);
  EXPECT_EQ(hits(7), first);
  EXPECT_NE(hits(8), first);
  const auto count = std::count(first.begin(), first.end(), '1');
  EXPECT_GT(count, 30);
  EXPECT_LT(count, 90);
}

TEST_F(PeopleSoftSandboxTest, AFaultMayEndAfterATime) {
  Fault({{"id", "x"}, {"route", "*"}, {"kind", "status_503"}, {"for_ms", 60'000}});
  now_ += absl::Milliseconds(59'999);
  EXPECT_EQ(Get(WholeDay()).status, 503);
  now_ += absl::Milliseconds(1);
  EXPECT_EQ(Get(WholeDay()).status, 200);
  Fault({{"id", "x"}, {"route", "*"}, {"kind", "status_503"}, {"for_ms", 60'000}});
  EXPECT_EQ(Get(WholeDay()).status, 503) << "added anew, it begins anew";
}

TEST_F(PeopleSoftSandboxTest, BadFaultsAreRefusedWhole) {
  const auto refused = [&](const Json& rule) {
    const absl::Status status = site_->ChangeFaults(
        {{"add", Json::array({{{"id", "good"}, {"route", "*"}, {"kind", "bare_500"}}, rule})}});
    return std::string(status.message());
  };
  EXPECT_THAT(refused({{"id", "x"}, {"route", "query"}, {"kind", "explode"}}), HasSubstr("kind"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "ship"}, {"kind", "slow"}}), HasSubstr("route"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "*"}, {"kind", "slow"}}), HasSubstr("delay_ms"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "writeback"}, {"kind", "wrong_numrows"}}),
              HasSubstr("kind"));
  EXPECT_THAT(refused({{"route", "*"}, {"kind", "slow"}}), HasSubstr("id"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "*"}, {"kind", "bare_500"}, {"for_ms", -1}}),
              HasSubstr("for_ms"));
  EXPECT_THAT(refused({{"id", "x"}, {"route", "*"}, {"kind", "bare_500"}, {"often", 1}}),
              HasSubstr("often"));
  EXPECT_THAT(site_->DescribeFaults(), IsEmpty());
}

struct InPlace {
  std::string kind = {};
  int status = 0;
  std::string body = {};
};

class InPlaceFaultTest : public PeopleSoftSandboxTest,
                         public testing::WithParamInterface<InPlace> {};

TEST_P(InPlaceFaultTest, AnswersWithoutDoingAnything) {
  Fault({{"id", "x"},
         {"route", "*"},
         {"kind", GetParam().kind},
         {"body", "custom"},
         {"status", 429}});
  const HttpResponse written = Post(Messages({Message(MessageId(1))}));
  const HttpResponse read = Get(WholeDay());
  for (const HttpResponse& response : {written, read}) {
    EXPECT_EQ(response.status, GetParam().status);
    EXPECT_THAT(response.body, HasSubstr(GetParam().body));
  }
  EXPECT_THAT(Truth()["updates"], IsEmpty());
  EXPECT_THAT(Truth()["reads"], IsEmpty());
  EXPECT_EQ(Journal()[0]["status"], GetParam().status);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, InPlaceFaultTest,
    testing::Values(InPlace{"status", 429, "custom"},
                    InPlace{"ib_error_200", 200, "<IBResponse type=\"error\">"},
                    InPlace{"bare_500", 500, ""}, InPlace{"unauthorized", 401, "(158,45)"},
                    InPlace{"permission_158_536", 403, "(158,536)"},
                    InPlace{"contact_158_10721", 500, "(158,10721)"},
                    InPlace{"html_login", 200, "<!DOCTYPE html>"},
                    InPlace{"redirect_302", 302, "<!DOCTYPE html>"},
                    InPlace{"status_503", 503, "<!DOCTYPE html>"}),
    [](const auto& info) { return info.param.kind; });

TEST_F(PeopleSoftSandboxTest, RedirectPointsToALoginPage) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "redirect_302"}});
  EXPECT_THAT(std::string(FindHeader(Get(WholeDay()).headers, "Location")), HasSubstr("cmd=login"));
}

struct OnWire {
  std::string kind = {};
  WireFault fault = WireFault::kSend;
  bool done = true;
  bool replied = false;
};

class OnWireFaultTest : public PeopleSoftSandboxTest, public testing::WithParamInterface<OnWire> {};

TEST_P(OnWireFaultTest, DoesTheWorkOrNotAndHurtsTheReply) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", GetParam().kind}, {"delay_ms", 5}});
  const auto reply =
      Send({.method = "POST", .target = kTracking, .body = Messages({Message(MessageId(1))})});
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->fault, GetParam().fault);
  EXPECT_EQ(reply->delay, std::chrono::milliseconds(5));
  EXPECT_EQ(Truth()["updates"].size(), GetParam().done ? 1U : 0U);
  EXPECT_EQ(Journal()[0]["status"], GetParam().replied ? Json(200) : Json());
}

INSTANTIATE_TEST_SUITE_P(Kinds, OnWireFaultTest,
                         testing::Values(OnWire{"slow", WireFault::kSend, true, true},
                                         OnWire{"reset_before", WireFault::kReset, false, false},
                                         OnWire{"done_then_reset", WireFault::kReset, true, false},
                                         OnWire{"done_then_close", WireFault::kClose, true, false},
                                         OnWire{"truncate", WireFault::kTruncate, true, true},
                                         OnWire{"reset_mid_body", WireFault::kResetMidBody, true,
                                                true}),
                         [](const auto& info) { return info.param.kind; });

TEST_F(PeopleSoftSandboxTest, WithheldReplyIsNeverGivenThoughTheWorkIsDone) {
  Fault({{"id", "x"}, {"route", "writeback"}, {"kind", "withhold"}, {"count", 1}});
  const HttpServerRequest request = {
      .method = "POST", .target = kTracking, .body = Messages({Message(MessageId(1))})};
  EXPECT_FALSE(Send(request).has_value());
  EXPECT_TRUE(Journal()[0]["status"].is_null());
  EXPECT_THAT(Results(request.body), ElementsAre("DUPLICATE"));
}

TEST_F(PeopleSoftSandboxTest, DuplicateRowsComeTwiceAndAreCutLikeOthers) {
  Load({PurchaseOrder("0000000200")});
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "duplicate_rows"}});
  EXPECT_THAT(Ids(WholeDay()), ElementsAre("0000000123", "0000000123", "0000000200", "0000000200"));
  EXPECT_EQ(Query(WholeDay("PSUPS_PO", 3))["numrows"], 3);
}

TEST_F(PeopleSoftSandboxTest, WrongNumrowsClaimsARowTooMany) {
  Fault({{"id", "x"}, {"route", "query"}, {"kind", "wrong_numrows"}});
  const Json answer = Query(WholeDay());
  EXPECT_EQ(answer["numrows"], 2);
  EXPECT_EQ(answer["rows"].size(), 1U);
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
