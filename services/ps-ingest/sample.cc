#include "services/ps-ingest/sample.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/decimal.h"
#include "services/ps-ingest/columns.h"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/eligibility.h"
#include "services/ps-ingest/local_time.h"

namespace psups::ps_ingest {
namespace {

namespace pb = orders::v1;
namespace type_pb = type::v1;

// So many documents of shippable statuses and none of another are no accident.
constexpr int kTellingSample = 40;
// Clocks may differ; a zone is wrong by more.
constexpr absl::Duration kClockSlack = absl::Minutes(10);

// What a value looks like: never the value.
std::string TypeOf(const std::string& value, absl::TimeZone zone) {
  if (Decimal::Parse(value).ok()) return "number";
  if (const auto time = ParseLocalTime(value, zone); time.ok()) {
    return value.size() == 10 ? "date" : "date and time";
  }
  return "text";
}

// Of the first row that has a value.
std::string SampleType(const QueryResult& result, int at, absl::TimeZone zone) {
  for (const std::vector<std::string>& row : result.rows) {
    const std::string& value = row[static_cast<std::size_t>(at)];
    if (!value.empty()) return TypeOf(value, zone);
  }
  return "blank";
}

// Whether the connection wants the column of this query: master data may have a query of its own.
bool IsWanted(const pb::Connection& connection, std::string_view name) {
  switch (name.front()) {
    case 'D':
    case 'E':
      return connection.vendor_query().empty();
    case 'F':
      return connection.location_query().empty();
    case 'G':
    case 'H':
    case 'I':
    case 'M':
      return connection.item_query().empty();
    case 'K':
      return connection.shipping_trigger().ship_direct();
    default:
      return true;
  }
}

}  // namespace

Check MakeCheck(std::string subject, bool ok, std::string finding) {
  Check check;
  check.set_subject(std::move(subject));
  check.set_ok(ok);
  check.set_finding(std::move(finding));
  return check;
}

std::vector<Check> CheckColumns(const pb::Connection& connection, const Sample& sample) {
  std::vector<Check> checks;
  const std::string subject = absl::StrCat("columns of ", sample.query);
  if (sample.result.rows.empty()) {
    return {MakeCheck(subject, true, "not looked at: the query gave no row")};
  }
  std::vector<std::string_view> ours;
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    ours.push_back(ColumnName(static_cast<Column>(i), sample.type));
  }
  const std::vector<int> found = FindByName(
      sample.result.columns, ours, {connection.column_map().begin(), connection.column_map().end()},
      sample.type == type_pb::REQUISITION ? "REQ:" : "PO:");
  const absl::TimeZone zone = ZoneOf(connection);
  std::vector<std::string> types;
  for (std::size_t i = 0; i < kColumnCount; ++i) {
    if (ours[i].empty()) continue;
    const std::string name(ours[i]);
    if (found[i] >= 0) {
      types.push_back(absl::StrCat(name, " ", SampleType(sample.result, found[i], zone)));
    } else if (IsWanted(connection, ours[i])) {
      checks.push_back(MakeCheck(absl::StrCat("column ", name, " of ", sample.query), false,
                                 IsRequired(static_cast<Column>(i))
                                     ? MissingColumn(name) + "; without it nothing is read"
                                     : MissingColumn(name)));
    }
  }
  checks.push_back(MakeCheck(subject, true, absl::StrJoin(types, ", ")));
  return checks;
}

std::vector<Check> CheckRows(const pb::Connection& connection, const Sample& sample) {
  std::vector<Check> checks;
  const auto& documents = sample.documents.readable;
  checks.push_back(
      sample.documents.ordered
          ? MakeCheck("order of " + sample.query, true, "rows stand in the order of their keys")
          : MakeCheck("order of " + sample.query, false,
                      "rows do not stand in the order of BUSINESS_UNIT and id; add the ORDER BY of "
                      "the setup guide: a cut answer cannot be read on without it"));
  std::set<std::string> statuses;
  std::set<std::string> units;
  for (const Document& document : documents) {
    statuses.insert(document.order.document_status());
    units.insert(document.order.document().business_unit());
  }
  const std::set<std::string> shippable = RulesOf(connection, sample.type).statuses;
  const bool all_ship =
      std::includes(shippable.begin(), shippable.end(), statuses.begin(), statuses.end());
  const int count = static_cast<int>(documents.size());
  if (all_ship && count >= kTellingSample) {
    checks.push_back(MakeCheck(
        "statuses of " + sample.query, false,
        absl::StrCat(
            "all of ", count,
            " documents have a status that ships; remove any criterion "
            "on a status from the query: psups must see orders that stop being shippable")));
  } else {
    checks.push_back(MakeCheck("statuses of " + sample.query, true,
                               absl::StrCat(statuses.size(), " different in ", count,
                                            " documents: no sign of a criterion on them")));
  }
  for (const std::string& unit : connection.business_units()) {
    if (!sample.whole || documents.empty() || units.contains(unit)) continue;
    checks.push_back(MakeCheck("row security of " + sample.query, false,
                               absl::StrCat("no document of business unit ", unit,
                                            " came; let the OPRID's row security show it")));
  }
  return checks;
}

Check CheckZone(const pb::Connection& connection, const Sample& sample, absl::Time server_now) {
  const absl::TimeZone zone = ZoneOf(connection);
  absl::Time newest = absl::InfinitePast();
  for (const Document& document : sample.documents.readable) {
    const auto time = ParseLocalTime(document.order.last_update_local_time(), zone);
    if (time.ok()) newest = std::max(newest, EarliestMoment(*time, zone));
  }
  if (newest > server_now + kClockSlack && connection.prompt_time_form() != pb::Connection::DAY) {
    return MakeCheck(
        "base time zone", false,
        absl::StrCat("a document was last changed ", absl::ToInt64Minutes(newest - server_now),
                     " minutes from now; set base_time_zone to the database's"));
  }
  return MakeCheck("base time zone", true, "no document was changed in the future");
}

}  // namespace psups::ps_ingest
