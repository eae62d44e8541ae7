#include "services/ps-ingest/master_data.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/decimal.h"
#include "services/ps-ingest/codes.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/prompts.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;
using Schedule = pb::Order::Schedule;

constexpr std::size_t kMostEntries = 200'000;  // of a connection

const char* Prefix(Master kind) {
  switch (kind) {
    case Master::kVendor:
      return "VENDOR:";
    case Master::kLocation:
      return "LOCATION:";
    case Master::kItem:
      return "ITEM:";
  }
  return "";
}

// The columns that name the row and say from when on it holds.
struct KeyColumns {
  const char* setid = "";
  const char* id = "";
  const char* effective_date = "";
  const char* status = "";
};

KeyColumns KeysOf(Master kind) {
  switch (kind) {
    case Master::kVendor:
      return {"A.SETID", "A.VENDOR_ID", "B.EFFDT", "B.EFF_STATUS"};
    case Master::kLocation:
      return {"A.SETID", "A.LOCATION", "A.EFFDT", "A.EFF_STATUS"};
    case Master::kItem:
      return {"A.SETID", "A.INV_ITEM_ID", "B.EFFDT", ""};
  }
  return {};
}

using Fields = std::map<std::string, std::string>;

const std::string& Text(const Fields& row, const std::string& name) {
  static const std::string& absent = *new std::string;
  const auto found = row.find(name);
  return found == row.end() ? absent : found->second;
}

// The rows of the latest effective date that is not after `today`, among those that `belongs`.
template <typename Belongs>
std::vector<const Fields*> Effective(const std::vector<Fields>& rows, const KeyColumns& keys,
                                     const std::string& today, const Belongs& belongs) {
  std::string latest;
  for (const Fields& row : rows) {
    const std::string date = Text(row, keys.effective_date).substr(0, 10);
    if (belongs(row) && date <= today) latest = std::max(latest, date);
  }
  std::vector<const Fields*> found;
  for (const Fields& row : rows) {
    if (belongs(row) && Text(row, keys.effective_date).substr(0, 10) == latest) {
      found.push_back(&row);
    }
  }
  return found;
}

bool IsActive(const std::string& status) {
  return status == "A" || absl::EqualsIgnoreCase(status, "Active");
}

void SetAddress(const Fields& row, const std::string& alias, const std::string& name,
                type_pb::Address& address) {
  address.Clear();
  address.set_name(name);
  for (const char* const line : {"ADDRESS1", "ADDRESS2", "ADDRESS3", "ADDRESS4"}) {
    if (!Text(row, alias + line).empty()) address.add_lines(Text(row, alias + line));
  }
  address.set_city(Text(row, alias + "CITY"));
  address.set_state(Text(row, alias + "STATE"));
  address.set_postal_code(Text(row, alias + "POSTAL"));
  address.set_country_code(CountryCode(Text(row, alias + "COUNTRY")));
  address.set_phone(Text(row, alias + "PHONE"));
}

void FillShipFrom(const std::vector<Fields>& rows, int32_t sequence, const std::string& today,
                  Schedule& schedule) {
  schedule.clear_ship_from();
  // The document's own address, else the vendor's first.
  const std::string wanted = std::to_string(sequence > 0 ? sequence : 1);
  const auto effective = Effective(rows, KeysOf(Master::kVendor), today, [&](const Fields& row) {
    return Text(row, "B.ADDRESS_SEQ_NUM") == wanted;
  });
  if (effective.empty() || !IsActive(Text(*effective.front(), "B.EFF_STATUS"))) return;
  SetAddress(*effective.front(), "B.", Text(*effective.front(), "A.NAME1"),
             *schedule.mutable_ship_from());
}

void FillShipTo(const std::vector<Fields>& rows, const std::string& today, Schedule& schedule) {
  schedule.clear_ship_to();
  const auto effective =
      Effective(rows, KeysOf(Master::kLocation), today, [](const Fields&) { return true; });
  if (effective.empty() || !IsActive(Text(*effective.front(), "A.EFF_STATUS"))) return;
  const Fields& row = *effective.front();
  SetAddress(row, "A.", Text(row, "A.DESCR"), *schedule.mutable_ship_to());
  schedule.mutable_ship_to()->set_attention_name(Text(row, "A.ATTN_TO"));
}

// A number that is kept, or nothing: zero means that nobody maintains it.
std::string Measured(const Fields& row, const std::string& name) {
  const absl::StatusOr<Decimal> value = Decimal::Parse(Text(row, name));
  return value.ok() && !value->is_zero() ? value->ToString() : "";
}

