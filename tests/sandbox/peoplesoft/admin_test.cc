#include "tests/sandbox/peoplesoft/admin.h"

#include <string>

#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(PeopleSoftSandboxTest, TruthHoldsDocumentsAsLoaded) {
  EXPECT_EQ(Dump(Truth()["documents"]), Dump(Json::array({PurchaseOrder("0000000123")})));
  Get(WholeDay());
  const Json reads = Truth()["reads"];
  EXPECT_EQ(reads, Json::array({{{"time", "2026-11-23T20:00:00.000Z"},
                                 {"query", "PSUPS_PO"},
                                 {"from", "2026-11-23 00:00:00"},
                                 {"to", "2026-11-23 23:59:59"},
                                 {"rows", 1}}}));
}

TEST_F(PeopleSoftSandboxTest, RefusesWhatPeopleSoftCouldNotHold) {
  const auto problem = [&](const std::string& pointer, const Json& value) {
    Json order = PurchaseOrder("0000000200");
    order[Json::json_pointer(pointer)] = value;
    return LoadProblem({{"documents", Json::array({order})}});
  };
  EXPECT_THAT(problem("/PO_ID", 200), HasSubstr("documents[0].PO_ID: want a string"));
  EXPECT_THAT(problem("/PO_ID", ""), HasSubstr("PO_ID: want a key value"));
  EXPECT_THAT(problem("/BUSINESS_UNIT", "TOOLONG"), HasSubstr("at most 5"));
  EXPECT_THAT(problem("/LINES/0/SCHEDULES/0/QTY_PO", "four"),
              HasSubstr("documents[0].LINES[0].SCHEDULES[0].QTY_PO: want a number"));
  EXPECT_THAT(problem("/PO_DT", "2026-02-29"), HasSubstr("PO_DT: want YYYY-MM-DD"));
  EXPECT_THAT(problem("/LAST_DTTM_UPDATE", "2026-11-23T10:00:00Z"), HasSubstr("LAST_DTTM_UPDATE"));
  EXPECT_THAT(problem("/LINES/0/LINE_NBR", 0), HasSubstr("LINE_NBR"));
  EXPECT_THAT(problem("/DOC_TYPE", "SO"), HasSubstr("DOC_TYPE"));
  EXPECT_THAT(LoadProblem({{"tables", {{"VENDORS", Json::array()}}}}), HasSubstr("tables.VENDORS"));
  EXPECT_THAT(LoadProblem({{"tables", {{"VENDOR", {{{"SETID", "SHARE"}}}}}}}),
              HasSubstr("tables.VENDOR[0].VENDOR_ID"));
  EXPECT_EQ(Truth()["documents"].size(), 1U) << "nothing of a bad load is stored";
}

TEST_F(PeopleSoftSandboxTest, ConfigNamesEveryProblemAtOnce) {
  const auto config = ParseConfig(
      R"({"node":"N","oprid":"O","row_keys":"both","base_time_zone":"Mars/Base","colour":"red"})");
  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr("password: want a string"));
  EXPECT_THAT(message, HasSubstr("row_keys: want alias|bare"));
  EXPECT_THAT(message, HasSubstr("base_time_zone"));
  EXPECT_THAT(message, HasSubstr("unknown key colour"));
}

TEST_F(PeopleSoftSandboxTest, EachKindOfAccessWantsItsSecrets) {
  const auto problem = [](const std::string& more) {
    return std::string(ParseConfig(R"({"node":"N","oprid":"O",)" + more + "}").status().message());
  };
  EXPECT_EQ(problem(R"("auth":["bearer"],"bearer_token":"t")"), "");
  EXPECT_THAT(problem(R"("auth":["bearer"])"), HasSubstr("bearer_token: want a string"));
  EXPECT_THAT(problem(R"("auth":["client_credentials"])"), HasSubstr("client_secret: want"));
  EXPECT_THAT(problem(R"("auth":["digest"])"),
              HasSubstr("auth: want a list of basic|bearer|client_credentials"));
  EXPECT_THAT(problem(R"("auth":[])"), HasSubstr("auth: want"));
}

TEST_F(PeopleSoftSandboxTest, TheSiteIsConfiguredAnewWhileItRuns) {
  Configure({{"row_keys", "bare"}, {"password", "changed"}});
  EXPECT_EQ(Get(WholeDay()).status, 401);
  password_ = "changed";
  EXPECT_EQ(OnlyRow()["PO_ID"], "0000000123");
  Configure({{"row_keys", nullptr}});
  EXPECT_EQ(OnlyRow()["A.PO_ID"], "0000000123") << "null is the default";
  site_->Reset();
  EXPECT_EQ(Get(WholeDay()).status, 200) << "a reset keeps the configuration";
}

