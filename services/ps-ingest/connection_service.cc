#include "services/ps-ingest/connection_service.h"

#include "absl/strings/str_cat.h"
#include "common/clock.h"
#include "common/status_macros.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/doctor.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// The first moment of a day of last change, or of the day after it.
absl::StatusOr<absl::Time> DayOf(const std::string& field, const std::string& text,
                                 absl::TimeZone zone, int days) {
  absl::CivilDay day;
  if (text.size() != 10 || !absl::ParseCivilTime(text, &day)) {
    return absl::InvalidArgumentError(
        absl::StrCat(field, ": \"", text.substr(0, 40), "\", want a date YYYY-MM-DD"));
  }
  return absl::FromCivil(day + days, zone);
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
  ASSIGN_OR_RETURN(const pb::Connection connection, store_.Get(id));
  ASSIGN_OR_RETURN(const std::string password, store_.OpenPassword(id));
  ASSIGN_OR_RETURN(pb::TestConnectionResponse response,
                   Examine(store_, people_soft_, calls_, connection, password, actor));
  changed_();
  return response;
}

absl::StatusOr<pb::BackfillConnectionResponse> ConnectionServer::Backfill(
    const pb::BackfillConnectionRequest& request, const std::string& actor) {
  ASSIGN_OR_RETURN(const std::string id, ConnectionId(request.name()));
  ASSIGN_OR_RETURN(const pb::Connection connection, store_.Get(id));
  const absl::TimeZone zone = ZoneOf(connection);
  ASSIGN_OR_RETURN(const absl::Time from, DayOf("from_date", request.from_date(), zone, 0));
  absl::Time to = WallTime();
  if (!request.to_date().empty()) {
    ASSIGN_OR_RETURN(to, DayOf("to_date", request.to_date(), zone, 1));
  }
  if (to <= from) {
    return absl::InvalidArgumentError(absl::StrCat("to_date: \"", request.to_date(),
                                                   "\", want a day from from_date (\"",
                                                   request.from_date(), "\") on, up to today"));
  }
  RETURN_IF_ERROR(store_.Backfill(id, from, to, actor));
  changed_();
  return pb::BackfillConnectionResponse();
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

grpc::ServerUnaryReactor* ConnectionServer::BackfillConnection(
    grpc::CallbackServerContext* context, const pb::BackfillConnectionRequest* request,
    pb::BackfillConnectionResponse* response) {
  return Handle(executor_, context, request, response, [this](const auto& r, const Caller& caller) {
    return Backfill(r, caller.identity);
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
