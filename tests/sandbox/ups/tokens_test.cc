// Tokens: their life, what the answer says of it, how they end, and what the truth keeps of all
// that.

#include <gmock/gmock.h>

#include <string>

#include "tests/sandbox/ups/sandbox_fixture.h"

namespace psups::ups_sandbox {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kTrackPath[] = "/api/track/v1/details/1ZF3R1N00300000000";

class TokensTest : public UpsSandboxTest {
 protected:
  Answer Change(const Json& change) { return Admin("POST", "/admin/clients", change); }
  Answer Track() { return Call("GET", kTrackPath); }
};

TEST_F(TokensTest, AnswerSaysOfALifeWhatTheClientIsToldToBelieve) {
  for (const Json& said : {Json("soon"), Json("-5"), Json(3599), Json("")}) {
    ASSERT_EQ(Change({{"client_id", "app"}, {"expires_in", said}}).code, 200);
    EXPECT_EQ(Token().body["expires_in"], said);
  }
  ASSERT_EQ(Change({{"client_id", "app"}, {"expires_in", Json()}}).code, 200);
  EXPECT_FALSE(Token().body.contains("expires_in"));
  EXPECT_EQ(Track().code, 200) << "the token is good for all that";
  ASSERT_EQ(Change({{"client_id", "app"}, {"token_seconds", 3599}}).code, 200);
  EXPECT_EQ(Token().body["expires_in"], "3599");
  EXPECT_EQ(Token("other").body["expires_in"], "14399") << "another client's";
}

TEST_F(TokensTest, ClientIsConfiguredToSayNonsense) {
  const auto config = ParseConfig(
      R"({"clients":[{"client_id":"app","client_secret":"s3cret","accounts":["F3R1N0"],
                      "token_seconds":5,"expires_in":"garbage"}]})");
  ASSERT_TRUE(config.ok()) << config.status();
  Restart(*config);
  EXPECT_EQ(Token().body["expires_in"], "garbage");
  EXPECT_EQ(Track().code, 200);
  advanced_seconds_ = 5;
  EXPECT_EQ(Track().error(), "251004");
}

TEST_F(TokensTest, SecretChangesWhileItRuns) {
  ASSERT_EQ(Track().code, 200);
  ASSERT_EQ(Change({{"client_id", "app"}, {"client_secret", "n3w"}}).code, 200);
  EXPECT_EQ(Token().error(), "10401");
  EXPECT_EQ(Token("app", "n3w").code, 200);
  EXPECT_EQ(Track().code, 200) << "a bearer from before stays good";
  ASSERT_EQ(Admin("POST", "/admin/reset").code, 200);
  EXPECT_EQ(Token().code, 200) << "the configuration's clients again";
}

TEST_F(TokensTest, ClientCanBeAdded) {
  EXPECT_EQ(Change({{"client_id", "third"}}).code, 400) << "without a secret";
  EXPECT_EQ(Token("third").error(), "10401");
  ASSERT_EQ(
      Change({{"client_id", "third"}, {"client_secret", "s3cret"}, {"accounts", {"TH1RD0"}}}).code,
      200);
  EXPECT_EQ(Token("third").code, 200);
  EXPECT_EQ(Change({{"client_id", "third"}, {"colour", "red"}}).code, 400);
}

TEST_F(TokensTest, RevokedBearersAreRefusedUntilThereIsANewOne) {
  for (const char* code : {"250002", "251004"}) {
    ASSERT_EQ(Track().code, 200);
    const Answer revoked = Admin("POST", "/admin/revoke", {{"client_id", "app"}, {"code", code}});
    EXPECT_EQ(revoked.body["revoked"], 1);
    EXPECT_EQ(Track().code, 401);
    EXPECT_EQ(Track().error(), code);
    bearer_.clear();
    EXPECT_EQ(Track().code, 200);
  }
  EXPECT_EQ(Admin("POST", "/admin/revoke", {{"client_id", "nobody"}}).code, 404);
  EXPECT_EQ(Admin("POST", "/admin/revoke", {{"client_id", "app"}, {"code", "1"}}).code, 400);
}

