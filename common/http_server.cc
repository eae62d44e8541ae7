#include "common/http_server.h"

#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace psups {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using Executor = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<tcp, Executor>;
using TlsStream = ssl::stream<Socket>;
using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;

constexpr std::size_t kReadBytes = 8 << 10;
constexpr auto kLinger = std::chrono::seconds(1);

std::string View(beast::string_view text) { return std::string(text.data(), text.size()); }

std::string HttpDate() {
  thread_local std::time_t cached_second = 0;
  thread_local char text[40];
  const std::time_t now = std::time(nullptr);
  if (now != cached_second) {
    std::tm utc{};
    gmtime_r(&now, &utc);
    std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &utc);
    cached_second = now;
  }
  return text;
}

void AppendField(std::string& out, std::string_view text) {
  for (const char c : text) out += (c == '\r' || c == '\n') ? ' ' : c;
}

std::string SerializeHead(const HttpResponse& response, bool keep_alive) {
  const auto reason = http::obsolete_reason(http::int_to_status(response.status));
  std::string out = absl::StrCat("HTTP/1.1 ", response.status, " ", View(reason), "\r\n");
  bool dated = false;
  for (const auto& [name, value] : response.headers) {
    // The framing is the server's business.
    if (absl::EqualsIgnoreCase(name, "Content-Length") ||
        absl::EqualsIgnoreCase(name, "Connection") ||
        absl::EqualsIgnoreCase(name, "Transfer-Encoding"))
      continue;
    dated = dated || absl::EqualsIgnoreCase(name, "Date");
    AppendField(out, name);
    out += ": ";
    AppendField(out, value);
    out += "\r\n";
  }
  if (!dated) absl::StrAppend(&out, "Date: ", HttpDate(), "\r\n");
  if (response.status != 204 && response.status != 304)
    absl::StrAppend(&out, "Content-Length: ", response.body.size(), "\r\n");
  absl::StrAppend(&out, keep_alive ? "" : "Connection: close\r\n", "\r\n");
  return out;
}

class Connection {
 public:
  virtual ~Connection() = default;
  virtual void Stop() = 0;     // closes now if nothing is being worked on, else after the reply
  virtual void Abandon() = 0;  // closes now
};

// What the server and its connections share; outlives both, since a late reply may still hold a
// connection.
struct Core {
  HttpServerOptions options;
  HttpHandler handler;
  asio::io_context io;
  std::optional<ssl::context> tls;

  std::atomic<bool> stopping = false;
  std::mutex mutex;
  std::condition_variable idle;
  int busy = 0;  // requests given to the handler whose reply has not gone out
  std::unordered_map<Connection*, std::weak_ptr<Connection>> connections;

  void AddBusy(int change) {
    const std::lock_guard lock(mutex);
    busy += change;
    if (busy == 0) idle.notify_all();
  }
};

template <typename Stream>
class Session : public Connection, public std::enable_shared_from_this<Session<Stream>> {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

  Session(std::shared_ptr<Core> core, Socket socket)
      : core_(std::move(core)),
        stream_(MakeStream(std::move(socket), *core_)),
        tick_timer_(Lowest().get_executor()),
        delay_timer_(Lowest().get_executor()) {
    error_code ignored;
    const auto peer = Lowest().remote_endpoint(ignored);
    remote_address_ = absl::StrCat(peer.address().to_string(), ":", peer.port());
    Lowest().set_option(tcp::no_delay(true), ignored);
  }

  void Start() {
    asio::dispatch(Lowest().get_executor(), [self = Self()] {
      {
        const std::lock_guard lock(self->core_->mutex);
        self->core_->connections.emplace(self.get(), self);
      }
      self->registered_ = true;
      if (self->core_->stopping) return self->Close();
      self->ExpireAfter(self->core_->options.idle_timeout);
      self->Tick();
      self->Handshake();
    });
  }

  void Stop() override {
    asio::post(Lowest().get_executor(), [self = Self()] {
      self->stop_asked_ = true;
      if (!self->busy_) self->Close();
    });
  }

  void Abandon() override {
    asio::post(Lowest().get_executor(), [self = Self()] { self->Close(); });
  }

 private:
  // The handler's right to reply, once. If it is dropped unused, the connection stays until the
  // peer gives up.
  struct ReplyTicket {
    std::weak_ptr<Session> session;
    std::atomic<bool> used = false;

    ~ReplyTicket() {
      if (used) return;
      if (auto session_now = session.lock()) {
        auto executor = session_now->Lowest().get_executor();
        asio::post(executor, [s = std::move(session_now)] { s->OnReplyDropped(); });
      }
    }

