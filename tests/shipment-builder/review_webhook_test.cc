#include "services/shipment-builder/review_webhook.h"

#include <atomic>
#include <mutex>
#include <vector>

#include "common/http_server.h"
#include "common/testing/test_authority.h"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "services/shipment-builder/review_event.h"
#include "tests/shipment-builder/world.h"

namespace psups::shipment_builder::testing {
namespace {

namespace pb = psups::shipments::v1;
using psups::testing::HasCode;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr char kSecret[] = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

// Somebody who takes events, over HTTPS, and says what the test has it say.
class Receiver {
 public:
  explicit Receiver(const TlsFiles& tls) {
    auto server = HttpServer::Start(
        {.listen = "localhost:0", .tls_certificate_file = tls.certificate, .tls_key_file = tls.key},
        [this](HttpServerRequest request, HttpReplyFunction reply) {
          std::lock_guard lock(mutex_);
          requests_.push_back(std::move(request));
          reply({.response = {.status = answer}});
        });
    EXPECT_OK(server);
    if (server.ok()) server_ = *std::move(server);
  }
  std::string url() const { return "https://" + server_->address() + "/reviews?of=psups"; }
  std::vector<HttpServerRequest> requests() {
    std::lock_guard lock(mutex_);
    return requests_;
  }

  std::atomic<int> answer = 200;

 private:
  std::mutex mutex_;
  std::vector<HttpServerRequest> requests_;
  std::unique_ptr<HttpServer> server_;
};

class Webhook : public World {
 protected:
  std::unique_ptr<ReviewWebhook> Hook() {
    return std::make_unique<ReviewWebhook>(
        *store, *http_, clock,
        ReviewWebhook::Target{.url = receiver_.url(),
                              .key = *WebhookKey("SECRET_FILE", kSecret),
                              .ca_file = tls_.authority},
        [] { return 0.5; });
  }
  // Tries what is due until nothing is.
  void Post() {
    for (int rounds = 0; rounds < 20; ++rounds) {
      absl::StatusOr<int> done = hook_->Step();
      ASSERT_OK(done);
      if (*done == 0) return;
    }
    ADD_FAILURE() << "does not come to rest";
  }
  void LetHookWait() { ASSERT_OK(db().Exec("UPDATE reviews SET hook_due_time = now()")); }
  void OpenReview() {
    orders::v1::Order order = PlainOrder("o1");
    order.mutable_schedules(0)->clear_shipping_weight();
    orders.Put(order);
    Run();
  }
  std::vector<std::string> Types() {
    std::vector<std::string> types;
    for (const auto& request : receiver_.requests()) {
      types.push_back(nlohmann::json::parse(request.body)["type"]);
    }
    return types;
  }

