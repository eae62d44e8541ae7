#include <string>

#include "absl/strings/str_replace.h"
#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(PeopleSoftSandboxTest, WrongPasswordIs401With158_45) {
  password_ = "wrong";
  const HttpResponse response = Get(WholeDay());
  EXPECT_EQ(response.status, 401);
  EXPECT_THAT(response.body, HasSubstr("<IBResponse type=\"error\">"));
  EXPECT_THAT(response.body, HasSubstr("<MessageSet>158</MessageSet><MessageID>45</MessageID>"));
  EXPECT_THAT(response.body, HasSubstr("<Parameter>ANONYMOUS</Parameter>"));
  EXPECT_EQ(FindHeader(response.headers, "WWW-Authenticate"), "");
  EXPECT_EQ(Post(Messages({Message(MessageId(1))})).status, 401);
  EXPECT_THAT(Truth()["updates"], IsEmpty());

  Open({{"auth_failure_status", 500}, {"www_authenticate", true}});
  EXPECT_EQ(Get(WholeDay()).status, 500);
  EXPECT_THAT(std::string(FindHeader(Get(WholeDay()).headers, "WWW-Authenticate")),
              StartsWith("Basic"));
}

TEST_F(PeopleSoftSandboxTest, OperationNotGrantedIs158_536) {
  Open({{"operations", {"PSUPS_TRACKING_POST"}}});
  const HttpResponse response = Get(WholeDay());
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, HasSubstr("User PSUPS not authorized to invoke Service Operation "
                                       "QAS_EXECUTEQRY_REST_GET. (158,536)"));
  EXPECT_THAT(Results(Messages({Message(MessageId(1))})), ElementsAre("OK"));
}

TEST_F(PeopleSoftSandboxTest, UnknownQueryIs200WithAnErrorInDevelopment) {
  for (const char* const name : {"NO_SUCH", "psups_po"}) {
    const HttpResponse response = Get(WholeDay(name));
    EXPECT_EQ(response.status, 200);
    EXPECT_THAT(response.body, HasSubstr("<IBResponse type=\"error\">"));
    EXPECT_NE(FindHeader(response.headers, "transactionid"), "");
  }
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"public", "PRIVATE"}})).body,
              HasSubstr("IBResponse"));
  EXPECT_THAT(Ids(absl::StrReplaceAll(WholeDay(), {{"public", "PUBLIC"}})),
              ElementsAre("0000000123"));
}

TEST_F(PeopleSoftSandboxTest, UnknownQueryIsABare500InProduction) {
  Open({{"service_status", "Production"}});
  const HttpResponse response = Get(WholeDay("NO_SUCH"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(Get(WholeDay() + "&filterfields=X").status, 500);
}

TEST_F(PeopleSoftSandboxTest, QueryErrorsCanComeInJson) {
  Open({{"query_error_form", "json"}});
  EXPECT_EQ(Json::parse(Get(WholeDay("NO_SUCH")).body)["status"], "error");
}

TEST_F(PeopleSoftSandboxTest, WrongNodePrefixAndPathFail) {
  EXPECT_THAT(Get(absl::StrReplaceAll(WholeDay(), {{"PSFT_EP", "PSFT_HR"}})).body,
              HasSubstr("(158,10721)"));
  EXPECT_EQ(Get("/erp" + WholeDay()).status, 404);
  EXPECT_EQ(Get(std::string(kBase) + "QAS_EXECUTEQUERY.v1/x").status, 404);
  EXPECT_EQ(Send({.method = "POST", .target = WholeDay()})->response.status, 405);
  Open({{"path_prefix", "/erp"}});
  EXPECT_THAT(Ids("/erp" + WholeDay()), ElementsAre("0000000123"));
  EXPECT_EQ(Get(WholeDay()).status, 404);
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
