#include "services/shipment-builder/postgres_rows.h"

#include <cstdlib>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status_macros.h"
#include "psups/shipments/v1/shipment_service.pb.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;

std::string ScopeOf(const std::string& connection_id) { return "connections/" + connection_id; }

// "{1,2}" from PostgreSQL.
std::vector<std::string> Elements(const std::string& array) {
  if (array.size() <= 2) return {};
  return absl::StrSplit(array.substr(1, array.size() - 2), ',');
}

int ToInt(const std::string& text) { return std::atoi(text.c_str()); }

// Numbers that we wrote ourselves.
Decimal ToDecimal(const std::string& text) { return *Decimal::Parse(text); }

Shipment FromRow(const Row& row) {
  Shipment shipment{.connection_id = row.Text("connection_id"),
                    .shipment_id = row.Text("shipment_id"),
                    .order_id = row.Text("order_id"),
                    .document_type = row.Text("document_type"),
                    .business_unit = row.Text("business_unit"),
                    .document_id = row.Text("document_id"),
                    .order_revision = row.Int("order_revision"),
                    .trace_id = row.Text("trace_id"),
                    .state = StateFromName(row.Text("state")),
                    .failure = row.Text("failure"),
                    .service_code = row.Text("service_code"),
                    .ship_date = row.Text("ship_date"),
                    .fingerprint = row.Text("fingerprint"),
                    .validated = row.Bool("validated"),
                    .ship_from_call = row.Text("ship_from_call"),
                    .ship_to_call = row.Text("ship_to_call"),
                    .mapping_version = row.Int("mapping_version"),
                    .vendor = row.Text("vendor"),
                    .due_date = row.Text("due_date"),
                    .waits_for = row.Text("waits_for"),
                    .holds = row.Bool("holds"),
                    .undo = UndoFromName(row.Text("undo")),
                    .ups_shipment_id = row.Text("ups_shipment_id"),
                    .charges = {.amount_minor = row.Int("charges_minor"),
                                .currency_code = row.Text("currency_code")},
                    .label_time = row.OptionalTime("label_time"),
                    .void_number = static_cast<int>(row.Int("void_number")),
                    .acknowledged = row.Bool("acknowledged"),
                    .handed_over = row.Bool("handed_over"),
                    .lease_count = static_cast<int>(row.Int("lease_count")),
                    .wait_count = static_cast<int>(row.Int("wait_count")),
                    .failure_count = static_cast<int>(row.Int("failure_count"))};
  if (!row.IsNull("estimated_minor")) {
    shipment.estimate = Money{.amount_minor = row.Int("estimated_minor"),
                              .currency_code = row.Text("estimated_currency")};
  }
  const std::string resume = row.Text("resume_state");
  if (!resume.empty()) shipment.resume_state = StateFromName(resume);
  shipment.purchase.number = static_cast<int>(row.Int("purchase_number"));
  shipment.waived = Elements(row.Text("waived"));
  shipment.service_chosen = row.Bool("service_chosen");
  const auto lines = Elements(row.Text("share_lines"));
  const auto schedules = Elements(row.Text("share_schedules"));
  const auto quantities = Elements(row.Text("share_quantities"));
  const auto received = Elements(row.Text("share_received"));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    shipment.shares.push_back({.line = ToInt(lines[i]),
                               .schedule = ToInt(schedules[i]),
                               .quantity = ToDecimal(quantities[i]),
                               .received = ToDecimal(received[i])});
  }
  // Opened later, outside the loop that reads rows.
  shipment.ship_to.set_name(row.Binary("sealed"));
  return shipment;
}

}  // namespace

