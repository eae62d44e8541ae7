#include "services/ps-ingest/write_back.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/decimal.h"
#include "nlohmann/json.hpp"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/names.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// What PeopleSoft's columns hold.
constexpr std::size_t kLongestDescription = 60;
constexpr std::size_t kLongestDetail = 30;
constexpr std::size_t kLongestUpsCode = 4;
constexpr std::size_t kLongestTrackingNumber = 30;

absl::Status Refused(std::string_view field, std::string_view came, std::string_view want) {
  const auto view = [](std::string_view text) {
    return absl::string_view(text.data(), text.size());
  };
  return absl::InvalidArgumentError(
      absl::StrCat("updates.", view(field), ": \"", view(came), "\", want ", view(want)));
}

// At most `most` bytes, no character cut in two.
std::string Shortened(const std::string& text, std::size_t most) {
  if (text.size() <= most) return text;
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

// A column of type number(15,4).
std::string FourPlaces(const std::string& quantity) {
  const absl::StatusOr<Decimal> value = Decimal::Parse(quantity);
  std::string text = value.ok() ? value->RoundUp(4).ToString() : "0";
  std::size_t dot = text.find('.');
  if (dot == std::string::npos) {
    dot = text.size();
    text += '.';
  }
  text.resize(dot + 5, '0');
  return text;
}

absl::Time EventTime(const pb::TrackingUpdate& update) {
  return absl::FromUnixSeconds(update.event_time().seconds());
}

const std::string& NameOf(const FieldNames& names, const std::string& ours) {
  const auto named = names.find(ours);
  return named == names.end() ? ours : named->second;
}

nlohmann::ordered_json MessageOf(const pb::TrackingUpdate& u, absl::TimeZone zone) {
  return {
      {"MSG_ID", u.update_id()},
      {"DOC_TYPE", TypeCode(u.document().document_type())},
      {"BUSINESS_UNIT", u.document().business_unit()},
      {"DOC_ID", u.document().document_id()},
      {"LINE_NBR", u.schedule().line_number()},
      {"SCHED_NBR", u.schedule().schedule_number()},
      {"SEQ_NBR", u.sequence_number()},
      {"TRACKING_NBR", u.tracking_number()},
      {"CARRIER_ID", "UPS"},
      {"STATUS", u.status()},
      {"STATUS_DETAIL", Shortened(u.status_detail(), kLongestDetail)},
      {"UPS_TYPE", Shortened(u.ups_type(), kLongestUpsCode)},
      {"UPS_CODE", Shortened(u.ups_code(), kLongestUpsCode)},
      {"EVENT_DTTM", absl::FormatTime("%Y-%m-%dT%H:%M:%S", EventTime(u), zone)},
      {"EVENT_DTTM_UTC", absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", EventTime(u), absl::UTCTimeZone())},
      {"IS_CURRENT", u.is_current() ? "Y" : "N"},
      {"QTY", FourPlaces(u.schedule().quantity())},
      {"DESCR", Shortened(u.description(), kLongestDescription)}};
}

}  // namespace

absl::Status CheckUpdate(const pb::TrackingUpdate& update) {
  static const auto& statuses =
      *new std::set<std::string>{"LABEL_CREATED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY",
                                 "DELIVERED",     "EXCEPTION", "RETURNING",  "RETURNED",
                                 "VOIDED",        "LOST",      "UNKNOWN"};
  const std::string& id = update.update_id();
  if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Refused("update_id", id, "32 hex digits");
  }
  if (!ConnectionId(update.document().connection()).ok()) {
    return Refused("document.connection", update.document().connection(),
                   "connections/{connection_id}");
  }
  if (!type::v1::DocumentType_IsValid(update.document().document_type()) ||
      update.document().document_type() == type::v1::DOCUMENT_TYPE_UNSPECIFIED) {
    return Refused("document.document_type", absl::StrCat(update.document().document_type()),
                   "PURCHASE_ORDER or REQUISITION");
  }
  if (update.document().business_unit().empty()) {
    return Refused("document.business_unit", "", "a business unit");
  }
  if (update.document().document_id().empty()) {
    return Refused("document.document_id", "", "a PO_ID or REQ_ID");
  }
  if (update.schedule().line_number() < 1) {
    return Refused("schedule.line_number", absl::StrCat(update.schedule().line_number()),
                   "a number from 1");
  }
  if (update.schedule().schedule_number() < 1) {
    return Refused("schedule.schedule_number", absl::StrCat(update.schedule().schedule_number()),
                   "a number from 1");
  }
  if (const auto quantity = Decimal::Parse(update.schedule().quantity());
      !quantity.ok() || *quantity < Decimal()) {
    return Refused("schedule.quantity", update.schedule().quantity(), "a decimal of at least 0");
  }
  if (update.sequence_number() < 1) {
    return Refused("sequence_number", absl::StrCat(update.sequence_number()), "a number from 1");
  }
  if (update.tracking_number().empty() ||
      update.tracking_number().size() > kLongestTrackingNumber) {
    return Refused("tracking_number", update.tracking_number(), "1 to 30 characters");
  }
  if (!statuses.contains(update.status())) {
    return Refused("status", update.status(), "a status such as DELIVERED");
  }
  if (!update.has_event_time()) return Refused("event_time", "", "a time");
  return absl::OkStatus();
}

