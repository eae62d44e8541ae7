#include <string>
#include <vector>

#include "services/ps-ingest/columns.h"
#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// What `connection test` says of sites that are set up as docs/peoplesoft-setup.md asks, but for
// one thing each.
class DoctorTest : public SandboxTest {
 protected:
  pb::Connection Everything() const {
    pb::Connection settings = Settings();
    settings.add_document_types(type::v1::REQUISITION);
    settings.set_purchase_order_count_query("PSUPS_PO_COUNT");
    settings.set_requisition_count_query("PSUPS_REQ_COUNT");
    settings.set_write_back_status_query("PSUPS_TRACKING_STATUS");
    settings.mutable_shipping_trigger()->set_ship_direct(true);
    return settings;
  }
  void LoadSome() {
    std::vector<Json> documents;
    for (int i = 0; i < 42; ++i) {
      Json order =
          Order(absl::StrFormat("%010d", i + 1), absl::StrFormat("2026-11-20T10:00:%02d", i));
      if (i == 41) order["PO_STATUS"] = "X";
      documents.push_back(order);
      Json requisition = Requisition(absl::StrFormat("%010d", i + 1));
      if (i == 41) requisition["REQ_STATUS"] = "X";
      documents.push_back(requisition);
    }
    Load(documents);
  }
  static Json Requisition(const std::string& id) {
    Json requisition = Json::parse(R"({
      "DOC_TYPE": "REQ", "BUSINESS_UNIT": "US001", "REQ_STATUS": "A", "REQ_DT": "2026-11-20",
      "HOLD_STATUS": "N", "LAST_DTTM_UPDATE": "2026-11-20T11:00:00",
      "LINES": [{"LINE_NBR": 1, "INV_ITEM_ID": "10001", "ITM_SETID": "SHARE",
        "VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007", "UNIT_OF_MEASURE": "EA",
        "PHYSICAL_NATURE": "G", "SCHEDULES": [{"SCHED_NBR": 1, "QTY_REQ": "4",
        "SHIPTO_SETID": "SHARE", "SHIPTO_ID": "L001"}]}]})");
    requisition["REQ_ID"] = id;
    return requisition;
  }

  pb::TestConnectionResponse Test() {
    const auto tested = server_.Test("connections/c1", kAdmin);
    EXPECT_OK(tested.status());
    return tested.ok() ? *tested : pb::TestConnectionResponse();
  }
  // "subject: finding" of everything that is not as it must be.
  std::vector<std::string> Failures() {
    std::vector<std::string> failures;
    const pb::TestConnectionResponse tested = Test();
    for (const auto& check : tested.checks()) {
      if (!check.ok()) failures.push_back(check.subject() + ": " + check.finding());
    }
    return failures;
  }

  Executor slow_{1};
  ConnectionServer server_{*stack_.connections, *people_soft_, calls_, executor_, slow_, [] {}};
};

TEST_F(DoctorTest, ASiteThatIsSetUpAsTheGuideSaysHasNoFault) {
  LoadSome();
  stack_.Create("c1", Everything());
  EXPECT_THAT(Failures(), IsEmpty());
  EXPECT_THAT(Updates(), IsEmpty());
  // Columns with their types, never with what stands in them.
  std::string all;
  const pb::TestConnectionResponse tested = Test();
  for (const auto& check : tested.checks()) absl::StrAppend(&all, check.finding(), "\n");
  EXPECT_THAT(all, AllOf(HasSubstr("C.QTY_PO number"), HasSubstr("A.PO_DT date"),
                         HasSubstr("F.CITY text")));
  EXPECT_THAT(all, ::testing::Not(HasSubstr("Columbus")));
  // Every call is on record, and read one at a time.
  std::multiset<std::string> recorded = CallsRecorded("ps.query");
  EXPECT_EQ(recorded, CallsSeen());
}

// A site with one thing of the guide missing, and what the doctor must name.
struct Broken {
  const char* what;
  const char* site;      // configuration keys
  const char* settings;  // "", or a change of the connection: see Change
  const char* named;     // in the finding
};

class DoctorNames : public DoctorTest, public ::testing::WithParamInterface<Broken> {
 protected:
  static void Change(const std::string& what, pb::Connection& settings) {
    if (what == "no_after") WithoutAfterPrompts(settings);
    if (what == "zone") settings.set_base_time_zone("America/Los_Angeles");
    if (what == "unit") settings.add_business_units("US999");
    if (what == "host") settings.set_base_url("http://no-such-host.invalid/PSIGW");
    if (what == "metadata") settings.set_base_url("http://169.254.169.254/PSIGW");
    if (what == "node") settings.set_node("PSFT_HR");
    if (what == "path") settings.set_base_url(settings.base_url() + "/wrong");
  }
};

TEST_P(DoctorNames, WhatIsMissing) {
  LoadSome();
  pb::Connection settings = Everything();
  Change(GetParam().settings, settings);
  stack_.Create("c1", settings);
  Configure(Json::parse(GetParam().site));
  EXPECT_THAT(Failures(), Contains(HasSubstr(GetParam().named)));
}

