#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "common/testing/status_matchers.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/ups_answers.h"

namespace psups::ups_gateway {
namespace {

using ::psups::testing::HasCode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

namespace pb = ::psups::ups::v1;

constexpr char kNumber[] = "1ZF3R1N00300000017";
constexpr char kSister[] = "1ZF3R1N00300000026";
constexpr char kTracked[] = R"({"trackResponse":{"shipment":[{"package":[
    {"trackingNumber":"1ZF3R1N00300000017","packageCount":2,"activity":[
      {"date":"20261125","time":"090000","gmtDate":"20261125","gmtTime":"140000",
       "status":{"type":"D","code":"FS"}},
      {"date":"20261123","time":"090000","gmtDate":"20261123","gmtTime":"140000",
       "status":{"type":"M","code":"MP"}}]},
    {"trackingNumber":"1ZF3R1N00300000026","packageCount":"2","activity":{
       "date":"20261124","time":"090000","gmtDate":"20261124","gmtTime":"140000",
       "status":{"type":"I","code":"DP"}}}]}]}})";

// One of UPS's operations: how its answer is read, and a body that is a success.
struct Reader {
  const char* name;
  std::function<absl::Status(const HttpResponse&)> read;
  const char* success;
};

std::ostream& operator<<(std::ostream& out, const Reader& reader) { return out << reader.name; }

class ReaderTest : public ::testing::TestWithParam<Reader> {
 protected:
  static absl::Status Read(int status, const std::string& body) {
    return GetParam().read({.status = status, .body = body});
  }
};

INSTANTIATE_TEST_SUITE_P(
    All, ReaderTest,
    ::testing::Values(
        Reader{"Address", [](const HttpResponse& r) { return ReadAddress(r).status(); },
               R"({"XAVResponse":{"NoCandidatesIndicator":""}})"},
        Reader{"Void", [](const HttpResponse& r) { return ReadVoid(r, {}).status(); },
               R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"1"}}}})"},
        Reader{"VoidOfPackages",
               [](const HttpResponse& r) { return ReadVoid(r, {kNumber}).status(); },
               R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"1"}},
                   "PackageLevelResults":[{"TrackingNumber":"1ZF3R1N00300000017",
                   "Status":{"Code":"1"}}]}})"},
        Reader{"Recovery", [](const HttpResponse& r) { return ReadRecovery(r, "").status(); },
               R"({"LabelRecoveryResponse":{"LabelResults":{"TrackingNumber":"1ZF3R1N00300000017",
                   "LabelImage":{"GraphicImage":"XlhB"}}}})"},
        Reader{"Track", [](const HttpResponse& r) { return ReadTrack(r, kNumber).status(); },
               kTracked},
        Reader{"TrackReference",
               [](const HttpResponse& r) {
                 return ReadTrackedPackages(Operation::kTrackReference, r).status();
               },
               kTracked},
        Reader{"Subscribe",
               [](const HttpResponse& r) { return ReadSubscribe(r, {kNumber}).status(); },
               R"({"validTrackingNumbers":["1ZF3R1N00300000017"],"invalidTrackingNumbers":[]})"}),
    [](const ::testing::TestParamInfo<Reader>& info) { return std::string(info.param.name); });

TEST_P(ReaderTest, AYesThatCannotBeReadIsNoSuccess) {
  ASSERT_OK(Read(200, GetParam().success));
  const auto lost = HasCode(absl::StatusCode::kDataLoss);
  const std::string whole = GetParam().success;
  for (const std::string& body :
       {std::string(), whole.substr(0, whole.size() / 2), std::string("<html>Sign in</html>"),
        std::string("null"), std::string("[]"), std::string("{}"), std::string("\"ok\"")}) {
    EXPECT_THAT(Read(200, body), lost) << body;
  }
  // Part of an answer is none, however it looks.
  EXPECT_THAT(Read(206, whole), lost);
  EXPECT_THAT(Read(204, ""), lost);
}

