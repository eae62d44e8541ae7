#include "services/ps-ingest/query_url.h"

#include "common/testing/status_matchers.h"
#include "services/ps-ingest/ask.h"
#include "services/ps-ingest/read.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;

TEST(QueryUrl, KeepsCommasBetweenPromptsAndEncodesTheRest) {
  EXPECT_THAT(QueryUrl({.base_url = "https://erp.example.com/PSIGW/RESTListeningConnector",
                        .node = "PSFT_EP",
                        .query = "PSUPS_PO",
                        .max_rows = 1000,
                        .prompts = {{"FROM_DTTM", "2026-11-23 14:00:00"},
                                    {"TO_DTTM", "2026-11-23 15:00:00"}}}),
              IsOkAndHolds("https://erp.example.com/PSIGW/RESTListeningConnector/PSFT_EP/"
                           "ExecuteQuery.v1/public/PSUPS_PO/JSON/NONFILE?isconnectedquery=N&"
                           "maxrows=1000&prompt_uniquepromptname=FROM_DTTM,TO_DTTM&"
                           "prompt_fieldvalue=2026-11-23%2014%3A00%3A00,2026-11-23%2015%3A00%3A00&"
                           "json_resp=true"));
}

TEST(QueryUrl, KeepsTheEmptySlotOfAnEmptyPrompt) {
  ASSERT_OK_AND_ASSIGN(const std::string url,
                       QueryUrl({.base_url = "https://h/",
                                 .node = "N",
                                 .query = "Q",
                                 .max_rows = 2,
                                 .prompts = {{"BU", ""}, {"PO", "0000000123"}}}));
  EXPECT_THAT(url, HasSubstr("prompt_fieldvalue=,0000000123&"));
}

TEST(QueryUrl, RefusesAValueWithAComma) {
  const auto url = QueryUrl({.base_url = "https://h",
                             .node = "N",
                             .query = "Q",
                             .max_rows = 2,
                             .prompts = {{"NAME", "Acme, Inc."}}});
  EXPECT_THAT(url, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(url.status().message(), HasSubstr("NAME"));
}

TEST(OperationUrl, KeepsThePathsSlashes) {
  EXPECT_EQ(
      OperationUrl("https://h/erp/PSIGW/RESTListeningConnector/", "PSFT EP", "/PSUPS_TRACKING.v1/"),
      "https://h/erp/PSIGW/RESTListeningConnector/PSFT%20EP/PSUPS_TRACKING.v1/");
}

TEST(WindowUrl, SpeaksTheBaseTimeZone) {
  const Window window = {absl::FromUnixSeconds(1'795'446'000),
                         absl::FromUnixSeconds(1'795'449'600)};
  ASSERT_OK_AND_ASSIGN(const std::string url, WindowUrl(SampleConnection(), type::v1::REQUISITION,
                                                        window, std::nullopt, 500));
  EXPECT_THAT(url, HasSubstr("/public/PSUPS_REQ/"));
  EXPECT_THAT(url, HasSubstr("maxrows=500&"));
  EXPECT_THAT(url,
              HasSubstr("prompt_uniquepromptname=FROM_DTTM,TO_DTTM,AFTER_BU,AFTER_ID&"
                        "prompt_fieldvalue=2026-11-23%2010%3A00%3A00,2026-11-23%2011%3A00%3A00,,"));
}

}  // namespace
}  // namespace psups::ps_ingest
