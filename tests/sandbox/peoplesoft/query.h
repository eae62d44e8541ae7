#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/documents.h"
#include "tests/sandbox/peoplesoft/tables.h"
#include "tests/sandbox/peoplesoft/write_back.h"

namespace psups::peoplesoft_sandbox {

enum class ColumnKind { kCharacter, kTranslate, kNumber, kDate, kDateTime };

struct Column {
  std::string alias_name = {};  // "A.PO_ID"; an expression has none and is named as it is
  std::string bare_name = {};   // "PO_ID", or what the author chose where two records share a name
  char record = ' ';            // the record's alias
  std::string field = {};
  ColumnKind kind = ColumnKind::kCharacter;
};

struct Prompt {
  std::string name = {};
  bool required = false;
};

// One joined row: a record for each alias A to N, null where the outer join found nothing. Valid as
// long as the documents and tables it came from stay unchanged.
struct QueryRow {
  const Document* document = nullptr;  // null: of set-up records only
  std::array<const Json*, 'N' - 'A' + 1> records = {};
  std::shared_ptr<const Json> made = {};  // keeps a record that is made for this row alone

  const Json*& record(char alias) { return records[alias - 'A']; }
  const Json* record(char alias) const { return records[alias - 'A']; }

  // The record's field, or null if there is no such record or field.
  const Json* Find(const Column& column) const;
};

struct QuerySelection {
  std::map<std::string, std::string> prompts = {};  // those with a value
  LocalTime from = {};                              // FROM_DTTM
  LocalTime to = {};                                // TO_DTTM
  std::string today = {};                           // for effective dates
  std::set<std::string> business_units = {};        // row security; empty: all
  std::set<std::string> defects = {};               // see QueryDefects()
  long limit = 0;                                   // rows beyond it are cut silently; 0: none
  int copies = 1;                                   // of each row, before the cut

  std::string Prompt(const std::string& name) const;  // empty: it has no value

  bool Has(const std::string& defect) const { return defects.count(defect) != 0; }

  // The values of ID_1 to ID_10, ordered, each once.
  std::set<std::string> Ids() const;
};

// What a site's queries read.
struct SiteData {
  const Documents& documents;
  const Tables& tables;
  const WriteBack& write_back;
};

// A query that the site's admin has built.
struct QueryDefinition {
  std::string name = {};
  std::vector<Column> columns = {};
  std::vector<Prompt> prompts = {};
  // In the query's order; may end once it has `limit` of them.
  std::function<std::vector<QueryRow>(const QuerySelection&, const SiteData&)> rows = {};
};

const std::vector<QueryDefinition>& Queries();

// What an administrator may have built wrong in a query; docs/sandbox.md says what each does.
const std::set<std::string>& QueryDefects();

// Null if there is none; names compare by case.
const QueryDefinition* FindQuery(const std::string& name);

std::vector<QueryRow> RunQuery(const QueryDefinition& query, const QuerySelection& selection,
                               const SiteData& data);

}  // namespace psups::peoplesoft_sandbox
