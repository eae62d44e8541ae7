#include "tests/sandbox/ups/label.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace psups::ups_sandbox {
namespace {

// Comment lines until the label has `bytes`, then the end.
std::string Padded(std::string label, const std::string& line, const std::string& end, int bytes) {
  const auto want = static_cast<std::size_t>(bytes);
  while (label.size() + line.size() + end.size() <= want) label += line;
  const std::size_t missing = want - std::min(want, label.size() + end.size());
  if (missing > line.size() / 2) label.append(line, 0, missing);
  return label + end;
}

std::string Zpl(const std::string& number, int bytes) {
  return Padded(absl::StrCat("^XA\n^PW812^LL1218\n^FO60,60^A0N,40,40^FDSANDBOX LABEL, NOT FOR "
                             "SHIPPING^FS\n^FO60,700^BY3^BCN,200,N,N,N,A^FD",
                             number, "^FS\n^FO60,930^A0N,36,36^FD", number, "^FS\n"),
                "^FX................................................................\n", "^XZ\n",
                bytes);
}

std::string Epl(const std::string& number, int bytes) {
  return Padded(
      absl::StrCat("\nN\nq812\nA60,60,0,4,1,1,N,\"SANDBOX LABEL\"\nB60,700,0,1,3,3,200,B,\"",
                   number, "\"\n"),
      ";................................................................\n", "P1\n", bytes);
}

std::string Bytes(const std::string& magic, const std::string& number, int bytes) {
  std::string image = magic + number;
  while (image.size() < static_cast<std::size_t>(bytes)) image += number;
  return image;
}

}  // namespace

std::string LabelImage(const std::string& tracking_number, const std::string& format, int bytes) {
  std::string image;
  if (format == "ZPL") {
    image = Zpl(tracking_number, bytes);
  } else if (format == "EPL") {
    image = Epl(tracking_number, bytes);
  } else if (format == "PDF") {
    image = Bytes("%PDF-1.4\n", tracking_number, bytes);
  } else if (format == "SPL") {
    image = Bytes("\x1bSPL", tracking_number, bytes);
  } else {
    image = Bytes("GIF89a", tracking_number, bytes);
  }
  return absl::Base64Escape(image);
}

std::string LabelPage(const std::string& tracking_number) {
  return absl::Base64Escape(absl::StrCat("<html><body><img src=\"./label", tracking_number,
                                         ".gif\" alt=\"label\"></body></html>"));
}

}  // namespace psups::ups_sandbox
