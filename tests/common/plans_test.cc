#include <string>

#include "absl/strings/str_cat.h"
#include "common/testing/scratch_schema.h"
#include "common/testing/status_matchers.h"
#include "gtest/gtest.h"

namespace psups {
namespace {

class Plans : public ::testing::TestWithParam<const char*> {};

// Statements keep the plan that was made when their tables were empty. One that then looks at all
// rows of a connection for each row that it wants takes seconds once there are some thousand.
TEST_P(Plans, RowsOfAnEmptyTableAreReadByTheirPrimaryKey) {
  testing::ScratchSchema schema(GetParam());
  ASSERT_OK_AND_ASSIGN(
      const Rows keys,
      schema.db().Exec(
          "SELECT t.relname::text AS table_name, k.relname::text AS key_name, "
          "  string_agg(quote_ident(a.attname), ', ') AS columns, "
          "  string_agg(format('ARRAY(SELECT NULL::%s)', format_type(a.atttypid, NULL)), ', ') "
          "    AS arrays "
          "FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid JOIN pg_class k ON k.oid = "
          "  i.indexrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(i.indkey) "
          "WHERE i.indisprimary AND i.indnkeyatts > 1 AND t.relnamespace = "
          "  current_schema()::regnamespace GROUP BY 1, 2"));
  EXPECT_FALSE(keys.empty());
  for (const Row row : keys) {
    const std::string columns = row.Text("columns");
    ASSERT_OK_AND_ASSIGN(const Rows lines, schema.db().Exec(absl::StrCat(
                                               "EXPLAIN SELECT * FROM unnest(", row.Text("arrays"),
                                               ") AS wanted(", columns, ") JOIN ",
                                               row.Text("table_name"), " USING (", columns, ")")));
    std::string plan;
    for (const Row line : lines) absl::StrAppend(&plan, line.Text("\"QUERY PLAN\""), "\n");
    EXPECT_NE(plan.find(absl::StrCat(" using ", row.Text("key_name"), " ")), std::string::npos)
        << plan;
  }
}

INSTANTIATE_TEST_SUITE_P(Services, Plans,
                         ::testing::Values("audit-ledger", "ps-ingest", "shipment-builder",
                                           "tracking-sync", "ups-gateway"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) {
                             if (c == '-') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace psups
