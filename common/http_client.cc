#include "common/http_client.h"

#include <curl/curl.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/http_address.h"

namespace psups {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxHeaderBytes = 64 << 10;
constexpr long kMaxIdleSeconds = 45;  // shorter than the usual server's patience

struct Transfer;
using Deadlines = std::multimap<Clock::time_point, Transfer*>;

// One request from Send() to its callback. Only the client's thread touches it after Send().
struct Transfer {
  HttpRequest request;
  HttpClient::Callback done;
  Clock::time_point start;
  Deadlines::iterator deadline;

  CURL* easy = nullptr;
  curl_slist* header_list = nullptr;
  std::string peer;  // host:port, for messages
  char error_text[CURL_ERROR_SIZE] = {};

  HttpResponse response;
  std::size_t header_bytes = 0;
  std::size_t body_sent = 0;
  int sends = 0;  // how often libcurl was about to send the request
  bool body_started = false;
  bool abandoned = false;  // before_body said no
  bool too_large = false;
  bool repeat_refused = false;
  bool address_refused = false;
  long connects = 0;  // new connections

  ~Transfer() { curl_slist_free_all(header_list); }
};

std::string PeerOf(const std::string& url) {
  CURLU* parts = curl_url();
  std::string peer;
  if (curl_url_set(parts, CURLUPART_URL, url.c_str(), 0) == CURLUE_OK) {
    char* host = nullptr;
    char* port = nullptr;
    if (curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK) peer = host;
    if (curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK)
      absl::StrAppend(&peer, ":", port);
    curl_free(host);
    curl_free(port);
  }
  curl_url_cleanup(parts);
  return peer;
}

bool HasLineBreak(const std::string& text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) != text.npos;
}

// Refuses what libcurl would send as it is and thereby let a value become a header of its own.
absl::Status Check(const HttpRequest& request) {
  if (!absl::StartsWithIgnoreCase(request.url, "http://") &&
      !absl::StartsWithIgnoreCase(request.url, "https://"))
    return absl::InvalidArgumentError("url: want http:// or https://");
  for (const unsigned char c : request.url) {
    if (c <= ' ' || c == 127) return absl::InvalidArgumentError("url: not encoded");
  }
  if (request.method.empty() || !std::all_of(request.method.begin(), request.method.end(),
                                             [](char c) { return c >= 'A' && c <= 'Z'; }))
    return absl::InvalidArgumentError("method: want upper-case letters");
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || HasLineBreak(name) || HasLineBreak(value) ||
        name.find_first_of(":; ") != name.npos)
      return absl::InvalidArgumentError("headers: a name or value that cannot be sent");
  }
  return absl::OkStatus();
}

std::size_t OnRead(char* to, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::string& body = transfer->request.body;
  if (!transfer->body_started) {
    if (transfer->request.before_body && !transfer->request.before_body()) {
      transfer->abandoned = true;
      return CURL_READFUNC_ABORT;
    }
    transfer->body_started = true;
  }
  const std::size_t bytes = std::min(size * count, body.size() - transfer->body_sent);
  std::memcpy(to, body.data() + transfer->body_sent, bytes);
  transfer->body_sent += bytes;
  return bytes;
}

// libcurl sends a request again when a kept connection dies without a byte of reply. Reading may
// be repeated so; nothing else once the peer can have acted on it.
int OnAboutToSend(void* user, char*, char*, int, int) {
  auto* transfer = static_cast<Transfer*>(user);
  const HttpRequest& request = transfer->request;
  const bool safe = request.body.empty() && (request.method == "GET" || request.method == "HEAD");
  const bool acted = request.body.empty() || transfer->body_started;
  if (transfer->sends++ > 0 && !safe && acted) {
    transfer->repeat_refused = true;
    return CURL_PREREQFUNC_ABORT;
  }
  return CURL_PREREQFUNC_OK;
}

curl_socket_t OnOpenSocket(void* user, curlsocktype, curl_sockaddr* address) {
  if (IsForbiddenAddress(address->addr)) {
    static_cast<Transfer*>(user)->address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  transfer->header_bytes += bytes;
  if (transfer->header_bytes > kMaxHeaderBytes) {
    transfer->too_large = true;
    return 0;
  }
  absl::string_view line = absl::StripAsciiWhitespace(absl::string_view(data, bytes));
  if (absl::StartsWith(line, "HTTP/")) {
    transfer->response.headers.clear();  // what came before was a 100 Continue
    return bytes;
  }
  const std::size_t colon = line.find(':');
  if (colon != line.npos) {
    transfer->response.headers.emplace_back(
        std::string(line.substr(0, colon)),
        std::string(absl::StripAsciiWhitespace(line.substr(colon + 1))));
  }
  return bytes;
}

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  auto* transfer = static_cast<Transfer*>(user);
  const std::size_t bytes = size * count;
  if (transfer->response.body.size() + bytes > transfer->request.max_response_bytes) {
    transfer->too_large = true;
    return 0;
  }
  transfer->response.body.append(data, bytes);
  return bytes;
}

