#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/http_server.h"
#include "tests/sandbox/peoplesoft/config.h"
#include "tests/sandbox/peoplesoft/site.h"

namespace psups::peoplesoft_sandbox {

// A site that listens: PeopleSoft's side and the admin API, each on its own port.
class Sandbox {
 public:
  // With `journal_file` the journal is also appended there.
  static absl::StatusOr<std::unique_ptr<Sandbox>> Start(SiteConfig config,
                                                        const std::string& journal_file = "",
                                                        Site::Now now = WallTime);

  std::string api_address() const { return api_->address(); }
  std::string admin_address() const { return admin_->address(); }

 private:
  Sandbox(SiteConfig config, Site::Now now) : site_(std::move(config), std::move(now)) {}

  Site site_;
  std::unique_ptr<HttpServer> admin_ = {};
  std::unique_ptr<HttpServer> api_ = {};
};

}  // namespace psups::peoplesoft_sandbox
