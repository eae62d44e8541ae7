#include <algorithm>
#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/crypto.h"
#include "common/outbox.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/shipment_service.pb.h"
#include "services/shipment-builder/postgres_links.h"
#include "services/shipment-builder/postgres_rows.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

std::string Bool(bool value) { return value ? "t" : "f"; }

// "{1,2}" for PostgreSQL.
template <typename Items, typename Get>
std::string ArrayText(const Items& items, Get get) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(get(item));
  return absl::StrCat("{", absl::StrJoin(texts, ","), "}");
}

// The columns that a shipment's row is written from, in the order of ShipmentRow().
constexpr char kRowNames[] =
    "connection_id, shipment_id, order_id, document_type, business_unit, document_id, "
    "order_revision, trace_id, state, resume_state, failure, service_code, ship_date, share_lines, "
    "share_schedules, share_quantities, share_received, fingerprint, sealed, validated, "
    "ship_from_call, ship_to_call, holds, undo, purchase_number, ups_shipment_id, charges_minor, "
    "currency_code, label_time, void_number, acknowledged, handed_over, work, lease_count, "
    "wait_count, failure_count, lease_mode, due_seconds, mapping_version, estimated_minor, "
    "estimated_currency, waits_for, vendor, due_date, waived, service_chosen";
constexpr std::size_t kRowColumns = 46;
constexpr char kRowArrays[] =
    "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], "
    "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], "
    "$15::text[], $16::text[], $17::text[], $18::text[], $19::bytea[], $20::boolean[], "
    "$21::text[], $22::text[], $23::boolean[], $24::text[], $25::integer[], $26::text[], "
    "$27::bigint[], $28::text[], $29::timestamptz[], $30::integer[], $31::boolean[], "
    "$32::boolean[], $33::text[], $34::integer[], $35::integer[], $36::integer[], $37::text[], "
    "$38::float8[], $39::bigint[], $40::bigint[], $41::text[], $42::text[], $43::text[], "
    "$44::text[], $45::text[], $46::boolean[])";

const std::string& InsertShipments() {
  static const auto* const kSql = new std::string(absl::StrCat(
      "INSERT INTO shipments (connection_id, shipment_id, order_id, document_type, business_unit, "
      "document_id, order_revision, trace_id, state, resume_state, failure, service_code, "
      "ship_date, share_lines, share_schedules, share_quantities, share_received, fingerprint, "
      "sealed, validated, ship_from_call, ship_to_call, holds, undo, purchase_number, "
      "ups_shipment_id, charges_minor, currency_code, label_time, void_number, acknowledged, "
      "handed_over, work, lease_count, wait_count, failure_count, mapping_version, "
      "estimated_minor, estimated_currency, waits_for, vendor, due_date, waived, "
      "service_chosen, due_time) SELECT "
      "connection_id, "
      "shipment_id, order_id, document_type, business_unit, document_id, order_revision, trace_id, "
      "state, resume_state, failure, service_code, ship_date, share_lines::integer[], "
      "share_schedules::integer[], share_quantities::numeric[], share_received::numeric[], "
      "fingerprint, sealed, validated, ship_from_call, ship_to_call, holds, undo, "
      "purchase_number, ups_shipment_id, charges_minor, currency_code, label_time, void_number, "
      "acknowledged, handed_over, work, lease_count, wait_count, failure_count, mapping_version, "
      "estimated_minor, estimated_currency, waits_for, vendor, due_date, waived::text[], "
      "service_chosen, CASE WHEN work = '' THEN "
      "NULL ELSE now() + "
      "make_interval(secs => due_seconds) END FROM ",
      kRowArrays, " AS x(", kRowNames, ")"));
  return *kSql;
}

