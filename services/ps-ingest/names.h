#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "psups/orders/v1/order_service.pb.h"
#include "psups/type/v1/document.pb.h"

namespace psups::ps_ingest {

// "connections/c1" → "c1"; INVALID_ARGUMENT unless it is of this form.
absl::StatusOr<std::string> ConnectionId(std::string_view name);
std::string ConnectionName(std::string_view connection_id);

// Whether `id` is 1 to 20 of a-z, 0-9 and '-', starting with a letter.
bool IsConnectionId(std::string_view id);

// HMAC-SHA256 of a text for a purpose: KeyRing::Derive.
using Deriver = std::function<std::string(std::string_view purpose, std::string_view text)>;

// "c1-" and 20 characters derived from the document's key: the same after every restore.
std::string OrderId(const type::v1::DocumentKey& document, const Deriver& derive);
// Names the requisitions that a purchase order's schedules came from.
void NameSources(orders::v1::Order& order, const Deriver& derive);
// The document's W3C trace id, 32 hex digits, derived likewise.
std::string TraceId(const type::v1::DocumentKey& document, const Deriver& derive);

// An order's key from its name: the connection leads it.
struct OrderKey {
  std::string connection_id = {};
  std::string order_id = {};
};
absl::StatusOr<OrderKey> OrderKeyOf(std::string_view name);

// "connections/c1/writeBacks/x": a status on its way back.
std::string WriteBackName(std::string_view connection_id, std::string_view update_id);

// PeopleSoft's word for a document type: "PO", "REQ".
std::string TypeCode(type::v1::DocumentType type);
type::v1::DocumentType TypeFromCode(std::string_view code);

}  // namespace psups::ps_ingest
