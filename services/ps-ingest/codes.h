#pragma once

#include <string>
#include <string_view>

namespace psups::ps_ingest {

// PeopleSoft's code of a status, given the code itself or its long name as a translated query shows
// it; what is known as neither stays as it is.
std::string PurchaseOrderStatusCode(std::string_view text);  // PO_STATUS: "Dispatched" → "D"
std::string RequisitionStatusCode(std::string_view text);    // REQ_STATUS: "Approved" → "A"
std::string CancelStatusCode(std::string_view text);         // CANCEL_STATUS; blank → "A"
std::string PhysicalNatureCode(std::string_view text);       // "Services" → "S"
std::string ReceivingCode(std::string_view text);            // RECV_REQ: "Optional" → "N"
bool IsYes(std::string_view text);                           // "Y", "Yes"

// ISO 3166-1 alpha-2 of an alpha-3 or alpha-2 code; what is neither stays as it is.
std::string CountryCode(std::string_view text);

}  // namespace psups::ps_ingest
