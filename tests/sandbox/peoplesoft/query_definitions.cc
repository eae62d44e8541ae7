#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/peoplesoft/document_rows.h"
#include "tests/sandbox/peoplesoft/master_rows.h"
#include "tests/sandbox/peoplesoft/query.h"

namespace psups::peoplesoft_sandbox {
namespace {

using enum ColumnKind;

// Builds the column list of a query, in the order of its answer.
class Columns {
 public:
  void Add(char record, const std::string& field, ColumnKind kind = kCharacter,
           const std::string& bare_name = "") {
    columns_.push_back({.alias_name = absl::StrCat(std::string(1, record), ".", field),
                        .bare_name = bare_name.empty() ? field : bare_name,
                        .record = record,
                        .field = field,
                        .kind = kind});
  }

  void AddAddress(char record, const std::string& bare_prefix) {
    for (const char* const field :
         {"ADDRESS1", "ADDRESS2", "ADDRESS3", "ADDRESS4", "CITY", "STATE", "POSTAL", "COUNTRY"}) {
      Add(record, field, kCharacter, bare_prefix + field);
    }
  }

  void AddExpression(char record, const std::string& name, ColumnKind kind = kCharacter) {
    columns_.push_back(
        {.alias_name = name, .bare_name = name, .record = record, .field = name, .kind = kind});
  }

  std::vector<Column> Take() { return std::move(columns_); }

