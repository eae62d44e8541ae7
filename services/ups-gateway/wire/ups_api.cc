#include "services/ups-gateway/wire/ups_api.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/http_seconds.h"
#include "common/metrics.h"

namespace psups::ups_gateway {
namespace {

constexpr char kSource[] = "psups";
// 200 labels of a purchase, in base64.
constexpr std::size_t kMostResponseBytes = 32 << 20;

const CounterMetric kConnections(
    "psups_http_connections_total",
    "Connections that calls to a peer used: new ones, and kept ones again.", {"peer", "reused"});

prometheus::Histogram& Seconds(Operation operation, const std::string& code) {
  static std::mutex mutex;
  static std::map<std::pair<Operation, std::string>, prometheus::Histogram*> made;
  std::lock_guard lock(mutex);
  prometheus::Histogram*& histogram = made[{operation, code}];
  if (histogram == nullptr) {
    histogram = &HttpSeconds("ups", std::string(NameOf(operation)), code);
  }
  return *histogram;
}

void CountConnections(const HttpOutcome& outcome) {
  static prometheus::Counter& made = kConnections("ups", "false");
  static prometheus::Counter& kept = kConnections("ups", "true");
  made.Increment(outcome.new_connections);
  if (outcome.reused_connection) kept.Increment();
}

}  // namespace

void HttpUpsApi::Send(const Account& account, UpsRequest request,
                      std::function<void(HttpOutcome)> done) {
  const Operation operation = request.wire.operation;
  HttpRequest http{.method = std::move(request.wire.method),
                   .url = account.settings.base_url() + request.wire.target,
                   .headers = {{"Authorization", std::move(request.authorization)},
                               {"Accept", "application/json"},
                               {"transId", std::move(request.call_id)},
                               {"transactionSrc", kSource}},
                   .body = std::move(request.wire.body),
                   .ca_bundle_file = BundleFile(account.settings.ca_bundle_pem()),
                   .total_timeout = absl::ToChronoMilliseconds(request.timeout),
                   .max_response_bytes = kMostResponseBytes,
                   .before_body = std::move(request.before_body)};
  http.connect_timeout = std::min(http.connect_timeout, http.total_timeout);
  if (!http.body.empty()) http.headers.emplace_back("Content-Type", request.wire.content_type);
  std::shared_ptr<HttpClient> client;
  {
    std::lock_guard lock(mutex_);
    client = http_;
  }
  if (client == nullptr) {
    return done({.response = absl::CancelledError("the service is stopping")});
  }
  client->Send(std::move(http), [operation, done = std::move(done)](HttpOutcome outcome) {
    const std::string code = outcome.response.ok()
                                 ? absl::StrCat(outcome.response->status)
                                 : absl::StatusCodeToString(outcome.response.status().code());
    Seconds(operation, code).Observe(static_cast<double>(outcome.duration.count()) / 1e6);
    CountConnections(outcome);
    done(std::move(outcome));
  });
}

void HttpUpsApi::Close() {
  std::shared_ptr<HttpClient> closing;
  {
    std::lock_guard lock(mutex_);
    closing = std::move(http_);
    http_ = nullptr;
  }
}

std::string HttpUpsApi::BundleFile(const std::string& pem) {
  if (pem.empty()) return "";
  std::lock_guard lock(mutex_);
  std::string& path = bundles_[pem];
  if (path.empty()) {
    // Kept open for the process's life: accounts and their bundles are few.
    const int file = memfd_create("ups-ca", MFD_CLOEXEC);
    const bool written =
        file >= 0 && write(file, pem.data(), pem.size()) == static_cast<ssize_t>(pem.size());
    path = written ? absl::StrCat("/proc/self/fd/", file) : "/proc/self/fd/none";
  }
  return path;
}

}  // namespace psups::ups_gateway
