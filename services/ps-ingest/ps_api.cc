#include "services/ps-ingest/ps_api.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/metrics.h"
#include "common/status_macros.h"

namespace psups::ps_ingest {
namespace {

constexpr std::chrono::milliseconds kConnectTimeout{10'000};
constexpr std::chrono::milliseconds kPostTimeout{60'000};

// Connections' CA bundles as files, since the HTTP client takes files. Each is written once.
class CaFiles {
 public:
  ~CaFiles() {
    for (const auto& [hash, path] : paths_) std::filesystem::remove(path, ignored_);
  }

  absl::StatusOr<std::string> FileOf(const std::string& pem) {
    if (pem.empty()) return "";
    std::lock_guard lock(mutex_);
    std::string& path = paths_[Sha256(pem)];
    if (path.empty()) {
      std::string name =
          (std::filesystem::temp_directory_path(ignored_) / "psups-ca-XXXXXX").string();
      const int file = mkstemp(name.data());
      if (file < 0) {
        return absl::UnavailableError(
            absl::StrCat("no temporary file for a CA bundle at ", name, "; set TMPDIR"));
      }
      const ssize_t written = write(file, pem.data(), pem.size());
      close(file);
      if (written != static_cast<ssize_t>(pem.size())) {
        std::filesystem::remove(name, ignored_);
        return absl::UnavailableError(absl::StrCat("no room for a CA bundle at ", name));
      }
      path = name;
    }
    return path;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> paths_;  // by hash
  std::error_code ignored_;
};

class HttpPeopleSoft : public PeopleSoft {
 public:
  explicit HttpPeopleSoft(std::unique_ptr<HttpClient> client) : client_(std::move(client)) {}

  void Send(const Call& call, std::function<void(Reply)> done) override {
    const absl::StatusOr<std::string> ca_file = ca_files_.FileOf(call.connection->ca_bundle_pem());
    if (!ca_file.ok()) {
      done({.response = ca_file.status()});
      return;
    }
    const bool post = call.json.has_value();
    HttpRequest request = {
        .method = post ? "POST" : "GET",
        .url = call.url,
        .headers = {{"Authorization", BasicAuthorization(call.connection->oprid(), call.password)},
                    {"X-Request-ID", call.call_id},
                    {"Accept", "application/json"}},
        .body = call.json.value_or(""),
        .ca_bundle_file = *ca_file,
        .connect_timeout = kConnectTimeout,
        .total_timeout =
            post ? kPostTimeout : std::chrono::seconds(call.connection->read_timeout_seconds()),
        .max_response_bytes = call.max_bytes};
    if (post) request.headers.emplace_back("Content-Type", "application/json");
    client_->Send(std::move(request), [post, done = std::move(done)](HttpOutcome outcome) {
      const std::string code = outcome.response.ok()
                                   ? std::to_string(outcome.response->status)
                                   : absl::StatusCodeToString(outcome.response.status().code());
      SecondsHistogram(
          "psups_http_seconds", "Calls to peers.",
          {{"peer", "peoplesoft"}, {"op", post ? "write_back" : "query"}, {"code", code}})
          .Observe(std::chrono::duration<double>(outcome.duration).count());
      done({.response = std::move(outcome.response),
            .duration = absl::FromChrono(outcome.duration)});
    });
  }

 private:
  CaFiles ca_files_;
  std::unique_ptr<HttpClient> client_;  // destroyed first
};

}  // namespace

std::unique_ptr<PeopleSoft> MakePeopleSoft(std::unique_ptr<HttpClient> client) {
  return std::make_unique<HttpPeopleSoft>(std::move(client));
}

}  // namespace psups::ps_ingest
