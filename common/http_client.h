#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/http_message.h"

namespace psups {

struct HttpRequest {
  std::string method = "GET";
  std::string url = {};  // sent as it is: the caller encodes
  HttpHeaders headers = {};
  std::string body = {};
  std::string ca_bundle_file = {};  // PEM; empty = the system's certificates
  std::chrono::milliseconds connect_timeout{10'000};
  std::chrono::milliseconds total_timeout{60'000};
  std::size_t max_response_bytes = 16 << 20;
  // Called right before the first byte of the body is handed to the connection (for a request
  // without a body: never). False abandons the request: ABORTED, `body_started` false. Runs on the
  // client's thread and must not block.
  std::function<bool()> before_body = {};
};

// What is known after a request. `body_started` false means that no byte of the body was handed to
// a connection, so the peer cannot have acted on it; true without a response means that nobody
// here knows. libcurl cannot repeat a request whose body has started: the body is given by a
// callback that cannot rewind.
struct HttpOutcome {
  // Errors: DEADLINE_EXCEEDED (total_timeout), UNAVAILABLE (DNS, connect, TLS, connection lost),
  // RESOURCE_EXHAUSTED (reply larger than max_response_bytes), ABORTED (before_body said no),
  // INVALID_ARGUMENT (the URL), FAILED_PRECONDITION (the host's address is link-local or a cloud's
  // metadata service: never called), CANCELLED (the client was destroyed). The message names the
  // host and what failed, never the path, the query or the body.
  absl::StatusOr<HttpResponse> response = absl::UnknownError("not sent");
  bool body_started = false;
  // How it was connected: by a kept connection, by so many new ones (more than one only if a kept
  // one turned out dead), or, if it never got that far, not at all.
  int new_connections = 0;
  bool reused_connection = false;
  std::chrono::microseconds duration{0};
};

// Sends HTTP/1.1 requests over kept connections, hundreds at once, from one thread of its own
// (libcurl's multi interface). Never follows a redirect, keeps no cookie, uses no proxy, speaks
// only http and https. Bodies are decoded when the peer compressed them.
class HttpClient {
 public:
  using Callback = std::function<void(HttpOutcome)>;

  static std::unique_ptr<HttpClient> Create(int max_connections_per_host = 256);
  virtual ~HttpClient() = default;

  // Returns at once; `done` runs on the client's thread and must not block.
  virtual void Send(HttpRequest request, Callback done) = 0;

  // Sends and waits. Not from within a callback.
  HttpOutcome Send(HttpRequest request);
};

}  // namespace psups
