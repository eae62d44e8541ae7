#include "tests/sandbox/peoplesoft/site.h"

#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tests/sandbox/peoplesoft/errors.h"
#include "tests/sandbox/peoplesoft/execute_query.h"
#include "tests/sandbox/peoplesoft/render.h"

namespace psups::peoplesoft_sandbox {
namespace {

constexpr char kConnector[] = "/PSIGW/RESTListeningConnector/";
constexpr char kQueryService[] = "ExecuteQuery.v1";
constexpr char kQueryOperation[] = "QAS_EXECUTEQRY_REST_GET";
constexpr char kBearer[] = "Bearer ";
constexpr char kWriteBackOperation[] = "PSUPS_TRACKING_POST";

// True if the rule stands in place of the site's own answer.
bool StandsInPlace(FaultKind kind) {
  switch (kind) {
    case FaultKind::kStatus:
    case FaultKind::kIbError200:
    case FaultKind::kBare500:
    case FaultKind::kUnauthorized:
    case FaultKind::kPermission:
    case FaultKind::kContactError:
    case FaultKind::kHtmlLogin:
    case FaultKind::kRedirect302:
    case FaultKind::kStatus503:
    case FaultKind::kResetBefore:
      return true;
    case FaultKind::kSlow:
    case FaultKind::kDoneThenReset:
    case FaultKind::kDoneThenClose:
    case FaultKind::kTruncate:
    case FaultKind::kResetMidBody:
    case FaultKind::kWithhold:
    case FaultKind::kDuplicateRows:
    case FaultKind::kWrongNumrows:
    case FaultKind::kAcceptedButFailed:
      return false;
  }
  return false;
}

WireFault OnTheWire(FaultKind kind) {
  if (kind == FaultKind::kResetBefore || kind == FaultKind::kDoneThenReset)
    return WireFault::kReset;
  if (kind == FaultKind::kDoneThenClose) return WireFault::kClose;
  if (kind == FaultKind::kTruncate) return WireFault::kTruncate;
  if (kind == FaultKind::kResetMidBody) return WireFault::kResetMidBody;
  return WireFault::kSend;
}

std::string HttpDate(absl::Time time) {
  return absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", time, absl::UTCTimeZone());
}

bool IsFault(const FaultRule* fault, FaultKind kind) {
  return fault != nullptr && fault->kind == kind;
}

// A query answered, for the truth.
std::string DescribeRead(const QueryAnswer& answer, std::map<std::string, std::string> prompts,
                         absl::Time now) {
  Json read = {{"time", FormatUtc(now)}, {"query", answer.query->name}};
  if (const auto from = prompts.extract("FROM_DTTM")) read["from"] = from.mapped();
  if (const auto to = prompts.extract("TO_DTTM")) read["to"] = to.mapped();
  if (!prompts.empty()) read["prompts"] = prompts;
  read["rows"] = answer.rows.size();
  return Dump(read);
}

}  // namespace

struct Site::Address {
  std::string route = "unknown";  // "query", "writeback", "token"
  bool right_node = false;
  std::vector<std::string> segments = {};  // after ExecuteQuery.v1

