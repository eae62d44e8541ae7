#include "tests/sandbox/ups/sandbox.h"

#include <set>
#include <utility>

#include "tests/sandbox/ups/recovery.h"
#include "tests/sandbox/ups/ship.h"
#include "tests/sandbox/ups/subscribe.h"
#include "tests/sandbox/ups/track.h"
#include "tests/sandbox/ups/void_shipment.h"

namespace psups::ups_sandbox {
namespace {

constexpr char kHtmlPage[] =
    "<html><head><title>Service Unavailable</title></head>"
    "<body><h1>Service Unavailable</h1></body></html>\n";

// Every list of one becomes its element, as older versions of UPS's API write it.
void Singletons(Json& json) {
  if (json.is_array() && json.size() == 1) json = Json(json[0]);
  if (json.is_structured()) {
    for (Json& below : json) Singletons(below);
  }
}

HttpResponse Html(int status) {
  return {.status = status,
          .headers = {{"Content-Type", "text/html;charset=UTF-8"}},
          .body = kHtmlPage};
}

HttpResponse Failure(const FaultRule& fault) {
  if (!fault.body.empty()) {
    return {.status = fault.status,
            .headers = {{"Content-Type", "application/json;charset=UTF-8"}},
            .body = fault.body};
  }
  return ToResponse(UpsError{fault.status, "20001", "General process failure"});
}

}  // namespace

Sandbox::Sandbox(Config config, Parcels::Now now)
    : config_(std::move(config)),
      now_(std::move(now)),
      tokens_(config_.clients),
      parcels_(now_),
      auto_scan_(parcels_, *scheduler_),
      webhook_(std::make_unique<Webhook>(parcels_, faults_, *scheduler_, now_)) {
  webhook_->Register(config_.webhook);
  parcels_.OnPush([this](const Event& event, Parcels::PushId id) { webhook_->Push(event, id); });
}

// Whoever still calls the others stops first.
Sandbox::~Sandbox() {
  api_.reset();
  admin_.reset();
  scheduler_.reset();
  webhook_.reset();
}

absl::StatusOr<std::unique_ptr<Sandbox>> Sandbox::Start(Config config,
                                                        const std::string& journal_file,
                                                        Parcels::Now now) {
  HttpServerOptions api;
  api.listen = config.api_listen;
  api.tls_certificate_file = config.tls_certificate_file;
  api.tls_key_file = config.tls_key_file;
  api.max_body_bytes = 4 << 20;

  HttpServerOptions admin;
  admin.listen = config.admin_listen;
  admin.threads = 1;
  admin.max_body_bytes = std::size_t{1} << 30;  // whole address books come in one request
  admin.request_timeout = std::chrono::minutes(10);

  std::unique_ptr<Sandbox> sandbox(new Sandbox(std::move(config), std::move(now)));
  if (!journal_file.empty()) {
    if (absl::Status status = sandbox->journal_.AppendTo(journal_file); !status.ok()) return status;
  }
  Sandbox* const self = sandbox.get();
  auto api_server =
      HttpServer::Start(api, [self](HttpServerRequest request, const HttpReplyFunction& reply) {
        self->Handle(std::move(request), reply);
      });
  if (!api_server.ok()) return api_server.status();
  sandbox->api_ = *std::move(api_server);
  auto admin_server = HttpServer::Start(
      admin, [self](const HttpServerRequest& request, const HttpReplyFunction& reply) {
        reply({.response = self->Administer(request)});
      });
  if (!admin_server.ok()) return admin_server.status();
  sandbox->admin_ = *std::move(admin_server);
  return sandbox;
}

Sandbox::Destination Sandbox::Find(const HttpServerRequest& request) const {
  if (request.path == "/security/v1/oauth/token" && request.method == "POST")
    return {.route = "token"};
  std::string_view path = request.path;
  if (!path.starts_with(config_.base_path + "/")) return {};
  path.remove_prefix(config_.base_path.size());
  const std::vector<std::string> parts = PathParts(path);
  const auto is = [&](const char* method, std::initializer_list<const char*> want) {
    if (request.method != method || parts.size() != want.size()) return false;
    auto part = parts.begin();
    for (const char* text : want) {
      if (*text != '*' && *part != text) return false;
      ++part;
    }
    return true;
  };
  if (is("POST", {"addressvalidation", "v2", "*"})) return {"xav", "xav", parts[2]};
  if (is("POST", {"shipments", "v2409", "ship"})) return {"ship", "ship", ""};
  if (is("DELETE", {"shipments", "v2409", "void", "cancel", "*"}))
    return {"void", "void", parts[4]};
  if (is("POST", {"labels", "*", "recovery"}) &&
      std::set<std::string>{"v1", "v1701", "V1903"}.count(parts[1]) != 0)
    return {"recovery", "recovery", ""};
  if (is("GET", {"track", "v1", "details", "*"})) return {"track", "details", parts[3]};
  if (is("GET", {"track", "v1", "reference", "details", "*"}))
    return {"track", "reference", parts[4]};
  if (is("GET", {"track", "v1", "shipment", "details", "*"}))
    return {"track", "shipment", parts[4]};
  if (is("POST", {"track", "v2", "subscription", "*", "package"}))
    return {"subscribe", "subscribe", parts[3]};
  return {};
}

void Sandbox::Handle(HttpServerRequest request, const HttpReplyFunction& reply) {
  const absl::Time time = now_();
  const Destination destination = Find(request);
  const auto fault =
      faults_.Draw(destination.route, request.target, request.body, request.remote_address);

  std::optional<HttpServerReply> answer;
  bool withheld = false;
  if (fault) answer = Instead(*fault, destination);
  if (!answer) {
    GmtForm gmt = GmtForm::kWhole;
    if (fault && fault->kind == FaultKind::kNoGmt) gmt = GmtForm::kMissing;
    if (fault && fault->kind == FaultKind::kShortGmt) gmt = GmtForm::kShort;
    answer.emplace();
    answer->response = Do(destination, request, gmt);
    if (fault) {
      if (fault->kind == FaultKind::kDoneThenStatus) answer->response = Failure(*fault);
      if (fault->kind == FaultKind::kDoneThenReset) answer->fault = WireFault::kReset;
      if (fault->kind == FaultKind::kDoneThenClose) answer->fault = WireFault::kClose;
      if (fault->kind == FaultKind::kDoneThenTruncate) answer->fault = WireFault::kTruncate;
      if (fault->kind == FaultKind::kSingleton) {
        Json body = Json::parse(answer->response.body, nullptr, /*allow_exceptions=*/false);
        Singletons(body);
        answer->response.body = body.dump();
      }
      withheld = fault->kind == FaultKind::kWithhold;
    }
  }
  if (fault) answer->delay = fault->delay;

  const bool silent =
      withheld || answer->fault == WireFault::kReset || answer->fault == WireFault::kClose;
  const bool whole = !silent && answer->fault != WireFault::kTruncate;
  journal_.Add({.time = time,
                .request = std::move(request),
                .route = destination.route,
                .status = silent ? std::nullopt : std::optional<int>(answer->response.status),
                .fault_id = fault ? fault->id : "",
                .verdict = whole && destination.route == "xav" ? VerdictIn(answer->response) : ""});
  // An unused reply keeps the connection until the client gives up.
  if (!withheld) reply(*std::move(answer));
}

HttpResponse Sandbox::Do(const Destination& destination, const HttpServerRequest& request,
                         GmtForm gmt) {
  const absl::Time now = now_();
  if (destination.route == "token") return tokens_.Issue(request, now);
  if (destination.route == "none")
    return ToResponse(UpsError{404, "20002", "No such service, version or method"});
  const auto checked = tokens_.Check(request.headers, now);
  if (const auto* refusal = std::get_if<UpsError>(&checked)) return ToResponse(*refusal);
  const Client& client = *std::get<std::shared_ptr<const Client>>(checked);

  const std::string& operation = destination.operation;
  const std::string& argument = destination.argument;
  if (operation == "xav") return addresses_.Validate(argument, config_.cie, request);
  if (operation == "ship") {
    ShipResult result = Ship(parcels_, client, request, config_.label_bytes, now);
    if (result.made && config_.auto_scans) {
      for (const PackageView& package : result.made->packages)
        auto_scan_.Begin(package.tracking_number, *config_.auto_scans);
    }
    return std::move(result.response);
  }
  if (operation == "void") return VoidShipment(parcels_, client, argument, request);
  if (operation == "recovery") return RecoverLabel(parcels_, client, request, config_.label_bytes);
  if (operation == "details") return TrackDetails(parcels_, argument, request, gmt);
  if (operation == "reference") return TrackReference(parcels_, argument, request, gmt, now);
  if (operation == "shipment") return TrackShipment(parcels_, argument, request, gmt);
  return SubscribePackages(parcels_, auto_scan_, config_.cie, argument, request);
}

std::optional<HttpServerReply> Sandbox::Instead(const FaultRule& fault,
                                                const Destination& destination) const {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return HttpServerReply{.response = Failure(fault)};
    case FaultKind::kHtml:
      return HttpServerReply{.response = Html(fault.status)};
    case FaultKind::kResetBefore:
      return HttpServerReply{.fault = WireFault::kReset};
    case FaultKind::kExpireToken:
      return HttpServerReply{
          .response = ToResponse(UpsError{401, "250002", "Invalid Authentication Information."})};
    case FaultKind::kNotFound:
      if (destination.route == "recovery") return HttpServerReply{ToResponse(RecoveryNotFound())};
      if (destination.route == "void") return HttpServerReply{ToResponse(VoidNotFound())};
      if (destination.route == "track") return HttpServerReply{TrackNotFound(destination.argument)};
      if (destination.route == "xav") return HttpServerReply{NoCandidates()};
      return HttpServerReply{ToResponse(UpsError{404, "20002", "Not found"})};
    case FaultKind::kSlow:
    case FaultKind::kDoneThenStatus:
    case FaultKind::kDoneThenReset:
    case FaultKind::kDoneThenClose:
    case FaultKind::kDoneThenTruncate:
    case FaultKind::kWithhold:
    case FaultKind::kSingleton:
    case FaultKind::kNoGmt:
    case FaultKind::kShortGmt:
    case FaultKind::kLost:
    case FaultKind::kDuplicate:
    case FaultKind::kBadCredential:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace psups::ups_sandbox
