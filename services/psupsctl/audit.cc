#include <cstdio>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/crypto.h"
#include "psups/audit/v1/audit_service.grpc.pb.h"
#include "services/audit-ledger/checkpoint.h"
#include "services/audit-ledger/merkle.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/ledger.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::audit::v1;
using Stub = pb::AuditService::Stub;
using E = pb::Entry;

const std::vector<Column<E>>& Columns() {
  static const std::vector<Column<E>> columns = {
      {"INDEX", [](const E& e, Style) { return std::to_string(e.index()); }},
      {"TIME",
       [](const E& e, Style s) {
         absl::Time time;
         const std::string text = EntryField(e, "time");
         return absl::ParseTime(absl::RFC3339_full, text, &time, nullptr) ? TimeText(time, s)
                                                                          : text;
       }},
      {"SERVICE", [](const E& e, Style) { return EntryField(e, "service"); }},
      {"ACTION", [](const E& e, Style) { return EntryField(e, "action"); }},
      {"SUBJECT", [](const E& e, Style) { return EntryField(e, "subject"); }},
      {"ACTOR", ActorText},
      {"TRACE", [](const E& e, Style) { return EntryField(e, "trace_id"); }, true},
      {"APPENDED", [](const E& e, Style s) { return TimeText(e.append_time(), s); }, true},
      {"EVENT ID", [](const E& e, Style) { return EntryField(e, "event_id"); }, true},
  };
  return columns;
}

struct Options {
  std::string subject = {};
  std::string trace = {};
  std::string action = {};
  std::string file = {};
  std::string key_file = {};
  std::string since = {};
  int64_t from = 0;
  int64_t to = 0;
  int64_t index = 0;
  int64_t max_size = 0;
  Paging paging = {};
};

absl::Status List(Session& session, const Options& options) {
  pb::ListEntriesRequest request;
  request.set_subject(options.subject);
  request.set_trace_id(options.trace);
  request.set_action(options.action);
  request.set_start_index(options.from);
  request.set_end_index(options.to);
  ASSIGN_OR_RETURN(const std::vector<E> rows,
                   session.List(
                       kAuditLedger, &Stub::ListEntries, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_entries(); }));
  WriteRows<E>(session.out, session.format, rows, Columns(), EntryJson);
  return absl::OkStatus();
}

absl::StatusOr<E> EntryAt(Session& session, int64_t index) {
  pb::GetEntryRequest request;
  request.set_index(index);
  return session.Call(kAuditLedger, &Stub::GetEntry, request);
}

absl::Status Get(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const E entry, EntryAt(session, options.index));
  if (session.format == Format::kCsv) {
    WriteRows<E>(session.out, session.format, {entry}, Columns());
  } else {
    session.out << EntryJson(entry).dump(2) << "\n";
  }
  return absl::OkStatus();
}

nlohmann::ordered_json CheckpointJson(const pb::Checkpoint& checkpoint,
                                      const std::string& public_key_pem) {
  return {{"note", checkpoint.note()},
          {"signature", Base64(checkpoint.signature())},
          {"public_key_pem", public_key_pem}};
}

absl::Status Export(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const pb::Checkpoint checkpoint, NewestCheckpoint(session));
  ASSIGN_OR_RETURN(const pb::GetKeyResponse key, LedgerKey(session));
  const std::string unfinished = options.file + ".part";
  std::ofstream file(unfinished, std::ios::binary | std::ios::trunc);
  RETURN_IF_ERROR(EachEntry(session, 0, checkpoint.tree_size(), [&](const E& entry) {
    file
        << nlohmann::ordered_json{{"index", entry.index()}, {"entry", Base64(entry.entry())}}.dump()
        << "\n";
    return absl::OkStatus();
  }));
  file << nlohmann::ordered_json{{"checkpoint", CheckpointJson(checkpoint, key.public_key_pem())}}
              .dump()
       << "\n";
  file.close();
  if (!file || std::rename(unfinished.c_str(), options.file.c_str()) != 0) {
    return absl::UnknownError(absl::StrCat(options.file, ": cannot be written"));
  }
  if (session.format == Format::kJson) {
    session.out
        << nlohmann::ordered_json{{"file", options.file}, {"entries", checkpoint.tree_size()}}.dump(
               2)
        << "\n";
  } else {
    session.err << checkpoint.tree_size() << " entries and the checkpoint over them in "
                << options.file << "\n";
  }
  return absl::OkStatus();
}