TEST_P(ReaderTest, AnErrorCountsWhereverItStands) {
  const std::string later = R"({"response":{"errors":[{"code":"20001","message":"m"}]}})";
  for (const int status : {200, 206, 500}) {
    EXPECT_THAT(Read(status, later), HasCode(absl::StatusCode::kUnavailable)) << status;
  }
  for (const int status : {200, 401}) {
    EXPECT_THAT(GetParam().read({.status = status, .headers = {{"APIErrorCode", "250003"}}}),
                HasCode(absl::StatusCode::kUnauthenticated))
        << status;
  }
  EXPECT_THAT(Read(200, R"({"errors":[{"code":"99999"}]})"),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(Read(503, "<html>"), HasCode(absl::StatusCode::kUnavailable));
  EXPECT_THAT(Read(429, ""), HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(Read(403, ""), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST(ShipAnswerTest, WhatSaysYesAndIsNoSuccessIsDoubted) {
  pb::ShipmentSpec spec;
  spec.add_packages();
  const auto judge = [&](HttpResponse response) {
    return JudgeShip({.response = std::move(response), .body_started = true}, spec).state;
  };
  const std::string error = R"({"response":{"errors":[{"code":"120802","message":"m"}]}})";
  for (const int status : {200, 201, 204, 206}) {
    for (const std::string& body :
         {std::string(), error, std::string("<html>"), std::string("{}"),
          std::string(R"({"ShipmentResponse":{"ShipmentResults":{"Ship)")})
      EXPECT_EQ(judge({.status = status, .body = body}), pb::Call::IN_DOUBT) << status << body;
    EXPECT_EQ(judge({.status = status, .headers = {{"APIErrorCode", "250002"}}}),
              pb::Call::IN_DOUBT);
  }
}

TEST(VoidAnswerTest, EachPackageThatWasAskedForMustBeVoid) {
  const auto answer = [](const std::string& results) {
    return HttpResponse{
        .status = 200,
        .body = R"({"VoidShipmentResponse":{"SummaryResult":{"Status":{"Code":"1"}},)" + results +
                "}}"};
  };
  const std::string first = R"({"TrackingNumber":"1ZF3R1N00300000017","Status":{"Code":"1"}})";
  const std::string second =
      R"({"TrackingNumber":"1ZF3R1N00300000026","Status":{"Code":"&#xD; 1"}})";
  const std::string refused = R"({"TrackingNumber":"1ZF3R1N00300000026","Status":{"Code":"0"}})";
  const std::vector<std::string> both = {kNumber, kSister};
  EXPECT_OK(ReadVoid(answer("\"PackageLevelResults\":[" + first + "," + second + "]"), both));
  EXPECT_OK(ReadVoid(answer("\"PackageLevelResult\":[" + first + "," + second + "]"), both));
  EXPECT_OK(ReadVoid(answer("\"PackageLevelResults\":" + first), {kNumber}));
  EXPECT_OK(ReadVoid(answer("\"PackageLevelResults\":\"\""), both));
  const auto not_all = HasCode(absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(ReadVoid(answer("\"PackageLevelResults\":[" + first + "," + refused + "]"), both),
              not_all);
  EXPECT_THAT(ReadVoid(answer("\"PackageLevelResults\":[" + first + "]"), both), not_all);
  const HttpResponse before{.status = 400,
                            .body = R"({"response":{"errors":[{"code":"190117","message":"m"}]}})"};
  ASSERT_OK_AND_ASSIGN(const auto done, ReadVoid(before, {}));
  EXPECT_TRUE(done.already_voided());
}

TEST(RecoveryAnswerTest, NoneSeveralAndVoidedAreAnswers) {
  const auto outcome = [](int status, const std::string& code) {
    const absl::StatusOr<pb::RecoverLabelResponse> answer = ReadRecovery(
        {.status = status, .body = R"({"response":{"errors":[{"code":")" + code + "\"}]}}"}, "");
    EXPECT_OK(answer) << code;
    return answer.ok() ? answer->outcome() : pb::RecoverLabelResponse::OUTCOME_UNSPECIFIED;
  };
  for (const int status : {200, 400}) {
    EXPECT_EQ(outcome(status, "300007"), pb::RecoverLabelResponse::NOT_FOUND);
    EXPECT_EQ(outcome(status, "300001"), pb::RecoverLabelResponse::SEVERAL);
    EXPECT_EQ(outcome(status, "300033"), pb::RecoverLabelResponse::VOIDED);
  }
  ASSERT_OK_AND_ASSIGN(const auto several,
                       ReadRecovery({.status = 200, .body = R"({"LabelRecoveryResponse":{
          "TrackingCandidate":[{"TrackingNumber":"1ZF3R1N00300000017"},{"TrackingNumber":"?"}]}})"},
                                    ""));
  EXPECT_EQ(several.outcome(), pb::RecoverLabelResponse::SEVERAL);
  EXPECT_THAT(several.candidates(), ElementsAre(kNumber));
}

TEST(TrackAnswerTest, UnknownIsNoErrorButAnyOtherRefusalIs) {
  const auto warning = [](const std::string& code) {
    return HttpResponse{.status = 200,
                        .body = R"({"trackResponse":{"shipment":[{"inquiryNumber":"1ZF3R1N0",
                                "warnings":[{"code":")" +
                                code + R"(","message":"m"}]}]}})"};
  };
  ASSERT_OK_AND_ASSIGN(const auto unknown, ReadTrack(warning("TW0001"), kNumber));
  EXPECT_FALSE(unknown.found());
  EXPECT_OK(ReadTrack({.status = 404, .body = "<html>"}, kNumber));
  ASSERT_OK_AND_ASSIGN(const auto none,
                       ReadTrackedPackages(Operation::kTrackReference, warning("TW0001")));
  EXPECT_THAT(none.tracking_numbers, IsEmpty());
  EXPECT_THAT(ReadTrack(warning("TV1002"), kNumber),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(ReadTrackedPackages(Operation::kTrackReference, warning("TV9999")),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST(TrackAnswerTest, PackagesComeInUpsOrderAndTheirActivitiesByTime) {
  ASSERT_OK_AND_ASSIGN(const TrackedPackages tracked, ParseTrackedPackages(kTracked));
  EXPECT_THAT(tracked.tracking_numbers, ElementsAre(kNumber, kSister));
  EXPECT_EQ(tracked.package_count, 2);
  ASSERT_THAT(tracked.activities, SizeIs(3));
  EXPECT_EQ(tracked.activities[0].type(), "M");
  EXPECT_EQ(tracked.activities[1].type(), "I");
  EXPECT_EQ(tracked.activities[1].tracking_number(), kSister);
  EXPECT_EQ(tracked.activities[2].type(), "D");
  ASSERT_OK_AND_ASSIGN(const auto one, ParseTrackReply(kTracked, kSister));
  EXPECT_THAT(one.tracking_numbers(), ElementsAre(kSister));
  EXPECT_THAT(one.activities(), SizeIs(1));
}

TEST(TrackAnswerTest, APackageWithoutANumberIsTheOneThatWasAskedFor) {
  const std::string body = R"({"trackResponse":{"shipment":[{"package":[{"activity":[
      {"date":"20261123","time":"090000","status":{"type":"M"}}]}]}]}})";
  ASSERT_OK_AND_ASSIGN(const auto one, ParseTrackReply(body, kNumber));
  EXPECT_TRUE(one.found());
  EXPECT_EQ(one.activities(0).tracking_number(), kNumber);
  // Behind a reference there is nothing to go by.
  ASSERT_OK_AND_ASSIGN(const TrackedPackages several, ParseTrackedPackages(body));
  EXPECT_THAT(several.tracking_numbers, IsEmpty());
}

TEST(AnswerTest, WhatUpsWritesIsRepeatedNowhere) {
  const absl::Status status =
      ReadRecovery({.status = 200,
                    .body = R"({"response":{"errors":[{"code":"1","message":"12 Fern St"}]}})"},
                   "")
          .status();
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("Fern")));
}

}  // namespace
}  // namespace psups::ups_gateway
