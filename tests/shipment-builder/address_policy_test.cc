#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "services/shipment-builder/address_check.h"
#include "services/shipment-builder/address_place.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;
using Answer = ups::v1::ValidateAddressResponse;
using Kind = AddressDecision::Kind;
using Lines = std::vector<std::string>;
using Fields = std::vector<FieldDifference>;

Address At(const Lines& lines, const std::string& city = "Denver", const std::string& state = "CO",
           const std::string& zip = "80202", const std::string& country = "US") {
  Address address;
  for (const std::string& line : lines) address.add_lines(line);
  address.set_city(city);
  address.set_state(state);
  address.set_postal_code(zip);
  address.set_country_code(country);
  return address;
}

Answer Saying(Answer::Verdict verdict, const std::vector<Address>& candidates = {}) {
  Answer answer;
  answer.set_verdict(verdict);
  for (const Address& candidate : candidates) {
    *answer.add_candidates()->mutable_address() = candidate;
  }
  return answer;
}

std::string Judged(const AddressDecision& decision) {
  switch (decision.kind) {
    case Kind::kValid:
      return decision.format_only ? "VALID BY FORM" : "VALID";
    case Kind::kCorrected:
      return "CORRECTED";
    case Kind::kReview:
      return std::string(Name(decision.reason));
  }
  return "";
}

std::string Judged(const Address& asked, const Address& candidate) {
  return Judged(CheckAddress(asked, Saying(Answer::VALID, {candidate})));
}

// ---- Where UPS delivers nothing ----

TEST(Undeliverable, APostBoxIsAPersonsWhateverUpsSays) {
  for (const Lines& lines : std::vector<Lines>{{"PO Box 12"},
                                               {"P.O. Box 12"},
                                               {"p. o. box # 12"},
                                               {"P O Box 12"},
                                               {"P.O.Box 12"},
                                               {"POBox 12"},
                                               {"PO BOX12"},
                                               {"POB 12"},
                                               {"Post Office Box 12"},
                                               {"Postal Box 12"},
                                               {"PO Drawer 12"},
                                               {"Box 12"},
                                               {"BOX # 12"},
                                               {"Box12"},
                                               {"Drawer C"},
                                               {"1500 Market St", "PO Box 12"},
                                               {"1500 Market St PO Box 12"}}) {
    const Address asked = At(lines);
    const AddressDecision decision = CheckAddress(asked, Saying(Answer::VALID, {asked}));
    EXPECT_EQ(Judged(decision), "ADDRESS_UNDELIVERABLE") << lines.back();
    EXPECT_EQ(decision.note,
              "UPS delivers to no post office box: a street address is wanted, or the mail takes "
              "it.");
    EXPECT_TRUE(IsPostBox(asked));
  }
}

TEST(Undeliverable, ABoxAtAStreetIsNoPostBox) {
  for (const Lines& lines : std::vector<Lines>{{"100 College Ave", "Box 12"},
                                               {"100 College Ave Box 12"},
                                               {"Department of Chemistry", "Box 12"},
                                               {"RR 2 Box 18"},
                                               {"HC 1 Box 2"},
                                               {"12 Box St"},
                                               {"Box Elder Rd 12"},
                                               {"Box Office"},
                                               {"Medical POB 2 Suite 300"},
                                               {"POB 2 Suite 300"},
                                               {"1 Post Office Sq"},
                                               {"7 Boxwood Ct"},
                                               {"9 Drawer Ln"},
                                               {"1500 Market St PMB 12"}}) {
    const Address asked = At(lines);
    EXPECT_FALSE(IsPostBox(asked)) << lines.back();
    EXPECT_EQ(Judged(asked, asked), "VALID") << lines.back();
  }
}

TEST(Undeliverable, OtherLanguagesHavePostBoxesToo) {
  const AddressPolicy policy{.countries = {"DE", "ES", "FR"}};
  const auto judged = [&](const std::string& line, const std::string& country) {
    return Judged(CheckAddress(At({line}, "Anytown", "", "10115", country),
                               Saying(Answer::NOT_SUPPORTED), policy));
  };
  EXPECT_EQ(judged("Postfach 12", "DE"), "ADDRESS_UNDELIVERABLE");
  EXPECT_EQ(judged("Apdo. 12", "ES"), "ADDRESS_UNDELIVERABLE");
  EXPECT_EQ(judged("Boite Postale 12", "FR"), "ADDRESS_UNDELIVERABLE");
  EXPECT_EQ(judged("Am Postfach 12", "DE"), "VALID BY FORM");
}

