#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/envelope.h"
#include "common/testing/status_matchers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/audit-ledger/checkpoint.h"
#include "tests/psupsctl/fake_services.h"
#include "tests/psupsctl/runner.h"

namespace psups::psupsctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using Connection = orders::v1::Connection;
using Order = orders::v1::Order;
using Shipment = shipments::v1::Shipment;
using Review = shipments::v1::Review;

class CommandTest : public ::testing::Test {
 protected:
  Order& AddOrder(const std::string& id, const std::string& connection = "c1",
                  const std::string& unit = "US001") {
    Order& order = *orders_.orders.Add();
    order.set_name(absl::StrCat("orders/o", orders_.orders.size()));
    order.mutable_document()->set_connection("connections/" + connection);
    order.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
    order.mutable_document()->set_business_unit(unit);
    order.mutable_document()->set_document_id(id);
    order.set_state(Order::PENDING);
    order.set_document_date(absl::StrCat("2026-11-", 10 + orders_.orders.size()));
    order.add_schedules()->set_line_number(1);
    return order;
  }

  Shipment& AddShipment(const Order& order, const std::string& tracking_number) {
    Shipment& shipment = *shipments_.shipments.Add();
    shipment.set_name(absl::StrCat("shipments/s", shipments_.shipments.size()));
    shipment.set_order(order.name());
    *shipment.mutable_document() = order.document();
    shipment.set_state(Shipment::IN_TRANSIT);
    shipment.add_packages()->set_tracking_number(tracking_number);
    shipment.mutable_packages(0)->set_package_number(1);
    return shipment;
  }

  Ran Run(std::vector<std::string> arguments, const std::string& input = "") {
    return runner_.Run(std::move(arguments), input);
  }

  FakeConnections connections_;
  FakeOrders orders_;
  FakeShipments shipments_;
  FakeReviews reviews_;
  FakeTracking tracking_;
  FakeAccounts accounts_;
  FakeAudit audit_;
  Runner runner_{
      {&connections_, &orders_, &shipments_, &reviews_, &tracking_, &accounts_, &audit_}};
};

TEST_F(CommandTest, AccountCreateSendsTheFileTheSecretAndTheBundle) {
  runner_.Write("bundle.pem", "-----BEGIN CERTIFICATE-----\n");
  const std::string file = runner_.Write(
      "account.json",
      R"({"account_id": "demo", "environment": "CIE", "client_id": "abc", "rebuy_window": "20s",
          "ca_bundle_file": "bundle.pem", "shipper": {"name": "Fabrikam", "lines": ["1 Main St"]}})");
  const std::string secret = runner_.Write("secret", "s3cret\n");
  const Ran ran = Run({"account", "create", "--file", file, "--secret-file", secret, "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.json()["name"], "accounts/demo");
  EXPECT_EQ(accounts_.created.account_id(), "demo");
  EXPECT_EQ(accounts_.created.client_secret(), "s3cret");
  EXPECT_EQ(accounts_.created.account().ca_bundle_pem(), "-----BEGIN CERTIFICATE-----\n");
  EXPECT_EQ(accounts_.created.account().rebuy_window().seconds(), 20);
  EXPECT_EQ(accounts_.created.account().shipper().lines(0), "1 Main St");
  EXPECT_THAT(ran.out, Not(HasSubstr("s3cret")));
}

TEST_F(CommandTest, SecretsComeFromStandardInputToo) {
  const std::string file = runner_.Write("account.json", R"({"account_id": "demo"})");
  EXPECT_EQ(Run({"account", "create", "--file", file}, "typed\n").code, 0);
  EXPECT_EQ(accounts_.created.client_secret(), "typed");
  const Ran ran = Run({"account", "create", "--file", file}, "");
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("no client secret"));
}

TEST_F(CommandTest, AWrongFieldInAFileIsNamed) {
  const std::string file =
      runner_.Write("account.json", R"({"account_id": "demo", "client_identifier": "abc"})");
  const Ran ran = Run({"account", "create", "--file", file}, "s\n");
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("account.json"), HasSubstr("client_identifier")));
}

