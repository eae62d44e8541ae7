#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/type/v1/document.pb.h"
#include "services/shipment-builder/order_delivery.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// A label as it is kept.
struct Label {
  std::string shipment_id = {};
  int package_number = 0;
  std::string tracking_number = {};
  std::string account = {};  // that it was bought with
  std::string trace_id = {};
  std::string format = {};
  std::string sha256 = {};  // 64 hex digits, of what was bought; empty: bought by an older version
  std::optional<std::string> bytes = {};  // unset: lost here
};

// Which labels are read: of a shipment, or of all that were bought since a time.
struct LabelQuery {
  std::string shipment_id = {};
  absl::Time since = absl::UnixEpoch();
  std::string connection_id = {};  // empty: of all
};

// A label's place in the order in which labels are read: by the time when they came to be known.
struct LabelPlace {
  absl::Time stored_time = absl::UnixEpoch();
  std::string connection_id = {};
  std::string shipment_id = {};
  int package_number = 0;
};

// What a connection's shipments that are not bought yet would cost.
struct CostEstimate {
  int shipments = 0;
  int packages = 0;
  std::optional<Money> cost = {};  // of those with an estimate; unset: there is none
  int without_estimate = 0;        // of the shipments
  int open_reviews = 0;
};

// What is read of shipments and written by nobody here, but for labels that were lost. Each method
// shows one moment; errors are those of Db.
class ShipmentViews {
 public:
  virtual ~ShipmentViews() = default;

  // ---- Changes ----
  struct Changes {
    std::vector<ShipmentRecord> records = {};  // without parties; position: the cursor after it
    std::string next_cursor = {};
  };
  // Up to `limit` shipments that changed after `cursor`, as they are now. Errors as of FindPlace.
  virtual absl::StatusOr<Changes> ReadChanges(const std::string& cursor, int limit) = 0;
  // Has readers see up to `limit` changes that were committed; how many.
  virtual absl::StatusOr<int> Publish(int limit) = 0;

  // ---- Delivery ----
  struct OrderFacts {
    type::v1::DocumentKey document = {};
    std::vector<OrderedSchedule> schedules = {};
    std::vector<Package> live = {};  // of which a label was bought and is not void
  };
  // NOT_FOUND if no such order was taken in.
  virtual absl::StatusOr<OrderFacts> GetOrderFacts(const std::string& order_id) = 0;

  // ---- Cost ----
  virtual absl::StatusOr<CostEstimate> EstimateCost(const std::string& connection_id) = 0;

  // ---- Labels ----
  // NOT_FOUND: no such shipment or package; FAILED_PRECONDITION: it has no label yet.
  virtual absl::StatusOr<Label> GetLabel(const std::string& shipment_id, int package_number) = 0;
  // The places of up to `limit` labels after `after`, without void ones.
  virtual absl::StatusOr<std::vector<LabelPlace>> ListLabels(const LabelQuery& query,
                                                             const std::optional<LabelPlace>& after,
                                                             int limit) = 0;
  // Keeps a label that had been lost, whose bytes are set, for `actor`; `anew`: they are not those
  // that were bought. If it is kept by now, that stays.
  virtual absl::Status KeepLabel(const Label& label, const std::string& actor, bool anew) = 0;
};

}  // namespace psups::shipment_builder