  std::string operation() const { return route == "query" ? kQueryOperation : kWriteBackOperation; }
};

Site::Site(SiteConfig config, Now now) : now_(std::move(now)), config_(std::move(config)) {}

absl::Status Site::AppendJournalTo(const std::string& file) { return journal_.AppendTo(file); }

Site::Address Site::Locate(const std::string& path) const {
  Address address;
  if (path == config_.token_path) address.route = "token";
  const std::string start = config_.path_prefix + kConnector;
  if (!absl::StartsWith(path, start)) return address;
  std::vector<std::string> segments =
      absl::StrSplit(absl::StripSuffix(path.substr(start.size()), "/"), '/');
  for (std::string& segment : segments) segment = PercentDecode(segment);
  address.right_node = segments.front() == config_.node;
  segments.erase(segments.begin());
  if (!segments.empty() && segments.front() == kQueryService) {
    address.route = "query";
    address.segments.assign(segments.begin() + 1, segments.end());
  } else if (absl::StrJoin(segments, "/") == config_.write_back_path) {
    address.route = "writeback";
  }
  return address;
}

void Site::Handle(const HttpServerRequest& request, const HttpReplyFunction& reply) {
  HttpServerReply answer;
  {
    const std::lock_guard lock(mutex_);
    const absl::Time now = now_();
    CatchUp(now);
    const Address address = Locate(request.path);
    const FaultRule* const fault =
        state_.faults.Draw(address.route, request.target, request.body, now);
    answer.response = Answer(request, address, fault, now);
    answer.response.headers.emplace_back("Date", HttpDate(SiteTime(now)));
    if (!config_.set_cookie.empty()) {
      answer.response.headers.emplace_back("Set-Cookie", config_.set_cookie);
    }
    if (fault != nullptr) {
      answer.delay = fault->delay;
      answer.fault = OnTheWire(fault->kind);
    }
    const bool withheld = IsFault(fault, FaultKind::kWithhold);
    const bool replied =
        !withheld && answer.fault != WireFault::kReset && answer.fault != WireFault::kClose;
    journal_.Add(request, now, address.route,
                 replied ? std::optional<int>(answer.response.status) : std::nullopt,
                 fault == nullptr ? "" : fault->id);
    // A reply that is never given leaves the connection open until the client gives up.
    if (withheld) return;
  }
  reply(std::move(answer));
}

HttpResponse Site::Answer(const HttpServerRequest& request, const Address& address,
                          const FaultRule* fault, absl::Time now) {
  if (fault != nullptr && StandsInPlace(fault->kind)) {
    return AnswerWithFault(request, address, *fault);
  }
  if (address.route == "unknown") return NotFoundPage();
  if (address.route == "token") {
    if (request.method != "POST") return {.status = 405};
    return state_.identity_provider.Issue(request, config_, now);
  }
  if (!address.right_node) return IbResponse(500, ContactError());
  if (request.method != (address.route == "query" ? "GET" : "POST")) return {.status = 405};

  if (!IsAuthenticated(request, now)) {
    HttpResponse response = IbResponse(config_.auth_failure_status, WrongPassword());
    if (config_.www_authenticate) {
      response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"PeopleSoft\"");
    }
    return response;
  }
  if (config_.operations.count(address.operation()) == 0) {
    return IbResponse(config_.permission_failure_status,
                      NotAuthorized(config_.oprid, address.operation()));
  }
  return address.route == "query" ? AnswerQuery(request, address, fault, now)
                                  : AnswerWriteBack(request, fault, now);
}

bool Site::IsAuthenticated(const HttpServerRequest& request, absl::Time now) const {
  const std::string sent(FindHeader(request.headers, "Authorization"));
  const auto accepts = [&](const char* kind) { return config_.auth.count(kind) != 0; };
  if (accepts("basic") && sent == BasicAuthorization(config_.oprid, config_.password)) return true;
  if (!absl::StartsWith(sent, kBearer)) return false;
  const std::string bearer = sent.substr(sizeof(kBearer) - 1);
  return (accepts("bearer") && bearer == config_.bearer_token) ||
         (accepts("client_credentials") && state_.identity_provider.IsGood(bearer, now));
}

HttpResponse Site::AnswerQuery(const HttpServerRequest& request, const Address& address,
                               const FaultRule* fault, absl::Time now) {
  auto call = ParseQueryCall(config_, address.segments, request.query);
  if (!call.ok()) return QueryError(config_, std::string(call.status().message()));

  QuerySelection& selection = call->selection;
  selection.today = absl::FormatTime("%Y-%m-%d", SiteTime(now), config_.base_time_zone);
  selection.business_units = config_.row_security_business_units;
  selection.copies = IsFault(fault, FaultKind::kDuplicateRows) ? 2 : 1;
  QueryAnswer answer;
  answer.query = call->query;
  answer.columns = call->columns;
  answer.rows =
      RunQuery(*call->query, selection, {state_.documents, state_.tables, state_.write_back});
  answer.numrows = std::ssize(answer.rows) + (IsFault(fault, FaultKind::kWrongNumrows) ? 1 : 0);
  state_.reads.push_back(DescribeRead(answer, selection.prompts, now));

  if (!call->json) {
    return {.status = 200,
            .headers = {{"Content-Type", "text/xml; charset=UTF-8"}},
            .body = RenderXml(answer, config_)};
  }
  return {.status = 200,
          .headers = {{"Content-Type", config_.json_content_type}},
          .body = RenderJson(answer, config_)};
}

HttpResponse Site::AnswerWriteBack(const HttpServerRequest& request, const FaultRule* fault,
                                   absl::Time now) {
  absl::StatusOr<Json> messages = WriteBack::Parse(request.body);
  if (!messages.ok()) return HandlerError(config_, std::string(messages.status().message()));
  const bool lost = IsFault(fault, FaultKind::kAcceptedButFailed);
  if (config_.write_back_async) {
    const absl::Time due = now + absl::Milliseconds(config_.write_back_apply_ms);
    state_.write_back.Defer(*std::move(messages), due, lost);
    return {.status = 202};
  }
  const Json results =
      state_.write_back.Apply(*messages, config_.write_back_fields, state_.documents, now, lost);
  return {.status = 200,
          .headers = {{"Content-Type", "application/json; charset=UTF-8"}},
          .body = Dump(results)};
}

