#include "tests/sandbox/peoplesoft/write_back.h"

#include <cctype>
#include <cstddef>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/sandbox/peoplesoft/local_time.h"

namespace psups::peoplesoft_sandbox {
namespace {

constexpr std::size_t kMostMessages = 100;

constexpr char kLost[] = "The handler failed after the message was accepted.";
constexpr const char* kNumberFields[] = {"LINE_NBR", "SCHED_NBR", "SEQ_NBR"};

struct TextField {
  const char* name;
  std::size_t length;
  bool required;
};

constexpr TextField kTextFields[] = {
    {"MSG_ID", 32, true},       {"DOC_TYPE", 3, true},
    {"BUSINESS_UNIT", 5, true}, {"DOC_ID", 10, true},
    {"TRACKING_NBR", 30, true}, {"CARRIER_ID", 10, false},
    {"STATUS", 20, true},       {"STATUS_DETAIL", 30, false},
    {"UPS_TYPE", 4, false},     {"UPS_CODE", 4, false},
    {"EVENT_DTTM", 19, true},   {"EVENT_DTTM_UTC", 20, true},
    {"IS_CURRENT", 1, true},    {"QTY", 20, true},
    {"DESCR", 60, false},
};

const std::set<std::string>& Statuses() {
  static const auto* const statuses =
      new std::set<std::string>{"LABEL_CREATED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY",
                                "DELIVERED",     "EXCEPTION", "RETURNING",  "RETURNED",
                                "VOIDED",        "LOST",      "UNKNOWN"};
  return *statuses;
}

bool IsMessageId(const std::string& text) {
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) == 0) return false;
  }
  return text.size() == 32;
}

bool IsUtc(const std::string& text) {
  return absl::EndsWith(text, "Z") &&
         ParseLocal(text.substr(0, text.size() - 1), DateTimeForm::kT).has_value();
}

bool HasSchedule(const Document& document, int64_t line_number, int64_t schedule_number) {
  for (const Json& line : document.data["LINES"]) {
    if (Integer(line, "LINE_NBR") != line_number) continue;
    for (const Json& schedule : line["SCHEDULES"]) {
      if (Integer(schedule, "SCHED_NBR") == schedule_number) return true;
    }
  }
  return false;
}

// Empty if the record can hold the message, else why not.
std::string Problem(const Json& message, const Documents& documents) {
  if (!message.is_object()) return "message: want an object";
  for (const TextField& field : kTextFields) {
    const auto value = message.find(field.name);
    if (value == message.end() && !field.required) continue;
    if (value == message.end() || !value->is_string() ||
        (field.required && value->get_ref<const std::string&>().empty())) {
      return absl::StrCat(field.name, ": want text");
    }
    if (Characters(*value) > field.length) {
      return absl::StrCat(field.name, ": want at most ", field.length, " characters");
    }
  }
  for (const char* const field : kNumberFields) {
    const auto value = message.find(field);
    if (value == message.end() || !value->is_number_integer() || *value < 1) {
      return absl::StrCat(field, ": want a number from 1");
    }
  }
  if (!IsMessageId(message["MSG_ID"])) return "MSG_ID: want 32 hexadecimal digits";
  const std::string type = message["DOC_TYPE"];
  if (type != "PO" && type != "REQ") return "DOC_TYPE: want PO or REQ";
  if (Statuses().count(message["STATUS"]) == 0) return "STATUS: not a translate value";
  if (!ParseLocal(message["EVENT_DTTM"], DateTimeForm::kT)) return "EVENT_DTTM: want a date-time";
  if (!IsUtc(message["EVENT_DTTM_UTC"])) return "EVENT_DTTM_UTC: want a date-time with Z";
  const std::string current = message["IS_CURRENT"];
  if (current != "Y" && current != "N") return "IS_CURRENT: want Y or N";
  if (PlainDecimal(message["QTY"]).empty()) return "QTY: want a decimal";

  const Document* const document =
      documents.Find(type, message["BUSINESS_UNIT"], message["DOC_ID"]);
  if (document == nullptr || !HasSchedule(*document, message["LINE_NBR"], message["SCHED_NBR"])) {
    return "no such document, line or schedule";
  }
  return "";
}

