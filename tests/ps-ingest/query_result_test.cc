#include "services/ps-ingest/query_result.h"

#include "common/testing/status_matchers.h"

namespace psups::ps_ingest {
namespace {

using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

QueryResult Parse(const std::string& body) {
  const auto result = ParseQueryResult(body);
  EXPECT_OK(result.status()) << body;
  return result.ok() ? *result : QueryResult();
}

TEST(QueryResult, HoldsStatusCountColumnsAndTrimmedRows) {
  const QueryResult result = Parse(R"({"status":"success","data":{"query":{"numrows":2,
      "queryname=":"SITE_PO","rows":[
        {"attr:rownumber":1,"A.PO_ID":"0000000123","C.QTY_PO":3,"A.PO_REF":" "},
        {"attr:rownumber":2,"A.PO_ID":" 0000000124 ","C.QTY_PO":"2.5000","A.PO_REF":null}]}}})");
  EXPECT_EQ(result.status, "success");
  EXPECT_EQ(result.row_count, 2);
  EXPECT_THAT(result.columns, ElementsAre("attr:rownumber", "A.PO_ID", "C.QTY_PO", "A.PO_REF"));
  EXPECT_THAT(result.rows, ElementsAre(ElementsAre("1", "0000000123", "3", ""),
                                       ElementsAre("2", "0000000124", "2.5000", "")));
}

TEST(QueryResult, KeepsEachDigitOfANumber) {
  const QueryResult result =
      Parse(R"({"data":{"query":{"rows":[{"a":12345678901.1235,"b":0.1,"c":1.0E+3,"d":-5E-4}]}}})");
  EXPECT_THAT(result.rows, ElementsAre(ElementsAre("12345678901.1235", "0.1", "1000", "-0.0005")));
}

TEST(QueryResult, ToleratesEveryFormOfNoRows) {
  for (const char* rows : {"", R"(,"rows":null)", R"(,"rows":[])", R"(,"rows":{})"}) {
    const QueryResult result =
        Parse(std::string(R"({"status":"success","data":{"query":{"numrows":0)") + rows + "}}}");
    EXPECT_THAT(result.rows, IsEmpty()) << rows;
    EXPECT_EQ(result.row_count, 0);
  }
}

TEST(QueryResult, TakesALoneObjectForARowAndAListInsideIt) {
  EXPECT_THAT(Parse(R"({"data":{"query":{"rows":{"A.PO_ID":"1"}}}})").rows,
              ElementsAre(ElementsAre("1")));
  EXPECT_THAT(
      Parse(R"({"data":{"query":{"rows":{"row":[{"A.PO_ID":"1"},{"A.PO_ID":"2"}]}}}})").rows,
      ElementsAre(ElementsAre("1"), ElementsAre("2")));
  EXPECT_THAT(Parse(R"({"data":{"query":{"rows":{"row":{"A.PO_ID":"1"}}}}})").rows,
              ElementsAre(ElementsAre("1")));
}

TEST(QueryResult, FillsInWhatARowLacks) {
  EXPECT_THAT(Parse(R"({"data":{"query":{"rows":[{"a":"1"},{"b":"2"}]}}})").rows,
              ElementsAre(ElementsAre("1", ""), ElementsAre("", "2")));
}

TEST(QueryResult, IgnoresWhatIsNestedInARow) {
  EXPECT_THAT(Parse(R"({"data":{"query":{"rows":[{"a":"1","x":{"y":["z"]},"b":"2"}]}}})").rows,
              ElementsAre(ElementsAre("1", "2")));
}

TEST(QueryResult, RefusesWhatIsCutOrNoJsonWithoutShowingIt) {
  for (const char* body : {"", "{", R"({"data":{"query":{"rows":[{"a":"Jane Roe)", "Jane Roe",
                           "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]"}) {
    const auto result = ParseQueryResult(body);
    EXPECT_THAT(result, HasCode(absl::StatusCode::kInvalidArgument)) << body;
    EXPECT_THAT(std::string(result.status().message()), Not(HasSubstr("Jane")));
  }
}

TEST(XmlpResult, HoldsRowsByLocalNamesWhateverTheNamespace) {
  const auto result = ParseQueryResult(
      R"(<?xml version="1.0"?><m:QAS_GETQUERYRESULTS_RESP_MSG xmlns:m="a"><query xmlns="b"
         numrows="2" queryname="Q"><row rownumber="1"><A.PO_ID><![CDATA[0000000123]]></A.PO_ID>
         <C.QTY_PO>3.50</C.QTY_PO><A.REF/></row><row rownumber="2"><A.PO_ID> 9 </A.PO_ID></row>
         </query></m:QAS_GETQUERYRESULTS_RESP_MSG>)");
  ASSERT_OK(result.status());
  EXPECT_EQ(result->status, "success");
  EXPECT_EQ(result->row_count, 2);
  EXPECT_THAT(result->columns, ElementsAre("A.PO_ID", "C.QTY_PO", "A.REF"));
  EXPECT_THAT(result->rows,
              ElementsAre(ElementsAre("0000000123", "3.50", ""), ElementsAre("9", "", "")));
}

TEST(XmlpResult, ToleratesBothFormsOfNoRows) {
  for (const char* body : {"<query numrows='0' queryname='Q'/>",
                           "<R xmlns='u'><query numrows=\"0\" queryname=\"Q\"></query></R>"}) {
    const auto result = ParseQueryResult(body);
    ASSERT_OK(result.status());
    EXPECT_EQ(result->row_count, 0);
    EXPECT_TRUE(result->rows.empty());
  }
}

TEST(XmlpResult, RefusesWhatIsCutWithoutShowingIt) {
  for (const char* body : {"<query numrows='1'><row><A.X>Jane", "<R><other/></R>", "<", "<a>"}) {
    const auto result = ParseQueryResult(body);
    EXPECT_THAT(result.status(), testing::HasCode(absl::StatusCode::kInvalidArgument)) << body;
    EXPECT_EQ(result.status().message().find("Jane"), absl::string_view::npos);
  }
}

TEST(WithoutExponent, MovesThePoint) {
  EXPECT_EQ(WithoutExponent("12.5"), "12.5");
  EXPECT_EQ(WithoutExponent("1.25e1"), "12.5");
  EXPECT_EQ(WithoutExponent("1E-2"), "0.01");
  EXPECT_EQ(WithoutExponent("-1.5E3"), "-1500");
  EXPECT_EQ(WithoutExponent("1E9999999"), "1E9999999");
}

}  // namespace
}  // namespace psups::ps_ingest
