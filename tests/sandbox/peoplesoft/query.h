#pragma once

#include <array>
#include <set>
#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/documents.h"
#include "tests/sandbox/peoplesoft/tables.h"

namespace psups::peoplesoft_sandbox {

enum class ColumnKind { kCharacter, kTranslate, kNumber, kDate, kDateTime };

struct Column {
  std::string alias_name = {};  // "A.PO_ID"; an expression has none and is named as it is
  std::string bare_name = {};   // "PO_ID", or what the author chose where two records share a name
  char record = ' ';            // the record's alias
  std::string field = {};
  ColumnKind kind = ColumnKind::kCharacter;
};

// A public query that the site's admin has built.
struct QueryDefinition {
  std::string name = {};
  std::string document_type = {};
  std::vector<Column> columns = {};
};

// PSUPS_PO or PSUPS_REQ, or null; names compare by case.
const QueryDefinition* FindQuery(const std::string& name);

// One joined row: a record for each alias A to J, null where the outer join found nothing. Valid as
// long as the documents and tables it came from stay unchanged.
struct QueryRow {
  const Document* document = nullptr;
  std::array<const Json*, 'J' - 'A' + 1> records = {};
  std::string sourced_po_id = {};

  const Json*& record(char alias) { return records[alias - 'A']; }
  const Json* record(char alias) const { return records[alias - 'A']; }

  // The record's field, or null if there is no such record or field.
  const Json* Find(const Column& column) const;
};

struct QuerySelection {
  LocalTime from = {};
  LocalTime to = {};
  std::string today = {};                     // for effective dates
  std::set<std::string> business_units = {};  // row security; empty: all
  long limit = 0;                             // rows beyond it are cut silently; 0: none
  int copies = 1;                             // of each row, before the cut
};

// Ordered by business unit, id, line, schedule.
std::vector<QueryRow> RunQuery(const QueryDefinition& query, const QuerySelection& selection,
                               const Documents& documents, const Tables& tables);

}  // namespace psups::peoplesoft_sandbox
