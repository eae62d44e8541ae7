#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "psups/type/v1/document.pb.h"

namespace psups::ps_ingest {

// What we read from a query's row, whatever the query calls it.
enum class Column {
  kBusinessUnit,
  kDocumentId,
  kChangeOrderBatch,
  kStatus,
  kHoldStatus,
  kReference,
  kDocumentDate,
  kLastUpdate,
  kVendorSetid,
  kVendorId,
  kLineNumber,
  kLineCancelStatus,
  kItemSetid,
  kItemId,
  kDescription,
  kUnitOfMeasure,
  kPhysicalNature,
  kAmountOnly,
  kScheduleNumber,
  kScheduleCancelStatus,
  kQuantity,
  kDueDate,
  kShipDate,
  kShipToSetid,
  kShipToId,
  kCarrierId,
  kShipTypeId,
  kFreightTerms,
  kPrice,
  kCurrency,
  kShipToCustomer,
  kVendorName,
  kVendorAddress1,
  kVendorAddress2,
  kVendorAddress3,
  kVendorAddress4,
  kVendorCity,
  kVendorState,
  kVendorPostal,
  kVendorCountry,
  kVendorPhone,
  kShipToName,
  kShipToAddress1,
  kShipToAddress2,
  kShipToAddress3,
  kShipToAddress4,
  kShipToCity,
  kShipToState,
  kShipToPostal,
  kShipToCountry,
  kShipToAttention,
  kShipToPhone,
  kItemWeight,
  kItemWeightUnit,
  kItemLength,
  kItemWidth,
  kItemHeight,
  kItemDimensionUnit,
  kConversionRate,
  kShippingWeight,
  kShippingWeightUnit,
  kReceivedQuantity,
  kSourcedDocument,
  kSourcedUnit,
  kSourceUnit,
  kSourceDocument,
  kSourceLine,
  kSourceSchedule,
  kVendorAddressSequence,
  kReceiving,
  kStandardUnit,
  kUnitConversion,
  kCustomerName,
  kCustomerAddress1,
  kCustomerAddress2,
  kCustomerAddress3,
  kCustomerAddress4,
  kCustomerCity,
  kCustomerState,
  kCustomerPostal,
  kCustomerCountry,
  kCustomerPhone,
  kInventoryName,
  kInventoryAddress1,
  kInventoryAddress2,
  kInventoryAddress3,
  kInventoryAddress4,
  kInventoryCity,
  kInventoryState,
  kInventoryPostal,
  kInventoryCountry,
  kInventoryPhone,
  kInventoryAttention,
  kHarmonizedCode,
  kOriginCountry,
  kCarrierSetid,
};
inline constexpr std::size_t kColumnCount = static_cast<std::size_t>(Column::kCarrierSetid) + 1;

// Our name of a column, such as "A.PO_ID"; empty if the document type has none.
std::string_view ColumnName(Column column, type::v1::DocumentType type);

// Whether a column map may name it: a column of ours, with PO: or REQ: before it or without.
bool IsMappable(std::string_view name);

// Whether nothing may be shipped without the column, so that an answer without it is refused.
bool IsRequired(Column column);

// Where each column stands in a result's rows, or -1.
using ColumnIndex = std::array<int, kColumnCount>;

// That a column of ours is not there, and what to do.
std::string MissingColumn(std::string_view name);

// Finds our columns among a result's: by `column_map` (our name, perhaps with PO: or REQ: before it
// → the query's), by our name, and where a column's name without its alias is unique on both sides
// (on ours among A to I), by that. FAILED_PRECONDITION naming the first that is missing and cannot
// be done without.
absl::StatusOr<ColumnIndex> FindColumns(const std::vector<std::string>& columns,
                                        const std::map<std::string, std::string>& column_map,
                                        type::v1::DocumentType type);

// The same for any query's columns: the position of each of `ours` among `theirs`, or -1. `prefix`
// is what may stand before our names in the map, such as "PO:".
std::vector<int> FindByName(const std::vector<std::string>& theirs,
                            const std::vector<std::string_view>& ours,
                            const std::map<std::string, std::string>& column_map,
                            std::string_view prefix);

}  // namespace psups::ps_ingest
