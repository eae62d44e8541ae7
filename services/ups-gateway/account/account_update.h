#pragma once

#include "absl/status/statusor.h"
#include "google/protobuf/field_mask.pb.h"
#include "psups/ups/v1/account_service.pb.h"

namespace psups::ups_gateway {

// INVALID_ARGUMENT names a field of `mask` that there is not, or that is not for changing.
absl::Status CheckUpdateMask(const google::protobuf::FieldMask& mask);

// `stored` with the fields of `mask` taken from `asked`, checked as a whole.
absl::StatusOr<ups::v1::Account> UpdatedAccount(const ups::v1::Account& stored,
                                                const ups::v1::Account& asked,
                                                const google::protobuf::FieldMask& mask);

}  // namespace psups::ups_gateway