TEST_F(CommandTest, JsonListsFollowAllPagesAndTablesSayThatThereAreMore) {
  for (int i = 0; i < 2100; ++i) AddOrder(absl::StrCat(i));
  EXPECT_EQ(Run({"order", "list", "-o", "json"}).json().size(), 2100u);
  const Ran table = Run({"order", "list"});
  EXPECT_EQ(std::count(table.out.begin(), table.out.end(), '\n'), 101);
  EXPECT_EQ(table.err, "There are more; --all shows them.\n");
  const Ran all = Run({"order", "list", "--all"});
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 2101);
  EXPECT_EQ(Run({"order", "list", "-o", "json", "--limit", "7"}).json().size(), 7u);
}

TEST_F(CommandTest, ANumberThatStandsInTwoConnectionsIsNeverGuessed) {
  AddOrder("0000000001", "c1");
  AddOrder("0000000001", "c2");
  const Ran several = Run({"order", "get", "0000000001"});
  EXPECT_EQ(several.code, 1);
  EXPECT_THAT(several.err, AllOf(HasSubstr("of c1 (orders/o1)"), HasSubstr("of c2 (orders/o2)")));
  const Ran one = Run({"order", "get", "US001/0000000001", "--connection", "c2", "-o", "json"});
  EXPECT_EQ(one.code, 0) << one.err;
  EXPECT_EQ(one.json()["name"], "orders/o2");
  EXPECT_EQ(Run({"order", "get", "orders/o1", "-o", "json"}).json()["name"], "orders/o1");
}

