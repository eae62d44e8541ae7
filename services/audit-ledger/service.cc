#include "services/audit-ledger/service.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/audit-ledger/proofs.h"

namespace psups::audit_ledger {
namespace {

namespace pb = psups::audit::v1;

constexpr int kMostAppended = 1000;
constexpr int kMostListed = 1000;
constexpr int kDefaultListed = 100;
// A page ends early rather than pass the 4 MB that a gRPC client takes by default.
constexpr std::size_t kMostPageBytes = 3 << 20;

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return result;
}

pb::Entry ToProto(const StoredEntry& entry) {
  pb::Entry result;
  result.set_index(entry.index);
  result.set_entry(entry.entry);
  *result.mutable_append_time() = ToProto(entry.append_time);
  return result;
}

pb::Checkpoint ToProto(const SignedCheckpoint& checkpoint) {
  pb::Checkpoint result;
  result.set_note(checkpoint.note);
  result.set_signature(checkpoint.signature);
  result.set_tree_size(checkpoint.tree_size);
  result.set_root_hash(checkpoint.root_hash);
  *result.mutable_sign_time() = ToProto(checkpoint.sign_time);
  return result;
}

absl::StatusOr<pb::Proof> Prove(LogStore& store, const std::vector<LeafRange>& ranges) {
  ASSIGN_OR_RETURN(std::vector<std::string> hashes, HashRanges(store, ranges));
  pb::Proof proof;
  for (std::string& hash : hashes) proof.add_hashes(std::move(hash));
  return proof;
}

absl::Status CheckWithin(LogStore& store, int64_t size) {
  ASSIGN_OR_RETURN(const CompactTree head, store.Head());
  if (size <= head.size()) return absl::OkStatus();
  return absl::OutOfRangeError(
      absl::StrCat("a tree of ", size, " entries: the log has ", head.size()));
}

// OK, or the error of the field that is below `least`.
absl::Status AtLeast(const char* field, int64_t value, int64_t least) {
  if (value >= least) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, ": ", value, ", want at least ", least));
}

}  // namespace

absl::StatusOr<std::vector<Leaf>> LeavesOf(const pb::AppendEntriesRequest& request,
                                           const Caller& caller) {
  const int count = request.entries_size();
  if (count < 1 || count > kMostAppended) {
    return absl::InvalidArgumentError(
        absl::StrCat("entries: ", count, ", want 1 to ", kMostAppended));
  }
  std::vector<Leaf> leaves;
  leaves.reserve(count);
  for (const pb::NewEntry& entry : request.entries()) {
    absl::StatusOr<Leaf> leaf = MakeLeaf(entry.event_id(), entry.entry(), caller.service);
    if (!leaf.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("entries[", leaves.size(), "].", leaf.status().message()));
    }
    leaves.push_back(*std::move(leaf));
  }
  return leaves;
}

absl::StatusOr<pb::ListEntriesResponse> List(LogStore& store,
                                             const pb::ListEntriesRequest& request) {
  RETURN_IF_ERROR(AtLeast("start_index", request.start_index(), 0));
  RETURN_IF_ERROR(AtLeast("end_index", request.end_index(), 0));
  if (request.page_size() < 0 || request.page_size() > kMostListed) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", request.page_size(), ", want 1 to ", kMostListed));
  }
  EntryFilter filter = {.subject = request.subject(),
                        .trace_id = request.trace_id(),
                        .action = request.action(),
                        .begin = request.start_index()};
  if (request.end_index() > 0) filter.end = request.end_index();
  if (!request.page_token().empty()) {
    int64_t next = 0;
    if (!absl::SimpleAtoi(request.page_token(), &next) || next < 0) {
      return absl::InvalidArgumentError("page_token: not one that ListEntries gave");
    }
    filter.begin = std::max(filter.begin, next);
  }
  const int page_size = request.page_size() == 0 ? kDefaultListed : request.page_size();
  ASSIGN_OR_RETURN(const std::vector<StoredEntry> entries, store.List(filter, page_size + 1));
  pb::ListEntriesResponse response;
  std::size_t bytes = 0;
  for (const StoredEntry& entry : entries) {
    bytes += entry.entry.size();
    const bool full = response.entries_size() == page_size ||
                      (bytes > kMostPageBytes && response.entries_size() > 0);
    if (full) {
      response.set_next_page_token(absl::StrCat(entry.index));
      break;
    }
    *response.add_entries() = ToProto(entry);
  }
  return response;
}

absl::StatusOr<pb::Entry> Get(LogStore& store, const pb::GetEntryRequest& request) {
  RETURN_IF_ERROR(AtLeast("index", request.index(), 0));
  ASSIGN_OR_RETURN(const std::vector<StoredEntry> entries,
                   store.List({.begin = request.index(), .end = request.index() + 1}, /*limit=*/1));
  if (entries.empty()) {
    return absl::NotFoundError(absl::StrCat("the log has no entry ", request.index()));
  }
  return ToProto(entries.front());
}

