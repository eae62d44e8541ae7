#include "services/tracking-sync/webhook.h"

#include <future>
#include <mutex>

#include "common/crypto.h"
#include "common/http_client.h"
#include "common/testing/fake_clock.h"
#include "common/testing/status_matchers.h"
#include "nlohmann/json.hpp"

namespace psups::tracking_sync {
namespace {

class FakeInbox : public EventInbox {
 public:
  absl::Status Store(const std::vector<ReceivedEvent>& events) override {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    stored_.insert(stored_.end(), events.begin(), events.end());
    return absl::OkStatus();
  }
  void Fail(absl::Status status) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(status);
  }
  std::vector<ReceivedEvent> stored() {
    const std::lock_guard lock(mutex_);
    return stored_;
  }

 private:
  std::mutex mutex_;
  absl::Status failure_;
  std::vector<ReceivedEvent> stored_;
};

constexpr char kEvent[] =
    R"({"trackingNumber":"1Z999AA10123456784","activityStatus":{"type":"I","code":"DP"}})";

class WebhookTest : public ::testing::Test {
 protected:
  WebhookTest() {
    auto server = HttpServer::Start({}, [this](HttpServerRequest request, HttpReplyFunction reply) {
      door_.Handle(std::move(request), std::move(reply));
    });
    EXPECT_OK(server.status());
    server_ = *std::move(server);
  }

  HttpResponse Post(const std::string& path, HttpHeaders headers, std::string body,
                    const std::string& method = "POST") {
    HttpOutcome outcome = client_->Send({.method = method,
                                         .url = "http://" + server_->address() + path,
                                         .headers = std::move(headers),
                                         .body = std::move(body)});
    EXPECT_OK(outcome.response.status());
    return outcome.response.ok() ? *outcome.response : HttpResponse{.status = 0};
  }

  HttpResponse AskToken(const std::string& id, const std::string& secret,
                        const std::string& form = "grant_type=client_credentials") {
    return Post("/oauth/token",
                {{"Authorization", BasicAuthorization(id, secret)},
                 {"Content-Type", "application/x-www-form-urlencoded"}},
                form);
  }

  std::string Bearer() {
    const HttpResponse response = AskToken("ups", "s3cret/+");
    EXPECT_EQ(response.status, 200) << response.body;
    return nlohmann::json::parse(response.body).at("access_token");
  }

  int PostEvent(const std::string& key, const std::string& bearer,
                const std::string& body = kEvent) {
    return Post("/track-alert", {{"x-api-key", key}, {"Authorization", "Bearer " + bearer}}, body)
        .status;
  }

  static std::string Sign(std::string_view text) { return HmacSha256("key", text); }

  testing::FakeClock clock_;
  FakeInbox inbox_;
  Wakeups wakeups_;
  WebhookDoor door_{inbox_,
                    {.client_id = "ups", .client_secret = "s3cret/+", .api_keys = {"k1", "k2"}},
                    Bearers(Sign, absl::Hours(1)),
                    clock_,
                    wakeups_};
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_ = HttpClient::Create();
};

TEST_F(WebhookTest, AnEventIsStoredAsItCameAndThenAcknowledged) {
  EXPECT_EQ(PostEvent("k2", Bearer()), 200);
  const auto stored = inbox_.stored();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored[0].tracking_number, "1Z999AA10123456784");
  EXPECT_EQ(stored[0].body, kEvent);
  EXPECT_EQ(stored[0].received_id.size(), 32u);
}

TEST_F(WebhookTest, TheAddressUpsIsGivenWorksToo) {
  EXPECT_EQ(Post("/ups/v2/track-alert",
                 {{"x-api-key", "k1"}, {"Authorization", "Bearer " + Bearer()}}, kEvent)
                .status,
            200);
}

TEST_F(WebhookTest, WhatCannotBeStoredIs503AndNever200) {
  const std::string bearer = Bearer();
  for (const absl::Status& failure :
       {absl::UnavailableError("database down"), absl::UnknownError("commit outcome unknown"),
        absl::ResourceExhaustedError("disk full"), absl::InternalError("bug")}) {
    inbox_.Fail(failure);
    EXPECT_EQ(PostEvent("k1", bearer), 503) << failure;
  }
  inbox_.Fail(absl::OkStatus());
  EXPECT_EQ(PostEvent("k1", bearer), 200);
  EXPECT_EQ(inbox_.stored().size(), 1u);
}

TEST_F(WebhookTest, TheFirstOfWhatWasRefusedIsToldUntilThatIsCommitted) {
  const auto told = [&](const absl::Status& outcome) {
    absl::Time told_since;
    EXPECT_EQ(door_.TellRefused([&](absl::Time since) {
      told_since = since;
      return outcome;
    }),
              outcome);
    return told_since;
  };
  const std::string bearer = Bearer();
  EXPECT_EQ(PostEvent("k1", bearer), 200);
  EXPECT_EQ(told(absl::OkStatus()), absl::InfiniteFuture());
  inbox_.Fail(absl::UnavailableError("database down"));
  EXPECT_EQ(PostEvent("k1", bearer), 503);
  const absl::Time first = told(absl::UnavailableError("database down"));
  EXPECT_LT(first, absl::InfiniteFuture());
  EXPECT_EQ(PostEvent("k1", bearer), 503);
  EXPECT_EQ(told(absl::OkStatus()), first);
  EXPECT_EQ(told(absl::OkStatus()), absl::InfiniteFuture());
}

