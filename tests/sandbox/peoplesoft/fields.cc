#include "tests/sandbox/peoplesoft/fields.h"

#include <cstddef>
#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/sandbox/peoplesoft/local_time.h"

namespace psups::peoplesoft_sandbox {
namespace {

const std::set<std::string>& NumberFields() {
  static const auto* const fields = new std::set<std::string>{
      "CHNG_ORD_BATCH",   "ADDRESS_SEQ_NUM",  "LINE_NBR",        "SCHED_NBR",
      "DISTRIB_LINE_NUM", "DISTRIB_NBR",      "REQ_LINE_NBR",    "REQ_SCHED_NBR",
      "REQ_DISTRIB_NBR",  "QTY_PO",           "QTY_REQ",         "QTY_RECEIVED",
      "PRICE_PO",         "PRICE_REQ",        "CONVERSION_RATE", "INV_ITEM_WEIGHT",
      "INV_ITEM_LENGTH",  "INV_ITEM_WIDTH",   "INV_ITEM_HEIGHT", "INV_ITEM_VOLUME",
      "SHIPPING_WEIGHT",  "SHIPPING_VOLUME",  "PACKING_WEIGHT",  "PACKING_VOLUME",
      "MERCHANDISE_AMT",  "QTY_RECV_TOL_PCT", "CHNG_ORD_SEQ",    "CNTCT_SEQ_NUM",
      "VISIBLE_AFTER_MS"};
  return *fields;
}

// Only lengths that the wire reference confirms.
const std::map<std::string, std::size_t>& Lengths() {
  static const auto* const lengths =
      new std::map<std::string, std::size_t>{{"BUSINESS_UNIT", 5},
                                             {"PO_ID", 10},
                                             {"REQ_ID", 10},
                                             {"VENDOR_ID", 10},
                                             {"SETID", 5},
                                             {"VENDOR_SETID", 5},
                                             {"ITM_SETID", 5},
                                             {"SHIPTO_SETID", 5},
                                             {"INV_ITEM_ID", 18},
                                             {"CARRIER_ID", 10},
                                             {"SHIP_TYPE_ID", 10},
                                             {"UNIT_OF_MEASURE", 3},
                                             {"ADDRESS1", 55},
                                             {"ADDRESS2", 55},
                                             {"ADDRESS3", 55},
                                             {"ADDRESS4", 55},
                                             {"CITY", 30},
                                             {"STATE", 6},
                                             {"POSTAL", 12},
                                             {"COUNTRY", 3},
                                             {"NAME1", 40},
                                             {"BUYER_ID", 30},
                                             {"UNIT_MEASURE_WT", 3},
                                             {"UNIT_MEASURE_DIM", 3},
                                             {"LOCATION", 10},
                                             {"RECNAME", 15},
                                             {"SETCNTRLVALUE", 20},
                                             {"EFF_STATUS", 1},
                                             {"PO_STATUS", 2},
                                             {"CANCEL_STATUS", 1},
                                             {"DESCR254_MIXED", 254},
                                             {"PHYSICAL_NATURE", 1},
                                             {"BUSINESS_UNIT_IN", 5},
                                             {"BUSINESS_UNIT_OM", 5},
                                             {"BUSINESS_UNIT_REQ", 5},
                                             {"LOCATION_SETID", 5},
                                             {"UNIT_MEASURE_STD", 3},
                                             {"UNIT_OF_MEASURE_TO", 3},
                                             {"HARMONIZED_CD", 14},
                                             {"COUNTRY_OF_ORIGIN", 3},
                                             {"CARRIER_SETID", 5}};
  return *lengths;
}

bool IsDateField(const std::string& field) {
  return field == "EFFDT" || field == "SHIP_DATE" || absl::EndsWith(field, "_DT");
}

// Empty if the field can hold the value, else what it wants.
std::string Wish(const std::string& field, const Json& value) {
  if (IsNumberField(field)) {
    const bool numeric = value.is_number() || (value.is_string() && !PlainDecimal(value).empty());
    return numeric ? "" : "a number";
  }
  const auto length = Lengths().find(field);
  if (value.is_number() && length == Lengths().end() && !absl::EndsWith(field, "_ID")) return "";
  if (!value.is_string()) return "a string";
  if (length != Lengths().end() && Characters(value) > length->second) {
    return absl::StrCat("at most ", length->second, " characters");
  }
  if (!IsDateField(field)) return "";
  const std::string& day = value.get_ref<const std::string&>();
  return day.find_first_not_of(' ') == std::string::npos || IsDate(day) ? ""
                                                                        : "YYYY-MM-DD or blank";
}

}  // namespace

bool IsNumberField(const std::string& field) { return NumberFields().count(field) != 0; }

absl::Status CheckFields(const Json& row, const std::string& where) {
  if (!row.is_object()) return absl::InvalidArgumentError(where + ": want an object");
  for (const auto& [field, value] : row.items()) {
    if (value.is_structured()) continue;
    if (const std::string wish = Wish(field, value); !wish.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ".", field, ": want ", wish));
    }
  }
  return absl::OkStatus();
}

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace);
}

std::size_t Characters(const std::string& utf8) {
  std::size_t count = 0;
  for (const char byte : utf8) count += (byte & 0xC0) != 0x80;
  return count;
}

std::string Text(const Json& row, const std::string& field) {
  const auto found = row.find(field);
  if (found == row.end() || !found->is_string()) return "";
  std::string text = *found;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string PlainDecimal(const std::string& text) {
  const bool negative = absl::StartsWith(text, "-");
  std::string digits = text.substr(negative ? 1 : 0);
  if (digits.empty() || digits.find_first_not_of("0123456789.") != std::string::npos) return "";
  const std::size_t point = digits.find('.');
  if (point != std::string::npos) {
    if (point == 0 || point + 1 == digits.size() || digits.rfind('.') != point) return "";
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  const std::size_t first = digits.find_first_not_of('0');
  digits.erase(0, first == std::string::npos ? digits.size() : first);
  if (digits.empty()) return "0";
  if (digits.front() == '.') digits.insert(digits.begin(), '0');
  if (negative) digits.insert(digits.begin(), '-');
  return digits;
}

int64_t Integer(const Json& row, const std::string& field, int64_t otherwise) {
  const auto found = row.find(field);
  if (found == row.end()) return otherwise;
  if (found->is_number_integer()) return *found;
  int64_t number = 0;
  return found->is_string() && absl::SimpleAtoi(PlainDecimal(*found), &number) ? number : otherwise;
}

}  // namespace psups::peoplesoft_sandbox
