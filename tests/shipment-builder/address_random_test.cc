// Whatever UPS may answer: a suite or a house number that is not the order's is never taken.

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "services/shipment-builder/address_check.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;

Address At(const std::vector<std::string>& lines) {
  Address address;
  for (const std::string& line : lines) address.add_lines(line);
  address.set_city("Denver");
  address.set_state("CO");
  address.set_postal_code("80202");
  address.set_country_code("US");
  return address;
}

class RandomAddress {
 public:
  explicit RandomAddress(unsigned seed) : random_(seed) {}

  int Up(int most) { return std::uniform_int_distribution<int>(0, most)(random_); }
  std::string Pick(const std::vector<std::string>& among) {
    return among[static_cast<std::size_t>(Up(static_cast<int>(among.size()) - 1))];
  }
  std::string Number() { return absl::StrCat(1 + Up(9999)); }
  std::string OtherThan(const std::string& number) {
    std::string other = Number();
    while (other == number) other = Number();
    return other;
  }
  std::string Street() {
    return absl::StrCat(Pick({"", "N ", "South ", "NE "}),
                        Pick({"Market", "Oak Hill", "5th", "Saint Charles", "Park", "Lake View"}),
                        Pick({" St", " Street", " Ave", " Parkway", " Rd.", ""}));
  }
  std::string Unit(const std::string& id) {
    return absl::StrCat(Pick({"Ste ", "Suite ", "Apt. ", "# ", "Unit ", "Rm "}), id);
  }
  // A letter or digit changed, added or taken away.
  std::string Edited(std::string text) {
    static const std::string kCharacters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -#/.,";
    const auto at = static_cast<std::size_t>(Up(static_cast<int>(text.size()) - 1));
    const char c =
        kCharacters[static_cast<std::size_t>(Up(static_cast<int>(kCharacters.size()) - 1))];
    switch (Up(2)) {
      case 0:
        text[at] = c;
        break;
      case 1:
        text.insert(at, 1, c);
        break;
      default:
        text.erase(at, 1);
    }
    return text;
  }

 private:
  std::mt19937 random_;
};

bool Ships(const Address& asked, const Address& candidate) {
  ups::v1::ValidateAddressResponse answer;
  answer.set_verdict(ups::v1::ValidateAddressResponse::VALID);
  *answer.add_candidates()->mutable_address() = candidate;
  return CheckAddress(asked, answer).kind != AddressDecision::Kind::kReview;
}

TEST(AnyCandidate, WithAnotherHouseNumberOrUnitIsNeverTaken) {
  RandomAddress random(31);
  for (int n = 0; n < 10'000; ++n) {
    const std::string street = random.Street(), number = random.Number(), unit = random.Number();
    const bool has_unit = random.Up(1) == 0;
    const auto address = [&](const std::string& house, const std::string& id) {
      const std::string line = absl::StrCat(house, " ", street);
      if (id.empty()) return At({line});
      return random.Up(1) == 0 ? At({line, random.Unit(id)})
                               : At({absl::StrCat(line, " ", random.Unit(id))});
    };
    const std::string id = has_unit ? unit : "";
    const Address asked = address(number, id);
    std::string other_id = random.OtherThan(unit);
    if (has_unit && random.Up(3) == 0) other_id.clear();
    const std::string other_number =
        random.Up(3) > 0 ? random.OtherThan(number)
                         : absl::StrCat(random.Pick({"1", number}), "-", number, "0");
    EXPECT_FALSE(Ships(asked, address(other_number, id))) << n << ": " << asked.lines(0);
    EXPECT_FALSE(Ships(asked, address(number, other_id))) << n << ": " << asked.lines(0);
  }
}

// Every run of digits, in order of size: what no cosmetic change touches.
std::vector<std::string> Numbers(const Address& address) {
  std::vector<std::string> numbers;
  for (const std::string& line : address.lines()) {
    bool inside = false;
    for (const char c : line) {
      const bool digit = c >= '0' && c <= '9';
      if (digit && !inside) numbers.emplace_back();
      if (digit) numbers.back().push_back(c);
      inside = digit;
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

TEST(AnyCandidate, ThatIsTakenHasTheSameNumbers) {
  RandomAddress random(32);
  int taken = 0;
  for (int n = 0; n < 20'000; ++n) {
    const std::string line = absl::StrCat(random.Number(), " ", random.Street());
    const Address asked = random.Up(1) == 0 ? At({line, random.Unit(random.Number())}) : At({line});
    Address candidate = asked;
    for (std::string& text : *candidate.mutable_lines()) text = absl::AsciiStrToUpper(text);
    for (int edits = 1 + random.Up(2); edits > 0; --edits) {
      std::string& text = *candidate.mutable_lines(random.Up(candidate.lines_size() - 1));
      if (!text.empty()) text = random.Edited(text);
    }
    if (!Ships(asked, candidate)) continue;
    ++taken;
    EXPECT_EQ(Numbers(asked), Numbers(candidate))
        << n << ": " << asked.lines(0) << " | " << candidate.lines(0);
  }
  EXPECT_GT(taken, 300);  // or nothing was looked at
}

}  // namespace
}  // namespace psups::shipment_builder
