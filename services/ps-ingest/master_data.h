#pragma once

#include <compare>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/document.h"
#include "services/ps-ingest/query_result.h"

namespace psups::ps_ingest {

enum class Master { kVendor, kLocation, kItem };

// A vendor, a location or an item at its site.
struct MasterKey {
  Master kind = Master::kVendor;
  std::string setid = {};
  std::string id = {};

  auto operator<=>(const MasterKey&) const = default;
};

// The connection's query for it; empty: the window queries carry it.
const std::string& MasterQueryOf(const orders::v1::Connection& connection, Master kind);

// What the columns of a master query are called here.
std::vector<std::string_view> MasterColumns(Master kind);

// Whether a column map may name it: one of those columns with VENDOR:, LOCATION: or ITEM: before
// it.
bool IsMasterColumn(std::string_view name);

// Asked for at most. More would be no answer but a fault of the site's.
inline constexpr int kMasterRows = 10'000;

// Whether rows of a master query may be missing: with so many, several keys are asked for one by
// one.
bool MayBeCutMaster(const QueryResult& result, std::size_t keys);

// Addresses, weights and dimensions where a site has them in queries of their own: looked up in
// batches, kept for lookup_max_age_seconds. From any thread.
class MasterData {
 public:
  // What the documents need and nobody knows: the next batch to ask for, of one query and SETID, at
  // most kIdPrompts; empty if all is known.
  std::vector<MasterKey> Missing(const orders::v1::Connection& connection,
                                 const std::vector<Document>& documents, absl::Time now) const;

  // What a query answered for `asked`; who has no row is known to have none. FAILED_PRECONDITION
  // naming a column that is missing.
  absl::Status Put(const orders::v1::Connection& connection, const std::vector<MasterKey>& asked,
                   const QueryResult& result, absl::Time now);

  // Puts into the documents what is known, effective on `today`: of several dates the latest that
  // is not in the future, and nothing if that one is inactive.
  void Fill(const orders::v1::Connection& connection, absl::CivilDay today,
            std::vector<Document>& documents) const;

 private:
  using Fields = std::map<std::string, std::string>;  // one row by our column names
  struct Entry {
    absl::Time expire_time = {};
    std::vector<Fields> rows = {};
  };
  struct Site {
    int64_t version = 0;  // of the connection
    std::map<MasterKey, Entry> entries = {};
  };
  const Entry* Find(const orders::v1::Connection& connection, const MasterKey& key) const;
  void FillSchedule(const orders::v1::Connection& connection, const std::string& today,
                    Document& document, int at) const;

  mutable std::mutex mutex_;
  std::map<std::string, Site> sites_;  // by connection name
};

}  // namespace psups::ps_ingest
