#include <set>

#include "common/status_macros.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/store/postgres_calls.h"

namespace psups::ups_gateway {
namespace {

constexpr int kPage = 500;

}  // namespace

absl::StatusOr<std::vector<OwnLabel>> PostgresCallStore::LabelsSince(std::string_view account_id,
                                                                     absl::Time since) {
  ASSIGN_OR_RETURN(const Rows voids,
                   db_.Exec("SELECT CASE WHEN n.number IS NULL THEN v.ups_shipment_id ELSE '' "
                            "END AS shipment, coalesce(n.number, '') AS package FROM voids v "
                            "LEFT JOIN unnest(v.tracking_numbers) AS n(number) ON true WHERE "
                            "v.account_id = $1 AND v.state = 'DONE' AND v.create_time >= $2",
                            {account_id, since}));
  std::set<std::string> shipments, packages;  // void as a whole, and by themselves
  for (const Row row : voids) {
    shipments.insert(row.Text("shipment"));
    packages.insert(row.Text("package"));
  }
  std::vector<OwnLabel> labels;
  std::string after = FirstCallIdOf(since);
  while (true) {
    // The tracking numbers are sealed: what is opened here is opened outside any transaction.
    ASSIGN_OR_RETURN(const Rows page,
                     db_.Exec("SELECT call_id, result, create_time FROM calls WHERE call_id > $1 "
                              "AND account_id = $2 AND state = 'DONE' ORDER BY call_id LIMIT $3",
                              {after, account_id, kPage}));
    for (const Row row : page) {
      after = row.Text("call_id");
      ASSIGN_OR_RETURN(const std::string opened,
                       sealer_.Open({"calls", "result", after}, row.Binary("result")));
      ups::v1::Call::Result result;
      if (!result.ParseFromString(opened)) {
        return absl::DataLossError("calls/" + after + ": result unreadable");
      }
      for (const auto& package : result.packages()) {
        const bool live = !shipments.contains(result.ups_shipment_id()) &&
                          !packages.contains(package.tracking_number());
        labels.push_back({package.tracking_number(), live, row.Time("create_time")});
      }
    }
    if (static_cast<int>(page.size()) < kPage) return labels;
  }
}

}  // namespace psups::ups_gateway
