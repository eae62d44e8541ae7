#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/sandbox/peoplesoft/documents.h"
#include "tests/sandbox/peoplesoft/fields.h"

namespace psups::peoplesoft_sandbox {

// The site-built operation that takes tracking updates, and the record it fills. Idempotent on
// MSG_ID; stores in whatever order messages come.
class WriteBack {
 public:
  // The answer's body. INVALID_ARGUMENT, nothing stored, if `body` is not a list of at most 100
  // messages. With `only_pretend` each good message is answered OK and not stored.
  absl::StatusOr<Json> Apply(const std::string& body, const Documents& documents, absl::Time now,
                             bool only_pretend);

  // Every message received, as it came, with what was made of it.
  std::string Updates() const;

 private:
  std::set<std::string> stored_ids_ = {};
  std::vector<std::string> updates_ = {};
};

}  // namespace psups::peoplesoft_sandbox
