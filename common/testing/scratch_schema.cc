#include "common/testing/scratch_schema.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <pqxx/pqxx>
#include <vector>

#include "common/crypto.h"

namespace psups::testing {
namespace {

std::string TestDatabaseUrl() {
  const char* url = std::getenv("PSUPS_TEST_DATABASE_URL");
  if (url == nullptr || *url == '\0') {
    std::fputs("PSUPS_TEST_DATABASE_URL is not set: run this test by tests/run_with_postgres\n",
               stderr);
    std::exit(1);
  }
  return url;
}

// What stands between "-- migrate:up" and "-- migrate:down".
std::string UpPart(const std::filesystem::path& file) {
  std::ifstream in(file);
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto up = text.find("-- migrate:up");
  const auto begin = up == std::string::npos ? 0 : text.find('\n', up) + 1;
  return text.substr(begin, text.find("-- migrate:down") - begin);
}

void Run(const std::string& url, const std::string& sql) {
  pqxx::connection connection(url);
  pqxx::nontransaction tx(connection);
  tx.exec(sql);
}

}  // namespace

ScratchSchema::ScratchSchema(const std::string& service)
    : name_("scratch_" + Hex(RandomBytes(6))),
      url_(TestDatabaseUrl() + " options='-c search_path=" + name_ + "'") {
  Run(TestDatabaseUrl(), "CREATE SCHEMA " + name_);
  Run(url_, "CREATE TABLE schema_migrations (version text PRIMARY KEY)");
  std::vector<std::filesystem::path> files;
  const std::filesystem::path folder =
      std::filesystem::path(PSUPS_SOURCE_DIR) / "services" / service / "migrations";
  if (!service.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".sql") files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    Run(url_, UpPart(file));
    const std::string stem = file.stem().string();
    Run(url_, "INSERT INTO schema_migrations VALUES ('" + stem.substr(0, stem.find('_')) + "')");
  }
  db_ = std::make_unique<Db>(url_, 16);
}

ScratchSchema::~ScratchSchema() {
  db_.reset();
  Run(TestDatabaseUrl(), "DROP SCHEMA " + name_ + " CASCADE");
}

}  // namespace psups::testing
