#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/envelope.h"
#include "common/postgres.h"
#include "services/ps-ingest/ports.h"

namespace psups::ps_ingest {

// The read that brought documents.
struct ReadSource {
  std::string connection_id = {};
  type::v1::DocumentType type = type::v1::PURCHASE_ORDER;
  std::string call_id = {};
  absl::Time read_start = {};  // the database's clock
};

// The revisions' contents, sealed. Before the transaction: sealing may need a connection of its
// own.
absl::StatusOr<std::vector<Bytes>> SealRevisions(Sealer& sealer, const std::string& connection_id,
                                                 const std::vector<NewRevision>& revisions);

// ABORTED if another read changed one of the documents. `audit` gets an entry for each.
absl::Status StoreRevisions(Tx& tx, const ReadSource& source,
                            const std::vector<NewRevision>& new_revisions,
                            const std::vector<Bytes>& sealed, std::vector<AuditEntry>& audit);

// Documents that say the same, with a newer change batch or update time.
absl::Status StoreTouched(Tx& tx, const std::string& connection_id,
                          const std::vector<orders::v1::Order>& touched);

}  // namespace psups::ps_ingest
