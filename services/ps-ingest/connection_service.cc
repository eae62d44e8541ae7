#include "services/ps-ingest/connection_service.h"

#include <condition_variable>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/crypto.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/read.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

constexpr int kTestTimeoutSeconds = 30;
constexpr absl::Duration kTestLease = absl::Seconds(75);  // two queries at the most
constexpr absl::Duration kReaderWait = absl::Seconds(5);

PeopleSoft::Reply SendAndWait(PeopleSoft& people_soft, const PeopleSoft::Call& call) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<PeopleSoft::Reply> reply;
  people_soft.Send(call, [&](PeopleSoft::Reply came) {
    std::lock_guard lock(mutex);
    reply = std::move(came);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return reply.has_value(); });
  return *std::move(reply);
}

// Reads of the poll loop are short as a rule: a person need not ask again for one.
absl::Status WaitForReader(ConnectionStore& store, const pb::Connection& connection,
                           const std::string& token) {
  const absl::Time end = WallTime() + kReaderWait;
  while (true) {
    const absl::Status taken = store.TakeReader(ReaderKey(connection), token, kTestLease);
    if (taken.ok() || WallTime() > end) return taken;
    absl::SleepFor(absl::Milliseconds(100));
  }
}

void AddCheck(pb::TestConnectionResponse& response, std::string subject, bool ok,
              std::string finding) {
  auto& check = *response.add_checks();
  check.set_subject(std::move(subject));
  check.set_ok(ok);
  check.set_finding(std::move(finding));
}

// One row by one query. False if a failure hides what further checks would show.
bool CheckQuery(PeopleSoft& people_soft, const pb::Connection& connection,
                const std::string& password, type::v1::DocumentType type,
                const std::string& call_id, std::string& outcome,
                pb::TestConnectionResponse& response) {
  const absl::Time now = WallTime();
  const Window window = {now - absl::Seconds(connection.max_window_seconds()), now};
  const std::string subject = ReadName(connection, type);
  const auto url = WindowUrl(connection, type, window, /*max_rows=*/1);
  if (!url.ok()) {
    AddCheck(response, subject, false, std::string(url.status().message()));
    return false;
  }
  const PeopleSoft::Reply reply = SendAndWait(
      people_soft,
      {.connection = &connection, .password = password, .call_id = call_id, .url = *url});
  // One row may be the one that was asked for: it is no sign of a cut answer here.
  const Answer answer = Understand(reply, connection, type, /*max_rows=*/INT32_MAX);
  outcome = answer.error.has_value() ? Name(answer.error->kind) : "ok";
  if (answer.error.has_value()) {
    AddCheck(response, subject, false, answer.error->sentence);
    return answer.error->kind == PsErrorKind::kConfig || answer.error->kind == PsErrorKind::kData;
  }
  AddCheck(response, subject, true,
           answer.rows > 0 ? "answered; the row has every column that is needed"
                           : "answered, without a row in the last window: columns not looked at");
  if (const auto server = ServerTime(reply); server.has_value()) {
    const int64_t offset = absl::ToInt64Seconds(*server - WallTime());
    AddCheck(response, "server clock", true,
             absl::StrCat("differs from ours by ", offset, " s; windows go by the server's"));
  }
  return true;
}

}  // namespace

absl::StatusOr<Page> PageFrom(int size, const std::string& token) {
  if (size < 0 || size > 1000) {
    return absl::InvalidArgumentError(absl::StrCat("page_size: ", size, ", want 1 to 1000"));
  }
  return Page{.token = token, .size = size == 0 ? 100 : size};
}

absl::StatusOr<pb::Connection> ConnectionServer::Create(const pb::CreateConnectionRequest& request,
                                                        const std::string& actor) {
  if (!IsConnectionId(request.connection_id())) {
    return absl::InvalidArgumentError(
        absl::StrCat("connection_id: \"", request.connection_id().substr(0, 40),
                     "\", want 1 to 20 of a-z, 0-9 and '-', starting with a letter"));
  }
  pb::Connection connection = request.connection();
  SetDefaults(connection, request.connection_id());
  RETURN_IF_ERROR(CheckConnection(connection));
  RETURN_IF_ERROR(CheckPassword(request.password()));
  ASSIGN_OR_RETURN(pb::Connection stored, store_.Create(connection, request.password(), actor));
  changed_();
  return stored;
}

absl::StatusOr<pb::Connection> ConnectionServer::Update(const pb::UpdateConnectionRequest& request,
                                                        const std::string& actor) {
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(request.connection().name()));
  pb::Connection connection = request.connection();
  SetDefaults(connection, id);
  RETURN_IF_ERROR(CheckConnection(connection));
  if (!request.password().empty()) RETURN_IF_ERROR(CheckPassword(request.password()));
  connection.set_version(request.connection().version());
  ASSIGN_OR_RETURN(pb::Connection stored, store_.Update(connection, request.password(), actor));
  changed_();
  return stored;
}

