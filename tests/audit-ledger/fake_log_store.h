#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

// A log in memory.
class FakeLogStore : public LogStore {
 public:
  absl::StatusOr<Appended> Append(const std::vector<Leaf>& leaves) override {
    std::lock_guard lock(mutex_);
    ++append_count;
    if (!error.ok()) return error;
    Appended appended;
    for (const Leaf& leaf : leaves) {
      const bool fresh = event_ids_.insert(leaf.event_id).second;
      appended.duplicate.push_back(!fresh);
      if (fresh) leaves_.push_back(leaf);
    }
    appended.tree_size = static_cast<int64_t>(leaves_.size());
    return appended;
  }

  absl::StatusOr<CompactTree> Head() override {
    std::lock_guard lock(mutex_);
    CompactTree tree;
    for (const Leaf& leaf : leaves_) tree.Append(leaf.leaf_hash);
    return tree;
  }

  absl::StatusOr<std::vector<StoredEntry>> List(const EntryFilter& filter, int limit) override {
    std::lock_guard lock(mutex_);
    std::vector<StoredEntry> entries;
    for (std::size_t i = 0; i < leaves_.size() && entries.size() < std::size_t(limit); ++i) {
      const Leaf& leaf = leaves_[i];
      const auto index = static_cast<int64_t>(i);
      if (index < filter.begin || index >= filter.end) continue;
      if (!filter.subject.empty() && leaf.subject != filter.subject) continue;
      if (!filter.trace_id.empty() && leaf.trace_id != filter.trace_id) continue;
      if (!filter.action.empty() && leaf.action != filter.action) continue;
      entries.push_back(
          {.index = index, .entry = leaf.entry, .append_time = absl::FromUnixSeconds(1)});
    }
    return entries;
  }

  absl::StatusOr<std::vector<std::string>> Roots(const std::vector<Subtree>& subtrees) override {
    std::lock_guard lock(mutex_);
    std::vector<std::string> roots;
    for (const Subtree& subtree : subtrees) {
      CompactTree tree;
      const int64_t end = (subtree.position + 1) << subtree.height;
      if (end > static_cast<int64_t>(leaves_.size())) return absl::DataLossError("a hole");
      for (int64_t i = subtree.position << subtree.height; i < end; ++i) {
        tree.Append(leaves_[i].leaf_hash);
      }
      roots.push_back(tree.Root());
    }
    return roots;
  }

  absl::StatusOr<SignedCheckpoint> AddCheckpoint(const SignedCheckpoint& checkpoint) override {
    std::lock_guard lock(mutex_);
    const auto entry = checkpoints_.try_emplace(checkpoint.tree_size, checkpoint).first;
    if (entry->second.root_hash != checkpoint.root_hash) return absl::DataLossError("another root");
    return entry->second;
  }

  absl::StatusOr<std::optional<SignedCheckpoint>> NewestCheckpoint(int64_t max_size) override {
    std::lock_guard lock(mutex_);
    const auto after = checkpoints_.upper_bound(max_size);
    if (after == checkpoints_.begin()) return std::nullopt;
    return std::prev(after)->second;
  }

  // What somebody with the database's own password might do.
  void Tamper(int64_t index, std::string entry) {
    leaves_[index].entry = entry;
    leaves_[index].leaf_hash = LeafHash(entry);
  }

  absl::Status error = absl::OkStatus();
  int append_count = 0;

 private:
  std::mutex mutex_;
  std::vector<Leaf> leaves_;
  std::set<std::string> event_ids_;
  std::map<int64_t, SignedCheckpoint> checkpoints_;
};

// A leaf as MakeLeaf would make it.
inline Leaf TestLeaf(const std::string& event_id, const std::string& subject = "orders/x",
                     const std::string& trace_id = "", const std::string& action = "order.store") {
  const std::string entry = nlohmann::json{
      {"event_id", event_id},   {"time", "2026-11-23T15:01:02Z"},
      {"service", "ps-ingest"}, {"actor", "ps-ingest"},
      {"action", action},       {"subject", subject},
      {"trace_id", trace_id}}.dump();
  return MakeLeaf(event_id, entry, "ps-ingest").value();
}

}  // namespace psups::audit_ledger
