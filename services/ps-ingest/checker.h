#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/names.h"
#include "services/ps-ingest/passwords.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/ps_error.h"

namespace psups::ps_ingest {

// The look just before buying: how orders stand, read again from PeopleSoft by their keys if what
// is known is older than the connection permits. From any thread that may block.
class Checker {
 public:
  struct Ports {
    ConnectionStore& connections;
    PollStore& polls;
    OrderStore& orders;
    PeopleSoft& people_soft;
    Passwords& passwords;
    MasterData& master_data;
    OpenCalls& calls;
  };
  // `stored` is notified when there is something to hand out.
  Checker(Ports ports, Deriver derive, std::function<void()> stored)
      : ports_(ports), derive_(std::move(derive)), stored_(std::move(stored)) {}

  // Those that cannot be read now are missing: nobody may buy for them.
  absl::StatusOr<std::vector<orders::v1::CheckOrdersResponse::Standing>> Check(
      const std::vector<std::string>& names);

 private:
  struct Batch {
    orders::v1::Connection connection = {};
    type::v1::DocumentType type = type::v1::PURCHASE_ORDER;
    std::string business_unit = {};
    std::vector<std::string> ids = {};
  };
  static std::vector<Batch> Batches(const std::vector<OrderStore::Checked>& stale);
  absl::Status Read(const Batch& batch);
  // One call by `query`, on record.
  absl::StatusOr<PeopleSoft::Reply> Call(const Batch& batch, const std::string& query,
                                         const absl::StatusOr<std::string>& url,
                                         std::vector<AuditEntry>& audit);
  absl::Status LookUp(const Batch& batch, std::vector<Document>& documents,
                      std::vector<AuditEntry>& audit);
  absl::Status Store(KeyRead read, std::vector<Document> documents);
  absl::Status Refuse(const Batch& batch, const PsError& error);

  Ports ports_;
  const Deriver derive_;
  const std::function<void()> stored_;
};

}  // namespace psups::ps_ingest
