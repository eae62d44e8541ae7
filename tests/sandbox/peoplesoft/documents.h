#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/sandbox/peoplesoft/fields.h"
#include "tests/sandbox/peoplesoft/local_time.h"

namespace psups::peoplesoft_sandbox {

// A purchase order or requisition with its lines and schedules.
struct Document {
  Json data = {};  // as loaded, LAST_DTTM_UPDATE filled in
  std::string type = {};
  std::string business_unit = {};
  std::string id = {};
  LocalTime updated = {};
};

// What names a document of one type.
struct DocumentKey {
  std::string business_unit = {};
  std::string id = {};
  auto operator<=>(const DocumentKey&) const = default;
};

// All documents of a site: those committed, found by key or by their time of update, and those
// whose transaction has not committed yet, which nobody can see.
class Documents {
 public:
  // INVALID_ARGUMENT naming `where` and the first thing that PeopleSoft could not hold.
  static absl::Status Check(const Json& document, const std::string& where);

  // Replaces the document whole, `stamp` being its time of update unless it says another. With
  // VISIBLE_AFTER_MS from `now` the old one stays to be seen until then. Wants what Check found
  // good.
  void Put(Json document, absl::Time now, const LocalTime& stamp, bool fractions);

  // Makes what is due by `now` visible.
  void CommitDue(absl::Time now);

  // Documents of `type` with from ≤ time of update ≤ to, ordered by business unit and id.
  std::vector<const Document*> Window(const std::string& type, const LocalTime& from,
                                      const LocalTime& to) const;

  const Document* Find(const std::string& type, const std::string& business_unit,
                       const std::string& id) const;

  // The purchase orders into which a distribution of a requisition's schedule was sourced, in
  // order, each once. A purchase order that names no distribution takes them all.
  std::set<DocumentKey> SourcedTo(const Document& requisition, int64_t line, int64_t schedule,
                                  int64_t distribution) const;

  // JSON arrays of the documents as loaded.
  std::string CommittedText() const;
  std::string PendingText() const;

 private:
  using ByTime = std::multimap<LocalTime, const Document*>;
  struct Entry {
    Document document = {};
    ByTime::iterator position = {};
  };

  struct Sourcing {
    std::string requisition_schedule = {};
    int64_t distribution = 0;         // 0: all of them
    std::string purchase_order = {};  // its Key()
    auto operator<=>(const Sourcing&) const = default;
  };

  static std::set<Sourcing> SourcingsOf(const Document& document);
  void Commit(Document document);

  std::map<std::string, Entry> entries_ = {};   // by Key()
  std::map<std::string, ByTime> by_time_ = {};  // by type
  std::set<Sourcing> sourced_ = {};
  std::multimap<absl::Time, Document> pending_ = {};  // by the time of commit
};

}  // namespace psups::peoplesoft_sandbox
