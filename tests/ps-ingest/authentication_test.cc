#include <string>

#include "services/ps-ingest/tokens.h"
#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// A site that takes tokens of its identity provider.
class AuthenticationTest : public SandboxTest {
 protected:
  AuthenticationTest() { OpenWith(Json::object()); }

  void OpenWith(const Json& more) {
    Json options = {{"auth", {"client_credentials"}},
                    {"client_id", "psups"},
                    {"client_secret", "s3cret"},
                    {"scope", "erp.read"}};
    options.update(more);
    Open(options);
  }

  pb::Connection TokenSettings() const {
    pb::Connection settings = Settings();
    settings.set_authentication(pb::Connection::CLIENT_CREDENTIALS);
    settings.set_token_url(absl::StrCat("http://", sandbox_->api_address(), "/oauth2/token"));
    settings.set_client_id("psups");
    settings.set_scope("erp.read");
    return settings;
  }

  int64_t TokensIssued() { return Admin("GET", "/admin/truth")["tokens_issued"].get<int64_t>(); }
};

TEST_F(AuthenticationTest, OneTokenServesAllCallsUntilItExpires) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(TokenSettings(), "s3cret");
  Poll();
  Poll();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAdmin));
  WriteBack();
  EXPECT_THAT(DocumentIds(), SizeIs(1));
  EXPECT_THAT(Updates(), SizeIs(1));
  EXPECT_EQ(TokensIssued(), 1);
}

TEST_F(AuthenticationTest, ATokenThatExpiresMidRunIsRenewedAndNothingFails) {
  OpenWith({{"token_seconds", 1}});
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(TokenSettings(), "s3cret");
  Poll();
  // Its life is over for us nine tenths of a second after it was issued.
  while (TokensIssued() < 2) Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_EQ(Stored().last_error(), "");
}

TEST_F(AuthenticationTest, ARevokedTokenIsReplacedOnceAndTheCallIsMadeAgain) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Connect(TokenSettings(), "s3cret");
  Poll();
  Admin("POST", "/admin/tokens/revoke", Json::object());
  Poll();
  EXPECT_EQ(TokensIssued(), 2);
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_EQ(Stored().last_error(), "");
  // Both calls are on record, each under an id of its own, and so are those for tokens.
  std::multiset<std::string> recorded = CallsRecorded("ps.query");
  recorded.merge(CallsRecorded("ps.token"));
  recorded.merge(CallsRecorded("ps.token_refused"));
  EXPECT_EQ(recorded, CallsSeen());
}

TEST_F(AuthenticationTest, ARefusedClientSecretStopsTheConnection) {
  Connect(TokenSettings(), "wrong");
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::STOPPED);
  EXPECT_THAT(Stored().state_reason(), HasSubstr("the client id or its secret"));
  const std::size_t calls = Journal().size();
  Poll();
  EXPECT_THAT(Journal(), SizeIs(calls));
}

TEST_F(AuthenticationTest, AnIdentityProviderThatIsAwayIsAskedAgain) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Fault({{"id", "away"}, {"route", "token"}, {"kind", "status_503"}, {"count", 1}});
  Connect(TokenSettings(), "s3cret");
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_THAT(Stored().last_error(), HasSubstr("identity provider"));
  Poll();
  EXPECT_EQ(Stored().last_error(), "");
  EXPECT_THAT(DocumentIds(), SizeIs(1));
}

TEST_F(AuthenticationTest, ACallThatNeverLeftForWantOfATokenIsToldApart) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Fault({{"id", "away"}, {"route", "token"}, {"kind", "status_503"}, {"count", 1}});
  Connect(TokenSettings(), "s3cret");
  Poll();
  const Json entry = stack_.Audit("ps.query").at(0);
  EXPECT_EQ(entry["detail"]["outcome"], "not sent");
  EXPECT_FALSE(CallsSeen().contains(entry["detail"]["call_id"].get<std::string>()));
  // The identity provider got its request and answered.
  EXPECT_EQ(stack_.Audit("ps.token").at(0)["detail"]["http_status"], 503);
  Poll();
  // A repetition that has no token does not leave either; what it repeats did.
  Admin("POST", "/admin/tokens/revoke", Json::object());
  Fault({{"id", "away"}, {"route", "token"}, {"kind", "status_503"}, {"count", 1}});
  Poll();
  const Json repeated = stack_.Audit("ps.token_refused").at(0);
  EXPECT_EQ(repeated["detail"]["outcome"], "not sent");
  EXPECT_TRUE(CallsSeen().contains(repeated["detail"]["repeats"].get<std::string>()));
  EXPECT_FALSE(CallsSeen().contains(repeated["detail"]["call_id"].get<std::string>()));
}

TEST_F(AuthenticationTest, AWrongScopeIsAMatterOfTheSetting) {
  pb::Connection settings = TokenSettings();
  settings.set_scope("erp.write");
  Connect(settings, "s3cret");
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::ACTIVE);
  EXPECT_THAT(Stored().last_error(), HasSubstr("scope"));
}

TEST_F(AuthenticationTest, AStaticBearerIsSentAsItIs) {
  Open({{"auth", {"bearer"}}, {"bearer_token", "abc.def"}});
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  pb::Connection settings = Settings();
  settings.set_authentication(pb::Connection::BEARER);
  Connect(settings, "abc.def");
  Poll();
  EXPECT_THAT(DocumentIds(), SizeIs(1));
}

TEST_F(AuthenticationTest, AStaticBearerThatIsRefusedStopsTheConnectionAtTheFirstCall) {
  Open({{"auth", {"bearer"}}, {"bearer_token", "abc.def"}});
  pb::Connection settings = Settings();
  settings.set_authentication(pb::Connection::BEARER);
  Connect(settings, "old");
  Poll();
  EXPECT_EQ(Stored().state(), pb::Connection::STOPPED);
  EXPECT_THAT(Journal(), SizeIs(1));
}

TEST_F(AuthenticationTest, ANewKindOfAuthenticationWantsANewPassword) {
  Connect(Settings());
  pb::Connection changed = Stored();
  changed.set_authentication(pb::Connection::BEARER);
  EXPECT_THAT(stack_.connections->Update(changed, "", kAdmin).status(),
              testing::HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(stack_.connections->Update(changed, "abc", kAdmin).status());
}

TEST(IssuedToken, IsReadWithItsLifeHoweverThatIsWritten) {
  const auto read = [](const std::string& body) {
    return ReadIssuedToken(HttpResponse{.status = 200, .body = body});
  };
  EXPECT_EQ(read(R"({"access_token":"a","expires_in":3600})")->lifetime, absl::Seconds(3600));
  EXPECT_EQ(read(R"({"access_token":"a","expires_in":"60"})")->lifetime, absl::Seconds(60));
  EXPECT_EQ(read(R"({"access_token":"a"})")->lifetime, absl::Minutes(5));
  EXPECT_EQ(read(R"({"access_token":"a","expires_in":-1})")->lifetime, absl::Minutes(5));
  for (const char* body : {"", "{}", "<html>", R"({"access_token":7})", R"({"access_token":""})",
                           R"({"access_token":"a\r\nX: y"})"}) {
    EXPECT_THAT(read(body).status(), testing::HasCode(absl::StatusCode::kFailedPrecondition))
        << body;
  }
}

}  // namespace
}  // namespace psups::ps_ingest
