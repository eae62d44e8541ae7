#include "services/shipment-builder/address_compare.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/shipment-builder/address_place.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;

constexpr std::size_t kZip5 = 5;
constexpr std::size_t kZip9 = 9;

// An address as it is compared.
struct Normal {
  explicit Normal(const Address& address)
      : country(ShippingCountry(address)),
        state(ShippingState(address)),
        zip(Digits(address.postal_code())),
        place(WithoutUrbanization(address)),
        street(NormalStreet(place.lines)) {
    for (const std::string& line : place.lines) {
      if (std::string range = NumberRange(line); !range.empty()) ranges.push_back(std::move(range));
    }
  }

  std::string country, state, zip;
  Urbanized place;
  StreetText street;
  std::vector<std::string> ranges = {};
};

// UPS may leave the country out.
Address Complete(Address candidate, const Address& asked) {
  if (candidate.country_code().empty()) candidate.set_country_code(asked.country_code());
  return candidate;
}

bool OtherRange(const Normal& ours, const Normal& theirs) {
  return std::any_of(theirs.ranges.begin(), theirs.ranges.end(), [&](const std::string& range) {
    return std::find(ours.ranges.begin(), ours.ranges.end(), range) == ours.ranges.end();
  });
}

bool OtherZipPlusFour(const Normal& ours, const Normal& theirs) {
  return ours.zip.size() == kZip9 && theirs.zip.size() == kZip9 && ours.zip != theirs.zip;
}

// The lines that hold more than a unit, by their place among the lines.
std::vector<std::pair<std::string, std::vector<std::string>>> StreetLines(const Normal& address) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;
  for (const std::string& line : address.place.lines) {
    std::vector<std::string> words = NormalStreet({line}).words;
    if (!words.empty()) lines.emplace_back(line, std::move(words));
  }
  return lines;
}

void AddLines(const Normal& ours, const Normal& theirs, std::vector<FieldDifference>& result) {
  if (ours.street.words == theirs.street.words) return;  // split into other lines at most
  auto our_lines = StreetLines(ours);
  auto their_lines = StreetLines(theirs);
  const std::size_t count = std::max(our_lines.size(), their_lines.size());
  our_lines.resize(count);
  their_lines.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (our_lines[i].second == their_lines[i].second) continue;
    result.push_back({absl::StrCat("line ", i + 1), our_lines[i].first, their_lines[i].first});
  }
}

}  // namespace

Difference Compare(const Address& asked, const Address& candidate) {
  const Normal ours(asked);
  const Normal theirs(Complete(candidate, asked));
  if (OtherRange(ours, theirs)) return Difference::kRange;
  if (!SameUnits(ours.street.units, theirs.street.units)) return Difference::kUnit;
  if (ours.country != theirs.country || ours.state != theirs.state) return Difference::kMore;
  if (ours.zip.substr(0, kZip5) != theirs.zip.substr(0, kZip5)) return Difference::kMore;
  if (ours.place.urbanization != theirs.place.urbanization) return Difference::kMore;

  Difference difference = Difference::kNone;
  if (ours.street.words != theirs.street.words) {
    if (WithoutStreetType(ours.street.words) != WithoutStreetType(theirs.street.words)) {
      return Difference::kMore;
    }
    difference = Difference::kCosmetic;
  }
  if (NormalCity(asked.city()) != NormalCity(candidate.city())) {
    if (!SameCityMisspelt(asked.city(), candidate.city())) return Difference::kMore;
    difference = Difference::kCosmetic;
  }
  // A ZIP+4 that is added changes nothing; one that is another does.
  if (OtherZipPlusFour(ours, theirs)) difference = Difference::kCosmetic;
  return difference;
}

std::vector<FieldDifference> Differences(const Address& asked, const Address& candidate) {
  const Normal ours(asked);
  const Normal theirs(Complete(candidate, asked));
  std::vector<FieldDifference> result;
  AddLines(ours, theirs, result);
  if (!SameUnits(ours.street.units, theirs.street.units)) {
    result.push_back({"suite", absl::StrJoin(ours.street.units, ", "),
                      absl::StrJoin(theirs.street.units, ", ")});
  }
  if (ours.place.urbanization != theirs.place.urbanization) {
    result.push_back({"urbanization", ours.place.urbanization, theirs.place.urbanization});
  }
  if (NormalCity(asked.city()) != NormalCity(candidate.city())) {
    result.push_back({"city", asked.city(), candidate.city()});
  }
  if (ours.state != theirs.state) result.push_back({"state", asked.state(), candidate.state()});
  if (ours.zip.substr(0, kZip5) != theirs.zip.substr(0, kZip5) || OtherZipPlusFour(ours, theirs)) {
    result.push_back({"postal_code", asked.postal_code(), candidate.postal_code()});
  }
  if (ours.country != theirs.country) {
    result.push_back({"country_code", asked.country_code(), candidate.country_code()});
  }
  if (asked.residential() != candidate.residential()) {
    const auto what = [](const Address& address) {
      return std::string(address.residential() ? "home" : "business");
    };
    result.push_back({"residential", what(asked), what(candidate)});
  }
  return result;
}

}  // namespace psups::shipment_builder