// A field's name at this site.
std::string NameOf(const std::string& field, const WriteBack::FieldNames& names) {
  const auto name = names.find(field);
  return name == names.end() ? field : name->second;
}

// The message with the site's names turned into ours. One of our names that the site does not use
// is lost on it.
Json InOurNames(const Json& message, const WriteBack::FieldNames& names) {
  if (names.empty() || !message.is_object()) return message;
  Json ours = Json::object();
  for (const std::string& field : WriteBack::Fields()) {
    const auto value = message.find(NameOf(field, names));
    if (value != message.end()) ours[field] = *value;
  }
  return ours;
}

}  // namespace

std::set<std::string> WriteBack::Fields() {
  std::set<std::string> fields(std::begin(kNumberFields), std::end(kNumberFields));
  for (const TextField& field : kTextFields) fields.insert(field.name);
  fields.insert("MESSAGE");
  return fields;
}

absl::StatusOr<Json> WriteBack::Parse(const std::string& body) {
  Json request = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const auto messages = request.is_object() ? request.find("MESSAGES") : request.end();
  if (!request.is_object() || messages == request.end() || !messages->is_array()) {
    return absl::InvalidArgumentError("MESSAGES: want a list");
  }
  if (messages->size() > kMostMessages) {
    return absl::InvalidArgumentError(absl::StrCat("MESSAGES: want at most ", kMostMessages));
  }
  return std::move(*messages);
}

Json WriteBack::Apply(const Json& messages, const FieldNames& names, const Documents& documents,
                      absl::Time now, bool lost) {
  Json results = Json::array();
  for (const Json& message : messages) {
    const Outcome outcome = Take(message, names, documents, now, lost);
    if (outcome.result == "OK" && !lost) SetStatus(outcome);
    results.push_back({{NameOf("MSG_ID", names), outcome.id},
                       {NameOf("STATUS", names), outcome.result},
                       {NameOf("MESSAGE", names), outcome.problem}});
  }
  return Json{{"RESULTS", std::move(results)}};
}

void WriteBack::Defer(Json messages, absl::Time due, bool lost) {
  deferred_.emplace(due, Deferred{std::move(messages), lost});
}

void WriteBack::ApplyDue(const FieldNames& names, const Documents& documents, absl::Time now) {
  while (!deferred_.empty() && deferred_.begin()->first <= now) {
    const auto first = deferred_.extract(deferred_.begin());
    const bool lost = first.mapped().lost;
    for (const Json& message : first.mapped().messages) {
      Outcome outcome = Take(message, names, documents, first.key(), lost);
      if (outcome.result == "OK" && lost) outcome = {outcome.id, "ERROR", kLost};
      if (outcome.result != "DUPLICATE") SetStatus(outcome);
    }
  }
}

WriteBack::Outcome WriteBack::Take(const Json& message, const FieldNames& names,
                                   const Documents& documents, absl::Time now, bool lost) {
  const Json ours = InOurNames(message, names);
  Outcome outcome = {.id = ours.is_object() ? Text(ours, "MSG_ID") : "", .result = "OK"};
  const Json* const known = Find(outcome.id);
  if (known != nullptr && known->at("STATUS") == "OK") {
    outcome.result = "DUPLICATE";
  } else if (outcome.problem = Problem(ours, documents); !outcome.problem.empty()) {
    outcome.result = "ERROR";
  }
  const Json update = {{"n", updates_.size() + 1},
                       {"time", FormatUtc(now)},
                       {"message", message},
                       {"result", lost && outcome.result == "OK" ? "ERROR" : outcome.result}};
  updates_.push_back(Dump(update));
  return outcome;
}

void WriteBack::SetStatus(const Outcome& outcome) {
  statuses_.insert_or_assign(
      outcome.id,
      Json{{"MSG_ID", outcome.id}, {"STATUS", outcome.result}, {"MESSAGE", outcome.problem}});
}

const Json* WriteBack::Find(const std::string& message_id) const {
  const auto status = statuses_.find(message_id);
  return status == statuses_.end() ? nullptr : &status->second;
}

std::string WriteBack::Updates() const {
  return absl::StrCat("[", absl::StrJoin(updates_, ","), "]");
}

}  // namespace psups::peoplesoft_sandbox