// The checkpoint that was kept outside, as `audit checkpoint -o json` wrote it.
struct KeptCheckpoint {
  int64_t tree_size = 0;
  std::string root_hash = {};
};

absl::StatusOr<KeptCheckpoint> ReadKept(const std::string& path, const std::string& public_key) {
  ASSIGN_OR_RETURN(const nlohmann::json json, ReadJsonObject(path));
  const auto text = [&](const char* name) {
    const auto found = json.find(name);
    return found != json.end() && found->is_string() ? found->get<std::string>() : "";
  };
  ASSIGN_OR_RETURN(const std::string signature, FromBase64(text("signature")));
  const std::string note = text("note");
  RETURN_IF_ERROR(audit_ledger::VerifySignature(public_key, note, signature));
  const std::vector<std::string> lines = absl::StrSplit(note, '\n');
  KeptCheckpoint kept;
  if (lines.size() != 4 || !absl::SimpleAtoi(lines[1], &kept.tree_size)) {
    return UsageError(absl::StrCat(path, ": its note is not a checkpoint's"));
  }
  ASSIGN_OR_RETURN(kept.root_hash, FromBase64(lines[2]));
  return kept;
}

absl::Status Verify(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const pb::Checkpoint checkpoint, NewestCheckpoint(session));
  ASSIGN_OR_RETURN(const pb::GetKeyResponse served, LedgerKey(session));
  std::string public_key = served.public_key_pem();
  if (!options.key_file.empty()) {
    ASSIGN_OR_RETURN(public_key, ReadFile(options.key_file));
  }
  RETURN_IF_ERROR(CheckCheckpoint(checkpoint, public_key));
  KeptCheckpoint kept;
  if (!options.since.empty()) {
    ASSIGN_OR_RETURN(kept, ReadKept(options.since, public_key));
    if (kept.tree_size > checkpoint.tree_size()) {
      return absl::DataLossError(absl::StrCat("the log has ", checkpoint.tree_size(),
                                              " entries; when the checkpoint was kept it had ",
                                              kept.tree_size));
    }
  }
  // Every leaf is hashed anew, so that the server's own hashes are not believed.
  audit_ledger::CompactTree tree;
  bool begins_as_kept = kept.tree_size == 0;
  RETURN_IF_ERROR(EachEntry(session, 0, checkpoint.tree_size(), [&](const E& entry) {
    tree.Append(audit_ledger::LeafHash(entry.entry()));
    if (tree.size() == kept.tree_size) begins_as_kept = tree.Root() == kept.root_hash;
    return absl::OkStatus();
  }));
  if (tree.Root() != checkpoint.root_hash()) {
    return absl::DataLossError(absl::StrCat("the ", tree.size(),
                                            " entries do not give the root that was signed: the ",
                                            "log was changed; keep the database as evidence"));
  }
  if (!begins_as_kept) {
    return absl::DataLossError(absl::StrCat(
        "the first ", kept.tree_size, " entries are not those of the checkpoint that was kept"));
  }
  if (session.format == Format::kJson) {
    session.out << nlohmann::ordered_json{{"verified", true},
                                          {"entries", tree.size()},
                                          {"root_hash", Base64(tree.Root())},
                                          {"origin", served.origin()}}
                       .dump(2)
                << "\n";
    return absl::OkStatus();
  }
  session.out << "verified: " << tree.size() << " entries give the root that was signed";
  if (kept.tree_size > 0) {
    session.out << ", and the first " << kept.tree_size << " are those of the kept checkpoint";
  }
  session.out << "\n";
  return absl::OkStatus();
}

