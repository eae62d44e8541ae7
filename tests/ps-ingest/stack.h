#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/crypto.h"
#include "common/envelope.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "services/ps-ingest/connection.h"
#include "services/ps-ingest/postgres.h"

namespace psups::ps_ingest {

inline KeyRing TestKeyRing() {
  const std::string path = ::testing::TempDir() + "/ps_ingest_test_keys.json";
  const nlohmann::json keys = {{"current", "k1"},
                               {"keys", {{"k1", Base64(std::string(32, 'k'))}}},
                               {"derivation_key", Base64(std::string(32, 'd'))}};
  std::ofstream(path) << keys.dump();
  return *KeyRing::FromFile(path);
}

// A connection as an administrator gives it.
inline orders::v1::Connection TestConnection(const std::string& base_url = "http://127.0.0.1:1") {
  orders::v1::Connection connection;
  connection.set_environment(orders::v1::Connection::TEST);
  connection.set_base_url(base_url);
  connection.set_allow_http(true);
  connection.set_node("PSFT_EP");
  connection.set_oprid("PSUPS");
  connection.set_base_time_zone("America/New_York");
  connection.set_ship_orders_since("2026-11-01");
  connection.set_ups_account("accounts/demo");
  return connection;
}

// The stores of ps-ingest on a schema of their own.
struct Stack {
  testing::ScratchSchema schema{"ps-ingest"};
  Sealer sealer{schema.db(), TestKeyRing()};
  Deriver derive = [this](std::string_view purpose, std::string_view text) {
    return sealer.ring().Derive(purpose, text);
  };
  std::unique_ptr<ConnectionStore> connections = MakeConnectionStore(schema.db(), sealer);
  std::unique_ptr<PollStore> polls = MakePollStore(schema.db(), sealer);
  std::unique_ptr<OrderStore> orders = MakeOrderStore(schema.db(), sealer);
  std::unique_ptr<WriteBackStore> write_backs = MakeWriteBackStore(schema.db(), sealer, derive);
  std::unique_ptr<RunStore> runs = MakeRunStore(schema.db());

  void Exec(const std::string& sql) { ASSERT_OK(schema.db().Exec(sql).status()); }

  int64_t Count(const std::string& sql) {
    const auto rows = schema.db().Exec("SELECT (" + sql + ")::bigint AS n");
    EXPECT_OK(rows.status());
    return rows.ok() ? (*rows)[0].Int("n") : -1;
  }

  // The entries in the outbox with this action, oldest first.
  std::vector<nlohmann::json> Audit(const std::string& action) {
    std::vector<nlohmann::json> entries;
    const auto rows = schema.db().Exec("SELECT entry FROM audit_outbox ORDER BY create_time");
    EXPECT_OK(rows.status());
    for (const Row row : *rows) {
      nlohmann::json entry = nlohmann::json::parse(row.Binary("entry"));
      if (entry["action"] == action) entries.push_back(std::move(entry));
    }
    return entries;
  }

  orders::v1::Connection Create(const std::string& id, orders::v1::Connection connection,
                                const std::string& password = "secret") {
    SetDefaults(connection, id);
    EXPECT_OK(CheckConnection(connection));
    const auto created = connections->Create(connection, password, "spiffe://psups/admin/ann");
    EXPECT_OK(created.status());
    return created.ok() ? *created : connection;
  }
};

}  // namespace psups::ps_ingest
