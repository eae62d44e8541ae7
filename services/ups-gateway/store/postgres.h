#pragma once

#include <memory>
#include <string>

#include "common/envelope.h"
#include "common/postgres.h"
#include "services/ups-gateway/flow/flow_store.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

std::unique_ptr<AccountStore> MakePostgresAccountStore(Db& db, Sealer& sealer);
// `run_id` is this process's, as in RunStore: should it die, its lease ends with it.
std::unique_ptr<TokenStore> MakePostgresTokenStore(Db& db, Sealer& sealer, std::string run_id);
std::unique_ptr<CallStore> MakePostgresCallStore(Db& db, Sealer& sealer);
std::unique_ptr<RunStore> MakePostgresRunStore(Db& db);
std::unique_ptr<EpochStore> MakePostgresEpochStore(Db& db);
std::unique_ptr<FlowStore> MakePostgresFlowStore(Db& db);

}  // namespace psups::ups_gateway