void FillItem(const std::vector<Fields>& rows, const std::string& today, Schedule& schedule) {
  const auto effective =
      Effective(rows, KeysOf(Master::kItem), today, [](const Fields&) { return true; });
  if (effective.empty()) return;
  const Fields& item = *effective.front();
  schedule.set_standard_unit_of_measure(Text(item, "A.UNIT_MEASURE_STD"));
  schedule.mutable_item_weight()->set_value(Measured(item, "B.INV_ITEM_WEIGHT"));
  schedule.mutable_item_weight()->set_unit(Text(item, "B.UNIT_MEASURE_WT"));
  schedule.mutable_item_dimensions()->set_length(Measured(item, "B.INV_ITEM_LENGTH"));
  schedule.mutable_item_dimensions()->set_width(Measured(item, "B.INV_ITEM_WIDTH"));
  schedule.mutable_item_dimensions()->set_height(Measured(item, "B.INV_ITEM_HEIGHT"));
  schedule.mutable_item_dimensions()->set_unit(Text(item, "B.UNIT_MEASURE_DIM"));
  schedule.set_harmonized_code(Text(item, "B.HARMONIZED_CD"));
  for (const Fields* const row : effective) {
    if (Text(*row, "C.UNIT_OF_MEASURE") != schedule.unit_of_measure()) continue;
    schedule.set_conversion_rate(Measured(*row, "C.CONVERSION_RATE"));
    schedule.mutable_shipping_weight()->set_value(Measured(*row, "C.SHIPPING_WEIGHT"));
    schedule.mutable_shipping_weight()->set_unit(Text(*row, "C.UNIT_MEASURE_WT"));
  }
  if (schedule.conversion_rate().empty() && !schedule.unit_of_measure().empty() &&
      schedule.unit_of_measure() == schedule.standard_unit_of_measure()) {
    schedule.set_conversion_rate("1");
  }
}

MasterKey KeyOf(const Schedule& schedule, Master kind) {
  switch (kind) {
    case Master::kVendor:
      return {kind, schedule.vendor_setid(), schedule.vendor_id()};
    case Master::kLocation:
      return {kind, schedule.ship_to_setid(), schedule.ship_to_id()};
    case Master::kItem:
      return {kind, schedule.item_setid(), schedule.item_id()};
  }
  return {};
}

// Whether the schedule's data of this kind is looked up; without a key there is nothing to look
// for.
bool IsLookedUp(const pb::Connection& connection, const Document& document, int at, Master kind) {
  if (MasterQueryOf(connection, kind).empty()) return false;
  const bool to_customer = document.facts[static_cast<std::size_t>(at)].ships_to_customer;
  if (kind == Master::kLocation && to_customer) return false;
  const MasterKey key = KeyOf(document.order.schedules(at), kind);
  // A prompt cannot carry a comma: such a one is as good as not maintained.
  return !key.id.empty() && key.id.find(',') == std::string::npos &&
         key.setid.find(',') == std::string::npos;
}

constexpr Master kMasters[] = {Master::kVendor, Master::kLocation, Master::kItem};

}  // namespace

bool MayBeCutMaster(const QueryResult& result, std::size_t keys) {
  constexpr std::size_t kSurelyWhole = 100;
  return keys > 1 && result.rows.size() >= kSurelyWhole;
}

const std::string& MasterQueryOf(const pb::Connection& connection, Master kind) {
  switch (kind) {
    case Master::kVendor:
      return connection.vendor_query();
    case Master::kLocation:
      return connection.location_query();
    case Master::kItem:
      return connection.item_query();
  }
  return connection.vendor_query();
}

std::vector<std::string_view> MasterColumns(Master kind) {
  switch (kind) {
    case Master::kVendor:
      return {"A.SETID",      "A.VENDOR_ID", "A.NAME1",    "B.ADDRESS_SEQ_NUM", "B.EFFDT",
              "B.EFF_STATUS", "B.ADDRESS1",  "B.ADDRESS2", "B.ADDRESS3",        "B.ADDRESS4",
              "B.CITY",       "B.STATE",     "B.POSTAL",   "B.COUNTRY",         "B.PHONE"};
    case Master::kLocation:
      return {"A.SETID",    "A.LOCATION", "A.EFFDT",    "A.EFF_STATUS", "A.DESCR",
              "A.ADDRESS1", "A.ADDRESS2", "A.ADDRESS3", "A.ADDRESS4",   "A.CITY",
              "A.STATE",    "A.POSTAL",   "A.COUNTRY",  "A.ATTN_TO",    "A.PHONE"};
    case Master::kItem:
      return {"A.SETID",           "A.INV_ITEM_ID",      "A.UNIT_MEASURE_STD", "B.EFFDT",
              "B.INV_ITEM_WEIGHT", "B.UNIT_MEASURE_WT",  "B.INV_ITEM_LENGTH",  "B.INV_ITEM_WIDTH",
              "B.INV_ITEM_HEIGHT", "B.UNIT_MEASURE_DIM", "C.UNIT_OF_MEASURE",  "C.CONVERSION_RATE",
              "C.SHIPPING_WEIGHT", "C.UNIT_MEASURE_WT",  "B.HARMONIZED_CD"};
  }
  return {};
}

