#pragma once

#include <cstddef>
#include <map>
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
  using FieldNames = std::map<std::string, std::string>;  // ours → the site's, where they differ

  // Every field of a message and of a result, by our names.
  static std::set<std::string> Fields();

  // The messages in `body`; INVALID_ARGUMENT unless it is a list of at most 100.
  static absl::StatusOr<Json> Parse(const std::string& body);

  // Takes the messages and makes the answer's body. With `lost` each good message is answered OK
  // and not stored.
  Json Apply(const Json& messages, const FieldNames& names, const Documents& documents,
             absl::Time now, bool lost);

  // Takes the messages when they are due. What is refused then, and what is `lost`, has the status
  // ERROR.
  void Defer(Json messages, absl::Time due, bool lost);
  void ApplyDue(const FieldNames& names, const Documents& documents, absl::Time now);

  // A message's {"MSG_ID", "STATUS": "OK" or "ERROR", "MESSAGE"}, or null if it is not known.
  const Json* Find(const std::string& message_id) const;

  // Every message taken, as it came, with what was made of it.
  std::string Updates() const;

 private:
  struct Deferred {
    Json messages = {};
    bool lost = false;
  };
  struct Outcome {
    std::string id = {};
    std::string result = {};
    std::string problem = {};
  };

  Outcome Take(const Json& message, const FieldNames& names, const Documents& documents,
               absl::Time now, bool lost);
  void SetStatus(const Outcome& outcome);

  std::map<std::string, Json> statuses_ = {};  // by MSG_ID
  std::multimap<absl::Time, Deferred> deferred_ = {};
  std::vector<std::string> updates_ = {};
};

}  // namespace psups::peoplesoft_sandbox
