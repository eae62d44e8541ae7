#include "tests/sandbox/peoplesoft/document_rows.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"

namespace psups::peoplesoft_sandbox {
namespace {

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
    AddVendor(row, document.type == "PO" ? document.data : line);
    AddItem(row, line);
    AddReceiver(row, schedule);
    if (document.type == "REQ") AddInventory(row, schedule);
    return row;
  }

 private:
  // A purchase order names its vendor, a requisition's line does.
  void AddVendor(QueryRow& row, const Json& buyer) const {
    const std::string set = SetId(row, Text(buyer, "VENDOR_SETID"), "VENDOR");
    const std::string vendor = Text(buyer, "VENDOR_ID");
    Add(row, 'E', "VENDOR", {set, vendor});
    Add(row, 'D', "VENDOR_ADDR", {set, vendor, absl::StrCat(Integer(buyer, "ADDRESS_SEQ_NUM", 1))});
  }

  void AddItem(QueryRow& row, const Json& line) const {
    const std::string set = SetId(row, Text(line, "ITM_SETID"), "MASTER_ITEM_TBL");
    const std::string item = Text(line, "INV_ITEM_ID");
    const std::string unit = Text(line, "UNIT_OF_MEASURE");
    Add(row, 'G', "INV_ITEMS", {set, item});
    Add(row, 'H', "INV_ITEM_UOM", {set, item, unit});
    Add(row, 'I', "MASTER_ITEM_TBL", {set, item});
    if (row.record('I') == nullptr) return;
    Add(row, 'M', "UNITS_CVT_TBL", {unit, Text(*row.record('I'), "UNIT_MEASURE_STD")});
  }

  // The ship-to, and the customer to whom a direct shipment goes.
  void AddReceiver(QueryRow& row, const Json& schedule) const {
    Add(row, 'F', "LOCATION_TBL",
        {SetId(row, Text(schedule, "SHIPTO_SETID"), "SHIPTO_TBL"), Text(schedule, "SHIPTO_ID")});
    const std::string customer = Text(schedule, "SHIP_TO_CUST_ID");
    if (customer.empty()) return;
    const std::string seller = Text(schedule, "BUSINESS_UNIT_OM");
    const std::string& unit = seller.empty() ? row.document->business_unit : seller;
    Add(row, 'K', "CUSTOMER", {tables_.SetId("", unit, "CUSTOMER"), customer});
  }

  // Where the inventory business unit that supplies a requisition is.
  void AddInventory(QueryRow& row, const Json& schedule) const {
    const std::string unit = Text(schedule, "BUSINESS_UNIT_IN");
    const Json* const inventory = tables_.Find("BUS_UNIT_TBL_IN", {unit}, today_);
    if (inventory == nullptr) return;
    Add(row, 'N', "LOCATION_TBL",
        {tables_.SetId(Text(*inventory, "LOCATION_SETID"), unit, "LOCATION_TBL"),
         Text(*inventory, "LOCATION")});
  }

  std::string SetId(const QueryRow& row, const std::string& on_transaction,
                    const std::string& record_name) const {
    return tables_.SetId(on_transaction, row.document->business_unit, record_name);
  }

  void Add(QueryRow& row, char alias, const std::string& record,
           const std::vector<std::string>& key) const {
    row.record(alias) = tables_.Find(record, key, today_);
  }

  const Tables& tables_;
  const std::string& today_;
};

using Made = std::shared_ptr<const Json>;

// The requisitions from which a purchase order's schedule came.
std::vector<Made> OrderDistributions(const Document& order, const Json& schedule) {
  std::vector<Made> rows;
  const auto loaded = schedule.find("DISTRIBUTIONS");
  if (loaded == schedule.end()) return rows;
  for (const Json& distribution : *loaded) {
    Json row = {{"BUSINESS_UNIT_REQ", Text(distribution, "BUSINESS_UNIT_REQ")},
                {"REQ_ID", Text(distribution, "REQ_ID")}};
    if (row["REQ_ID"] != "") {
      if (row["BUSINESS_UNIT_REQ"] == "") row["BUSINESS_UNIT_REQ"] = order.business_unit;
      row["REQ_LINE_NBR"] = Integer(distribution, "REQ_LINE_NBR", 1);
      row["REQ_SCHED_NBR"] = Integer(distribution, "REQ_SCHED_NBR", 1);
    }
    rows.push_back(std::make_shared<const Json>(std::move(row)));
  }
  return rows;
}

