#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/crypto.h"
#include "common/envelope.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "nlohmann/json.hpp"
#include "services/tracking-sync/ports.h"
#include "services/tracking-sync/proto_time.h"

namespace psups::tracking_sync {

namespace pb = psups::tracking::v1;

inline KeyRing TestKeys() {
  const auto path = std::filesystem::temp_directory_path() / ("psups-keys-" + RandomHex128());
  const auto key = [](char c) { return Base64(std::string(32, c)); };
  std::ofstream(path) << nlohmann::json{
      {"current", "k1"}, {"keys", {{"k1", key('a')}}}, {"derivation_key", key('d')}};
  std::filesystem::permissions(path, std::filesystem::perms::owner_read);
  auto ring = KeyRing::FromFile(path.string());
  std::filesystem::remove(path);
  EXPECT_OK(ring.status());
  return *std::move(ring);
}

// A tracker to be: one package of PO 0000000123.
inline pb::CreateTrackersRequest::NewTracker NewTracker(const std::string& number,
                                                        std::vector<int> lines = {1}) {
  pb::CreateTrackersRequest::NewTracker tracker;
  tracker.set_tracking_number(number);
  tracker.set_account("accounts/demo");
  tracker.mutable_document()->set_connection("connections/c1");
  tracker.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
  tracker.mutable_document()->set_business_unit("US001");
  tracker.mutable_document()->set_document_id("0000000123");
  for (const int line : lines) {
    auto& content = *tracker.add_contents();
    content.set_line_number(line);
    content.set_schedule_number(1);
    content.set_quantity("2.5");
  }
  tracker.set_shipment("shipments/s1");
  tracker.set_trace_id("0af7651916cd43dd8448eb211c80319c");
  *tracker.mutable_label_time() = ToProto(absl::Now() - absl::Hours(2));
  return tracker;
}

inline Scan ScanAt(const std::string& number, absl::Time time, const std::string& type,
                   const std::string& code, const std::string& status_code = "") {
  time = absl::FromUnixSeconds(absl::ToUnixSeconds(time));
  return {.tracking_number = number,
          .type = type,
          .code = code,
          .status_code = status_code,
          .description = "A scan",
          .time = time,
          .local_time =
              absl::FormatTime("%Y-%m-%dT%H:%M:%S", time - absl::Hours(5), absl::UTCTimeZone()),
          .utc_offset = "-05:00",
          .precision = ups::v1::TrackingActivity::GMT_GIVEN,
          .city = "CHARLOTTE",
          .state = "NC",
          .country = "US"};
}

// The same scan as a Track Alert message.
inline std::string Message(const Scan& scan) {
  const auto field = [](const char* format, absl::Time time) {
    return absl::FormatTime(format, time, absl::UTCTimeZone());
  };
  const absl::Time local = scan.time - absl::Hours(5);
  return nlohmann::json{
      {"trackingNumber", scan.tracking_number},
      {"localActivityDate", field("%Y%m%d", local)},
      {"localActivityTime", field("%H%M%S", local)},
      {"gmtActivityDate", field("%Y%m%d", scan.time)},
      {"gmtActivityTime", field("%H%M%S", scan.time)},
      {"gmtOffset", "-05.00"},
      {"activityLocation",
       {{"city", "Charlotte"}, {"stateProvince", scan.state}, {"country", scan.country}}},
      {"activityStatus",
       {{"type", scan.type}, {"code", scan.code}, {"description", scan.description + " "}}}}
      .dump();
}

// A store in a schema of its own.
class StoreFixture : public ::testing::Test {
 protected:
  explicit StoreFixture(Timing timing = {})
      : sealer_(schema_.db(), TestKeys()),
        store_(MakePostgresTrackerStore(schema_.db(), sealer_, timing)) {}

  Rows Query(const std::string& sql) {
    auto rows = schema_.db().Exec(sql);
    EXPECT_OK(rows.status()) << sql;
    return *std::move(rows);
  }
  int64_t Number(const std::string& sql) { return Query("SELECT (" + sql + ") AS n")[0].Int("n"); }
  std::string Text(const std::string& sql) {
    const Rows rows = Query("SELECT (" + sql + ")::text AS t");
    return rows[0].IsNull("t") ? "NULL" : rows[0].Text("t");
  }

  absl::Status Create(std::vector<pb::CreateTrackersRequest::NewTracker> trackers) {
    pb::CreateTrackersRequest request;
    for (auto& tracker : trackers) *request.add_trackers() = std::move(tracker);
    return store_->Create(request, builder_);
  }
  absl::Status Close(const std::string& number) {
    pb::CloseTrackersRequest request;
    request.add_tracking_numbers(number);
    *request.mutable_void_time() = ToProto(absl::Now());
    return store_->Close(request, builder_);
  }
  // By the webhook, as far as it is processed.
  std::string Receive(const Scan& scan) {
    const std::string id = RandomHex128();
    EXPECT_OK(store_->Store(
        {{.received_id = id, .tracking_number = scan.tracking_number, .body = Message(scan)}}));
    return id;
  }
  absl::Status Process(const Scan& scan) {
    return store_->StoreScans(
        {{.scan = scan, .source = pb::Event::WEBHOOK, .received_id = Receive(scan)}}, {});
  }
  ParcelStatus StatusOf(const std::string& number) {
    auto tracker = store_->Get(number);
    EXPECT_OK(tracker.status());
    return tracker.ok() ? tracker->status() : pb::STATUS_UNSPECIFIED;
  }

  const Caller builder_ = {.identity = "spiffe://psups/service/shipment-builder",
                           .service = "shipment-builder"};
  testing::ScratchSchema schema_{"tracking-sync"};
  Sealer sealer_;
  std::unique_ptr<TrackerStore> store_;
};

}  // namespace psups::tracking_sync
