#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "services/shipment-builder/address_check.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;
using Answer = ups::v1::ValidateAddressResponse;
using Kind = AddressDecision::Kind;

Address At(const std::vector<std::string>& lines, const std::string& city, const std::string& state,
           const std::string& zip) {
  Address address;
  address.set_name("Denver Warehouse");
  address.set_attention_name("Receiving");
  address.set_phone("303-555-0100");
  for (const std::string& line : lines) address.add_lines(line);
  address.set_city(city);
  address.set_state(state);
  address.set_postal_code(zip);
  address.set_country_code("US");
  return address;
}

Answer ValidAs(const std::vector<Address>& candidates) {
  Answer answer;
  answer.set_verdict(Answer::VALID);
  for (Address candidate : candidates) {
    candidate.clear_name();
    candidate.clear_attention_name();
    candidate.clear_phone();
    *answer.add_candidates()->mutable_address() = candidate;
  }
  return answer;
}

std::string Judged(const Address& asked, const Address& candidate) {
  const AddressDecision decision = CheckAddress(asked, ValidAs({candidate}));
  switch (decision.kind) {
    case Kind::kValid:
      return "VALID";
    case Kind::kCorrected:
      return "CORRECTED";
    case Kind::kReview:
      return std::string(Name(decision.reason));
  }
  return "";
}

struct Case {
  const char* why;
  std::vector<std::string> asked;
  std::vector<std::string> candidate;
  const char* verdict;
};

class Streets : public ::testing::TestWithParam<Case> {};

TEST_P(Streets, AreJudged) {
  const Case& one = GetParam();
  EXPECT_EQ(Judged(At(one.asked, "Denver", "CO", "80202"),
                   At(one.candidate, "DENVER", "CO", "80202-1234")),
            one.verdict)
      << one.why;
}

