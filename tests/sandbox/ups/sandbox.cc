#include "tests/sandbox/ups/sandbox.h"

#include <algorithm>
#include <set>
#include <span>
#include <utility>

#include "tests/sandbox/ups/answer_faults.h"
#include "tests/sandbox/ups/rating.h"
#include "tests/sandbox/ups/recovery.h"
#include "tests/sandbox/ups/ship.h"
#include "tests/sandbox/ups/subscribe.h"
#include "tests/sandbox/ups/track.h"
#include "tests/sandbox/ups/void_shipment.h"

namespace psups::ups_sandbox {
namespace {

// The versions of the API that may be asked for, and whether a list of one was a list in them.
struct Version {
  const char* name;
  bool old;
};
constexpr Version kShipVersions[] = {{"v2409", false}, {"v2403", false}, {"v2205", true},
                                     {"v2108", true},  {"v1807", true},  {"v1801", true},
                                     {"v1707", true},  {"v1701", true},  {"v1607", true},
                                     {"v1601", true},  {"v1", true}};
constexpr Version kRatingVersions[] = {{"v2409", false}, {"v2403", false}, {"v2205", true},
                                       {"v2108", true},  {"v1607", true},  {"v1601", true},
                                       {"1707", true},   {"1701", true},   {"v1", true}};
constexpr Version kXavVersions[] = {{"v2", false}, {"v1", true}};

const Version* FindVersion(std::span<const Version> versions, const std::string& name) {
  const auto found = std::find_if(versions.begin(), versions.end(),
                                  [&](const Version& version) { return name == version.name; });
  return found == versions.end() ? nullptr : &*found;
}

}  // namespace

Sandbox::Sandbox(Config config, Parcels::Now now)
    : config_(std::move(config)),
      now_(std::move(now)),
      tokens_(config_.clients),
      visibility_(config_.visibility),
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
  if (is("POST", {"addressvalidation", "*", "*"})) {
    if (const Version* version = FindVersion(kXavVersions, parts[1]))
      return {"xav", "xav", parts[2], version->old};
  }
  if (is("POST", {"shipments", "*", "ship"})) {
    if (const Version* version = FindVersion(kShipVersions, parts[1]))
      return {"ship", "ship", "", version->old};
  }
  if (is("POST", {"rating", "*", "*"})) {
    if (const Version* version = FindVersion(kRatingVersions, parts[1]))
      return {"rating", "rating", parts[2], version->old};
  }
  if (is("DELETE", {"shipments", "*", "void", "cancel", "*"})) {
    if (const Version* version = FindVersion(kShipVersions, parts[1]))
      return {"void", "void", parts[4], version->old};
  }
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
  const bool asks_for_token = destination.route == "token";
  BearerCheck bearer;
  if (!asks_for_token) bearer = tokens_.Check(destination.route, request.headers, time);

  std::optional<HttpServerReply> answer;
  bool granted = false;
  bool withheld = false;
  if (fault) answer = Instead(*fault, destination);
  if (!answer) {
    answer.emplace();
    if (asks_for_token) {
      TokenAnswer token = tokens_.Issue(request, time);
      answer->response = std::move(token.response);
      granted = token.granted;
    } else {
      answer->response = Do(destination, request, bearer, fault ? &*fault : nullptr);
    }
    if (fault) {
      if (fault->kind == FaultKind::kDoneThenReset) answer->fault = WireFault::kReset;
      if (fault->kind == FaultKind::kDoneThenClose) answer->fault = WireFault::kClose;
      if (fault->kind == FaultKind::kDoneThenTruncate) answer->fault = WireFault::kTruncate;
      Spoil(*fault, answer->response);
      withheld = fault->kind == FaultKind::kWithhold;
    }
  }
  if (fault) {
    answer->delay = fault->delay;
    SetHeaders(*fault, answer->response);
  }

  const bool silent =
      withheld || answer->fault == WireFault::kReset || answer->fault == WireFault::kClose;
  const bool whole = !silent && answer->fault != WireFault::kTruncate;
  const auto status = silent ? std::nullopt : std::optional<int>(answer->response.status);
  if (asks_for_token) tokens_.Record(time, request, granted, status);
  journal_.Add({.time = time,
                .request = std::move(request),
                .route = destination.route,
                .status = status,
                .fault_id = fault ? fault->id : "",
                .token = bearer.token,
                .token_state = NameOf(bearer.state),
                .verdict = whole && destination.route == "xav" ? VerdictIn(answer->response) : ""});
  // An unused reply keeps the connection until the client gives up.
  if (!withheld) reply(*std::move(answer));
}

