#include "services/ups-gateway/account/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/ups-gateway/sandbox_fixture.h"

namespace psups::ups_gateway {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;
using Check = pb::TestAccountResponse::Check;

// Accounts examined against the sandbox.
class DoctorTest : public SandboxFixture {
 protected:
  void SetUp() override { Start({}); }

  void Start(ups_sandbox::Config config) {
    gateway_ = nullptr;
    StartSandbox(std::move(config));
    SandboxFixture::Start();
  }

  void CreateAccount(const std::string& url, const std::string& secret = "s3cret",
                     const std::function<void(pb::Account&)>& change = {}) {
    pb::Account settings = TestSettings("demo", url);
    if (change) change(settings);
    ASSERT_OK(gateway_->CreateAccount(settings, secret));
  }
  // The checks as "name RESULT", and their next steps.
  std::vector<std::string> Examine(Doctor& doctor) {
    std::promise<absl::StatusOr<pb::TestAccountResponse>> promise;
    doctor.Examine(*gateway_->accounts->Get("demo"),
                   Caller{.identity = "spiffe://psups/operator/olaf"},
                   [&](auto response) { promise.set_value(std::move(response)); });
    absl::StatusOr<pb::TestAccountResponse> response = promise.get_future().get();
    EXPECT_OK(response);
    std::vector<std::string> lines;
    steps_.clear();
    findings_.clear();
    for (const Check& check : response->checks()) {
      lines.push_back(absl::StrCat(check.name(), " ", Check::Result_Name(check.result())));
      steps_.push_back(check.next_step());
      findings_.push_back(check.finding());
      EXPECT_EQ(check.result() == Check::FAILED, !check.next_step().empty()) << check.name();
      EXPECT_FALSE(check.finding().empty());
    }
    return lines;
  }
  std::vector<std::string> Examine() { return Examine(gateway_->doctor); }

  std::set<std::string> RecordedCalls() {
    std::set<std::string> ids;
    auto rows = schema_.db().Exec("SELECT entry FROM audit_outbox");
    EXPECT_OK(rows);
    for (const Row row : *rows) {
      const auto entry = nlohmann::json::parse(row.Binary("entry"));
      const nlohmann::json detail = entry.value("detail", nlohmann::json::object());
      if (detail.contains("call_id")) ids.insert(detail["call_id"].get<std::string>());
      for (const auto& call : detail.value("calls", nlohmann::json::array())) {
        ids.insert(call["call_id"].get<std::string>());
        if (entry["action"] == "ups.test") {
          EXPECT_EQ(entry["actor"], "spiffe://psups/operator/olaf");
          EXPECT_EQ(entry["subject"], "accounts/demo");
        }
      }
    }
    return ids;
  }
  absl::Status Track() {
    pb::TrackPackageRequest track;
    track.set_account("accounts/demo");
    track.set_tracking_number("1Z023E2X0214323462");
    return gateway_->Call(&UpsOperations::TrackPackage, track).status();
  }

