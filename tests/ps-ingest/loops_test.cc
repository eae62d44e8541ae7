#include <string>
#include <vector>

#include "common/testing/metric_value.h"
#include "tests/ps-ingest/store_fixture.h"

namespace psups::ps_ingest {
namespace {

using testing::HasCode;
using ::testing::HasSubstr;
using testing::IsOkAndHolds;

// The handlers, without gRPC.
class HandlerTest : public StoreTest {
 protected:
  Executor executor_{1};
  int reported_ = 0;
  // Nothing is asked of PeopleSoft here.
  std::unique_ptr<PeopleSoft> people_soft_ = MakePeopleSoft(HttpClient::Create());
  Passwords passwords_{*stack_.connections};
  MasterData master_data_;
  OpenCalls calls_;
  Checker checker_{{*stack_.connections, *stack_.polls, *stack_.orders, *people_soft_, passwords_,
                    master_data_, calls_},
                   stack_.derive,
                   [] {}};
  OrderNews news_;
  OrderServer server_{*stack_.orders, *stack_.write_backs,     checker_, executor_,
                      executor_,      [this] { ++reported_; }, news_};
};

TEST_F(HandlerTest, ALeaseCarriesTheConnectionsStates) {
  Connect("c1");
  Connect("c2");
  stack_.Exec("UPDATE connections SET state = 'PAUSED' WHERE connection_id = 'c2'");
  Read({Row("1")});
  ASSERT_OK_AND_ASSIGN(const pb::LeaseOrdersResponse response, server_.Lease({}));
  EXPECT_EQ(response.orders_size(), 1);
  ASSERT_EQ(response.connections_size(), 2);
  EXPECT_EQ(response.connections(0).state(), pb::Connection::OBSERVE);
  EXPECT_EQ(response.connections(0).environment(), pb::Connection::TEST);
  EXPECT_EQ(response.connections(0).ups_account(), "accounts/demo");
  EXPECT_EQ(response.connections(1).state(), pb::Connection::PAUSED);
}

TEST_F(HandlerTest, LimitsAreNamed) {
  pb::LeaseOrdersRequest lease;
  lease.set_limit(501);
  EXPECT_THAT(server_.Lease(lease), HasCode(absl::StatusCode::kInvalidArgument));
  lease.set_limit(1);
  lease.mutable_lease_duration()->set_seconds(601);
  EXPECT_THAT(server_.Lease(lease).status().message(), HasSubstr("lease_duration"));
  EXPECT_THAT(server_.Acknowledge({}).status().message(), HasSubstr("acknowledgements: 0"));
  EXPECT_THAT(server_.Check({}).status().message(), HasSubstr("names: 0"));
  EXPECT_THAT(server_.Report({}, kAnn).status().message(), HasSubstr("updates: 0"));
  pb::ListOrdersRequest list;
  list.set_page_size(1001);
  EXPECT_THAT(server_.List(list).status().message(), HasSubstr("page_size: 1001"));
  list.set_page_size(1);
  list.set_connection("c1");
  EXPECT_THAT(server_.List(list), HasCode(absl::StatusCode::kInvalidArgument));
  list.set_connection("");
  list.set_page_token("?");
  EXPECT_THAT(server_.List(list).status().message(), HasSubstr("page_token"));
}

TEST_F(HandlerTest, AReportWakesTheLoopOnceItIsStored) {
  Connect("c1");
  pb::ReportTrackingRequest request;
  *request.add_updates() = Update(1);
  ASSERT_OK(server_.Report(request, kAnn).status());
  EXPECT_EQ(reported_, 1);
  request.mutable_updates(0)->set_status("NO_SUCH");
  EXPECT_THAT(server_.Report(request, kAnn), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(reported_, 1);
}

// The loops, with a PeopleSoft that must not be called.
class LoopTest : public StoreTest {
 protected:
  class NoPeopleSoft : public PeopleSoft {
   public:
    void Send(const Call&, std::function<void(Reply)>) override { ADD_FAILURE() << "called"; }
  };

  NoPeopleSoft people_soft_;
  OpenCalls calls_;
  Wakeup wakeup_;
  Executor executor_{1};
  const Post post_ = [this](std::function<void()> task) { executor_.Post(std::move(task)); };
  const Backoff soon_ = {.first = absl::Milliseconds(1), .cap = absl::Milliseconds(1)};
  // Of the passwords' database only.
  Db away_{"host=/nowhere dbname=psups", 1};
  std::unique_ptr<ConnectionStore> lost_ = MakeConnectionStore(away_, stack_.sealer);
  Passwords no_passwords_{*lost_};
  MasterData master_data_;
};

TEST_F(LoopTest, APasswordThatTheDatabaseDidNotGiveIsAskedForAgainSoon) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  Poller poller(*stack_.polls, people_soft_, no_passwords_, master_data_, calls_, post_,
                stack_.derive, {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(poller.Step(), IsOkAndHolds(1));
  poller.Drain();
  WriteBacker write_backer(*stack_.write_backs, people_soft_, no_passwords_, calls_, post_,
                           {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(write_backer.Step(), IsOkAndHolds(1));
  write_backer.Drain();
  for (const char* table : {"source_cursors", "write_back_lanes"}) {
    EXPECT_EQ(stack_.Count(absl::StrCat("SELECT count(*) FROM ", table,
                                        " WHERE due_time < now() + interval '8 hours' AND "
                                        "failure_count = 1 AND last_error LIKE 'not %'")),
              1)
        << table;
  }
}

TEST_F(LoopTest, ALaneWithNothingThatCanBeReadIsLookedAtAgainSoon) {
  Connect("c1");
  Activate();
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  stack_.Exec("UPDATE write_backs SET content = '\\x00'");
  Passwords passwords(*stack_.connections);
  WriteBacker write_backer(*stack_.write_backs, people_soft_, passwords, calls_, post_,
                           {.retry = soon_, .setup_retry = absl::Hours(9)}, wakeup_);
  ASSERT_THAT(write_backer.Step(), IsOkAndHolds(1));
  write_backer.Drain();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM write_back_lanes WHERE last_error <> '' AND "
                         "due_time < now() + interval '8 hours'"),
            1);
}

TEST_F(StoreTest, GaugesTellAgesAndCounts) {
  Connect("c1");
  Read({Row("1")});
  ASSERT_OK(stack_.write_backs->Report({Update(1)}, kAnn));
  const auto gauges = MakeGauges(stack_.schema.db());
  ASSERT_OK(gauges->Refresh());
  ASSERT_OK(gauges->CountOrders());
  EXPECT_EQ(MetricValue("psups_ps_connections", {{"state", "OBSERVE"}}), 1);
  EXPECT_EQ(MetricValue("psups_ps_connections", {{"state", "STOPPED"}}), 0);
  EXPECT_EQ(MetricValue("psups_orders", {{"state", "PENDING"}}), 1);
  const auto age = [&](const std::string& worker) {
    EXPECT_OK(gauges->Refresh());
    return MetricValue("psups_worker_oldest_due_seconds", {{"worker", worker}});
  };
  EXPECT_LT(age("hand_out"), 900);
  stack_.Exec("UPDATE orders SET revision_time = now() - interval '1 hour'");
  EXPECT_GE(age("hand_out"), 3600);
  stack_.Exec("UPDATE orders SET lease_expire_time = now() - interval '1 minute'");
  EXPECT_LT(age("hand_out"), 900);  // it was handed out a moment ago, and was not taken
  stack_.Exec("UPDATE source_cursors SET due_time = now() + interval '1 hour'");
  EXPECT_EQ(age("poll"), 0);
  stack_.Exec("UPDATE source_cursors SET due_time = now() - interval '1 hour'");
  stack_.Exec("UPDATE readers SET lease_expire_time = '2000-01-01Z'");
  EXPECT_GE(age("poll"), 3600);
  stack_.Exec("UPDATE readers SET lease_expire_time = now() + interval '1 minute'");
  EXPECT_EQ(age("poll"), 0);  // a read of that user is under way
  stack_.Exec("UPDATE connections SET state = 'STOPPED'");
  stack_.Exec("UPDATE orders SET state = 'ACKNOWLEDGED'");
  stack_.Exec("UPDATE write_backs SET state = 'PARKED'");
  ASSERT_OK(gauges->Refresh());
  ASSERT_OK(gauges->CountOrders());
  EXPECT_EQ(MetricValue("psups_ps_connections", {{"state", "OBSERVE"}}), 0);
  EXPECT_EQ(MetricValue("psups_ps_connections", {{"state", "STOPPED"}}), 1);
  EXPECT_EQ(MetricValue("psups_orders", {{"state", "PENDING"}}), 0);
  EXPECT_EQ(MetricValue("psups_orders", {{"state", "ACKNOWLEDGED"}}), 1);
  EXPECT_EQ(MetricValue("psups_ps_write_backs_parked"), 1);
}

}  // namespace
}  // namespace psups::ps_ingest
