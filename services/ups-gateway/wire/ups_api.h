#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "common/http_client.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// UPS by HTTPS: the headers that all calls have in common, the account's host and authorities, and
// the time of each call as a metric.
class HttpUpsApi : public UpsApi {
 public:
  explicit HttpUpsApi(std::unique_ptr<HttpClient> http) : http_(std::move(http)) {}

  void Send(const Account& account, UpsRequest request,
            std::function<void(HttpOutcome)> done) override;

  // Ends every call that is on its way, and each later one at once, CANCELLED.
  void Close();

 private:
  // A path under which libcurl finds the PEM; no file is written.
  std::string BundleFile(const std::string& pem);

  std::mutex mutex_;
  std::shared_ptr<HttpClient> http_;            // null: closed
  std::map<std::string, std::string> bundles_;  // PEM to path
};

}  // namespace psups::ups_gateway
