#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"

namespace psups::ps_ingest {

// SHA-256 of what an order says: all but what changes without it saying anything else
// (LAST_DTTM_UPDATE, CHNG_ORD_BATCH) and what is ours (revision, state, times).
std::string ContentHash(const orders::v1::Order& order);

// What of the stored newest revision decides whether it is replaced.
struct StoredRevision {
  int64_t revision = 0;  // 0: none
  std::string content_hash = {};
  int32_t change_order_batch = 0;
  std::string last_update_local_time = {};
  absl::Time read_start_time = absl::InfinitePast();
};

enum class Verdict {
  kSame,     // nothing to store
  kTouched,  // says the same, but with a newer change batch or update time
  kNewer,    // a new revision
  kOlder,    // what is stored is newer: refused
};

// An order replaces the stored one only if it was read later and neither its change batch nor its
// update time is lower, reading a time of the repeated hour as either of its two moments.
Verdict Compare(const StoredRevision& stored, const orders::v1::Order& incoming,
                std::string_view incoming_hash, absl::Time incoming_read_start,
                absl::TimeZone zone);

}  // namespace psups::ps_ingest