TEST_F(TokensTest, CallsAboveTheRateAre429WithoutAHint) {
  ASSERT_EQ(Change({{"client_id", "app"}, {"calls_per_second", 2}}).code, 200);
  const absl::Time start = Now();
  int refused = 0;
  while (refused == 0 && Now() - start < absl::Seconds(10)) {
    const Answer answer = Track();
    if (answer.code == 429) {
      ++refused;
      EXPECT_EQ(answer.error(), "10429");
    }
  }
  EXPECT_EQ(refused, 1);
  advanced_seconds_ = 1;
  EXPECT_EQ(Track().code, 200) << "a second later";
}

TEST_F(TokensTest, TruthHasEveryTokenRequestWhateverBecameOfIt) {
  (void)Token();
  (void)Token("app", "wrong");
  AddFault({{"id", "r"}, {"route", "token"}, {"kind", "done_then_reset"}, {"count", 1}});
  (void)Token();
  AddFault({{"id", "s"}, {"route", "token"}, {"kind", "status"}, {"status", 429}, {"count", 1}});
  (void)Token();
  const Json requests = Truth()["token_requests"];
  ASSERT_THAT(requests, SizeIs(4));
  for (const Json& request : requests) EXPECT_EQ(request["client_id"], "app");
  EXPECT_EQ(requests[0]["status"], 200);
  EXPECT_EQ(requests[0]["granted"], true);
  EXPECT_EQ(requests[1]["status"], 401);
  EXPECT_EQ(requests[1]["granted"], false);
  EXPECT_EQ(requests[2]["status"], Json()) << "the answer was lost";
  EXPECT_EQ(requests[2]["granted"], true);
  EXPECT_EQ(requests[3]["status"], 429);
  EXPECT_EQ(requests[3]["granted"], false);
}

TEST_F(TokensTest, TruthAndJournalShowUsesOfATokenThatHadEnded) {
  ASSERT_EQ(Track().code, 200);
  const std::string old = bearer_;
  ASSERT_EQ(Admin("POST", "/admin/revoke", {{"client_id", "app"}}).code, 200);
  bearer_.clear();
  ASSERT_EQ(Track().code, 200);
  bearer_ = old;
  EXPECT_EQ(Call("POST", kShipPath, DomesticShipment()).code, 401);
  bearer_ = "of nobody";
  EXPECT_EQ(Track().code, 401);
  advanced_seconds_ = 14400;
  bearer_.clear();
  const Json tokens = Truth()["tokens"];
  ASSERT_THAT(tokens, SizeIs(2));
  EXPECT_EQ(tokens[0]["n"], 1);
  EXPECT_EQ(tokens[0]["uses"], 2);
  EXPECT_TRUE(tokens[0]["revoked"].is_string());
  ASSERT_THAT(tokens[0]["late_uses"], SizeIs(1));
  EXPECT_EQ(tokens[0]["late_uses"][0]["route"], "ship");
  EXPECT_EQ(tokens[1]["revoked"], Json());
  EXPECT_THAT(tokens[1]["late_uses"], IsEmpty());
  EXPECT_GT(tokens[1]["expires"].get<std::string>(), tokens[1]["issued"].get<std::string>());

  std::string seen;
  const Json journal = Admin("GET", "/admin/journal").body["entries"];
  for (const Json& entry : journal) {
    if (entry["route"] != "token")
      seen += entry["token"].dump() + " " + entry["token_state"].get<std::string>() + ", ";
  }
  EXPECT_EQ(seen, "1 good, 2 good, 1 revoked, null unknown, ");
}

TEST_F(TokensTest, UseAfterTheLifeIsOver) {
  ASSERT_EQ(Track().code, 200);
  advanced_seconds_ = 14399;
  EXPECT_EQ(Track().error(), "251004");
  EXPECT_THAT(Truth()["tokens"][0]["late_uses"], SizeIs(1));
  EXPECT_THAT(Admin("GET", "/admin/journal").text, HasSubstr("\"token_state\":\"expired\""));
}

}  // namespace
}  // namespace psups::ups_sandbox