const std::string& UpdateShipments() {
  static const auto* const kSql = new std::string(absl::StrCat(
      "UPDATE shipments s SET order_revision = x.order_revision, state = x.state, "
      "resume_state = x.resume_state, failure = x.failure, service_code = x.service_code, "
      "ship_date = x.ship_date, share_lines = x.share_lines::integer[], "
      "share_schedules = x.share_schedules::integer[], "
      "share_quantities = x.share_quantities::numeric[], "
      "share_received = x.share_received::numeric[], fingerprint = x.fingerprint, "
      "sealed = coalesce(x.sealed, s.sealed), validated = x.validated, "
      "ship_from_call = x.ship_from_call, ship_to_call = x.ship_to_call, holds = x.holds, "
      "undo = x.undo, "
      "purchase_number = x.purchase_number, ups_shipment_id = x.ups_shipment_id, "
      "charges_minor = x.charges_minor, currency_code = x.currency_code, "
      "label_time = x.label_time, label_stored_time = CASE WHEN x.label_time IS NULL THEN NULL "
      "ELSE coalesce(s.label_stored_time, now()) END, void_number = x.void_number, acknowledged = "
      "x.acknowledged, "
      "handed_over = x.handed_over, work = x.work, lease_count = x.lease_count, "
      "wait_count = x.wait_count, failure_count = x.failure_count, "
      "mapping_version = x.mapping_version, estimated_minor = x.estimated_minor, "
      "estimated_currency = x.estimated_currency, waits_for = x.waits_for, "
      "vendor = x.vendor, due_date = x.due_date, waived = x.waived::text[], "
      "service_chosen = x.service_chosen, "
      "update_time = CASE WHEN s.state = x.state THEN s.update_time ELSE now() END, "
      "due_time = CASE WHEN x.work = '' THEN NULL "
      "WHEN x.lease_mode = 'keep' AND s.due_time IS NOT NULL THEN s.due_time "
      "WHEN x.lease_mode = 'yield' AND s.lease_token IS NOT NULL AND s.due_time > now() "
      "THEN s.due_time "
      "WHEN x.lease_mode = 'renew' THEN now() + make_interval(secs => $47::float8) "
      "WHEN x.due_seconds < 0 THEN 'infinity' "
      "ELSE now() + make_interval(secs => x.due_seconds) END, "
      "lease_token = CASE WHEN x.work = '' THEN NULL "
      "WHEN x.lease_mode IN ('keep', 'renew') THEN s.lease_token "
      "WHEN x.lease_mode = 'yield' AND s.due_time > now() THEN s.lease_token END FROM ",
      kRowArrays, " AS x(", kRowNames,
      ") WHERE s.connection_id = x.connection_id AND s.shipment_id = x.shipment_id"));
  return *kSql;
}

// What was heard of packages and makes nothing else of their shipment: its row, which stands in
// many indexes, stays as it is.
bool OnlyPackages(const Effects& effects) {
  return effects.packages_updated && effects.lease == Effects::Lease::kKeep &&
         effects.action.empty() && effects.allocation == Effects::Allocation::kKeep &&
         !effects.purchase_changed && !effects.parties_changed && !effects.packages_changed &&
         !effects.review.has_value() && !effects.close_reviews && !effects.replan;
}

std::string LeaseMode(Effects::Lease lease) {
  switch (lease) {
    case Effects::Lease::kEnd:
      return "end";
    case Effects::Lease::kYield:
      return "yield";
    case Effects::Lease::kKeep:
      return "keep";
    case Effects::Lease::kRenew:
      return "renew";
  }
  std::abort();
}

std::vector<std::optional<std::string>> ShipmentRow(const Shipment& shipment, Effects::Lease lease,
                                                    std::optional<std::string> sealed) {
  const auto share = [&](auto get) { return ArrayText(shipment.shares, get); };
  return {
      shipment.connection_id,
      shipment.shipment_id,
      shipment.order_id,
      shipment.document_type,
      shipment.business_unit,
      shipment.document_id,
      std::to_string(shipment.order_revision),
      shipment.trace_id,
      std::string(Name(shipment.state)),
      std::string(Name(shipment.resume_state)),
      shipment.failure,
      shipment.service_code,
      shipment.ship_date,
      share([](const Share& s) { return std::to_string(s.line); }),
      share([](const Share& s) { return std::to_string(s.schedule); }),
      share([](const Share& s) { return s.quantity.ToString(); }),
      share([](const Share& s) { return s.received.ToString(); }),
      shipment.fingerprint,
      sealed.has_value() ? std::optional(ByteaText(*sealed)) : std::nullopt,
      Bool(shipment.validated),
      shipment.ship_from_call,
      shipment.ship_to_call,
      Bool(shipment.holds),
      std::string(Name(shipment.undo)),
      std::to_string(shipment.purchase.number),
      shipment.ups_shipment_id,
      std::to_string(shipment.charges.amount_minor),
      shipment.charges.currency_code,
      shipment.label_time.has_value() ? Param(*shipment.label_time).text() : std::nullopt,
      std::to_string(shipment.void_number),
      Bool(shipment.acknowledged),
      Bool(shipment.handed_over),
      std::string(Name(WorkOf(shipment))),
      std::to_string(shipment.lease_count),
      std::to_string(shipment.wait_count),
      std::to_string(shipment.failure_count),
      LeaseMode(lease),
      shipment.due_in == absl::InfiniteDuration()
          ? "-1"
          : *Param(std::max(shipment.due_in, absl::ZeroDuration())).text(),
      std::to_string(shipment.mapping_version),
      shipment.estimate.has_value() ? std::optional(std::to_string(shipment.estimate->amount_minor))
                                    : std::nullopt,
      shipment.estimate.has_value() ? shipment.estimate->currency_code : "",
      shipment.waits_for,
      shipment.vendor,
      shipment.due_date,
      ArrayText(shipment.waived, [](const std::string& reason) { return reason; }),
      Bool(shipment.service_chosen),
  };
}

