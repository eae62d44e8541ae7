#pragma once

#include <string>

namespace psups::ups_sandbox {

// A label image for `tracking_number` in base64, always the same for the same arguments. ZPL and
// EPL are commands that a printer would take; the others have the right first bytes only. At
// least `bytes` long before base64.
std::string LabelImage(const std::string& tracking_number, const std::string& format, int bytes);

// The page that comes with a GIF label, in base64.
std::string LabelPage(const std::string& tracking_number);

}  // namespace psups::ups_sandbox
