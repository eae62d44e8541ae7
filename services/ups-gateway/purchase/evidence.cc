#include "services/ups-gateway/purchase/evidence.h"

#include <iterator>
#include <utility>

#include "services/ups-gateway/wire/ups_answers.h"

namespace psups::ups_gateway {

namespace pb = ::psups::ups::v1;

void Hinder(Evidence& evidence, const absl::Status& status) {
  evidence.obstacle = std::string(status.message());
  evidence.refused |= absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
                      absl::IsFailedPrecondition(status) || absl::IsDataLoss(status);
}

void ReadLabel(const HttpResponse& response, std::string_view label_format, Evidence& evidence) {
  absl::StatusOr<pb::RecoverLabelResponse> answer = ReadRecovery(response, label_format);
  if (!answer.ok()) return Hinder(evidence, answer.status());
  switch (answer->outcome()) {
    case pb::RecoverLabelResponse::FOUND:
      evidence.label = Evidence::Label::kFound;
      evidence.result = std::move(*answer->mutable_result());
      return;
    case pb::RecoverLabelResponse::NOT_FOUND:
      evidence.label = Evidence::Label::kNotFound;
      return;
    case pb::RecoverLabelResponse::SEVERAL:
      evidence.label = Evidence::Label::kSeveral;
      return;
    case pb::RecoverLabelResponse::VOIDED:
      evidence.label = Evidence::Label::kVoided;
      return;
    default:
      Hinder(evidence, absl::InternalError("label recovery: no outcome"));
  }
}

void ReadTrack(const HttpResponse& response, Evidence& evidence) {
  const absl::StatusOr<TrackedPackages> tracked =
      ReadTrackedPackages(Operation::kTrackReference, response);
  if (!tracked.ok()) return Hinder(evidence, tracked.status());
  const bool found = !tracked->tracking_numbers.empty();
  evidence.track = found ? Evidence::Track::kFound : Evidence::Track::kNotFound;
  if (found) evidence.number = tracked->tracking_numbers.front();
}

void ReadManifest(const std::vector<ManifestLabel>& labels, std::string_view reference,
                  Evidence& evidence) {
  evidence.manifest = Evidence::Manifest::kNotFound;
  for (const ManifestLabel& label : labels) {
    if (label.reference != reference) continue;
    evidence.manifest = Evidence::Manifest::kFound;
    evidence.number = label.tracking_number;
    return;
  }
}

void ReadControl(const HttpResponse& response, std::string_view label_format, Evidence& evidence) {
  Evidence control;
  ReadLabel(response, label_format, control);
  switch (control.label) {
    case Evidence::Label::kUnknown:
      break;
    case Evidence::Label::kNotFound:
      evidence.control = Evidence::Control::kNotFound;
      break;
    case Evidence::Label::kFound:
    case Evidence::Label::kSeveral:
    case Evidence::Label::kVoided:
      evidence.control = Evidence::Control::kFound;
      break;
  }
}

void Inquiry::Keep(AskResult& result) {
  std::move(result.exchanges.begin(), result.exchanges.end(), std::back_inserter(exchanges));
  unrecorded.push_back(std::move(result.unrecorded));
}

const HttpResponse* Inquiry::Reply(const AskResult& result) {
  if (result.response.ok()) return &*result.response;
  Hinder(evidence, result.response.status());
  return nullptr;
}

}  // namespace psups::ups_gateway
