#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "psups/orders/v1/order_service.pb.h"
#include "services/ps-ingest/query_result.h"

namespace psups::ps_ingest {

inline constexpr std::size_t kMostMessages = 100;  // of one POST

// INVALID_ARGUMENT naming the field, what came and what is wanted.
absl::Status CheckUpdate(const orders::v1::TrackingUpdate& update);

// Our field name → what the site calls it.
using FieldNames = std::map<std::string, std::string>;
FieldNames FieldNamesOf(const orders::v1::Connection& connection);
// Whether messages have a field that we call so.
bool IsWriteBackField(const std::string& name);

// The JSON body that PeopleSoft's operation takes; times of events also in `zone`.
std::string MessagesJson(const std::vector<orders::v1::TrackingUpdate>& updates,
                         absl::TimeZone zone, const FieldNames& names = {});

// The id of the POST that is made under a lane's lease: the token's last word. So it is committed
// before the POST, and whoever takes the lane over knows it.
std::string CallIdOf(std::string_view lease_token);

// What PeopleSoft made of a message.
enum class MessageResult {
  kAccepted,   // OK
  kDuplicate,  // it is stored since an earlier call
  kRefused,
};

// Update id → result, of those that the answer names. INVALID_ARGUMENT, without any of the body, if
// it is not such an answer.
absl::StatusOr<std::map<std::string, MessageResult>> ParseResults(std::string_view body,
                                                                  const FieldNames& names = {});

// What a site's status query says of messages: stored or refused; those without a row are not
// there. FAILED_PRECONDITION naming a column that is missing.
absl::StatusOr<std::map<std::string, MessageResult>> StoredMessages(const QueryResult& result);

}  // namespace psups::ps_ingest
