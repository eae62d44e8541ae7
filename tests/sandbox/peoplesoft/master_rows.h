#pragma once

#include <vector>

#include "tests/sandbox/peoplesoft/query.h"

namespace psups::peoplesoft_sandbox {

// The set-up records of SETID and ID_1 to ID_10, with every effective date, ordered by key.

// A vendor's addresses: A is VENDOR, B VENDOR_ADDR. No row for a vendor without one.
std::vector<QueryRow> VendorRows(const QuerySelection& selection, const SiteData& data);

// A is LOCATION_TBL.
std::vector<QueryRow> LocationRows(const QuerySelection& selection, const SiteData& data);

// Each of an item's effective dates with each of its units of measure: A is MASTER_ITEM_TBL,
// B INV_ITEMS, C INV_ITEM_UOM, the last two null where the item has none.
std::vector<QueryRow> ItemRows(const QuerySelection& selection, const SiteData& data);

}  // namespace psups::peoplesoft_sandbox