  psups::testing::TestAuthority authority_;
  TlsFiles tls_ = authority_.Issue("spiffe://psups/service/receiver");
  Receiver receiver_{tls_};
  std::unique_ptr<HttpClient> http_ = HttpClient::Create();
  std::unique_ptr<ReviewWebhook> hook_ = Hook();
};

TEST_F(Webhook, SaysThatAReviewWasOpenedAndThatItWasClosed) {
  OpenReview();
  Post();
  const std::string id = Reviews().at(0).review.review_id;
  ASSERT_OK(World::Resolve(id, pb::Review::CANCEL));
  Post();
  Post();  // each once
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_EQ(requests[0].target, "/reviews?of=psups");
  EXPECT_THAT(std::string(FindHeader(requests[0].headers, "content-type")),
              HasSubstr("application/cloudevents+json"));
  const auto opened = nlohmann::json::parse(requests[0].body);
  EXPECT_EQ(opened["specversion"], "1.0");
  EXPECT_EQ(opened["id"], id + "-OPEN");
  EXPECT_EQ(opened["source"], "/psups/shipment-builder");
  EXPECT_EQ(opened["type"], "psups.review.opened.v1");
  EXPECT_EQ(opened["subject"], "reviews/" + id);
  EXPECT_EQ(opened["data"]["reason"], "ITEM_WEIGHT_MISSING");
  EXPECT_EQ(opened["data"]["state"], "OPEN");
  EXPECT_EQ(opened["data"]["document"]["connection"], "connections/c1");
  EXPECT_EQ(opened["data"]["document"]["document_type"], "PURCHASE_ORDER");
  EXPECT_EQ(opened["data"]["document"]["business_unit"], "US001");
  EXPECT_EQ(opened["data"]["document"]["document_id"], "0000000123");
  EXPECT_EQ(opened["data"]["actions"], nlohmann::json({"SET_MEASURES", "RETRY", "CANCEL"}));
  EXPECT_THAT(opened["data"]["message"].get<std::string>(), HasSubstr("10001"));
  const auto closed = nlohmann::json::parse(requests[1].body);
  EXPECT_EQ(closed["id"], id + "-RESOLVED");
  EXPECT_EQ(closed["type"], "psups.review.closed.v1");
  EXPECT_EQ(closed["data"]["state"], "RESOLVED");
  EXPECT_EQ(closed["data"]["resolution"], "CANCEL");
  EXPECT_EQ(closed["data"]["resolved_by"], "spiffe://psups/clerk/a");
}

TEST_F(Webhook, SaysTooThatANewerRevisionMadeAReviewMoot) {
  OpenReview();
  orders.Put(PlainOrder("o1", 2));
  Run();
  Post();
  EXPECT_THAT(Types(), ElementsAre("psups.review.opened.v1", "psups.review.closed.v1"));
  const auto opened = nlohmann::json::parse(receiver_.requests()[0].body);
  EXPECT_EQ(opened["data"]["state"], "OPEN");  // as it was then
  const auto closed = nlohmann::json::parse(receiver_.requests()[1].body);
  EXPECT_EQ(closed["data"]["state"], "OBSOLETE");
  EXPECT_EQ(closed["data"]["resolved_by"], "");
}

TEST_F(Webhook, SignsByTheStandardWebhooksConvention) {
  OpenReview();
  Post();
  const auto requests = receiver_.requests();
  ASSERT_THAT(requests, SizeIs(1));
  const std::string id(FindHeader(requests[0].headers, "webhook-id"));
  const std::string time(FindHeader(requests[0].headers, "webhook-timestamp"));
  EXPECT_EQ(id, nlohmann::json::parse(requests[0].body)["id"]);
  EXPECT_EQ(time, absl::StrCat(absl::ToUnixSeconds(clock.Now())));
  EXPECT_EQ(std::string(FindHeader(requests[0].headers, "webhook-signature")),
            "v1," + Base64(HmacSha256("0123456789abcdef0123456789abcdef",
                                      id + "." + time + "." + requests[0].body)));
}

// The example of the convention's own libraries.
TEST(WebhookSignature, IsThatOfTheConvention) {
  EXPECT_EQ(WebhookSignature(*WebhookKey("SECRET_FILE", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
                             "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_F(Webhook, NeverHoldsAnAddressOrWhatSomebodyWrote) {
  ups::v1::ValidateAddressResponse none;
  none.set_verdict(ups::v1::ValidateAddressResponse::NO_CANDIDATES);
  ups.verdicts["1500 Market Street"] = none;
  orders.Put(PlainOrder("o1"));
  Run();
  pb::ResolveReviewRequest request;
  request.set_action(pb::Review::CANCEL);
  request.set_comment("Mr Smith moved");
  ASSERT_OK(World::Resolve(Reviews().at(0).review.review_id, request));
  Post();
  ASSERT_THAT(receiver_.requests(), SizeIs(2));
  for (const auto& posted : receiver_.requests()) {
    EXPECT_THAT(posted.body, AllOf(Not(HasSubstr("Market")), Not(HasSubstr("Denver")),
                                   Not(HasSubstr("80202")), Not(HasSubstr("Smith"))));
  }
}

TEST_F(Webhook, TriesAgainUntilItIsTaken) {
  receiver_.answer = 503;
  OpenReview();
  Post();
  ASSERT_THAT(receiver_.requests(), SizeIs(1));
  Post();  // not at once
  ASSERT_THAT(receiver_.requests(), SizeIs(1));
  receiver_.answer = 200;
  LetHookWait();
  Post();
  LetHookWait();
  Post();
  ASSERT_THAT(receiver_.requests(), SizeIs(2));
  EXPECT_EQ(FindHeader(receiver_.requests()[0].headers, "webhook-id"),
            FindHeader(receiver_.requests()[1].headers, "webhook-id"));
}

TEST_F(Webhook, WaitsLongerEachTimeUpToAnHour) {
  receiver_.answer = 500;
  OpenReview();
  std::vector<std::string> waits;
  for (int i = 0; i < 13; ++i) {
    Post();
    waits.push_back(
        One("SELECT round(extract(epoch FROM hook_due_time - now()) / 5)::text AS v "
            "FROM reviews"));
    LetHookWait();
  }
  // Three quarters of 5 s, 10 s, 20 s … as the test's random numbers have it.
  EXPECT_EQ(waits[0], "1");
  EXPECT_EQ(waits[3], "6");
  EXPECT_EQ(waits[6], "48");
  EXPECT_EQ(waits[12], "540");
  EXPECT_THAT(receiver_.requests(), SizeIs(13));
}

TEST_F(Webhook, ThatItWasClosedWaitsUntilItsOpeningWasTaken) {
  receiver_.answer = 500;
  OpenReview();
  Post();
  ASSERT_OK(World::Resolve(Reviews().at(0).review.review_id, pb::Review::CANCEL));
  LetHookWait();
  Post();
  receiver_.answer = 204;
  LetHookWait();
  Post();
  EXPECT_THAT(Types(), ElementsAre("psups.review.opened.v1", "psups.review.opened.v1",
                                   "psups.review.opened.v1", "psups.review.closed.v1"));
}

TEST_F(Webhook, WhatAProcessHadTakenWhenItDiedIsPostedByAnother) {
  OpenReview();
  int dropped = 0;
  ASSERT_OK_AND_ASSIGN(const std::vector<ReviewEvent> taken,
                       store->TakeReviewEvents(10, absl::Minutes(1), absl::Hours(100), dropped));
  ASSERT_THAT(taken, SizeIs(1));
  hook_ = Hook();
  Post();
  EXPECT_THAT(receiver_.requests(), IsEmpty());  // nobody knows that it is gone
  LetHookWait();
  Post();
  EXPECT_THAT(Types(), ElementsAre("psups.review.opened.v1"));
}

TEST_F(Webhook, WhatNobodyTookForAWeekIsDropped) {
  receiver_.answer = 500;
  OpenReview();
  Post();
  ASSERT_OK(
      db().Exec("UPDATE reviews SET create_time = now() - interval '8 days', "
                "hook_due_time = now()"));
  Post();
  EXPECT_THAT(receiver_.requests(), SizeIs(1));
  receiver_.answer = 200;
  ASSERT_OK(World::Resolve(Reviews().at(0).review.review_id, pb::Review::CANCEL));
  Post();
  EXPECT_THAT(Types(), ElementsAre("psups.review.opened.v1", "psups.review.closed.v1"));
}

TEST_F(Webhook, AReceiverThatDoesNotProveWhoItIsGetsNothing) {
  psups::testing::TestAuthority stranger;
  tls_ = stranger.Issue("spiffe://psups/service/receiver");
  hook_ = Hook();
  OpenReview();
  Post();
  EXPECT_THAT(receiver_.requests(), IsEmpty());
}

TEST(WebhookSettings, TheUrlIsHttpsUnlessItStaysOnTheMachine) {
  for (const char* good : {"https://chat.example/hook?x=1", "http://localhost:8080/hook",
                           "http://127.0.0.1/hook", "http://[::1]:1/"}) {
    EXPECT_OK(CheckWebhookUrl("PSUPS_REVIEW_WEBHOOK_URL", good)) << good;
  }
  for (const char* bad : {"http://chat.example/hook", "chat.example", "https://",
                          "ftp://localhost/", "https://me:secret@chat.example/",
                          "http://localhost.example/", "https://chat.example/a b"}) {
    const absl::Status status = CheckWebhookUrl("PSUPS_REVIEW_WEBHOOK_URL", bad);
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(std::string(status.message()), Not(HasSubstr("secret")));
  }
}

TEST(WebhookSettings, TheSecretIsRawOrBase64) {
  EXPECT_EQ(*WebhookKey("SECRET_FILE", kSecret), "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(*WebhookKey("SECRET_FILE", "a secret of 24 characters"), "a secret of 24 characters");
  for (const char* bad : {"whsec_!", "short"}) {
    const absl::Status status = WebhookKey("SECRET_FILE", bad).status();
    EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("SECRET_FILE: "), Not(HasSubstr(bad))));
  }
}

}  // namespace
}  // namespace psups::shipment_builder::testing
