#include "services/audit-ledger/entry.h"

#include "common/testing/status_matchers.h"
#include "nlohmann/json.hpp"
#include "services/audit-ledger/merkle.h"

namespace psups::audit_ledger {
namespace {

using ::nlohmann::json;
using ::psups::testing::HasCode;
using ::psups::testing::IsOk;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

json Good() {
  return {{"event_id", "e1"},
          {"time", "2026-11-23T15:01:02.123456Z"},
          {"service", "ps-ingest"},
          {"actor", "ps-ingest"},
          {"action", "order.store"},
          {"subject", "orders/x"},
          {"trace_id", "0af7651916cd43dd8448eb211c80319c"},
          {"detail", {{"rows", 3}}}};
}

absl::StatusOr<Leaf> Make(const json& entry) { return MakeLeaf("e1", entry.dump(), "ps-ingest"); }

TEST(Entry, KeepsTheExactBytesAndWhatItIsFoundBy) {
  const std::string bytes = Good().dump(2);
  ASSERT_OK_AND_ASSIGN(const Leaf leaf, MakeLeaf("e1", bytes, "ps-ingest"));
  EXPECT_EQ(leaf.entry, bytes);
  EXPECT_EQ(leaf.leaf_hash, LeafHash(bytes));
  EXPECT_EQ(leaf.event_id, "e1");
  EXPECT_EQ(leaf.subject, "orders/x");
  EXPECT_EQ(leaf.action, "order.store");
  EXPECT_EQ(leaf.trace_id, "0af7651916cd43dd8448eb211c80319c");
}

TEST(Entry, RefusesWhatIsNoJsonObject) {
  for (const std::string bytes : {"", "[]", "\"text\"", "{", "{} {}", "{\"a\":\"\xff\"}"}) {
    EXPECT_THAT(MakeLeaf("e1", bytes, "ps-ingest"), HasCode(kInvalid)) << bytes;
  }
}

TEST(Entry, NamesTheFieldThatIsMissing) {
  for (const char* field :
       {"event_id", "time", "service", "actor", "action", "subject", "trace_id"}) {
    json entry = Good();
    entry.erase(field);
    const auto leaf = Make(entry);
    EXPECT_THAT(leaf, HasCode(kInvalid)) << field;
    EXPECT_THAT(std::string(leaf.status().message()), HasSubstr(field));
    entry[field] = 7;
    EXPECT_THAT(Make(entry), HasCode(kInvalid)) << field;
  }
}

TEST(Entry, RefusesWhatPostgresCouldNotStoreOrFind) {
  json entry = Good();
  entry["subject"] = std::string("orders/\0x", 9);
  EXPECT_THAT(Make(entry), HasCode(kInvalid));
  entry = Good();
  entry["subject"] = std::string(257, 's');
  EXPECT_THAT(Make(entry), HasCode(kInvalid));
  entry = Good();
  entry["trace_id"] = "not-hex";
  EXPECT_THAT(Make(entry), HasCode(kInvalid));
  entry["trace_id"] = "";
  EXPECT_THAT(Make(entry), IsOk());
  entry["time"] = "yesterday";
  EXPECT_THAT(Make(entry), HasCode(kInvalid));
}

TEST(Entry, IsAtMost64Kibibytes) {
  json entry = Good();
  entry["detail"]["pad"] = "";
  entry["detail"]["pad"] = std::string(kMostEntryBytes - entry.dump().size(), 'p');
  EXPECT_EQ(entry.dump().size(), kMostEntryBytes);
  EXPECT_THAT(Make(entry), IsOk());
  entry["detail"]["pad"] = entry["detail"]["pad"].get<std::string>() + "p";
  EXPECT_THAT(Make(entry), HasCode(kInvalid));
}

TEST(Entry, NobodyRecordsInAnothersName) {
  EXPECT_THAT(MakeLeaf("e1", Good().dump(), "ups-gateway"), HasCode(kInvalid));
  EXPECT_THAT(MakeLeaf("e2", Good().dump(), "ps-ingest"), HasCode(kInvalid));
}

}  // namespace
}  // namespace psups::audit_ledger
