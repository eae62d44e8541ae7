#include "tests/sandbox/peoplesoft/master_rows.h"

#include <string>

namespace psups::peoplesoft_sandbox {
namespace {

using Records = std::vector<const Json*>;

// As an outer join has it: one row with nothing where there is none.
Records OrNothing(Records records) {
  if (records.empty()) records.push_back(nullptr);
  return records;
}

}  // namespace

std::vector<QueryRow> VendorRows(const QuerySelection& selection, const SiteData& data) {
  const std::string set = selection.Prompt("SETID");
  std::vector<QueryRow> rows;
  for (const std::string& id : selection.Ids()) {
    for (const Json* const vendor : data.tables.All("VENDOR", {set, id})) {
      for (const Json* const address : data.tables.All("VENDOR_ADDR", {set, id})) {
        QueryRow row;
        row.record('A') = vendor;
        row.record('B') = address;
        rows.push_back(row);
      }
    }
  }
  return rows;
}

std::vector<QueryRow> LocationRows(const QuerySelection& selection, const SiteData& data) {
  std::vector<QueryRow> rows;
  for (const std::string& id : selection.Ids()) {
    for (const Json* const location :
         data.tables.All("LOCATION_TBL", {selection.Prompt("SETID"), id})) {
      QueryRow row;
      row.record('A') = location;
      rows.push_back(row);
    }
  }
  return rows;
}

std::vector<QueryRow> ItemRows(const QuerySelection& selection, const SiteData& data) {
  const std::string set = selection.Prompt("SETID");
  std::vector<QueryRow> rows;
  for (const std::string& id : selection.Ids()) {
    const Records units = OrNothing(data.tables.All("INV_ITEM_UOM", {set, id}));
    for (const Json* const item : data.tables.All("MASTER_ITEM_TBL", {set, id})) {
      for (const Json* const dated : OrNothing(data.tables.All("INV_ITEMS", {set, id}))) {
        for (const Json* const unit : units) {
          QueryRow row;
          row.record('A') = item;
          row.record('B') = dated;
          row.record('C') = unit;
          rows.push_back(row);
        }
      }
    }
  }
  return rows;
}

}  // namespace psups::peoplesoft_sandbox
