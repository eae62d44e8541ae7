#include "services/ps-ingest/ps_api.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/http_seconds.h"
#include "services/ps-ingest/ps_error.h"
#include "services/ps-ingest/tokens.h"

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
  explicit HttpPeopleSoft(std::unique_ptr<HttpClient> client)
      : client_(std::move(client)), tokens_([this](HttpRequest request, HttpClient::Callback done) {
          Transmit(std::move(request), [done = std::move(done)](HttpOutcome outcome) {
            ObserveHttp("peoplesoft", "token", outcome);
            done(std::move(outcome));
          });
        }) {}
  ~HttpPeopleSoft() override { HttpPeopleSoft::Close(); }

  void Close() override {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    client_.reset();  // its last callbacks find it closed
  }

  void Send(const Call& call, std::function<void(Reply)> done) override {
    auto sending = std::make_shared<Sending>();
    sending->connection = *call.connection;
    sending->secret = call.password;
    sending->done = std::move(done);
    const absl::StatusOr<std::string> ca_file = ca_files_.FileOf(call.connection->ca_bundle_pem());
    if (!ca_file.ok()) return sending->done({.response = ca_file.status()});
    const bool post = call.json.has_value();
    sending->request = {
        .method = post ? "POST" : "GET",
        .url = call.url,
        .headers = {{"X-Request-ID", call.call_id}},
        .body = call.json.value_or(""),
        .ca_bundle_file = *ca_file,
        .connect_timeout = kConnectTimeout,
        .total_timeout =
            post ? kPostTimeout : std::chrono::seconds(call.connection->read_timeout_seconds()),
        .max_response_bytes = call.max_bytes};
    const bool xml = !post && call.connection->result_type() == orders::v1::Connection::XMLP;
    sending->request.headers.emplace_back("Accept", xml ? "text/xml" : "application/json");
    if (post) sending->request.headers.emplace_back("Content-Type", "application/json");
    Authorize(sending);
  }

 private:
  struct Sending {
    orders::v1::Connection connection = {};
    std::string secret = {};
    HttpRequest request = {};
    std::string token = {};  // of OAuth2 client credentials
    bool token_is_new = false;
    std::vector<AuditEntry> token_calls = {};
    std::optional<std::size_t> repeat = {};  // among them, of a call that is made once more
    std::function<void(Reply)> done = {};
  };

  void Transmit(HttpRequest request, HttpClient::Callback done) {
    {
      std::lock_guard lock(mutex_);
      if (!closed_) return client_->Send(std::move(request), std::move(done));
    }
    done({.response = absl::CancelledError("the service stops")});
  }

  void Authorize(const std::shared_ptr<Sending>& sending) {
    const orders::v1::Connection& connection = sending->connection;
    switch (connection.authentication()) {
      case orders::v1::Connection::CLIENT_CREDENTIALS:
        tokens_.Get(connection, sending->secret, sending->request.ca_bundle_file,
                    [this, sending](Tokens::Result result) { UseToken(sending, result); });
        return;
      case orders::v1::Connection::BEARER:
        return SendWith(sending, "Bearer " + sending->secret);
      default:
        return SendWith(sending, BasicAuthorization(connection.oprid(), sending->secret));
    }
  }

  void UseToken(const std::shared_ptr<Sending>& sending, Tokens::Result& result) {
    sending->token_calls.insert(sending->token_calls.end(), result.calls.begin(),
                                result.calls.end());
    if (!result.token.ok()) {
      return End(sending, {.response = result.token.status()}, /*left=*/false);
    }
    sending->token = *result.token;
    sending->token_is_new = result.is_new;
    SendWith(sending, "Bearer " + sending->token);
  }

  void SendWith(const std::shared_ptr<Sending>& sending, const std::string& authorization) {
    HttpRequest request = sending->request;
    request.headers.emplace_back("Authorization", authorization);
    const bool post = request.method == "POST";
    Transmit(std::move(request), [this, sending, post](HttpOutcome outcome) {
      ObserveHttp("peoplesoft", post ? "write_back" : "query", outcome);
      Finish(sending, std::move(outcome));
    });
  }

  // A token that was held may have been revoked: the call, which did nothing, is made once more
  // with a new one.
  void Finish(const std::shared_ptr<Sending>& sending, HttpOutcome outcome) {
    if (!sending->token.empty() && !sending->token_is_new) {
      const std::optional<PsError> error = FindError(outcome.response, "");
      if (error.has_value() && error->kind == PsErrorKind::kAuth) {
        tokens_.Forget(sending->connection, sending->secret, sending->token);
        return Repeat(sending);
      }
    }
    const bool left = WasConnected(outcome);
    End(sending,
        {.response = std::move(outcome.response), .duration = absl::FromChrono(outcome.duration)},
        left);
  }

  // Of a call that was made once more the first attempt did leave.
  static void End(const std::shared_ptr<Sending>& sending, Reply reply, bool left) {
    reply.sent = left || sending->repeat.has_value();
    if (!left && sending->repeat.has_value()) {
      sending->token_calls[*sending->repeat].detail["outcome"] = "not sent";
    }
    reply.token_calls = sending->token_calls;
    sending->done(std::move(reply));
  }

  void Repeat(const std::shared_ptr<Sending>& sending) {
    for (auto& [name, value] : sending->request.headers) {
      if (name != "X-Request-ID") continue;
      AuditEntry refused = {.action = "ps.token_refused", .subject = sending->connection.name()};
      refused.event_id = RandomHex128();
      refused.detail = {{"call_id", refused.event_id}, {"repeats", value}};
      // The call is known by its id: the one that was refused keeps it, this one has its own.
      value = refused.event_id;
      sending->repeat = sending->token_calls.size();
      sending->token_calls.push_back(std::move(refused));
    }
    Authorize(sending);
  }

  CaFiles ca_files_;
  std::mutex mutex_;
  bool closed_ = false;
  std::unique_ptr<HttpClient> client_;
  Tokens tokens_;
};

}  // namespace

std::unique_ptr<PeopleSoft> MakePeopleSoft(std::unique_ptr<HttpClient> client) {
  return std::make_unique<HttpPeopleSoft>(std::move(client));
}

}  // namespace psups::ps_ingest
