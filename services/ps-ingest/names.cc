#include "services/ps-ingest/names.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"

namespace psups::ps_ingest {
namespace {

namespace type_pb = type::v1;

constexpr std::string_view kConnections = "connections/";
constexpr std::string_view kOrders = "orders/";
constexpr std::size_t kDerivedLength = 20;  // 100 bits
constexpr std::size_t kTraceBytes = 16;

bool IsLetter(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string KeyText(const type_pb::DocumentKey& document) {
  return JoinUnambiguously({document.connection(), TypeCode(document.document_type()),
                            document.business_unit(), document.document_id()});
}

}  // namespace

bool IsConnectionId(std::string_view id) {
  return !id.empty() && id.size() <= 20 && IsLetter(id.front()) &&
         std::all_of(id.begin(), id.end(),
                     [](char c) { return IsLetter(c) || IsDigit(c) || c == '-'; });
}

absl::StatusOr<std::string> ConnectionId(std::string_view name) {
  if (name.substr(0, kConnections.size()) == kConnections &&
      IsConnectionId(name.substr(kConnections.size()))) {
    return std::string(name.substr(kConnections.size()));
  }
  return absl::InvalidArgumentError(absl::StrCat("name: \"",
                                                 absl::string_view(name.data(), name.size()),
                                                 "\", want connections/{connection_id}"));
}

std::string ConnectionName(std::string_view connection_id) {
  return std::string(kConnections) + std::string(connection_id);
}

std::string WriteBackName(std::string_view connection_id, std::string_view update_id) {
  return absl::StrCat(ConnectionName(connection_id), "/writeBacks/", std::string(update_id));
}

std::string OrderId(const type_pb::DocumentKey& document, const Deriver& derive) {
  const std::string connection = document.connection().substr(kConnections.size());
  return connection + "-" + Base32(derive("order", KeyText(document))).substr(0, kDerivedLength);
}

std::string TraceId(const type_pb::DocumentKey& document, const Deriver& derive) {
  return Hex(derive("trace", KeyText(document)).substr(0, kTraceBytes));
}

void NameSources(orders::v1::Order& order, const Deriver& derive) {
  type_pb::DocumentKey requisition;
  requisition.set_connection(order.document().connection());
  requisition.set_document_type(type_pb::REQUISITION);
  for (auto& schedule : *order.mutable_schedules()) {
    for (auto& source : *schedule.mutable_sources()) {
      requisition.set_business_unit(source.business_unit());
      requisition.set_document_id(source.requisition_id());
      source.set_order(absl::StrCat(std::string(kOrders), OrderId(requisition, derive)));
    }
  }
}

absl::StatusOr<OrderKey> OrderKeyOf(std::string_view name) {
  const std::string_view id =
      name.substr(0, kOrders.size()) == kOrders ? name.substr(kOrders.size()) : std::string_view();
  const std::size_t dash = id.rfind('-');
  if (dash == std::string_view::npos || !IsConnectionId(id.substr(0, dash))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "name: \"", absl::string_view(name.data(), name.size()), "\", want orders/{order_id}"));
  }
  return OrderKey{std::string(id.substr(0, dash)), std::string(id)};
}

std::string TypeCode(type_pb::DocumentType type) {
  return type == type_pb::REQUISITION ? "REQ" : "PO";
}

type_pb::DocumentType TypeFromCode(std::string_view code) {
  return code == "REQ" ? type_pb::REQUISITION : type_pb::PURCHASE_ORDER;
}

}  // namespace psups::ps_ingest
