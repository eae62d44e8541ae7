#include <future>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "grpcpp/server_builder.h"
#include "services/ps-ingest/checker.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/order_service.h"
#include "services/ps-ingest/ps_api.h"
#include "tests/ps-ingest/stack.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
using ::testing::ElementsAre;
using testing::HasCode;

// OrderService by gRPC, for those who wait.
class WatchTest : public ::testing::Test {
 protected:
  WatchTest() {
    pb::Connection connection = TestConnection();
    connection.add_document_types(type::v1::PURCHASE_ORDER);
    stack_.Create("c1", connection);
    stack_.Exec("UPDATE source_cursors SET due_time = now()");
    auto polls = stack_.polls->LeasePolls(1, absl::Minutes(10));
    EXPECT_OK(polls.status());
    poll_ = polls->at(0);
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    grpc_ = builder.BuildAndStart();
    stub_ = pb::OrderService::NewStub(grpc_->InProcessChannel({}));
  }
  ~WatchTest() override {
    news_.Stop();
    grpc_->Shutdown();
  }

  // Stores a revision of the document, as a read does.
  void Store(const std::string& document_id, int64_t revision = 1) {
    NewRevision stored{.revision = revision, .content_hash = "hash", .eligible = true};
    type::v1::DocumentKey& document = *stored.order.mutable_document();
    document.set_connection("connections/c1");
    document.set_document_type(type::v1::PURCHASE_ORDER);
    document.set_business_unit("US001");
    document.set_document_id(document_id);
    stored.order.set_name("orders/" + OrderId(document, stack_.derive));
    auto& schedule = *stored.order.add_schedules();
    schedule.mutable_ship_to()->set_name("Denver Warehouse");
    ASSERT_OK(
        stack_.polls->StoreRead(poll_, {.cursor = poll_.cursor, .revisions = {std::move(stored)}}));
    news_.Stored();
  }
  void Publish() {
    EXPECT_OK(stack_.orders->Publish(1000).status());
    news_.changes.Notify();
  }

  absl::StatusOr<pb::WatchOrdersResponse> Watch(const std::string& cursor,
                                                absl::Duration wait = absl::ZeroDuration(),
                                                int limit = 0) {
    pb::WatchOrdersRequest request;
    request.set_cursor(cursor);
    request.set_limit(limit);
    request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait));
    grpc::ClientContext context;
    pb::WatchOrdersResponse response;
    const grpc::Status status = stub_->WatchOrders(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  absl::StatusOr<pb::LeaseOrdersResponse> Lease(absl::Duration wait) {
    grpc::ClientContext context;
    return Lease(context, wait);
  }
  absl::StatusOr<pb::LeaseOrdersResponse> Lease(grpc::ClientContext& context, absl::Duration wait) {
    pb::LeaseOrdersRequest request;
    request.mutable_wait()->set_seconds(absl::ToInt64Seconds(wait));
    pb::LeaseOrdersResponse response;
    const grpc::Status status = stub_->LeaseOrders(&context, request, &response);
    if (!status.ok()) return FromGrpc(status);
    return response;
  }
  static std::vector<std::string> Documents(const pb::WatchOrdersResponse& response) {
    std::vector<std::string> ids;
    for (const pb::Order& order : response.orders()) ids.push_back(order.document().document_id());
    return ids;
  }
  template <typename Answer>
  static bool Waits(const Answer& answer) {
    return answer.wait_for(std::chrono::milliseconds(50)) == std::future_status::timeout;
  }

  Stack stack_;
  PollLease poll_;
  Executor executor_{1};
  OrderNews news_{absl::Milliseconds(20)};
  // Nothing is asked of PeopleSoft here.
  std::unique_ptr<PeopleSoft> people_soft_ = MakePeopleSoft(HttpClient::Create());
  Passwords passwords_{*stack_.connections};
  MasterData master_data_;
  OpenCalls calls_;
  Checker checker_{{*stack_.connections, *stack_.polls, *stack_.orders, *people_soft_, passwords_,
                    master_data_, calls_},
                   stack_.derive,
                   [] {}};
  OrderServer service_{*stack_.orders, *stack_.write_backs, checker_, executor_, executor_, [] {},
                       news_};
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<pb::OrderService::Stub> stub_;
};

