#include "services/ps-ingest/document.h"

#include "common/testing/status_matchers.h"
#include "services/ps-ingest/read.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using Json = nlohmann::ordered_json;

Answer Read(const std::string& body, const pb::Connection& connection = SampleConnection(),
            type::v1::DocumentType type = type::v1::PURCHASE_ORDER) {
  return Understand({.response = HttpResponse{.status = 200, .body = body}}, connection, type,
                    /*asked=*/1000, "query Q");
}

Answer ReadRows(const std::vector<Json>& rows) { return Read(SampleBody(rows)); }

Json RequisitionRow() {
  Json row;
  const Json sample = SampleRow();
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    const std::string name(ColumnName(static_cast<Column>(i), type::v1::REQUISITION));
    if (!name.empty()) row[name] = sample.value(name, Json(" "));
  }
  row["A.REQ_ID"] = "0000000009";
  row["A.REQ_STATUS"] = "Approved";
  row["A.REQ_DT"] = "2026-11-20";
  row["C.QTY_REQ"] = 2;
  return row;
}

TEST(Documents, AreGroupedByKeyLineAndSchedule) {
  Json second_schedule = SampleRow();
  second_schedule["C.SCHED_NBR"] = 2;
  Json second_line = SampleRow();
  second_line["B.LINE_NBR"] = "2";
  Json other_unit = SampleRow();
  other_unit["A.BUSINESS_UNIT"] = "US002";
  const Answer answer = ReadRows({second_line, SampleRow(), second_schedule, other_unit});
  ASSERT_FALSE(answer.error.has_value()) << answer.error->sentence;
  ASSERT_THAT(answer.documents.readable, SizeIs(2));
  const pb::Order& order = answer.documents.readable[0].order;
  EXPECT_EQ(order.document().connection(), "connections/c1");
  EXPECT_EQ(order.document().business_unit(), "US001");
  ASSERT_EQ(order.schedules_size(), 3);
  EXPECT_EQ(order.schedules(1).schedule_number(), 2);
  EXPECT_EQ(order.schedules(2).line_number(), 2);
}

TEST(Documents, AreNormalised) {
  const Answer answer = ReadRows({SampleRow()});
  ASSERT_THAT(answer.documents.readable, SizeIs(1));
  const pb::Order& order = answer.documents.readable[0].order;
  EXPECT_EQ(order.document().document_id(), "0000000123");
  EXPECT_EQ(order.document_status(), "D");
  EXPECT_EQ(order.last_update_local_time(), "2026-11-23T14:30:00");
  const pb::Order::Schedule& schedule = order.schedules(0);
  EXPECT_EQ(schedule.ordered_quantity(), "4");
  EXPECT_EQ(schedule.item_weight().value(), "12.5");
  EXPECT_EQ(schedule.shipping_weight().value(), "");
  EXPECT_EQ(schedule.ship_to().country_code(), "US");
  EXPECT_THAT(schedule.ship_to().lines(), ElementsAre("10 Dock Rd", "Suite 4"));
  EXPECT_EQ(schedule.ship_to().attention_name(), "Receiving");
}

TEST(Documents, AreOpenByOrderedLessReceivedAndNeverLessThanNothing) {
  Json some = SampleRow();
  some["QTY_RECEIVED"] = "1.5";
  Json more = SampleRow();
  more["C.SCHED_NBR"] = 2;
  more["QTY_RECEIVED"] = 9;
  const Answer answer = ReadRows({some, more});
  ASSERT_THAT(answer.documents.readable, SizeIs(1));
  const pb::Order& order = answer.documents.readable[0].order;
  EXPECT_EQ(order.schedules(0).open_quantity(), "2.5");
  EXPECT_EQ(order.schedules(1).open_quantity(), "0");
  EXPECT_EQ(order.schedules(1).ineligible_reason(), pb::Order::Schedule::NOTHING_OPEN);
}

TEST(Documents, HaveNoAddressWhereOnlyANameIsKnown) {
  Json row = SampleRow();
  for (const char* column : {"D.ADDRESS1", "D.CITY", "D.POSTAL"}) row[column] = " ";
  const Answer answer = ReadRows({row});
  EXPECT_FALSE(answer.documents.readable[0].order.schedules(0).has_ship_from());
  EXPECT_TRUE(answer.documents.readable[0].order.schedules(0).has_ship_to());
}

