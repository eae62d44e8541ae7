#pragma once

#include <mutex>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "common/http_server.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// Street-level address validation from a table: what is not in it has no candidates.
class AddressBook {
 public:
  // Adds [{"input":{"lines","city","state","postal","country"},"verdict":"valid|ambiguous|none",
  // "candidates":[…]}]; an input that is there is replaced. All or nothing and INVALID_ARGUMENT.
  absl::Status Add(const Json& addresses);

  // POST /addressvalidation/v2/{option}: 1 validate, 2 classify, 3 both.
  HttpResponse Validate(const std::string& option, bool cie,
                        const HttpServerRequest& request) const;

  void Clear();

 private:
  struct Candidate {
    std::vector<std::string> lines = {};
    std::string city = {};
    std::string state = {};
    std::string postal = {};
    std::string postal_extended = {};
    std::string classification = "0";
  };
  enum class Verdict { kNone, kValid, kAmbiguous };
  struct Entry {
    Verdict verdict = Verdict::kNone;
    std::vector<Candidate> candidates = {};
  };
  static Json ToJson(const Candidate& candidate, bool classify);
  Entry Find(const Json& address, bool regional) const;

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Entry> entries_;      // by folded input
  std::unordered_map<std::string, Candidate> regions_;  // by folded city, state and ZIP
};

// What a reply says of the address: valid, ambiguous or none; empty if it says nothing of it.
std::string VerdictIn(const HttpResponse& response);

// Nothing is known of the address.
HttpResponse NoCandidates();

}  // namespace psups::ups_sandbox