bool IsMasterColumn(std::string_view name) {
  for (const Master kind : kMasters) {
    for (const std::string_view column : MasterColumns(kind)) {
      if (name == Prefix(kind) + std::string(column)) return true;
    }
  }
  return false;
}

const MasterData::Entry* MasterData::Find(const pb::Connection& connection,
                                          const MasterKey& key) const {
  const auto site = sites_.find(connection.name());
  if (site == sites_.end() || site->second.version != connection.version()) return nullptr;
  const auto entry = site->second.entries.find(key);
  return entry == site->second.entries.end() ? nullptr : &entry->second;
}

std::vector<MasterKey> MasterData::Missing(const pb::Connection& connection,
                                           const std::vector<Document>& documents,
                                           absl::Time now) const {
  std::lock_guard lock(mutex_);
  std::set<MasterKey> missing;
  for (const Document& document : documents) {
    for (int at = 0; at < document.order.schedules_size(); ++at) {
      for (const Master kind : kMasters) {
        if (!IsLookedUp(connection, document, at, kind)) continue;
        MasterKey key = KeyOf(document.order.schedules(at), kind);
        const Entry* const known = Find(connection, key);
        if (known == nullptr || known->expire_time <= now) missing.insert(std::move(key));
      }
    }
  }
  std::vector<MasterKey> batch;
  for (const MasterKey& key : missing) {
    if (batch.size() == kIdPrompts) break;
    if (!batch.empty() && (key.kind != batch[0].kind || key.setid != batch[0].setid)) break;
    batch.push_back(key);
  }
  return batch;
}

absl::Status MasterData::Put(const pb::Connection& connection, const std::vector<MasterKey>& asked,
                             const QueryResult& result, absl::Time now) {
  const Master kind = asked.front().kind;
  const std::vector<std::string_view> names = MasterColumns(kind);
  // A.VENDOR_ID of a purchase order is another column than the vendor's.
  std::map<std::string, std::string> column_map;
  for (const auto& [ours, theirs] : connection.column_map()) {
    if (absl::StartsWith(ours, Prefix(kind))) column_map[ours] = theirs;
  }
  const std::vector<int> at = FindByName(result.columns, names, column_map, Prefix(kind));
  std::map<std::string, std::vector<Fields>> rows;  // by id
  for (const std::vector<std::string>& values : result.rows) {
    Fields row;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (at[i] < 0) return absl::FailedPreconditionError(MissingColumn(names[i]));
      row[std::string(names[i])] = values[static_cast<std::size_t>(at[i])];
    }
    const KeyColumns keys = KeysOf(kind);
    if (Text(row, keys.setid) == asked.front().setid) rows[Text(row, keys.id)].push_back(row);
  }
  std::lock_guard lock(mutex_);
  Site& site = sites_[connection.name()];
  if (site.version != connection.version() || site.entries.size() > kMostEntries) {
    site = {.version = connection.version()};
  }
  const absl::Time expire_time = now + absl::Seconds(connection.lookup_max_age_seconds());
  for (const MasterKey& key : asked) {
    site.entries[key] = {.expire_time = expire_time, .rows = std::move(rows[key.id])};
  }
  return absl::OkStatus();
}

void MasterData::Fill(const pb::Connection& connection, absl::CivilDay today,
                      std::vector<Document>& documents) const {
  std::lock_guard lock(mutex_);
  for (Document& document : documents) {
    for (int at = 0; at < document.order.schedules_size(); ++at) {
      FillSchedule(connection, absl::FormatCivilTime(today), document, at);
    }
  }
}

void MasterData::FillSchedule(const pb::Connection& connection, const std::string& today,
                              Document& document, int at) const {
  Schedule& schedule = *document.order.mutable_schedules(at);
  for (const Master kind : kMasters) {
    if (!IsLookedUp(connection, document, at, kind)) continue;
    const Entry* const entry = Find(connection, KeyOf(schedule, kind));
    if (entry == nullptr) continue;
    switch (kind) {
      case Master::kVendor:
        FillShipFrom(entry->rows, document.vendor_addresses[static_cast<std::size_t>(at)], today,
                     schedule);
        break;
      case Master::kLocation:
        FillShipTo(entry->rows, today, schedule);
        break;
      case Master::kItem:
        FillItem(entry->rows, today, schedule);
        break;
    }
  }
}

}  // namespace psups::ps_ingest