// ---- WatchOrders ----

TEST_F(WatchTest, EachOrderIsToldInTheOrderOfItsCommit) {
  Store("1");
  Store("2");
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, Watch(""));
  EXPECT_THAT(Documents(first), ElementsAre("1", "2"));
  EXPECT_FALSE(first.orders(0).schedules(0).has_ship_to());  // no names and addresses
  Store("3");
  ASSERT_OK_AND_ASSIGN(const auto before, Watch(first.next_cursor()));
  EXPECT_THAT(Documents(before), ElementsAre());
  EXPECT_EQ(before.next_cursor(), first.next_cursor());
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto second, Watch(first.next_cursor()));
  EXPECT_THAT(Documents(second), ElementsAre("3"));
}

TEST_F(WatchTest, ALimitedResponseGoesOnWhereItStopped) {
  for (const char* id : {"1", "2", "3"}) Store(id);
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, Watch("", absl::ZeroDuration(), 2));
  EXPECT_THAT(Documents(first), ElementsAre("1", "2"));
  ASSERT_OK_AND_ASSIGN(const auto second, Watch(first.next_cursor(), absl::ZeroDuration(), 2));
  EXPECT_THAT(Documents(second), ElementsAre("3"));
}

TEST_F(WatchTest, OfAnOrderThatChangedAgainOnlyTheNewestChangeIsKept) {
  Store("1");
  Store("2");
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto first, Watch(""));
  Store("1", 2);
  Store("1", 3);
  Publish();
  EXPECT_EQ(stack_.Count("SELECT count(*) FROM changes"), 2);
  ASSERT_OK_AND_ASSIGN(const auto all, Watch(""));
  EXPECT_THAT(Documents(all), ElementsAre("2", "1"));
  EXPECT_EQ(all.orders(1).revision(), 3);
  ASSERT_OK_AND_ASSIGN(const auto rest, Watch(first.next_cursor()));
  EXPECT_THAT(Documents(rest), ElementsAre("1"));
}

// Written before another change but committed after it: it gets the later position.
TEST_F(WatchTest, ACommitThatComesLateIsNotSkipped) {
  Store("1");
  Store("2");
  Publish();
  std::string cursor;
  ASSERT_OK(stack_.schema.db().Transact([&](Tx& tx) -> absl::Status {
    EXPECT_OK(
        tx.Exec("INSERT INTO changes (connection_id, order_id) SELECT connection_id, "
                "order_id FROM orders WHERE document_id = '1'"));
    Store("3");
    Publish();
    auto seen = Watch("");
    EXPECT_OK(seen.status());
    EXPECT_THAT(Documents(*seen), ElementsAre("1", "2", "3"));
    cursor = seen->next_cursor();
    return absl::OkStatus();
  }));
  Publish();
  ASSERT_OK_AND_ASSIGN(const auto late, Watch(cursor));
  EXPECT_THAT(Documents(late), ElementsAre("1"));
}

TEST_F(WatchTest, NothingIsSkippedThoughPublishersAndReadersInterleave) {
  std::atomic<bool> writing = true;
  std::atomic<bool> publishing = true;
  std::set<std::string> seen;
  std::thread reader([&] {
    std::string cursor;
    for (bool last = false; !last;) {
      last = !publishing;
      EXPECT_OK(stack_.orders->Publish(3).status());
      const auto page = stack_.orders->ReadChanges(cursor, 100);
      ASSERT_OK(page.status());
      for (const std::string& id : Documents(*page)) seen.insert(id);
      cursor = page->next_cursor();
    }
  });
  std::thread publisher([&] {
    while (writing) EXPECT_OK(stack_.orders->Publish(2).status());
  });
  for (int i = 0; i < 40; ++i) Store(absl::StrCat(i));
  writing = false;
  publisher.join();
  // The reader may be publishing: only one does at a time.
  while (stack_.Count("SELECT count(*) FROM changes WHERE position IS NULL") > 0) Publish();
  publishing = false;
  reader.join();
  EXPECT_EQ(seen.size(), 40u);
}