    void Use(HttpServerReply reply) {
      if (used.exchange(true)) return;
      auto session_now = session.lock();
      if (!session_now) return;
      auto executor = session_now->Lowest().get_executor();
      asio::dispatch(executor, [s = std::move(session_now), reply = std::move(reply)]() mutable {
        s->OnReply(std::move(reply));
      });
    }
  };

  static Stream MakeStream(Socket socket, Core& core) {
    if constexpr (kTls) {
      return TlsStream(std::move(socket), *core.tls);
    } else {
      return socket;
    }
  }

  std::shared_ptr<Session> Self() { return this->shared_from_this(); }
  Socket& Lowest() {
    if constexpr (kTls) {
      return stream_.next_layer();
    } else {
      return stream_;
    }
  }

  void ExpireAfter(std::chrono::milliseconds timeout) { deadline_ = Clock::now() + timeout; }

  // One coarse timer for the connection's life instead of one armed anew for each stage.
  void Tick() {
    const auto& options = core_->options;
    tick_timer_.expires_after(std::clamp<std::chrono::milliseconds>(
        std::min(options.idle_timeout, options.request_timeout) / 4, std::chrono::milliseconds(5),
        std::chrono::milliseconds(500)));
    tick_timer_.async_wait([self = Self()](error_code error) {
      if (error || self->closed_) return;
      if (Clock::now() >= self->deadline_) {
        self->Close();
      } else {
        self->Tick();
      }
    });
  }

  void Handshake() {
    if constexpr (kTls) {
      stream_.async_handshake(ssl::stream_base::server, [self = Self()](error_code error) {
        if (error) return self->Close();
        self->WaitForRequest();
      });
    } else {
      WaitForRequest();
    }
  }

  void WaitForRequest() {
    if (closed_) return;
    if (stop_asked_) return Close();
    ExpireAfter(core_->options.idle_timeout);
    waiting_ = true;
    if (watching_) return;
    if (buffer_.size() > 0) return ReadRequest();
    Watch();
  }