TEST_F(CommandTest, WhatIsNotThereExitsWith3) {
  EXPECT_EQ(Run({"order", "get", "0000000009"}).code, 3);
  const Ran ran = Run({"connection", "get", "nope"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_EQ(ran.err, "psupsctl: connections/nope: there is none\n");
}

TEST_F(CommandTest, ALabelIsSavedByteForByte) {
  Shipment& shipment = AddShipment(AddOrder("0000000001"), "1Z1");
  shipment.add_packages()->set_tracking_number("1Z2");
  shipment.mutable_packages(1)->set_package_number(2);
  const std::string file = runner_.Path("label.zpl");
  EXPECT_EQ(Run({"shipment", "label", "s1", "-o", file}).code, 0);
  EXPECT_EQ(runner_.Read("label.zpl"), "^XAshipments/s1#1");
  EXPECT_EQ(Run({"shipment", "label", "1Z2", "--out", file}).code, 0);
  EXPECT_EQ(runner_.Read("label.zpl"), "^XAshipments/s1#2");
  EXPECT_EQ(Run({"shipment", "label", "s1", "--package", "2", "-o", "-"}).out, "^XAshipments/s1#2");
}

TEST_F(CommandTest, TokenStatusIsOneRow) {
  EXPECT_EQ(Run({"token", "status", "demo", "-o", "csv"}).out,
            "ACCOUNT,USED,LIMIT,LEFT,EXPIRES,RENEWAL,NEXT FREE,USED UP,PROBLEM\n"
            "demo,2,250,248,,,,2026-11-23T15:01:02Z,\n");
}

TEST_F(CommandTest, AccountUpdateNamesTheFieldsOfTheFileAndNoOthers) {
  runner_.Write("bundle.pem", "-----BEGIN CERTIFICATE-----\n");
  const std::string file = runner_.Write(
      "a.json", R"({"rebuyWindow": "600s", "caps": {"purchases_per_day": 5}, "flow": null,
                    "ca_bundle_file": "bundle.pem"})");
  const Ran ran = Run({"account", "update", "demo", "--file", file});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(accounts_.updated.account().name(), "accounts/demo");
  EXPECT_EQ(accounts_.updated.account().rebuy_window().seconds(), 600);
  EXPECT_EQ(accounts_.updated.account().caps().purchases_per_day(), 5);
  EXPECT_FALSE(accounts_.updated.account().has_flow());
  const auto& paths = accounts_.updated.update_mask().paths();
  EXPECT_THAT(std::vector<std::string>(paths.begin(), paths.end()),
              ::testing::UnorderedElementsAre("rebuy_window", "caps", "flow", "ca_bundle_pem"));
  EXPECT_EQ(Run({"account", "update", "demo", "--file", runner_.Write("b.json", "{}")}).code, 2);
  const Ran wrong =
      Run({"account", "update", "demo", "--file", runner_.Write("c.json", R"({"cap": {}})")});
  EXPECT_EQ(wrong.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("cap"));
}

TEST_F(CommandTest, AnAccountIsStoppedWithAReasonThatEverybodySees) {
  accounts_.account.set_name("accounts/demo");
  accounts_.account.mutable_caps()->set_purchases_per_day(10000);
  accounts_.account.mutable_caps()->mutable_spend_per_day()->set_amount_minor(50'000);
  accounts_.account.mutable_caps()->mutable_spend_per_day()->set_currency_code("USD");
  EXPECT_THAT(Run({"account", "list"}).out,
              AllOf(HasSubstr("yes"), HasSubstr("10000 a day, 500.00 USD a day")));
  EXPECT_EQ(Run({"account", "stop", "demo"}).code, 2);  // without a reason
  EXPECT_EQ(Run({"account", "stop", "demo", "--reason", "labels for the wrong depot"}).code, 0);
  EXPECT_EQ(accounts_.account.stop_reason(), "labels for the wrong depot");
  EXPECT_THAT(Run({"account", "list"}).out, HasSubstr("stopped"));
  EXPECT_THAT(Run({"account", "get", "demo"}).out, HasSubstr("labels for the wrong depot"));
  EXPECT_EQ(Run({"account", "start", "demo"}).code, 0);
  accounts_.account.set_searches_first(true);
  EXPECT_THAT(Run({"account", "list"}).out, HasSubstr("searches first"));
  EXPECT_EQ(Run({"account", "stop", "nope", "--reason", "x"}).code, 3);
}

TEST_F(CommandTest, AccountTestFailsIfACheckFailsAndSaysTheNextStep) {
  using Check = ups::v1::TestAccountResponse::Check;
  const auto add = [&](const char* name, Check::Result result, const char* step) {
    Check& check = *accounts_.test.add_checks();
    check.set_name(name);
    check.set_result(result);
    check.set_finding("found");
    check.set_next_step(step);
  };
  add("dns", Check::OK, "");
  const Ran good = Run({"account", "test", "demo"});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("ok  dns    found"));
  add("tracking", Check::FAILED, "Add the product Tracking.");
  add("track_alert", Check::SKIPPED, "");
  const Ran bad = Run({"account", "test", "demo"});
  EXPECT_EQ(bad.code, 1);
  EXPECT_THAT(bad.out, AllOf(HasSubstr("FAILED"), HasSubstr("skipped")));
  EXPECT_THAT(bad.err, HasSubstr("tracking failed: Add the product Tracking."));
  EXPECT_EQ(Run({"account", "test", "demo", "-o", "json"}).json().size(), 3u);
}

TEST_F(CommandTest, AccountErrorsShowWhatWasMetHowOftenAndWhatToDo) {
  for (int i = 0; i < 150; ++i) {
    ups::v1::AccountError& error = *accounts_.errors.Add();
    error.set_operation("ship");
    error.set_ups_code(absl::StrCat(120800 + i));
    error.set_http_status(i == 0 ? 0 : 400);
    error.set_count(12);
    error.set_action("review");
    error.set_clerk_message("Correct the address, then retry.");
    error.mutable_last_time()->set_seconds(1'795'446'062);
  }
  const Ran table = Run({"account", "errors", "demo", "--limit", "2"});
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, AllOf(HasSubstr("ship"), HasSubstr("no answer"), HasSubstr("12"),
                               HasSubstr("Correct the address, then retry.")));
  EXPECT_EQ(Run({"account", "errors", "demo", "-o", "json"}).json().size(), 150u);
  EXPECT_THAT(Run({"account", "errors", "demo", "-o", "csv"}).out,
              HasSubstr("2026-11-23T15:01:02Z,ship,120800,0,12,,review,"));
}

TEST_F(CommandTest, ReconcileFailsOnADifferenceAndKnowsTimesAndSpans) {
  accounts_.differences.set_matched(41);
  const Ran same = Run({"account", "reconcile", "demo", "--since", "2026-11-23T15:01:02Z"});
  EXPECT_EQ(same.code, 0) << same.err;
  EXPECT_EQ(same.err, "41 labels match.\n");
  EXPECT_EQ(accounts_.reconciled.since().seconds(), 1'795'446'062);
  accounts_.differences.add_only_here("1Z1");
  accounts_.differences.add_only_at_ups("1Z2");
  const Ran other = Run({"account", "reconcile", "demo", "--since", "36h"});
  EXPECT_EQ(other.code, 1);
  EXPECT_THAT(other.out, AllOf(HasSubstr("1Z1     only here"), HasSubstr("1Z2     only at UPS")));
  EXPECT_NEAR(static_cast<double>(accounts_.reconciled.since().seconds()),
              static_cast<double>(absl::ToUnixSeconds(absl::Now() - absl::Hours(36))), 60);
  EXPECT_EQ(
      Run({"account", "reconcile", "demo", "--since", "36h", "-o", "json"}).json()["only_here"][0],
      "1Z1");
  EXPECT_EQ(Run({"account", "reconcile", "demo", "--since", "monday"}).code, 2);
  EXPECT_EQ(Run({"account", "reconcile", "demo"}).code, 2);
}

TEST_F(CommandTest, RewrapSaysWhichKeyIsStillNeeded) {
  const Ran ran = Run({"account", "rewrap", "-o", "csv"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.out, "KEY,REWRAPPED,TOTAL\nk2,3,4\n");
  EXPECT_THAT(ran.err, AllOf(HasSubstr("no key but k2"), HasSubstr("other services")));
}

TEST_F(CommandTest, KeygenAddsAKeyThatIsCurrentAndLosesNone) {
  const std::string file = runner_.Path("keys.json");
  ASSERT_EQ(Run({"keygen", "--key-file", file}).code, 0);
  const auto before = nlohmann::json::parse(runner_.Read("keys.json"));
  const Ran ran = Run({"keygen", "--key-file", file, "--add-key"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("account rewrap"));
  const auto after = nlohmann::json::parse(runner_.Read("keys.json"));
  EXPECT_EQ(after["current"], "k2");
  EXPECT_EQ(after["keys"]["k1"], before["keys"]["k1"]);
  EXPECT_NE(after["keys"]["k2"], after["keys"]["k1"]);
  EXPECT_EQ(after["derivation_key"], before["derivation_key"]);
  EXPECT_OK(KeyRing::FromFile(file));
  struct stat info = {};
  ASSERT_EQ(stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(Run({"keygen", "--key-file", file, "--add-key"}).code, 0);
  EXPECT_EQ(nlohmann::json::parse(runner_.Read("keys.json"))["current"], "k3");
  EXPECT_EQ(Run({"keygen", "--key-file", "/nowhere/keys.json", "--add-key"}).code, 2);
  EXPECT_EQ(Run({"keygen", "--key-file", runner_.Write("x.json", "{}"), "--add-key"}).code, 2);
  EXPECT_EQ(Run({"keygen", "--checkpoint-key-file", runner_.Path("c"), "--add-key"}).code, 2);
}

TEST_F(CommandTest, AParkedStatusIsResentOrSkippedWithTheReason) {
  const std::string name = "connections/c1/writeBacks/ab";
  EXPECT_EQ(Run({"writeback", "resend", name}).code, 0);
  EXPECT_EQ(Run({"writeback", "skip", name}).code, 2);  // without a reason
  const Ran ran = Run({"writeback", "skip", name, "--reason", "the order is closed"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(orders_.skipped.name(), name);
  EXPECT_EQ(orders_.skipped.reason(), "the order is closed");
}

TEST_F(CommandTest, TraceTellsTheWholeStoryByAnyOfItsNumbers) {
  Order& order = AddOrder("0000000001");
  order.set_trace_id(std::string(32, 'a'));
  AddOrder("0000000001", "c2");
  AddShipment(order, "1Z1");
  Review& review = *reviews_.reviews.Add();
  review.set_shipment("shipments/s1");
  review.set_reason(Review::ADDRESS_AMBIGUOUS);
  review.set_state(Review::RESOLVED);
  *review.mutable_document() = order.document();
  auto& tracker = *tracking_.trackers.Add();
  tracker.set_name("trackers/1Z1");
  tracker.set_tracking_number("1Z1");
  auto& event = *tracker.add_events();
  event.set_status(tracking::v1::PICKED_UP);
  event.mutable_activity()->set_description("Origin Scan");
  event.mutable_activity()->set_city("Troy");
  event.mutable_activity()->mutable_event_time()->set_seconds(1'795'446'062);
  orders::v1::WriteBack& write_back = *orders_.write_backs.Add();
  write_back.set_state(orders::v1::WriteBack::WRITTEN);
  *write_back.mutable_update()->mutable_document() = order.document();
  write_back.mutable_update()->set_status("PICKED_UP");
  // Of the same number, but of the other connection: not of this story.
  orders::v1::WriteBack& foreign = *orders_.write_backs.Add();
  *foreign.mutable_update()->mutable_document() = orders_.orders.Get(1).document();
  foreign.mutable_update()->set_status("DELIVERED");
  audit_.entries.Add()->set_entry(
      R"({"time":"2026-11-23T15:01:02Z","action":"order.store","subject":"orders/o1"})");

  for (const std::vector<std::string>& what : {std::vector<std::string>{"1Z1"},
                                               {"shipments/s1"},
                                               {"orders/o1"},
                                               {"0000000001", "--connection", "c1"},
                                               {"US001/0000000001", "--connection", "c1"}}) {
    std::vector<std::string> arguments = {"trace"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, AllOf(HasSubstr("PO US001 0000000001 of c1"), HasSubstr("Shipment s1"),
                               HasSubstr("address ambiguous"), HasSubstr("Origin Scan, Troy"),
                               HasSubstr("PICKED_UP: written"), HasSubstr("order.store orders/o1")))
        << what[0];
    EXPECT_THAT(ran.out, Not(HasSubstr("DELIVERED")));
  }
  const auto json = Run({"trace", "1Z1", "-o", "json"}).json();
  EXPECT_EQ(json["order"]["name"], "orders/o1");
  EXPECT_EQ(json["shipments"].size(), 1u);
  EXPECT_EQ(json["trackers"][0]["events"].size(), 1u);
  EXPECT_EQ(json["write_backs"].size(), 1u);
  EXPECT_EQ(json["entries"][0]["entry"]["action"], "order.store");
}

TEST_F(CommandTest, TraceByAParcelIsNotMisledByARequisitionOfTheSameNumber) {
  const Order order = AddOrder("0000000001");
  AddOrder("0000000001").mutable_document()->set_document_type(type::v1::REQUISITION);
  AddShipment(order, "1Z1");
  EXPECT_EQ(Run({"trace", "0000000001"}).code, 1);
  const Ran ran = Run({"trace", "1Z1", "-o", "json"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(ran.json()["order"]["name"], "orders/o1");
}

TEST_F(CommandTest, ARoleThatMayNotIsToldSo) {
  Runner viewer({&accounts_}, "spiffe://psups/viewer/vic");
  const std::string file = viewer.Write("account.json", R"({"account_id": "demo"})");
  const Ran ran = viewer.Run({"account", "create", "--file", file}, "s\n");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("spiffe://psups/viewer/vic may not call"));
}

TEST_F(CommandTest, AServiceThatIsDownExitsWith4AndNamesIt) {
  runner_.WriteContext("spiffe://psups/admin/ann", 1);  // nothing listens on port 1
  const Ran ran = Run({"order", "list"});
  EXPECT_EQ(ran.code, 4);
  EXPECT_THAT(ran.err, HasSubstr("ps-ingest at localhost:1 is not available"));
  EXPECT_THAT(std::vector<std::string>(absl::StrSplit(ran.err, '\n')), ::testing::SizeIs(2));
}

TEST_F(CommandTest, AnExpiredCertificateIsNamed) {
  runner_.WriteContext("spiffe://psups/admin/ann", 1, -absl::Hours(1));
  const Ran ran = Run({"order", "list"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("expired"));
}

TEST_F(CommandTest, WrongUseExitsWith2AndNamesTheNextStep) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{},
                                                    {"order"},
                                                    {"order", "frob"},
                                                    {"order", "get"},
                                                    {"order", "list", "--state", "odd"},
                                                    {"-o", "yaml", "order", "list"},
                                                    {"account", "create", "--file", "/nowhere"},
                                                    {"keygen"}}) {
    const Ran ran = Run(arguments);
    EXPECT_EQ(ran.code, 2) << ran.err;
    EXPECT_EQ(std::count(ran.err.begin(), ran.err.end(), '\n'), 1) << ran.err;
    EXPECT_EQ(ran.err.rfind("psupsctl: ", 0), 0u) << ran.err;
  }
  EXPECT_EQ(Run({"order", "--help"}).code, 0);
}

TEST_F(CommandTest, AContextThatMissesSomethingIsNamed) {
  runner_.Write("context.json", "{}");
  const Ran ran = Run({"order", "list"});
  EXPECT_EQ(ran.code, 2);
  EXPECT_THAT(ran.err, HasSubstr("context.json: ca_file is missing"));
}

TEST_F(CommandTest, KeygenMakesKeysThatTheServicesTakeAndOverwritesNothing) {
  const std::string key = runner_.Path("keys.json");
  const std::string checkpoint = runner_.Path("checkpoint.pem");
  EXPECT_EQ(Run({"keygen", "--key-file", key, "--checkpoint-key-file", checkpoint}).code, 0);
  for (const std::string& path : {key, checkpoint}) {
    struct stat info = {};
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << path;
  }
  EXPECT_OK(KeyRing::FromFile(key));
  EXPECT_OK(audit_ledger::Signer::FromPem(runner_.Read("checkpoint.pem")));
  const std::string before = runner_.Read("keys.json");
  const Ran again = Run({"keygen", "--key-file", key});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.err, HasSubstr("not overwritten"));
  EXPECT_EQ(runner_.Read("keys.json"), before);
}

TEST_F(CommandTest, CompletionKnowsNounsVerbsAndOptions) {
  const Ran ran = Run({"completion", "bash"});
  EXPECT_EQ(ran.code, 0);
  const std::string script = runner_.Write("complete.bash", ran.out + R"(
        compopt() { :; }
        try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _psupsctl; echo "${COMPREPLY[*]}"; }
        try psupsctl conn
        try psupsctl connection act
        try psupsctl connection backfill --f
        try psupsctl shipment list --sta
      )");
  const std::string out = runner_.Path("completed");
  ASSERT_EQ(std::system(("bash " + script + " > " + out).c_str()), 0);
  EXPECT_EQ(runner_.Read("completed"),
            "connection\nactivate\n--from\n"
            "--state\n");
}

}  // namespace
}  // namespace psups::psupsctl
