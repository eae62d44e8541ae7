#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/http_message.h"

namespace psups::ps_ingest {

// What kind of failure a PeopleSoft site answered with: who has to do something about it.
enum class PsErrorKind {
  kAuth,        // the credential was refused: another try may lock the user
  kPermission,  // the user may not run the operation
  kConfig,      // no such query, prompt, path or column
  kTooLarge,    // the answer was larger than what is read
  kTransient,   // it heals by itself
  kData,        // a row cannot be understood
};

// Lower case, for metrics and the ledger.
const char* Name(PsErrorKind kind);

// A failure in a sentence with the next step. Never holds text that PeopleSoft sent: it may name
// people.
struct PsError {
  PsErrorKind kind = PsErrorKind::kTransient;
  std::string sentence = {};
  bool timed_out = false;  // no answer in time: a smaller question may get one
};

// Whether a reply is a failure, whatever its HTTP status says: a framework error (IBResponse), a
// SOAP fault, a login page. `what` is what was asked for, such as "query PSUPS_PO". No error means
// that the body is worth parsing.
std::optional<PsError> FindError(const absl::StatusOr<HttpResponse>& response,
                                 std::string_view what);

// The failure that a QueryResult with a status other than success stands for; `body` is the whole.
PsError NotSuccess(std::string_view body, std::string_view what);

}  // namespace psups::ps_ingest
