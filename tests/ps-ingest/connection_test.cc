#include "services/ps-ingest/connection.h"

#include "common/testing/status_matchers.h"
#include "services/ps-ingest/names.h"
#include "tests/ps-ingest/samples.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using testing::HasCode;
using ::testing::HasSubstr;

struct Case {
  const char* name;
  std::function<void(pb::Connection&)> change;
  const char* message;
};

class CheckConnectionTest : public ::testing::TestWithParam<Case> {};

TEST_P(CheckConnectionTest, NamesTheField) {
  pb::Connection connection = SampleConnection();
  GetParam().change(connection);
  const absl::Status status = CheckConnection(connection);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status.message(), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    EachField, CheckConnectionTest,
    ::testing::Values(
        Case{"Environment", [](auto& c) { c.clear_environment(); }, "environment: "},
        Case{"Http", [](auto& c) { c.set_base_url("http://erp/x"); }, "base_url: \"http://erp/x\""},
        Case{"UrlWithUser", [](auto& c) { c.set_base_url("https://u:p@erp/"); }, "base_url"},
        Case{"Node", [](auto& c) { c.clear_node(); }, "node: \"\", want 1 to 30"},
        Case{"Oprid", [](auto& c) { c.set_oprid("a:b"); }, "oprid"},
        Case{"Zone", [](auto& c) { c.set_base_time_zone("EST5"); }, "base_time_zone: \"EST5\""},
        Case{"Since", [](auto& c) { c.clear_ship_orders_since(); },
             "ship_orders_since: \"\", want a date"},
        Case{"SinceForm", [](auto& c) { c.set_ship_orders_since("11/01/2026"); },
             "ship_orders_since"},
        Case{"Account", [](auto& c) { c.clear_ups_account(); }, "ups_account"},
        Case{"Interval", [](auto& c) { c.set_poll_interval_seconds(-1); },
             "poll_interval_seconds: \"-1\", want 1 to 86400"},
        Case{"Rows", [](auto& c) { c.set_max_rows(1); }, "max_rows: \"1\", want 2 to 100000"},
        Case{"Types", [](auto& c) { c.add_document_types(type::v1::PURCHASE_ORDER); },
             "document_types"},
        Case{"Map", [](auto& c) { (*c.mutable_column_map())["A.NOPE"] = "X"; },
             "column_map: \"A.NOPE\""},
        Case{"MapOfAnotherType", [](auto& c) { (*c.mutable_column_map())["REQ:A.PO_REF"] = "X"; },
             "column_map: \"REQ:A.PO_REF\""},
        Case{"TokenUrl", [](auto& c) { c.set_authentication(pb::Connection::CLIENT_CREDENTIALS); },
             "token_url"},
        Case{"Prompts", [](auto& c) { c.add_window_prompts("FROM_DTTM,TO_DTTM"); },
             "window_prompts"},
        Case{"LonelyPrompt",
             [](auto& c) {
               c.clear_window_prompts();
               for (const char* name : {"FROM_DTTM", "TO_DTTM", "AFTER_ID"}) {
                 c.add_window_prompts(name);
               }
             },
             "AFTER_BU and AFTER_ID or neither"},
        Case{"PromptName", [](auto& c) { (*c.mutable_prompt_names())["ID_11"] = "X"; },
             "prompt_names: \"ID_11\""},
        Case{"Quiet",
             [](auto& c) {
               c.add_quiet_hours()->set_from("22:00");
               c.mutable_quiet_hours(0)->set_to("24:00");
             },
             "quiet_hours: \"22:00 to 24:00\""},
        Case{"MaxInterval", [](auto& c) { c.set_max_poll_interval_seconds(59); },
             "max_poll_interval_seconds: \"59\", want 60 to 86400"},
        Case{"WriteBackField", [](auto& c) { (*c.mutable_write_back_fields())["NOPE"] = "X"; },
             "write_back_fields: \"NOPE\""},
        Case{"WriteBackFieldTwice",
             [](auto& c) {
               (*c.mutable_write_back_fields())["STATUS"] = "X";
               (*c.mutable_write_back_fields())["DESCR"] = "X";
             },
             "a name of its own"},
        Case{"Pem", [](auto& c) { c.set_ca_bundle_pem("no"); }, "ca_bundle_pem"}),
    [](const auto& info) { return info.param.name; });

TEST(CheckConnection, NamesAllProblemsAtOnce) {
  pb::Connection connection = SampleConnection();
  connection.clear_node();
  connection.clear_oprid();
  EXPECT_THAT(CheckConnection(connection).message(), HasSubstr("oprid"));
  EXPECT_THAT(CheckConnection(connection).message(), HasSubstr("node"));
}

TEST(SetDefaults, FillsInWhatTheProtoPromises) {
  const pb::Connection connection = SampleConnection();
  EXPECT_OK(CheckConnection(connection));
  EXPECT_EQ(connection.name(), "connections/c1");
  EXPECT_EQ(connection.display_name(), "c1");
  EXPECT_EQ(connection.document_types_size(), 2);
  EXPECT_EQ(connection.poll_interval_seconds(), 60);
  EXPECT_EQ(connection.overlap_seconds(), 1800);
  EXPECT_EQ(connection.write_back_path(), "PSUPS_TRACKING.v1/");
}

TEST(MustReadAgain, WhatMayShipOrWhereItComesFromChanged) {
  const pb::Connection before = SampleConnection();
  pb::Connection after = before;
  after.set_poll_interval_seconds(5);
  after.set_oprid("OTHER");
  EXPECT_FALSE(MustReadAgain(before, after));
  after.set_ship_orders_since("2026-10-01");
  EXPECT_TRUE(MustReadAgain(before, after));
}

TEST(States, GoWherePeopleMaySendThem) {
  pb::Connection connection = SampleConnection();
  connection.set_state(pb::Connection::OBSERVE);
  bool activated = false;
  EXPECT_THAT(Pause(connection, ""), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(Activate(connection, activated));
  EXPECT_TRUE(activated);
  EXPECT_EQ(connection.state(), pb::Connection::ACTIVE);
  EXPECT_OK(Pause(connection, "month's end"));
  EXPECT_EQ(connection.state_reason(), "month's end");
  EXPECT_OK(Resume(connection, activated));
  EXPECT_EQ(connection.state(), pb::Connection::ACTIVE);
  EXPECT_EQ(connection.state_reason(), "");

  connection.set_state(pb::Connection::STOPPED);
  EXPECT_THAT(Activate(connection, activated), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_OK(Resume(connection, /*activated=*/false));
  EXPECT_EQ(connection.state(), pb::Connection::OBSERVE);
}

TEST(Names, LeadFromAnOrderToItsConnection) {
  const Deriver derive = [](std::string_view purpose, std::string_view text) {
    return std::string(purpose) + std::string(text) + std::string(32, 'x');
  };
  type::v1::DocumentKey document;
  document.set_connection("connections/state-2");
  document.set_business_unit("US001");
  document.set_document_id("0000000123");
  document.set_document_type(type::v1::PURCHASE_ORDER);
  const std::string id = OrderId(document, derive);
  ASSERT_OK_AND_ASSIGN(const OrderKey key, OrderKeyOf("orders/" + id));
  EXPECT_EQ(key.connection_id, "state-2");
  EXPECT_EQ(key.order_id, id);
  document.set_document_type(type::v1::REQUISITION);
  EXPECT_NE(OrderId(document, [](auto, auto text) { return std::string(text) + "padding......."; }),
            id);
  EXPECT_THAT(OrderKeyOf("orders/"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ConnectionId("connections/UPPER"), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace psups::ps_ingest