absl::StatusOr<pb::Checkpoint> GetCheckpointAt(LogStore& store, Checkpointer& checkpointer,
                                               const pb::GetCheckpointRequest& request) {
  RETURN_IF_ERROR(AtLeast("max_size", request.max_size(), 0));
  if (request.max_size() == 0) {
    ASSIGN_OR_RETURN(const SignedCheckpoint checkpoint, checkpointer.Current());
    return ToProto(checkpoint);
  }
  ASSIGN_OR_RETURN(const auto checkpoint, store.NewestCheckpoint(request.max_size()));
  if (!checkpoint) {
    return absl::NotFoundError(
        absl::StrCat("no checkpoint of at most ", request.max_size(), " entries was signed"));
  }
  return ToProto(*checkpoint);
}

absl::StatusOr<pb::Proof> ProveInclusion(LogStore& store,
                                         const pb::GetInclusionProofRequest& request) {
  RETURN_IF_ERROR(AtLeast("index", request.index(), 0));
  if (request.index() >= request.tree_size()) {
    return absl::OutOfRangeError(absl::StrCat("entry ", request.index(), " is not in a tree of ",
                                              request.tree_size(), " entries"));
  }
  RETURN_IF_ERROR(CheckWithin(store, request.tree_size()));
  return Prove(store, InclusionRanges(request.index(), request.tree_size()));
}

absl::StatusOr<pb::Proof> ProveConsistency(LogStore& store,
                                           const pb::GetConsistencyProofRequest& request) {
  RETURN_IF_ERROR(AtLeast("first_size", request.first_size(), 1));
  if (request.first_size() > request.second_size()) {
    return absl::OutOfRangeError(absl::StrCat("first_size: ", request.first_size(),
                                              ", want at most second_size, ",
                                              request.second_size()));
  }
  RETURN_IF_ERROR(CheckWithin(store, request.second_size()));
  return Prove(store, ConsistencyRanges(request.first_size(), request.second_size()));
}

grpc::ServerUnaryReactor* LedgerServer::AppendEntries(grpc::CallbackServerContext* context,
                                                      const pb::AppendEntriesRequest* request,
                                                      pb::AppendEntriesResponse* response) {
  using Done = std::function<void(absl::StatusOr<pb::AppendEntriesResponse>)>;
  return HandleAsync(
      context, request, response, [this](const auto& message, const Caller& caller, Done done) {
        absl::StatusOr<std::vector<Leaf>> leaves = LeavesOf(message, caller);
        if (!leaves.ok()) return done(leaves.status());
        appender_.Append(*std::move(leaves), [done](absl::StatusOr<Appender::Result> result) {
          if (!result.ok()) return done(result.status());
          pb::AppendEntriesResponse reply;
          reply.set_duplicate_count(result->duplicate_count);
          reply.set_tree_size(result->tree_size);
          done(std::move(reply));
        });
      });
}

grpc::ServerUnaryReactor* LedgerServer::ListEntries(grpc::CallbackServerContext* context,
                                                    const pb::ListEntriesRequest* request,
                                                    pb::ListEntriesResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& message, const Caller&) { return List(store_, message); });
}

grpc::ServerUnaryReactor* LedgerServer::GetEntry(grpc::CallbackServerContext* context,
                                                 const pb::GetEntryRequest* request,
                                                 pb::Entry* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& message, const Caller&) { return Get(store_, message); });
}

grpc::ServerUnaryReactor* LedgerServer::GetCheckpoint(grpc::CallbackServerContext* context,
                                                      const pb::GetCheckpointRequest* request,
                                                      pb::Checkpoint* response) {
  return Handle(executor_, context, request, response, [this](const auto& message, const Caller&) {
    return GetCheckpointAt(store_, checkpointer_, message);
  });
}

grpc::ServerUnaryReactor* LedgerServer::GetInclusionProof(
    grpc::CallbackServerContext* context, const pb::GetInclusionProofRequest* request,
    pb::Proof* response) {
  return Handle(executor_, context, request, response, [this](const auto& message, const Caller&) {
    return ProveInclusion(store_, message);
  });
}

grpc::ServerUnaryReactor* LedgerServer::GetConsistencyProof(
    grpc::CallbackServerContext* context, const pb::GetConsistencyProofRequest* request,
    pb::Proof* response) {
  return Handle(executor_, context, request, response, [this](const auto& message, const Caller&) {
    return ProveConsistency(store_, message);
  });
}

grpc::ServerUnaryReactor* LedgerServer::GetKey(grpc::CallbackServerContext* context,
                                               const pb::GetKeyRequest* request,
                                               pb::GetKeyResponse* response) {
  using Done = std::function<void(absl::StatusOr<pb::GetKeyResponse>)>;
  return HandleAsync(context, request, response, [this](const auto&, const Caller&, Done done) {
    pb::GetKeyResponse reply;
    reply.set_public_key_pem(checkpointer_.public_key_pem());
    reply.set_origin(checkpointer_.origin());
    done(std::move(reply));
  });
}

}  // namespace psups::audit_ledger
