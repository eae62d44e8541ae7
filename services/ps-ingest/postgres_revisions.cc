#include "services/ps-ingest/postgres_revisions.h"

#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;

// What of an order may ship, for CheckOrders: no names, no addresses.
std::string OpenSchedules(const pb::Order& order, int64_t revision) {
  pb::CheckOrdersResponse::Standing standing;
  standing.set_name(order.name());
  standing.set_revision(revision);
  for (const pb::Order::Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() != pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      continue;
    }
    auto& open = *standing.add_open_schedules();
    open.set_line_number(schedule.line_number());
    open.set_schedule_number(schedule.schedule_number());
    open.set_quantity(schedule.open_quantity());
  }
  return standing.SerializeAsString();
}

AuditEntry StoredEntry(const NewRevision& revision, const std::string& call_id,
                       const std::string& state, bool withdrawn) {
  const pb::Order& order = revision.order;
  nlohmann::json reasons = nlohmann::json::object();
  int open = 0;
  for (const pb::Order::Schedule& schedule : order.schedules()) {
    if (schedule.ineligible_reason() == pb::Order::Schedule::INELIGIBLE_REASON_UNSPECIFIED) {
      ++open;
    } else {
      auto& count =
          reasons[pb::Order::Schedule::IneligibleReason_Name(schedule.ineligible_reason())];
      count = count.is_null() ? 1 : count.get<int>() + 1;
    }
  }
  return {.action = "order.store",
          .subject = order.name(),
          .trace_id = order.trace_id(),
          .detail = {{"connection", order.document().connection()},
                     {"document_type", TypeCode(order.document().document_type())},
                     {"business_unit", order.document().business_unit()},
                     {"document_id", order.document().document_id()},
                     {"revision", revision.revision},
                     {"change_order_batch", order.change_order_batch()},
                     {"document_status", order.document_status()},
                     {"state", state},
                     {"withdrawn", withdrawn},
                     {"schedules_open", open},
                     {"schedules_ineligible", std::move(reasons)},
                     {"read", call_id}}};
}

}  // namespace

absl::StatusOr<std::vector<Bytes>> SealRevisions(Sealer& sealer, const std::string& connection_id,
                                                 const std::vector<NewRevision>& revisions) {
  std::vector<Bytes> sealed;
  for (const NewRevision& revision : revisions) {
    const std::string row = absl::StrCat(revision.order.name(), "/", revision.revision);
    ASSIGN_OR_RETURN(std::string bytes,
                     sealer.Seal(ConnectionName(connection_id),
                                 {.table = "order_revisions", .column = "content", .row = row},
                                 revision.order.SerializeAsString()));
    sealed.push_back({std::move(bytes)});
  }
  return sealed;
}

