#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/postgres.h"
#include "common/server.h"
#include "common/settings.h"
#include "common/status_macros.h"
#include "services/audit-ledger/appender.h"
#include "services/audit-ledger/checkpointer.h"
#include "services/audit-ledger/postgres.h"
#include "services/audit-ledger/service.h"

namespace psups::audit_ledger {
namespace {

absl::Status Main(Settings& settings) {
  const ServiceSettings base(settings);
  const absl::Duration interval = settings.Duration("PSUPS_CHECKPOINT_INTERVAL", absl::Seconds(10));
  const std::string origin = settings.Text("PSUPS_LOG_ORIGIN", "psups/local");
  const std::string checkpoint_key = settings.Secret("PSUPS_CHECKPOINT_KEY_FILE");
  RETURN_IF_ERROR(FinishSettings(settings));
  absl::StatusOr<Signer> signer = Signer::FromPem(checkpoint_key);
  if (!signer.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("PSUPS_CHECKPOINT_KEY_FILE: ", signer.status().message()));
  }

  Db db(base.database_url, /*max_connections=*/8);
  const std::unique_ptr<LogStore> store = MakePostgresLogStore(db);
  Checkpointer checkpointer(*store, *std::move(signer), origin);
  Executor executor(/*threads=*/4);
  Appender appender(*store);
  LedgerServer server(*store, appender, checkpointer, executor);
  return Serve(base, db,
               {.schema_version = PSUPS_SCHEMA_VERSION,
                .services = {&server},
                .workers = {{.name = "checkpoint", .idle_wait = interval, .step = [&] {
                               return checkpointer.Step();
                             }}}});
}

}  // namespace
}  // namespace psups::audit_ledger

int main(int argc, char** argv) {
  return psups::RunService(PSUPS_SERVICE, argc, argv, psups::audit_ledger::Main);
}
