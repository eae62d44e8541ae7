#pragma once

#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/envelope.h"
#include "common/postgres.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

using ShipmentKey = std::pair<std::string, std::string>;  // connection, shipment or order
ShipmentKey KeyOf(const Shipment& shipment);

// A shipment's or review's id begins with its connection's.
std::string ConnectionIn(const std::string& id);
// "b" in "a/b".
std::string AfterSlash(const std::string& name);
// Bytes as an element of an array.
std::string ByteaText(const std::string& bytes);
absl::Status NoShipment(const std::string& shipment_id);

// Columns of a bulk statement: one text array for each.
class Arrays {
 public:
  explicit Arrays(std::size_t columns) : columns_(columns) {}

  void Add(std::vector<std::optional<std::string>> row) {
    for (std::size_t i = 0; i < columns_.size(); ++i) columns_[i].push_back(std::move(row[i]));
    ++rows_;
  }
  bool empty() const { return rows_ == 0; }
  std::size_t rows() const { return rows_; }
  std::vector<Param> Params() const {
    std::vector<Param> params;
    for (const auto& column : columns_) params.emplace_back(column);
    return params;
  }

 private:
  std::vector<std::vector<std::optional<std::string>>> columns_;
  std::size_t rows_ = 0;
};

inline constexpr std::string_view kService = "shipment-builder";

// An order whose row is locked.
struct OrderToPlan {
  orders::v1::Order order = {};
  ShipmentKey key = {};  // connection, order
  int64_t built = 0;
  bool fresh = false;
};

// Of shipments AS s, for ShipmentRows::Load.
extern const char kShipmentColumns[];

// A shipment with what it was decided to become.
struct Changed {
  Shipment shipment = {};
  Effects effects = {};
  bool fresh = false;  // not stored yet
};

// Shipments' rows with all that belongs to them, read and written in the caller's transaction.
class ShipmentRows {
 public:
  ShipmentRows(Db& db, Sealer& sealer) : db_(db), sealer_(sealer) {}

  // A table's column `sealed` in the connection's row `key`.
  absl::StatusOr<std::string> Seal(const std::string& connection, std::string_view table,
                                   const std::string& key, std::string_view plaintext);
  absl::StatusOr<std::string> Open(const std::string& connection, std::string_view table,
                                   const std::string& key, std::string_view sealed);
  // Has the connections' data keys in memory, so that no transaction has to make or read one.
  absl::Status WarmUp(const std::set<std::string>& connections);
  // The same for a connection that a caller names: no key is made for one that does not exist.
  absl::Status WarmUpKnown(const std::string& connection);

  // Shipments with their packages and current purchases; ship_to.name holds the sealed parties
  // until OpenParties.
  absl::StatusOr<std::vector<Shipment>> Load(Tx& tx, const Rows& rows);
  absl::Status OpenParties(std::vector<Shipment>& shipments);
  // One shipment, its row locked.
  absl::StatusOr<Shipment> Lock(Tx& tx, const std::string& shipment_id);

  // Writes shipments whose rows are locked, and all that goes with them.
  absl::StatusOr<std::vector<Stored>> Write(Tx& tx, std::vector<Changed> changed,
                                            absl::Duration lease);

 private:
  Db& db_;
  Sealer& sealer_;
  std::mutex mutex_;
  std::set<std::string> warm_;
};

}  // namespace psups::shipment_builder
