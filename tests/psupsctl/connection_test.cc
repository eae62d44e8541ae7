#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/psupsctl/fake_services.h"
#include "tests/psupsctl/runner.h"

namespace psups::psupsctl {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Connection = orders::v1::Connection;
using Order = orders::v1::Order;

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() { connections_.connection.set_name("connections/c1"); }

  Order& AddOrder(type::v1::DocumentType type, const std::string& id, const std::string& date,
                  const std::string& connection = "c1") {
    Order& order = *orders_.orders.Add();
    order.mutable_document()->set_connection("connections/" + connection);
    order.mutable_document()->set_document_type(type);
    order.mutable_document()->set_business_unit("US001");
    order.mutable_document()->set_document_id(id);
    order.set_document_date(date);
    order.add_schedules()->set_line_number(1);
    return order;
  }

  void AddCheck(const std::string& subject, bool ok, const std::string& finding) {
    auto* check = connections_.test.add_checks();
    check->set_subject(subject);
    check->set_ok(ok);
    check->set_finding(finding);
  }

  Ran Run(std::vector<std::string> arguments, const std::string& input = "") {
    return runner_.Run(std::move(arguments), input);
  }

  FakeConnections connections_;
  FakeOrders orders_;
  FakeShipments shipments_;
  Runner runner_{{&connections_, &orders_, &shipments_}};
};

TEST_F(ConnectionTest, UpdateChangesOnlyWhatTheFileNames) {
  connections_.connection.set_version(4);
  connections_.connection.set_node("PSFT_EP");
  connections_.connection.set_poll_interval_seconds(60);
  const std::string file = runner_.Write("c1.json", R"({"pollIntervalSeconds": 5})");
  EXPECT_EQ(Run({"connection", "update", "c1", "--file", file}).code, 0);
  EXPECT_EQ(connections_.updated.connection().version(), 4);
  EXPECT_EQ(connections_.updated.connection().node(), "PSFT_EP");
  EXPECT_EQ(connections_.updated.connection().poll_interval_seconds(), 5);
  EXPECT_EQ(connections_.updated.password(), "");
}

TEST_F(ConnectionTest, GetAndWideListsShowHowItIsReadAndWhatWasLearned) {
  connections_.connection.set_authentication(Connection::CLIENT_CREDENTIALS);
  connections_.connection.set_learned_row_cap(500);
  connections_.connection.mutable_last_sweep_time()->set_seconds(1790000000);
  const Ran get = Run({"connection", "get", "c1", "-o", "wide"});
  EXPECT_THAT(get.out,
              AllOf(HasSubstr("authentication: client credentials"),
                    HasSubstr("learned row cap: 500"), HasSubstr("last sweep time: 2026-")));
  const Ran csv = Run({"connection", "get", "c1", "-o", "csv"});
  EXPECT_THAT(csv.out, AllOf(HasSubstr("AUTHENTICATION,ROW LIMIT MET,LAST SWEEP"),
                             HasSubstr("CLIENT_CREDENTIALS,500,2026-")));
}

