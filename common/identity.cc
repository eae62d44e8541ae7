#include "common/identity.h"

#include <algorithm>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"

namespace psups {
namespace {

using access::v1::Rule;

constexpr char kScheme[] = "spiffe://psups/";
constexpr char kAnyService[] = "*";

Rule::Role RoleFromName(std::string_view name) {
  if (name == "viewer") return Rule::VIEWER;
  if (name == "clerk") return Rule::CLERK;
  if (name == "operator") return Rule::OPERATOR;
  if (name == "auditor") return Rule::AUDITOR;
  if (name == "admin") return Rule::ADMIN;
  return Rule::ROLE_UNSPECIFIED;
}

// Whether a person of role `has` may do what `wants` may. Who audits must not act, nor who acts
// audit.
bool RoleCovers(Rule::Role has, Rule::Role wants) {
  if (has == Rule::ROLE_UNSPECIFIED || wants == Rule::ROLE_UNSPECIFIED) return false;
  if (has == Rule::AUDITOR) return wants == Rule::VIEWER || wants == Rule::AUDITOR;
  return wants != Rule::AUDITOR && has >= wants;
}

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

absl::StatusOr<Caller> CallerFromUri(std::string_view uri) {
  const absl::Status refused = absl::UnauthenticatedError(
      absl::StrCat("certificate URI \"", std::string(uri),
                   "\", want spiffe://psups/service/<name> or spiffe://psups/<role>/<person>"));
  if (uri.rfind(kScheme, 0) != 0) return refused;
  const std::string path(uri.substr(sizeof(kScheme) - 1));
  const std::vector<std::string> parts = absl::StrSplit(path, '/');
  if (parts.size() != 2 || parts[1].empty()) return refused;
  Caller caller;
  caller.identity = std::string(uri);
  if (parts[0] == "service") {
    caller.service = parts[1];
    return caller;
  }
  caller.role = RoleFromName(parts[0]);
  if (caller.role == Rule::ROLE_UNSPECIFIED) return refused;
  return caller;
}

bool Permits(const Rule& rule, const Caller& caller) {
  if (caller.service.empty()) return RoleCovers(caller.role, rule.role());
  return std::any_of(rule.services().begin(), rule.services().end(), [&](const auto& service) {
    return service == caller.service || service == kAnyService;
  });
}

std::string TraceIdFromTraceparent(std::string_view traceparent) {
  // version "-" trace-id "-" parent-id "-" flags
  if (traceparent.size() < 55 || traceparent[2] != '-' || traceparent[35] != '-') return "";
  const std::string_view trace_id = traceparent.substr(3, 32);
  if (!IsHex(trace_id) || trace_id == "00000000000000000000000000000000") return "";
  return std::string(trace_id);
}

std::string MakeTraceparent(std::string_view trace_id) {
  return absl::StrCat("00-", std::string(trace_id), "-", Hex(RandomBytes(8)), "-01");
}

}  // namespace psups
