#include "tests/sandbox/ups/faults.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::ups_sandbox {
namespace {

enum class Where { kApi, kAnywhere, kTrack, kVoid, kWebhook };

struct KindInfo {
  FaultKind kind;
  Where where;
};

const std::map<std::string, KindInfo>& Kinds() {
  static const auto* const kinds = new std::map<std::string, KindInfo>{
      {"status", {FaultKind::kStatus, Where::kApi}},
      {"html", {FaultKind::kHtml, Where::kApi}},
      {"reset_before", {FaultKind::kResetBefore, Where::kApi}},
      {"close_before", {FaultKind::kCloseBefore, Where::kApi}},
      {"expire_token", {FaultKind::kExpireToken, Where::kApi}},
      {"not_found", {FaultKind::kNotFound, Where::kApi}},
      {"normal", {FaultKind::kNormal, Where::kApi}},
      {"slow", {FaultKind::kSlow, Where::kAnywhere}},
      {"done_then_status", {FaultKind::kDoneThenStatus, Where::kApi}},
      {"done_as_status", {FaultKind::kDoneAsStatus, Where::kApi}},
      {"done_then_reset", {FaultKind::kDoneThenReset, Where::kApi}},
      {"done_then_close", {FaultKind::kDoneThenClose, Where::kApi}},
      {"done_then_truncate", {FaultKind::kDoneThenTruncate, Where::kApi}},
      {"withhold", {FaultKind::kWithhold, Where::kApi}},
      {"singleton", {FaultKind::kSingleton, Where::kApi}},
      {"lists", {FaultKind::kLists, Where::kApi}},
      {"extra_fields", {FaultKind::kExtraFields, Where::kApi}},
      {"drop", {FaultKind::kDrop, Where::kApi}},
      {"merged", {FaultKind::kMerged, Where::kApi}},
      {"polluted", {FaultKind::kPolluted, Where::kVoid}},
      {"singular_key", {FaultKind::kSingularKey, Where::kVoid}},
      {"no_gmt", {FaultKind::kNoGmt, Where::kTrack}},
      {"short_gmt", {FaultKind::kShortGmt, Where::kTrack}},
      {"lost", {FaultKind::kLost, Where::kWebhook}},
      {"duplicate", {FaultKind::kDuplicate, Where::kWebhook}},
      {"bad_credential", {FaultKind::kBadCredential, Where::kWebhook}}};
  return *kinds;
}

const std::set<std::string>& Routes() {
  static const auto* const routes = new std::set<std::string>{
      "*", "rating", "recovery", "ship", "subscribe", "token", "track", "void", "webhook", "xav"};
  return *routes;
}

// Whether a rule of this kind can do anything to a request of this route.
bool Applies(Where where, const std::string& route) {
  switch (where) {
    case Where::kApi:
      return route != "webhook";
    case Where::kAnywhere:
      return true;
    case Where::kTrack:
      return route == "track";
    case Where::kVoid:
      return route == "void";
    case Where::kWebhook:
      return route == "webhook";
  }
  return false;
}

Where WhereOf(FaultKind kind) {
  for (const auto& [unused, info] : Kinds()) {
    if (info.kind == kind) return info.where;
  }
  return Where::kAnywhere;
}

absl::Status Wants(const std::string& id, const std::string& key, const std::string& wish) {
  return absl::InvalidArgumentError(absl::StrCat("fault ", id, ": ", key, ": want ", wish));
}

std::string Names() {
  return absl::StrJoin(Kinds(), "|",
                       [](std::string* out, const auto& known) { out->append(known.first); });
}

absl::StatusOr<FaultRule> ParseRule(const Json& json) {
  FaultRule rule;
  rule.id = TextAt(json, {"id"});
  if (rule.id.empty()) return absl::InvalidArgumentError("add: a rule without id");
  bool has_kind = false;
  for (const auto& [key, value] : json.items()) {
    const bool whole = value.is_number_integer() && value >= 0;
    if (key == "id") continue;
    if (key == "kind") {
      const auto kind = value.is_string() ? Kinds().find(value) : Kinds().end();
      if (kind == Kinds().end()) return Wants(rule.id, key, Names());
      rule.kind = kind->second.kind;
      has_kind = true;
    } else if (key == "route") {
      rule.route = value.is_string() ? value.get<std::string>() : "";
    } else if (key == "count") {
      if (!whole) return Wants(rule.id, key, "a number from 0");
      rule.count = value;
    } else if (key == "probability") {
      if (!value.is_number() || value < 0 || value > 1) return Wants(rule.id, key, "0..1");
      rule.probability = value;
    } else if (key == "seed") {
      if (!whole) return Wants(rule.id, key, "a number from 0");
      rule.seed = value;
    } else if (key == "delay_ms") {
      if (!whole) return Wants(rule.id, key, "a number from 0");
      rule.delay = std::chrono::milliseconds(value.get<std::int64_t>());
    } else if (key == "status") {
      if (!whole || value < 200 || value > 599) return Wants(rule.id, key, "200..599");
      rule.status = value;
    } else if (key == "reused") {
      if (!value.is_boolean()) return Wants(rule.id, key, "true or false");
      rule.reused = value;
    } else if (key == "twin") {
      if (!value.is_boolean()) return Wants(rule.id, key, "true or false");
      rule.twin = value;
    } else if (key == "headers") {
      if (!value.is_object()) return Wants(rule.id, key, "an object of texts");
      for (const auto& [name, text] : value.items()) {
        if (!text.is_string()) return Wants(rule.id, key, "an object of texts");
        rule.headers.emplace_back(name, text.get<std::string>());
      }
    } else if (key == "body" || key == "match" || key == "field" || key == "code") {
      if (!value.is_string()) return Wants(rule.id, key, "a text");
      if (key == "body") rule.body = value.get<std::string>();
      if (key == "match") rule.match = value;
      if (key == "field") rule.field = value;
      if (key == "code") rule.code = value;
    } else {
      return Wants(rule.id, key, "no such key");
    }
  }
  if (!has_kind) return Wants(rule.id, "kind", Names());
  if (Routes().count(rule.route) == 0) return Wants(rule.id, "route", absl::StrJoin(Routes(), "|"));
  if (rule.route != "*" && !Applies(WhereOf(rule.kind), rule.route))
    return Wants(rule.id, "kind", "one that this route can have");
  if (rule.kind == FaultKind::kSlow && rule.delay.count() == 0)
    return Wants(rule.id, "delay_ms", "a number from 1");
  if (rule.kind == FaultKind::kDrop && rule.field.empty())
    return Wants(rule.id, "field", "the name of what is left out");
  if (rule.kind == FaultKind::kMerged &&
      !Json::parse(rule.body.value_or(""), nullptr, /*allow_exceptions=*/false).is_object())
    return Wants(rule.id, "body", "a JSON object to merge into the answer");
  if (rule.twin && rule.route != "ship") return Wants(rule.id, "twin", "the route ship");
  return rule;
}

}  // namespace