bool IsTlsError(CURLcode code) {
  return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
         code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
         code == CURLE_SSL_CIPHER || code == CURLE_SSL_ISSUER_ERROR;
}

absl::Status StatusOf(const Transfer& transfer, CURLcode code) {
  if (transfer.abandoned)
    return absl::AbortedError(absl::StrCat(transfer.peer, ": abandoned before the body was sent"));
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED)
    return absl::ResourceExhaustedError(absl::StrCat(transfer.peer, ": the reply is larger than ",
                                                     transfer.request.max_response_bytes,
                                                     " bytes"));
  if (transfer.repeat_refused)
    return absl::UnavailableError(
        absl::StrCat(transfer.peer, ": the kept connection was closed without a reply"));
  if (transfer.address_refused)
    return absl::FailedPreconditionError(
        absl::StrCat(transfer.peer,
                     ": its address is link-local or a metadata service's, which is never called"));
  if (code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL)
    return absl::InvalidArgumentError("url: malformed");

  std::string what = curl_easy_strerror(code);
  long system_error = 0;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    what = "connect timed out";  // the total timeout is ours
  } else if (IsTlsError(code) && transfer.error_text[0] != '\0') {
    what = transfer.error_text;
  } else if (curl_easy_getinfo(transfer.easy, CURLINFO_OS_ERRNO, &system_error) == CURLE_OK &&
             system_error != 0) {
    absl::StrAppend(&what, " (", std::generic_category().message(static_cast<int>(system_error)),
                    ")");
  }
  return absl::UnavailableError(absl::StrCat(transfer.peer, ": ", what));
}

