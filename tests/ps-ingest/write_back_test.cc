#include "services/ps-ingest/write_back.h"

#include "common/testing/status_matchers.h"
#include "nlohmann/json.hpp"
#include "services/ps-ingest/write_backer.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using ::testing::ElementsAre;
using testing::HasCode;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

pb::TrackingUpdate Update(int sequence, int schedule = 1) {
  pb::TrackingUpdate update;
  update.set_update_id(absl::StrFormat("%030x%02x", schedule, sequence));
  update.mutable_document()->set_connection("connections/c1");
  update.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
  update.mutable_document()->set_business_unit("US001");
  update.mutable_document()->set_document_id("0000000123");
  update.mutable_schedule()->set_line_number(1);
  update.mutable_schedule()->set_schedule_number(schedule);
  update.mutable_schedule()->set_quantity("3");
  update.set_sequence_number(sequence);
  update.set_tracking_number("1ZA1B2C30312345678");
  update.set_status("DELIVERED");
  update.set_ups_type("D");
  update.set_ups_code("FS");
  update.mutable_event_time()->set_seconds(1'795'446'062);
  update.set_is_current(true);
  update.set_description("DELIVERED");
  return update;
}

TEST(Messages, CarryWhatTheOperationTakes) {
  pb::TrackingUpdate update = Update(1);
  update.set_description(std::string(59, 'x') + "é");  // 61 bytes: the last character goes whole
  const auto json = nlohmann::json::parse(MessagesJson({update}, NewYork()));
  const nlohmann::json expected = {{"MSG_ID", update.update_id()},
                                   {"DOC_TYPE", "PO"},
                                   {"BUSINESS_UNIT", "US001"},
                                   {"DOC_ID", "0000000123"},
                                   {"LINE_NBR", 1},
                                   {"SCHED_NBR", 1},
                                   {"SEQ_NBR", 1},
                                   {"TRACKING_NBR", "1ZA1B2C30312345678"},
                                   {"CARRIER_ID", "UPS"},
                                   {"STATUS", "DELIVERED"},
                                   {"STATUS_DETAIL", ""},
                                   {"UPS_TYPE", "D"},
                                   {"UPS_CODE", "FS"},
                                   {"EVENT_DTTM", "2026-11-23T10:01:02"},
                                   {"EVENT_DTTM_UTC", "2026-11-23T15:01:02Z"},
                                   {"IS_CURRENT", "Y"},
                                   {"QTY", "3.0000"},
                                   {"DESCR", std::string(59, 'x')}};
  EXPECT_EQ(json["MESSAGES"], nlohmann::json::array({expected}));
}

TEST(Results, TellWrittenFromRefused) {
  const auto results = ParseResults(
      R"({"RESULTS":[{"MSG_ID":"a","STATUS":"OK"},{"MSG_ID":"b","STATUS":"DUPLICATE"},
                     {"MSG_ID":"c","STATUS":"ERROR","MESSAGE":"no such PO"}]})");
  ASSERT_OK(results.status());
  EXPECT_THAT(*results,
              ElementsAre(Pair("a", MessageResult::kAccepted), Pair("b", MessageResult::kDuplicate),
                          Pair("c", MessageResult::kRefused)));
  for (const char* body : {"", "{}", R"({"RESULTS":{}})", R"({"RESULTS":[{"MSG_ID":"a"}]})",
                           R"({"RESULTS":[{"MSG_ID":"a","STATUS":"MAYBE"}]})"}) {
    EXPECT_THAT(ParseResults(body), HasCode(absl::StatusCode::kInvalidArgument)) << body;
  }
}

TEST(CheckUpdate, NamesTheFieldWhatCameAndWhatIsWanted) {
  EXPECT_OK(CheckUpdate(Update(1)));
  pb::TrackingUpdate update = Update(1);
  update.set_status("LOADED");
  EXPECT_THAT(CheckUpdate(update).message(), HasSubstr("updates.status: \"LOADED\""));
  update = Update(0);
  EXPECT_THAT(CheckUpdate(update).message(), HasSubstr("sequence_number"));
  update = Update(1);
  update.set_update_id("xyz");
  EXPECT_THAT(CheckUpdate(update).message(), HasSubstr("32 hex digits"));
}

WriteBackOutcome SettleReply(absl::StatusOr<HttpResponse> response) {
  const WriteBackLane lane = {.connection = SampleConnection(), .failure_count = 2};
  return Settle(lane, {Update(1), Update(2)}, "call", {.response = std::move(response)}, {});
}

TEST(Settle, WritesAndParksWhatTheAnswerNames) {
  const WriteBackOutcome outcome = SettleReply(
      HttpResponse{.body = absl::StrCat(R"({"RESULTS":[{"MSG_ID":")", Update(1).update_id(),
                                        R"(","STATUS":"OK"},{"MSG_ID":")", Update(2).update_id(),
                                        R"(","STATUS":"ERROR"}]})")});
  EXPECT_THAT(outcome.written, ElementsAre(Update(1).update_id()));
  EXPECT_THAT(outcome.parked, ElementsAre(Update(2).update_id()));
  EXPECT_EQ(outcome.failure_count, 0);
  EXPECT_EQ(outcome.error, "");
}

TEST(Settle, SendsAgainAfterALostAnswerAndAnErrorIn200) {
  for (const absl::StatusOr<HttpResponse>& response :
       {absl::StatusOr<HttpResponse>(absl::UnavailableError("reset")),
        absl::StatusOr<HttpResponse>(HttpResponse{.body = "<IBResponse type=\"error\"/>"}),
        absl::StatusOr<HttpResponse>(HttpResponse{.body = R"({"RESULTS":[]})"}),
        absl::StatusOr<HttpResponse>(HttpResponse{.status = 500})}) {
    const WriteBackOutcome outcome = SettleReply(response);
    EXPECT_THAT(outcome.written, IsEmpty());
    EXPECT_THAT(outcome.parked, IsEmpty());
    EXPECT_EQ(outcome.failure_count, 3);
    EXPECT_NE(outcome.error, "");
    EXPECT_EQ(outcome.stop_reason, "");
    EXPECT_THAT(outcome.audit, SizeIs(1));
  }
}

TEST(Settle, StopsTheConnectionAtARefusedCredential) {
  EXPECT_NE(SettleReply(HttpResponse{.status = 401}).stop_reason, "");
}

}  // namespace
}  // namespace psups::ps_ingest
