#include "common/status_macros.h"
#include "services/ups-gateway/store/postgres.h"

namespace psups::ups_gateway {
namespace {

// A replica that has not said for so long that it lives has no part in the limits any more.
constexpr absl::Duration kFresh = absl::Seconds(3);

class PostgresFlowStore : public FlowStore {
 public:
  explicit PostgresFlowStore(Db& db) : db_(db) {}

  absl::StatusOr<FlowView> Exchange(const std::string& run_id,
                                    const std::vector<FlowReport>& reports,
                                    absl::Duration recovery) override {
    for (const FlowReport& report : reports) RETURN_IF_ERROR(Add(report, recovery));
    ASSIGN_OR_RETURN(const Rows live,
                     db_.Exec("SELECT count(*) AS n FROM runs WHERE run_id <> $1 AND "
                              "heartbeat_time > now() - make_interval(secs => $2)",
                              {run_id, kFresh}));
    ASSIGN_OR_RETURN(const Rows rows, db_.Exec(kSelect));
    FlowView view{.replicas = 1 + static_cast<int>(live[0].Int("n"))};
    for (const Row row : rows) {
      FlowStanding standing{
          .account_id = row.Text("account_id"),
          .operation = row.Text("operation"),
          .share = row.Number("share"),
          .full_rate = row.Number("full_rate"),
          .changed_ago = row.Time("now") - row.Time("change_time"),
          .wait = std::max(absl::ZeroDuration(), row.Time("not_before") - row.Time("now"))};
      view.standings.push_back(std::move(standing));
    }
    return view;
  }

 private:
  static constexpr char kSelect[] =
      "SELECT account_id, operation, share, full_rate, change_time, not_before, now() AS now FROM "
      "flow_limits";

  // Under the lock of the row, so that one burst halves once whatever replicas it hits.
  absl::Status Add(const FlowReport& report, absl::Duration recovery) {
    return db_.Transact([&](Tx& tx) -> absl::Status {
      RETURN_IF_ERROR(tx.Exec("INSERT INTO flow_limits (account_id, operation, share, full_rate, "
                              "change_time, not_before) VALUES ($1, $2, 1, 0, 'epoch', 'epoch') "
                              "ON CONFLICT DO NOTHING",
                              {report.account_id, report.operation})
                          .status());
      ASSIGN_OR_RETURN(
          const Rows rows,
          tx.Exec("SELECT share, full_rate, change_time, not_before, clock_timestamp() AS now FROM "
                  "flow_limits WHERE account_id = $1 AND operation = $2 FOR UPDATE",
                  {report.account_id, report.operation}));
      const absl::Time now = rows[0].Time("now");
      FlowLimit limit{.share = rows[0].Number("share"),
                      .full_rate = rows[0].Number("full_rate"),
                      .change_time = rows[0].Time("change_time"),
                      .not_before = rows[0].Time("not_before")};
      limit = Learn(limit,
                    {.throttled = report.throttled,
                     .sent = now - report.sent_ago,
                     .full_rate = report.full_rate,
                     .not_before = now + report.wait},
                    now, recovery);
      return tx
          .Exec(
              "UPDATE flow_limits SET share = $3::float8, full_rate = $4::float8, change_time = "
              "$5, not_before = $6 WHERE account_id = $1 AND operation = $2",
              {report.account_id, report.operation, std::to_string(limit.share),
               std::to_string(limit.full_rate), limit.change_time, limit.not_before})
          .status();
    });
  }

  Db& db_;
};

}  // namespace

std::unique_ptr<FlowStore> MakePostgresFlowStore(Db& db) {
  return std::make_unique<PostgresFlowStore>(db);
}

}  // namespace psups::ups_gateway