TEST(Undeliverable, AMilitaryPostOfficeIsAPersons) {
  const Address places[] = {
      At({"PSC 3 Box 12"}, "APO", "AE", "09021"), At({"Unit 45013"}, "FPO", "AP", "96338"),
      At({"Unit 8400"}, "dpo", "AA", "34034"), At({"PSC 3"}, "Apo", "NY", "09021"),
      At({"PSC 3"}, "Ramstein", "ae", "09021")};
  for (const Address& asked : places) {
    const AddressDecision decision = CheckAddress(asked, Saying(Answer::VALID, {asked}));
    EXPECT_EQ(Judged(decision), "ADDRESS_UNDELIVERABLE");
    EXPECT_NE(decision.note.find("military"), std::string::npos);
  }
  const AddressPolicy policy{.countries = {"IN"}};
  EXPECT_EQ(Judged(CheckAddress(At({"1 Main Rd"}, "Nellore", "AP", "524001", "IN"),
                                Saying(Answer::NOT_SUPPORTED), policy)),
            "VALID BY FORM");
}

// ---- Ranges ----

TEST(Ranges, AreNeverTakenEvenAlone) {
  for (const char* line : {"1-3 E MAIN ST", "400-498 STAMBRIDGE CT", "1 - 3 E MAIN ST",
                           "5A-5D MAIN ST", "005-7 MAIN ST", "9-10 MAIN ST"}) {
    const Address asked = At({"2 E Main St"});
    EXPECT_EQ(Judged(asked, At({line})), "ADDRESS_AMBIGUOUS") << line;
    EXPECT_NE(NumberRange(line), "") << line;
  }
  EXPECT_EQ(Judged(At({"Receiving", "2 Main St"}), At({"RECEIVING", "1-3 MAIN ST"})),
            "ADDRESS_AMBIGUOUS");
  EXPECT_EQ(Judged(At({"2 Main St Ste 4"}), At({"1-3 MAIN ST"})), "ADDRESS_AMBIGUOUS");
}

TEST(Ranges, AHyphenedHouseNumberIsNone) {
  for (const char* line : {"41-15 51ST ST", "7-7 MAIN ST", "3-5TH ST", "12-A MAIN ST", "12 MAIN ST",
                           "MAIN ST 1-3", "- 3 MAIN ST", "1- MAIN ST", "5D-5A MAIN ST"}) {
    EXPECT_EQ(NumberRange(line), "") << line;
    EXPECT_EQ(Judged(At({line}), At({line})), "VALID") << line;
  }
}

TEST(Ranges, OneThatTheOrderHasItselfIsItsAddress) {
  EXPECT_EQ(Judged(At({"1-3 Main St"}), At({"1-3 MAIN ST"})), "VALID");
  EXPECT_EQ(Judged(At({"1-3 Main St"}), At({"1-5 MAIN ST"})), "ADDRESS_AMBIGUOUS");
}

// ---- Puerto Rico ----

Address PuertoRico(const Lines& lines, const std::string& urbanization, const std::string& state,
                   const std::string& country) {
  Address address = At(lines, "San Juan", state, "00926", country);
  address.set_urbanization(urbanization);
  return address;
}

TEST(PuertoRico, IsTheSamePlaceHoweverItIsWritten) {
  const Lines lines = {"150 Calle A"};
  const std::pair<const char*, const char*> ways[] = {{"PR", "US"}, {"PR", "PR"}, {"", "PR"}};
  for (const auto& [state, country] : ways) {
    for (const auto& [their_state, their_country] : ways) {
      const AddressDecision decision =
          CheckAddress(PuertoRico(lines, "", state, country),
                       Saying(Answer::VALID, {PuertoRico(lines, "", their_state, their_country)}));
      EXPECT_EQ(Judged(decision), "VALID");
      EXPECT_EQ(decision.use.country_code(), country);
      EXPECT_EQ(decision.use.state(), "PR");
    }
  }
  EXPECT_EQ(Judged(PuertoRico(lines, "", "PR", "US"), At(lines, "San Juan", "TX", "00926")),
            "ADDRESS_CHANGED");
  AddressDecision decision = CheckAddress(
      PuertoRico({"150 Calle A"}, "", "PR", "US"),
      Saying(Answer::VALID, {At({"150 CALLE A"}, "SAN JAUN", "", "00926-1234", "PR")}));
  EXPECT_EQ(Judged(decision), "CORRECTED");
  EXPECT_EQ(decision.use.state(), "PR");
}

