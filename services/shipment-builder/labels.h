#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "services/shipment-builder/views.h"

namespace psups::shipment_builder {

// Labels as they are handed out: from the store, or from UPS once more if one was lost.
class Labels {
 public:
  Labels(ShipmentViews& views, UpsPort& ups) : views_(views), ups_(ups) {}

  // With its bytes, and the SHA-256 of them. Blocks. Errors beside the store's: NOT_FOUND, it was
  // lost and UPS has it no more; FAILED_PRECONDITION, it was lost and is void.
  absl::StatusOr<Label> Get(const std::string& shipment_id, int package_number,
                            const std::string& actor);

 private:
  absl::Status Recover(Label& label, const std::string& actor);

  ShipmentViews& views_;
  UpsPort& ups_;
};

// The labels of a query, one after the other: those of a time oldest first. Not for two threads.
class LabelReader {
 public:
  LabelReader(ShipmentViews& views, Labels& labels, LabelQuery query, std::string actor)
      : views_(views), labels_(labels), query_(std::move(query)), actor_(std::move(actor)) {}

  // Nullopt at the end. Blocks. FAILED_PRECONDITION if a shipment was named that has none.
  absl::StatusOr<std::optional<Label>> Next();

 private:
  ShipmentViews& views_;
  Labels& labels_;
  const LabelQuery query_;
  const std::string actor_;
  std::deque<LabelPlace> ahead_;
  std::optional<LabelPlace> last_;
};

}  // namespace psups::shipment_builder
