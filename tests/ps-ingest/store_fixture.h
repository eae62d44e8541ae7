#pragma once

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/order_service.h"
#include "services/ps-ingest/poller.h"
#include "services/ps-ingest/ps_api.h"
#include "services/ps-ingest/write_back.h"
#include "services/ps-ingest/write_backer.h"
#include "tests/ps-ingest/samples.h"
#include "tests/ps-ingest/stack.h"

namespace psups::ps_ingest {

namespace pb = orders::v1;

inline constexpr absl::Duration kLease = absl::Seconds(30);
inline constexpr char kAnn[] = "spiffe://psups/admin/ann";

// The stores on real PostgreSQL.
class StoreTest : public ::testing::Test {
 protected:
  pb::Connection Connect(const std::string& id, const std::string& oprid = "PSUPS") {
    pb::Connection connection = TestConnection();
    connection.set_oprid(oprid);
    connection.add_document_types(type::v1::PURCHASE_ORDER);
    return stack_.Create(id, connection);
  }

  PollLease Lease() {
    auto polls = stack_.polls->LeasePolls(10, kLease);
    EXPECT_OK(polls.status());
    EXPECT_THAT(*polls, ::testing::SizeIs(1));
    return polls->empty() ? PollLease() : polls->front();
  }

  // What a read of these rows by `poll` comes to, as the poller would find it.
  ReadOutcome Outcome(PollLease& poll, const std::vector<nlohmann::ordered_json>& rows) {
    const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
    EXPECT_TRUE(window.has_value());
    ReadOutcome outcome = OutcomeOf(poll, *window, rows);
    EXPECT_EQ(outcome.error, "");
    return outcome;
  }
  ReadOutcome OutcomeOf(const PollLease& poll, const Window& window,
                        const std::vector<nlohmann::ordered_json>& rows) {
    Answer answer = Understand({.response = HttpResponse{.body = SampleBody(rows)}},
                               poll.connection, poll.type, 1000, "query Q");
    std::vector<std::string> ids;
    for (const Document& document : answer.documents.readable) {
      ids.push_back(OrderId(document.order.document(), stack_.derive));
    }
    const auto stored = stack_.polls->FindRevisions("c1", ids);
    EXPECT_OK(stored.status());
    return Settle(
        poll,
        {.window = window, .call_id = RandomHex128(), .asked = 1000, .answer = std::move(answer)},
        *stored, {}, stack_.derive);
  }

  // Reads by connection c1 to the end of a round, of these rows those that each window asks for.
  // True if an error was shown after every window.
  bool ReadRound(const std::vector<nlohmann::ordered_json>& rows) {
    stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
    bool shown = true;
    while (true) {
      PollLease poll = Lease();  // due at once
      const absl::TimeZone zone = ZoneOf(poll.connection);
      const auto window = NextWindow(poll.cursor, WindowRulesOf(poll.connection), absl::Now());
      std::vector<nlohmann::ordered_json> touched;
      for (const auto& row : rows) {
        const std::string time = row["A.LAST_DTTM_UPDATE"];
        if (time >= absl::FormatCivilTime(LocalStart(window->from, zone)) &&
            time <= absl::FormatCivilTime(LocalEnd(window->to, zone))) {
          touched.push_back(row);
        }
      }
      const ReadOutcome outcome = OutcomeOf(poll, *window, touched);
      EXPECT_OK(stack_.polls->StoreRead(poll, outcome));
      if (HasFailure() || !outcome.cursor.position.has_value()) return shown;
      shown &= !stack_.connections->Get("c1")->last_error().empty();
    }
  }
  std::string Watermark() {
    const auto rows = stack_.schema.db().Exec(
        "SELECT watermark_time::text AS t FROM "
        "source_cursors WHERE enabled AND purpose = 'POLL'");
    return (*rows)[0].Text("t");
  }

  // Reads these rows by connection c1, whole.
  void Read(const std::vector<nlohmann::ordered_json>& rows) {
    stack_.Exec("UPDATE source_cursors SET due_time = now() WHERE purpose = 'POLL'");
    PollLease poll = Lease();
    ASSERT_OK(stack_.polls->StoreRead(poll, Outcome(poll, rows)));
  }

  static nlohmann::ordered_json Row(const std::string& id, const std::string& quantity = "4") {
    nlohmann::ordered_json row = SampleRow();
    row["A.PO_ID"] = id;
    row["C.QTY_PO"] = quantity;
    return row;
  }

  std::vector<OrderStore::Leased> HandOut() {
    auto leased = stack_.orders->LeaseOrders(100, absl::Seconds(60));
    EXPECT_OK(leased.status());
    return leased.ok() ? *leased : std::vector<OrderStore::Leased>();
  }

  std::vector<std::string> Acknowledge(const OrderStore::Leased& leased) {
    pb::AcknowledgeOrdersRequest::Acknowledgement acknowledgement;
    acknowledgement.set_name(leased.order.name());
    acknowledgement.set_revision(leased.order.revision());
    acknowledgement.set_lease_id(leased.lease_id);
    const auto stale = stack_.orders->Acknowledge({acknowledgement});
    EXPECT_OK(stale.status());
    return stale.ok() ? *stale : std::vector<std::string>();
  }

  void Activate() { stack_.Exec("UPDATE connections SET state = 'ACTIVE', activated = true"); }

  pb::TrackingUpdate Update(int sequence, int schedule = 1, const std::string& connection = "c1") {
    pb::TrackingUpdate update;
    update.set_update_id(
        Hex(Sha256(absl::StrCat(connection, " ", schedule, " ", sequence))).substr(0, 32));
    update.mutable_document()->set_connection("connections/" + connection);
    update.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
    update.mutable_document()->set_business_unit("US001");
    update.mutable_document()->set_document_id("0000000123");
    update.mutable_schedule()->set_line_number(1);
    update.mutable_schedule()->set_schedule_number(schedule);
    update.mutable_schedule()->set_quantity("1");
    update.set_sequence_number(sequence);
    update.set_tracking_number("1ZA1B2C30312345678");
    update.set_status("IN_TRANSIT");
    update.mutable_event_time()->set_seconds(1'795'446'062);
    return update;
  }

  std::vector<WriteBackLane> Lanes() {
    auto lanes = stack_.write_backs->LeaseLanes(10, kLease);
    EXPECT_OK(lanes.status());
    return lanes.ok() ? *lanes : std::vector<WriteBackLane>();
  }

  static std::vector<std::string> Sent(const WriteBackLane& lane) {
    std::vector<std::string> sent;
    for (const auto& update : lane.updates) {
      sent.push_back(
          absl::StrCat(update.schedule().schedule_number(), "/", update.sequence_number()));
    }
    return sent;
  }

  Stack stack_;
};

using ConnectionStoreTest = StoreTest;
using PollStoreTest = StoreTest;
using OrderStoreTest = StoreTest;
using WriteBackStoreTest = StoreTest;
using RunStoreTest = StoreTest;

}  // namespace psups::ps_ingest