absl::StatusOr<pb::TestConnectionResponse> ConnectionServer::Test(const std::string& name,
                                                                  const std::string& actor) {
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(name));
  ASSIGN_OR_RETURN(pb::Connection connection, store_.Get(id));
  connection.set_read_timeout_seconds(
      std::min(connection.read_timeout_seconds(), kTestTimeoutSeconds));
  ASSIGN_OR_RETURN(const std::string password, store_.OpenPassword(id));
  const std::string token = RandomHex128();
  RETURN_IF_ERROR(WaitForReader(store_, connection, token));
  pb::TestConnectionResponse response;
  for (const int type : connection.document_types()) {
    const auto document_type = static_cast<type::v1::DocumentType>(type);
    const std::string call_id = RandomHex128();
    std::string outcome = "not sent";
    calls_.Begin(call_id, WallTime());
    const bool goes_on =
        CheckQuery(people_soft_, connection, password, document_type, call_id, outcome, response);
    const AuditEntry entry = {.action = "ps.query",
                              .subject = connection.name(),
                              .actor = actor,
                              .detail = {{"call_id", call_id},
                                         {"query", QueryOf(connection, document_type)},
                                         {"test", true},
                                         {"outcome", outcome}},
                              .event_id = call_id};
    if (store_.RecordCalls({entry}).ok()) {
      calls_.Recorded(call_id);
    } else {
      calls_.Unrecorded(call_id, entry);
    }
    if (!goes_on) break;
  }
  RETURN_IF_ERROR(store_.ReleaseReader(ReaderKey(connection), token));
  changed_();
  return response;
}

absl::StatusOr<pb::Connection> ConnectionServer::ChangeState(
    const std::string& name, const std::string& action, const std::string& actor,
    const ConnectionStore::Change& change) {
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(name));
  ASSIGN_OR_RETURN(pb::Connection connection, store_.ChangeState(id, action, actor, change));
  changed_();
  return connection;
}

grpc::ServerUnaryReactor* ConnectionServer::CreateConnection(
    grpc::CallbackServerContext* context, const pb::CreateConnectionRequest* request,
    pb::Connection* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller& caller) { return Create(r, caller.identity); });
}

grpc::ServerUnaryReactor* ConnectionServer::GetConnection(grpc::CallbackServerContext* context,
                                                          const pb::GetConnectionRequest* request,
                                                          pb::Connection* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) -> absl::StatusOr<pb::Connection> {
                  ASSIGN_OR_RETURN(const std::string id, ConnectionId(r.name()));
                  return store_.Get(id);
                });
}

grpc::ServerUnaryReactor* ConnectionServer::ListConnections(
    grpc::CallbackServerContext* context, const pb::ListConnectionsRequest* request,
    pb::ListConnectionsResponse* response) {
  return Handle(
      executor_, context, request, response,
      [this](const auto& r, const Caller&) -> absl::StatusOr<pb::ListConnectionsResponse> {
        ASSIGN_OR_RETURN(const Page page, PageFrom(r.page_size(), r.page_token()));
        ASSIGN_OR_RETURN(const PageOf<pb::Connection> found, store_.List(page));
        pb::ListConnectionsResponse list;
        for (const pb::Connection& connection : found.items) {
          *list.add_connections() = connection;
        }
        list.set_next_page_token(found.next_token);
        return list;
      });
}

grpc::ServerUnaryReactor* ConnectionServer::UpdateConnection(
    grpc::CallbackServerContext* context, const pb::UpdateConnectionRequest* request,
    pb::Connection* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller& caller) { return Update(r, caller.identity); });
}

grpc::ServerUnaryReactor* ConnectionServer::TestConnection(grpc::CallbackServerContext* context,
                                                           const pb::TestConnectionRequest* request,
                                                           pb::TestConnectionResponse* response) {
  return Handle(slow_, context, request, response, [this](const auto& r, const Caller& caller) {
    return Test(r.name(), caller.identity);
  });
}

grpc::ServerUnaryReactor* ConnectionServer::ActivateConnection(
    grpc::CallbackServerContext* context, const pb::ActivateConnectionRequest* request,
    pb::Connection* response) {
  return Handle(executor_, context, request, response, [this](const auto& r, const Caller& caller) {
    return ChangeState(r.name(), "connection.activate", caller.identity, Activate);
  });
}

grpc::ServerUnaryReactor* ConnectionServer::PauseConnection(
    grpc::CallbackServerContext* context, const pb::PauseConnectionRequest* request,
    pb::Connection* response) {
  return Handle(executor_, context, request, response, [this](const auto& r, const Caller& caller) {
    return ChangeState(
        r.name(), "connection.pause", caller.identity,
        [&](pb::Connection& connection, bool&) { return Pause(connection, r.reason()); });
  });
}

grpc::ServerUnaryReactor* ConnectionServer::ResumeConnection(
    grpc::CallbackServerContext* context, const pb::ResumeConnectionRequest* request,
    pb::Connection* response) {
  return Handle(executor_, context, request, response, [this](const auto& r, const Caller& caller) {
    return ChangeState(
        r.name(), "connection.resume", caller.identity,
        [](pb::Connection& connection, bool& activated) { return Resume(connection, activated); });
  });
}

grpc::ServerUnaryReactor* ConnectionServer::ListWindows(grpc::CallbackServerContext* context,
                                                        const pb::ListWindowsRequest* request,
                                                        pb::ListWindowsResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& r, const Caller&) -> absl::StatusOr<pb::ListWindowsResponse> {
                  ASSIGN_OR_RETURN(const std::string id, ConnectionId(r.parent()));
                  ASSIGN_OR_RETURN(const Page page, PageFrom(r.page_size(), r.page_token()));
                  ASSIGN_OR_RETURN(const PageOf<pb::Window> found, store_.ListWindows(id, page));
                  pb::ListWindowsResponse list;
                  for (const pb::Window& window : found.items) *list.add_windows() = window;
                  list.set_next_page_token(found.next_token);
                  return list;
                });
}

}  // namespace psups::ps_ingest
