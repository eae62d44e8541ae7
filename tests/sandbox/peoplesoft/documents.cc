#include "tests/sandbox/peoplesoft/documents.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::peoplesoft_sandbox {
namespace {

constexpr char kSeparator[] = "\x1f";

const char* IdField(const std::string& type) { return type == "PO" ? "PO_ID" : "REQ_ID"; }

std::string Key(const std::string& type, const std::string& business_unit, const std::string& id) {
  return absl::StrCat(type, kSeparator, business_unit, kSeparator, id);
}

std::string Key(const Document& document) {
  return Key(document.type, document.business_unit, document.id);
}

std::string RequisitionSchedule(const std::string& business_unit, const std::string& req_id,
                                int64_t line, int64_t schedule) {
  return absl::StrCat(business_unit, kSeparator, req_id, kSeparator, line, kSeparator, schedule);
}

absl::Status CheckRows(const Json& parent, const char* list, const char* number_field, bool wanted,
                       const std::string& where) {
  const auto rows = parent.find(list);
  if (rows == parent.end() && !wanted) return absl::OkStatus();
  if (rows == parent.end() || !rows->is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ".", list, ": want a list"));
  }
  std::set<int64_t> numbers;
  int index = 0;
  for (const Json& row : *rows) {
    const std::string here = absl::StrCat(where, ".", list, "[", index++, "]");
    if (absl::Status status = CheckFields(row, here); !status.ok()) return status;
    const int64_t number = Integer(row, number_field, wanted ? 0 : index);
    if (number < 1 || !numbers.insert(number).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(here, ".", number_field, ": want a number from 1, each once"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status Documents::Check(const Json& document, const std::string& where) {
  if (absl::Status status = CheckFields(document, where); !status.ok()) return status;
  const auto wants = [&](const std::string& field, const std::string& wish) {
    return absl::InvalidArgumentError(absl::StrCat(where, ".", field, ": want ", wish));
  };
  const std::string type = Text(document, "DOC_TYPE");
  if (type != "PO" && type != "REQ") return wants("DOC_TYPE", "PO or REQ");
  for (const char* const field : {"BUSINESS_UNIT", IdField(type)}) {
    if (Text(document, field).empty()) return wants(field, "a key value");
  }
  const std::string updated = Text(document, "LAST_DTTM_UPDATE");
  if (!updated.empty() && updated != "now" && !ParseLocal(updated)) {
    return wants("LAST_DTTM_UPDATE", "YYYY-MM-DDTHH:MM:SS in the base time zone, or now");
  }
  if (absl::Status status = CheckRows(document, "LINES", "LINE_NBR", true, where); !status.ok()) {
    return status;
  }
  int line_index = 0;
  for (const Json& line : document["LINES"]) {
    const std::string line_where = absl::StrCat(where, ".LINES[", line_index++, "]");
    if (absl::Status status = CheckRows(line, "SCHEDULES", "SCHED_NBR", true, line_where);
        !status.ok()) {
      return status;
    }
    int schedule_index = 0;
    for (const Json& schedule : line["SCHEDULES"]) {
      const char* const number = type == "PO" ? "DISTRIB_LINE_NUM" : "DISTRIB_NBR";
      if (absl::Status status =
              CheckRows(schedule, "DISTRIBUTIONS", number, false,
                        absl::StrCat(line_where, ".SCHEDULES[", schedule_index++, "]"));
          !status.ok()) {
        return status;
      }
    }
  }
  return absl::OkStatus();
}

void Documents::Put(Json data, absl::Time now, const LocalTime& stamp, bool fractions) {
  Document document;
  document.type = Text(data, "DOC_TYPE");
  document.business_unit = Text(data, "BUSINESS_UNIT");
  document.id = Text(data, IdField(document.type));
  const std::string updated = Text(data, "LAST_DTTM_UPDATE");
  if (updated.empty() || updated == "now") {
    document.updated = stamp;
    data["LAST_DTTM_UPDATE"] = FormatLocal(document.updated, DateTimeForm::kT, fractions);
  } else {
    document.updated = *ParseLocal(updated);
    if (!fractions) document.updated.second = 0;
  }
  const int64_t delay = Integer(data, "VISIBLE_AFTER_MS");
  document.data = std::move(data);

  // A later transaction on the same document waits for the earlier one and then replaces it.
  const std::string key = Key(document);
  for (auto other = pending_.begin(); other != pending_.end();) {
    other = Key(other->second) == key ? pending_.erase(other) : std::next(other);
  }
  if (delay > 0) {
    pending_.emplace(now + absl::Milliseconds(delay), std::move(document));
  } else {
    Commit(std::move(document));
  }
}

void Documents::CommitDue(absl::Time now) {
  while (!pending_.empty() && pending_.begin()->first <= now) {
    Document document = std::move(pending_.begin()->second);
    pending_.erase(pending_.begin());
    Commit(std::move(document));
  }
}

std::set<Documents::Sourcing> Documents::SourcingsOf(const Document& document) {
  std::set<Sourcing> sourcings;
  if (document.type != "PO") return sourcings;
  for (const Json& line : document.data["LINES"]) {
    for (const Json& schedule : line["SCHEDULES"]) {
      if (!schedule.contains("DISTRIBUTIONS")) continue;
      for (const Json& distribution : schedule["DISTRIBUTIONS"]) {
        const std::string req_id = Text(distribution, "REQ_ID");
        if (req_id.empty()) continue;
        const std::string unit = Text(distribution, "BUSINESS_UNIT_REQ");
        sourcings.insert({RequisitionSchedule(unit.empty() ? document.business_unit : unit, req_id,
                                              Integer(distribution, "REQ_LINE_NBR", 1),
                                              Integer(distribution, "REQ_SCHED_NBR", 1)),
                          Integer(distribution, "REQ_DISTRIB_NBR"), Key(document)});
      }
    }
  }
  return sourcings;
}

void Documents::Commit(Document document) {
  const std::string key = Key(document);
  ByTime& by_time = by_time_[document.type];
  const auto [entry, is_new] = entries_.try_emplace(key);
  if (!is_new) {
    by_time.erase(entry->second.position);
    for (const Sourcing& old : SourcingsOf(entry->second.document)) sourced_.erase(old);
  }
  sourced_.merge(SourcingsOf(document));
  entry->second.document = std::move(document);
  entry->second.position = by_time.emplace(entry->second.document.updated, &entry->second.document);
}

std::vector<const Document*> Documents::Window(const std::string& type, const LocalTime& from,
                                               const LocalTime& to) const {
  std::vector<const Document*> found;
  const auto by_time = by_time_.find(type);
  if (by_time == by_time_.end()) return found;
  for (auto at = by_time->second.lower_bound(from); at != by_time->second.end() && at->first <= to;
       ++at) {
    found.push_back(at->second);
  }
  std::sort(found.begin(), found.end(), [](const Document* a, const Document* b) {
    return std::tie(a->business_unit, a->id) < std::tie(b->business_unit, b->id);
  });
  return found;
}

const Document* Documents::Find(const std::string& type, const std::string& business_unit,
                                const std::string& id) const {
  const auto found = entries_.find(Key(type, business_unit, id));
  return found == entries_.end() ? nullptr : &found->second.document;
}

std::set<DocumentKey> Documents::SourcedTo(const Document& requisition, int64_t line,
                                           int64_t schedule, int64_t distribution) const {
  std::set<DocumentKey> orders;
  const std::string wanted =
      RequisitionSchedule(requisition.business_unit, requisition.id, line, schedule);
  for (auto sourcing = sourced_.lower_bound({.requisition_schedule = wanted});
       sourcing != sourced_.end() && sourcing->requisition_schedule == wanted; ++sourcing) {
    if (sourcing->distribution == 0 || sourcing->distribution == distribution) {
      const Document& order = entries_.at(sourcing->purchase_order).document;
      orders.insert({order.business_unit, order.id});
    }
  }
  return orders;
}

std::string Documents::CommittedText() const {
  return absl::StrCat("[",
                      absl::StrJoin(entries_, ",",
                                    [](std::string* out, const auto& entry) {
                                      out->append(Dump(entry.second.document.data));
                                    }),
                      "]");
}

std::string Documents::PendingText() const {
  return absl::StrCat("[",
                      absl::StrJoin(pending_, ",",
                                    [](std::string* out, const auto& entry) {
                                      out->append(Dump(entry.second.data));
                                    }),
                      "]");
}

}  // namespace psups::peoplesoft_sandbox
