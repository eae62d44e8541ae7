#include "tests/sandbox/peoplesoft/faults.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace psups::peoplesoft_sandbox {
namespace {

const std::map<std::string, FaultKind>& Kinds() {
  static const auto* const kinds =
      new std::map<std::string, FaultKind>{{"status", FaultKind::kStatus},
                                           {"ib_error_200", FaultKind::kIbError200},
                                           {"bare_500", FaultKind::kBare500},
                                           {"unauthorized", FaultKind::kUnauthorized},
                                           {"permission_158_536", FaultKind::kPermission},
                                           {"contact_158_10721", FaultKind::kContactError},
                                           {"html_login", FaultKind::kHtmlLogin},
                                           {"redirect_302", FaultKind::kRedirect302},
                                           {"status_503", FaultKind::kStatus503},
                                           {"reset_before", FaultKind::kResetBefore},
                                           {"slow", FaultKind::kSlow},
                                           {"done_then_reset", FaultKind::kDoneThenReset},
                                           {"done_then_close", FaultKind::kDoneThenClose},
                                           {"truncate", FaultKind::kTruncate},
                                           {"reset_mid_body", FaultKind::kResetMidBody},
                                           {"withhold", FaultKind::kWithhold},
                                           {"duplicate_rows", FaultKind::kDuplicateRows},
                                           {"wrong_numrows", FaultKind::kWrongNumrows},
                                           {"accepted_but_failed", FaultKind::kAcceptedButFailed}};
  return *kinds;
}

// Whether a rule of this kind can do anything to a request of this route.
bool Applies(FaultKind kind, const std::string& route) {
  switch (kind) {
    case FaultKind::kDuplicateRows:
    case FaultKind::kWrongNumrows:
      return route == "query";
    case FaultKind::kAcceptedButFailed:
      return route == "writeback";
    case FaultKind::kIbError200:
    case FaultKind::kPermission:
    case FaultKind::kContactError:
      return route != "token";
    default:
      return true;
  }
}

absl::Status Wants(const std::string& id, const std::string& key, const std::string& wish) {
  return absl::InvalidArgumentError(absl::StrCat("fault ", id, ": ", key, ": want ", wish));
}

absl::StatusOr<FaultRule> ParseRule(const Json& json) {
  if (!json.is_object()) return absl::InvalidArgumentError("add: want a list of rules");
  FaultRule rule;
  rule.id = Text(json, "id");
  if (rule.id.empty()) return absl::InvalidArgumentError("add: a rule without id");
  bool has_kind = false;
  for (const auto& [key, value] : json.items()) {
    const bool whole = value.is_number_integer() && value >= 0;
    if (key == "id") continue;
    if (key == "kind") {
      const auto kind = value.is_string() ? Kinds().find(value) : Kinds().end();
      if (kind == Kinds().end()) {
        return Wants(rule.id, key,
                     absl::StrJoin(Kinds(), "|", [](std::string* out, const auto& known) {
                       out->append(known.first);
                     }));
      }
      rule.kind = kind->second;
      has_kind = true;
    } else if (key == "route") {
      rule.route = Text(json, key);
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
      rule.delay = std::chrono::milliseconds(value.get<int64_t>());
    } else if (key == "for_ms") {
      if (!whole) return Wants(rule.id, key, "a number from 0");
      rule.lasts = absl::Milliseconds(value.get<int64_t>());
    } else if (key == "status") {
      if (!whole || value < 200 || value > 599) return Wants(rule.id, key, "200..599");
      rule.status = value;
    } else if (key == "body" || key == "match") {
      if (!value.is_string()) return Wants(rule.id, key, "a string");
      (key == "body" ? rule.body : rule.match) = value;
    } else {
      return Wants(rule.id, key, "no such key");
    }
  }
  if (!has_kind) return Wants(rule.id, "kind", "a kind");
  if (std::set<std::string>{"query", "writeback", "token", "*"}.count(rule.route) == 0) {
    return Wants(rule.id, "route", "query|writeback|token|*");
  }
  if (rule.route != "*" && !Applies(rule.kind, rule.route)) {
    return Wants(rule.id, "kind", "one that this route can have");
  }
  if (rule.kind == FaultKind::kSlow && rule.delay.count() == 0) {
    return Wants(rule.id, "delay_ms", "a number from 1");
  }
  return rule;
}

}  // namespace

absl::Status Faults::Change(const Json& change, absl::Time now) {
  if (!change.is_object()) return absl::InvalidArgumentError("want {\"add\":[],\"remove\":[]}");
  std::set<std::string> gone;
  std::vector<Entry> added;
  for (const auto& [key, list] : change.items()) {
    if (!list.is_array() || (key != "add" && key != "remove")) {
      return absl::InvalidArgumentError(key + ": want a list, under \"add\" or \"remove\"");
    }
    for (const Json& item : list) {
      if (key == "remove") {
        if (!item.is_string()) return absl::InvalidArgumentError("remove: want a list of ids");
        gone.insert(item);
        continue;
      }
      absl::StatusOr<FaultRule> rule = ParseRule(item);
      if (!rule.ok()) return rule.status();
      gone.insert(rule->id);
      Entry entry = {.added = item, .random = std::mt19937_64(rule->seed)};
      if (rule->lasts) entry.end = now + *rule->lasts;
      entry.rule = *std::move(rule);
      added.push_back(std::move(entry));
    }
  }
  entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                [&](const Entry& entry) { return gone.count(entry.rule.id) != 0; }),
                 entries_.end());
  for (Entry& entry : added) entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

const FaultRule* Faults::Draw(const std::string& route, const std::string& target,
                              const std::string& body, absl::Time now) {
  for (Entry& entry : entries_) {
    FaultRule& rule = entry.rule;
    if (now >= entry.end) continue;
    if (rule.count == 0 || (rule.route != "*" && rule.route != route)) continue;
    if (!Applies(rule.kind, route)) continue;
    if (target.find(rule.match) == std::string::npos &&
        body.find(rule.match) == std::string::npos) {
      continue;
    }
    // 53 bits of the draw: the same on every platform, unlike std::uniform_real_distribution.
    const double drawn = static_cast<double>(entry.random() >> 11) * 0x1.0p-53;
    if (drawn >= rule.probability) continue;
    if (rule.count > 0) --rule.count;
    ++entry.hits;
    return &rule;
  }
  return nullptr;
}

Json Faults::Describe() const {
  Json list = Json::array();
  for (const Entry& entry : entries_) {
    Json rule = entry.added;
    rule["hits"] = entry.hits;
    list.push_back(std::move(rule));
  }
  return list;
}

}  // namespace psups::peoplesoft_sandbox
