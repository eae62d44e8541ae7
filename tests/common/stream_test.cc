#include <atomic>
#include <future>
#include <memory>

#include "common/server.h"
#include "common/testing/status_matchers.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "psups/shipments/v1/shipment_service.grpc.pb.h"

namespace psups {
namespace {

namespace pb = shipments::v1;
using ::testing::ElementsAre;
using testing::HasCode;

// Streams what the test's `next` makes.
class StreamingService : public pb::ShipmentService::CallbackService {
 public:
  using Next = NextMessage<pb::GetLabelResponse>;

  grpc::ServerWriteReactor<pb::GetLabelResponse>* ReadLabels(
      grpc::CallbackServerContext* context, const pb::ReadLabelsRequest* request) override {
    return HandleStream<pb::ReadLabelsRequest, pb::GetLabelResponse>(
        executor, context, request,
        [this](const pb::ReadLabelsRequest& asked, const Caller& caller) -> absl::StatusOr<Next> {
          if (asked.name() == "bad") return absl::InvalidArgumentError("name: \"bad\"");
          caller_identity = caller.identity;
          return next;
        });
  }

  Executor executor{1};
  Next next;
  std::string caller_identity;
};

class StreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        server_, Server::Start({.listen = "localhost:0",
                                .tls = authority_.Issue("spiffe://psups/service/shipment-builder"),
                                .services = {&service_}}));
  }
  // A stream that somebody reads or not.
  struct Reading {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<pb::GetLabelResponse>> reader;
    std::vector<int> Rest() {
      std::vector<int> numbers;
      pb::GetLabelResponse message;
      while (reader->Read(&message)) numbers.push_back(message.package_number());
      return numbers;
    }
  };
  std::unique_ptr<Reading> Read(const std::string& role, const std::string& name = "") {
    stub_ = pb::ShipmentService::NewStub(
        MakeChannel("localhost:" + std::to_string(server_->port()),
                    authority_.Issue("spiffe://psups/" + role + "/ann")));
    auto reading = std::make_unique<Reading>();
    PrepareCall(reading->context, absl::Seconds(60), "");
    pb::ReadLabelsRequest request;
    request.set_name(name);
    reading->reader = stub_->ReadLabels(&reading->context, request);
    return reading;
  }
  static pb::GetLabelResponse Message(int number, std::size_t bytes = 0) {
    pb::GetLabelResponse message;
    message.set_package_number(number);
    message.set_label(std::string(bytes, 'x'));
    return message;
  }

  testing::TestAuthority authority_;
  StreamingService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<pb::ShipmentService::Stub> stub_;
};

TEST_F(StreamTest, MessagesComeInTheirOrderUntilTheEnd) {
  service_.next = [n = 0]() mutable -> absl::StatusOr<std::optional<pb::GetLabelResponse>> {
    if (n == 3) return std::nullopt;
    return Message(++n);
  };
  const auto reading = Read("clerk");
  EXPECT_THAT(reading->Rest(), ElementsAre(1, 2, 3));
  EXPECT_OK(FromGrpc(reading->reader->Finish()));
  EXPECT_EQ(service_.caller_identity, "spiffe://psups/clerk/ann");
}

TEST_F(StreamTest, AnErrorEndsTheStreamAfterWhatCameBefore) {
  service_.next = [n = 0]() mutable -> absl::StatusOr<std::optional<pb::GetLabelResponse>> {
    if (n == 2) return absl::NotFoundError("the third is lost");
    return Message(++n);
  };
  const auto reading = Read("clerk");
  EXPECT_THAT(reading->Rest(), ElementsAre(1, 2));
  const absl::Status status = FromGrpc(reading->reader->Finish());
  EXPECT_THAT(status, HasCode(absl::StatusCode::kNotFound));
  EXPECT_EQ(status.message(), "the third is lost");
}

TEST_F(StreamTest, ABadRequestIsRefusedBeforeTheFirstMessage) {
  const auto reading = Read("clerk", "bad");
  EXPECT_THAT(reading->Rest(), ElementsAre());
  EXPECT_THAT(FromGrpc(reading->reader->Finish()), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST_F(StreamTest, WhoMayNotCallGetsNothing) {
  service_.next = [] { return Message(1); };
  const auto reading = Read("viewer");  // ReadLabels is for clerks
  EXPECT_THAT(reading->Rest(), ElementsAre());
  EXPECT_THAT(FromGrpc(reading->reader->Finish()), HasCode(absl::StatusCode::kPermissionDenied));
}

TEST_F(StreamTest, ASlowReaderHoldsNeitherTheThreadNorMoreThanTheTransportTakes) {
  constexpr int kAll = 500;
  std::atomic<int> made = 0;
  service_.next = [&made]() -> absl::StatusOr<std::optional<pb::GetLabelResponse>> {
    if (made == kAll) return std::nullopt;
    return Message(++made, 1 << 20);
  };
  const auto reading = Read("clerk");
  // The service's only thread is free again and again, while nobody reads.
  for (int last = -1, same = 0; same < 200; same = made == last ? same + 1 : 0, last = made) {
    std::promise<void> ran;
    service_.executor.Post([&ran] { ran.set_value(); });
    ran.get_future().get();
  }
  EXPECT_LT(made, kAll / 2);
  EXPECT_EQ(reading->Rest().size(), std::size_t{kAll});
  EXPECT_OK(FromGrpc(reading->reader->Finish()));
}

// Tells when nobody holds what makes the messages any more.
struct Released {
  explicit Released(std::promise<void>& promise) : promise(promise) {}
  ~Released() { promise.set_value(); }
  std::promise<void>& promise;
};

TEST_F(StreamTest, WhenTheReaderHangsUpNoMoreIsMade) {
  std::promise<void> released;
  service_.next = [alive = std::make_shared<Released>(released)] { return Message(1); };
  const auto reading = Read("clerk");
  pb::GetLabelResponse first;
  ASSERT_TRUE(reading->reader->Read(&first));
  service_.next = nullptr;
  reading->context.TryCancel();
  EXPECT_EQ(released.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST_F(StreamTest, AnEndlessStreamEndsWithTheServer) {
  service_.next = [] { return Message(1); };
  const auto reading = Read("clerk");
  pb::GetLabelResponse first;
  ASSERT_TRUE(reading->reader->Read(&first));
  std::thread rest([&] { reading->Rest(); });
  server_->Shutdown(absl::Milliseconds(10));
  rest.join();
  EXPECT_FALSE(reading->reader->Finish().ok());
}

}  // namespace
}  // namespace psups