TEST(Documents, TakeARequisitionForSourcedIfAnyDistributionIs) {
  const Json row = RequisitionRow();
  Json distribution = row;
  distribution["J.PO_ID"] = "0000000123";
  const Answer open = Read(SampleBody({row}), SampleConnection(), type::v1::REQUISITION);
  ASSERT_FALSE(open.error.has_value()) << open.error->sentence;
  EXPECT_EQ(open.documents.readable[0].order.schedules(0).ineligible_reason(), 0);
  const Answer sourced =
      Read(SampleBody({row, distribution}), SampleConnection(), type::v1::REQUISITION);
  const pb::Order::Schedule& schedule = sourced.documents.readable[0].order.schedules(0);
  EXPECT_EQ(schedule.ineligible_reason(), pb::Order::Schedule::SOURCED_TO_PO);
  EXPECT_EQ(schedule.sourced_document_id(), "0000000123");
}

TEST(Documents, HoldARequisitionWhereTheSiteDoesNotSayWhetherItWasSourced) {
  Json row = RequisitionRow();
  row.erase("J.PO_ID");
  const Answer answer = Read(SampleBody({row}), SampleConnection(), type::v1::REQUISITION);
  ASSERT_FALSE(answer.error.has_value()) << answer.error->sentence;
  EXPECT_EQ(answer.documents.readable[0].order.schedules(0).ineligible_reason(),
            pb::Order::Schedule::LINK_UNKNOWN);
}

TEST(Documents, OfPurchaseOrdersAreNotReadWithoutTheirSourcesIfRequisitionsShipToo) {
  Json row;
  for (const char* column :
       {"J.BUSINESS_UNIT_REQ", "J.REQ_ID", "J.REQ_LINE_NBR", "J.REQ_SCHED_NBR"}) {
    row = SampleRow();
    row.erase(column);
    EXPECT_THAT(ReadRows({row}).error->sentence, HasSubstr(column));
  }
  pb::Connection orders_only = SampleConnection();
  orders_only.clear_document_types();
  orders_only.add_document_types(type::v1::PURCHASE_ORDER);
  EXPECT_FALSE(Read(SampleBody({row}), orders_only).error.has_value());
}

TEST(Documents, KnowTheRequisitionsThatTheyCameFromEachOnce) {
  Json first = SampleRow();
  first.update({{"J.REQ_ID", "R2"}, {"J.REQ_LINE_NBR", 1}, {"J.REQ_SCHED_NBR", 1}});
  Json second = first;
  second.update({{"J.BUSINESS_UNIT_REQ", "US000"}, {"J.REQ_ID", "R9"}});
  const Answer answer = ReadRows({first, second, first});
  ASSERT_FALSE(answer.error.has_value()) << answer.error->sentence;
  const pb::Order::Schedule& schedule = answer.documents.readable[0].order.schedules(0);
  ASSERT_EQ(schedule.sources_size(), 2);
  EXPECT_EQ(schedule.sources(0).business_unit(), "US000");
  EXPECT_EQ(schedule.sources(1).business_unit(), "US001");  // blank: the order's own
  EXPECT_EQ(schedule.sources(1).requisition_id(), "R2");
}

TEST(Documents, SayWhatCustomsWantAndWhoseTheCarrierIsWhereTheSiteKeepsIt) {
  Json row = SampleRow();
  row.update({{"G.HARMONIZED_CD", "9004.90.0000"},
              {"COUNTRY_OF_ORIGIN", "MEX"},
              {"CARRIER_SETID", "SHARE"}});
  const pb::Order::Schedule schedule = ReadRows({row}).documents.readable[0].order.schedules(0);
  EXPECT_EQ(schedule.harmonized_code(), "9004.90.0000");
  EXPECT_EQ(schedule.origin_country_code(), "MX");
  EXPECT_EQ(schedule.carrier_setid(), "SHARE");
  const pb::Order::Schedule plain =
      ReadRows({SampleRow()}).documents.readable[0].order.schedules(0);
  EXPECT_EQ(plain.harmonized_code() + plain.origin_country_code() + plain.carrier_setid(), "");
}

TEST(Documents, ShipToTheCustomersAddressAndNowhereElseIfTheyShipToACustomer) {
  Json row = SampleRow();
  row["C.SHIP_TO_CUST_ID"] = "CUST1";
  EXPECT_FALSE(ReadRows({row}).documents.readable[0].order.schedules(0).has_ship_to());
  row.update({{"K.NAME1", "Jane's Garage"}, {"K.ADDRESS1", "5 Elm St"}, {"K.CITY", "Dayton"}});
  const Answer answer = ReadRows({row});
  EXPECT_EQ(answer.documents.readable[0].order.schedules(0).ship_to().city(), "Dayton");
}

TEST(Documents, OfRequisitionsLeaveFromTheInventoryIfTheLineNamesNoVendor) {
  Json row = RequisitionRow();
  for (const char* column : {"D.ADDRESS1", "D.CITY", "D.POSTAL"}) row[column] = " ";
  row.update({{"N.DESCR", "Store 7"}, {"N.ADDRESS1", "7 Depot Rd"}, {"N.CITY", "Akron"}});
  const Answer answer = Read(SampleBody({row}), SampleConnection(), type::v1::REQUISITION);
  EXPECT_EQ(answer.documents.readable[0].order.schedules(0).ship_from().city(), "Akron");
}

