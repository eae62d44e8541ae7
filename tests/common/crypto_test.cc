#include "common/crypto.h"

#include "gtest/gtest.h"

namespace psups {
namespace {

TEST(CryptoTest, Sha256OfAbcIsTheStandardsAnswer) {
  EXPECT_EQ(Hex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(CryptoTest, HmacIsThatOfRfc4231) {
  EXPECT_EQ(Hex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(CryptoTest, Base32IsThatOfRfc4648InLowerCaseWithoutPadding) {
  EXPECT_EQ(Base32(""), "");
  EXPECT_EQ(Base32("f"), "my");
  EXPECT_EQ(Base32("foob"), "mzxw6yq");
  EXPECT_EQ(Base32("foobar"), "mzxw6ytboi");
}

TEST(CryptoTest, Base64ComesBack) {
  const std::string bytes = RandomBytes(33);
  EXPECT_EQ(FromBase64(Base64(bytes)).value(), bytes);
  EXPECT_FALSE(FromBase64("!").ok());
}

TEST(CryptoTest, DifferentListsNeverJoinToTheSameText) {
  EXPECT_NE(JoinUnambiguously({"a", "bc"}), JoinUnambiguously({"ab", "c"}));
  EXPECT_NE(JoinUnambiguously({"a"}), JoinUnambiguously({"a", ""}));
}

TEST(CryptoTest, ConstantTimeEqualComparesAllBytes) {
  EXPECT_TRUE(ConstantTimeEqual("secret", "secret"));
  EXPECT_FALSE(ConstantTimeEqual("secret", "secreT"));
  EXPECT_FALSE(ConstantTimeEqual("secret", "secre"));
}

}  // namespace
}  // namespace psups
