#include "tests/sandbox/peoplesoft/render.h"

#include <cstdlib>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace psups::peoplesoft_sandbox {
namespace {

const std::string& LongName(const std::string& field, const std::string& code) {
  using Names = std::map<std::string, std::string>;
  static const auto* const translates =
      new std::map<std::string, Names>{{"PO_STATUS",
                                        {{"I", "Initial"},
                                         {"O", "Open"},
                                         {"PA", "Pending Approval/Approved"},
                                         {"A", "Approved"},
                                         {"D", "Dispatched"},
                                         {"C", "Complete"},
                                         {"X", "Canceled"},
                                         {"PX", "Pending Cancel"},
                                         {"DA", "Denied"},
                                         {"LD", "Line Denied"}}},
                                       {"REQ_STATUS",
                                        {{"I", "Initial"},
                                         {"O", "Open"},
                                         {"P", "Pending"},
                                         {"A", "Approved"},
                                         {"LA", "Line Approved"},
                                         {"D", "Denied"},
                                         {"C", "Complete"},
                                         {"X", "Canceled"}}},
                                       {"CANCEL_STATUS",
                                        {{"A", "Active"},
                                         {"O", "Open"},
                                         {"H", "Hold"},
                                         {"P", "Pending Approval"},
                                         {"D", "Denied"},
                                         {"C", "Closed"},
                                         {"X", "Canceled"}}},
                                       {"EFF_STATUS", {{"A", "Active"}, {"I", "Inactive"}}},
                                       {"PHYSICAL_NATURE", {{"G", "Goods"}, {"S", "Services"}}}};
  const Names& names = translates->at(field);
  const auto name = names.find(code);
  return name == names.end() ? code : name->second;
}

// A value as the query yields it: a number as its literal, anything else as text; empty = blank.
struct Cell {
  std::string text = {};
  bool is_number = false;
};

Cell NumberCell(const QueryRow& row, const Column& column, const SiteConfig& site) {
  if (row.record(column.record) == nullptr) {
    return {site.missing_numbers_as_zero ? "0" : "", site.missing_numbers_as_zero};
  }
  const Json* const value = row.Find(column);
  // An order that was loaded without one is joined to the first address.
  if (value == nullptr) return {column.field == "ADDRESS_SEQ_NUM" ? "1" : "0", true};
  if (value->is_number()) return {value->dump(), true};
  return {PlainDecimal(*value), true};
}

std::string DateTimeText(const LocalTime& time, const SiteConfig& site) {
  if (site.days) return FormatDate(time);
  std::string text = FormatLocal(time, site.datetime_form, site.fractions);
  if (site.datetime_offset && site.datetime_form == DateTimeForm::kT) {
    const absl::Time instant = site.base_time_zone.At(time.first).pre;
    const int minutes = site.base_time_zone.At(instant).offset / 60;
    absl::StrAppendFormat(&text, "%c%02d%02d", minutes < 0 ? '-' : '+', std::abs(minutes) / 60,
                          std::abs(minutes) % 60);
  }
  return text;
}

Cell CellOf(const QueryRow& row, const Column& column, const SiteConfig& site) {
  const Json* const value = row.Find(column);
  switch (column.kind) {
    case ColumnKind::kNumber:
      return NumberCell(row, column, site);
    case ColumnKind::kDateTime:
      return {DateTimeText(row.document->updated, site)};
    case ColumnKind::kTranslate:
    case ColumnKind::kCharacter:
    case ColumnKind::kDate:
      break;
  }
  if (value == nullptr) return {};
  std::string text = value->is_string() ? value->get<std::string>() : value->dump();
  text.erase(text.find_last_not_of(' ') + 1);
  if (column.kind == ColumnKind::kTranslate && site.long_names)
    return {LongName(column.field, text)};
  return {std::move(text)};
}

std::string Quoted(const std::string& text) { return Dump(Json(text)); }

}  // namespace

const std::string& WireName(const Column& column, const SiteConfig& site) {
  return site.bare_row_keys ? column.bare_name : column.alias_name;
}

std::string RenderJson(const QueryAnswer& answer, const SiteConfig& site) {
  std::vector<std::string> keys;
  for (const Column& column : answer.columns) {
    keys.push_back(absl::StrCat(",", Quoted(WireName(column, site)), ":"));
  }
  const std::string blank = site.blank_as_space ? "\" \"" : "\"\"";

  std::string out =
      absl::StrCat("{\"status\":\"success\",\"data\":{\"query\":{\"numrows\":", answer.numrows, ",",
                   Quoted(site.query_name_key), ":", Quoted(answer.query->name));
  if (answer.rows.empty()) {
    if (site.zero_rows == "null") out += ",\"rows\":null";
    if (site.zero_rows == "empty") out += ",\"rows\":[]";
    return out + "}}}";
  }
  out += ",\"rows\":[";
  long number = 0;
  for (const QueryRow& row : answer.rows) {
    absl::StrAppend(&out, number == 0 ? "" : ",", "{\"attr:rownumber\":", number + 1);
    ++number;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const Cell cell = CellOf(row, answer.columns[i], site);
      out += keys[i];
      if (cell.is_number && !site.numbers_as_strings) {
        out += cell.text;
      } else {
        out += cell.text.empty() ? blank : Quoted(cell.text);
      }
    }
    out += "}";
  }
  return out + "]}}}";
}

std::string RenderXml(const QueryAnswer& answer, const SiteConfig& site) {
  constexpr char kNamespace[] = "http://xmlns.oracle.com/Enterprise/Tools/schemas/";
  std::string out =
      absl::StrCat("<?xml version=\"1.0\"?>\n<QAS_GETQUERYRESULTS_RESP_MSG xmlns=\"", kNamespace,
                   "QAS_GETQUERYRESULTS_RESP_MSG.VERSION_2\"><query xmlns=\"", kNamespace,
                   "QAS_QUERYRESULTS_XMLP_RESP.VERSION_1\" numrows=\"", answer.numrows,
                   "\" queryname=\"", XmlEscape(answer.query->name), "\">");
  long number = 0;
  for (const QueryRow& row : answer.rows) {
    absl::StrAppend(&out, "<row rownumber=\"", ++number, "\">");
    for (const Column& column : answer.columns) {
      const std::string& name = WireName(column, site);
      const Cell cell = CellOf(row, column, site);
      if (cell.text.empty()) {
        absl::StrAppend(&out, "<", name, "/>");
        continue;
      }
      const bool plain = cell.is_number || column.kind == ColumnKind::kDate ||
                         column.kind == ColumnKind::kDateTime;
      absl::StrAppend(
          &out, "<", name, ">", plain ? "" : "<![CDATA[",
          plain ? cell.text : absl::StrReplaceAll(cell.text, {{"]]>", "]]]]><![CDATA[>"}}),
          plain ? "" : "]]>", "</", name, ">");
    }
    out += "</row>";
  }
  return out + "</query></QAS_GETQUERYRESULTS_RESP_MSG>";
}

std::string XmlEscape(const std::string& text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

}  // namespace psups::peoplesoft_sandbox