absl::Time Site::SiteTime(absl::Time now) const {
  return now + absl::Seconds(config_.clock_offset_seconds);
}

void Site::CatchUp(absl::Time now) {
  state_.documents.CommitDue(now);
  state_.write_back.ApplyDue(config_.write_back_fields, state_.documents, now);
}

HttpResponse Site::AnswerWithFault(const HttpServerRequest& request, const Address& address,
                                   const FaultRule& fault) const {
  switch (fault.kind) {
    case FaultKind::kStatus:
      return {.status = fault.status,
              .headers = {{"Content-Type", "text/plain; charset=UTF-8"}},
              .body = fault.body};
    case FaultKind::kIbError200:
      return IbResponse(200, HandlerFailure("The handler failed."));
    case FaultKind::kUnauthorized:
      if (address.route == "token") return InvalidClient();
      return IbResponse(config_.auth_failure_status, WrongPassword());
    case FaultKind::kPermission:
      return IbResponse(config_.permission_failure_status,
                        NotAuthorized(config_.oprid, address.operation()));
    case FaultKind::kContactError:
      return IbResponse(500, ContactError());
    case FaultKind::kHtmlLogin:
      return LoginPage();
    case FaultKind::kRedirect302:
      return LoginRedirect(std::string(FindHeader(request.headers, "Host")));
    case FaultKind::kStatus503:
      return ProxyUnavailable();
    default:
      return {.status = 500};
  }
}

absl::StatusOr<int64_t> Site::Load(Json orders) {
  if (!orders.is_object())
    return absl::InvalidArgumentError("want {\"tables\":{},\"documents\":[]}");
  for (const auto& [key, value] : orders.items()) {
    if (key == "tables") {
      if (absl::Status status = Tables::Check(value); !status.ok()) return status;
    } else if (key != "documents" || !value.is_array()) {
      return absl::InvalidArgumentError(key + ": want tables, or documents as a list");
    }
  }
  Json documents = std::move(orders["documents"]);
  int index = 0;
  for (const Json& document : documents) {
    const std::string where = absl::StrCat("documents[", index++, "]");
    if (absl::Status status = Documents::Check(document, where); !status.ok()) return status;
  }

  const std::lock_guard lock(mutex_);
  const absl::Time now = now_();
  CatchUp(now);
  if (orders.contains("tables")) state_.tables.Upsert(orders["tables"]);
  const LocalTime stamp = ToLocal(SiteTime(now), config_.base_time_zone, config_.fractions);
  for (Json& document : documents) {
    state_.documents.Put(std::move(document), now, stamp, config_.fractions);
  }
  return std::ssize(documents);
}

absl::Status Site::Configure(const std::string& change) {
  const std::lock_guard lock(mutex_);
  absl::StatusOr<SiteConfig> changed = ChangeConfig(config_, change);
  if (!changed.ok()) return changed.status();
  config_ = *std::move(changed);
  return absl::OkStatus();
}

absl::Status Site::ChangeFaults(const Json& change) {
  const std::lock_guard lock(mutex_);
  return state_.faults.Change(change, now_());
}

Json Site::DescribeFaults() const {
  const std::lock_guard lock(mutex_);
  return state_.faults.Describe();
}

std::string Site::JournalSince(int64_t since) const {
  const std::lock_guard lock(mutex_);
  return journal_.Since(since);
}

std::string Site::Truth() {
  const std::lock_guard lock(mutex_);
  CatchUp(now_());
  return absl::StrCat("{\"documents\":", state_.documents.CommittedText(),
                      ",\"pending\":", state_.documents.PendingText(),
                      ",\"updates\":", state_.write_back.Updates(), ",\"reads\":[",
                      absl::StrJoin(state_.reads, ","),
                      "],\"tokens_issued\":", state_.identity_provider.issued(), "}");
}

void Site::RevokeTokens() {
  const std::lock_guard lock(mutex_);
  state_.identity_provider.Revoke();
}

void Site::Reset() {
  const std::lock_guard lock(mutex_);
  state_ = State{};
  journal_.Clear();
}

}  // namespace psups::peoplesoft_sandbox
