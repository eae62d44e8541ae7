#include "services/audit-ledger/postgres.h"

#include <algorithm>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"

namespace psups::audit_ledger {
namespace {

// Nodes are stored at every eighth height; what lies between is hashed when asked for.
constexpr int kStoredHeights = 8;

constexpr char kLockHead[] =
    "SELECT tree_size, frontier FROM log_head WHERE head_id = 1 FOR UPDATE";
constexpr char kReadHead[] = "SELECT tree_size, frontier FROM log_head WHERE head_id = 1";
constexpr char kKnown[] = "SELECT event_id FROM entries WHERE event_id = ANY ($1::text[])";
constexpr char kAppend[] = R"sql(
    WITH added AS (
      INSERT INTO entries
        (entry_index, event_id, entry, leaf_hash, subject, trace_id, action, append_time)
      SELECT $1::bigint + n - 1, event_id, entry, leaf_hash, subject, trace_id, action,
             statement_timestamp()
      FROM unnest($2::text[], $3::bytea[], $4::bytea[], $5::text[], $6::text[], $7::text[])
        WITH ORDINALITY AS leaf (event_id, entry, leaf_hash, subject, trace_id, action, n)
    ), completed AS (
      INSERT INTO nodes (height, position, hash)
      SELECT height, position, hash
      FROM unnest($8::bigint[], $9::bigint[], $10::bytea[]) AS node (height, position, hash)
    )
    UPDATE log_head SET tree_size = $11, frontier = $12 WHERE head_id = 1)sql";
// The hashes of one stored height within spans, by span and position. $1, $2: begin and end.
constexpr char kLeafHashes[] = R"sql(
    SELECT span.n, entries.leaf_hash AS hash
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS span (low, high, n)
    JOIN entries ON entry_index >= low AND entry_index < high
    ORDER BY span.n, entry_index)sql";
constexpr char kNodeHashes[] = R"sql(
    SELECT span.n, nodes.hash
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS span (low, high, n)
    JOIN nodes ON height = $3 AND position >= low AND position < high
    ORDER BY span.n, position)sql";
constexpr char kAddCheckpoint[] = R"sql(
    INSERT INTO checkpoints (tree_size, note, signature, root_hash) VALUES ($1, $2, $3, $4)
    ON CONFLICT (tree_size) DO NOTHING)sql";
constexpr char kNewestCheckpoint[] = R"sql(
    SELECT tree_size, note, signature, root_hash, sign_time FROM checkpoints
    WHERE tree_size <= $1 ORDER BY tree_size DESC LIMIT 1)sql";

absl::StatusOr<CompactTree> ReadHead(Tx& tx, const char* sql) {
  ASSIGN_OR_RETURN(const Rows rows, tx.Exec(sql));
  if (rows.size() != 1) return absl::DataLossError("log_head has lost its row");
  return CompactTree::From(rows[0].Int("tree_size"), rows[0].Binary("frontier"));
}

SignedCheckpoint CheckpointFrom(const Row& row) {
  return {.note = row.Text("note"),
          .signature = row.Binary("signature"),
          .tree_size = row.Int("tree_size"),
          .root_hash = row.Binary("root_hash"),
          .sign_time = row.Time("sign_time")};
}

// What one INSERT takes, a vector a column.
struct Columns {
  std::vector<std::string> event_ids;
  std::vector<Bytes> entries;
  std::vector<Bytes> leaf_hashes;
  std::vector<std::string> subjects;
  std::vector<std::string> trace_ids;
  std::vector<std::string> actions;
  std::vector<int64_t> node_heights;
  std::vector<int64_t> node_positions;
  std::vector<Bytes> node_hashes;

  void Add(const Leaf& leaf, CompactTree& tree) {
    event_ids.push_back(leaf.event_id);
    entries.push_back({leaf.entry});
    leaf_hashes.push_back({leaf.leaf_hash});
    subjects.push_back(leaf.subject);
    trace_ids.push_back(leaf.trace_id);
    actions.push_back(leaf.action);
    tree.Append(leaf.leaf_hash, [this](const Subtree& subtree, const std::string& hash) {
      if (subtree.height % kStoredHeights != 0) return;
      node_heights.push_back(subtree.height);
      node_positions.push_back(subtree.position);
      node_hashes.push_back({hash});
    });
  }
};

class PostgresLogStore : public LogStore {
 public:
  explicit PostgresLogStore(Db& db) : db_(db) {}