absl::Status Proof(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const pb::Checkpoint checkpoint, NewestCheckpoint(session));
  ASSIGN_OR_RETURN(const pb::GetKeyResponse key, LedgerKey(session));
  RETURN_IF_ERROR(CheckCheckpoint(checkpoint, key.public_key_pem()));
  ASSIGN_OR_RETURN(const E entry, EntryAt(session, options.index));
  pb::GetInclusionProofRequest request;
  request.set_index(options.index);
  request.set_tree_size(checkpoint.tree_size());
  ASSIGN_OR_RETURN(const pb::Proof proof,
                   session.Call(kAuditLedger, &Stub::GetInclusionProof, request));
  ASSIGN_OR_RETURN(const std::string root,
                   audit_ledger::RootFromInclusion(options.index, checkpoint.tree_size(),
                                                   audit_ledger::LeafHash(entry.entry()),
                                                   {proof.hashes().begin(), proof.hashes().end()}));
  if (root != checkpoint.root_hash()) {
    return absl::DataLossError(
        absl::StrCat("entry ", options.index, " is not proven to be under the checkpoint"));
  }
  if (session.format == Format::kJson) {
    nlohmann::ordered_json hashes = nlohmann::ordered_json::array();
    for (const std::string& hash : proof.hashes()) hashes.push_back(Base64(hash));
    session.out << nlohmann::ordered_json{{"index", options.index},
                                          {"entry", Base64(entry.entry())},
                                          {"proof", hashes},
                                          {"checkpoint",
                                           CheckpointJson(checkpoint, key.public_key_pem())}}
                       .dump(2)
                << "\n";
    return absl::OkStatus();
  }
  session.out << "entry " << options.index << " is proven to be one of the "
              << checkpoint.tree_size() << " under the signed checkpoint (" << proof.hashes_size()
              << " hashes)\n";
  return absl::OkStatus();
}

absl::Status Checkpoint(Session& session, const Options& options) {
  pb::GetCheckpointRequest request;
  request.set_max_size(options.max_size);
  ASSIGN_OR_RETURN(const pb::Checkpoint checkpoint,
                   session.Call(kAuditLedger, &Stub::GetCheckpoint, request));
  static const std::vector<Column<pb::Checkpoint>> columns = {
      {"ENTRIES", [](const pb::Checkpoint& c, Style) { return std::to_string(c.tree_size()); }},
      {"SIGNED", [](const pb::Checkpoint& c, Style s) { return TimeText(c.sign_time(), s); }},
      {"ROOT", [](const pb::Checkpoint& c, Style) { return Base64(c.root_hash()); }},
      {"SIGNATURE", [](const pb::Checkpoint& c, Style) { return Base64(c.signature()); }},
  };
  if (session.format == Format::kJson) {
    WriteOne(session.out, session.format, checkpoint, columns);
  } else {
    WriteRows<pb::Checkpoint>(session.out, session.format, {checkpoint}, columns);
  }
  return absl::OkStatus();
}

absl::Status Key(Session& session, const Options&) {
  ASSIGN_OR_RETURN(const pb::GetKeyResponse key, LedgerKey(session));
  if (session.format == Format::kJson) {
    session.out << ToJson(key).dump(2) << "\n";
  } else {
    session.out << key.public_key_pem();
  }
  return absl::OkStatus();
}

}  // namespace

void AddAudit(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "audit", "The ledger: what happened, provably");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List entries, oldest first");
  list->add_option("--subject", options->subject, "Only about this, such as orders/…");
  list->add_option("--trace", options->trace, "Only of this trace id");
  list->add_option("--action", options->action, "Only with this action, such as order.store");
  list->add_option("--from", options->from, "Only from this index on");
  list->add_option("--to", options->to, "Only below this index");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* get = noun->add_subcommand("get", "Show an entry whole");
  get->add_option("index", options->index, "Its index")->required();
  Run(get, cli, options, Get);
  CLI::App* file = noun->add_subcommand("export", "Write all entries and a checkpoint to a file");
  file->add_option("--out,-o", options->file, "The file: a JSON object a line")->required();
  Run(file, cli, options, Export);
  CLI::App* verify = noun->add_subcommand("verify", "Hash all entries anew and compare");
  verify->add_option("--key", options->key_file,
                     "The log's public key, kept outside; default: what the service says");
  verify->add_option("--since", options->since,
                     "A checkpoint kept outside (audit checkpoint -o json): the log must begin "
                     "with it");
  Run(verify, cli, options, Verify);
  CLI::App* proof = noun->add_subcommand("proof", "Prove that an entry is under the checkpoint");
  proof->add_option("index", options->index, "Its index")->required();
  Run(proof, cli, options, Proof);
  CLI::App* checkpoint = noun->add_subcommand("checkpoint", "Show the newest checkpoint");
  checkpoint->add_option("--max-size", options->max_size, "The newest of at most so many entries");
  Run(checkpoint, cli, options, Checkpoint);
  Run(noun->add_subcommand("key", "Show the public key"), cli, options, Key);
}

}  // namespace psups::psupsctl