FieldNames FieldNamesOf(const pb::Connection& connection) {
  return {connection.write_back_fields().begin(), connection.write_back_fields().end()};
}

bool IsWriteBackField(const std::string& name) {
  static const auto& names = *[] {
    auto* all = new std::set<std::string>{"MESSAGES", "RESULTS"};
    const nlohmann::ordered_json message = MessageOf(pb::TrackingUpdate(), absl::UTCTimeZone());
    for (const auto& [field, value] : message.items()) all->insert(field);
    return all;
  }();
  return names.contains(name);
}

std::string MessagesJson(const std::vector<pb::TrackingUpdate>& updates, absl::TimeZone zone,
                         const FieldNames& names) {
  nlohmann::ordered_json messages = nlohmann::ordered_json::array();
  for (const pb::TrackingUpdate& update : updates) {
    nlohmann::ordered_json message;
    const nlohmann::ordered_json ours = MessageOf(update, zone);
    for (const auto& [field, value] : ours.items()) {
      message[NameOf(names, field)] = value;
    }
    messages.push_back(std::move(message));
  }
  const nlohmann::ordered_json body = {{NameOf(names, "MESSAGES"), std::move(messages)}};
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string CallIdOf(std::string_view lease_token) {
  return std::string(lease_token.substr(lease_token.rfind(' ') + 1));
}

absl::StatusOr<std::map<std::string, MessageResult>> ParseResults(std::string_view body,
                                                                  const FieldNames& names) {
  const auto json = nlohmann::json::parse(body.begin(), body.end(), nullptr, false);
  const auto refused = [] {
    return absl::InvalidArgumentError("the answer has no RESULTS as the operation must give");
  };
  const auto rows = json.is_object() ? json.find(NameOf(names, "RESULTS")) : json.end();
  if (rows == json.end() || !rows->is_array()) return refused();
  std::map<std::string, MessageResult> results;
  for (const auto& row : *rows) {
    const auto text = [&](const std::string& ours) -> std::string {
      const auto field = row.is_object() ? row.find(NameOf(names, ours)) : row.end();
      return field != row.end() && field->is_string() ? field->get<std::string>() : "";
    };
    const std::string id = text("MSG_ID");
    const std::string status = text("STATUS");
    if (id.empty()) return refused();
    if (status == "OK") {
      results[id] = MessageResult::kAccepted;
    } else if (status == "DUPLICATE") {
      results[id] = MessageResult::kDuplicate;
    } else if (status == "ERROR") {
      results[id] = MessageResult::kRefused;
    } else {
      return refused();
    }
  }
  return results;
}

absl::StatusOr<std::map<std::string, MessageResult>> StoredMessages(const QueryResult& result) {
  std::map<std::string, MessageResult> stored;
  const std::vector<std::string_view> names = {"A.MSG_ID", "A.STATUS"};
  const std::vector<int> at = FindByName(result.columns, names, {}, "");
  for (const std::vector<std::string>& row : result.rows) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (at[i] < 0) return absl::FailedPreconditionError(MissingColumn(names[i]));
    }
    const bool refused = row[static_cast<std::size_t>(at[1])] == "ERROR";
    stored[row[static_cast<std::size_t>(at[0])]] =
        refused ? MessageResult::kRefused : MessageResult::kDuplicate;
  }
  return stored;
}

}  // namespace psups::ps_ingest
