#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/http_client.h"
#include "common/http_server.h"

namespace psups {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// A self-signed certificate for 127.0.0.1, made once for the whole binary.
struct Certificate {
  std::string certificate_file;
  std::string key_file;
};

const Certificate& TestCertificate() {
  static const Certificate made = [] {
    const std::string folder = ::testing::TempDir() + absl::StrCat("/http_test_", getpid());
    std::filesystem::create_directories(folder);
    Certificate certificate{folder + "/cert.pem", folder + "/key.pem"};
    const std::string command = absl::StrCat(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=t ",
        "-addext subjectAltName=IP:127.0.0.1 -keyout ", certificate.key_file, " -out ",
        certificate.certificate_file, " 2>/dev/null");
    EXPECT_EQ(std::system(command.c_str()), 0);
    return certificate;
  }();
  return made;
}

// Counts what reached it, by path, and does what each test's `behave` says.
class HttpTest : public ::testing::Test {
 protected:
  using Behaviour = std::function<void(HttpServerRequest, HttpReplyFunction)>;

  void StartServer(Behaviour behave, HttpServerOptions options = {}) {
    auto started = HttpServer::Start(
        options, [this, behave](HttpServerRequest request, HttpReplyFunction reply) {
          {
            const std::lock_guard lock(mutex_);
            ++requests_[request.path];
            connections_.insert(request.remote_address);
          }
          behave(std::move(request), std::move(reply));
        });
    ASSERT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    scheme_ = options.tls_certificate_file.empty() ? "http://" : "https://";
  }

  static void Echo(HttpServerRequest request, HttpReplyFunction reply) {
    reply({.response = {
               .status = 200, .headers = {{"X-Method", request.method}}, .body = request.body}});
  }

  HttpRequest Request(std::string method, const std::string& path, std::string body = {}) {
    HttpRequest request;
    request.method = std::move(method);
    request.url = scheme_ + server_->address() + path;
    request.body = std::move(body);
    request.total_timeout = 5s;
    if (scheme_ == "https://") request.ca_bundle_file = TestCertificate().certificate_file;
    return request;
  }

  int Requests(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return requests_[path];
  }
  std::size_t Connections() {
    const std::lock_guard lock(mutex_);
    return connections_.size();
  }

  std::mutex mutex_;
  std::map<std::string, int> requests_;
  std::set<std::string> connections_;
  std::string scheme_ = "http://";
  std::unique_ptr<HttpServer> server_;
  std::unique_ptr<HttpClient> client_ = HttpClient::Create();
};

// A bare listener whose connections a test handles by hand.
class RawListener {
 public:
  RawListener() : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    socklen_t size = sizeof(address);
    getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~RawListener() {
    if (socket_ >= 0) close(socket_);
  }
  int port() const { return port_; }
  int Accept() const { return accept(socket_, nullptr, nullptr); }
  void Close() {
    close(socket_);
    socket_ = -1;
  }