const char kShipmentColumns[] =
    "s.connection_id, s.shipment_id, s.order_id, s.document_type, s.business_unit, s.document_id, "
    "s.order_revision, s.trace_id, s.state, s.resume_state, s.failure, s.service_code, "
    "s.ship_date, s.share_lines, s.share_schedules, s.share_quantities, s.share_received, "
    "s.fingerprint, s.sealed, s.validated, s.ship_from_call, s.ship_to_call, s.holds, s.undo, "
    "s.purchase_number, s.ups_shipment_id, s.charges_minor, s.currency_code, s.label_time, "
    "s.void_number, s.acknowledged, s.handed_over, s.lease_count, s.wait_count, s.failure_count, "
    "s.mapping_version, s.vendor, s.due_date, s.estimated_minor, s.estimated_currency, "
    "s.waits_for, s.waived, s.service_chosen, "
    "s.create_time, s.update_time, s.create_time::text AS create_text";

ShipmentKey KeyOf(const Shipment& shipment) {
  return {shipment.connection_id, shipment.shipment_id};
}

std::string ConnectionIn(const std::string& id) { return id.substr(0, id.rfind('-')); }

std::string AfterSlash(const std::string& name) { return name.substr(name.find('/') + 1); }

std::string ByteaText(const std::string& bytes) { return *Param(Bytes{bytes}).text(); }

absl::Status NoShipment(const std::string& shipment_id) {
  return absl::NotFoundError(absl::StrCat("shipments/", shipment_id, ": no such shipment"));
}

absl::StatusOr<std::string> ShipmentRows::Seal(const std::string& connection,
                                               std::string_view table, const std::string& key,
                                               std::string_view plaintext) {
  const std::string row = absl::StrCat(connection, "/", key);
  return sealer_.Seal(ScopeOf(connection), {.table = table, .column = "sealed", .row = row},
                      plaintext);
}

absl::StatusOr<std::string> ShipmentRows::Open(const std::string& connection,
                                               std::string_view table, const std::string& key,
                                               std::string_view sealed) {
  const std::string row = absl::StrCat(connection, "/", key);
  return sealer_.Open({.table = table, .column = "sealed", .row = row}, sealed);
}

absl::Status ShipmentRows::WarmUp(const std::set<std::string>& connections) {
  for (const std::string& connection : connections) {
    {
      std::lock_guard lock(mutex_);
      if (warm_.count(connection) > 0) continue;
    }
    ASSIGN_OR_RETURN(const std::string sealed, Seal(connection, "warm up", "", ""));
    RETURN_IF_ERROR(Open(connection, "warm up", "", sealed).status());
    std::lock_guard lock(mutex_);
    warm_.insert(connection);
  }
  return absl::OkStatus();
}

absl::Status ShipmentRows::WarmUpKnown(const std::string& connection) {
  {
    std::lock_guard lock(mutex_);
    if (warm_.count(connection) > 0) return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const Rows rows,
                   db_.Exec("SELECT 1 FROM orders WHERE connection_id = $1 LIMIT 1", {connection}));
  return rows.empty() ? absl::OkStatus() : WarmUp({connection});
}