TEST(PuertoRico, AnUrbanizationMayStandInALineOrInItsField) {
  const std::pair<Lines, const char*> ways[] = {
      {{"Urb. Las Gladiolas", "150 Calle A"}, ""},
      {{"URBANIZACION LAS GLADIOLAS", "150 CALLE A"}, ""},
      {{"Urb Las Gladiolas 150 Calle A"}, ""},
      {{"150 Calle A"}, "Las Gladiolas"},
      {{"150 Calle A"}, "URB LAS GLADIOLAS"},
      {{"Urb Las Gladiolas", "150 Calle A"}, "URB LAS GLADIOLAS"},
  };
  for (const auto& [lines, urbanization] : ways) {
    for (const auto& [their_lines, theirs] : ways) {
      const Address asked = PuertoRico(lines, urbanization, "PR", "US");
      const Address candidate = PuertoRico(their_lines, theirs, "PR", "PR");
      EXPECT_EQ(Judged(asked, candidate), "VALID") << lines[0] << "|" << their_lines[0];
      EXPECT_EQ(Differences(asked, candidate), Fields{});
    }
  }
}

TEST(PuertoRico, AnotherUrbanizationIsAnotherPlace) {
  const Address asked = PuertoRico({"Urb Las Gladiolas", "150 Calle A"}, "", "PR", "US");
  const Address other = PuertoRico({"150 CALLE A"}, "URB EL ALAMO", "PR", "US");
  EXPECT_EQ(Judged(asked, other), "ADDRESS_CHANGED");
  EXPECT_EQ(Differences(asked, other), (Fields{{"urbanization", "LAS GLADIOLAS", "EL ALAMO"}}));
  EXPECT_EQ(Judged(asked, PuertoRico({"150 CALLE A"}, "", "PR", "US")), "ADDRESS_CHANGED");
  EXPECT_EQ(Judged(PuertoRico({"150 CALLE A"}, "", "PR", "US"), asked), "ADDRESS_CHANGED");
  const Address two = PuertoRico({"Urb El Alamo", "150 Calle A"}, "LAS GLADIOLAS", "PR", "US");
  EXPECT_EQ(Judged(two, asked), "ADDRESS_CHANGED");
}

TEST(PuertoRico, ElsewhereTheWordIsPartOfTheStreet) {
  Address theirs = At({"1 MAIN ST"});
  theirs.set_urbanization("HALL");
  EXPECT_EQ(Judged(At({"Urb Hall", "1 Main St"}), theirs), "ADDRESS_CHANGED");
  EXPECT_EQ(Judged(At({"1 Main St"}), theirs), "VALID");
  EXPECT_EQ(Judged(At({"Urb Hall", "1 Main St"}), At({"URB HALL", "1 MAIN ST"})), "VALID");
}

TEST(ShippingCountry, CountsPuertoRicoAsOne) {
  const Address mainland = At({"1 Main St"});
  const Address as_state = PuertoRico({"150 Calle A"}, "", "PR", "US");
  const Address as_country = PuertoRico({"150 Calle A"}, "", "", "pr");
  EXPECT_TRUE(SameShippingCountry("US", mainland));
  EXPECT_TRUE(SameShippingCountry("us", mainland));
  EXPECT_FALSE(SameShippingCountry("PR", mainland));
  EXPECT_FALSE(SameShippingCountry("US", as_state));
  EXPECT_FALSE(SameShippingCountry("US", as_country));
  EXPECT_TRUE(SameShippingCountry("PR", as_state));
  EXPECT_TRUE(SameShippingCountry("PR", as_country));
  EXPECT_FALSE(SameShippingCountry("US", At({"1 Main St"}, "Toronto", "ON", "M5V 3L9", "CA")));
  EXPECT_TRUE(SameShippingCountry("CA", At({"1 Main St"}, "Toronto", "ON", "M5V 3L9", "CA")));
}

