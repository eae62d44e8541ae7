#include "services/tracking-sync/scan.h"

#include "common/testing/status_matchers.h"
#include "nlohmann/json.hpp"
#include "services/tracking-sync/proto_time.h"
#include "services/tracking-sync/scan_time.h"

namespace psups::tracking_sync {
namespace {

using ::psups::testing::HasCode;
using Activity = ups::v1::TrackingActivity;

const absl::Time kNow = absl::FromCivil(absl::CivilSecond(2026, 11, 23, 18), absl::UTCTimeZone());

std::string Utc(absl::Time time) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", time, absl::UTCTimeZone());
}

nlohmann::json Delivered() {
  return {
      {"trackingNumber", " 1Z999AA10123456784"},
      {"localActivityDate", "20261123"},
      {"localActivityTime", "101530"},
      {"gmtActivityDate", "20261123"},
      {"gmtActivityTime", "151530"},
      {"gmtOffset", "-05.00"},
      {"activityLocation", {{"city", "Charlotte "}, {"stateProvince", "NC"}, {"country", "US"}}},
      {"activityStatus",
       {{"type", "D"}, {"code", "FS"}, {"description", "DELIVERED "}, {"descriptionCode", "011"}}},
      {"receivedBy", "SMITH"}};
}

// The same scan as the gateway reads it out of Track.
Activity DeliveredByTrack() {
  Activity activity;
  activity.set_tracking_number("1Z999AA10123456784");
  activity.set_type("D");
  activity.set_code("FS");
  activity.set_status_code("011");
  activity.set_description("DELIVERED");
  *activity.mutable_event_time() =
      ToProto(absl::FromCivil(absl::CivilSecond(2026, 11, 23, 15, 15, 30), absl::UTCTimeZone()));
  activity.set_local_time("2026-11-23T10:15:30");
  activity.set_utc_offset("-05:00");
  activity.set_time_precision(Activity::GMT_GIVEN);
  activity.set_city("CHARLOTTE");
  activity.set_state("NC");
  activity.set_country_code("US");
  return activity;
}

TEST(ScanTest, AWebhookMessageIsReadTrimmed) {
  ASSERT_OK_AND_ASSIGN(const Scan scan, ScanFromWebhook(Delivered().dump(), kNow));
  EXPECT_EQ(scan.tracking_number, "1Z999AA10123456784");
  EXPECT_EQ(scan.type, "D");
  EXPECT_EQ(scan.code, "FS");
  EXPECT_EQ(scan.status_code, "011");
  EXPECT_EQ(scan.description, "DELIVERED");
  EXPECT_EQ(scan.city, "Charlotte");
  EXPECT_EQ(Utc(scan.time), "2026-11-23 15:15:30");
  EXPECT_EQ(scan.local_time, "2026-11-23T10:15:30");
  EXPECT_EQ(scan.utc_offset, "-05:00");
  EXPECT_EQ(scan.precision, Activity::GMT_GIVEN);
}

TEST(ScanTest, WebhookAndTrackGiveOneScanTheSameEventId) {
  ASSERT_OK_AND_ASSIGN(const Scan pushed, ScanFromWebhook(Delivered().dump(), kNow));
  EXPECT_EQ(EventId(pushed), EventId(ScanFromProto(DeliveredByTrack())));
  EXPECT_EQ(EventId(pushed).size(), 32u);
}

TEST(ScanTest, AnotherTimeCodePlaceOrNumberIsAnotherEvent) {
  const Scan scan = ScanFromProto(DeliveredByTrack());
  Scan other = scan;
  other.time += absl::Seconds(1);
  EXPECT_NE(EventId(other), EventId(scan));
  other = scan;
  other.code = "KB";
  EXPECT_NE(EventId(other), EventId(scan));
  other = scan;
  other.city = "RALEIGH";
  EXPECT_NE(EventId(other), EventId(scan));
  other = scan;
  other.tracking_number = "1Z999AA10123456785";
  EXPECT_NE(EventId(other), EventId(scan));
}

TEST(ScanTest, ALabelIsCreatedOnceAndVoidedOnceWhateverTheTime) {
  Scan scan = {.tracking_number = "1Z999AA10123456784", .type = "M", .code = "MP", .time = kNow};
  const std::string created = EventId(scan);
  scan.time += absl::Hours(1);
  scan.code = "DP";
  EXPECT_EQ(EventId(scan), created);
  scan.type = "MV";
  const std::string voided = EventId(scan);
  EXPECT_NE(voided, created);
  scan.time += absl::Hours(1);
  EXPECT_EQ(EventId(scan), voided);
}

TEST(ScanTest, MessagesThatCannotBeEventsAreRefusedWithTheFieldNamed) {
  const auto refused = [](const std::string& body) {
    return std::string(TrackingNumberOfWebhook(body).status().message());
  };
  EXPECT_EQ(refused("{"), "body: not a JSON object");
  EXPECT_EQ(refused("[]"), "body: not a JSON object");
  EXPECT_EQ(refused("{}"), "trackingNumber: want 7 to 34 characters");
  EXPECT_EQ(refused(R"({"trackingNumber":"1Z999 AA10123"})"),
            "trackingNumber: want letters and digits");
  EXPECT_EQ(refused(R"({"trackingNumber":"1Z999AA10123456784"})"), "activityStatus.type: missing");
  nlohmann::json message = Delivered();
  for (const char* field : {"localActivityDate", "gmtActivityDate"}) message.erase(field);
  EXPECT_THAT(ScanFromWebhook(message.dump(), kNow), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ScanTest, AShortDescriptionCodeIsNoStatusCode) {
  nlohmann::json message = Delivered();
  message["activityStatus"]["descriptionCode"] = 9;
  ASSERT_OK_AND_ASSIGN(const Scan scan, ScanFromWebhook(message.dump(), kNow));
  EXPECT_EQ(scan.status_code, "");
}

TEST(ScanTest, ProtoAndBackIsTheSame) {
  const Scan scan = ScanFromProto(DeliveredByTrack());
  EXPECT_EQ(ToProto(scan).SerializeAsString(), DeliveredByTrack().SerializeAsString());
}

TEST(ScanTimeTest, GmtIsTakenAndPaddedWhereItIsGiven) {
  ASSERT_OK_AND_ASSIGN(const ScanTime time, TimeOf({.local_date = "20261123",
                                                    .local_time = "024700",
                                                    .gmt_date = "20261123",
                                                    .gmt_time = "74700",
                                                    .offset = "-05:00",
                                                    .state = "NY"},
                                                   kNow));
  EXPECT_EQ(Utc(time.time), "2026-11-23 07:47:00");
  EXPECT_EQ(time.precision, Activity::GMT_GIVEN);
  EXPECT_EQ(time.local_time, "2026-11-23T02:47:00");
}

TEST(ScanTimeTest, OffsetsComeWithColonAndWithDot) {
  for (const char* offset : {"-04:00", "-04.00", "-0400", " -04.00 "}) {
    ASSERT_OK_AND_ASSIGN(
        const ScanTime time,
        TimeOf({.local_date = "20260723", .local_time = "091500", .offset = offset}, kNow));
    EXPECT_EQ(Utc(time.time), "2026-07-23 13:15:00") << offset;
    EXPECT_EQ(time.precision, Activity::OFFSET_GIVEN);
    EXPECT_EQ(time.utc_offset, "-04:00");
  }
}

TEST(ScanTimeTest, WithoutGmtAndOffsetThePlaceDecidesAndSaysThatItIsDerived) {
  ASSERT_OK_AND_ASSIGN(
      const ScanTime time,
      TimeOf({.local_date = "20261123", .local_time = "080000", .state = "CA"}, kNow));
  EXPECT_EQ(Utc(time.time), "2026-11-23 16:00:00");
  EXPECT_EQ(time.precision, Activity::DERIVED);
  ASSERT_OK_AND_ASSIGN(
      const ScanTime summer,
      TimeOf({.local_date = "20260723", .local_time = "080000", .state = "CA"}, kNow));
  EXPECT_EQ(Utc(summer.time), "2026-07-23 15:00:00");
  EXPECT_EQ(time.utc_offset, "");
}

// UPS published an example like this: GMT earlier than local time in the US.
TEST(ScanTimeTest, GmtThatContradictsLocalTimeAndPlaceIsNotBelieved) {
  ASSERT_OK_AND_ASSIGN(const ScanTime by_offset, TimeOf({.local_date = "20261123",
                                                         .local_time = "101500",
                                                         .gmt_date = "20261123",
                                                         .gmt_time = "051500",
                                                         .offset = "-05.00"},
                                                        kNow));
  EXPECT_EQ(Utc(by_offset.time), "2026-11-23 15:15:00");
  EXPECT_EQ(by_offset.precision, Activity::OFFSET_GIVEN);
  ASSERT_OK_AND_ASSIGN(const ScanTime by_place, TimeOf({.local_date = "20261123",
                                                        .local_time = "101500",
                                                        .gmt_date = "20261123",
                                                        .gmt_time = "051500",
                                                        .state = "NC"},
                                                       kNow));
  EXPECT_EQ(Utc(by_place.time), "2026-11-23 15:15:00");
  EXPECT_EQ(by_place.precision, Activity::DERIVED);
}

TEST(ScanTimeTest, ATimeInTheFutureIsNotBelievedWhereAnotherReadingIsPossible) {
  ASSERT_OK_AND_ASSIGN(const ScanTime time, TimeOf({.local_date = "20261123",
                                                    .local_time = "101500",
                                                    .gmt_date = "20261124",
                                                    .gmt_time = "151500",
                                                    .offset = "-05:00"},
                                                   kNow));
  EXPECT_EQ(Utc(time.time), "2026-11-23 15:15:00");
}

TEST(ScanTimeTest, DaylightSavingDoesNotMakeGmtSuspicious) {
  ASSERT_OK_AND_ASSIGN(const ScanTime time, TimeOf({.local_date = "20260723",
                                                    .local_time = "091500",
                                                    .gmt_date = "20260723",
                                                    .gmt_time = "131500",
                                                    .state = "NC"},
                                                   kNow));
  EXPECT_EQ(Utc(time.time), "2026-07-23 13:15:00");
  EXPECT_EQ(time.precision, Activity::GMT_GIVEN);
}

TEST(ScanTimeTest, DatesThatDoNotExistAreNoTimes) {
  for (const auto& [date, time] : {std::pair("20261323", "101500"),
                                   {"20260230", "101500"},
                                   {"20261123", "256000"},
                                   {"2026112", "101500"},
                                   {"00000101", "101500"},
                                   {"99991231", "101500"},
                                   {"20261123", ""},
                                   {"", ""},
                                   {"abcdefgh", "101500"}}) {
    EXPECT_THAT(TimeOf({.local_date = date, .local_time = time}, kNow),
                HasCode(absl::StatusCode::kInvalidArgument))
        << date << " " << time;
  }
}

}  // namespace
}  // namespace psups::tracking_sync
