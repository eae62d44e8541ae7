#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "psups/orders/v1/connection_service.pb.h"
#include "services/ps-ingest/window.h"

namespace psups::ps_ingest {

// Fills in the defaults and clears the output-only fields.
void SetDefaults(orders::v1::Connection& connection, const std::string& connection_id);

// INVALID_ARGUMENT naming each bad field, what came and what is wanted. For a connection with its
// defaults set.
absl::Status CheckConnection(const orders::v1::Connection& connection);
absl::Status CheckPassword(const std::string& password);

// Whether what was read under `before` must be read again from the start under `after`: another
// system, another query, or another rule of what may ship.
bool MustReadAgain(const orders::v1::Connection& before, const orders::v1::Connection& after);

absl::TimeZone ZoneOf(const orders::v1::Connection& connection);
WindowRules WindowRulesOf(const orders::v1::Connection& connection);
// Where reading begins: a while before the first moment of ship_orders_since in the base time zone.
absl::Time StartOf(const orders::v1::Connection& connection);
// One for each user of a system, whatever connections use it.
std::string ReaderKey(const orders::v1::Connection& connection);
const std::string& QueryOf(const orders::v1::Connection& connection, type::v1::DocumentType type);

// Transitions that a person asks for. FAILED_PRECONDITION naming the state and the next step; OK
// without a change where it is so already. `activated`: was it ever ACTIVE.
absl::Status Activate(orders::v1::Connection& connection, bool& activated);
absl::Status Pause(orders::v1::Connection& connection, const std::string& reason);
absl::Status Resume(orders::v1::Connection& connection, bool activated);

}  // namespace psups::ps_ingest
