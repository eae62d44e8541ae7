// libFuzzer's targets, one for each parser of PeopleSoft's bytes and of its identity provider's:
// ps_fuzz --parser=ps_query [libFuzzer's own flags] [corpus]. Beyond not crashing, a parser
// promises something of whatever it takes for a success, and that its refusal repeats nothing of
// the input.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/issued_token.h"
#include "services/ps-ingest/local_time.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/query_result.h"
#include "services/ps-ingest/read.h"
#include "services/ps-ingest/write_back.h"
#include "tests/fuzz/target.h"

namespace psups::ps_ingest {
namespace {

using fuzz::Promise;
namespace pb = ::psups::orders::v1;

constexpr int kStatuses[] = {200, 202, 302, 400, 401, 403, 404, 500, 503};

const pb::Connection& Site() {
  static const pb::Connection& site = *[] {
    auto* connection = new pb::Connection;
    connection->set_base_time_zone("America/New_York");
    connection->set_ship_orders_since("2026-11-01");
    SetDefaults(*connection, "c1");
    connection->set_vendor_query("PSUPS_VENDOR");
    connection->set_location_query("PSUPS_LOCATION");
    connection->set_item_query("PSUPS_ITEM");
    return connection;
  }();
  return site;
}

PeopleSoft::Reply Reply(std::string_view body, int status = 200) {
  return {.response = HttpResponse{.status = status, .body = std::string(body)}};
}

// Each number as 0: which one stands in a sentence says nothing about who repeats whom.
std::string WithoutNumbers(std::string_view text) {
  std::string without;
  for (const char c : text) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || without.empty() || without.back() != '0') without += digit ? '0' : c;
  }
  return without;
}

// What is told of inputs that say nothing: libFuzzer learns these sentences and makes inputs of
// them.
const std::string& OurWords() {
  static const std::string& words = *[] {
    auto* all = new std::string;
    for (const std::string_view body :
         {"", "{}", "<html>", "<IBResponse>(158,45)", "<IBResponse>(158,536)", "(158,10721)",
          "<IBResponse>query not found", "<IBResponse>(1,2)", "(1,2)", "(1,2) query not found",
          R"({"error":"invalid_client"})"}) {
      for (const int status : kStatuses) {
        const HttpResponse response{.status = status, .body = std::string(body)};
        if (const auto error = FindError(response, "it")) *all += error->sentence;
        *all += ReadIssuedToken(response).status().ToString();
      }
      *all += NotSuccess(body, "it").sentence;
      *all += ParseQueryResult(body).status().ToString();
      *all += ParseXmlpResult(body).status().ToString();
      *all += ParseResults(body).status().ToString();
      if (const auto error = UnderstandCount(Reply(body), "query Q").error) *all += error->sentence;
      *all += ParseLocalTime(body, absl::UTCTimeZone()).status().ToString();
    }
    *all = WithoutNumbers(*all);
    return all;
  }();
  return words;
}

// A run of the input that is too long to be ours by chance may not stand in what is told.
void RepeatsNothing(std::string_view all_told, std::string_view whole_input) {
  constexpr std::size_t kRun = 24;
  const std::string told = WithoutNumbers(all_told);
  const std::string input = WithoutNumbers(whole_input);
  for (std::size_t at = 0; at + kRun <= input.size(); at += kRun / 2) {
    const std::string run = input.substr(at, kRun);
    if (told.find(run) == std::string::npos) continue;
    Promise(OurWords().find(run) != std::string::npos, "a refusal repeats no input");
  }
}

void CheckResult(const QueryResult& result) {
  for (const std::vector<std::string>& row : result.rows) {
    Promise(row.size() == result.columns.size(), "a row has a value for each column");
    for (const std::string& value : row) {
      Promise(value.empty() || (value.front() != ' ' && value.back() != ' '), "texts are trimmed");
    }
  }
}

void FuzzQuery(std::string_view body) {
  const auto result = ParseQueryResult(body);
  if (result.ok()) {
    CheckResult(*result);
  } else {
    RepeatsNothing(std::string(result.status().message()), body);
  }
}

void FuzzXmlp(std::string_view body) {
  const auto result = ParseXmlpResult(body);
  if (!result.ok()) return RepeatsNothing(std::string(result.status().message()), body);
  Promise(result->status == "success", "a query's XML is a success");
  CheckResult(*result);
}

void FuzzError(std::string_view body) {
  for (const int status : kStatuses) {
    const auto error = FindError(HttpResponse{.status = status, .body = std::string(body)}, "it");
    Promise(error.has_value() || (status >= 200 && status < 300), "only a 2xx is no error");
    if (!error.has_value()) continue;
    Promise(!error->sentence.empty(), "an error has a sentence");
    RepeatsNothing(error->sentence, body);
  }
  RepeatsNothing(NotSuccess(body, "it").sentence, body);
}