TEST_F(ConnectionTest, TestFailsIfACheckFails) {
  AddCheck("sign-on", true, "");
  EXPECT_EQ(Run({"connection", "test", "c1"}).code, 0);
  AddCheck("query PSUPS_PO", false, "not granted: add the permission list");
  const Ran ran = Run({"connection", "test", "c1"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, HasSubstr("FAILED  query PSUPS_PO  not granted"));
  EXPECT_EQ(ran.err, "psupsctl: query PSUPS_PO failed: not granted: add the permission list\n");
  AddCheck("write-back", false, "no RESULTS");
  EXPECT_THAT(Run({"connection", "test", "c1"}).err,
              HasSubstr("2 checks failed; the first: query PSUPS_PO failed: not granted"));
}

TEST_F(ConnectionTest, TestShowsALongFindingInLinesAndToAProgramWhole) {
  std::string columns = "A.PO_ID text";
  for (int i = 0; i < 80; ++i) absl::StrAppend(&columns, ", B.COLUMN_", i, " number");
  AddCheck("columns of PSUPS_PO", true, columns);
  AddCheck("write-back", true, "answered");
  const Ran ran = Run({"connection", "test", "c1"});
  const std::vector<std::string> lines = absl::StrSplit(ran.out, '\n');
  EXPECT_THAT(lines, Each(SizeIs(Le(110u))));
  EXPECT_THAT(lines[1], StartsWith("ok  columns of PSUPS_PO  A.PO_ID text, B.COLUMN_0"));
  EXPECT_THAT(lines[2], StartsWith("                         B.COLUMN_"));
  EXPECT_THAT(ran.out, HasSubstr("\nok  write-back           answered\n"));
  EXPECT_EQ(Run({"connection", "test", "c1", "-o", "json"}).json()[0]["finding"], columns);
}

TEST_F(ConnectionTest, ActivateSaysWhatWouldShipOfEachKindAndAsks) {
  AddOrder(type::v1::PURCHASE_ORDER, "0000000001", "2026-11-12").add_schedules();
  AddOrder(type::v1::PURCHASE_ORDER, "0000000002", "2026-11-11");
  AddOrder(type::v1::PURCHASE_ORDER, "0000000003", "2026-11-10")
      .mutable_schedules(0)
      ->set_ineligible_reason(Order::Schedule::HOLD);
  AddOrder(type::v1::REQUISITION, "0000000009", "2026-11-14");
  AddOrder(type::v1::PURCHASE_ORDER, "0000000004", "2026-11-01", "c2");
  const Ran no = Run({"connection", "activate", "c1"}, "n\n");
  EXPECT_EQ(no.code, 1);
  EXPECT_THAT(no.err, HasSubstr("Of 3 purchase orders read so far 2 would ship (3 schedules); the "
                                "oldest is PO US001 0000000002 of 2026-11-11.\n"
                                "Of 1 requisitions read so far 1 would ship (1 schedules); the "
                                "oldest is REQ US001 0000000009 of 2026-11-14.\n"));
  EXPECT_THAT(connections_.activated, IsEmpty());
  EXPECT_EQ(Run({"connection", "activate", "c1"}, "y\n").code, 0);
  EXPECT_EQ(Run({"connection", "activate", "c1", "--yes"}).code, 0);
  EXPECT_THAT(connections_.activated, ElementsAre("connections/c1", "connections/c1"));
}

TEST_F(ConnectionTest, ActivateShowsWhatTheShipmentsThatWaitWouldCost) {
  auto& estimate = shipments_.estimate;
  estimate.set_shipments(12);
  estimate.set_packages(15);
  estimate.set_shipments_without_estimate(12);
  estimate.set_reviews(2);
  EXPECT_THAT(Run({"connection", "activate", "c1"}, "n\n").err,
              HasSubstr("\n12 shipments (15 packages) wait; nobody asked UPS what they would cost; "
                        "2 reviews are open.\nActivate c1"));
  EXPECT_EQ(shipments_.estimated.connection(), "connections/c1");
  estimate.mutable_cost()->set_amount_minor(12345);
  estimate.mutable_cost()->set_currency_code("USD");
  estimate.set_shipments_without_estimate(3);
  EXPECT_THAT(
      Run({"connection", "activate", "c1"}, "n\n").err,
      HasSubstr("\n12 shipments (15 packages) wait, at about 123.45 USD without the 3 whose "
                "cost nobody asked; 2 reviews are open.\n"));
  estimate.set_shipments_without_estimate(0);
  EXPECT_THAT(Run({"connection", "activate", "c1"}, "n\n").err,
              HasSubstr(" wait, at about 123.45 USD; 2 reviews are open.\n"));
  EXPECT_THAT(connections_.activated, IsEmpty());
}

TEST_F(ConnectionTest, ActivateDoesNothingWhereNobodyCanAnswer) {
  const Ran ran = Run({"connection", "activate", "c1"}, "");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, StartsWith("No order has been read so far.\n"));
  EXPECT_THAT(ran.err, EndsWith("\npsupsctl: not activated; --yes activates without asking\n"));
  EXPECT_THAT(connections_.activated, IsEmpty());
}

TEST_F(ConnectionTest, BackfillNamesItsDays) {
  const Ran ran = Run({"connection", "backfill", "c1", "--from", "2026-11-01"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(connections_.backfilled.name(), "connections/c1");
  EXPECT_EQ(connections_.backfilled.from_date(), "2026-11-01");
  EXPECT_EQ(connections_.backfilled.to_date(), "");
  EXPECT_THAT(ran.err, HasSubstr("from 2026-11-01 to today"));
  EXPECT_EQ(
      Run({"connection", "backfill", "c1", "--from", "2026-11-01", "--to", "2026-11-05"}).code, 0);
  EXPECT_EQ(connections_.backfilled.to_date(), "2026-11-05");
  EXPECT_EQ(Run({"connection", "backfill", "c1"}).code, 2);
}

TEST_F(ConnectionTest, WindowsSayWhyTheyWereReadAndWhatWasCounted) {
  for (const int counted : {7, -1}) {
    auto* window = connections_.windows.add_windows();
    window->set_purpose(orders::v1::Window::BACKFILL);
    window->set_rows(5);
    window->set_counted_rows(counted);
  }
  EXPECT_THAT(Run({"connection", "windows", "c1"}).out, Not(HasSubstr("PURPOSE")));
  const Ran wide = Run({"connection", "windows", "c1", "-o", "wide"});
  EXPECT_THAT(wide.out, AllOf(HasSubstr("CUT  PURPOSE   COUNTED\n"),
                              HasSubstr("no   backfill  7\n"), HasSubstr("no   backfill\n")));
}

}  // namespace
}  // namespace psups::psupsctl
