#include "services/tracking-sync/meaning.h"

#include <initializer_list>
#include <string>
#include <tuple>

#include "absl/strings/str_format.h"
#include "gtest/gtest.h"

namespace psups::tracking_sync {
namespace {

namespace pb = psups::tracking::v1;

void ExpectAll(std::initializer_list<int> codes, const char* type, const Meaning& wanted) {
  for (const int code : codes) {
    EXPECT_EQ(MeaningOf(type, "ZZ", absl::StrFormat("%03d", code), ""), wanted)
        << type << " " << code;
  }
}

TEST(MeaningTest, TypesAloneSayTheRoughStatus) {
  EXPECT_EQ(MeaningOf("M", "", "", "").status, pb::LABEL_CREATED);
  EXPECT_EQ(MeaningOf("MV", "", "", "").status, pb::VOIDED);
  EXPECT_EQ(MeaningOf("P", "", "", "").status, pb::PICKED_UP);
  EXPECT_EQ(MeaningOf("I", "", "", "").status, pb::IN_TRANSIT);
  EXPECT_EQ(MeaningOf("O", "", "", "").status, pb::OUT_FOR_DELIVERY);
  EXPECT_EQ(MeaningOf("X", "", "", "").status, pb::EXCEPTION);
  EXPECT_EQ(MeaningOf("RS", "", "", "").status, pb::RETURNED);
  for (const char* type : {"W", "DO", "DD"}) {
    EXPECT_EQ(MeaningOf(type, "", "", "").status, pb::IN_TRANSIT) << type;
  }
}

TEST(MeaningTest, StatusCodesRefineTheType) {
  ExpectAll({38}, "I", {pb::PICKED_UP});
  ExpectAll({5, 10, 25, 39, 44, 45, 47, 73, 74, 79, 87, 137, 138, 158}, "I", {pb::IN_TRANSIT});
  ExpectAll({71, 72}, "I", {pb::IN_TRANSIT, "PREPARING"});
  ExpectAll({6, 21, 37, 89, 91, 146}, "I", {pb::OUT_FOR_DELIVERY});
  ExpectAll({6, 21, 37, 89, 91, 146}, "D", {pb::OUT_FOR_DELIVERY});
  ExpectAll({11, 26, 143, 144}, "D", {pb::DELIVERED});
  ExpectAll({17, 40, 57, 70, 100, 106}, "I", {pb::IN_TRANSIT, "READY_FOR_PICKUP"});
  ExpectAll({17, 40, 57, 70, 100, 106}, "X", {pb::EXCEPTION, "READY_FOR_PICKUP"});
  ExpectAll({22, 23, 24, 60, 61, 62, 66, 145}, "X", {pb::EXCEPTION, "ATTEMPTED"});
  ExpectAll({12, 14, 58, 84, 92, 123, 124, 125, 126, 134}, "I", {pb::IN_TRANSIT, "CUSTOMS"});
  ExpectAll({12, 14, 58, 84, 92, 123, 124, 125, 126, 134}, "X", {pb::EXCEPTION, "CUSTOMS"});
  ExpectAll({46, 48, 51, 52, 53, 86, 90, 132}, "X", {pb::EXCEPTION, "DELAYED"});
  ExpectAll({29, 49, 50, 141}, "X", {pb::EXCEPTION, "ACTION_REQUIRED"});
  ExpectAll({13, 30, 59, 68, 69, 76, 83, 129, 130, 131}, "X", {pb::EXCEPTION});
  ExpectAll({55, 115, 116, 136, 153, 154}, "X", {pb::EXCEPTION, "RESCHEDULED"});
  ExpectAll({33, 35, 36, 118, 119}, "X", {pb::RETURNING});
  ExpectAll({34, 67, 81}, "X", {pb::RETURNED});
  ExpectAll({64}, "X", {pb::EXCEPTION, "REFUSED"});
  ExpectAll({147, 149}, "X", {pb::LOST});
  ExpectAll({3, 80, 157}, "M", {pb::LABEL_CREATED});
  ExpectAll({7, 43}, "M", {pb::VOIDED});
  ExpectAll({7, 43}, "MV", {pb::VOIDED});
}

TEST(MeaningTest, NewDatesAndPhotosLeaveTheParcelWhereItIs) {
  EXPECT_FALSE(MeaningOf("U", "UP", "055", "").moves);
  EXPECT_EQ(MeaningOf("U", "UP", "055", "").detail, "ETA_UPDATE");
  EXPECT_FALSE(MeaningOf("X", "UT", "", "").moves);
  EXPECT_FALSE(MeaningOf("D", "PX", "", "").moves);
  ExpectAll({155}, "D", {pb::DELIVERED, "PHOTO", false});
}

TEST(MeaningTest, DIsDeliveredOnlyWhereACodeOrTheWordsSaySo) {
  for (const char* code : {"FS", "F4", "KB"}) {
    EXPECT_EQ(MeaningOf("D", code, "", "").status, pb::DELIVERED) << code;
  }
  EXPECT_EQ(MeaningOf("D", "OT", "", "").status, pb::OUT_FOR_DELIVERY);
  EXPECT_EQ(MeaningOf("D", "Q7", "", "Delivered ").status, pb::DELIVERED);
  EXPECT_EQ(MeaningOf("D", "Q7", "", "Loaded on vehicle").status, pb::UNKNOWN);
  EXPECT_EQ(MeaningOf("D", "Q7", "005", "").status, pb::IN_TRANSIT);
}

// The same scan comes with a statusCode by Track and without by the webhook.
TEST(MeaningTest, KnownCodesMeanTheSameWithAndWithoutAStatusCode) {
  for (const auto& [type, code, status_code] : {std::tuple("I", "OR", "038"),
                                                {"I", "DP", "005"},
                                                {"I", "OT", "021"},
                                                {"D", "FS", "011"},
                                                {"I", "YP", "071"},
                                                {"I", "SR", "014"}}) {
    EXPECT_EQ(MeaningOf(type, code, status_code, ""), MeaningOf(type, code, "", ""))
        << type << code;
  }
}

TEST(MeaningTest, TheSameCodeUnderAnotherTypeMeansAnotherThing) {
  EXPECT_EQ(MeaningOf("M", "DP", "", "").status, pb::LABEL_CREATED);
  EXPECT_EQ(MeaningOf("I", "DP", "", "").status, pb::IN_TRANSIT);
}

TEST(MeaningTest, WhatNobodyKnowsIsUnknownAndBlanksDoNotCount) {
  EXPECT_EQ(MeaningOf("NA", "", "", "").status, pb::UNKNOWN);
  EXPECT_EQ(MeaningOf("QQ", "QQ", "999", "").status, pb::UNKNOWN);
  EXPECT_EQ(MeaningOf(" d", "fs ", "", "").status, pb::DELIVERED);
}

}  // namespace
}  // namespace psups::tracking_sync
