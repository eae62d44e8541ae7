#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "psups/orders/v1/order_service.pb.h"

namespace psups::ps_ingest {

inline constexpr std::size_t kMostMessages = 100;  // of one POST

// INVALID_ARGUMENT naming the field, what came and what is wanted.
absl::Status CheckUpdate(const orders::v1::TrackingUpdate& update);

// The JSON body that PeopleSoft's operation takes; times of events also in `zone`.
std::string MessagesJson(const std::vector<orders::v1::TrackingUpdate>& updates,
                         absl::TimeZone zone);

// The id of the POST that is made under a lane's lease: the token's last word. So it is committed
// before the POST, and whoever takes the lane over knows it.
std::string CallIdOf(std::string_view lease_token);

// What PeopleSoft made of a message.
enum class MessageResult { kWritten, kRefused };

// Update id → result, of those that the answer names. INVALID_ARGUMENT, without any of the body, if
// it is not such an answer.
absl::StatusOr<std::map<std::string, MessageResult>> ParseResults(std::string_view body);

}  // namespace psups::ps_ingest
