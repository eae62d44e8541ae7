#include <string>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::HasSubstr;

constexpr char kGrant[] = "grant_type=client_credentials";

// A site that takes bearers of an identity provider only.
class IdentityTest : public PeopleSoftSandboxTest {
 protected:
  IdentityTest() { OpenWith(nlohmann::json::object()); }

  void OpenWith(const nlohmann::json& more) {
    nlohmann::json options = {
        {"auth", {"client_credentials"}}, {"client_id", "psups"}, {"client_secret", "s3 cret"}};
    options.update(more);
    Open(options);
  }

  HttpResponse AskForToken(const std::string& form) {
    authorization_ = BasicAuthorization("psups", "s3 cret");
    return Send({.method = "POST", .target = "/oauth2/token", .body = form}).value().response;
  }

  void UseNewToken() {
    authorization_ = "Bearer " + Json::parse(AskForToken(kGrant).body).value("access_token", "");
  }
};

TEST_F(IdentityTest, ATokenOpensTheQueryAndTheWriteBack) {
  const HttpResponse granted = AskForToken(kGrant);
  EXPECT_EQ(granted.status, 200);
  Json token = Json::parse(granted.body);
  EXPECT_EQ(token["token_type"], "Bearer");
  EXPECT_EQ(token["expires_in"], 3600);
  UseNewToken();
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(Post(Messages({Message(MessageId(1))})).status, 200);
  EXPECT_EQ(Truth()["tokens_issued"], 2);
  EXPECT_EQ(Journal()[0]["route"], "token");
}

TEST_F(IdentityTest, TheClientMayStandInTheForm) {
  authorization_ = "";
  const auto status = [&](const std::string& form) {
    return Send({.method = "POST", .target = "/oauth2/token", .body = form})->response.status;
  };
  EXPECT_EQ(status("grant_type=client_credentials&client_id=psups&client_secret=s3+cret"), 200);
  EXPECT_EQ(status("grant_type=client_credentials&client_id=psups&client_secret=s3%20cret"), 200);
  EXPECT_EQ(status("grant_type=client_credentials&client_id=psups"), 401);
  EXPECT_THAT(Journal()[0]["body"].get<std::string>(),
              testing::MatchesRegex("grant_type=client_credentials&client_id=psups&"
                                    "client_secret=sha256:[0-9a-f]{12}"));
}

TEST_F(IdentityTest, RefusesAWrongClientGrantScopeAndAudience) {
  OpenWith({{"scope", "fscm/.default"}, {"audience", "fscm"}});
  const std::string scope = "&scope=fscm%2F.default";
  EXPECT_EQ(AskForToken(kGrant + scope + "&audience=fscm").status, 200);
  EXPECT_THAT(AskForToken("grant_type=password" + scope).body, HasSubstr("unsupported_grant_type"));
  EXPECT_THAT(AskForToken(std::string(kGrant) + "&scope=hr&audience=fscm").body,
              HasSubstr("{\"error\":\"invalid_scope\"}"));
  EXPECT_EQ(AskForToken(kGrant).status, 400);
  EXPECT_THAT(AskForToken(kGrant + scope).body, HasSubstr("invalid_target"));
  OpenWith({{"client_secret", "changed"}});
  const HttpResponse refused = AskForToken(kGrant);
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.body, "{\"error\":\"invalid_client\"}");
  EXPECT_EQ(Truth()["tokens_issued"], 0);
}

TEST_F(IdentityTest, ATokenEndsWithItsTimeOrWhenAllAreRevoked) {
  UseNewToken();
  now_ += absl::Seconds(3599);
  EXPECT_EQ(Get(WholeDay()).status, 200);
  now_ += absl::Seconds(1);
  const HttpResponse expired = Get(WholeDay());
  EXPECT_EQ(expired.status, 401);
  EXPECT_THAT(expired.body, HasSubstr("<MessageSet>158</MessageSet><MessageID>45</MessageID>"));
  UseNewToken();
  EXPECT_EQ(Get(WholeDay()).status, 200);
  site_->RevokeTokens();
  EXPECT_EQ(Get(WholeDay()).status, 401);
  EXPECT_EQ(Truth()["tokens_issued"], 2) << "issued they were";
}

TEST_F(IdentityTest, TheLifeMayComeAsTextOrNotAtAll) {
  OpenWith({{"token_expires_in_form", "string"}, {"token_seconds", 60}});
  EXPECT_EQ(Json::parse(AskForToken(kGrant).body)["expires_in"], "60");
  OpenWith({{"token_expires_in_form", "absent"}});
  EXPECT_FALSE(Json::parse(AskForToken(kGrant).body).contains("expires_in"));
}

TEST_F(IdentityTest, OnlyTheKindsThatTheSiteTakesAreGood) {
  EXPECT_EQ(Get(WholeDay()).status, 401) << "Basic";
  Open({{"auth", {"bearer"}}, {"bearer_token", "fixed"}});
  EXPECT_EQ(Get(WholeDay()).status, 401) << "Basic";
  authorization_ = "Bearer fixed";
  EXPECT_EQ(Get(WholeDay()).status, 200);
  authorization_ = "Bearer other";
  EXPECT_EQ(Get(WholeDay()).status, 401);
  Open({{"auth", {"basic", "bearer"}}, {"bearer_token", "fixed"}});
  authorization_.reset();
  EXPECT_EQ(Get(WholeDay()).status, 200);
  authorization_ = "Bearer fixed";
  EXPECT_EQ(Get(WholeDay()).status, 200);
}

TEST_F(IdentityTest, TokenFaultsAreOfTheTokenRouteAlone) {
  UseNewToken();
  Fault({{"id", "x"}, {"route", "token"}, {"kind", "status_503"}, {"count", 1}});
  EXPECT_EQ(Get(WholeDay()).status, 200);
  EXPECT_EQ(AskForToken(kGrant).status, 503);
  Fault({{"id", "x"}, {"route", "token"}, {"kind", "unauthorized"}, {"count", 1}});
  EXPECT_EQ(AskForToken(kGrant).body, "{\"error\":\"invalid_client\"}");
  Fault({{"id", "x"}, {"route", "*"}, {"kind", "permission_158_536"}, {"count", 1}});
  EXPECT_EQ(AskForToken(kGrant).status, 200) << "an identity provider has no such error";
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
