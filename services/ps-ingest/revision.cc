#include "services/ps-ingest/revision.h"

#include "common/crypto.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

std::string Deterministic(const orders::v1::Order& order) {
  std::string bytes;
  google::protobuf::io::StringOutputStream stream(&bytes);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  order.SerializeToCodedStream(&coded);
  coded.Trim();
  return bytes;
}

// Whether `time` may be earlier than `other` under every reading of the two.
bool SurelyEarlier(std::string_view time, std::string_view other, absl::TimeZone zone) {
  const absl::StatusOr<LocalTime> a = ParseLocalTime(time, zone);
  const absl::StatusOr<LocalTime> b = ParseLocalTime(other, zone);
  return a.ok() && b.ok() && LatestMoment(*a, zone) < EarliestMoment(*b, zone);
}

}  // namespace

std::string ContentHash(const orders::v1::Order& order) {
  orders::v1::Order content;
  *content.mutable_document() = order.document();
  content.set_document_status(order.document_status());
  content.set_document_reference(order.document_reference());
  content.set_document_date(order.document_date());
  *content.mutable_schedules() = order.schedules();
  return Sha256(Deterministic(content));
}

Verdict Compare(const StoredRevision& stored, const orders::v1::Order& incoming,
                std::string_view incoming_hash, absl::Time incoming_read_start,
                absl::TimeZone zone) {
  if (stored.revision == 0) return Verdict::kNewer;
  const bool same = incoming_hash == stored.content_hash;
  const bool lower =
      incoming.change_order_batch() < stored.change_order_batch ||
      SurelyEarlier(incoming.last_update_local_time(), stored.last_update_local_time, zone);
  if (lower || incoming_read_start <= stored.read_start_time) {
    return same ? Verdict::kSame : Verdict::kOlder;
  }
  if (!same) return Verdict::kNewer;
  const bool touched = incoming.change_order_batch() != stored.change_order_batch ||
                       incoming.last_update_local_time() != stored.last_update_local_time;
  return touched ? Verdict::kTouched : Verdict::kSame;
}

}  // namespace psups::ps_ingest
