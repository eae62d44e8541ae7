#include "services/shipment-builder/part_void.h"

#include <algorithm>
#include <map>
#include <utility>

namespace psups::shipment_builder {

std::vector<std::size_t> PackagesBeyond(const Shipment& shipment,
                                        const std::vector<Share>& wanted) {
  std::map<std::pair<int, int>, Decimal> beyond;
  for (const Share& share : shipment.shares) {
    Decimal& quantity = beyond[{share.line, share.schedule}];
    quantity = quantity + share.quantity;
  }
  for (const Share& share : wanted) {
    Decimal& quantity = beyond[{share.line, share.schedule}];
    quantity = quantity - share.quantity;
    if (quantity < Decimal(0)) return {};
  }
  // The last ones first: those are what is left over of a schedule.
  std::vector<std::size_t> packages;
  std::size_t live = 0;
  for (std::size_t i = shipment.packages.size(); i-- > 0;) {
    const Package& package = shipment.packages[i];
    if (package.void_state != PackageVoid::kNone) continue;
    ++live;
    const bool goes =
        std::all_of(package.contents.begin(), package.contents.end(), [&](const Content& content) {
          return content.quantity <= beyond[{content.line, content.schedule}];
        });
    if (!goes || package.contents.empty()) continue;
    for (const Content& content : package.contents) {
      Decimal& quantity = beyond[{content.line, content.schedule}];
      quantity = quantity - content.quantity;
    }
    packages.push_back(i);
  }
  const bool exactly = std::all_of(beyond.begin(), beyond.end(),
                                   [](const auto& one) { return one.second.is_zero(); });
  if (!exactly || packages.size() == live) return {};
  std::sort(packages.begin(), packages.end());
  return packages;
}

}  // namespace psups::shipment_builder
