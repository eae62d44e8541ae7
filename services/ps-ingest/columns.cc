#include "services/ps-ingest/columns.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "services/ps-ingest/names.h"

namespace psups::ps_ingest {
namespace {

namespace type_pb = type::v1;

struct Names {
  Column column = {};
  const char* purchase_order = "";
  const char* requisition = "";
  bool required = false;  // without it nothing may be shipped
};

constexpr Names kNames[] = {
    {Column::kBusinessUnit, "A.BUSINESS_UNIT", "A.BUSINESS_UNIT", true},
    {Column::kDocumentId, "A.PO_ID", "A.REQ_ID", true},
    {Column::kChangeOrderBatch, "A.CHNG_ORD_BATCH", "A.CHNG_ORD_BATCH"},
    {Column::kStatus, "A.PO_STATUS", "A.REQ_STATUS", true},
    {Column::kHoldStatus, "A.HOLD_STATUS", "A.HOLD_STATUS", true},
    {Column::kReference, "A.PO_REF", ""},
    {Column::kDocumentDate, "A.PO_DT", "A.REQ_DT", true},
    {Column::kLastUpdate, "A.LAST_DTTM_UPDATE", "A.LAST_DTTM_UPDATE", true},
    {Column::kVendorSetid, "A.VENDOR_SETID", "B.VENDOR_SETID"},
    {Column::kVendorId, "A.VENDOR_ID", "B.VENDOR_ID"},
    {Column::kLineNumber, "B.LINE_NBR", "B.LINE_NBR", true},
    {Column::kLineCancelStatus, "B.CANCEL_STATUS", "B.CANCEL_STATUS", true},
    {Column::kItemSetid, "B.ITM_SETID", "B.ITM_SETID"},
    {Column::kItemId, "B.INV_ITEM_ID", "B.INV_ITEM_ID"},
    {Column::kDescription, "B.DESCR254_MIXED", "B.DESCR254_MIXED"},
    {Column::kUnitOfMeasure, "B.UNIT_OF_MEASURE", "B.UNIT_OF_MEASURE"},
    {Column::kPhysicalNature, "B.PHYSICAL_NATURE", "B.PHYSICAL_NATURE", true},
    {Column::kAmountOnly, "B.AMT_ONLY_FLG", "B.AMT_ONLY_FLG", true},
    {Column::kScheduleNumber, "C.SCHED_NBR", "C.SCHED_NBR", true},
    {Column::kScheduleCancelStatus, "C.CANCEL_STATUS", "C.CANCEL_STATUS", true},
    {Column::kQuantity, "C.QTY_PO", "C.QTY_REQ", true},
    {Column::kDueDate, "C.DUE_DT", "C.DUE_DT"},
    {Column::kShipDate, "C.SHIP_DATE", "C.SHIP_DATE"},
    {Column::kShipToSetid, "C.SHIPTO_SETID", "C.SHIPTO_SETID"},
    {Column::kShipToId, "C.SHIPTO_ID", "C.SHIPTO_ID"},
    {Column::kCarrierId, "C.CARRIER_ID", "C.CARRIER_ID"},
    {Column::kShipTypeId, "C.SHIP_TYPE_ID", "C.SHIP_TYPE_ID"},
    {Column::kFreightTerms, "C.FREIGHT_TERMS", "C.FREIGHT_TERMS"},
    {Column::kPrice, "C.PRICE_PO", "C.PRICE_REQ"},
    {Column::kCurrency, "C.CURRENCY_CD", "C.CURRENCY_CD"},
    {Column::kShipToCustomer, "C.SHIP_TO_CUST_ID", "C.SHIP_TO_CUST_ID", true},
    {Column::kVendorName, "E.NAME1", "E.NAME1"},
    {Column::kVendorAddress1, "D.ADDRESS1", "D.ADDRESS1"},
    {Column::kVendorAddress2, "D.ADDRESS2", "D.ADDRESS2"},
    {Column::kVendorAddress3, "D.ADDRESS3", "D.ADDRESS3"},
    {Column::kVendorAddress4, "D.ADDRESS4", "D.ADDRESS4"},
    {Column::kVendorCity, "D.CITY", "D.CITY"},
    {Column::kVendorState, "D.STATE", "D.STATE"},
    {Column::kVendorPostal, "D.POSTAL", "D.POSTAL"},
    {Column::kVendorCountry, "D.COUNTRY", "D.COUNTRY"},
    {Column::kVendorPhone, "D.PHONE", "D.PHONE"},
    {Column::kShipToName, "F.DESCR", "F.DESCR"},
    {Column::kShipToAddress1, "F.ADDRESS1", "F.ADDRESS1"},
    {Column::kShipToAddress2, "F.ADDRESS2", "F.ADDRESS2"},
    {Column::kShipToAddress3, "F.ADDRESS3", "F.ADDRESS3"},
    {Column::kShipToAddress4, "F.ADDRESS4", "F.ADDRESS4"},
    {Column::kShipToCity, "F.CITY", "F.CITY"},
    {Column::kShipToState, "F.STATE", "F.STATE"},
    {Column::kShipToPostal, "F.POSTAL", "F.POSTAL"},
    {Column::kShipToCountry, "F.COUNTRY", "F.COUNTRY"},
    {Column::kShipToAttention, "F.ATTN_TO", "F.ATTN_TO"},
    {Column::kShipToPhone, "F.PHONE", "F.PHONE"},
    {Column::kItemWeight, "G.INV_ITEM_WEIGHT", "G.INV_ITEM_WEIGHT"},
    {Column::kItemWeightUnit, "G.UNIT_MEASURE_WT", "G.UNIT_MEASURE_WT"},
    {Column::kItemLength, "G.INV_ITEM_LENGTH", "G.INV_ITEM_LENGTH"},
    {Column::kItemWidth, "G.INV_ITEM_WIDTH", "G.INV_ITEM_WIDTH"},
    {Column::kItemHeight, "G.INV_ITEM_HEIGHT", "G.INV_ITEM_HEIGHT"},
    {Column::kItemDimensionUnit, "G.UNIT_MEASURE_DIM", "G.UNIT_MEASURE_DIM"},
    {Column::kConversionRate, "H.CONVERSION_RATE", "H.CONVERSION_RATE"},
    {Column::kShippingWeight, "H.SHIPPING_WEIGHT", "H.SHIPPING_WEIGHT"},
    {Column::kShippingWeightUnit, "H.UNIT_MEASURE_WT", "H.UNIT_MEASURE_WT"},
    {Column::kReceivedQuantity, "QTY_RECEIVED", "QTY_RECEIVED", true},
    {Column::kSourcedDocument, "", "J.PO_ID"},
    {Column::kSourcedUnit, "", "J.BUSINESS_UNIT"},
    {Column::kSourceUnit, "J.BUSINESS_UNIT_REQ", ""},
    {Column::kSourceDocument, "J.REQ_ID", ""},
    {Column::kSourceLine, "J.REQ_LINE_NBR", ""},
    {Column::kSourceSchedule, "J.REQ_SCHED_NBR", ""},
    {Column::kVendorAddressSequence, "A.ADDRESS_SEQ_NUM", "B.ADDRESS_SEQ_NUM"},
    {Column::kReceiving, "B.RECV_REQ", "B.RECV_REQ"},
    {Column::kStandardUnit, "I.UNIT_MEASURE_STD", "I.UNIT_MEASURE_STD"},
    {Column::kUnitConversion, "M.CONVERSION_RATE", "M.CONVERSION_RATE"},
    {Column::kCustomerName, "K.NAME1", "K.NAME1"},
    {Column::kCustomerAddress1, "K.ADDRESS1", "K.ADDRESS1"},
    {Column::kCustomerAddress2, "K.ADDRESS2", "K.ADDRESS2"},
    {Column::kCustomerAddress3, "K.ADDRESS3", "K.ADDRESS3"},
    {Column::kCustomerAddress4, "K.ADDRESS4", "K.ADDRESS4"},
    {Column::kCustomerCity, "K.CITY", "K.CITY"},
    {Column::kCustomerState, "K.STATE", "K.STATE"},
    {Column::kCustomerPostal, "K.POSTAL", "K.POSTAL"},
    {Column::kCustomerCountry, "K.COUNTRY", "K.COUNTRY"},
    {Column::kCustomerPhone, "K.PHONE", "K.PHONE"},
    {Column::kInventoryName, "", "N.DESCR"},
    {Column::kInventoryAddress1, "", "N.ADDRESS1"},
    {Column::kInventoryAddress2, "", "N.ADDRESS2"},
    {Column::kInventoryAddress3, "", "N.ADDRESS3"},
    {Column::kInventoryAddress4, "", "N.ADDRESS4"},
    {Column::kInventoryCity, "", "N.CITY"},
    {Column::kInventoryState, "", "N.STATE"},
    {Column::kInventoryPostal, "", "N.POSTAL"},
    {Column::kInventoryCountry, "", "N.COUNTRY"},
    {Column::kInventoryPhone, "", "N.PHONE"},
    {Column::kInventoryAttention, "", "N.ATTN_TO"},
    {Column::kHarmonizedCode, "G.HARMONIZED_CD", "G.HARMONIZED_CD"},
    {Column::kOriginCountry, "COUNTRY_OF_ORIGIN", "COUNTRY_OF_ORIGIN"},
    {Column::kCarrierSetid, "CARRIER_SETID", "CARRIER_SETID"},
};
static_assert(std::size(kNames) == kColumnCount);

std::string_view Bare(std::string_view name) {
  const std::size_t dot = name.find('.');
  return dot == std::string_view::npos ? name : name.substr(dot + 1);
}

// Records that a row may carry beside its own. A column of theirs is known by its bare name only if
// no other is called so, and never stands in another's way.
bool IsSideRecord(std::string_view name) {
  return name.size() > 1 && name[1] == '.' &&
         std::string_view("JKMN").find(name[0]) != std::string_view::npos;
}

// Bare name → its only position, or -1 where several columns share it.
std::map<std::string_view, int> ByBareName(const std::vector<std::string_view>& names) {
  std::map<std::string_view, int> found;
  for (const bool side : {false, true}) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty() || IsSideRecord(names[i]) != side) continue;
      const auto [entry, fresh] = found.try_emplace(Bare(names[i]), static_cast<int>(i));
      if (!fresh && !side) entry->second = -1;
    }
  }
  return found;
}