absl::Status Allocate(
    Tx& tx, const std::map<std::pair<ShipmentKey, std::pair<int, int>>, Decimal>& allocations) {
  Arrays rows(5);
  for (const auto& [key, quantity] : allocations) {
    rows.Add({key.first.first, key.first.second, std::to_string(key.second.first),
              std::to_string(key.second.second), quantity.ToString()});
  }
  if (rows.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(
      const Rows touched,
      tx.Exec("UPDATE schedules s SET allocated = s.allocated + x.quantity FROM "
              "unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::numeric[]) AS "
              "x(connection_id, order_id, line_number, schedule_number, quantity) WHERE "
              "s.connection_id = x.connection_id AND s.order_id = x.order_id AND s.line_number = "
              "x.line_number AND s.schedule_number = x.schedule_number",
              rows.Params()));
  if (touched.affected() == rows.rows()) return absl::OkStatus();
  return absl::InternalError("schedules: a purchase names one that is not stored");
}

}  // namespace

absl::StatusOr<std::vector<Stored>> ShipmentRows::Write(Tx& tx, std::vector<Changed> changed,
                                                        absl::Duration lease) {
  std::vector<Stored> stored;
  if (changed.empty()) return stored;
  Arrays updates(kRowColumns), inserts(kRowColumns);
  Arrays old_packages(2), packages(12), statuses(8), purchases(14), labels(5), closed(2),
      reviews(8), replans(2), spoken_for(5), taken(4);
  std::map<std::pair<ShipmentKey, std::pair<int, int>>, Decimal> allocations;
  std::vector<AuditEntry> entries;
  std::map<std::string, std::size_t> review_of;  // review id → position in stored
  for (Changed& item : changed) {
    const Shipment& shipment = item.shipment;
    Effects& effects = item.effects;
    std::optional<std::string> sealed;
    if (item.fresh || effects.parties_changed) {
      pb::Shipment parties;
      *parties.mutable_ship_from() = shipment.ship_from;
      *parties.mutable_ship_to() = shipment.ship_to;
      *parties.mutable_terms() = shipment.terms;
      ASSIGN_OR_RETURN(sealed, Seal(shipment.connection_id, "shipments", shipment.shipment_id,
                                    parties.SerializeAsString()));
    }
    if (!OnlyPackages(effects)) {
      (item.fresh ? inserts : updates).Add(ShipmentRow(shipment, effects.lease, sealed));
    }
    if (effects.packages_changed && !item.fresh) {
      old_packages.Add({shipment.connection_id, shipment.shipment_id});
    }
    for (const Package& package : shipment.packages) {
      if (effects.packages_changed) {
        const auto of = [&](auto get) { return ArrayText(package.contents, get); };
        packages.Add({shipment.connection_id, shipment.shipment_id, std::to_string(package.number),
                      package.weight_lb.ToString(), std::to_string(package.length_in),
                      std::to_string(package.width_in), std::to_string(package.height_in),
                      of([](const Content& c) { return std::to_string(c.line); }),
                      of([](const Content& c) { return std::to_string(c.schedule); }),
                      of([](const Content& c) { return c.quantity.ToString(); }), package.box_id,
                      package.packaging_code});
      } else if (effects.packages_updated) {
        statuses.Add({shipment.connection_id, shipment.shipment_id, std::to_string(package.number),
                      package.tracking_number, package.tracking_status,
                      std::string(Name(package.void_state)), package.label_sha256,
                      package.label_format});
      }
    }
    if (effects.purchase_changed) {
      const Purchase& purchase = shipment.purchase;
      purchases.Add({shipment.connection_id, shipment.shipment_id, std::to_string(purchase.number),
                     std::string(Name(purchase.state)), purchase.account, purchase.reference,
                     purchase.ship_date, purchase.ups_code, purchase.message, purchase.confirmed_by,
                     shipment.vendor, std::to_string(purchase.published.amount_minor),
                     purchase.published.currency_code, absl::StrJoin(purchase.alerts, "\n")});
    }
    if (effects.allocation != Effects::Allocation::kKeep) {
      const bool part = effects.allocation == Effects::Allocation::kFreePart;
      for (const Share& share : part ? effects.part : shipment.shares) {
        const std::string line = std::to_string(share.line);
        const std::string number = std::to_string(share.schedule);
        spoken_for.Add({shipment.connection_id, shipment.order_id, line, number,
                        Bool(shipment.document_type == "REQ")});
        if (effects.allocation == Effects::Allocation::kTake) {
          taken.Add({shipment.connection_id, shipment.order_id, line, number});
        }
        Decimal& sum = allocations[{{shipment.connection_id, shipment.order_id},
                                    {share.line, share.schedule}}];
        sum = effects.allocation == Effects::Allocation::kTake ? sum + share.quantity
                                                               : sum - share.quantity;
      }
    }
    for (std::size_t i = 0; i < effects.labels.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      ASSIGN_OR_RETURN(
          const std::string label,
          Seal(shipment.connection_id, "labels", absl::StrCat(shipment.shipment_id, "/", number),
               effects.labels[i].label()));
      labels.Add({shipment.connection_id, shipment.shipment_id, number,
                  effects.labels[i].label_format(), ByteaText(label)});
    }
    if (effects.close_reviews) closed.Add({shipment.connection_id, shipment.shipment_id});
    if (effects.replan) replans.Add({shipment.connection_id, shipment.order_id});
    Stored result{.shipment = shipment};
    if (effects.review.has_value()) {
      const std::string id = absl::StrCat(shipment.connection_id, "-", Base32(RandomBytes(10)));
      ASSIGN_OR_RETURN(const std::string bytes,
                       Seal(shipment.connection_id, "reviews", id,
                            EvidenceOf(*effects.review).SerializeAsString()));
      reviews.Add({shipment.connection_id, id, shipment.shipment_id,
                   std::string(Name(effects.review->reason)), effects.review->message,
                   std::string(Name(effects.review->side)), ByteaText(bytes), shipment.ship_date});
      review_of[id] = stored.size();
    }
    if (!effects.action.empty()) {
      entries.push_back({.action = effects.action,
                         .subject = shipment.name(),
                         .actor = effects.actor.empty() ? std::string(kService) : effects.actor,
                         .trace_id = shipment.trace_id,
                         .detail = std::move(effects.detail)});
    }
    stored.push_back(std::move(result));
  }

  const auto run = [&](const Arrays& rows, const std::string& sql) -> absl::Status {
    if (rows.empty()) return absl::OkStatus();
    return tx.Exec(sql, rows.Params()).status();
  };
  RETURN_IF_ERROR(run(inserts, InsertShipments()));
  if (!updates.empty()) {
    std::vector<Param> params = updates.Params();
    params.emplace_back(lease);
    RETURN_IF_ERROR(tx.Exec(UpdateShipments(), std::move(params)).status());
  }
  RETURN_IF_ERROR(run(old_packages,
                      "DELETE FROM packages p USING unnest($1::text[], $2::text[]) AS "
                      "x(connection_id, shipment_id) WHERE p.connection_id = x.connection_id AND "
                      "p.shipment_id = x.shipment_id"));
  RETURN_IF_ERROR(run(
      packages,
      "INSERT INTO packages (connection_id, shipment_id, package_number, weight_lb, length_in, "
      "width_in, height_in, content_lines, content_schedules, content_quantities, box_id, "
      "packaging_code) SELECT a, b, c, d, e, f, g, h::integer[], i::integer[], j::numeric[], "
      "k, l FROM unnest($1::text[], "
      "$2::text[], $3::integer[], $4::numeric[], $5::integer[], $6::integer[], $7::integer[], "
      "$8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) AS x(a, b, c, d, e, f, g, "
      "h, i, j, k, l)"));
  RETURN_IF_ERROR(
      run(statuses,
          "UPDATE packages p SET tracking_number = x.number, tracking_status = x.status, "
          "void_state = x.void_state, label_sha256 = x.sha256, label_format = x.format FROM "
          "unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], "
          "$7::text[], $8::text[]) AS x(connection_id, shipment_id, package_number, number, "
          "status, void_state, sha256, format) WHERE p.connection_id = "
          "x.connection_id AND p.shipment_id = x.shipment_id AND p.package_number = "
          "x.package_number"));
  RETURN_IF_ERROR(
      run(purchases,
          "INSERT INTO purchases (connection_id, shipment_id, purchase_number, state, account, "
          "reference, ship_date, ups_code, message, confirmed_by, vendor, published_minor, "
          "published_currency, alerts) SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], "
          "$4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], "
          "$11::text[], $12::bigint[], $13::text[], $14::text[]) ON CONFLICT (connection_id, "
          "shipment_id, purchase_number) DO UPDATE SET state = EXCLUDED.state, ups_code = "
          "EXCLUDED.ups_code, message = EXCLUDED.message, confirmed_by = EXCLUDED.confirmed_by, "
          "published_minor = EXCLUDED.published_minor, published_currency = "
          "EXCLUDED.published_currency, alerts = EXCLUDED.alerts, update_time = now()"));
  ASSIGN_OR_RETURN(const bool linked, LockLinked(tx, spoken_for));
  RETURN_IF_ERROR(Allocate(tx, allocations));
  if (linked) RETURN_IF_ERROR(CheckLinked(tx, taken));
  RETURN_IF_ERROR(
      run(labels,
          "INSERT INTO labels (connection_id, shipment_id, package_number, label_format, sealed) "
          "SELECT * FROM unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::bytea[]) "
          "ON CONFLICT (connection_id, shipment_id, package_number) DO UPDATE SET label_format = "
          "EXCLUDED.label_format, sealed = EXCLUDED.sealed"));
  RETURN_IF_ERROR(run(closed,
                      "UPDATE reviews r SET state = 'OBSOLETE', close_time = now() FROM "
                      "unnest($1::text[], $2::text[]) AS x(connection_id, shipment_id) WHERE "
                      "r.connection_id = x.connection_id AND r.shipment_id = x.shipment_id AND "
                      // No other event makes a parcel come back that is on its way.
                      "r.state = 'OPEN' AND r.reason <> 'VOIDED_LABEL_SCANNED'"));
  if (!reviews.empty()) {
    ASSIGN_OR_RETURN(
        const Rows opened,
        tx.Exec("INSERT INTO reviews (connection_id, review_id, shipment_id, reason, message, "
                "side, sealed, ship_by) SELECT a, b, c, d, e, f, g, coalesce(nullif(h, '')::date, "
                "CURRENT_DATE) FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], "
                "$5::text[], $6::text[], $7::bytea[], $8::text[]) AS x(a, b, c, d, e, f, g, h) ON "
                "CONFLICT (connection_id, shipment_id, reason, md5(message)) WHERE state = 'OPEN' "
                "DO NOTHING RETURNING review_id",
                reviews.Params()));
    for (const Row& row : opened) {
      const std::string id = row.Text("review_id");
      stored[review_of.at(id)].review_id = id;
    }
  }
  // What a requisition gives back its purchase order may ship.
  RETURN_IF_ERROR(
      run(replans,
          "WITH x AS (SELECT * FROM unnest($1::text[], $2::text[]) AS x(connection_id, order_id)) "
          "INSERT INTO replans (connection_id, order_id) SELECT connection_id, order_id FROM x "
          "UNION SELECT l.connection_id, l.order_id FROM x JOIN schedule_sources l ON "
          "l.connection_id = x.connection_id AND l.source_order_id = x.order_id ORDER BY 1, 2 ON "
          "CONFLICT DO NOTHING"));
  if (!entries.empty()) RETURN_IF_ERROR(AppendAudit(tx, kService, entries));
  return stored;
}

}  // namespace psups::shipment_builder