  absl::StatusOr<Appended> Append(const std::vector<Leaf>& leaves) override {
    std::vector<std::string> event_ids;
    event_ids.reserve(leaves.size());
    for (const Leaf& leaf : leaves) event_ids.push_back(leaf.event_id);
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<Appended> {
      ASSIGN_OR_RETURN(CompactTree tree, ReadHead(tx, kLockHead));
      // Asked under the lock, so that nobody can add one of them meanwhile.
      ASSIGN_OR_RETURN(const Rows known, tx.Exec(kKnown, {event_ids}));
      std::unordered_set<std::string> standing;
      for (const Row& row : known) standing.insert(row.Text("event_id"));

      const int64_t first = tree.size();
      Appended appended;
      Columns columns;
      for (const Leaf& leaf : leaves) {
        const bool is_new = standing.insert(leaf.event_id).second;
        appended.duplicate.push_back(!is_new);
        if (is_new) columns.Add(leaf, tree);
      }
      appended.tree_size = tree.size();
      if (tree.size() == first) return appended;
      RETURN_IF_ERROR(
          tx.Exec(kAppend,
                  {first, columns.event_ids, columns.entries, columns.leaf_hashes, columns.subjects,
                   columns.trace_ids, columns.actions, columns.node_heights, columns.node_positions,
                   columns.node_hashes, tree.size(), Bytes{tree.frontier()}})
              .status());
      return appended;
    });
  }

  absl::StatusOr<CompactTree> Head() override {
    return db_.TransactOr([](Tx& tx) { return ReadHead(tx, kReadHead); });
  }

  absl::StatusOr<std::vector<StoredEntry>> List(const EntryFilter& filter, int limit) override {
    std::string sql =
        "SELECT entry_index, entry, append_time FROM entries"
        " WHERE entry_index >= $1 AND entry_index < $2";
    std::vector<Param> params = {filter.begin, filter.end};
    const auto require = [&](const char* column, const std::string& value) {
      if (value.empty()) return;
      params.emplace_back(value);
      absl::StrAppend(&sql, " AND ", column, " = $", params.size());
    };
    require("subject", filter.subject);
    require("trace_id", filter.trace_id);
    require("action", filter.action);
    params.emplace_back(limit);
    absl::StrAppend(&sql, " ORDER BY entry_index LIMIT $", params.size());
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(sql, std::move(params)));
    std::vector<StoredEntry> entries;
    for (const Row& row : rows) {
      entries.push_back({.index = row.Int("entry_index"),
                         .entry = row.Binary("entry"),
                         .append_time = row.Time("append_time")});
    }
    return entries;
  }

  absl::StatusOr<std::vector<std::string>> Roots(const std::vector<Subtree>& subtrees) override {
    std::map<int, std::vector<std::size_t>> by_stored_height;
    for (std::size_t i = 0; i < subtrees.size(); ++i) {
      by_stored_height[subtrees[i].height / kStoredHeights * kStoredHeights].push_back(i);
    }
    std::vector<std::string> roots(subtrees.size());
    const absl::Status status = db_.Transact([&](Tx& tx) -> absl::Status {
      for (const auto& [height, indexes] : by_stored_height) {
        std::vector<Subtree> wanted;
        for (const std::size_t i : indexes) wanted.push_back(subtrees[i]);
        ASSIGN_OR_RETURN(const std::vector<std::string> found, RootsFrom(tx, height, wanted));
        for (std::size_t i = 0; i < indexes.size(); ++i) roots[indexes[i]] = found[i];
      }
      return absl::OkStatus();
    });
    if (!status.ok()) return status;
    return roots;
  }

  absl::StatusOr<SignedCheckpoint> AddCheckpoint(const SignedCheckpoint& checkpoint) override {
    return db_.TransactOr([&](Tx& tx) -> absl::StatusOr<SignedCheckpoint> {
      RETURN_IF_ERROR(
          tx.Exec(kAddCheckpoint, {checkpoint.tree_size, checkpoint.note,
                                   Bytes{checkpoint.signature}, Bytes{checkpoint.root_hash}})
              .status());
      ASSIGN_OR_RETURN(const Rows rows, tx.Exec(kNewestCheckpoint, {checkpoint.tree_size}));
      SignedCheckpoint standing = CheckpointFrom(rows[0]);
      if (standing.root_hash != checkpoint.root_hash) {
        return absl::DataLossError(
            absl::StrCat("a checkpoint of ", checkpoint.tree_size,
                         " entries was signed with another root: the database was changed"));
      }
      return standing;
    });
  }

  absl::StatusOr<std::optional<SignedCheckpoint>> NewestCheckpoint(int64_t max_size) override {
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(kNewestCheckpoint, {max_size}));
    if (rows.empty()) return std::nullopt;
    return CheckpointFrom(rows[0]);
  }

 private:
  // Roots of subtrees that are less than kStoredHeights above `height`.
  static absl::StatusOr<std::vector<std::string>> RootsFrom(Tx& tx, int height,
                                                            const std::vector<Subtree>& subtrees) {
    std::vector<int64_t> low;
    std::vector<int64_t> high;
    for (const Subtree& subtree : subtrees) {
      low.push_back(subtree.position << (subtree.height - height));
      high.push_back((subtree.position + 1) << (subtree.height - height));
    }
    std::vector<Param> params = {low, high};
    if (height > 0) params.emplace_back(height);
    ASSIGN_OR_RETURN(const Rows rows,
                     tx.Exec(height == 0 ? kLeafHashes : kNodeHashes, std::move(params)));
    std::vector<CompactTree> trees(subtrees.size());
    for (const Row& row : rows) trees[row.Int("n") - 1].Append(row.Binary("hash"));
    std::vector<std::string> roots;
    for (std::size_t i = 0; i < subtrees.size(); ++i) {
      if (trees[i].size() != high[i] - low[i]) {
        return absl::DataLossError(absl::StrCat("the log has a hole below node ", height, "/",
                                                low[i], ": ", trees[i].size(), " of ",
                                                high[i] - low[i], " hashes"));
      }
      roots.push_back(trees[i].Root());
    }
    return roots;
  }

  Db& db_;
};

}  // namespace

std::unique_ptr<LogStore> MakePostgresLogStore(Db& db) {
  return std::make_unique<PostgresLogStore>(db);
}

}  // namespace psups::audit_ledger