INSTANTIATE_TEST_SUITE_P(
    Table, Streets,
    ::testing::Values(
        Case{"case", {"1500 Market St"}, {"1500 MARKET ST"}, "VALID"},
        Case{"abbreviation", {"1500 Market Street"}, {"1500 MARKET ST"}, "VALID"},
        Case{"an old abbreviation", {"1500 Market Str."}, {"1500 MARKET ST"}, "VALID"},
        Case{"avenue", {"9 Oak Avenue"}, {"9 OAK AVE"}, "VALID"},
        Case{"parkway", {"9 Oak Parkway"}, {"9 OAK PKWY"}, "VALID"},
        Case{"punctuation", {"1500, Market St."}, {"1500 MARKET ST"}, "VALID"},
        Case{"spaces", {"  1500   Market  St "}, {"1500 MARKET ST"}, "VALID"},
        Case{"direction", {"1500 North Market St"}, {"1500 N MARKET ST"}, "VALID"},
        Case{"direction behind", {"1500 Market St Northwest"}, {"1500 MARKET ST NW"}, "VALID"},
        Case{"direction with points", {"1500 N.E. Market St."}, {"1500 NE MARKET ST"}, "VALID"},
        Case{"apostrophe", {"7 O'Neil Rd"}, {"7 ONEIL RD"}, "VALID"},
        Case{"ordinal word", {"350 Fifth Avenue"}, {"350 5TH AVE"}, "VALID"},
        Case{"saint", {"12 Saint Charles Ave"}, {"12 ST CHARLES AVE"}, "VALID"},
        Case{"hyphenated number", {"41-15 51st Street"}, {"41-15 51ST ST"}, "VALID"},
        Case{"half a number", {"12 1/2 Main St"}, {"12 1/2 MAIN ST"}, "VALID"},
        Case{"a department above",
             {"Central Receiving", "1500 Market Street"},
             {"CENTRAL RECEIVING", "1500 MARKET ST"},
             "VALID"},
        Case{"department with two words of it",
             {"Department of Chemistry", "1500 Market St"},
             {"DEPARTMENT OF CHEMISTRY", "1500 MARKET ST"},
             "VALID"},
        // Units.
        Case{"suite", {"1500 Market St Suite 400"}, {"1500 MARKET ST STE 400"}, "VALID"},
        Case{"suite on its own line",
             {"1500 Market St", "Suite 400"},
             {"1500 MARKET ST STE 400"},
             "VALID"},
        Case{"suite before the street",
             {"Ste. 400", "1500 Market St"},
             {"1500 MARKET ST", "STE 400"},
             "VALID"},
        Case{"suite glued", {"1500 Market St STE400"}, {"1500 MARKET ST STE 400"}, "VALID"},
        Case{"suite with sign", {"1500 Market St Ste #400"}, {"1500 MARKET ST STE 400"}, "VALID"},
        Case{"sign for any unit", {"1500 Market St #4"}, {"1500 MARKET ST APT 4"}, "VALID"},
        Case{"floor", {"1500 Market St", "3rd Floor"}, {"1500 MARKET ST FL 3"}, "VALID"},
        Case{"a letter", {"26601 Aliso Creek Rd Suite D"}, {"26601 ALISO CREEK RD STE D"}, "VALID"},
        Case{"two units",
             {"1500 Market St", "Building B Room 12"},
             {"1500 MARKET ST BLDG B RM 12"},
             "VALID"},
        Case{"suite lost",
             {"1500 Market St", "Suite 400"},
             {"1500 MARKET ST"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"suite lost on one line",
             {"1500 Market St Ste 400"},
             {"1500 MARKET ST"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"suite swapped",
             {"1500 Market St STE103/104"},
             {"1500 MARKET ST STE 107A"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"suite invented",
             {"1500 Market St"},
             {"1500 MARKET ST STE 1"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"suite made apartment",
             {"1500 Market St Ste 4"},
             {"1500 MARKET ST APT 4"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"sign lost", {"1500 Market St # 4"}, {"1500 MARKET ST"}, "ADDRESS_SUITE_CHANGED"},
        Case{"one of two lost",
             {"1500 Market St Bldg B Rm 12"},
             {"1500 MARKET ST BLDG B"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"floor lost",
             {"1500 Market St", "3rd Floor"},
             {"1500 MARKET ST"},
             "ADDRESS_SUITE_CHANGED"},
        Case{"basement lost",
             {"1500 Market St Basement"},
             {"1500 MARKET ST"},
             "ADDRESS_SUITE_CHANGED"},
        // Street types.
        Case{"another type", {"1500 Market Ave"}, {"1500 MARKET ST"}, "CORRECTED"},
        Case{"type added", {"1500 Market"}, {"1500 MARKET ST"}, "CORRECTED"},
        Case{"type before a direction", {"1500 Market Ave N"}, {"1500 MARKET ST N"}, "CORRECTED"},
        Case{"type with a suite",
             {"1500 Market Ave", "Suite 4"},
             {"1500 MARKET ST STE 4"},
             "CORRECTED"},
        // More than spelling.
        Case{"number", {"1500 Market St"}, {"1501 MARKET ST"}, "ADDRESS_CHANGED"},
        Case{"number range", {"5 Market St"}, {"1-99 MARKET ST"}, "ADDRESS_AMBIGUOUS"},
        Case{"hyphen is not nothing", {"13 Market St"}, {"1-3 MARKET ST"}, "ADDRESS_AMBIGUOUS"},
        Case{"hyphen of Queens lost", {"41-15 51st St"}, {"4115 51ST ST"}, "ADDRESS_CHANGED"},
        Case{"what looks like a type is the name", {"12 Park"}, {"12 LAKE"}, "ADDRESS_CHANGED"},
        Case{"the same behind a direction", {"12 N Park"}, {"12 N LAKE"}, "ADDRESS_CHANGED"},
        Case{"the same before a direction", {"12 Park N"}, {"12 LAKE N"}, "ADDRESS_CHANGED"},
        Case{"the same behind a department",
             {"Receiving", "12 Park"},
             {"RECEIVING", "12 LAKE"},
             "ADDRESS_CHANGED"},
        Case{"type of an ordinal street", {"12 5th St"}, {"12 5TH AVE"}, "CORRECTED"},
        Case{"name", {"1500 Market St"}, {"1500 MARKER ST"}, "ADDRESS_CHANGED"},
        Case{"direction lost", {"1500 N Market St"}, {"1500 MARKET ST"}, "ADDRESS_CHANGED"},
        Case{"direction turned", {"1500 N Market St"}, {"1500 S MARKET ST"}, "ADDRESS_CHANGED"},
        Case{"department lost",
             {"Central Receiving", "1500 Market St"},
             {"1500 MARKET ST"},
             "ADDRESS_CHANGED"}));

TEST(AddressCheck, CitySpellingIsCosmeticAnotherCityIsNot) {
  const auto judged = [](const std::string& asked, const std::string& candidate) {
    return Judged(At({"1 Main St"}, asked, "MO", "63101"),
                  At({"1 MAIN ST"}, candidate, "MO", "63101-1234"));
  };
  EXPECT_EQ(judged("Saint Louis", "SAINT LOUIS"), "VALID");
  EXPECT_EQ(judged("St Louis", "SAINT LOUIS"), "CORRECTED");
  EXPECT_EQ(judged("St. Louis", "SAINT LOUIS"), "CORRECTED");
  EXPECT_EQ(judged("Pittsburg", "PITTSBURGH"), "CORRECTED");
  EXPECT_EQ(judged("Cincinatti", "CINCINNATI"), "CORRECTED");
  EXPECT_EQ(judged("San Fransisco", "SAN FRANCISCO"), "CORRECTED");
  EXPECT_EQ(judged("Mt Vernon", "MOUNT VERNON"), "CORRECTED");
  EXPECT_EQ(judged("Winston-Salem", "WINSTON SALEM"), "VALID");
  EXPECT_EQ(judged("Springfield", "CHATHAM"), "ADDRESS_CHANGED");
  EXPECT_EQ(judged("Brooklyn", "NEW YORK"), "ADDRESS_CHANGED");
  EXPECT_EQ(judged("Lima", "Rome"), "ADDRESS_CHANGED");
}

TEST(AddressCheck, ZipFiveAndStateAreNoSpelling) {
  EXPECT_EQ(Judged(At({"1 Main St"}, "Denver", "CO", "80202"),
                   At({"1 MAIN ST"}, "DENVER", "CO", "80203-1234")),
            "ADDRESS_CHANGED");
  EXPECT_EQ(Judged(At({"1 Main St"}, "Denver", "CO", "80202"),
                   At({"1 MAIN ST"}, "DENVER", "CA", "80202-1234")),
            "ADDRESS_CHANGED");
}

TEST(AddressCheck, ZipPlusFourIsAddedOrMended) {
  const Address candidate = At({"1 MAIN ST"}, "DENVER", "CO", "80202-1234");
  AddressDecision decision =
      CheckAddress(At({"1 Main St"}, "Denver", "CO", "80202"), ValidAs({candidate}));
  EXPECT_EQ(decision.kind, Kind::kValid);
  EXPECT_EQ(decision.use.postal_code(), "802021234");
  EXPECT_EQ(decision.use.lines(0), "1 Main St");  // what was right is not rewritten
  decision = CheckAddress(At({"1 Main St"}, "Denver", "CO", "802021234"), ValidAs({candidate}));
  EXPECT_EQ(decision.kind, Kind::kValid);
  decision = CheckAddress(At({"1 Main St"}, "Denver", "CO", "80202-9999"), ValidAs({candidate}));
  EXPECT_EQ(decision.kind, Kind::kCorrected);
  EXPECT_EQ(decision.use.postal_code(), "802021234");
}

TEST(AddressCheck, ACorrectionKeepsNameAttentionAndPhone) {
  const AddressDecision decision =
      CheckAddress(At({"1500 Market Ave"}, "Denver", "CO", "80202"),
                   ValidAs({At({"1500 MARKET ST"}, "DENVER", "CO", "80202-1234")}));
  ASSERT_EQ(decision.kind, Kind::kCorrected);
  EXPECT_EQ(decision.use.lines(0), "1500 MARKET ST");
  EXPECT_EQ(decision.use.city(), "DENVER");
  EXPECT_EQ(decision.use.name(), "Denver Warehouse");
  EXPECT_EQ(decision.use.attention_name(), "Receiving");
  EXPECT_EQ(decision.use.phone(), "303-555-0100");
  EXPECT_EQ(decision.use.country_code(), "US");
}

TEST(AddressCheck, AHomeIsFlagged) {
  const Address asked = At({"1 Main St"}, "Denver", "CO", "80202");
  Answer answer = ValidAs({asked});
  answer.mutable_candidates(0)->set_classification(Answer::RESIDENTIAL);
  EXPECT_TRUE(CheckAddress(asked, answer).use.residential());
  answer.mutable_candidates(0)->set_classification(Answer::COMMERCIAL);
  EXPECT_FALSE(CheckAddress(asked, answer).use.residential());
  answer.mutable_candidates(0)->clear_classification();
  answer.set_classification(Answer::RESIDENTIAL);
  EXPECT_TRUE(CheckAddress(asked, answer).use.residential());
}

TEST(AddressCheck, VerdictsThatArePeoplesBusiness) {
  const Address asked = At({"1 Main St"}, "Denver", "CO", "80202");
  Answer answer = ValidAs(
      {At({"1 E MAIN ST"}, "DENVER", "CO", "80202"), At({"1 W MAIN ST"}, "DENVER", "CO", "80202")});
  EXPECT_EQ(CheckAddress(asked, answer).reason, Reason::kAddressAmbiguous);
  answer.set_verdict(Answer::AMBIGUOUS);
  const AddressDecision decision = CheckAddress(asked, answer);
  EXPECT_EQ(decision.kind, Kind::kReview);
  EXPECT_EQ(decision.reason, Reason::kAddressAmbiguous);
  EXPECT_EQ(decision.candidates.size(), 2u);
  // One candidate makes it no less ambiguous: it may be a whole range of numbers.
  answer = ValidAs({asked});
  answer.set_verdict(Answer::AMBIGUOUS);
  EXPECT_EQ(CheckAddress(asked, answer).kind, Kind::kReview);
  answer.Clear();
  answer.set_verdict(Answer::NO_CANDIDATES);
  EXPECT_EQ(CheckAddress(asked, answer).reason, Reason::kAddressInvalid);
  answer.set_verdict(Answer::NOT_SUPPORTED);
  EXPECT_EQ(CheckAddress(asked, answer).reason, Reason::kCountryUnsupported);
  answer.set_verdict(Answer::VERDICT_UNSPECIFIED);
  EXPECT_EQ(CheckAddress(asked, answer).kind, Kind::kReview);
}

TEST(AddressCheck, AmongSeveralTheOneThatIsMeantIsTaken) {
  const Address asked = At({"1 Main St"}, "Denver", "CO", "80202");
  const Answer answer = ValidAs({At({"1 MAIN ST APT 2"}, "DENVER", "CO", "80202-1111"),
                                 At({"1 MAIN ST"}, "DENVER", "CO", "80202-2222")});
  EXPECT_EQ(CheckAddress(asked, answer).use.postal_code(), "802022222");
}

TEST(AddressText, LookUpKeysIgnoreHowItIsWritten) {
  EXPECT_EQ(NormalAddress(At({"1500 Market St."}, "Denver", "co", "80202-1234")),
            NormalAddress(At({"1500  MARKET ST"}, "DENVER", "CO", "802021234")));
  EXPECT_NE(NormalAddress(At({"1500 Market St"}, "Denver", "CO", "80202")),
            NormalAddress(At({"1501 Market St"}, "Denver", "CO", "80202")));
  EXPECT_EQ(NormalAddress(At({"1 Main St"}, "Toronto", "ON", "m5v 3l9")),
            NormalAddress(At({"1 Main St"}, "Toronto", "ON", "M5V3L9")));
  EXPECT_NE(NormalAddress(At({"1 Main St"}, "Toronto", "ON", "M5V 3L9")),
            NormalAddress(At({"1 Main St"}, "Toronto", "ON", "M5W 3L9")));
}

TEST(AddressText, CharactersAreCountedNotBytes) { EXPECT_EQ(CharacterCount("Málaga"), 6u); }

}  // namespace
}  // namespace psups::shipment_builder