  // Reads the next request's first bytes; started while the present one is still being worked on,
  // so that a peer that gives up is noticed.
  void Watch() {
    watching_ = true;
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = Self()](error_code error, std::size_t bytes) {
                              self->watching_ = false;
                              if (error) return self->Close();
                              self->buffer_.commit(bytes);
                              if (self->waiting_) self->ReadRequest();
                            });
  }

  void ReadRequest() {
    if (closed_) return;
    waiting_ = false;
    ExpireAfter(core_->options.request_timeout);
    parser_.emplace();
    parser_->body_limit(core_->options.max_body_bytes);
    parser_->header_limit(static_cast<std::uint32_t>(core_->options.max_header_bytes));
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = Self()](error_code error, std::size_t) {
                              if (error) return self->OnReadError(error);
                              self->AnswerExpect();
                            });
  }

  void AnswerExpect() {
    if (!absl::EqualsIgnoreCase(View(parser_->get()[http::field::expect]), "100-continue"))
      return ReadBody();
    out_ = "HTTP/1.1 100 Continue\r\n\r\n";
    asio::async_write(stream_, asio::buffer(out_), [self = Self()](error_code error, std::size_t) {
      if (error) return self->Close();
      self->ReadBody();
    });
  }

  void ReadBody() {
    if (parser_->is_done()) return Dispatch();
    http::async_read(stream_, buffer_, *parser_, [self = Self()](error_code error, std::size_t) {
      if (error) return self->OnReadError(error);
      self->Dispatch();
    });
  }

  void OnReadError(error_code error) {
    if (closed_) return;
    int status = 400;
    if (error == http::error::body_limit) {
      status = 413;
    } else if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      status = 431;
    } else if (error.category() != http::make_error_code(http::error::bad_method).category() ||
               error == http::error::end_of_stream || error == http::error::partial_message) {
      return Close();  // the connection's fault, not the request's
    }
    HttpResponse response{.status = status, .headers = {}, .body = {}};
    out_ = SerializeHead(response, /*keep_alive=*/false);
    ExpireAfter(core_->options.idle_timeout);
    asio::async_write(stream_, asio::buffer(out_),
                      [self = Self()](error_code write_error, std::size_t) {
                        if (write_error) return self->Close();
                        self->Linger();
                      });
  }

  // The peer may still be sending: closing at once would reset the connection and take the reply
  // with it.
  void Linger() {
    error_code ignored;
    Lowest().shutdown(tcp::socket::shutdown_send, ignored);
    ExpireAfter(kLinger);
    Drain();
  }

  void Drain() {
    out_.resize(kReadBytes);
    Lowest().async_read_some(asio::buffer(out_), [self = Self()](error_code error, std::size_t) {
      if (error || self->closed_) return self->Close();
      self->Drain();
    });
  }

  void Dispatch() {
    if (closed_) return;
    auto message = parser_->release();
    parser_.reset();
    HttpServerRequest request;
    request.method = View(message.method_string());
    request.target = View(message.target());
    const std::size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
    for (const auto& field : message)
      request.headers.emplace_back(View(field.name_string()), View(field.value()));
    request.body = std::move(message.body());
    request.remote_address = remote_address_;
    keep_alive_ = message.keep_alive();
    head_ = message.method() == http::verb::head;

    deadline_ = Clock::time_point::max();
    SetBusy(true);
    awaiting_reply_ = true;
    if (!watching_ && buffer_.size() == 0) Watch();
    auto ticket = std::make_shared<ReplyTicket>();
    ticket->session = Self();
    core_->handler(std::move(request),
                   [ticket](HttpServerReply reply) { ticket->Use(std::move(reply)); });
  }

  void OnReplyDropped() {
    if (!awaiting_reply_) return;
    SetBusy(false);
    if (stop_asked_ || !watching_) Close();
  }

  void OnReply(HttpServerReply reply) {
    if (closed_ || !awaiting_reply_) return;
    awaiting_reply_ = false;
    if (reply.delay.count() <= 0) return Write(std::move(reply));
    delay_timer_.expires_after(reply.delay);
    delay_timer_.async_wait([self = Self(), reply = std::move(reply)](error_code error) mutable {
      if (!error && !self->closed_) self->Write(std::move(reply));
    });
  }

  void Write(HttpServerReply reply) {
    switch (reply.fault) {
      case WireFault::kReset:
        return Reset();
      case WireFault::kClose:
        return CloseInOrder();
      case WireFault::kTruncate:
      case WireFault::kResetMidBody:
        keep_alive_ = false;
        break;
      case WireFault::kSend:
        break;
    }
    const HttpResponse& response = reply.response;
    keep_alive_ = keep_alive_ && !stop_asked_ && !core_->stopping;
    out_ = SerializeHead(response, keep_alive_);
    const bool bodiless = head_ || response.status == 204 || response.status == 304;
    if (reply.fault == WireFault::kTruncate || reply.fault == WireFault::kResetMidBody) {
      out_.append(response.body, 0, response.body.size() / 2);
    } else if (!bodiless) {
      out_ += response.body;
    }
    ExpireAfter(core_->options.idle_timeout);
    const bool reset = reply.fault == WireFault::kResetMidBody;
    const auto written = [self = Self(), reset](error_code error, std::size_t) {
      self->SetBusy(false);
      if (error) return self->Close();
      if (reset) return self->Reset();
      if (!self->keep_alive_) return self->CloseInOrder();
      self->WaitForRequest();
    };
    asio::async_write(stream_, asio::buffer(out_), written);
  }

  void Reset() {
    error_code ignored;
    Lowest().set_option(asio::socket_base::linger(true, 0), ignored);
    Close();
  }

  void CloseInOrder() {
    if (closed_) return;
    if constexpr (kTls) {
      ExpireAfter(kLinger);
      stream_.async_shutdown([self = Self()](error_code) { self->Close(); });
    } else {
      error_code ignored;
      Lowest().shutdown(tcp::socket::shutdown_both, ignored);
      Close();
    }
  }

  void Close() {
    SetBusy(false);
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    Lowest().close(ignored);
    tick_timer_.cancel();
    delay_timer_.cancel();
    if (registered_) {
      const std::lock_guard lock(core_->mutex);
      core_->connections.erase(this);
    }
  }

  void SetBusy(bool busy) {
    if (busy_ == busy) return;
    busy_ = busy;
    core_->AddBusy(busy ? 1 : -1);
  }

  const std::shared_ptr<Core> core_;
  Stream stream_;
  Timer tick_timer_;
  Timer delay_timer_;
  std::string remote_address_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string out_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool registered_ = false;
  bool watching_ = false;        // a read of the next request's first bytes is under way
  bool waiting_ = false;         // nothing to do before that read returns
  bool busy_ = false;            // counted in core_->busy
  bool awaiting_reply_ = false;  // the handler has the request
  bool keep_alive_ = true;
  bool head_ = false;
  bool stop_asked_ = false;
  bool closed_ = false;
};

