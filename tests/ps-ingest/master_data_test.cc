#include "services/ps-ingest/master_data.h"

#include "common/testing/status_matchers.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

Document DocumentOfVendor(const std::string& id) {
  Document document;
  pb::Order::Schedule& schedule = *document.order.add_schedules();
  schedule.set_vendor_setid("SHARE");
  schedule.set_vendor_id(id);
  document.facts.emplace_back();
  document.vendor_addresses.push_back(0);
  return document;
}

TEST(MasterData, IsFoundUnderTheNamesThatItsOwnQueryHas) {
  pb::Connection connection = SampleConnection();
  connection.set_vendor_query("PSUPS_VENDOR");
  (*connection.mutable_column_map())["VENDOR:A.NAME1"] = "B.VNDR_NAME";
  // A purchase order's column of the same name is another.
  (*connection.mutable_column_map())["A.VENDOR_ID"] = "A.SUPPLIER";
  EXPECT_OK(CheckConnection(connection));

  QueryResult result;
  std::vector<std::string> row;
  for (const std::string_view name : MasterColumns(Master::kVendor)) {
    result.columns.emplace_back(name == "A.NAME1" ? "B.VNDR_NAME" : name);
    row.emplace_back(name == "A.SETID"             ? "SHARE"
                     : name == "A.VENDOR_ID"       ? "V1"
                     : name == "A.NAME1"           ? "Acme"
                     : name == "B.ADDRESS_SEQ_NUM" ? "1"
                     : name == "B.EFFDT"           ? "1901-01-01"
                     : name == "B.EFF_STATUS"      ? "A"
                                                   : "");
  }
  result.rows.push_back(row);

  MasterData known;
  std::vector<Document> documents = {DocumentOfVendor("V1")};
  const absl::Time now = absl::FromUnixSeconds(1790000000);
  const std::vector<MasterKey> asked = known.Missing(connection, documents, now);
  ASSERT_EQ(asked.size(), 1u);
  ASSERT_OK(known.Put(connection, asked, result, now));
  known.Fill(connection, absl::CivilDay(2026, 11, 26), documents);
  EXPECT_EQ(documents[0].order.schedules(0).ship_from().name(), "Acme");
}

TEST(MasterData, ColumnsOfItsQueriesMayBeMappedAndNoOthers) {
  EXPECT_TRUE(IsMasterColumn("ITEM:C.UNIT_MEASURE_WT"));
  EXPECT_FALSE(IsMasterColumn("ITEM:A.NAME1"));
  EXPECT_FALSE(IsMasterColumn("C.UNIT_MEASURE_WT"));
}

}  // namespace
}  // namespace psups::ps_ingest