TEST(Documents, ConvertUnitsByTheItemThenByAnyItemThenNotAtAll) {
  const auto rate = [](const Json& changes) {
    Json row = SampleRow();
    row.update(changes);
    const Answer answer = ReadRows({row});
    return answer.documents.readable[0].order.schedules(0).conversion_rate();
  };
  EXPECT_EQ(rate({{"H.CONVERSION_RATE", "12.00000000"}, {"M.CONVERSION_RATE", 10}}), "12");
  EXPECT_EQ(rate({{"H.CONVERSION_RATE", 0}, {"M.CONVERSION_RATE", 10}}), "10");
  EXPECT_EQ(rate({{"I.UNIT_MEASURE_STD", "EA"}}), "1");
  EXPECT_EQ(rate({{"I.UNIT_MEASURE_STD", "CS"}}), "");
}

TEST(Documents, NameDocumentAndColumnOfWhatCannotBeReadButNotTheValue) {
  Json row = SampleRow();
  row["C.QTY_PO"] = "Jane Roe";
  const Answer answer = ReadRows({row});
  ASSERT_TRUE(answer.error.has_value());
  EXPECT_EQ(answer.error->kind, PsErrorKind::kData);
  EXPECT_THAT(answer.error->sentence, HasSubstr("US001 0000000123 line 1 schedule 1: C.QTY_PO"));
  EXPECT_THAT(answer.error->sentence, Not(HasSubstr("Jane")));
}

TEST(Documents, AreReadWithoutTheOneThatCannotBe) {
  Json bad = SampleRow();
  bad["C.SCHED_NBR"] = 2;
  bad["C.QTY_PO"] = "four";
  Json other = SampleRow();
  other["A.PO_ID"] = "0000000124";
  const Answer answer = ReadRows({SampleRow(), bad, other});
  EXPECT_EQ(answer.error->kind, PsErrorKind::kData);
  ASSERT_THAT(answer.documents.readable, SizeIs(1));
  EXPECT_EQ(answer.documents.readable[0].order.document().document_id(), "0000000124");
}

TEST(Documents, AreNotReadIfARowDoesNotSayWhoseItIs) {
  Json nobodys = SampleRow();
  nobodys["A.PO_ID"] = " ";
  const Answer answer = ReadRows({SampleRow(), nobodys});
  EXPECT_EQ(answer.error->kind, PsErrorKind::kData);
  EXPECT_THAT(answer.documents.readable, IsEmpty());
}

TEST(Documents, AreRefusedWithoutAColumnThatDecidesWhetherTheyShip) {
  for (const char* column : {"A.HOLD_STATUS", "B.CANCEL_STATUS", "C.QTY_PO", "QTY_RECEIVED"}) {
    Json row = SampleRow();
    row.erase(column);
    const Answer answer = ReadRows({row});
    ASSERT_TRUE(answer.error.has_value()) << column;
    EXPECT_EQ(answer.error->kind, PsErrorKind::kConfig);
    EXPECT_THAT(answer.error->sentence, HasSubstr(column));
  }
}

TEST(Columns, AreFoundWithoutTheirAliasWhereThatIsUnique) {
  Json bare;
  const Json sample = SampleRow();
  for (const auto& [name, value] : sample.items()) {
    const std::size_t dot = name.find('.');
    bare[dot == std::string::npos ? name : name.substr(dot + 1)] = value;
  }
  bare.erase("CANCEL_STATUS");
  bare["LINE_STATUS"] = "A";
  bare["SCHED_STATUS"] = "X";
  pb::Connection connection = SampleConnection();
  (*connection.mutable_column_map())["B.CANCEL_STATUS"] = "LINE_STATUS";
  (*connection.mutable_column_map())["C.CANCEL_STATUS"] = "SCHED_STATUS";
  const Answer answer = Read(SampleBody({bare}), connection);
  ASSERT_FALSE(answer.error.has_value()) << answer.error->sentence;
  EXPECT_EQ(answer.documents.readable[0].order.document().document_id(), "0000000123");
  EXPECT_EQ(answer.documents.readable[0].order.schedules(0).ineligible_reason(),
            pb::Order::Schedule::SCHEDULE_CANCELLED);
  // Which of the two cities a bare CITY is, nobody knows.
  EXPECT_EQ(answer.documents.readable[0].order.schedules(0).ship_to().city(), "");
}