// ---- Homes ----

TEST(Residential, AFlipIsAPersonsOnlyIfTheRulesSaySo) {
  Address asked = At({"1 Main St"});
  Answer answer = Saying(Answer::VALID, {asked});
  const AddressPolicy policy{.review_residential_flip = true};
  EXPECT_EQ(Judged(CheckAddress(asked, answer, policy)), "VALID");  // UPS did not say
  answer.mutable_candidates(0)->set_classification(Answer::RESIDENTIAL);
  EXPECT_EQ(Judged(CheckAddress(asked, answer)), "VALID");
  EXPECT_TRUE(CheckAddress(asked, answer).use.residential());
  AddressDecision decision = CheckAddress(asked, answer, policy);
  EXPECT_EQ(Judged(decision), "ADDRESS_RESIDENTIAL");
  EXPECT_EQ(decision.note, "UPS says that it is a home; the order says a business.");
  ASSERT_EQ(decision.candidates.size(), 1u);
  EXPECT_EQ(decision.differences, (std::vector<Fields>{{{"residential", "business", "home"}}}));
  // Who accepts UPS's word is not asked again.
  EXPECT_EQ(Judged(CheckAddress(decision.candidates[0], answer, policy)), "VALID");

  asked.set_residential(true);
  EXPECT_EQ(Judged(CheckAddress(asked, answer, policy)), "VALID");
  answer.mutable_candidates(0)->set_classification(Answer::COMMERCIAL);
  decision = CheckAddress(asked, answer, policy);
  EXPECT_EQ(Judged(decision), "ADDRESS_RESIDENTIAL");
  EXPECT_EQ(decision.note, "UPS says that it is a business; the order says a home.");
  EXPECT_EQ(Judged(CheckAddress(asked, answer)), "VALID");
}

TEST(Residential, UpsSaysOfEachCandidateWhatItIs) {
  Answer answer = Saying(Answer::AMBIGUOUS, {At({"1 E MAIN ST"}), At({"1 W MAIN ST"})});
  answer.mutable_candidates(1)->set_classification(Answer::RESIDENTIAL);
  const AddressDecision decision = CheckAddress(At({"1 Main St"}), answer);
  ASSERT_EQ(decision.candidates.size(), 2u);
  EXPECT_FALSE(decision.candidates[0].residential());
  EXPECT_TRUE(decision.candidates[1].residential());
}

TEST(Residential, AFlipStopsACorrectionToo) {
  const Address asked = At({"1500 Market Ave"});
  Answer answer = Saying(Answer::VALID, {At({"1500 MARKET ST"})});
  answer.set_classification(Answer::RESIDENTIAL);
  EXPECT_EQ(Judged(CheckAddress(asked, answer)), "CORRECTED");
  EXPECT_EQ(Judged(CheckAddress(asked, answer, {.review_residential_flip = true})),
            "ADDRESS_RESIDENTIAL");
}

// ---- Other countries ----

TEST(OtherCountries, ShipByTheirFormIfTheRulesNameThem) {
  const Address asked = At({"1 Front St"}, "Toronto", "on", "m5v3l9", "ca");
  const Answer answer = Saying(Answer::NOT_SUPPORTED);
  EXPECT_EQ(Judged(CheckAddress(asked, answer)), "COUNTRY_UNSUPPORTED");
  EXPECT_EQ(Judged(CheckAddress(asked, answer, {.countries = {"MX"}})), "COUNTRY_UNSUPPORTED");
  const AddressDecision decision = CheckAddress(asked, answer, {.countries = {"CA", "MX"}});
  EXPECT_EQ(Judged(decision), "VALID BY FORM");
  EXPECT_EQ(decision.use.country_code(), "CA");
  EXPECT_EQ(decision.use.state(), "ON");
  EXPECT_EQ(decision.use.postal_code(), "M5V 3L9");
  EXPECT_EQ(decision.use.lines(0), "1 Front St");
}

