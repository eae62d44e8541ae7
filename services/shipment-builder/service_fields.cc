#include "services/shipment-builder/service_fields.h"

#include "absl/strings/str_cat.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

constexpr int kMostListed = 1000;
constexpr int kDefaultListed = 100;
constexpr std::size_t kMostReason = 200;

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp result;
  const int64_t seconds = absl::ToUnixSeconds(time);
  result.set_seconds(seconds);
  result.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return result;
}

absl::StatusOr<std::string> IdIn(const char* field, std::string_view collection,
                                 const std::string& name) {
  const std::string prefix = absl::StrCat(std::string(collection), "/");
  if (name.rfind(prefix, 0) == 0 && name.size() > prefix.size() &&
      name.find('/', prefix.size()) == std::string::npos) {
    return name.substr(prefix.size());
  }
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": \"", name, "\", want \"", prefix, "{id}\""));
}

absl::StatusOr<std::string> OptionalId(const char* field, std::string_view collection,
                                       const std::string& name) {
  if (name.empty()) return std::string();
  return IdIn(field, collection, name);
}

absl::StatusOr<int> PageSize(int size) {
  if (size == 0) return kDefaultListed;
  if (size > 0 && size <= kMostListed) return size;
  return absl::InvalidArgumentError(absl::StrCat("page_size: ", size, ", want 1 to ", kMostListed));
}

absl::Status CheckText(const char* field, const std::string& text) {
  if (CharacterCount(text) <= kMostReason) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, ": ", CharacterCount(text), " characters, want at most ", kMostReason));
}

type::v1::DocumentKey Document(const std::string& connection, const std::string& type,
                               const std::string& business_unit, const std::string& id) {
  type::v1::DocumentKey document;
  document.set_connection(absl::StrCat("connections/", connection));
  document.set_document_type(type == "REQ" ? type::v1::REQUISITION : type::v1::PURCHASE_ORDER);
  document.set_business_unit(business_unit);
  document.set_document_id(id);
  return document;
}
}  // namespace psups::shipment_builder
