#include "services/shipment-builder/page_token.h"

#include "absl/strings/numbers.h"
#include "common/crypto.h"

namespace psups::shipment_builder {

std::string PageToken(std::initializer_list<std::string_view> parts) {
  return Base64(JoinUnambiguously(parts));
}

absl::StatusOr<std::vector<std::string>> PartsOfPageToken(const std::string& token,
                                                          std::size_t count) {
  const absl::Status bad = absl::InvalidArgumentError(
      "page_token: is not one of a page before; leave it empty for the first page");
  const absl::StatusOr<std::string> bytes = FromBase64(token);
  if (!bytes.ok()) return bad;
  // As JoinUnambiguously writes it: each part after its length and a colon.
  std::vector<std::string> parts;
  std::string_view rest = *bytes;
  while (!rest.empty() && parts.size() < count) {
    const auto colon = rest.find(':');
    std::size_t size = 0;
    if (colon == std::string_view::npos ||
        !absl::SimpleAtoi(std::string(rest.substr(0, colon)), &size) ||
        size > rest.size() - colon - 1) {
      return bad;
    }
    parts.emplace_back(rest.substr(colon + 1, size));
    rest.remove_prefix(colon + 1 + size);
  }
  if (parts.size() != count || !rest.empty()) return bad;
  return parts;
}

}  // namespace psups::shipment_builder