// The window queries' documents, read and judged.
void FuzzDocuments(std::string_view body) {
  for (const auto type : {type::v1::PURCHASE_ORDER, type::v1::REQUISITION}) {
    const Answer answer = Understand(Reply(body), Site(), type, 1000, "query Q");
    Promise(answer.error.has_value() || answer.documents.fault.ok(), "a fault is an error");
    for (const Document& document : answer.documents.readable) {
      const pb::Order& order = document.order;
      Promise(order.schedules_size() > 0, "a document has a schedule");
      Promise(document.facts.size() == static_cast<std::size_t>(order.schedules_size()) &&
                  document.vendor_addresses.size() == document.facts.size(),
              "a schedule has its facts");
      Promise(!order.document().document_id().empty(), "a document has an id");
      Promise(ParseLocalTime(order.last_update_local_time(), ZoneOf(Site())).ok(),
              "a time of change is one");
      for (const pb::Order::Schedule& schedule : order.schedules()) {
        Promise(Decimal::Parse(schedule.open_quantity()).ok(), "a quantity is a decimal");
        Promise(schedule.line_number() > 0 && schedule.schedule_number() > 0, "numbers are from 1");
      }
    }
  }
}

void FuzzCount(std::string_view body) {
  const CountOrError counted = UnderstandCount(Reply(body), "query Q");
  Promise(counted.error.has_value() || counted.count >= 0, "a count is a number");
  if (counted.error.has_value()) RepeatsNothing(counted.error->sentence, body);
}

void FuzzMaster(std::string_view body) {
  const auto result = ParseQueryResult(body);
  if (!result.ok()) return;
  Document document;
  pb::Order::Schedule& schedule = *document.order.add_schedules();
  document.facts.emplace_back();
  document.vendor_addresses.push_back(1);
  schedule.set_vendor_setid("SHARE");
  schedule.set_vendor_id("V1");
  schedule.set_ship_to_setid("SHARE");
  schedule.set_ship_to_id("L1");
  schedule.set_item_setid("SHARE");
  schedule.set_item_id("I1");
  schedule.set_unit_of_measure("EA");
  std::vector<Document> documents = {document};
  MasterData known;
  const absl::Time now = absl::FromUnixSeconds(1'795'446'000);
  for (int kinds = 0; kinds < 3; ++kinds) {
    const auto keys = known.Missing(Site(), documents, now);
    Promise(keys.size() == 1, "what is asked for is known after the answer");
    if (!known.Put(Site(), keys, *result, now).ok()) {
      Promise(known.Put(Site(), keys, QueryResult(), now).ok(), "no rows are no fault");
    }
  }
  known.Fill(Site(), absl::CivilDay(2026, 11, 23), documents);
  const std::string& weight = documents[0].order.schedules(0).item_weight().value();
  Promise(weight.empty() || Decimal::Parse(weight).ok(), "a weight is a decimal");
}

void FuzzResults(std::string_view body) {
  const auto results = ParseResults(body);
  if (!results.ok()) RepeatsNothing(std::string(results.status().message()), body);
  if (results.ok()) {
    for (const auto& [id, result] : *results) Promise(!id.empty(), "a result is of a message");
  }
  const auto rows = ParseQueryResult(body);
  if (rows.ok()) (void)StoredMessages(*rows);
}

void FuzzToken(std::string_view body) {
  for (const int status : kStatuses) {
    const auto issued = ReadIssuedToken(HttpResponse{.status = status, .body = std::string(body)});
    if (!issued.ok()) {
      RepeatsNothing(std::string(issued.status().message()), body);
      continue;
    }
    Promise(status == 200 && !issued->token.empty(), "only a 200 brings a token");
    Promise(issued->token.find_first_of(" \r\n") == std::string::npos, "a token is one word");
    Promise(issued->lifetime >= absl::Seconds(1), "a token lives");
  }
}

void FuzzTime(std::string_view text) {
  const absl::TimeZone zone = ZoneOf(Site());
  const auto time = ParseLocalTime(text, zone);
  if (!time.ok()) return RepeatsNothing(std::string(time.status().message()), text);
  const auto again = ParseLocalTime(FormatLocalTime(*time), zone);
  Promise(again.ok() && *again == *time, "a time is written as it is read");
  Promise(EarliestMoment(*time, zone) <= LatestMoment(*time, zone), "the earliest is first");
}

}  // namespace
}  // namespace psups::ps_ingest

const std::map<std::string, psups::fuzz::Target>& psups::fuzz::kTargets =
    *new std::map<std::string, psups::fuzz::Target>{
        {"ps_count", psups::ps_ingest::FuzzCount},
        {"ps_documents", psups::ps_ingest::FuzzDocuments},
        {"ps_error", psups::ps_ingest::FuzzError},
        {"ps_master", psups::ps_ingest::FuzzMaster},
        {"ps_query", psups::ps_ingest::FuzzQuery},
        {"ps_results", psups::ps_ingest::FuzzResults},
        {"ps_time", psups::ps_ingest::FuzzTime},
        {"ps_token", psups::ps_ingest::FuzzToken},
        {"ps_xmlp", psups::ps_ingest::FuzzXmlp},
    };
