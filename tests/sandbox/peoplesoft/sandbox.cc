#include "tests/sandbox/peoplesoft/sandbox.h"

#include <utility>

#include "tests/sandbox/peoplesoft/admin.h"

namespace psups::peoplesoft_sandbox {

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Start(SiteConfig config,
                                                        const std::string& journal_file,
                                                        Site::Now now) {
  HttpServerOptions api;
  api.listen = config.api_listen;
  api.tls_certificate_file = config.tls_certificate_file;
  api.tls_key_file = config.tls_key_file;
  api.max_body_bytes = 8 << 20;

  // Whole data sets are loaded in one request.
  HttpServerOptions admin;
  admin.listen = config.admin_listen;
  admin.max_body_bytes = std::size_t{1} << 30;
  admin.request_timeout = std::chrono::minutes(10);

  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(config), std::move(now)));
  Site& site = sandbox->site_;
  if (!journal_file.empty()) {
    if (absl::Status status = site.AppendJournalTo(journal_file); !status.ok()) return status;
  }
  auto api_server = HttpServer::Start(
      api, [&site](const HttpServerRequest& request, const HttpReplyFunction& reply) {
        site.Handle(request, reply);
      });
  if (!api_server.ok()) return api_server.status();
  sandbox->api_ = *std::move(api_server);

  auto admin_server = HttpServer::Start(
      admin, [&site](const HttpServerRequest& request, const HttpReplyFunction& reply) {
        reply({.response = Administer(site, request)});
      });
  if (!admin_server.ok()) return admin_server.status();
  sandbox->admin_ = *std::move(admin_server);
  return sandbox;
}

}  // namespace psups::peoplesoft_sandbox
