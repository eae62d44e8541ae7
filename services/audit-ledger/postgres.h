#pragma once

#include <memory>

#include "common/postgres.h"
#include "services/audit-ledger/ports.h"

namespace psups::audit_ledger {

std::unique_ptr<LogStore> MakePostgresLogStore(Db& db);

}  // namespace psups::audit_ledger
