#include "common/channel.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/metrics.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"
#include "grpcpp/support/client_interceptor.h"

namespace psups {
namespace {

const SecondsMetric kCallSeconds(
    "psups_rpc_client_seconds", "Time of an RPC that this service makes of another, to its status.",
    {"method", "code"});

constexpr unsigned kCertificateRefreshSeconds = 10;

using File = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Certificate ReadCertificate(const std::string& path) {
  const File file(BIO_new_file(path.c_str(), "r"), BIO_free);
  X509* certificate =
      file == nullptr ? nullptr : PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr);
  return Certificate(certificate, X509_free);
}

absl::Status CheckCertificate(const std::string& path, const Certificate& certificate) {
  if (certificate == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", path, ": cannot be read as PEM; make it anew (make up does)"));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.get())) < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "certificate ", path, ": expired; issue a new one and put it in the file's place"));
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate.get())) > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("certificate ", path, ": not valid yet; is this machine's clock right?"));
  }
  return absl::OkStatus();
}

// Of a list of addresses the host of the first, in whose name all of them show a certificate; empty
// for a single name, which stands for itself.
std::string HostOfList(const std::string& address) {
  if (!absl::StartsWith(address, "ipv4:") && !absl::StartsWith(address, "ipv6:")) return "";
  const auto begin = address.find(':') + 1;
  const std::string first = address.substr(begin, address.find(',') - begin);
  return first.substr(0, first.rfind(':'));
}

// Measures each call that this process makes of a peer.
class Recorder : public grpc::experimental::Interceptor {
 public:
  explicit Recorder(grpc::experimental::ClientRpcInfo* info)
      : method_(info->method()), start_(std::chrono::steady_clock::now()) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    using Point = grpc::experimental::InterceptionHookPoints;
    if (methods->QueryInterceptionHookPoint(Point::POST_RECV_STATUS)) {
      const absl::StatusCode code = FromGrpc(*methods->GetRecvStatus()).code();
      const auto taken = std::chrono::steady_clock::now() - start_;
      Seconds(code).Observe(std::chrono::duration<double>(taken).count());
    }
    methods->Proceed();
  }

 private:
  prometheus::Histogram& Seconds(absl::StatusCode code) const {
    static std::mutex mutex;
    static std::map<std::pair<std::string, absl::StatusCode>, prometheus::Histogram*> made;
    std::lock_guard lock(mutex);
    prometheus::Histogram*& entry = made[{method_, code}];
    if (entry == nullptr) entry = &kCallSeconds(method_, absl::StatusCodeToString(code));
    return *entry;
  }

  const char* const method_;
  const std::chrono::steady_clock::time_point start_;
};

class RecorderFactory : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  grpc::experimental::Interceptor* CreateClientInterceptor(
      grpc::experimental::ClientRpcInfo* info) override {
    return new Recorder(info);  // gRPC owns it
  }
};

}  // namespace

absl::Status CheckTlsFiles(const TlsFiles& tls) {
  const Certificate authority = ReadCertificate(tls.authority);
  if (absl::Status status = CheckCertificate(tls.authority, authority); !status.ok()) return status;
  const Certificate own = ReadCertificate(tls.certificate);
  if (absl::Status status = CheckCertificate(tls.certificate, own); !status.ok()) return status;
  const File file(BIO_new_file(tls.key.c_str(), "r"), BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      file == nullptr ? nullptr : PEM_read_bio_PrivateKey(file.get(), nullptr, nullptr, nullptr),
      EVP_PKEY_free);
  if (key == nullptr || X509_check_private_key(own.get(), key.get()) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "key ", tls.key, ": cannot be read, or is not of ", tls.certificate, "; issue both anew"));
  }
  return absl::OkStatus();
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, const TlsFiles& tls) {
  auto provider = std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
      tls.key, tls.certificate, tls.authority, kCertificateRefreshSeconds);
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(provider);
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  grpc::ChannelArguments arguments;
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 200);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 30'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10'000);
  arguments.SetMaxReceiveMessageSize(16 << 20);  // the labels of 200 packages
  // gRPC would look for a certificate for the whole list.
  const std::string host = HostOfList(address);
  if (!host.empty()) arguments.SetString(GRPC_ARG_DEFAULT_AUTHORITY, host);
  std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(std::make_unique<RecorderFactory>());
  return grpc::experimental::CreateCustomChannelWithInterceptors(
      address, grpc::experimental::TlsCredentials(options), arguments, std::move(interceptors));
}

void PrepareCall(grpc::ClientContext& context, absl::Duration timeout, std::string_view trace_id) {
  context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMicroseconds(timeout));
  context.AddMetadata("traceparent",
                      MakeTraceparent(trace_id.empty() ? RandomHex128() : std::string(trace_id)));
}

}  // namespace psups
