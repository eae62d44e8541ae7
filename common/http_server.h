#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/http_message.h"

namespace psups {

struct HttpServerRequest {
  std::string method = {};
  std::string target = {};  // as sent: path, '?', query, nothing decoded
  std::string path = {};    // the part before '?', not decoded
  std::string query = {};   // the part after '?', not decoded
  HttpHeaders headers = {};
  std::string body = {};
  std::string remote_address = {};  // "127.0.0.1:51234"
};

// What to do on the wire with a reply. Everything but kSend is for servers that stand in for a
// peer with faults; it happens after the whole request has been read.
enum class WireFault {
  kSend,          // the reply, whole
  kReset,         // no reply, the connection is reset (TCP RST)
  kClose,         // no reply, the connection is closed in order
  kTruncate,      // the status line, headers and the first half of the body, then closed
  kResetMidBody,  // the same, then reset (TCP RST)
};

struct HttpServerReply {
  HttpResponse response = {};
  WireFault fault = WireFault::kSend;
  std::chrono::milliseconds delay{0};  // before the reply (or the fault) goes out
};

// Called once, from any thread; a reply to a connection that is gone is dropped.
using HttpReplyFunction = std::function<void(HttpServerReply)>;

// Must not block: it runs on the server's few threads. It may keep `reply` and call it later.
using HttpHandler = std::function<void(HttpServerRequest request, HttpReplyFunction reply)>;

struct HttpServerOptions {
  std::string listen = "127.0.0.1:0";     // host:port, port 0 = any free one
  std::string tls_certificate_file = {};  // PEM chain; empty = plain HTTP
  std::string tls_key_file = {};
  int threads = 2;
  std::size_t max_body_bytes = 1 << 20;               // larger: 413, connection closed
  std::size_t max_header_bytes = 16 << 10;            // larger: 431, connection closed
  std::chrono::milliseconds idle_timeout{60'000};     // between requests, and for the TLS handshake
  std::chrono::milliseconds request_timeout{10'000};  // from a request's first byte to its last
};

// An HTTP/1.1 server with keep-alive (Boost.Beast). Stops accepting, waits up to one second for
// replies in flight and closes when destroyed.
class HttpServer {
 public:
  // UNAVAILABLE naming the address if it cannot be bound; INVALID_ARGUMENT naming the file if the
  // certificate or key cannot be used.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options,
                                                           HttpHandler handler);
  virtual ~HttpServer() = default;

  // "127.0.0.1:41234", with the port that was bound.
  virtual std::string address() const = 0;
};

}  // namespace psups