  std::vector<std::string> steps_;
  std::vector<std::string> findings_;
};

TEST_F(DoctorTest, AHealthyAccountPassesBuysNothingAndEachCallIsRecorded) {
  CreateAccount(Url());
  EXPECT_THAT(Examine(), ElementsAre("dns OK", "tls OK", "token OK", "address_validation OK",
                                     "shipping OK", "tracking OK", "track_alert OK"));
  const auto truth = Admin("GET", "/admin/truth");
  EXPECT_THAT(truth["shipments"], IsEmpty());
  EXPECT_THAT(Journal("token"), SizeIs(1));
  const std::set<std::string> recorded = RecordedCalls();
  for (const auto& seen : Journal()) {
    EXPECT_TRUE(recorded.contains(seen["call_id"].get<std::string>())) << seen;
  }
  // What was asked for on purpose is no error, and the next examination needs no other token.
  EXPECT_THAT(*gateway_->accounts->ListErrors("demo", std::nullopt, 10), IsEmpty());
  EXPECT_THAT(Examine(), Each(HasSubstr(" OK")));
  EXPECT_THAT(Journal("token"), SizeIs(1));
}

TEST_F(DoctorTest, AProductThatTheAppLacksIsNamedAndNothingElsePaysForIt) {
  CreateAccount(Url());
  AddFault({{"id", "x"}, {"route", "track"}, {"kind", "expire_token"}});
  AddFault({{"id", "y"}, {"route", "xav"}, {"kind", "status"}, {"status", 403}});
  EXPECT_THAT(Examine(), ElementsAre("dns OK", "tls OK", "token OK", "address_validation FAILED",
                                     "shipping OK", "tracking FAILED", "track_alert OK"));
  EXPECT_THAT(steps_[3], HasSubstr("Address Validation"));
  EXPECT_THAT(steps_[5], HasSubstr("add the product Tracking"));
  EXPECT_THAT(Journal("token"), SizeIs(1));  // the token was not blamed
  EXPECT_THAT(Journal("track"), SizeIs(1));
  // Once the product is there, it works at once: no pause came of it.
  Admin("POST", "/admin/faults", {{"remove", nlohmann::json::array({"x", "y"})}});
  EXPECT_OK(Track());
  EXPECT_THAT(Journal("token"), SizeIs(1));
}

TEST_F(DoctorTest, AProductThatPausesIsAskedNevertheless) {
  CreateAccount(Url(), "s3cret");
  AddFault({{"id", "x"}, {"route", "track"}, {"kind", "expire_token"}});
  EXPECT_FALSE(Track().ok());
  EXPECT_FALSE(Track().ok());
  Admin("POST", "/admin/faults", {{"remove", nlohmann::json::array({"x"})}});
  EXPECT_FALSE(Track().ok());  // it pauses
  EXPECT_THAT(Examine(), Each(HasSubstr(" OK")));
}

TEST_F(DoctorTest, ATokenThatUpsTookBackIsRenewedBeforeTheAppIsBlamed) {
  CreateAccount(Url());
  ASSERT_OK(Track());
  Admin("POST", "/admin/reset");  // UPS knows the token no more
  EXPECT_THAT(Examine(), Each(HasSubstr(" OK")));
  EXPECT_THAT(Journal("token"), SizeIs(1));
  for (const auto& seen : Journal()) {
    EXPECT_TRUE(RecordedCalls().contains(seen["call_id"].get<std::string>())) << seen;
  }
}

TEST_F(DoctorTest, AnAppWithoutAnyProductIsToldSoForEach) {
  CreateAccount(Url());
  for (const char* route : {"xav", "recovery", "track", "subscribe"}) {
    AddFault({{"id", route}, {"route", route}, {"kind", "expire_token"}});
  }
  EXPECT_THAT(Examine(), ElementsAre("dns OK", "tls OK", "token OK", "address_validation FAILED",
                                     "shipping FAILED", "tracking FAILED", "track_alert FAILED"));
  EXPECT_LE(Journal("token").size(), 2u);
}

TEST_F(DoctorTest, AWrongSecretFailsTheTokenAndSkipsWhatNeedsOne) {
  CreateAccount(Url(), "wrong");
  EXPECT_THAT(Examine(),
              ElementsAre("dns OK", "tls OK", "token FAILED", "address_validation SKIPPED",
                          "shipping SKIPPED", "tracking SKIPPED", "track_alert SKIPPED"));
  EXPECT_THAT(steps_[2], HasSubstr("account rotate"));
  for (int i = 0; i < 10; ++i) Examine();
  EXPECT_THAT(Journal("token"), SizeIs(1));  // counted like any other, and so are its refusals
}

TEST_F(DoctorTest, AHostThatDoesNotAnswerIsToldFromOneWithoutAName) {
  CreateAccount("http://127.0.0.1:1");
  EXPECT_THAT(Examine(),
              ElementsAre("dns OK", "tls FAILED", "token SKIPPED", "address_validation SKIPPED",
                          "shipping SKIPPED", "tracking SKIPPED", "track_alert SKIPPED"));
  EXPECT_THAT(findings_[1], HasSubstr("cannot be reached"));
  EXPECT_THAT(steps_[1], HasSubstr("firewall"));
  std::string asked;
  Doctor nameless(gateway_->line, gateway_->asker, gateway_->recorder,
                  [&](const std::string& host) {
                    asked = host;
                    return absl::UnavailableError("Name or service not known");
                  });
  EXPECT_THAT(Examine(nameless), ElementsAre("dns FAILED", "tls SKIPPED", "token SKIPPED",
                                             "address_validation SKIPPED", "shipping SKIPPED",
                                             "tracking SKIPPED", "track_alert SKIPPED"));
  EXPECT_EQ(asked, "127.0.0.1");
}

TEST_F(DoctorTest, ACertificateThatIsNotTrustedIsNamed) {
  const std::string folder = ::testing::TempDir();
  const std::string certificate = folder + "/ups_doctor_cert.pem";
  const std::string key = folder + "/ups_doctor_key.pem";
  ASSERT_EQ(std::system(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
                         "-nodes -days 30 -subj /CN=127.0.0.1 -addext "
                         "subjectAltName=IP:127.0.0.1 -keyout " +
                         key + " -out " + certificate + " 2>/dev/null")
                            .c_str()),
            0);
  Start({.tls_certificate_file = certificate, .tls_key_file = key});
  CreateAccount("https://" + sandbox_->api_address());
  EXPECT_EQ(Examine()[1], "tls FAILED");
  EXPECT_THAT(findings_[1], HasSubstr("certificate"));
  EXPECT_THAT(steps_[1], HasSubstr("ca_bundle_pem"));
  // Where it is trusted, all is well.
  std::ifstream file(certificate);
  const std::string pem{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  ASSERT_OK(gateway_->accounts->Update("demo",
                                       [&](const pb::Account& stored) {
                                         pb::Account settings = stored;
                                         settings.set_ca_bundle_pem(pem);
                                         return settings;
                                       },
                                       {.action = "account.update"}));
  EXPECT_THAT(Examine(), Each(HasSubstr(" OK")));
}

TEST_F(DoctorTest, ThePublicCallFindsTheAccount) {
  CreateAccount(Url());
  const auto test = [&](const std::string& name) {
    std::promise<absl::StatusOr<pb::TestAccountResponse>> promise;
    pb::TestAccountRequest request;
    request.set_name(name);
    gateway_->account_server.Test(request, Caller{.identity = "spiffe://psups/operator/olaf"},
                                  [&](auto response) { promise.set_value(std::move(response)); });
    return promise.get_future().get();
  };
  EXPECT_EQ(test("accounts/demo")->checks_size(), 7);
  EXPECT_THAT(test("accounts/nobody").status(), testing::HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(test("demo").status(), testing::HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace psups::ups_gateway