INSTANTIATE_TEST_SUITE_P(
    Site, DoctorNames,
    ::testing::Values(
        Broken{"Host", "{}", "host", "the name has no address"},
        Broken{"MetadataAddress", "{}", "metadata", "never called"},
        Broken{"Node", "{}", "node", "158,10721"}, Broken{"Path", "{}", "path", "base URL"},
        Broken{"Password", R"({"password": "another"})", "", "the user or the password"},
        Broken{"QueryPermission", R"({"operations": ["PSUPS_TRACKING_POST"]})", "", "158,536"},
        Broken{"WriteBackPermission", R"({"operations": ["QAS_EXECUTEQRY_REST_GET"]})", "",
               "may not run the write-back operation"},
        Broken{"WriteBackPath", R"({"write_back_path": "OTHER.v1"})", "",
               "write-back PSUPS_TRACKING"},
        Broken{"PurchaseOrderQuery", R"({"omit_queries": ["PSUPS_PO"]})", "", "query PSUPS_PO:"},
        Broken{"RequisitionQuery", R"({"omit_queries": ["PSUPS_REQ"]})", "", "query PSUPS_REQ:"},
        Broken{"PurchaseOrderKeyQuery", R"({"omit_queries": ["PSUPS_PO_KEY"]})", "",
               "query PSUPS_PO_KEY:"},
        Broken{"RequisitionKeyQuery", R"({"omit_queries": ["PSUPS_REQ_KEY"]})", "",
               "query PSUPS_REQ_KEY:"},
        Broken{"CountQuery", R"({"omit_queries": ["PSUPS_PO_COUNT"]})", "",
               "query PSUPS_PO_COUNT:"},
        Broken{"StatusQuery", R"({"omit_queries": ["PSUPS_TRACKING_STATUS"]})", "",
               "query PSUPS_TRACKING_STATUS:"},
        Broken{"PromptName", R"({"prompt_names": {"FROM_DTTM": "START"}})", "", "query PSUPS_PO:"},
        Broken{"AfterPrompts", R"({"query_defects": {"PSUPS_PO": ["no_after_prompt"]}})", "",
               "query PSUPS_PO:"},
        Broken{"StatusFilter", R"({"query_defects": {"PSUPS_PO": ["status_filter"]}})", "",
               "remove any criterion on a status"},
        Broken{"RequisitionStatusFilter", R"({"query_defects": {"PSUPS_REQ": ["status_filter"]}})",
               "", "remove any criterion on a status"},
        Broken{"Order", R"({"query_defects": {"PSUPS_PO": ["unordered"]}})", "",
               "add the ORDER BY"},
        Broken{"ExclusiveEnd", R"({"query_defects": {"PSUPS_PO": ["exclusive_end"]}})", "",
               "include FROM_DTTM and TO_DTTM"},
        Broken{"RowLimit", R"({"row_cap": 5})", "", "row limit of the OPRID's query profile"},
        Broken{"RowLimitByHalves", R"({"row_cap": 5})", "no_after",
               "row limit of the OPRID's query profile"},
        Broken{"RowSecurity", "{}", "unit", "business unit US999"},
        Broken{"Clock", R"({"clock_offset_seconds": 4000})", "", "set the clocks"}),
    [](const auto& info) { return std::string(info.param.what); });

TEST_F(DoctorTest, NamesEachColumnThatAQueryLacks) {
  LoadSome();
  stack_.Create("c1", Everything());
  for (const type::v1::DocumentType type : {type::v1::PURCHASE_ORDER, type::v1::REQUISITION}) {
    const std::string query = type == type::v1::REQUISITION ? "PSUPS_REQ" : "PSUPS_PO";
    for (std::size_t i = 0; i < kColumnCount; ++i) {
      const std::string column(ColumnName(static_cast<Column>(i), type));
      if (column.empty()) continue;
      Configure({{"omit_columns", {{query, {column}}}}});
      EXPECT_THAT(Failures(), Contains(HasSubstr(column))) << query;
    }
  }
}

TEST_F(DoctorTest, NamesEachColumnThatAMasterDataQueryLacks) {
  LoadSome();
  pb::Connection settings = Everything();
  settings.set_vendor_query("PSUPS_VENDOR");
  settings.set_location_query("PSUPS_LOCATION");
  settings.set_item_query("PSUPS_ITEM");
  stack_.Create("c1", settings);
  EXPECT_THAT(Failures(), IsEmpty());
  for (const Master kind : {Master::kVendor, Master::kLocation, Master::kItem}) {
    const std::string query = MasterQueryOf(settings, kind);
    for (const std::string_view column : MasterColumns(kind)) {
      Configure({{"omit_columns", {{query, {std::string(column)}}}}});
      EXPECT_THAT(Failures(), Contains(HasSubstr(std::string(column)))) << query;
    }
    Configure({{"omit_columns", Json::object()}, {"omit_queries", {query}}});
    EXPECT_THAT(Failures(), Contains(HasSubstr("query " + query)));
    Configure({{"omit_queries", Json::array()}});
  }
}

TEST_F(DoctorTest, WithAWrongPasswordAsksOnce) {
  stack_.Create("c1", Everything(), "wrong");
  const pb::TestConnectionResponse tested = Test();
  EXPECT_THAT(tested.checks(tested.checks_size() - 1).finding(), HasSubstr("password"));
  EXPECT_THAT(Journal(), SizeIs(1));
}

TEST_F(DoctorTest, NamesACertificateThatNobodyTrusted) {
  pb::Connection settings = Everything();
  std::string url = settings.base_url();
  settings.set_base_url("https" + url.substr(4));  // the port speaks no TLS
  stack_.Create("c1", settings);
  EXPECT_THAT(Failures(), Contains(HasSubstr("certificates")));
}

}  // namespace
}  // namespace psups::ps_ingest