HttpResponse Sandbox::Do(const Destination& destination, const HttpServerRequest& request,
                         const BearerCheck& bearer, const FaultRule* fault) {
  if (destination.route == "none")
    return ToResponse(UpsError{404, "20002", "No such service, version or method"});
  if (bearer.refusal) return ToResponse(*bearer.refusal);
  const absl::Time now = now_();
  const Client& client = *bearer.client;
  const std::string& operation = destination.operation;
  const std::string& argument = destination.argument;
  HttpResponse response;
  if (operation == "xav") {
    response = addresses_.Validate(argument, config_.cie, request);
  } else if (operation == "ship") {
    response = MakeShipment(client, request);
    if (fault != nullptr && fault->twin) (void)MakeShipment(client, request);
  } else if (operation == "rating") {
    response = Rate(argument, client, request, now);
  } else if (operation == "void") {
    response = VoidShipment(parcels_, client, argument, request);
  } else if (operation == "recovery") {
    const absl::Time until = now - absl::Milliseconds(visibility_.load().recovery_ms);
    response = RecoverLabel(parcels_, client, request, until, config_.label_bytes);
  } else if (operation == "details") {
    response = TrackDetails(parcels_, argument, request, FormOf(fault, now));
  } else if (operation == "reference") {
    response = TrackReference(parcels_, argument, request, FormOf(fault, now), now);
  } else if (operation == "shipment") {
    response = TrackShipment(parcels_, argument, request, FormOf(fault, now));
  } else {
    response = SubscribePackages(parcels_, auto_scan_, config_.cie, argument, request);
  }
  if (destination.old_version && response.status == 200) MakeSingletons(response);
  return response;
}

HttpResponse Sandbox::MakeShipment(const Client& client, const HttpServerRequest& request) {
  ShipResult result = Ship(parcels_, client, request, config_.label_bytes, now_());
  if (result.made && config_.auto_scans) {
    for (const PackageView& package : result.made->packages)
      auto_scan_.Begin(package.tracking_number, *config_.auto_scans);
  }
  return std::move(result.response);
}

TrackForm Sandbox::FormOf(const FaultRule* fault, absl::Time now) const {
  TrackForm form{.until = now - absl::Milliseconds(visibility_.load().track_ms)};
  if (fault != nullptr && fault->kind == FaultKind::kNoGmt) form.gmt = GmtForm::kMissing;
  if (fault != nullptr && fault->kind == FaultKind::kShortGmt) form.gmt = GmtForm::kShort;
  return form;
}

std::optional<HttpServerReply> Sandbox::Instead(const FaultRule& fault,
                                                const Destination& destination) const {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return HttpServerReply{.response = Failure(fault)};
    case FaultKind::kHtml:
      return HttpServerReply{.response = HtmlPage(fault.status)};
    case FaultKind::kResetBefore:
      return HttpServerReply{.fault = WireFault::kReset};
    case FaultKind::kCloseBefore:
      return HttpServerReply{.fault = WireFault::kClose};
    case FaultKind::kExpireToken:
      return HttpServerReply{
          .response = ToResponse(UpsError{401, "250002", "Invalid Authentication Information."})};
    case FaultKind::kNotFound:
      if (destination.route == "recovery") return HttpServerReply{ToResponse(RecoveryNotFound())};
      if (destination.route == "void") return HttpServerReply{ToResponse(VoidNotFound())};
      if (destination.route == "track") return HttpServerReply{TrackNotFound(destination.argument)};
      if (destination.route == "xav") return HttpServerReply{NoCandidates()};
      return HttpServerReply{ToResponse(UpsError{404, "20002", "Not found"})};
    case FaultKind::kNormal:
    case FaultKind::kSlow:
    case FaultKind::kDoneThenStatus:
    case FaultKind::kDoneAsStatus:
    case FaultKind::kDoneThenReset:
    case FaultKind::kDoneThenClose:
    case FaultKind::kDoneThenTruncate:
    case FaultKind::kWithhold:
    case FaultKind::kSingleton:
    case FaultKind::kLists:
    case FaultKind::kExtraFields:
    case FaultKind::kDrop:
    case FaultKind::kMerged:
    case FaultKind::kPolluted:
    case FaultKind::kSingularKey:
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
