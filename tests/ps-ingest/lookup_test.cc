#include <string>
#include <vector>

#include "tests/ps-ingest/sandbox_fixture.h"

namespace psups::ps_ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A site whose window queries carry neither addresses nor measures.
class LookupTest : public SandboxTest {
 protected:
  LookupTest() {
    Json omitted = Json::array();
    for (const char* record : {"D", "F"}) {
      for (const char* field : {"ADDRESS1", "ADDRESS2", "ADDRESS3", "ADDRESS4", "CITY", "STATE",
                                "POSTAL", "COUNTRY", "PHONE"}) {
        omitted.push_back(absl::StrCat(record, ".", field));
      }
    }
    for (const char* column :
         {"E.NAME1", "F.DESCR", "F.ATTN_TO", "G.INV_ITEM_WEIGHT", "G.UNIT_MEASURE_WT",
          "G.INV_ITEM_LENGTH", "G.INV_ITEM_WIDTH", "G.INV_ITEM_HEIGHT", "G.UNIT_MEASURE_DIM",
          "G.HARMONIZED_CD", "H.CONVERSION_RATE", "H.SHIPPING_WEIGHT", "H.UNIT_MEASURE_WT",
          "I.UNIT_MEASURE_STD", "M.CONVERSION_RATE"}) {
      omitted.push_back(column);
    }
    Open({{"omit_columns", {{"PSUPS_PO", omitted}}}});
  }
  pb::Connection LookupSettings() const {
    pb::Connection settings = Settings();
    settings.set_vendor_query("PSUPS_VENDOR");
    settings.set_location_query("PSUPS_LOCATION");
    settings.set_item_query("PSUPS_ITEM");
    return settings;
  }
  pb::Order::Schedule Schedule() {
    const auto order = stack_.orders->Get(Orders().at(0).name());
    EXPECT_OK(order.status());
    return order->schedules(0);
  }
};

TEST_F(LookupTest, AddressesAndMeasuresAreLookedUpAndKept) {
  std::vector<Json> documents;
  for (int i = 0; i < 30; ++i) {
    documents.push_back(Order(absl::StrFormat("%010d", i + 1), "2026-11-20T10:00:00"));
  }
  Load(documents);
  Connect(LookupSettings());
  Poll();
  ASSERT_EQ(Stored().last_error(), "");
  ASSERT_THAT(Orders(), SizeIs(30));
  const pb::Order::Schedule schedule = Schedule();
  EXPECT_EQ(schedule.ship_from().name(), "Acme Valves");
  EXPECT_EQ(schedule.ship_from().city(), "Chicago");
  EXPECT_EQ(schedule.ship_to().city(), "Columbus");
  EXPECT_EQ(schedule.ship_to().attention_name(), "Receiving");
  EXPECT_EQ(schedule.item_weight().value(), "12.5");
  EXPECT_EQ(schedule.item_dimensions().length(), "12");
  EXPECT_EQ(schedule.conversion_rate(), "1");
  for (const char* query : {"PSUPS_VENDOR", "PSUPS_LOCATION", "PSUPS_ITEM"}) {
    EXPECT_EQ(CallsTo(query), 1u) << query;
  }
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
  Poll();
  EXPECT_EQ(CallsTo("PSUPS_VENDOR"), 1u);
}

TEST_F(LookupTest, ManyAreLookedUpTenAtATime) {
  std::vector<Json> documents;
  Json tables = Tables();
  for (int i = 0; i < 25; ++i) {
    documents.push_back(Order(absl::StrFormat("%010d", i + 1), "2026-11-20T10:00:00"));
    documents.back()["LINES"][0]["INV_ITEM_ID"] = absl::StrCat("NEW", i);
  }
  Load(documents);
  Connect(LookupSettings());
  Poll();
  EXPECT_EQ(CallsTo("PSUPS_ITEM"), 3u);
  EXPECT_THAT(DocumentIds(), SizeIs(25));  // with items that nobody keeps: a person will be asked
}

TEST_F(LookupTest, ManyRowsThatACapMayHaveCutAreAskedForOneByOne) {
  Json tables = Tables();
  std::vector<Json> documents;
  for (int i = 0; i < 10; ++i) {
    const std::string id = absl::StrCat("CUT", i);
    for (const char* record : {"MASTER_ITEM_TBL", "INV_ITEMS"}) {
      Json row = tables[record][0];
      row["INV_ITEM_ID"] = id;
      tables[record].push_back(row);
    }
    for (int unit = 0; unit < 15; ++unit) {
      Json row = tables["INV_ITEM_UOM"][0];
      row["INV_ITEM_ID"] = id;
      row["UNIT_OF_MEASURE"] = absl::StrCat("U", unit);
      tables["INV_ITEM_UOM"].push_back(row);
    }
    documents.push_back(Order(absl::StrFormat("%010d", i + 1), "2026-11-20T10:00:00"));
    documents.back()["LINES"][0]["INV_ITEM_ID"] = id;
  }
  Admin("POST", "/admin/orders", {{"tables", tables}, {"documents", documents}});
  Configure({{"row_cap", 120}});
  Connect(LookupSettings());
  Poll();
  ASSERT_THAT(Orders(), SizeIs(10));
  for (const pb::Order& order : Orders()) {
    EXPECT_EQ(order.schedules(0).item_weight().value(), "12.5") << order.name();
  }
  EXPECT_EQ(CallsTo("PSUPS_ITEM"), 11u);
}

TEST_F(LookupTest, TheLatestRowThatIsNotInTheFutureCountsAndOnlyThenItsStatus) {
  Json tables = Tables();
  Json future = tables["LOCATION_TBL"][0];
  future["EFFDT"] = "2099-01-01";
  future["CITY"] = "Tomorrow";
  tables["LOCATION_TBL"].push_back(future);
  Json closed = tables["VENDOR_ADDR"][0];
  closed["EFFDT"] = "2020-01-01";
  closed["EFF_STATUS"] = "I";
  tables["VENDOR_ADDR"].push_back(closed);
  Admin("POST", "/admin/orders",
        {{"tables", tables},
         {"documents", Json::array({Order("0000000001", "2026-11-20T10:00:00")})}});
  Connect(LookupSettings());
  Poll();
  EXPECT_EQ(Schedule().ship_to().city(), "Columbus");
  EXPECT_FALSE(Schedule().has_ship_from());  // the newest says: closed
}

TEST_F(LookupTest, ALookupThatFailsHoldsTheWindowUpAndHeals) {
  Load({Order("0000000001", "2026-11-20T10:00:00")});
  Fault({{"id", "f"},
         {"route", "query"},
         {"kind", "bare_500"},
         {"match", "PSUPS_ITEM"},
         {"count", 1}});
  Connect(LookupSettings());
  Poll();
  EXPECT_THAT(Orders(), IsEmpty());
  EXPECT_THAT(Stored().last_error(), HasSubstr("PSUPS_ITEM"));
  Poll();
  EXPECT_THAT(Orders(), SizeIs(1));
  EXPECT_EQ(CallsRecorded("ps.query"), CallsSeen());
}

}  // namespace
}  // namespace psups::ps_ingest
