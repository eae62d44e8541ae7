#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/psupsctl/fake_services.h"
#include "tests/psupsctl/runner.h"

namespace psups::psupsctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class MappingTest : public ::testing::Test {
 protected:
  MappingTest() {
    setenv("TZ", "UTC", 1);
    tzset();
    mapping_.mapping.set_connection("connections/c1");
    mapping_.mapping.set_version(3);
    mapping_.mapping.mutable_create_time()->set_seconds(1'795'446'062);
    mapping_.mapping.set_created_by("spiffe://psups/admin/ann");
    mapping_.mapping.set_comment("Boxes,\ndescription: measured");
    mapping_.mapping.mutable_rules()->add_services()->set_service_code("03");
  }

  Ran Run(std::vector<std::string> arguments, const std::string& input = "") {
    return runner_.Run(std::move(arguments), input);
  }
  std::string File(const std::string& text) { return runner_.Write("rules.yaml", text); }

  FakeMapping mapping_;
  Runner runner_{{&mapping_}};
};

TEST_F(MappingTest, GetPrintsYamlThatSetTakesAsItIs) {
  const Ran got = Run({"mapping", "get", "c1"});
  EXPECT_EQ(got.code, 0) << got.err;
  // A comment stays on its line, whatever is in it.
  EXPECT_EQ(got.out,
            "# The rules of connections/c1, version 3, set 2026-11-23T15:01:02+00:00 by "
            "spiffe://psups/admin/ann: Boxes, description: measured\n"
            "services:\n"
            "  - {service_code: \"03\"}\n");
  EXPECT_EQ(Run({"mapping", "get", "c1", "-o", "yaml"}).out, got.out);
  const Ran set = Run({"mapping", "set", "c1", "--file", "-"}, got.out);
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_EQ(mapping_.set.rules().DebugString(), mapping_.mapping.rules().DebugString());
}

TEST_F(MappingTest, GetOfRulesThatWereNeverSetIsARuleSetToo) {
  mapping_.mapping.Clear();
  mapping_.mapping.set_connection("connections/c1");
  const Ran got = Run({"mapping", "get", "c1"});
  EXPECT_EQ(got.out,
            "# The rules of connections/c1: none were ever set, every default counts\n{}\n");
  EXPECT_EQ(Run({"mapping", "set", "c1", "--file", "-"}, got.out).code, 0);
}

TEST_F(MappingTest, GetAsJsonHasTheVersionAndItsRulesCanBeSet) {
  const Ran got = Run({"mapping", "get", "c1", "--version", "2", "-o", "json"});
  EXPECT_EQ(got.json()["version"], 3);
  EXPECT_EQ(mapping_.asked.version(), 2);
  const Ran set = Run({"mapping", "set", "c1", "--file", "-"}, got.json()["rules"].dump(2));
  EXPECT_EQ(set.code, 0) << set.err;
  EXPECT_EQ(mapping_.set.rules().DebugString(), mapping_.mapping.rules().DebugString());
  EXPECT_EQ(Run({"mapping", "get", "c9"}).code, 3);
}

TEST_F(MappingTest, SetSendsTheFileTheVersionAndTheComment) {
  const Ran ran = Run({"mapping", "set", "connections/c1", "--version", "3", "--comment", "why",
                       "--file", File("packaging_code: 02\n")});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(mapping_.set.connection(), "connections/c1");
  EXPECT_EQ(mapping_.set.version(), 3);
  EXPECT_EQ(mapping_.set.comment(), "why");
  EXPECT_EQ(mapping_.set.rules().packaging_code(), "02");
  EXPECT_THAT(ran.out, AllOf(HasSubstr("CONNECTION  VERSION"), HasSubstr("c1          4")));
}

TEST_F(MappingTest, AMistakeInTheFileIsNamedWithItsLineAndNothingIsSent) {
  const std::string file = File("services:\n  - service_cod: 03\n");
  for (const char* verb : {"set", "preview"}) {
    const Ran ran = Run({"mapping", verb, "c1", "--file", file});
    EXPECT_EQ(ran.code, 2);
    EXPECT_EQ(ran.err, "psupsctl: " + file +
                           ":2: services[0].service_cod: unknown; did you mean "
                           "service_code?\n");
    EXPECT_THAT(ran.out, IsEmpty());
  }
  EXPECT_EQ(mapping_.set.connection(), "");
  EXPECT_EQ(mapping_.previewed.connection(), "");
  EXPECT_EQ(Run({"mapping", "set", "c1", "--file", "-"}, "").err,
            "psupsctl: standard input: nothing in it; {} is the rule set of all defaults\n");
  EXPECT_EQ(Run({"mapping", "set", "c1", "--file", runner_.Path("none.yaml")}).code, 2);
}

TEST_F(MappingTest, WhatTheServerRefusesIsShownWithItsLine) {
  const std::string file = File("boxes:\n  - box_id: S\n\n    tare_lb: 200\n");
  mapping_.refusal = {grpc::StatusCode::INVALID_ARGUMENT,
                      "rules.boxes[0].tare_lb: \"200\", want less"};
  for (const char* verb : {"set", "preview"}) {
    const Ran ran = Run({"mapping", verb, "c1", "--file", file});
    EXPECT_EQ(ran.code, 1);
    EXPECT_EQ(ran.err, "psupsctl: " + file + ":4: boxes[0].tare_lb: \"200\", want less\n");
  }
}

TEST_F(MappingTest, PreviewShowsBothSumsAndWhatBecomesOfWhichOrder) {
  auto& preview = mapping_.preview;
  const auto count = [](auto* counts, const char* key, int number) {
    counts->Add()->set_key(key);
    counts->rbegin()->set_count(number);
  };
  preview.set_orders(120);
  preview.set_orders_changed(201);
  preview.mutable_active()->set_shipments(110);
  preview.mutable_active()->set_packages(150);
  count(preview.mutable_active()->mutable_services(), "03", 110);
  count(preview.mutable_active()->mutable_reviews(), "ITEM_WEIGHT_MISSING", 4);
  count(preview.mutable_active()->mutable_reviews(), "SERVICE_UNKNOWN", 6);
  preview.mutable_active()->mutable_cost()->set_amount_minor(123456);
  preview.mutable_active()->mutable_cost()->set_currency_code("USD");
  preview.mutable_proposed()->set_shipments(116);
  preview.mutable_proposed()->set_packages(140);
  count(preview.mutable_proposed()->mutable_services(), "M2", 6);
  count(preview.mutable_proposed()->mutable_services(), "03", 110);
  count(preview.mutable_proposed()->mutable_reviews(), "ITEM_WEIGHT_MISSING", 4);
  preview.mutable_proposed()->mutable_cost()->set_amount_minor(120000);
  preview.mutable_proposed()->mutable_cost()->set_currency_code("USD");
  preview.mutable_proposed()->set_shipments_without_cost(6);
  auto& difference = *preview.add_differences();
  difference.mutable_document()->set_document_type(type::v1::PURCHASE_ORDER);
  difference.mutable_document()->set_business_unit("US001");
  difference.mutable_document()->set_document_id("0000000123");
  difference.set_order("orders/o1");
  difference.add_changes("service none → M2");
  difference.add_changes("packages 2 → 1");

  const std::string file = File("{}\n");
  const Ran ran = Run({"mapping", "preview", "c1", "--file", file, "--orders", "120"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(mapping_.previewed.order_limit(), 120);
  EXPECT_EQ(ran.out,
            "                        ACTIVE       PROPOSED     DIFFERENCE\n"
            "shipments               110          116          +6\n"
            "  by service 03         110          110\n"
            "  by service M2         0            6            +6\n"
            "packages                150          140          -10\n"
            "reviews                 10           4            -6\n"
            "  item weight missing   4            4\n"
            "  service unknown       6            0            -6\n"
            "cost                    1234.56 USD  1200.00 USD  -34.56 USD\n"
            "shipments without cost  0            6            +6\n"
            "\n"
            "Of 120 orders 201 become something else.\n"
            "\n"
            "ORDER          UNIT   WHAT CHANGES\n"
            "PO 0000000123  US001  service none → M2; packages 2 → 1\n"
            "… and 200 more.\n");
  EXPECT_EQ(Run({"mapping", "preview", "c1", "--file", file, "-o", "csv"}).out,
            "ORDER,UNIT,WHAT CHANGES,ORDER NAME\n"
            "PO 0000000123,US001,service none → M2; packages 2 → 1,orders/o1\n");
  const Ran json = Run({"mapping", "preview", "c1", "--file", file, "-o", "json"});
  EXPECT_EQ(json.json()["proposed"]["shipments"], 116);
  EXPECT_THAT(Run({"mapping", "preview", "c1", "--file", file, "-o", "yaml"}).out,
              HasSubstr("orders_changed: 201\n"));
}

TEST_F(MappingTest, OptionsAreCheckedBeforeAnythingIsAsked) {
  const std::string file = File("{}\n");
  EXPECT_EQ(Run({"mapping", "preview", "c1", "--file", file, "--orders", "10001"}).code, 2);
  EXPECT_EQ(Run({"mapping", "set", "c1"}).code, 2);
  EXPECT_EQ(Run({"mapping", "get"}).code, 2);
  EXPECT_EQ(Run({"mapping", "get", "c1", "--version", "0"}).code, 2);
  const Ran other = Run({"order", "list", "-o", "yaml"});
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(other.err, "psupsctl: --output: \"yaml\", want table, wide, json or csv\n");
}

}  // namespace
}  // namespace psups::psupsctl
