#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tests/sandbox/peoplesoft/fields.h"

namespace psups::peoplesoft_sandbox {

// The set-up records beside the documents (vendors, locations, items, set control), each row
// replaced whole by its key.
class Tables {
 public:
  // INVALID_ARGUMENT naming the first bad row of {"VENDOR": [row, …], …}.
  static absl::Status Check(const Json& tables);

  // Stores what Check found good. A row without EFFDT has always been there, without EFF_STATUS it
  // is active, and an address without ADDRESS_SEQ_NUM is the first.
  void Upsert(const Json& tables);

  // The row with these key values, EFFDT not among them, or null. Of an effective-dated record the
  // latest row not after `as_of` ("YYYY-MM-DD") decides; if that one is inactive there is none:
  // an older active row never comes back.
  const Json* Find(const std::string& record, const std::vector<std::string>& key,
                   const std::string& as_of) const;

  // The rows whose key begins with these values, ordered by key, with every effective date.
  std::vector<const Json*> All(const std::string& record,
                               const std::vector<std::string>& key) const;

  // `on_transaction`, or if that is blank the SETID which the business unit uses for `record_name`
  // (SET_CNTRL_REC), or blank.
  std::string SetId(const std::string& on_transaction, const std::string& business_unit,
                    const std::string& record_name) const;

 private:
  std::map<std::string, std::map<std::string, Json>> records_ = {};  // record → key → row
};

}  // namespace psups::peoplesoft_sandbox
