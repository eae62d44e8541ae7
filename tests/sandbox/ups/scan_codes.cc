#include "tests/sandbox/ups/scan_codes.h"

namespace psups::ups_sandbox {
namespace {

using enum ScanPlace;

// Trailing blanks are part of it: UPS sends them.
constexpr ScanCode kCodes[] = {
    {"MP", "M", "MP", "003", "Shipper created a label, UPS has not received the package yet. ",
     kNowhere},
    {"VP", "MV", "VP", "007", "Shipment information voided", kNowhere},
    {"OR", "I", "OR", "038", "Origin Scan", kOrigin},
    {"DP", "I", "DP", "005", "Departed from Facility", kOrigin},
    {"AR", "I", "AR", "010", "Arrived at Facility", kDestination},
    {"YP", "I", "YP", "071", "Preparing for Delivery", kDestination},
    {"CU", "I", "CU", "012", "Clearance in Progress", kDestination},
    {"SR", "I", "SR", "014", "Released by Customs", kDestination},
    {"OT", "I", "OT", "021", "Out For Delivery Today", kDestination},
    {"PU", "I", "PU", "017", "Ready for Pickup", kDestination},
    {"FS", "D", "FS", "011", "DELIVERED ", kDestination},
    {"F4", "D", "F4", "011", "DELIVERED ", kDestination},
    {"KB", "D", "KB", "011", "DELIVERED ", kDestination},
    {"PX", "D", "PX", "155", "Delivery Photo", kDestination},
    {"UP", "U", "UP", "055", "Delivery Date Changed", kDestination},
    {"X", "X", "X1", "013", "An exception has occurred", kDestination},
    {"XD", "X", "XD", "046", "Delayed", kDestination},
    {"XA", "X", "XA", "022", "The receiver was not available at the first attempt", kDestination},
    {"XF", "X", "XF", "064", "The receiver refused the package", kDestination},
    {"XR", "X", "XR", "033", "Returning to Sender", kDestination},
    {"RS", "X", "RS", "034", "Returned to Sender", kOrigin},
    {"XL", "X", "XL", "147", "The package is lost", kDestination},
};

}  // namespace

const ScanCode* FindScanCode(const std::string& name) {
  for (const ScanCode& code : kCodes) {
    if (name == code.name) return &code;
  }
  return nullptr;
}

}  // namespace psups::ups_sandbox