TEST_F(WatchTest, AWatcherThatWaitsHearsWhenAnOrderIsPublished) {
  auto waiting = std::async(std::launch::async, [&] { return Watch("", absl::Seconds(25)); });
  EXPECT_TRUE(Waits(waiting));
  Store("1");
  Publish();
  const auto response = waiting.get();
  ASSERT_OK(response.status());
  EXPECT_THAT(Documents(*response), ElementsAre("1"));
}

TEST_F(WatchTest, ACursorOfAnotherDatabaseIsOutOfRange) {
  EXPECT_THAT(Watch("0000000000000000-4"), HasCode(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(Watch("x"), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Watch("", absl::Seconds(31)), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Watch("", absl::ZeroDuration(), 1001), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(WatchTest, AnOrderThatCannotBeReadHoldsNobodyUp) {
  Store("1");
  Store("2");
  Publish();
  stack_.Exec(
      "UPDATE order_revisions r SET content = o.content FROM order_revisions o WHERE "
      "o.order_id <> r.order_id AND r.order_id = (SELECT order_id FROM orders WHERE "
      "document_id = '1')");
  ASSERT_OK_AND_ASSIGN(const auto response, Watch(""));
  EXPECT_THAT(Documents(response), ElementsAre("2"));
}

// ---- LeaseOrders' wait ----

TEST_F(WatchTest, ALeaseThatWaitsIsAnsweredWhenAnOrderIsStored) {
  auto waiting = std::async(std::launch::async, [&] { return Lease(absl::Seconds(5)); });
  EXPECT_TRUE(Waits(waiting));
  // The only handler thread is free.
  EXPECT_OK(Lease(absl::ZeroDuration()).status());
  Store("1");
  const auto response = waiting.get();
  ASSERT_OK(response.status());
  EXPECT_EQ(response->orders_size(), 1);
  EXPECT_EQ(response->connections_size(), 1);
}

TEST_F(WatchTest, ALeaseIsAnsweredAtOnceIfThereIsSomething) {
  Store("1");
  ASSERT_OK_AND_ASSIGN(const auto response, Lease(absl::Seconds(5)));
  EXPECT_EQ(response.orders_size(), 1);
}

TEST_F(WatchTest, ALeaseThatWaitedForNothingBringsTheConnectionsStates) {
  ASSERT_OK_AND_ASSIGN(const auto response, Lease(absl::Seconds(1)));
  EXPECT_EQ(response.orders_size(), 0);
  EXPECT_EQ(response.connections_size(), 1);
}

TEST_F(WatchTest, NothingIsHandedToACallerWhoHungUp) {
  grpc::ClientContext context;
  auto waiting = std::async(std::launch::async, [&] { return Lease(context, absl::Seconds(5)); });
  EXPECT_TRUE(Waits(waiting));
  context.TryCancel();
  EXPECT_THAT(waiting.get(), HasCode(absl::StatusCode::kCancelled));
  // Until the service has noticed.
  EXPECT_OK(Lease(absl::Seconds(1)).status());
  Store("1");
  ASSERT_OK_AND_ASSIGN(const auto response, Lease(absl::ZeroDuration()));
  EXPECT_EQ(response.orders_size(), 1);
}

TEST_F(WatchTest, ALeaseWaitsFiveSecondsAtMost) {
  EXPECT_THAT(Lease(absl::Seconds(6)), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(WatchTest, WhoWaitsIsAnsweredWhenTheServiceStops) {
  auto lease = std::async(std::launch::async, [&] { return Lease(absl::Seconds(5)); });
  auto watch = std::async(std::launch::async, [&] { return Watch("", absl::Seconds(25)); });
  EXPECT_TRUE(Waits(lease));
  EXPECT_TRUE(Waits(watch));
  news_.Stop();
  EXPECT_OK(lease.get().status());
  EXPECT_OK(watch.get().status());
}

}  // namespace
}  // namespace psups::ps_ingest