 private:
  std::vector<Column> columns_ = {};
};

void AddHeader(Columns& columns, const std::string& type) {
  const bool po = type == "PO";
  columns.Add('A', "BUSINESS_UNIT");
  columns.Add('A', type + "_ID");
  columns.Add('A', "CHNG_ORD_BATCH", kNumber);
  columns.Add('A', type + "_STATUS", kTranslate);
  columns.Add('A', "HOLD_STATUS");
  if (po) columns.Add('A', "PO_REF");
  columns.Add('A', type + "_DT", kDate);
  columns.Add('A', "LAST_DTTM_UPDATE", kDateTime);
  if (po) columns.Add('A', "VENDOR_SETID");
  if (po) columns.Add('A', "VENDOR_ID");
  if (po) columns.Add('A', "ADDRESS_SEQ_NUM", kNumber);
  columns.Add('A', "BUYER_ID");
}

void AddLineAndSchedule(Columns& columns, const std::string& type) {
  const bool po = type == "PO";
  columns.Add('B', "LINE_NBR", kNumber);
  columns.Add('B', "CANCEL_STATUS", kTranslate, "LINE_CANCEL_STATUS");
  if (!po) columns.Add('B', "VENDOR_SETID");
  if (!po) columns.Add('B', "VENDOR_ID");
  if (!po) columns.Add('B', "ADDRESS_SEQ_NUM", kNumber);
  columns.Add('B', "ITM_SETID");
  columns.Add('B', "INV_ITEM_ID");
  columns.Add('B', "DESCR254_MIXED");
  columns.Add('B', "UNIT_OF_MEASURE");
  columns.Add('B', "PHYSICAL_NATURE", kTranslate);
  columns.Add('B', "AMT_ONLY_FLG");
  columns.Add('B', "RECV_REQ");
  columns.Add('C', "SCHED_NBR", kNumber);
  columns.Add('C', "CANCEL_STATUS", kTranslate, "SCHED_CANCEL_STATUS");
  columns.Add('C', "QTY_" + type, kNumber);
  columns.Add('C', "DUE_DT", kDate);
  columns.Add('C', "SHIP_DATE", kDate);
  columns.Add('C', "SHIPTO_SETID");
  columns.Add('C', "SHIPTO_ID");
  columns.Add('C', "CARRIER_ID");
  columns.Add('C', "SHIP_TYPE_ID");
  columns.Add('C', "FREIGHT_TERMS");
  columns.Add('C', "PRICE_" + type, kNumber);
  columns.Add('C', "CURRENCY_CD");
  columns.Add('C', "SHIP_TO_CUST_ID");
  if (!po) columns.Add('C', "BUSINESS_UNIT_IN");
}

void AddParties(Columns& columns, const std::string& type) {
  columns.Add('E', "NAME1", kCharacter, "VENDOR_NAME");
  columns.AddAddress('D', "VNDR_");
  columns.Add('D', "PHONE", kCharacter, "VNDR_PHONE");
  columns.Add('F', "DESCR", kCharacter, "SHIPTO_NAME");
  columns.AddAddress('F', "SHIPTO_");
  columns.Add('F', "ATTN_TO");
  columns.Add('F', "PHONE", kCharacter, "SHIPTO_PHONE");
  columns.Add('K', "NAME1", kCharacter, "CUST_NAME");
  columns.AddAddress('K', "CUST_");
  columns.Add('K', "PHONE", kCharacter, "CUST_PHONE");
  if (type == "PO") return;
  columns.Add('N', "DESCR", kCharacter, "INV_NAME");
  columns.AddAddress('N', "INV_");
  columns.Add('N', "ATTN_TO", kCharacter, "INV_ATTN_TO");
  columns.Add('N', "PHONE", kCharacter, "INV_PHONE");
}

void AddItem(Columns& columns) {
  columns.Add('G', "INV_ITEM_WEIGHT", kNumber);
  columns.Add('G', "UNIT_MEASURE_WT", kCharacter, "ITEM_UNIT_MEASURE_WT");
  columns.Add('G', "INV_ITEM_LENGTH", kNumber);
  columns.Add('G', "INV_ITEM_WIDTH", kNumber);
  columns.Add('G', "INV_ITEM_HEIGHT", kNumber);
  columns.Add('G', "UNIT_MEASURE_DIM");
  columns.Add('G', "HARMONIZED_CD");
  columns.Add('H', "CONVERSION_RATE", kNumber);
  columns.Add('H', "SHIPPING_WEIGHT", kNumber);
  columns.Add('H', "UNIT_MEASURE_WT", kCharacter, "UOM_UNIT_MEASURE_WT");
  columns.Add('I', "UNIT_MEASURE_STD");
  columns.Add('M', "CONVERSION_RATE", kNumber, "UNITS_CONVERSION_RATE");
}

void AddDistribution(Columns& columns, const std::string& type) {
  if (type == "PO") {
    columns.Add('J', "BUSINESS_UNIT_REQ");
    columns.Add('J', "REQ_ID");
    columns.Add('J', "REQ_LINE_NBR", kNumber);
    columns.Add('J', "REQ_SCHED_NBR", kNumber);
  } else {
    columns.Add('J', "BUSINESS_UNIT", kCharacter, "SOURCED_BUSINESS_UNIT");
    columns.Add('J', "PO_ID", kCharacter, "SOURCED_PO_ID");
  }
}

std::vector<Column> DocumentColumns(const std::string& type) {
  Columns columns;
  AddHeader(columns, type);
  AddLineAndSchedule(columns, type);
  AddParties(columns, type);
  AddItem(columns);
  columns.AddExpression('C', "QTY_RECEIVED", kNumber);
  columns.AddExpression('C', "CARRIER_SETID");
  columns.AddExpression('G', "COUNTRY_OF_ORIGIN");
  AddDistribution(columns, type);
  return columns.Take();
}

std::vector<Column> CountColumns() {
  Columns columns;
  columns.AddExpression('A', "ROW_COUNT", kNumber);
  return columns.Take();
}

std::vector<Column> VendorColumns() {
  Columns columns;
  columns.Add('A', "SETID");
  columns.Add('A', "VENDOR_ID");
  columns.Add('A', "NAME1");
  columns.Add('B', "ADDRESS_SEQ_NUM", kNumber);
  columns.Add('B', "EFFDT", kDate);
  columns.Add('B', "EFF_STATUS", kTranslate);
  columns.AddAddress('B', "");
  columns.Add('B', "PHONE");
  return columns.Take();
}

std::vector<Column> LocationColumns() {
  Columns columns;
  columns.Add('A', "SETID");
  columns.Add('A', "LOCATION");
  columns.Add('A', "EFFDT", kDate);
  columns.Add('A', "EFF_STATUS", kTranslate);
  columns.Add('A', "DESCR");
  columns.AddAddress('A', "");
  columns.Add('A', "ATTN_TO");
  columns.Add('A', "PHONE");
  return columns.Take();
}

std::vector<Column> ItemColumns() {
  Columns columns;
  columns.Add('A', "SETID");
  columns.Add('A', "INV_ITEM_ID");
  columns.Add('A', "UNIT_MEASURE_STD");
  columns.Add('B', "EFFDT", kDate);
  columns.Add('B', "INV_ITEM_WEIGHT", kNumber);
  columns.Add('B', "UNIT_MEASURE_WT", kCharacter, "ITEM_UNIT_MEASURE_WT");
  columns.Add('B', "INV_ITEM_LENGTH", kNumber);
  columns.Add('B', "INV_ITEM_WIDTH", kNumber);
  columns.Add('B', "INV_ITEM_HEIGHT", kNumber);
  columns.Add('B', "UNIT_MEASURE_DIM");
  columns.Add('B', "HARMONIZED_CD");
  columns.Add('C', "UNIT_OF_MEASURE");
  columns.Add('C', "CONVERSION_RATE", kNumber);
  columns.Add('C', "SHIPPING_WEIGHT", kNumber);
  columns.Add('C', "UNIT_MEASURE_WT", kCharacter, "UOM_UNIT_MEASURE_WT");
  return columns.Take();
}

std::vector<Column> StatusColumns() {
  Columns columns;
  columns.Add('A', "MSG_ID");
  columns.Add('A', "STATUS");
  columns.Add('A', "MESSAGE");
  return columns.Take();
}

std::vector<QueryRow> StatusRows(const QuerySelection& selection, const SiteData& data) {
  std::vector<QueryRow> rows;
  for (const std::string& id : selection.Ids()) {
    QueryRow row;
    row.record('A') = data.write_back.Find(id);
    if (row.record('A') != nullptr) rows.push_back(row);
  }
  return rows;
}

// `first`, if there is one, and ID_1 to ID_10, of which one must be given.
std::vector<Prompt> IdPrompts(const std::string& first = "") {
  std::vector<Prompt> prompts;
  if (!first.empty()) prompts.push_back({first, true});
  for (int n = 1; n <= 10; ++n) prompts.push_back({absl::StrCat("ID_", n), n == 1});
  return prompts;
}

void DefineDocumentQueries(const std::string& type, std::vector<QueryDefinition>& queries) {
  const std::vector<Prompt> window = {
      {"FROM_DTTM", true}, {"TO_DTTM", true}, {"AFTER_BU"}, {"AFTER_ID"}};
  const auto bound = [&type](auto rows) {
    return [type, rows](const QuerySelection& selection, const SiteData& data) {
      return rows(type, selection, data);
    };
  };
  const std::string name = "PSUPS_" + type;
  queries.push_back({name, DocumentColumns(type), window, bound(WindowRows)});
  queries.push_back({name + "_KEY", DocumentColumns(type), IdPrompts("BU"), bound(KeyRows)});
  queries.push_back({name + "_COUNT", CountColumns(), window, bound(CountRows)});
}

std::vector<QueryDefinition> Define() {
  std::vector<QueryDefinition> queries;
  for (const char* const type : {"PO", "REQ"}) DefineDocumentQueries(type, queries);
  queries.push_back({"PSUPS_VENDOR", VendorColumns(), IdPrompts("SETID"), VendorRows});
  queries.push_back({"PSUPS_LOCATION", LocationColumns(), IdPrompts("SETID"), LocationRows});
  queries.push_back({"PSUPS_ITEM", ItemColumns(), IdPrompts("SETID"), ItemRows});
  queries.push_back({"PSUPS_TRACKING_STATUS", StatusColumns(), IdPrompts(), StatusRows});
  return queries;
}

}  // namespace

const std::vector<QueryDefinition>& Queries() {
  static const auto* const queries = new std::vector<QueryDefinition>(Define());
  return *queries;
}

}  // namespace psups::peoplesoft_sandbox
