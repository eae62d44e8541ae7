#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/shipment-builder/ports.h"

namespace psups::shipment_builder {

// The same for the same event, whenever and by whomever it is posted.
std::string EventId(const ReviewEvent& event);

// The event as CloudEvents 1.0 in structured mode. Never an address, nor what people wrote.
std::string EventJson(const ReviewEvent& event);

// The value of the header webhook-signature, by the Standard Webhooks convention.
std::string WebhookSignature(std::string_view key, std::string_view id, int64_t unix_seconds,
                             std::string_view body);

// The key that a secret stands for: "whsec_" and Base64, or any other text as it is.
// INVALID_ARGUMENT names `setting`, never the secret.
absl::StatusOr<std::string> WebhookKey(const std::string& setting, const std::string& secret);

// https, or http to this machine itself. INVALID_ARGUMENT names `setting`.
absl::Status CheckWebhookUrl(const std::string& setting, const std::string& url);

}  // namespace psups::shipment_builder
