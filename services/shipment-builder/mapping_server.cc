#include "services/shipment-builder/mapping_server.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/shipment-builder/mapping_preview.h"
#include "services/shipment-builder/rules_check.h"
#include "services/shipment-builder/service_fields.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

constexpr int kMostOrders = 10'000;
constexpr int kUsualOrders = 1'000;

pb::Mapping MappingOf(const MappingRecord& record) {
  pb::Mapping result;
  result.set_connection(absl::StrCat("connections/", record.connection_id));
  result.set_version(record.version);
  *result.mutable_rules() = record.rules;
  if (record.version > 0) *result.mutable_create_time() = ToProto(record.create_time);
  result.set_created_by(record.created_by);
  result.set_comment(record.comment);
  return result;
}

}  // namespace

grpc::ServerUnaryReactor* MappingServer::GetMapping(grpc::CallbackServerContext* context,
                                                    const pb::GetMappingRequest* request,
                                                    pb::Mapping* response) {
  return Handle(
      executor_, context, request, response,
      [this](const pb::GetMappingRequest& request, const Caller&) -> absl::StatusOr<pb::Mapping> {
        ASSIGN_OR_RETURN(const std::string id,
                         IdIn("connection", "connections", request.connection()));
        if (request.version() < 0) {
          return absl::InvalidArgumentError(
              absl::StrCat("version: ", request.version(), ", want at least 1"));
        }
        ASSIGN_OR_RETURN(const MappingRecord record, store_.GetMapping(id, request.version()));
        return MappingOf(record);
      });
}

grpc::ServerUnaryReactor* MappingServer::SetMapping(grpc::CallbackServerContext* context,
                                                    const pb::SetMappingRequest* request,
                                                    pb::Mapping* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::SetMappingRequest& request,
                       const Caller& caller) -> absl::StatusOr<pb::Mapping> {
                  ASSIGN_OR_RETURN(const std::string id,
                                   IdIn("connection", "connections", request.connection()));
                  if (!request.has_rules())
                    return absl::InvalidArgumentError("rules: none, want a rule set");
                  RETURN_IF_ERROR(CheckText("comment", request.comment()));
                  const pb::Rules rules = NormalRules(request.rules());
                  RETURN_IF_ERROR(CheckRules(rules));
                  const std::optional<int64_t> replaces =
                      request.version() == 0 ? std::nullopt : std::optional(request.version());
                  ASSIGN_OR_RETURN(const MappingRecord record,
                                   store_.SetMapping({.connection_id = id,
                                                      .rules = rules,
                                                      .comment = request.comment(),
                                                      .created_by = caller.identity},
                                                     replaces));
                  RETURN_IF_ERROR(planner_.rules().Refresh().status());
                  replan_.Notify();
                  return MappingOf(record);
                });
}

grpc::ServerUnaryReactor* MappingServer::PreviewMapping(grpc::CallbackServerContext* context,
                                                        const pb::PreviewMappingRequest* request,
                                                        pb::PreviewMappingResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const pb::PreviewMappingRequest& request,
                       const Caller&) -> absl::StatusOr<pb::PreviewMappingResponse> {
                  ASSIGN_OR_RETURN(const std::string id,
                                   IdIn("connection", "connections", request.connection()));
                  if (!request.has_rules())
                    return absl::InvalidArgumentError("rules: none, want a rule set");
                  const pb::Rules rules = NormalRules(request.rules());
                  RETURN_IF_ERROR(CheckRules(rules));
                  const int limit =
                      request.order_limit() == 0 ? kUsualOrders : request.order_limit();
                  if (limit < 1 || limit > kMostOrders) {
                    return absl::InvalidArgumentError(
                        absl::StrCat("order_limit: ", limit, ", want 1 to ", kMostOrders));
                  }
                  RETURN_IF_ERROR(planner_.rules().Refresh().status());
                  ASSIGN_OR_RETURN(const auto orders, store_.NewestOrders(id, limit));
                  ASSIGN_OR_RETURN(const auto costs, store_.PastCosts(id));
                  return Preview(orders, planner_.BasisFor(id), Rules(rules), costs);
                });
}

}  // namespace psups::shipment_builder
