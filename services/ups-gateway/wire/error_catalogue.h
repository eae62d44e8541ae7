#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/http_message.h"
#include "services/ups-gateway/wire/operation.h"

namespace psups::ups_gateway {

// What an answer of UPS's asks for.
enum class Action {
  kRenewToken,  // a new token may help, once
  kBackOff,     // the same request later
  kReconcile,   // UPS may have done it: ask, never repeat
  kReview,      // a person looks at the order
  kConfigure,   // the account is to be put right
  kDone,        // as good as success
  kNotFound,    // UPS has nothing, or nothing yet
  kSeveral,     // UPS has more than one
  kVoided,      // UPS has it, voided
  kStore,       // a warning beside a success: kept with it
};

struct CatalogueEntry {
  Action action = Action::kReview;
  // For a clerk: no code, what to do, at most 25 words.
  std::string_view sentence = {};
};

// What `code` (may be empty) with `http_status` (0: no reply) means for `operation`. Unknown ones:
// no reply, 408, 429 and 5xx back off, 401 renews the token, 403 configures, anything else is
// reviewed. No reply, 408 and 5xx of ship reconcile, whatever the code.
CatalogueEntry Look(Operation operation, std::string_view code, int http_status);

// All sentences, for the test that reads them.
std::vector<std::string_view> AllSentences();

struct UpsError {
  std::string code = {};
  std::string message = {};
};

// The errors in a reply, in any of the shapes that UPS's services use; empty if there are none or
// the body is not JSON.
std::vector<UpsError> ErrorsOf(const HttpResponse& response);

// The first code in a reply, or empty; also if what stands in its place looks like none of UPS's.
std::string CodeOf(const HttpResponse& response);

// CodeOf, but of a success only if it may hold an error after all: labels are not read twice.
std::string ErrorCodeOf(const HttpResponse& response);

// "renew_token" and the like, as AccountError.action has it.
std::string_view NameOf(Action action);

// The one mapping from a reply that is no success to a Status; the message is a sentence and, in
// parentheses, the operation and UPS's code. Holds nothing else of the reply.
absl::Status StatusFromUps(Operation operation, const HttpResponse& response);

}  // namespace psups::ups_gateway
