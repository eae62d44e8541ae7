#include "tests/sandbox/peoplesoft/query.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"

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

  void AddExpression(char record, const std::string& name, ColumnKind kind) {
    columns_.push_back(
        {.alias_name = name, .bare_name = name, .record = record, .field = name, .kind = kind});
  }

  std::vector<Column> Take() { return std::move(columns_); }

 private:
  std::vector<Column> columns_ = {};
};

QueryDefinition Define(const std::string& name, const std::string& type) {
  const bool po = type == "PO";
  Columns columns;
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
  columns.Add('A', "BUYER_ID");
  columns.Add('B', "LINE_NBR", kNumber);
  columns.Add('B', "CANCEL_STATUS", kTranslate, "LINE_CANCEL_STATUS");
  if (!po) columns.Add('B', "VENDOR_SETID");
  if (!po) columns.Add('B', "VENDOR_ID");
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
  columns.Add('E', "NAME1", kCharacter, "VENDOR_NAME");
  columns.AddAddress('D', "VNDR_");
  columns.Add('D', "PHONE", kCharacter, "VNDR_PHONE");
  columns.Add('F', "DESCR", kCharacter, "SHIPTO_NAME");
  columns.AddAddress('F', "SHIPTO_");
  columns.Add('F', "ATTN_TO");
  columns.Add('F', "PHONE", kCharacter, "SHIPTO_PHONE");
  columns.Add('G', "INV_ITEM_WEIGHT", kNumber);
  columns.Add('G', "UNIT_MEASURE_WT", kCharacter, "ITEM_UNIT_MEASURE_WT");
  columns.Add('G', "INV_ITEM_LENGTH", kNumber);
  columns.Add('G', "INV_ITEM_WIDTH", kNumber);
  columns.Add('G', "INV_ITEM_HEIGHT", kNumber);
  columns.Add('G', "UNIT_MEASURE_DIM");
  columns.Add('H', "CONVERSION_RATE", kNumber);
  columns.Add('H', "SHIPPING_WEIGHT", kNumber);
  columns.Add('H', "UNIT_MEASURE_WT", kCharacter, "UOM_UNIT_MEASURE_WT");
  columns.AddExpression('C', "QTY_RECEIVED", kNumber);
  if (!po) columns.Add('J', "PO_ID", kCharacter, "SOURCED_PO_ID");
  return {.name = name, .document_type = type, .columns = columns.Take()};
}

// One level of a document, in the order of its number.
std::vector<const Json*> Ordered(const Json& rows, const std::string& number_field) {
  std::vector<const Json*> ordered;
  for (const Json& row : rows) ordered.push_back(&row);
  std::stable_sort(ordered.begin(), ordered.end(), [&](const Json* a, const Json* b) {
    return Integer(*a, number_field) < Integer(*b, number_field);
  });
  return ordered;
}

// Joins the records that hang on a document, its line and its schedule.
class Join {
 public:
  Join(const Tables& tables, const std::string& today) : tables_(tables), today_(today) {}

  QueryRow Row(const Document& document, const Json& line, const Json& schedule) const {
    QueryRow row;
    row.document = &document;
    row.record('A') = &document.data;
    row.record('B') = &line;
    row.record('C') = &schedule;
    const std::string& unit = document.business_unit;

    // A purchase order names its vendor, a requisition's line does.
    const Json& buyer = document.type == "PO" ? document.data : line;
    const std::string vendor_set = tables_.SetId(Text(buyer, "VENDOR_SETID"), unit, "VENDOR");
    const std::string vendor = Text(buyer, "VENDOR_ID");
    const int64_t address = Integer(buyer, "ADDRESS_SEQ_NUM", 1);
    Add(row, 'E', "VENDOR", {vendor_set, vendor});
    Add(row, 'D', "VENDOR_ADDR", {vendor_set, vendor, absl::StrCat(address)});

    Add(row, 'F', "LOCATION_TBL",
        {tables_.SetId(Text(schedule, "SHIPTO_SETID"), unit, "SHIPTO_TBL"),
         Text(schedule, "SHIPTO_ID")});

    const std::string item_set = tables_.SetId(Text(line, "ITM_SETID"), unit, "MASTER_ITEM_TBL");
    const std::string item = Text(line, "INV_ITEM_ID");
    Add(row, 'G', "INV_ITEMS", {item_set, item});
    Add(row, 'H', "INV_ITEM_UOM", {item_set, item, Text(line, "UNIT_OF_MEASURE")});
    return row;
  }

 private:
  void Add(QueryRow& row, char alias, const std::string& record,
           const std::vector<std::string>& key) const {
    row.record(alias) = tables_.Find(record, key, today_);
  }

  const Tables& tables_;
  const std::string& today_;
};

// The purchase orders beside which a requisition's schedule stands in the answer: one row for each
// of them and each of its distributions, one with a blank where there is none.
std::vector<std::string> SourcedRows(const Document& requisition, const Json& line,
                                     const Json& schedule, const Documents& documents) {
  const Json one_distribution = Json::array({Json::object()});
  const auto loaded = schedule.find("DISTRIBUTIONS");
  const bool has_loaded = loaded != schedule.end() && !loaded->empty();
  std::vector<std::string> rows;
  int64_t number = 0;
  for (const Json& distribution : has_loaded ? *loaded : one_distribution) {
    std::set<std::string> ids =
        documents.SourcedTo(requisition, Integer(line, "LINE_NBR"), Integer(schedule, "SCHED_NBR"),
                            Integer(distribution, "DISTRIB_NBR", ++number));
    if (const std::string id = Text(schedule, "SOURCED_PO_ID"); !id.empty()) ids.insert(id);
    if (ids.empty()) ids.insert("");
    rows.insert(rows.end(), ids.begin(), ids.end());
  }
  return rows;
}

}  // namespace

const QueryDefinition* FindQuery(const std::string& name) {
  static const auto* const queries =
      new std::vector<QueryDefinition>{Define("PSUPS_PO", "PO"), Define("PSUPS_REQ", "REQ")};
  for (const QueryDefinition& query : *queries) {
    if (query.name == name) return &query;
  }
  return nullptr;
}

const Json* QueryRow::Find(const Column& column) const {
  const Json* const from = record(column.record);
  if (from == nullptr) return nullptr;
  const auto field = from->find(column.field);
  return field == from->end() ? nullptr : &*field;
}

std::vector<QueryRow> RunQuery(const QueryDefinition& query, const QuerySelection& selection,
                               const Documents& documents, const Tables& tables) {
  const Join join(tables, selection.today);
  std::vector<QueryRow> rows;
  const auto full = [&] { return selection.limit > 0 && std::ssize(rows) >= selection.limit; };
  for (const Document* const document :
       documents.Window(query.document_type, selection.from, selection.to)) {
    if (full()) break;
    if (!selection.business_units.empty() &&
        selection.business_units.count(document->business_unit) == 0) {
      continue;
    }
    for (const Json* const line : Ordered(document->data["LINES"], "LINE_NBR")) {
      for (const Json* const schedule : Ordered((*line)["SCHEDULES"], "SCHED_NBR")) {
        QueryRow row = join.Row(*document, *line, *schedule);
        const std::vector<std::string> sourced =
            document->type == "REQ" ? SourcedRows(*document, *line, *schedule, documents)
                                    : std::vector<std::string>{""};
        for (const std::string& po_id : sourced) {
          row.sourced_po_id = po_id;
          rows.insert(rows.end(), selection.copies, row);
        }
      }
    }
  }
  if (full()) rows.resize(selection.limit);
  return rows;
}

}  // namespace psups::peoplesoft_sandbox