TEST_F(PeopleSoftSandboxTest, ABadConfigurationChangesNothing) {
  const auto problem = [&](const nlohmann::json& change) {
    return std::string(site_->Configure(change.dump()).message());
  };
  EXPECT_THAT(problem({{"row_keys", "bare"}, {"colour", "red"}}), HasSubstr("unknown key colour"));
  EXPECT_THAT(problem({{"row_keys", "bare"}, {"api_listen", "127.0.0.1:1"}}),
              HasSubstr("api_listen: cannot change"));
  EXPECT_THAT(problem({{"password", nullptr}}), HasSubstr("password: want a string"));
  EXPECT_THAT(problem("row_keys"), HasSubstr("want a JSON object"));
  EXPECT_EQ(OnlyRow()["A.PO_ID"], "0000000123");
}

TEST_F(PeopleSoftSandboxTest, JournalHasEveryRequestButNoCredential) {
  Get(WholeDay());
  password_ = "wrong";
  Post("{\"MESSAGES\":[]}");
  const Json journal = Journal();
  ASSERT_EQ(journal.size(), 2U);
  EXPECT_EQ(journal[0]["n"], 1);
  EXPECT_EQ(journal[0]["time"], "2026-11-23T20:00:00.000Z");
  EXPECT_EQ(journal[0]["route"], "query");
  EXPECT_EQ(journal[0]["target"], WholeDay());
  EXPECT_EQ(journal[0]["call_id"], "call-1");
  EXPECT_EQ(journal[0]["status"], 200);
  EXPECT_TRUE(journal[0]["fault"].is_null());
  EXPECT_THAT(journal[0]["headers"]["Authorization"].get<std::string>(),
              testing::MatchesRegex("sha256:[0-9a-f]{12}"));
  EXPECT_EQ(journal[1]["route"], "writeback");
  EXPECT_EQ(journal[1]["status"], 401);
  EXPECT_EQ(journal[1]["body"], (Json{{"MESSAGES", Json::array()}}));
  EXPECT_EQ(Json::parse(site_->JournalSince(1)).size(), 1U);
}

TEST_F(PeopleSoftSandboxTest, AdminApiLoadsResetsAndShows) {
  const auto admin = [&](const std::string& method, const std::string& path,
                         const std::string& body = "", const std::string& query = "") {
    return Administer(*site_, {.method = method, .path = path, .query = query, .body = body});
  };
  EXPECT_EQ(admin("GET", "/admin/health").status, 200);
  EXPECT_EQ(admin("GET", "/admin/nothing").status, 404);
  EXPECT_EQ(admin("GET", "/admin/reset").status, 405);

  const std::string orders = Dump(
      {{"documents", Json::array({PurchaseOrder("0000000200"), PurchaseOrder("0000000300")})}});
  EXPECT_EQ(admin("POST", "/admin/orders", orders).body, "{\"documents\":2}");
  EXPECT_EQ(admin("POST", "/admin/orders", "[").status, 400);
  EXPECT_EQ(Json::parse(admin("GET", "/admin/truth").body)["documents"].size(), 3U);

  Get(WholeDay());
  EXPECT_EQ(Json::parse(admin("GET", "/admin/journal").body)["entries"].size(), 1U);
  EXPECT_EQ(admin("GET", "/admin/journal", "", "since=1").body, "{\"entries\":[]}");
  EXPECT_EQ(admin("GET", "/admin/journal", "", "since=x").status, 400);

  const std::string rule = R"({"add":[{"id":"f","route":"*","kind":"bare_500","count":2}]})";
  EXPECT_EQ(admin("POST", "/admin/faults", rule).status, 200);
  Get(WholeDay());
  const Json faults = Json::parse(admin("GET", "/admin/faults").body)["faults"];
  EXPECT_EQ(faults[0]["hits"], 1);
  EXPECT_EQ(faults[0]["kind"], "bare_500");
  EXPECT_EQ(admin("POST", "/admin/faults", R"({"remove":["f"]})").body, "{\"faults\":[]}");

  EXPECT_EQ(admin("POST", "/admin/site", R"({"row_cap":1})").status, 200);
  EXPECT_EQ(Query(WholeDay())["numrows"], 1);
  EXPECT_EQ(admin("POST", "/admin/site", R"({"row_cap":-1})").status, 400);
  EXPECT_EQ(admin("POST", "/admin/tokens/revoke").status, 200);

  EXPECT_EQ(admin("POST", "/admin/reset").status, 200);
  EXPECT_THAT(Truth()["documents"], IsEmpty());
  EXPECT_THAT(Journal(), IsEmpty());
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