class CurlHttpClient : public HttpClient {
 public:
  explicit CurlHttpClient(int max_connections_per_host) : multi_(curl_multi_init()) {
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, long{max_connections_per_host});
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, long{max_connections_per_host} * 2);
    curl_multi_setopt(multi_, CURLMOPT_PIPELINING, long{CURLPIPE_NOTHING});
    thread_ = std::thread([this] { Run(); });
  }

  ~CurlHttpClient() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    for (CURL* easy : spare_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
  }

  void Send(HttpRequest request, Callback done) override {
    auto transfer = std::make_unique<Transfer>();
    transfer->request = std::move(request);
    transfer->done = std::move(done);
    transfer->start = Clock::now();
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      wake = queue_.empty() && std::this_thread::get_id() != thread_.get_id();
      queue_.push_back(std::move(transfer));
    }
    if (wake) curl_multi_wakeup(multi_);
  }

 private:
  void Run() {
    while (TakeQueue()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      FinishTransfers();
      ExpireTransfers();
      curl_multi_poll(multi_, nullptr, 0, PollMilliseconds(), nullptr);
    }
    while (!deadlines_.empty())
      Finish(deadlines_.begin()->second, absl::CancelledError("the HTTP client was closed"));
    std::vector<std::unique_ptr<Transfer>> rest;
    {
      const std::lock_guard lock(mutex_);
      rest.swap(queue_);
    }
    for (auto& transfer : rest)
      Report(std::move(transfer), absl::CancelledError("the HTTP client was closed"));
  }

  bool TakeQueue() {
    std::vector<std::unique_ptr<Transfer>> taken;
    {
      const std::lock_guard lock(mutex_);
      if (stop_) return false;
      taken.swap(queue_);
    }
    for (auto& transfer : taken) Add(std::move(transfer));
    return true;
  }

  int PollMilliseconds() {
    {
      const std::lock_guard lock(mutex_);
      if (stop_ || !queue_.empty()) return 0;  // a callback has sent something
    }
    if (deadlines_.empty()) return 60'000;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadlines_.begin()->first - Clock::now());
    return static_cast<int>(std::clamp<long long>(left.count(), 0, 60'000));
  }

  void Add(std::unique_ptr<Transfer> owned) {
    if (absl::Status status = Check(owned->request); !status.ok())
      return Report(std::move(owned), status);
    Transfer* transfer = owned.release();  // libcurl holds it until Finish()
    transfer->peer = PeerOf(transfer->request.url);
    transfer->easy = TakeEasy();
    transfer->deadline =
        deadlines_.emplace(transfer->start + transfer->request.total_timeout, transfer);
    if (!SetOptions(*transfer) || curl_multi_add_handle(multi_, transfer->easy) != CURLM_OK)
      Finish(transfer,
             absl::UnavailableError(absl::StrCat(transfer->peer, ": libcurl refused the request")));
  }

  CURL* TakeEasy() {
    if (spare_.empty()) return curl_easy_init();
    CURL* easy = spare_.back();
    spare_.pop_back();
    return easy;
  }

  static bool SetOptions(Transfer& transfer) {
    const HttpRequest& request = transfer.request;
    CURLcode failed = CURLE_OK;
    const auto set = [&](CURLoption option, auto value) {
      const CURLcode code = curl_easy_setopt(transfer.easy, option, value);
      if (code != CURLE_OK) failed = code;
    };
    set(CURLOPT_PRIVATE, &transfer);
    set(CURLOPT_ERRORBUFFER, transfer.error_text);
    set(CURLOPT_URL, request.url.c_str());
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");
    set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_QUICK_EXIT, 1L);  // never wait for a name server when giving up
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
    set(CURLOPT_MAXAGE_CONN, kMaxIdleSeconds);
    set(CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    if (!request.ca_bundle_file.empty()) {
      set(CURLOPT_CAINFO, request.ca_bundle_file.c_str());
      set(CURLOPT_CAPATH, static_cast<char*>(nullptr));  // that bundle and nothing beside it
    }
    set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
    set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_response_bytes));
    set(CURLOPT_HEADERFUNCTION, OnHeader);
    set(CURLOPT_HEADERDATA, &transfer);
    set(CURLOPT_WRITEFUNCTION, OnBody);
    set(CURLOPT_WRITEDATA, &transfer);
    set(CURLOPT_PREREQFUNCTION, OnAboutToSend);
    set(CURLOPT_PREREQDATA, &transfer);
    set(CURLOPT_OPENSOCKETFUNCTION, OnOpenSocket);
    set(CURLOPT_OPENSOCKETDATA, &transfer);

    if (!request.body.empty()) {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      set(CURLOPT_READFUNCTION, OnRead);
      set(CURLOPT_READDATA, &transfer);
    } else if (request.method == "POST" || request.method == "PUT") {
      set(CURLOPT_POST, 1L);
      set(CURLOPT_POSTFIELDS, "");
      set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    } else if (request.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    }
    set(CURLOPT_CUSTOMREQUEST, request.method.c_str());

    bool has_type = false;
    const auto add = [&](const std::string& line) {
      transfer.header_list = curl_slist_append(transfer.header_list, line.c_str());
    };
    for (const auto& [name, value] : request.headers) {
      add(value.empty() ? name + ";" : name + ": " + value);
      has_type = has_type || absl::EqualsIgnoreCase(name, "Content-Type");
    }
    add("Expect:");
    if (!has_type) add("Content-Type:");
    set(CURLOPT_HTTPHEADER, transfer.header_list);
    return failed == CURLE_OK;
  }

  void FinishTransfers() {
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const CURLcode code = message->data.result;
      Transfer* transfer = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
      if (code == CURLE_OK) {
        long status = 0;
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
        transfer->response.status = static_cast<int>(status);
        HttpResponse response = std::move(transfer->response);
        Finish(transfer, std::move(response));
      } else {
        Finish(transfer, StatusOf(*transfer, code));
      }
    }
  }

  void ExpireTransfers() {
    const auto now = Clock::now();
    while (!deadlines_.empty() && deadlines_.begin()->first <= now) {
      Transfer* transfer = deadlines_.begin()->second;
      Finish(transfer, absl::DeadlineExceededError(
                           absl::StrCat(transfer->peer, ": no whole reply within ",
                                        transfer->request.total_timeout.count(), " ms")));
    }
  }

  // Takes the transfer out of libcurl, whatever state it is in, and reports.
  void Finish(Transfer* transfer, absl::StatusOr<HttpResponse> response) {
    std::unique_ptr<Transfer> owned(transfer);
    deadlines_.erase(owned->deadline);
    curl_easy_getinfo(owned->easy, CURLINFO_NUM_CONNECTS, &owned->connects);
    curl_multi_remove_handle(multi_, owned->easy);
    curl_easy_reset(owned->easy);
    spare_.push_back(owned->easy);
    owned->easy = nullptr;
    Report(std::move(owned), std::move(response));
  }

  static void Report(std::unique_ptr<Transfer> transfer, absl::StatusOr<HttpResponse> response) {
    HttpOutcome outcome{.response = std::move(response),
                        .body_started = transfer->body_started,
                        .new_connections = static_cast<int>(transfer->connects),
                        .reused_connection = transfer->sends > 0 && transfer->connects == 0,
                        .duration = std::chrono::duration_cast<std::chrono::microseconds>(
                            Clock::now() - transfer->start)};
    const Callback done = std::move(transfer->done);
    transfer.reset();
    if (done) done(std::move(outcome));
  }

  CURLM* const multi_;
  Deadlines deadlines_;       // every transfer that libcurl has
  std::vector<CURL*> spare_;  // handles to use again

  std::mutex mutex_;
  std::vector<std::unique_ptr<Transfer>> queue_;  // guarded by mutex_
  bool stop_ = false;                             // guarded by mutex_
  std::thread thread_;
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::Create(int max_connections_per_host) {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)initialised;
  return std::make_unique<CurlHttpClient>(max_connections_per_host);
}

HttpOutcome HttpClient::Send(HttpRequest request) {
  auto promise = std::make_shared<std::promise<HttpOutcome>>();
  std::future<HttpOutcome> future = promise->get_future();
  Send(std::move(request),
       [promise](HttpOutcome outcome) { promise->set_value(std::move(outcome)); });
  return future.get();
}

}  // namespace psups
