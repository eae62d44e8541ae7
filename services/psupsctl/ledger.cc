#include "services/psupsctl/ledger.h"

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "services/audit-ledger/checkpoint.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::audit::v1;
using Stub = pb::AuditService::Stub;

}  // namespace

absl::Status EachEntry(Session& session, int64_t begin, int64_t end,
                       const std::function<absl::Status(const pb::Entry&)>& take) {
  int64_t next = begin;
  while (next < end) {
    pb::ListEntriesRequest request;
    request.set_start_index(next);
    request.set_end_index(end);
    request.set_page_size(1000);
    ASSIGN_OR_RETURN(const pb::ListEntriesResponse page,
                     session.Call(kAuditLedger, &Stub::ListEntries, request));
    for (const pb::Entry& entry : page.entries()) {
      if (entry.index() != next) break;
      RETURN_IF_ERROR(take(entry));
      ++next;
    }
    if (page.next_page_token().empty() && next < end) {
      return absl::DataLossError(
          absl::StrCat("the log has no entry ", next, ", but says that it has ", end));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<pb::Checkpoint> NewestCheckpoint(Session& session) {
  return session.Call(kAuditLedger, &Stub::GetCheckpoint, pb::GetCheckpointRequest());
}

absl::StatusOr<pb::GetKeyResponse> LedgerKey(Session& session) {
  return session.Call(kAuditLedger, &Stub::GetKey, pb::GetKeyRequest());
}

absl::Status CheckCheckpoint(const pb::Checkpoint& checkpoint, const std::string& public_key_pem) {
  const std::vector<std::string> lines = absl::StrSplit(checkpoint.note(), '\n');
  if (lines.size() != 4 || lines[1] != absl::StrCat(checkpoint.tree_size()) ||
      lines[2] != Base64(checkpoint.root_hash()) || !lines[3].empty()) {
    return absl::DataLossError("the checkpoint's note does not say its size and root");
  }
  return audit_ledger::VerifySignature(public_key_pem, checkpoint.note(), checkpoint.signature());
}

std::string EntryField(const pb::Entry& entry, const char* field) {
  const auto json = nlohmann::json::parse(entry.entry(), nullptr, /*allow_exceptions=*/false);
  const auto found = json.is_object() ? json.find(field) : json.end();
  return found == json.end() || !found->is_string() ? "" : found->get<std::string>();
}

std::string ActorText(const pb::Entry& entry, Style style) {
  const std::string actor = EntryField(entry, "actor");
  if (style == Style::kMachine) return actor;
  for (const char* prefix : {"spiffe://psups/service/", "spiffe://psups/"}) {
    if (absl::StartsWith(actor, prefix)) return actor.substr(std::strlen(prefix));
  }
  return actor;
}

nlohmann::ordered_json EntryJson(const pb::Entry& entry) {
  return {{"index", entry.index()},
          {"append_time", TimeText(entry.append_time(), Style::kMachine)},
          {"entry", nlohmann::ordered_json::parse(entry.entry(), nullptr,
                                                  /*allow_exceptions=*/false)}};
}

}  // namespace psups::psupsctl
