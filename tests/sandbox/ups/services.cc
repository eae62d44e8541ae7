#include "tests/sandbox/ups/services.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "tests/sandbox/ups/checks.h"

namespace psups::ups_sandbox {
namespace {

constexpr std::array<Service, 16> kServices = {{
    {"03", "UPS Ground", true, true, 1095, 42, 0},
    {"12", "UPS 3 Day Select", true, true, 1650, 95, 3},
    {"59", "UPS 2nd Day Air A.M.", true, true, 2580, 165, 2, "103000"},
    {"02", "UPS 2nd Day Air", true, true, 2240, 160, 2},
    {"13", "UPS Next Day Air Saver", true, true, 3890, 240, 1, "150000"},
    {"14", "UPS Next Day Air Early", true, true, 7460, 280, 1, "080000"},
    {"01", "UPS Next Day Air", true, true, 4310, 265, 1, "103000"},
    {"07", "UPS Worldwide Express", false, true, 8350, 470, 2, "120000"},
    {"11", "UPS Standard", false, true, 2950, 140, 6},
    {"08", "UPS Worldwide Expedited", false, true, 5480, 330, 5},
    {"65", "UPS Worldwide Saver", false, true, 6900, 410, 3},
    {"54", "UPS Worldwide Express Plus", false, true, 12400, 520, 1, "090000"},
    {"17", "UPS Worldwide Economy DDU", false, false, 2500, 110, 9},
    {"70", "UPS Access Point Economy", false, false, 2700, 130, 7},
    {"72", "UPS Worldwide Economy DDP", false, false, 2600, 115, 9},
    {"74", "UPS Express 12:00", false, false, 8700, 480, 2, "120000"},
}};

double Number(const std::string& text) {
  double value = 0;
  (void)absl::SimpleAtod(text, &value);
  return value;
}

// Whole pounds, the greater of actual and dimensional weight.
long BillablePounds(const Json& package) {
  const std::string unit = TextAt(package, {"PackageWeight", "UnitOfMeasurement", "Code"});
  double pounds = Number(TextAt(package, {"PackageWeight", "Weight"}));
  if (unit == "KGS") pounds *= 2.20462262185;
  if (unit == "OZS") pounds /= 16;
  const Json& size = At(package, {"Dimensions"});
  double volume = Number(TextAt(size, {"Length"})) * Number(TextAt(size, {"Width"})) *
                  Number(TextAt(size, {"Height"}));
  if (TextAt(size, {"UnitOfMeasurement", "Code"}) == "CM") volume /= 2.54 * 2.54 * 2.54;
  return static_cast<long>(std::ceil(std::max(pounds, volume / 139)));
}

}  // namespace

const Service* FindService(const std::string& code) {
  const auto* const found =
      std::find_if(kServices.begin(), kServices.end(),
                   [&](const Service& service) { return code == service.code; });
  return found == kServices.end() ? nullptr : found;
}

bool Serves(const Service& service, const std::string& from, const std::string& to) {
  return service.domestic == (IsUsOrPr(from) && IsUsOrPr(to));
}

std::vector<const Service*> ServicesBetween(const std::string& from, const std::string& to) {
  std::vector<const Service*> services;
  for (const Service& service : kServices) {
    if (service.shopped && Serves(service, from, to)) services.push_back(&service);
  }
  return services;
}

Charges ChargesOf(const Json& packages, const Service& service) {
  Charges charges;
  for (const Json& package : packages) {
    const long pounds = BillablePounds(package);
    charges.package_pounds.push_back(pounds);
    charges.package_cents.push_back(service.base_cents + pounds * service.cents_per_pound);
    charges.pounds += pounds;
    charges.cents += charges.package_cents.back();
  }
  return charges;
}

long NegotiatedCents(long cents) { return cents * 85 / 100; }

int BusinessDays(const Service& service, const std::string& from_postal,
                 const std::string& to_postal) {
  if (service.days > 0) return service.days;
  int from = 0;
  int to = 0;
  if (!absl::SimpleAtoi(from_postal.substr(0, 3), &from) ||
      !absl::SimpleAtoi(to_postal.substr(0, 3), &to))
    return 5;
  return 2 + std::min(3, std::abs(from - to) / 250);
}

absl::CivilDay BusinessDay(absl::CivilDay day) {
  while (absl::GetWeekday(day) == absl::Weekday::saturday ||
         absl::GetWeekday(day) == absl::Weekday::sunday)
    ++day;
  return day;
}

absl::CivilDay AfterBusinessDays(absl::CivilDay day, int days) {
  for (; days > 0; --days) day = BusinessDay(day + 1);
  return day;
}

}  // namespace psups::ups_sandbox
