#include "services/shipment-builder/address_format.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;

Address At(const std::string& country, const std::string& postal_code,
           const std::string& state = "") {
  Address address;
  address.add_lines("1 High Street");
  address.set_city("Anytown");
  address.set_state(state);
  address.set_postal_code(postal_code);
  address.set_country_code(country);
  return address;
}

// The field that is not as it should be; empty if all are.
std::string Wrong(const Address& address) {
  const auto problem = CheckFormat(address);
  return problem.has_value() ? problem->field : "";
}

struct PostalCodes {
  const char* country;
  const char* state;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

class Countries : public ::testing::TestWithParam<PostalCodes> {};

TEST_P(Countries, HavePostalCodesOfTheirOwnForm) {
  const PostalCodes& codes = GetParam();
  for (const std::string& code : codes.good) {
    EXPECT_EQ(Wrong(At(codes.country, code, codes.state)), "") << codes.country << " " << code;
  }
  for (const std::string& code : codes.bad) {
    EXPECT_EQ(Wrong(At(codes.country, code, codes.state)), "postal_code")
        << codes.country << " " << code;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, Countries,
    ::testing::Values(
        PostalCodes{"CA",
                    "ON",
                    {"K1A 0B1", "k1a0b1", "K1A-0B1", " K1A 0B1 "},
                    {"", "K1A 0B", "K1A 0B11", "K1A 01B", "11A 0B1", "K 1A0B1", "K1A  0B1"}},
        PostalCodes{"MX", "", {"06600"}, {"", "6600", "066000", "0660O"}},
        PostalCodes{"GB",
                    "",
                    {"M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "W1A 0AX", "EC1A 1BB", "ec1a1bb"},
                    {"", "M1", "M1 1A", "M1 AE1", "DN555 1PT", "1M 1AE"}},
        PostalCodes{"DE", "", {"10115", "01067"}, {"", "1067", "D-10115", "101155"}},
        PostalCodes{"FR", "", {"75001"}, {"", "7501", "750011"}},
        PostalCodes{"IT", "", {"00184"}, {"", "0184", "001844"}},
        PostalCodes{"ES", "", {"28013"}, {"", "2801", "280133"}},
        PostalCodes{"NL", "", {"1012 JS", "1012js"}, {"", "1012", "1012 J", "101 2JS", "1012 J5"}},
        PostalCodes{"BE", "", {"1000"}, {"", "100", "10000"}},
        PostalCodes{"AT", "", {"1010"}, {"", "101", "10100"}},
        PostalCodes{"CH", "", {"8001"}, {"", "801", "80011"}},
        PostalCodes{"AU", "NSW", {"2000"}, {"", "200", "20000"}},
        PostalCodes{"JP", "", {"100-0001", "1000001"}, {"", "100-001", "10-00001"}},
        PostalCodes{"CN", "", {"100000"}, {"", "10000", "1000000"}},
        PostalCodes{"IN", "", {"110001"}, {"", "11001", "1100011"}},
        PostalCodes{"BR", "SP", {"01310-100", "01310100"}, {"", "01310-10", "0131-0100"}},
        PostalCodes{"IE", "D", {"D02 AF30", "d02af30", "D6W XY00", ""}, {"D02", "02D AF30"}},
        PostalCodes{"VN", "HN", {"100000", "10000"}, {"", "1000", "1000000"}}));

TEST(Format, OfACountryThatIsNotKnownIsOnlyLookedAtForWhatUpsCanTake) {
  EXPECT_EQ(Wrong(At("PL", "00-950")), "");
  EXPECT_EQ(Wrong(At("HK", "")), "");
  EXPECT_EQ(Wrong(At("XX", "123456789")), "");
  EXPECT_EQ(Wrong(At("XX", "1234567890")), "postal_code");
  EXPECT_EQ(Wrong(At("XX", "12_34")), "postal_code");
}

TEST(Format, CanadaWantsAProvince) {
  EXPECT_EQ(Wrong(At("CA", "K1A 0B1", "on")), "");
  EXPECT_EQ(Wrong(At("CA", "K1A 0B1", "")), "state");
  EXPECT_EQ(Wrong(At("CA", "K1A 0B1", "NY")), "state");
  EXPECT_EQ(Wrong(At("CA", "K1A 0B1", "ONT")), "state");
}

TEST(Format, VietnamWantsAProvinceAndIrelandACounty) {
  EXPECT_EQ(Wrong(At("VN", "100000", "")), "state");
  EXPECT_EQ(Wrong(At("VN", "100000", " ")), "state");
  EXPECT_EQ(Wrong(At("IE", "D02 AF30", "")), "state");
  EXPECT_EQ(Wrong(At("FR", "75001", "")), "");
}

TEST(Format, AStateIsNoLongerThanUpsTakes) {
  EXPECT_EQ(Wrong(At("AU", "2000", "ABCDE")), "");
  EXPECT_EQ(Wrong(At("AU", "2000", "ABCDEF")), "state");
}

TEST(Format, AStreetLineAndACityAreWanted) {
  Address address = At("DE", "10115");
  address.clear_city();
  EXPECT_EQ(Wrong(address), "city");
  address = At("DE", "10115");
  address.set_lines(0, "  ");
  EXPECT_EQ(Wrong(address), "lines");
  address.add_lines("Hauptstr. 1");
  EXPECT_EQ(Wrong(address), "");
}

TEST(Format, WhatIsWantedIsSaidWithoutTheAddress) {
  EXPECT_EQ(CheckFormat(At("NL", "SECRET"))->want,
            "of the form 9999 AA (A: a letter, 9: a digit, *: either)");
  EXPECT_EQ(CheckFormat(At("VN", "SECRET", "HN"))->want,
            "of the form 99999 or 999999 (A: a letter, 9: a digit, *: either)");
}

TEST(Format, PostalCodesAreWrittenAsTheirCountryDoes) {
  const auto written = [](const char* country, const char* code) {
    return WrittenPostalCode(At(country, code));
  };
  EXPECT_EQ(written("CA", "k1a0b1"), "K1A 0B1");
  EXPECT_EQ(written("ca", "K1A-0B1"), "K1A 0B1");
  EXPECT_EQ(written("GB", "ec1a1bb"), "EC1A 1BB");
  EXPECT_EQ(written("GB", "w1a0ax"), "W1A 0AX");
  EXPECT_EQ(written("BR", "01310100"), "01310-100");
  EXPECT_EQ(written("JP", "1000001"), "100-0001");
  EXPECT_EQ(written("VN", "100000"), "100000");
  EXPECT_EQ(written("PL", " 00-950 "), "00-950");
  EXPECT_EQ(written("DE", "no code"), "NO CODE");
}

}  // namespace
}  // namespace psups::shipment_builder
