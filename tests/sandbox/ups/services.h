#pragma once

#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

// One of UPS's services. Of two in one lane the faster costs more; only Ground over a short way is
// cheap and fast.
struct Service {
  const char* code = "";
  const char* name = "";
  bool domestic = false;  // within and between the US and PR; else to and from elsewhere
  bool shopped = false;   // offered to whoever asks for all
  long base_cents = 0;    // for each package
  long cents_per_pound = 0;
  int days = 0;  // business days under way; 0: two to five, by distance
  const char* by = "233000";
};

// Null if UPS has none of that code.
const Service* FindService(const std::string& code);

// Whether it runs between two countries.
bool Serves(const Service& service, const std::string& from, const std::string& to);

// All that are shopped between two countries, in UPS's order, which is neither that of prices nor
// that of codes.
std::vector<const Service*> ServicesBetween(const std::string& from, const std::string& to);

// What `packages` cost by a service, the same whether they are rated or shipped.
struct Charges {
  std::vector<long> package_cents = {};
  std::vector<long> package_pounds = {};  // billable
  long cents = 0;
  long pounds = 0;
};
Charges ChargesOf(const Json& packages, const Service& service);

// The shipper's own price for what is published at `cents`.
long NegotiatedCents(long cents);

// How many business days a service needs between two postal codes.
int BusinessDays(const Service& service, const std::string& from_postal,
                 const std::string& to_postal);

// `day`, or the next one that is no Saturday or Sunday. UPS's holidays are not known here.
absl::CivilDay BusinessDay(absl::CivilDay day);

// So many business days after `day`, which is one.
absl::CivilDay AfterBusinessDays(absl::CivilDay day, int days);

}  // namespace psups::ups_sandbox
