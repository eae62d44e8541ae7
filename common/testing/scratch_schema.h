#pragma once

#include <memory>
#include <string>

#include "common/postgres.h"

namespace psups::testing {

// A schema of its own in the test database (PSUPS_TEST_DATABASE_URL), with the migrations of
// services/<service>/migrations applied (an empty name: none); dropped when destroyed. Ends the
// test process if there is no database: a test that needs one must not pass without it.
class ScratchSchema {
 public:
  explicit ScratchSchema(const std::string& service);
  ~ScratchSchema();
  Db& db() { return *db_; }
  const std::string& url() const { return url_; }  // search_path set to the schema

 private:
  std::string name_;
  std::string url_;
  std::unique_ptr<Db> db_;
};

}  // namespace psups::testing
