#include "services/ps-ingest/ps_error.h"

#include "common/testing/status_matchers.h"

namespace psups::ps_ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string IbResponse(int id, const std::string& message) {
  return "<?xml version=\"1.0\"?><IBResponse type=\"error\"><DefaultTitle>Integration Broker "
         "Response</DefaultTitle><StatusCode>20</StatusCode><MessageSet>158</MessageSet>"
         "<MessageID>" +
         std::to_string(id) + "</MessageID><DefaultMessage>" + message +
         "</DefaultMessage><MessageParameters/></IBResponse>";
}

struct Case {
  const char* name;
  int status;
  std::string body;
  std::optional<PsErrorKind> kind;
};

class FindErrorTest : public ::testing::TestWithParam<Case> {};

TEST_P(FindErrorTest, KnowsWhoHasToAct) {
  const auto error = FindError(HttpResponse{.status = GetParam().status, .body = GetParam().body},
                               "query PSUPS_PO");
  ASSERT_EQ(error.has_value(), GetParam().kind.has_value());
  if (error.has_value()) {
    EXPECT_EQ(error->kind, *GetParam().kind) << error->sentence;
  }
}

INSTANTIATE_TEST_SUITE_P(
    EachAnswer, FindErrorTest,
    ::testing::Values(
        Case{"Json", 200, R"({"status":"success"})", std::nullopt},
        Case{"PasswordIn200", 200, IbResponse(45, "User password failed. (158,45)"),
             PsErrorKind::kAuth},
        Case{"PasswordIn500", 500, IbResponse(45, "User password failed. (158,45)"),
             PsErrorKind::kAuth},
        Case{"UnknownUser", 500, IbResponse(55, "UserName not defined in database. (158,55)"),
             PsErrorKind::kAuth},
        Case{"Bare401", 401, "", PsErrorKind::kAuth}, Case{"Bare403", 403, "", PsErrorKind::kAuth},
        Case{"Html401", 401, "<html>", PsErrorKind::kAuth},
        Case{"Permission", 403,
             IbResponse(536, "User X not authorized to invoke Service Operation Y. (158,536)"),
             PsErrorKind::kPermission},
        Case{"NumbersInElementsOnly", 200, IbResponse(536, "no"), PsErrorKind::kPermission},
        Case{"Gateway", 500, IbResponse(10721, "External System Contact Error (158,10721)"),
             PsErrorKind::kTransient},
        Case{"HandlerErrorIn200", 200,
             IbResponse(10001, "(-1,-1) PKG.Class.OnExecute Name:x PCPC:1 Statement:2 (158,10001)"),
             PsErrorKind::kTransient},
        Case{"UnknownQueryIn200", 200, IbResponse(10001, "Query X not found. (158,10001)"),
             PsErrorKind::kConfig},
        Case{"SoapFault", 500,
             "<?xml version=\"1.0\"?><SOAP-ENV:Envelope><SOAP-ENV:Body><SOAP-ENV:Fault>"
             "<faultstring>null</faultstring><detail><IBResponse><DefaultMessage>User password "
             "failed. (158,45)</DefaultMessage></IBResponse></detail></SOAP-ENV:Fault>",
             PsErrorKind::kAuth},
        Case{"LoginPage", 200, "\n <!DOCTYPE html><html>login</html>", PsErrorKind::kTransient},
        Case{"Redirect", 302, "", PsErrorKind::kTransient},
        Case{"Bare500", 500, "", PsErrorKind::kTransient},
        Case{"Proxy503", 503, "<html>busy</html>", PsErrorKind::kTransient},
        Case{"NoSuchPath", 404, "<html>no</html>", PsErrorKind::kConfig}),
    [](const auto& info) { return info.param.name; });

TEST(FindError, TellsATransportFailureFromAnAnswerTooLarge) {
  EXPECT_EQ(FindError(absl::UnavailableError("refused"), "q")->kind, PsErrorKind::kTransient);
  EXPECT_EQ(FindError(absl::DeadlineExceededError(""), "q")->kind, PsErrorKind::kTransient);
  EXPECT_EQ(FindError(absl::ResourceExhaustedError(""), "q")->kind, PsErrorKind::kTooLarge);
  EXPECT_EQ(FindError(absl::InvalidArgumentError(""), "q")->kind, PsErrorKind::kConfig);
}

TEST(FindError, NeverRepeatsPeopleSoftsWords) {
  const auto error =
      FindError(HttpResponse{.status = 200, .body = IbResponse(1, "for Jane Roe at 1 Main St")},
                "query PSUPS_PO");
  EXPECT_THAT(error->sentence, Not(HasSubstr("Jane")));
  EXPECT_THAT(error->sentence, HasSubstr("158,1"));
}

TEST(NotSuccess, ReadsTheMessage) {
  EXPECT_EQ(
      NotSuccess(R"x({"status":"error","message":"User password failed. (158,45)"})x", "q").kind,
      PsErrorKind::kAuth);
  EXPECT_EQ(NotSuccess(R"({"status":"error","message":"Query does not exist"})", "q").kind,
            PsErrorKind::kConfig);
  EXPECT_EQ(NotSuccess(R"({"status":"error"})", "q").kind, PsErrorKind::kTransient);
}

}  // namespace
}  // namespace psups::ps_ingest