int Find(const std::map<std::string_view, int>& by_name, std::string_view name) {
  const auto found = by_name.find(name);
  return found == by_name.end() ? -1 : found->second;
}

}  // namespace

std::string_view ColumnName(Column column, type_pb::DocumentType type) {
  const Names& names = kNames[static_cast<std::size_t>(column)];
  return type == type_pb::REQUISITION ? names.requisition : names.purchase_order;
}

bool IsMappable(std::string_view name) {
  for (const type_pb::DocumentType type : {type_pb::PURCHASE_ORDER, type_pb::REQUISITION}) {
    const std::string prefix = TypeCode(type) + ":";
    const bool for_type = name.substr(0, prefix.size()) == prefix;
    const std::string_view bare = for_type ? name.substr(prefix.size()) : name;
    for (const Names& names : kNames) {
      if (!bare.empty() && bare == ColumnName(names.column, type)) return true;
    }
  }
  return false;
}

bool IsRequired(Column column) { return kNames[static_cast<std::size_t>(column)].required; }

std::vector<int> FindByName(const std::vector<std::string>& theirs,
                            const std::vector<std::string_view>& ours,
                            const std::map<std::string, std::string>& column_map,
                            std::string_view prefix) {
  std::map<std::string_view, int> exact;
  for (std::size_t i = 0; i < theirs.size(); ++i) exact[theirs[i]] = static_cast<int>(i);
  std::vector<int> found(ours.size(), -1);
  std::vector<std::string_view> others(theirs.begin(), theirs.end());  // not found exactly
  std::vector<std::size_t> wanted;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    if (ours[i].empty()) continue;  // the document type has no such column
    auto mapped = column_map.find(std::string(prefix) + std::string(ours[i]));
    if (mapped == column_map.end()) mapped = column_map.find(std::string(ours[i]));
    const bool is_mapped = mapped != column_map.end();
    found[i] = Find(exact, is_mapped ? mapped->second : ours[i]);
    if (found[i] >= 0) others[static_cast<std::size_t>(found[i])] = "";
    if (found[i] < 0 && !is_mapped) wanted.push_back(i);
  }
  const std::map<std::string_view, int> their_bare = ByBareName(others);
  const std::map<std::string_view, int> our_bare = ByBareName(ours);
  for (const std::size_t i : wanted) {
    if (Find(our_bare, Bare(ours[i])) == static_cast<int>(i)) {
      found[i] = Find(their_bare, Bare(ours[i]));
    }
  }
  return found;
}

absl::StatusOr<ColumnIndex> FindColumns(const std::vector<std::string>& columns,
                                        const std::map<std::string, std::string>& column_map,
                                        type_pb::DocumentType type) {
  std::vector<std::string_view> ours;
  for (const Names& names : kNames) ours.push_back(ColumnName(names.column, type));
  const std::vector<int> found = FindByName(columns, ours, column_map, TypeCode(type) + ":");
  for (std::size_t at = 0; at < kColumnCount; ++at) {
    if (found[at] >= 0 || ours[at].empty() || !kNames[at].required) continue;
    return absl::FailedPreconditionError(MissingColumn(ours[at]));
  }
  ColumnIndex index;
  std::copy(found.begin(), found.end(), index.begin());
  return index;
}

std::string MissingColumn(std::string_view name) {
  return absl::StrCat("column ", std::string(name),
                      " is not in the query's answer; add it to the query, or map it to the name "
                      "it has there (column_map)");
}

}  // namespace psups::ps_ingest