class BeastHttpServer : public HttpServer {
 public:
  BeastHttpServer(std::shared_ptr<Core> core, tcp::acceptor acceptor)
      : core_(std::move(core)),
        acceptor_(std::move(acceptor)),
        retry_timer_(core_->io),
        work_(asio::make_work_guard(core_->io)) {
    const auto bound = acceptor_.local_endpoint();
    const std::string host = bound.address().to_string();
    address_ = bound.address().is_v6() ? absl::StrCat("[", host, "]:", bound.port())
                                       : absl::StrCat(host, ":", bound.port());
    Accept();
    for (int i = 0; i < std::max(1, core_->options.threads); ++i)
      threads_.emplace_back([this] { core_->io.run(); });
  }

  ~BeastHttpServer() override {
    core_->stopping = true;
    asio::post(acceptor_.get_executor(), [this] {
      error_code ignored;
      acceptor_.close(ignored);
      retry_timer_.cancel();
    });
    StopConnections();  // the idle ones close now
    {
      std::unique_lock lock(core_->mutex);
      core_->idle.wait_for(lock, kLinger, [this] { return core_->busy == 0; });
    }
    CloseConnections();
    work_.reset();
    for (std::thread& thread : threads_) thread.join();
  }

  std::string address() const override { return address_; }

 private:
  void Accept() {
    acceptor_.async_accept(asio::make_strand(core_->io), [this](error_code error, Socket socket) {
      if (core_->stopping || error == asio::error::operation_aborted) return;
      if (error) {  // out of descriptors, most likely: give the others time to end
        retry_timer_.expires_after(std::chrono::milliseconds(50));
        retry_timer_.async_wait([this](error_code wait_error) {
          if (!wait_error && !core_->stopping) Accept();
        });
        return;
      }
      if (core_->tls) {
        std::make_shared<Session<TlsStream>>(core_, std::move(socket))->Start();
      } else {
        std::make_shared<Session<Socket>>(core_, std::move(socket))->Start();
      }
      Accept();
    });
  }

  std::vector<std::shared_ptr<Connection>> Connections() {
    std::vector<std::shared_ptr<Connection>> all;
    const std::lock_guard lock(core_->mutex);
    for (const auto& [unused, weak] : core_->connections) {
      if (auto connection = weak.lock()) all.push_back(std::move(connection));
    }
    return all;
  }

  void StopConnections() {
    for (const auto& connection : Connections()) connection->Stop();
  }

  // Until none is left: a connection may have been accepted, or a reply be under way, meanwhile.
  void CloseConnections() {
    for (;;) {
      const auto all = Connections();
      if (all.empty()) return;
      for (const auto& connection : all) connection->Abandon();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }

  const std::shared_ptr<Core> core_;
  tcp::acceptor acceptor_;
  asio::steady_timer retry_timer_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  std::string address_;
  std::vector<std::thread> threads_;
};

absl::Status LoadTls(const HttpServerOptions& options, std::optional<ssl::context>& tls) {
  tls.emplace(ssl::context::tls_server);
  SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_2_VERSION);
  error_code error;
  tls->use_certificate_chain_file(options.tls_certificate_file, error);
  if (error)
    return absl::InvalidArgumentError(
        absl::StrCat(options.tls_certificate_file, ": ", error.message()));
  tls->use_private_key_file(options.tls_key_file, ssl::context::pem, error);
  if (error)
    return absl::InvalidArgumentError(absl::StrCat(options.tls_key_file, ": ", error.message()));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options,
                                                              HttpHandler handler) {
  auto core = std::make_shared<Core>();
  core->options = options;
  core->handler = std::move(handler);
  if (!options.tls_certificate_file.empty()) {
    if (absl::Status status = LoadTls(options, core->tls); !status.ok()) return status;
  }

  const auto unavailable = [&](const error_code& error) {
    return absl::UnavailableError(absl::StrCat("listen ", options.listen, ": ", error.message()));
  };
  const std::size_t colon = options.listen.rfind(':');
  if (colon == std::string::npos)
    return absl::InvalidArgumentError(absl::StrCat("listen ", options.listen, ": want host:port"));
  std::string host = options.listen.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  if (host.empty()) host = "0.0.0.0";

  error_code error;
  tcp::resolver resolver(core->io);
  const auto found =
      resolver.resolve(host, options.listen.substr(colon + 1),
                       tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error) return unavailable(error);
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::acceptor acceptor(core->io);
  if (acceptor.open(endpoint.protocol(), error); error) return unavailable(error);
  acceptor.set_option(asio::socket_base::reuse_address(true), error);
  if (acceptor.bind(endpoint, error); error) return unavailable(error);
  if (acceptor.listen(SOMAXCONN, error); error) return unavailable(error);
  return std::make_unique<BeastHttpServer>(std::move(core), std::move(acceptor));
}

}  // namespace psups
