#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define PSUPS_CONCAT_INNER(a, b) a##b
#define PSUPS_CONCAT(a, b) PSUPS_CONCAT_INNER(a, b)

// Returns the status of `expression` from the calling function unless it is OK.
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

// ASSIGN_OR_RETURN(auto value, Compute());
#define ASSIGN_OR_RETURN(declaration, expression) \
  PSUPS_ASSIGN_OR_RETURN(PSUPS_CONCAT(status_or_, __LINE__), declaration, expression)
#define PSUPS_ASSIGN_OR_RETURN(temporary, declaration, expression) \
  auto temporary = (expression);                                   \
  if (!temporary.ok()) return std::move(temporary).status();       \
  declaration = *std::move(temporary)