 private:
  int socket_;
  int port_ = 0;
};

int ConnectTo(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  return fd;
}

void SendText(int fd, const std::string& text) {
  EXPECT_EQ(send(fd, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

std::string ReadToEnd(int fd) {
  std::string all;
  char chunk[4096];
  for (ssize_t n = 0; (n = recv(fd, chunk, sizeof(chunk), 0)) > 0;) all.append(chunk, n);
  return all;
}

std::string ReadUntil(int fd, const std::string& mark) {
  std::string all;
  char c = 0;
  while (all.find(mark) == all.npos && recv(fd, &c, 1, 0) == 1) all += c;
  return all;
}

TEST(HttpMessageTest, PercentCodingRoundTripsEveryByte) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(PercentDecode(PercentEncode(all)), all);
  EXPECT_EQ(PercentEncode("A b+c/~"), "A%20b%2Bc%2F~");
  EXPECT_EQ(PercentDecode("a+b%2"), "a+b%2");
  EXPECT_EQ(PercentDecode("%zz%41"), "%zzA");
}

TEST(HttpMessageTest, HeaderNamesCompareWithoutCase) {
  const HttpHeaders headers = {{"transId", "1"}, {"Content-Type", "text/plain"}};
  EXPECT_EQ(FindHeader(headers, "TRANSID"), "1");
  EXPECT_EQ(FindHeader(headers, "content-type"), "text/plain");
  EXPECT_EQ(FindHeader(headers, "accept"), "");
}

TEST(HttpMessageTest, BasicAuthorizationIsBase64OfUserAndPassword) {
  EXPECT_EQ(BasicAuthorization("Aladdin", "open sesame"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
}

TEST_F(HttpTest, RequestAndReplyRoundTrip) {
  StartServer([](HttpServerRequest request, HttpReplyFunction reply) {
    EXPECT_EQ(request.method, "PUT");
    EXPECT_EQ(request.target, "/a%20b?x=1&y=%2F");
    EXPECT_EQ(request.path, "/a%20b");
    EXPECT_EQ(request.query, "x=1&y=%2F");
    EXPECT_EQ(FindHeader(request.headers, "X-Empty"), "");
    EXPECT_EQ(FindHeader(request.headers, "Expect"), "");
    EXPECT_EQ(FindHeader(request.headers, "X-Mine"), "yes");
    EXPECT_THAT(request.remote_address, HasSubstr("127.0.0.1:"));
    reply(
        {.response = {.status = 201, .headers = {{"X-Yours", "no"}}, .body = request.body + "!"}});
  });
  HttpRequest request = Request("PUT", "/a%20b?x=1&y=%2F", std::string(300'000, 'x'));
  request.headers = {{"X-Mine", "yes"}, {"X-Empty", ""}};
  const HttpOutcome outcome = client_->Send(request);
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->status, 201);
  EXPECT_EQ(FindHeader(outcome.response->headers, "x-yours"), "no");
  EXPECT_NE(FindHeader(outcome.response->headers, "Date"), "");
  EXPECT_EQ(outcome.response->body.size(), 300'001u);
  EXPECT_TRUE(outcome.body_started);
  EXPECT_GT(outcome.duration.count(), 0);
}

TEST_F(HttpTest, EveryMethodArrivesAsItWasGiven) {
  StartServer(Echo);
  for (const std::string method : {"GET", "POST", "PUT", "DELETE", "HEAD", "PATCH"}) {
    const HttpOutcome outcome = client_->Send(Request(method, "/m"));
    ASSERT_TRUE(outcome.response.ok()) << method << outcome.response.status();
    EXPECT_EQ(FindHeader(outcome.response->headers, "X-Method"), method);
    EXPECT_FALSE(outcome.body_started);
  }
  const HttpOutcome outcome = client_->Send(Request("DELETE", "/m", "body"));
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->body, "body");
  EXPECT_EQ(Connections(), 1u) << "one kept connection carries them all";
}

TEST_F(HttpTest, AHundredCallsInTurnUseOneConnectionAndSaySo) {
  StartServer(Echo);
  int made = 0;
  int reused = 0;
  for (int i = 0; i < 100; ++i) {
    const HttpOutcome outcome = client_->Send(Request("POST", "/again", "body"));
    ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
    made += outcome.new_connections;
    reused += outcome.reused_connection ? 1 : 0;
  }
  EXPECT_EQ(made, 1);
  EXPECT_EQ(reused, 99);
  EXPECT_EQ(Connections(), 1u);
}

TEST_F(HttpTest, ACallThatNeverConnectedUsedNoConnection) {
  StartServer(Echo);
  HttpRequest request = Request("POST", "/", "body");
  server_ = nullptr;  // nobody listens there now
  const HttpOutcome outcome = client_->Send(std::move(request));
  EXPECT_FALSE(outcome.response.ok());
  EXPECT_EQ(outcome.new_connections, 0);
  EXPECT_FALSE(outcome.reused_connection);
}

TEST_F(HttpTest, RoundTripOverTlsChecksTheCertificate) {
  StartServer(Echo, {.tls_certificate_file = TestCertificate().certificate_file,
                     .tls_key_file = TestCertificate().key_file});
  const HttpOutcome outcome = client_->Send(Request("POST", "/", std::string(200'000, 'y')));
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->body.size(), 200'000u);

  HttpRequest untrusting = Request("POST", "/untrusted", "secret");
  untrusting.ca_bundle_file.clear();
  const HttpOutcome refused = client_->Send(untrusting);
  EXPECT_EQ(refused.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(refused.response.status().message()), HasSubstr("certificate"));
  EXPECT_FALSE(refused.body_started);
  EXPECT_EQ(Requests("/untrusted"), 0);
}

TEST_F(HttpTest, UnusableCertificateIsNamed) {
  const auto server = HttpServer::Start(
      {.tls_certificate_file = "/nowhere/cert.pem", .tls_key_file = "/nowhere/key.pem"}, Echo);
  EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("/nowhere/cert.pem"));
}

TEST_F(HttpTest, TakenPortIsUnavailableAndNamed) {
  StartServer(Echo);
  const auto second = HttpServer::Start({.listen = server_->address()}, Echo);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(server_->address()));
}

TEST_F(HttpTest, BodyAboveTheLimitIs413) {
  StartServer(Echo, {.max_body_bytes = 1000});
  EXPECT_EQ(client_->Send(Request("POST", "/fits", std::string(1000, 'x'))).response->status, 200);
  const HttpOutcome outcome = client_->Send(Request("POST", "/big", std::string(5'000'000, 'x')));
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->status, 413);
  EXPECT_EQ(Requests("/big"), 0);
}

TEST_F(HttpTest, ChunkedBodyAboveTheLimitIs413) {
  StartServer(Echo, {.max_body_bytes = 1000});
  const int fd = ConnectTo(server_->address());
  SendText(fd, "POST /big HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3; ++i) SendText(fd, "200\r\n" + std::string(512, 'x') + "\r\n");
  EXPECT_THAT(ReadToEnd(fd), HasSubstr("HTTP/1.1 413 "));
  close(fd);
}

TEST_F(HttpTest, HeadersAboveTheLimitAre431) {
  StartServer(Echo, {.max_header_bytes = 4096});
  HttpRequest request = Request("GET", "/");
  request.headers = {{"X-Large", std::string(8000, 'x')}};
  const HttpOutcome outcome = client_->Send(request);
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->status, 431);
}

TEST_F(HttpTest, NonsenseIs400) {
  StartServer(Echo);
  const int fd = ConnectTo(server_->address());
  SendText(fd, "this is not HTTP\r\n\r\n");
  EXPECT_THAT(ReadToEnd(fd), HasSubstr("HTTP/1.1 400 "));
  close(fd);
}

TEST_F(HttpTest, ExpectContinueIsAnswered) {
  StartServer(Echo);
  const int fd = ConnectTo(server_->address());
  SendText(fd,
           "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
           "Connection: close\r\n\r\n");
  EXPECT_EQ(ReadUntil(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  SendText(fd, "ok");
  const std::string reply = ReadToEnd(fd);
  EXPECT_THAT(reply, HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
  close(fd);
}

TEST_F(HttpTest, PipelinedRequestsAreAnsweredInOrder) {
  std::vector<std::thread> threads;
  StartServer([&](HttpServerRequest request, HttpReplyFunction reply) {
    threads.emplace_back([path = request.path, reply] {  // the first reply is the slowest
      std::this_thread::sleep_for(path == "/1" ? 50ms : 0ms);
      reply({.response = {.status = 200, .headers = {}, .body = "reply" + path + ";"}});
    });
  });
  const int fd = ConnectTo(server_->address());
  SendText(fd,
           "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
           "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string all = ReadToEnd(fd);
  close(fd);
  EXPECT_LT(all.find("reply/1;"), all.find("reply/2;"));
  EXPECT_LT(all.find("reply/2;"), all.find("reply/3;"));
  EXPECT_NE(all.find("reply/3;"), all.npos);
  for (std::thread& thread : threads) thread.join();
}

TEST_F(HttpTest, IdleAndHalfSentConnectionsAreClosed) {
  StartServer(Echo, {.idle_timeout = 50ms, .request_timeout = 50ms});
  const int idle = ConnectTo(server_->address());
  const int half = ConnectTo(server_->address());
  SendText(half, "POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(ReadToEnd(idle), "");
  EXPECT_EQ(ReadToEnd(half), "");
  close(idle);
  close(half);
}

TEST_F(HttpTest, WithheldReplyEndsInDeadlineExceededWithTheBodyStarted) {
  std::promise<HttpReplyFunction> kept;
  StartServer(
      [&](HttpServerRequest, HttpReplyFunction reply) { kept.set_value(std::move(reply)); });
  HttpRequest request = Request("POST", "/", "body");
  request.total_timeout = 500ms;
  const HttpOutcome outcome = client_->Send(request);
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(outcome.body_started);
  EXPECT_GE(outcome.duration, 500ms);
  kept.get_future().get()({});  // too late: dropped
}

TEST_F(HttpTest, DroppedReplyHoldsTheConnectionUntilTheClientGivesUp) {
  StartServer([](HttpServerRequest, HttpReplyFunction) {});
  HttpRequest request = Request("GET", "/");
  request.total_timeout = 100ms;
  EXPECT_EQ(client_->Send(request).response.status().code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(HttpTest, ResetOrCloseAfterTheRequestIsUnavailableWithTheBodyStarted) {
  for (const bool tls : {false, true}) {
    for (const WireFault fault : {WireFault::kReset, WireFault::kClose}) {
      HttpServerOptions options;
      if (tls) {
        options.tls_certificate_file = TestCertificate().certificate_file;
        options.tls_key_file = TestCertificate().key_file;
      }
      StartServer([fault](HttpServerRequest, HttpReplyFunction reply) { reply({.fault = fault}); },
                  options);
      const HttpOutcome outcome = client_->Send(Request("POST", "/x", "body"));
      EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_TRUE(outcome.body_started);
      EXPECT_LT(outcome.duration, 4s) << "noticed, not timed out";
    }
  }
  EXPECT_EQ(Requests("/x"), 4);
}

TEST_F(HttpTest, ResetBeforeTheRequestLeavesTheBodyUnstarted) {
  RawListener listener;
  std::thread peer([&] {
    const int fd = listener.Accept();
    const linger now{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
  });
  HttpRequest request;
  request.method = "POST";
  request.url = absl::StrCat("https://127.0.0.1:", listener.port(), "/");  // dies in the handshake
  request.body = "body";
  const HttpOutcome outcome = client_->Send(request);
  peer.join();
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(outcome.body_started);
}

TEST_F(HttpTest, RefusedConnectionIsUnavailableAndNamesTheHostOnly) {
  RawListener listener;
  const int port = listener.port();
  listener.Close();
  HttpRequest request;
  request.method = "POST";
  request.url = absl::StrCat("http://127.0.0.1:", port, "/private-path?private=query");
  request.body = "body";
  const HttpOutcome outcome = client_->Send(request);
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(outcome.body_started);
  const std::string message(outcome.response.status().message());
  EXPECT_THAT(message, HasSubstr(absl::StrCat("127.0.0.1:", port)));
  EXPECT_THAT(message, HasSubstr("Connection refused"));
  EXPECT_THAT(message, Not(HasSubstr("private")));
}

TEST_F(HttpTest, ConnectTimeoutIsUnavailableNotInDoubt) {
  RawListener listener;  // its backlog accepts the connection, the TLS handshake never ends
  HttpRequest request;
  request.method = "POST";
  request.url = absl::StrCat("https://127.0.0.1:", listener.port(), "/");
  request.body = "body";
  request.connect_timeout = 100ms;
  const HttpOutcome outcome = client_->Send(request);
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_FALSE(outcome.body_started);
}

TEST_F(HttpTest, BeforeBodySayingNoMeansNoRequestReachesTheServer) {
  StartServer(Echo);
  HttpRequest request = Request("POST", "/never", "body");
  request.before_body = [] { return false; };
  const HttpOutcome outcome = client_->Send(request);
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kAborted);
  EXPECT_FALSE(outcome.body_started);
  EXPECT_EQ(Requests("/never"), 0);
}

TEST_F(HttpTest, BeforeBodyIsAskedOnceAndNeverForARequestWithoutBody) {
  StartServer(Echo);
  int asked = 0;
  HttpRequest request = Request("POST", "/", std::string(500'000, 'x'));
  request.before_body = [&] { return ++asked > 0; };
  EXPECT_TRUE(client_->Send(request).response.ok());
  EXPECT_EQ(asked, 1);
  request.body.clear();
  EXPECT_TRUE(client_->Send(request).response.ok());
  EXPECT_EQ(asked, 1);
}

TEST_F(HttpTest, PostOnAKeptConnectionThatDiesWithoutAByteIsNeverSentTwice) {
  for (const WireFault fault : {WireFault::kClose, WireFault::kReset}) {
    for (const std::string body : {"body", ""}) {
      requests_.clear();
      std::atomic<bool> die = false;
      StartServer([&](HttpServerRequest request, HttpReplyFunction reply) {
        if (die) return reply({.fault = fault});
        Echo(std::move(request), std::move(reply));
      });
      ASSERT_TRUE(client_->Send(Request("POST", "/buy", body)).response.ok());
      die = true;
      const HttpOutcome outcome = client_->Send(Request("POST", "/buy", body));
      EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_EQ(outcome.body_started, !body.empty());
      EXPECT_EQ(Requests("/buy"), 2) << "one that was answered, one that was not";
      server_.reset();
    }
  }
}

TEST_F(HttpTest, LargePostOnADyingKeptConnectionIsNeverSentTwice) {
  std::atomic<int> posts = 0;
  RawListener listener;
  std::thread peer([&] {
    int fd = listener.Accept();
    ReadUntil(fd, "\r\n\r\n");
    SendText(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    if (ReadUntil(fd, "\r\n\r\n").starts_with("POST")) ++posts;
    close(fd);  // with most of the body unread: a reset
    listener.Close();
  });
  HttpRequest request;
  request.url = absl::StrCat("http://127.0.0.1:", listener.port(), "/");
  ASSERT_TRUE(client_->Send(request).response.ok());
  request.method = "POST";
  request.body = std::string(8'000'000, 'x');
  const HttpOutcome outcome = client_->Send(request);
  peer.join();
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(outcome.body_started);
  EXPECT_EQ(posts, 1);
}

TEST_F(HttpTest, PostAfterTheServerClosedTheIdleConnectionGoesOverANewOne) {
  StartServer(Echo, {.idle_timeout = 30ms});
  ASSERT_TRUE(client_->Send(Request("POST", "/buy", "1")).response.ok());
  std::this_thread::sleep_for(700ms);
  EXPECT_TRUE(client_->Send(Request("POST", "/buy", "2")).response.ok());
  EXPECT_EQ(Requests("/buy"), 2);
  EXPECT_EQ(Connections(), 2u);
}

TEST_F(HttpTest, TruncatedReplyIsAnError) {
  for (const bool tls : {false, true}) {
    HttpServerOptions options;
    if (tls) {
      options.tls_certificate_file = TestCertificate().certificate_file;
      options.tls_key_file = TestCertificate().key_file;
    }
    StartServer(
        [](HttpServerRequest, HttpReplyFunction reply) {
          reply({.response = {.status = 200, .headers = {}, .body = std::string(1000, 'z')},
                 .fault = WireFault::kTruncate});
        },
        options);
    const HttpOutcome outcome = client_->Send(Request("POST", "/", "body"));
    EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kUnavailable);
    EXPECT_TRUE(outcome.body_started);
  }
}

TEST_F(HttpTest, RedirectIsAReplyAndNotFollowed) {
  StartServer([this](HttpServerRequest, HttpReplyFunction reply) {
    reply({.response = {.status = 302,
                        .headers = {{"Location", "http://" + server_->address() + "/elsewhere"}},
                        .body = {}}});
  });
  const HttpOutcome outcome = client_->Send(Request("GET", "/here"));
  ASSERT_TRUE(outcome.response.ok());
  EXPECT_EQ(outcome.response->status, 302);
  EXPECT_EQ(Requests("/elsewhere"), 0);
}

TEST_F(HttpTest, ReplyLargerThanTheLimitIsResourceExhausted) {
  StartServer([](HttpServerRequest, HttpReplyFunction reply) {
    reply({.response = {.status = 200, .headers = {}, .body = std::string(100'000, 'z')}});
  });
  HttpRequest request = Request("GET", "/");
  request.max_response_bytes = 99'999;
  EXPECT_EQ(client_->Send(request).response.status().code(), absl::StatusCode::kResourceExhausted);
  request.max_response_bytes = 100'000;
  EXPECT_TRUE(client_->Send(request).response.ok());
}

TEST_F(HttpTest, HostileHeadersAndUrlsAreRefused) {
  StartServer(Echo);
  HttpRequest request = Request("GET", "/");
  request.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_EQ(client_->Send(request).response.status().code(), absl::StatusCode::kInvalidArgument);
  for (const std::string url : {"ftp://127.0.0.1/", "file:///etc/hostname", "http://", "nonsense",
                                "http://127.0.0.1/a b"}) {
    HttpRequest bad;
    bad.url = url;
    EXPECT_EQ(client_->Send(bad).response.status().code(), absl::StatusCode::kInvalidArgument)
        << url;
  }
}

TEST_F(HttpTest, AnAddressOfTheMachinesOwnCloudIsNeverCalled) {
  for (const char* host :
       {"169.254.169.254", "169.254.1.1", "[fe80::1]", "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]", "100.100.100.200", "168.63.129.16"}) {
    const HttpOutcome outcome = client_->Send({.url = absl::StrCat("http://", host, "/latest")});
    EXPECT_TRUE(absl::IsFailedPrecondition(outcome.response.status())) << host;
    EXPECT_FALSE(outcome.body_started);
  }
}

TEST_F(HttpTest, TwoHundredRequestsAreInFlightTogether) {
  constexpr int kRequests = 200;
  std::mutex mutex;
  std::vector<HttpReplyFunction> waiting;
  StartServer([&](HttpServerRequest, HttpReplyFunction reply) {
    std::vector<HttpReplyFunction> ready;
    {
      const std::lock_guard lock(mutex);
      waiting.push_back(std::move(reply));
      if (waiting.size() == kRequests) ready.swap(waiting);  // nobody is answered before all came
    }
    for (auto& answer : ready) answer({.response = {.status = 200, .headers = {}, .body = "all"}});
  });
  std::atomic<int> good = 0;
  std::atomic<int> left = kRequests;
  std::promise<void> all_done;
  for (int i = 0; i < kRequests; ++i) {
    client_->Send(Request("POST", "/", "body"), [&](HttpOutcome outcome) {
      if (outcome.response.ok() && outcome.response->body == "all") ++good;
      if (--left == 0) all_done.set_value();
    });
  }
  ASSERT_EQ(all_done.get_future().wait_for(10s), std::future_status::ready);
  EXPECT_EQ(good, kRequests);
}

TEST_F(HttpTest, MoreRequestsThanConnectionsWaitTheirTurnAndTheirTimeoutCounts) {
  StartServer([](HttpServerRequest, HttpReplyFunction) {});
  auto narrow = HttpClient::Create(/*max_connections_per_host=*/1);
  std::promise<void> first_done;
  narrow->Send(Request("POST", "/1", "x"), [&](HttpOutcome) { first_done.set_value(); });
  HttpRequest second = Request("POST", "/2", "x");
  second.total_timeout = 100ms;
  const HttpOutcome outcome = narrow->Send(second);
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_FALSE(outcome.body_started);
  narrow.reset();
  first_done.get_future().wait();
}

TEST_F(HttpTest, ClosingTheClientCancelsWhatIsInFlight) {
  StartServer([](HttpServerRequest, HttpReplyFunction) {});
  std::promise<HttpOutcome> promise;
  client_->Send(Request("POST", "/", "body"),
                [&](HttpOutcome outcome) { promise.set_value(std::move(outcome)); });
  while (Requests("/") == 0) std::this_thread::yield();
  client_.reset();
  const HttpOutcome outcome = promise.get_future().get();
  EXPECT_EQ(outcome.response.status().code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(outcome.body_started);
}

TEST_F(HttpTest, ClosingTheServerLetsTheReplyInFlightOut) {
  std::promise<HttpReplyFunction> taken;
  StartServer(
      [&](HttpServerRequest, HttpReplyFunction reply) { taken.set_value(std::move(reply)); });
  std::promise<HttpOutcome> promise;
  client_->Send(Request("POST", "/", "body"),
                [&](HttpOutcome outcome) { promise.set_value(std::move(outcome)); });
  HttpReplyFunction reply = taken.get_future().get();
  std::thread late([&] {
    std::this_thread::sleep_for(100ms);
    reply({.response = {.status = 200, .headers = {}, .body = "late"}});
  });
  server_.reset();
  const HttpOutcome outcome = promise.get_future().get();
  late.join();
  ASSERT_TRUE(outcome.response.ok()) << outcome.response.status();
  EXPECT_EQ(outcome.response->body, "late");
}

TEST_F(HttpTest, ReplyAfterTheServerIsGoneIsDropped) {
  std::promise<HttpReplyFunction> taken;
  StartServer(
      [&](HttpServerRequest, HttpReplyFunction reply) { taken.set_value(std::move(reply)); });
  client_->Send(Request("POST", "/", "body"), nullptr);
  HttpReplyFunction reply = taken.get_future().get();
  server_.reset();
  reply({});
}

TEST_F(HttpTest, DelayedReplyDoesNotHoldOthersUp) {
  StartServer(
      [](HttpServerRequest request, HttpReplyFunction reply) {
        reply({.response = {}, .delay = request.path == "/slow" ? 1000ms : 0ms});
      },
      {.threads = 1});
  std::promise<HttpOutcome> slow;
  std::future<HttpOutcome> slow_done = slow.get_future();
  client_->Send(Request("GET", "/slow"),
                [&](HttpOutcome outcome) { slow.set_value(std::move(outcome)); });
  EXPECT_TRUE(client_->Send(Request("GET", "/fast")).response.ok());
  EXPECT_EQ(slow_done.wait_for(0s), std::future_status::timeout);
  EXPECT_GE(slow_done.get().duration, 1000ms);
}

}  // namespace
}  // namespace psups