absl::Status StoreRevisions(Tx& tx, const ReadSource& source,
                            const std::vector<NewRevision>& new_revisions,
                            const std::vector<Bytes>& sealed, std::vector<AuditEntry>& audit) {
  if (new_revisions.empty()) return absl::OkStatus();
  std::vector<std::string> ids, units, documents, statuses, dates, updates, traces;
  std::vector<int64_t> revisions, batches, eligible;
  std::vector<Bytes> hashes, open;
  for (const NewRevision& revision : new_revisions) {
    const pb::Order& order = revision.order;
    ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(order.name()));
    ids.push_back(key.order_id);
    units.push_back(order.document().business_unit());
    documents.push_back(order.document().document_id());
    revisions.push_back(revision.revision);
    eligible.push_back(revision.eligible ? 1 : 0);
    batches.push_back(order.change_order_batch());
    statuses.push_back(order.document_status());
    dates.push_back(order.document_date());
    updates.push_back(order.last_update_local_time());
    hashes.push_back({revision.content_hash});
    open.push_back({OpenSchedules(order, revision.revision)});
    traces.push_back(order.trace_id());
  }
  // A revision with nothing to ship is handed out only if something was handed out before: then
  // it takes that back. A newer revision ends the lease of an older one.
  ASSIGN_OR_RETURN(
      const Rows rows,
      tx.Exec(
          "INSERT INTO orders AS o (connection_id, document_type, read_start_time, order_id, "
          "  business_unit, document_id, revision, state, change_order_batch, document_status, "
          "  document_date, last_update_local, content_hash, open_schedules, trace_id) "
          "SELECT $1, $2, $3, u.order_id, u.unit, u.document, u.revision, "
          "  CASE WHEN u.eligible = 1 THEN 'PENDING' ELSE 'INELIGIBLE' END, u.batch, u.status, "
          "  u.date, u.last_update, u.hash, u.open, u.trace "
          "FROM unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], "
          "  $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[], $14::bytea[], "
          "  $15::text[]) "
          "  AS u(order_id, unit, document, revision, eligible, batch, status, date, "
          "       last_update, hash, open, trace) "
          "ON CONFLICT (connection_id, order_id) DO UPDATE SET "
          "  revision = excluded.revision, "
          "  state = CASE WHEN o.handed_out THEN 'PENDING' ELSE excluded.state END, "
          "  withdrawn = o.handed_out AND excluded.state = 'INELIGIBLE', "
          "  change_order_batch = excluded.change_order_batch, "
          "  document_status = excluded.document_status, "
          "  document_date = excluded.document_date, "
          "  last_update_local = excluded.last_update_local, "
          "  content_hash = excluded.content_hash, open_schedules = excluded.open_schedules, "
          "  read_start_time = excluded.read_start_time, revision_time = now(), "
          "  lease_id = '', lease_expire_time = now() "
          "WHERE o.revision = excluded.revision - 1 "
          "RETURNING order_id, state, withdrawn",
          {source.connection_id, TypeCode(source.type), source.read_start, ids, units, documents,
           revisions, eligible, batches, statuses, dates, updates, hashes, open, traces}));
  if (rows.size() != new_revisions.size()) {
    return absl::AbortedError("a document was changed by another read");
  }
  RETURN_IF_ERROR(AppendChanges(tx, source.connection_id, ids));
  RETURN_IF_ERROR(tx.Exec("INSERT INTO order_revisions (connection_id, call_id, order_id, "
                          "  revision, content) "
                          "SELECT $1, $2, * FROM unnest($3::text[], $4::bigint[], $5::bytea[])",
                          {source.connection_id, source.call_id, ids, revisions, sealed})
                      .status());
  std::map<std::string, std::pair<std::string, bool>> states;
  for (const Row row : rows) {
    states["orders/" + row.Text("order_id")] = {row.Text("state"), row.Bool("withdrawn")};
  }
  for (const NewRevision& revision : new_revisions) {
    const auto& [state, withdrawn] = states[revision.order.name()];
    audit.push_back(StoredEntry(revision, source.call_id, state, withdrawn));
  }
  return absl::OkStatus();
}

absl::Status StoreTouched(Tx& tx, const std::string& connection_id,
                          const std::vector<pb::Order>& touched) {
  if (touched.empty()) return absl::OkStatus();
  std::vector<std::string> ids, updates;
  std::vector<int64_t> batches;
  for (const pb::Order& order : touched) {
    ASSIGN_OR_RETURN(const OrderKey key, OrderKeyOf(order.name()));
    ids.push_back(key.order_id);
    updates.push_back(order.last_update_local_time());
    batches.push_back(order.change_order_batch());
  }
  return tx
      .Exec(
          "UPDATE orders o SET change_order_batch = u.batch, last_update_local = u.updated "
          "FROM unnest($2::text[], $3::bigint[], $4::text[]) AS u(order_id, batch, updated) "
          "WHERE o.connection_id = $1 AND o.order_id = u.order_id",
          {connection_id, ids, batches, updates})
      .status();
}

}  // namespace psups::ps_ingest