TEST(Columns, OfARecordThatAQueryMayDoWithoutTakeNoBareNameFromAnother) {
  std::vector<std::string> bare;
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    const std::string name(ColumnName(static_cast<Column>(i), type::v1::REQUISITION));
    if (!name.empty() && name != "B.CANCEL_STATUS") bare.push_back(name.substr(name.find('.') + 1));
  }
  std::sort(bare.begin(), bare.end());
  bare.erase(std::unique(bare.begin(), bare.end()), bare.end());
  bare.push_back("LINE_STATUS");
  const absl::StatusOr<ColumnIndex> found =
      FindColumns(bare, {{"B.CANCEL_STATUS", "LINE_STATUS"}, {"C.CANCEL_STATUS", "CANCEL_STATUS"}},
                  type::v1::REQUISITION);
  ASSERT_TRUE(found.ok()) << found.status();
  const auto at = [&](Column column) { return (*found)[static_cast<std::size_t>(column)]; };
  for (const Column owner : {Column::kBusinessUnit, Column::kConversionRate,
                             Column::kShipToAttention, Column::kVendorName, Column::kShipToName}) {
    EXPECT_GE(at(owner), 0) << ColumnName(owner, type::v1::REQUISITION);
  }
  for (const Column extra : {Column::kSourcedUnit, Column::kUnitConversion, Column::kCustomerName,
                             Column::kInventoryName, Column::kInventoryAttention}) {
    EXPECT_EQ(at(extra), -1) << ColumnName(extra, type::v1::REQUISITION);
  }
  EXPECT_GE(at(Column::kSourcedDocument), 0);  // no other is called so
}

TEST(Columns, OfARecordBesideTheRowsOwnNeverTakeTheirNames) {
  // A bare site's requisition: BUSINESS_UNIT is the document's, whatever J's would be called.
  const std::vector<std::string_view> ours = {"A.BUSINESS_UNIT", "H.CONVERSION_RATE", "F.ATTN_TO",
                                              "J.BUSINESS_UNIT", "M.CONVERSION_RATE", "N.ATTN_TO"};
  EXPECT_THAT(FindByName({"BUSINESS_UNIT", "CONVERSION_RATE", "ATTN_TO"}, ours, {}, ""),
              ElementsAre(0, 1, 2, -1, -1, -1));
  // What is another column by its whole name is nobody else's by its bare one.
  EXPECT_THAT(FindByName({"N.ATTN_TO"}, ours, {}, ""), ElementsAre(-1, -1, -1, -1, -1, 0));
}

TEST(Columns, OfOneDocumentTypeMayBeMappedApart) {
  const std::vector<std::string_view> ours = {"B.LINE_NBR"};
  const std::map<std::string, std::string> names = {{"REQ:B.LINE_NBR", "RQ"}, {"B.LINE_NBR", "X"}};
  EXPECT_THAT(FindByName({"X", "RQ"}, ours, names, "REQ:"), ElementsAre(1));
  EXPECT_THAT(FindByName({"X", "RQ"}, ours, names, "PO:"), ElementsAre(0));
}

TEST(Columns, AreNotTakenUnderAnotherNameThanTheMapSays) {
  pb::Connection connection = SampleConnection();
  (*connection.mutable_column_map())["A.PO_ID"] = "A.PO_NUMBER";
  EXPECT_THAT(Read(SampleBody({SampleRow()}), connection).error->sentence, HasSubstr("A.PO_ID"));
}

TEST(Answers, AreCutIfTheyHaveAsManyRowsAsWereAskedFor) {
  const std::string body = SampleBody({SampleRow(), SampleRow()});
  const PeopleSoft::Reply reply = {.response = HttpResponse{.status = 200, .body = body}};
  const auto type = type::v1::PURCHASE_ORDER;
  EXPECT_TRUE(Understand(reply, SampleConnection(), type, 2, "query Q").full);
  EXPECT_FALSE(Understand(reply, SampleConnection(), type, 3, "query Q").full);
}

TEST(Answers, ThatContradictThemselvesAreReadAgain) {
  const Answer answer = Read(R"({"status":"success","data":{"query":{"numrows":3,"rows":[]}}})");
  ASSERT_TRUE(answer.error.has_value());
  EXPECT_EQ(answer.error->kind, PsErrorKind::kTransient);
}

TEST(Answers, TellTheServersTime) {
  const PeopleSoft::Reply reply = {
      .response = HttpResponse{.headers = {{"date", "Mon, 23 Nov 2026 15:01:02 GMT"}}}};
  EXPECT_EQ(ServerTime(reply),
            absl::FromCivil(absl::CivilSecond(2026, 11, 23, 15, 1, 2), absl::UTCTimeZone()));
  EXPECT_EQ(ServerTime({.response = HttpResponse{}}), std::nullopt);
}

}  // namespace
}  // namespace psups::ps_ingest