TEST_F(WebhookTest, WhatIsRefusedWhileItIsToldIsToldTheNextTime) {
  const std::string bearer = Bearer();
  inbox_.Fail(absl::UnavailableError("database down"));
  EXPECT_OK(door_.TellRefused([&](absl::Time) {
    EXPECT_EQ(PostEvent("k1", bearer), 503);
    return absl::OkStatus();
  }));
  EXPECT_OK(door_.TellRefused([](absl::Time since) {
    EXPECT_LT(since, absl::InfiniteFuture());
    return absl::OkStatus();
  }));
}

TEST_F(WebhookTest, WithoutKeyAndBearerNothingIsTaken) {
  const std::string bearer = Bearer();
  EXPECT_EQ(PostEvent("k3", bearer), 401);
  EXPECT_EQ(PostEvent("", bearer), 401);
  EXPECT_EQ(PostEvent("k1", ""), 401);
  EXPECT_EQ(PostEvent("k1", bearer + "0"), 401);
  EXPECT_EQ(PostEvent("k1", "9999999999.0." + Hex(HmacSha256("other", "9999999999.0"))), 401);
  EXPECT_EQ(
      Post("/track-alert", {{"x-api-key", "k1"}, {"Authorization", "Basic " + bearer}}, kEvent)
          .status,
      401);
  EXPECT_TRUE(inbox_.stored().empty());
}

TEST_F(WebhookTest, ABearerEndsWithItsTime) {
  const std::string bearer = Bearer();
  clock_.Advance(absl::Minutes(59));
  EXPECT_EQ(PostEvent("k1", bearer), 200);
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(PostEvent("k1", bearer), 401);
}

TEST_F(WebhookTest, ABearerOfOneReplicaIsGoodInAnother) {
  const Bearers here(Sign, absl::Hours(1));
  const Bearers there(Sign, absl::Hours(1));
  EXPECT_TRUE(there.IsValid(here.Issue(clock_.Now()), clock_.Now()));
  EXPECT_NE(here.Issue(clock_.Now()), here.Issue(clock_.Now()));
}

TEST_F(WebhookTest, TokensAreForTheClientOnly) {
  EXPECT_EQ(AskToken("ups", "wrong").status, 401);
  EXPECT_EQ(AskToken("other", "s3cret/+").status, 401);
  EXPECT_EQ(AskToken("", "").status, 401);
  EXPECT_EQ(Post("/oauth/token", {}, "grant_type=client_credentials").status, 401);
  EXPECT_EQ(AskToken("ups", "s3cret/+", "grant_type=password").status, 400);
  EXPECT_EQ(AskToken("ups", "s3cret%2F%2B").status, 200);  // encoded, as the standard wants it
  const nlohmann::json token = nlohmann::json::parse(AskToken("ups", "s3cret/+").body);
  EXPECT_EQ(token.at("token_type"), "Bearer");
  EXPECT_EQ(token.at("expires_in"), 3600);
}

TEST_F(WebhookTest, WhatIsNoEventIs400) {
  const std::string bearer = Bearer();
  EXPECT_EQ(PostEvent("k1", bearer, "{"), 400);
  EXPECT_EQ(PostEvent("k1", bearer, "{}"), 400);
  EXPECT_EQ(PostEvent("k1", bearer, R"({"trackingNumber":"1Z999AA10123456784"})"), 400);
  EXPECT_TRUE(inbox_.stored().empty());
}

TEST_F(WebhookTest, OtherPathsAndMethodsAreRefused) {
  EXPECT_EQ(Post("/", {}, "").status, 404);
  EXPECT_EQ(Post("/track-alert", {}, "", "GET").status, 405);
}

TEST_F(WebhookTest, ManyAtOnceAreAllStored) {
  const std::string bearer = Bearer();
  std::vector<std::future<int>> answers;
  for (int i = 0; i < 200; ++i) {
    auto promise = std::make_shared<std::promise<int>>();
    answers.push_back(promise->get_future());
    client_->Send({.method = "POST",
                   .url = "http://" + server_->address() + "/track-alert",
                   .headers = {{"x-api-key", "k1"}, {"Authorization", "Bearer " + bearer}},
                   .body = kEvent},
                  [promise](const HttpOutcome& outcome) {
                    promise->set_value(outcome.response.ok() ? outcome.response->status : 0);
                  });
  }
  for (auto& answer : answers) EXPECT_EQ(answer.get(), 200);
  EXPECT_EQ(inbox_.stored().size(), 200u);
}

}  // namespace
}  // namespace psups::tracking_sync