// The purchase orders into which a requisition's schedule was sourced: one row for each
// distribution and order, null where a distribution has none.
std::vector<Made> SourcedOrders(const Document& requisition, const Json& line, const Json& schedule,
                                const Documents& documents) {
  const Json one_distribution = Json::array({Json::object()});
  const auto loaded = schedule.find("DISTRIBUTIONS");
  const bool has_loaded = loaded != schedule.end() && !loaded->empty();
  std::vector<Made> rows;
  int64_t number = 0;
  for (const Json& distribution : has_loaded ? *loaded : one_distribution) {
    std::set<DocumentKey> orders =
        documents.SourcedTo(requisition, Integer(line, "LINE_NBR"), Integer(schedule, "SCHED_NBR"),
                            Integer(distribution, "DISTRIB_NBR", ++number));
    if (const std::string id = Text(schedule, "SOURCED_PO_ID"); !id.empty()) {
      orders.insert({requisition.business_unit, id});
    }
    for (const DocumentKey& order : orders) {
      rows.push_back(std::make_shared<const Json>(
          Json{{"BUSINESS_UNIT", order.business_unit}, {"PO_ID", order.id}}));
    }
    if (orders.empty()) rows.push_back(nullptr);
  }
  return rows;
}

bool IsToBeShipped(const Document& document) {
  return document.type == "PO" ? Text(document.data, "PO_STATUS") == "D"
                               : Text(document.data, "REQ_STATUS") == "A";
}

// Collects the rows of one document after the other until there are enough.
class Rows {
 public:
  Rows(const QuerySelection& selection, const SiteData& data)
      : selection_(selection), data_(data), join_(data.tables, selection.today) {}

  bool Full() const { return selection_.limit > 0 && std::ssize(rows_) >= selection_.limit; }

  void Add(const Document& document) {
    const std::set<std::string>& units = selection_.business_units;
    if (!units.empty() && units.count(document.business_unit) == 0) return;
    if (selection_.Has("status_filter") && !IsToBeShipped(document)) return;
    for (const Json* const line : Ordered(document.data["LINES"], "LINE_NBR")) {
      for (const Json* const schedule : Ordered((*line)["SCHEDULES"], "SCHED_NBR")) {
        AddSchedule(document, *line, *schedule);
      }
    }
  }

  std::vector<QueryRow> Take() { return std::move(rows_); }

 private:
  void AddSchedule(const Document& document, const Json& line, const Json& schedule) {
    QueryRow row = join_.Row(document, line, schedule);
    if (selection_.Has("inner_join_vendor") && row.record('D') == nullptr) return;
    std::vector<Made> distributions = Distributions(document, line, schedule);
    if (distributions.empty()) distributions.push_back(nullptr);
    for (Made& distribution : distributions) {
      row.made = std::move(distribution);
      row.record('J') = row.made.get();
      rows_.push_back(row);
    }
  }

  std::vector<Made> Distributions(const Document& document, const Json& line,
                                  const Json& schedule) const {
    if (selection_.Has("no_distribution")) return {};
    if (document.type == "PO") return OrderDistributions(document, schedule);
    return SourcedOrders(document, line, schedule, data_.documents);
  }

  const QuerySelection& selection_;
  const SiteData& data_;
  const Join join_;
  std::vector<QueryRow> rows_ = {};
};

}  // namespace

std::vector<QueryRow> WindowRows(const std::string& type, const QuerySelection& selection,
                                 const SiteData& data) {
  const std::string after_unit = selection.Prompt("AFTER_BU");
  const std::string after_id = selection.Prompt("AFTER_ID");
  std::vector<const Document*> window = data.documents.Window(type, selection.from, selection.to);
  if (selection.Has("unordered")) {
    std::stable_sort(window.begin(), window.end(),
                     [](const Document* a, const Document* b) { return a->updated > b->updated; });
  }
  Rows rows(selection, data);
  for (const Document* const document : window) {
    if (rows.Full()) break;
    if (selection.Has("exclusive_end") && document->updated == selection.to) continue;
    if (std::tie(document->business_unit, document->id) > std::tie(after_unit, after_id)) {
      rows.Add(*document);
    }
  }
  return rows.Take();
}

std::vector<QueryRow> KeyRows(const std::string& type, const QuerySelection& selection,
                              const SiteData& data) {
  Rows rows(selection, data);
  for (const std::string& id : selection.Ids()) {
    const Document* const document = data.documents.Find(type, selection.Prompt("BU"), id);
    if (document != nullptr) rows.Add(*document);
  }
  return rows.Take();
}

std::vector<QueryRow> CountRows(const std::string& type, const QuerySelection& selection,
                                const SiteData& data) {
  QuerySelection all = selection;
  all.limit = 0;
  QueryRow row;
  row.made = std::make_shared<const Json>(Json{{"ROW_COUNT", WindowRows(type, all, data).size()}});
  row.record('A') = row.made.get();
  return {row};
}

}  // namespace psups::peoplesoft_sandbox
