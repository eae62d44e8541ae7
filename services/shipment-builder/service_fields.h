#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"
#include "psups/type/v1/document.pb.h"

namespace psups::shipment_builder {

// What the fields of several RPCs have in common. Errors are INVALID_ARGUMENT and name the field.

google::protobuf::Timestamp ToProto(absl::Time time);

// The id in "<collection>/{id}".
absl::StatusOr<std::string> IdIn(const char* field, std::string_view collection,
                                 const std::string& name);
// The same for a condition that may be left out.
absl::StatusOr<std::string> OptionalId(const char* field, std::string_view collection,
                                       const std::string& name);

// 1 to 1000; 0 means 100.
absl::StatusOr<int> PageSize(int size);

// A reason or comment of a person.
absl::Status CheckText(const char* field, const std::string& text);

type::v1::DocumentKey Document(const std::string& connection, const std::string& type,
                               const std::string& business_unit, const std::string& id);

// Whether names and addresses are shown.
enum class Parties { kShow, kHide };

}  // namespace psups::shipment_builder
