#include "tests/sandbox/peoplesoft/tables.h"

#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::peoplesoft_sandbox {
namespace {

constexpr char kSeparator[] = "\x1f";

struct RecordDefinition {
  std::vector<std::string> key = {};
  bool effective_dated = false;
};

const std::map<std::string, RecordDefinition>& Definitions() {
  static const auto* const definitions = new std::map<std::string, RecordDefinition>{
      {"SET_CNTRL_REC", {.key = {"SETCNTRLVALUE", "RECNAME"}}},
      {"VENDOR", {.key = {"SETID", "VENDOR_ID"}}},
      {"VENDOR_ADDR", {.key = {"SETID", "VENDOR_ID", "ADDRESS_SEQ_NUM"}, .effective_dated = true}},
      {"LOCATION_TBL", {.key = {"SETID", "LOCATION"}, .effective_dated = true}},
      {"MASTER_ITEM_TBL", {.key = {"SETID", "INV_ITEM_ID"}}},
      {"INV_ITEMS", {.key = {"SETID", "INV_ITEM_ID"}, .effective_dated = true}},
      {"INV_ITEM_UOM", {.key = {"SETID", "INV_ITEM_ID", "UNIT_OF_MEASURE"}}},
      {"UNITS_CVT_TBL", {.key = {"UNIT_OF_MEASURE", "UNIT_OF_MEASURE_TO"}}},
      {"CUSTOMER", {.key = {"SETID", "CUST_ID"}}},
      {"BUS_UNIT_TBL_IN", {.key = {"BUSINESS_UNIT"}}},
  };
  return *definitions;
}

std::string KeyPart(const Json& row, const std::string& field) {
  return IsNumberField(field) ? absl::StrCat(Integer(row, field, 1)) : Text(row, field);
}

std::string EffectiveDate(const Json& row) {
  const std::string date = Text(row, "EFFDT");
  return date.empty() ? "1901-01-01" : date;
}

}  // namespace

absl::Status Tables::Check(const Json& tables) {
  if (!tables.is_object()) return absl::InvalidArgumentError("tables: want an object");
  for (const auto& [record, rows] : tables.items()) {
    const auto definition = Definitions().find(record);
    if (definition == Definitions().end() || !rows.is_array()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tables.", record, ": want a list of rows of ",
          absl::StrJoin(Definitions(), ", ",
                        [](std::string* out, const auto& known) { out->append(known.first); })));
    }
    int number = 0;
    for (const Json& row : rows) {
      const std::string where = absl::StrCat("tables.", record, "[", number++, "]");
      if (absl::Status status = CheckFields(row, where); !status.ok()) return status;
      for (const std::string& field : definition->second.key) {
        if (KeyPart(row, field).empty()) {
          return absl::InvalidArgumentError(absl::StrCat(where, ".", field, ": want a key value"));
        }
      }
    }
  }
  return absl::OkStatus();
}

void Tables::Upsert(const Json& tables) {
  for (const auto& [record, rows] : tables.items()) {
    const RecordDefinition& definition = Definitions().at(record);
    for (Json row : rows) {
      std::string key;
      for (const std::string& field : definition.key) {
        if (IsNumberField(field)) row[field] = Integer(row, field, 1);
        absl::StrAppend(&key, KeyPart(row, field), kSeparator);
      }
      if (definition.effective_dated) {
        row["EFFDT"] = EffectiveDate(row);
        if (Text(row, "EFF_STATUS").empty()) row["EFF_STATUS"] = "A";
        key += Text(row, "EFFDT");
      }
      records_[record].insert_or_assign(std::move(key), std::move(row));
    }
  }
}

const Json* Tables::Find(const std::string& record, const std::vector<std::string>& key,
                         const std::string& as_of) const {
  const auto rows = records_.find(record);
  if (rows == records_.end()) return nullptr;
  const std::string prefix = absl::StrCat(absl::StrJoin(key, kSeparator), kSeparator);
  if (!Definitions().at(record).effective_dated) {
    const auto found = rows->second.find(prefix);
    return found == rows->second.end() ? nullptr : &found->second;
  }
  const auto after = rows->second.upper_bound(prefix + as_of);
  if (after == rows->second.begin()) return nullptr;
  const auto& [latest_key, latest] = *std::prev(after);
  if (!absl::StartsWith(latest_key, prefix)) return nullptr;
  return Text(latest, "EFF_STATUS") == "A" ? &latest : nullptr;
}

std::vector<const Json*> Tables::All(const std::string& record,
                                     const std::vector<std::string>& key) const {
  std::vector<const Json*> found;
  const auto rows = records_.find(record);
  if (rows == records_.end()) return found;
  const std::string prefix = absl::StrCat(absl::StrJoin(key, kSeparator), kSeparator);
  for (auto row = rows->second.lower_bound(prefix);
       row != rows->second.end() && absl::StartsWith(row->first, prefix); ++row) {
    found.push_back(&row->second);
  }
  return found;
}

std::string Tables::SetId(const std::string& on_transaction, const std::string& business_unit,
                          const std::string& record_name) const {
  if (!on_transaction.empty()) return on_transaction;
  const Json* const control = Find("SET_CNTRL_REC", {business_unit, record_name}, "");
  return control == nullptr ? "" : Text(*control, "SETID");
}

}  // namespace psups::peoplesoft_sandbox
