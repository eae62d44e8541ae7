#pragma once

#include <string>
#include <vector>

#include "tests/sandbox/peoplesoft/query.h"

namespace psups::peoplesoft_sandbox {

// The rows of documents of `type` by their time of update, behind AFTER_BU and AFTER_ID: one for
// each header, line, schedule and distribution, ordered by key.
std::vector<QueryRow> WindowRows(const std::string& type, const QuerySelection& selection,
                                 const SiteData& data);

// The rows of the documents that BU and ID_1 to ID_10 name, whenever they were updated.
std::vector<QueryRow> KeyRows(const std::string& type, const QuerySelection& selection,
                              const SiteData& data);

// One row with the number of WindowRows, whatever the limit.
std::vector<QueryRow> CountRows(const std::string& type, const QuerySelection& selection,
                                const SiteData& data);

}  // namespace psups::peoplesoft_sandbox
