#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/http_client.h"
#include "tests/sandbox/peoplesoft/sandbox.h"
#include "tests/sandbox/peoplesoft/site_fixture.h"

namespace psups::peoplesoft_sandbox {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(PeopleSoftSandboxWireTest, ServesBothPortsAndHurtsTheWireAsAsked) {
  const std::string journal = testing::TempDir() + "/peoplesoft_sandbox_journal.jsonl";
  std::remove(journal.c_str());
  absl::StatusOr<SiteConfig> config =
      ParseConfig(R"({"node":"PSFT_EP","oprid":"PSUPS","password":"secret"})");
  ASSERT_TRUE(config.ok()) << config.status();
  auto sandbox = Sandbox::Start(*std::move(config), journal);
  ASSERT_TRUE(sandbox.ok()) << sandbox.status();
  const std::unique_ptr<HttpClient> client = HttpClient::Create();
  const std::string api = "http://" + (*sandbox)->api_address();
  const std::string admin = "http://" + (*sandbox)->admin_address();

  const auto send = [&](const std::string& method, const std::string& url,
                        const std::string& body) {
    return client
        ->Send({.method = method,
                .url = url,
                .headers = {{"Authorization", BasicAuthorization("PSUPS", "secret")},
                            {"Content-Type", "application/json"}},
                .body = body,
                .total_timeout = std::chrono::milliseconds(300)})
        .response;
  };
  const auto fault = [&](const std::string& kind) {
    const Json change = {
        {"remove", Json::array({"x"})},
        {"add", Json::array({{{"id", "x"}, {"route", "*"}, {"kind", kind}, {"count", 1}}})}};
    const auto reply = send("POST", admin + "/admin/faults", Dump(change));
    ASSERT_TRUE(reply.ok()) << reply.status();
    ASSERT_EQ(reply->status, 200) << reply->body;
  };
  const auto update = [&](int n) {
    return send("POST", api + kTracking, Messages({Message(MessageId(n))}));
  };
  const Json orders = {{"documents", Json::array({PurchaseOrder("0000000123")})}};
  ASSERT_EQ(send("POST", admin + "/admin/orders", Dump(orders))->status, 200);

  ASSERT_TRUE(update(1).ok());
  fault("done_then_reset");
  EXPECT_EQ(update(2).status().code(), absl::StatusCode::kUnavailable);
  fault("done_then_close");
  EXPECT_EQ(update(3).status().code(), absl::StatusCode::kUnavailable);
  fault("truncate");
  EXPECT_EQ(update(4).status().code(), absl::StatusCode::kUnavailable);
  fault("reset_mid_body");
  EXPECT_EQ(update(7).status().code(), absl::StatusCode::kUnavailable);
  fault("withhold");
  EXPECT_EQ(update(5).status().code(), absl::StatusCode::kDeadlineExceeded);
  fault("reset_before");
  EXPECT_EQ(update(6).status().code(), absl::StatusCode::kUnavailable);
  const auto again = update(2);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_THAT(again->body, HasSubstr("DUPLICATE"));
  EXPECT_EQ(std::count_if(again->headers.begin(), again->headers.end(),
                          [](const auto& header) { return header.first == "Date"; }),
            1);

  const auto truth = send("GET", admin + "/admin/truth", "");
  ASSERT_TRUE(truth.ok());
  std::vector<std::string> stored;
  const Json updates = Json::parse(truth->body)["updates"];
  for (const Json& entry : updates) {
    if (entry["result"] == "OK") stored.push_back(entry["message"]["MSG_ID"]);
  }
  EXPECT_THAT(stored, ElementsAre(MessageId(1), MessageId(2), MessageId(3), MessageId(4),
                                  MessageId(7), MessageId(5)));

  sandbox->reset();
  std::ifstream lines(journal);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    EXPECT_EQ(Json::parse(line)["n"], count + 1);
  }
  EXPECT_EQ(count, 8);
}

}  // namespace
}  // namespace psups::peoplesoft_sandbox
