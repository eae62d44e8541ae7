#include <gmock/gmock.h>

#include <map>

#include "common/testing/status_matchers.h"
#include "services/tracking-sync/scan.h"
#include "tests/ups_openapi.h"

namespace psups::tracking_sync {
namespace {

using ::psups::testing::UpsOpenApi;
using ::psups::testing::UpsOpenApiAt;
using ::testing::IsEmpty;
using ::testing::Not;

const absl::Time kNow = absl::FromCivil(absl::CivilSecond(2026, 11, 23, 18), absl::UTCTimeZone());

TEST(PublishedEventsTest, WebhookMessagesRead) {
  const nlohmann::json examples =
      UpsOpenApiAt(UpsOpenApi("UPSTrackAlert"),
                   "/webhooks/TrackingEvent/post/requestBody/content/application~1json/examples");
  ASSERT_THAT(examples, Not(IsEmpty()));
  std::map<std::string, std::string> times;
  for (const auto& [name, example] : examples.items()) {
    const nlohmann::json& body = example.at("value");
    ASSERT_OK_AND_ASSIGN(const Scan scan, ScanFromWebhook(body.dump(), kNow));
    EXPECT_EQ(scan.tracking_number, body.at("trackingNumber")) << name;
    EXPECT_EQ(scan.city, body.at("activityLocation").at("city")) << name;
    EXPECT_EQ(scan.description, body.at("activityStatus").at("description")) << name;
    EXPECT_EQ(scan.precision, ups::v1::TrackingActivity::GMT_GIVEN) << name;
    times[scan.type + scan.code] =
        absl::FormatTime("%Y-%m-%d %H:%M:%S", scan.time, absl::UTCTimeZone());
  }
  EXPECT_EQ(times["IOT"], "2024-04-23 13:15:19");
  EXPECT_EQ(times["DFS"], "2024-04-23 13:50:04");
}

}  // namespace
}  // namespace psups::tracking_sync