TEST(OtherCountries, TheFieldThatIsWrongIsNamedAndNothingOfTheAddress) {
  const AddressDecision decision =
      CheckAddress(At({"1 Front St"}, "Toronto", "ON", "90210", "CA"),
                   Saying(Answer::NOT_SUPPORTED), {.countries = {"CA"}});
  EXPECT_EQ(Judged(decision), "ADDRESS_INVALID");
  EXPECT_EQ(decision.note,
            "Its postal_code is not as addresses in CA have it; want of the form A9A 9A9 (A: a "
            "letter, 9: a digit, *: either).");
}

TEST(OtherCountries, TheUsAndPuertoRicoAreNeverJudgedByForm) {
  const AddressPolicy policy{.countries = {"US", "PR"}};
  EXPECT_EQ(Judged(CheckAddress(At({"1 Main St"}), Saying(Answer::NOT_SUPPORTED), policy)),
            "COUNTRY_UNSUPPORTED");
  EXPECT_EQ(Judged(CheckAddress(At({"1 Main St"}, "San Juan", "", "00926", "PR"),
                                Saying(Answer::NOT_SUPPORTED), policy)),
            "COUNTRY_UNSUPPORTED");
}

TEST(OtherCountries, WhatUpsValidatedIsNotMarkedAsFormOnly) {
  const Address asked = At({"1 Main St"});
  EXPECT_FALSE(CheckAddress(asked, Saying(Answer::VALID, {asked})).format_only);
}

// ---- Differences ----

TEST(Differences, AreNamedFieldByField) {
  Address theirs = At({"1501 MARKET ST", "FL 2"}, "AURORA", "CA", "80203-1234", "CA");
  theirs.set_residential(true);
  EXPECT_EQ(Differences(At({"Receiving", "1500 Market St Ste 4"}), theirs),
            (Fields{{"line 1", "Receiving", "1501 MARKET ST"},
                    {"line 2", "1500 Market St Ste 4", ""},
                    {"suite", "STE 4", "FL 2"},
                    {"city", "Denver", "AURORA"},
                    {"state", "CO", "CA"},
                    {"postal_code", "80202", "80203-1234"},
                    {"country_code", "US", "CA"},
                    {"residential", "business", "home"}}));
}

TEST(Differences, LeaveOutCasePunctuationAndAbbreviations) {
  EXPECT_EQ(Differences(At({"1500 North Market Street", "Suite 400"}),
                        At({"1500 N MARKET ST STE 400"}, "DENVER", "co", "80202-1234", "")),
            Fields{});
  EXPECT_EQ(Differences(At({"Ste 400", "1500 Market St"}), At({"1500 MARKET ST", "STE 400"})),
            Fields{});
}

TEST(Differences, LeaveOutHowTheLinesAreSplit) {
  EXPECT_EQ(Differences(At({"Receiving 1500 Market St"}), At({"RECEIVING", "1500 MARKET ST"})),
            Fields{});
}

TEST(Differences, OfTheCountryAloneAreNoSpelling) {
  EXPECT_EQ(Judged(At({"1 Main St"}), At({"1 Main St"}, "Denver", "CO", "80202", "CA")),
            "ADDRESS_CHANGED");
}

TEST(Differences, CountLinesWithoutThoseOfTheSuite) {
  EXPECT_EQ(Differences(At({"Suite 400", "1500 Market Ave"}), At({"1500 MARKET ST"})),
            (Fields{{"line 1", "1500 Market Ave", "1500 MARKET ST"}, {"suite", "STE 400", ""}}));
}

TEST(Differences, OfAZipPlusFourAreNamedOnlyIfBothHaveOne) {
  EXPECT_EQ(Differences(At({"1 A St"}, "Denver", "CO", "80202-1111"),
                        At({"1 A ST"}, "Denver", "CO", "80202-2222")),
            (Fields{{"postal_code", "80202-1111", "80202-2222"}}));
}

TEST(Differences, StandBesideEachCandidate) {
  const Address asked = At({"1 Main St"});
  const AddressDecision decision = CheckAddress(
      asked, Saying(Answer::AMBIGUOUS, {At({"1 E MAIN ST"}), At({"1 MAIN ST", "APT 2"})}));
  ASSERT_EQ(decision.candidates.size(), 2u);
  EXPECT_EQ(decision.differences, (std::vector<Fields>{{{"line 1", "1 Main St", "1 E MAIN ST"}},
                                                       {{"suite", "", "APT 2"}}}));
}

}  // namespace
}  // namespace psups::shipment_builder