absl::StatusOr<std::vector<Shipment>> ShipmentRows::Load(Tx& tx, const Rows& rows) {
  std::vector<Shipment> shipments;
  if (rows.empty()) return shipments;
  std::map<ShipmentKey, std::size_t> index;
  Arrays keys(2);
  Arrays bought(3);
  for (const Row& row : rows) {
    Shipment shipment = FromRow(row);
    index[KeyOf(shipment)] = shipments.size();
    keys.Add({shipment.connection_id, shipment.shipment_id});
    if (shipment.purchase.number > 0) {
      bought.Add(
          {shipment.connection_id, shipment.shipment_id, std::to_string(shipment.purchase.number)});
    }
    shipments.push_back(std::move(shipment));
  }
  ASSIGN_OR_RETURN(const Rows packages,
                   tx.Exec("SELECT p.* FROM packages p JOIN unnest($1::text[], $2::text[]) AS "
                           "k(connection_id, shipment_id) ON p.connection_id = k.connection_id AND "
                           "p.shipment_id = k.shipment_id ORDER BY p.package_number",
                           keys.Params()));
  for (const Row& row : packages) {
    Package package{.number = static_cast<int>(row.Int("package_number")),
                    .weight_lb = ToDecimal(row.Text("weight_lb")),
                    .length_in = static_cast<int>(row.Int("length_in")),
                    .width_in = static_cast<int>(row.Int("width_in")),
                    .height_in = static_cast<int>(row.Int("height_in")),
                    .box_id = row.Text("box_id"),
                    .packaging_code = row.Text("packaging_code"),
                    .tracking_number = row.Text("tracking_number"),
                    .tracking_status = row.Text("tracking_status"),
                    .void_state = PackageVoidFromName(row.Text("void_state")),
                    .label_sha256 = row.Text("label_sha256"),
                    .label_format = row.Text("label_format")};
    const auto lines = Elements(row.Text("content_lines"));
    const auto schedules = Elements(row.Text("content_schedules"));
    const auto quantities = Elements(row.Text("content_quantities"));
    for (std::size_t i = 0; i < lines.size(); ++i) {
      package.contents.push_back({.line = ToInt(lines[i]),
                                  .schedule = ToInt(schedules[i]),
                                  .quantity = ToDecimal(quantities[i])});
    }
    shipments[index.at({row.Text("connection_id"), row.Text("shipment_id")})].packages.push_back(
        std::move(package));
  }
  if (bought.empty()) return shipments;
  ASSIGN_OR_RETURN(
      const Rows purchases,
      tx.Exec("SELECT p.* FROM purchases p JOIN unnest($1::text[], $2::text[], $3::integer[]) AS "
              "k(connection_id, shipment_id, purchase_number) ON p.connection_id = "
              "k.connection_id AND p.shipment_id = k.shipment_id AND p.purchase_number = "
              "k.purchase_number",
              bought.Params()));
  for (const Row& row : purchases) {
    Purchase& purchase =
        shipments[index.at({row.Text("connection_id"), row.Text("shipment_id")})].purchase;
    purchase.state = PurchaseStateFromName(row.Text("state"));
    purchase.account = row.Text("account");
    purchase.reference = row.Text("reference");
    purchase.ship_date = row.Text("ship_date");
    purchase.ups_code = row.Text("ups_code");
    purchase.message = row.Text("message");
    purchase.confirmed_by = row.Text("confirmed_by");
    purchase.published = {.amount_minor = row.Int("published_minor"),
                          .currency_code = row.Text("published_currency")};
    purchase.alerts = absl::StrSplit(row.Text("alerts"), '\n', absl::SkipEmpty());
  }
  return shipments;
}

absl::Status ShipmentRows::OpenParties(std::vector<Shipment>& shipments) {
  for (Shipment& shipment : shipments) {
    ASSIGN_OR_RETURN(const std::string bytes, Open(shipment.connection_id, "shipments",
                                                   shipment.shipment_id, shipment.ship_to.name()));
    pb::Shipment parties;
    if (!parties.ParseFromString(bytes)) {
      return absl::DataLossError(absl::StrCat(shipment.name(), ": its parties do not parse"));
    }
    shipment.ship_from = parties.ship_from();
    shipment.ship_to = parties.ship_to();
    shipment.terms = parties.terms();
  }
  return absl::OkStatus();
}

absl::StatusOr<Shipment> ShipmentRows::Lock(Tx& tx, const std::string& shipment_id) {
  ASSIGN_OR_RETURN(const Rows rows,
                   tx.Exec(absl::StrCat("SELECT ", kShipmentColumns,
                                        " FROM shipments s WHERE s.connection_id = $1 AND "
                                        "s.shipment_id = $2 FOR UPDATE"),
                           {ConnectionIn(shipment_id), shipment_id}));
  if (rows.empty()) return NoShipment(shipment_id);
  ASSIGN_OR_RETURN(std::vector<Shipment> shipments, Load(tx, rows));
  RETURN_IF_ERROR(OpenParties(shipments));
  return std::move(shipments.front());
}

}  // namespace psups::shipment_builder