absl::Status Faults::Change(const Json& change) {
  if (!change.is_object()) return absl::InvalidArgumentError("want {\"add\":[],\"remove\":[]}");
  std::set<std::string> gone;
  std::vector<Entry> added;
  for (const auto& [key, list] : change.items()) {
    if (!list.is_array() || (key != "add" && key != "remove"))
      return absl::InvalidArgumentError(key + ": want a list, under \"add\" or \"remove\"");
    for (const Json& item : list) {
      if (key == "remove") {
        if (!item.is_string()) return absl::InvalidArgumentError("remove: want a list of ids");
        gone.insert(item.get<std::string>());
        continue;
      }
      absl::StatusOr<FaultRule> rule = ParseRule(item);
      if (!rule.ok()) return rule.status();
      gone.insert(rule->id);
      std::mt19937_64 random(rule->seed);
      added.push_back({.rule = *std::move(rule), .added = item, .random = random});
    }
  }
  const std::lock_guard lock(mutex_);
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [&](const Entry& entry) { return gone.count(entry.rule.id) != 0; }),
                 entries_.end());
  for (Entry& entry : added) entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

std::optional<FaultRule> Faults::Draw(const std::string& route, const std::string& target,
                                      const std::string& body, const std::string& connection) {
  const std::lock_guard lock(mutex_);
  const bool reused = !connections_.insert(connection).second;
  for (Entry& entry : entries_) {
    FaultRule& rule = entry.rule;
    if (rule.count == 0 || (rule.route != "*" && rule.route != route)) continue;
    if (rule.reused && !reused) continue;
    if (!Applies(WhereOf(rule.kind), route)) continue;
    if (target.find(rule.match) == std::string::npos && body.find(rule.match) == std::string::npos)
      continue;
    // 53 bits of the draw: the same on every platform, unlike std::uniform_real_distribution.
    const double drawn = static_cast<double>(entry.random() >> 11) * 0x1.0p-53;
    if (drawn >= rule.probability) continue;
    if (rule.count > 0) --rule.count;
    ++entry.hits;
    return rule;
  }
  return std::nullopt;
}

Json Faults::Describe() const {
  const std::lock_guard lock(mutex_);
  Json list = Json::array();
  for (const Entry& entry : entries_) {
    Json rule = entry.added;
    rule["hits"] = entry.hits;
    list.push_back(std::move(rule));
  }
  return list;
}

void Faults::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace psups::ups_sandbox
