#include "services/ups-gateway/purchase/evidence.h"

#include <iterator>
#include <utility>

#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/ups_replies.h"

namespace psups::ups_gateway {

void Hinder(Evidence& evidence, const absl::Status& status) {
  evidence.obstacle = std::string(status.message());
  evidence.refused |= absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
                      absl::IsFailedPrecondition(status) || absl::IsDataLoss(status);
}

void ReadLabel(const HttpResponse& response, std::string_view label_format, Evidence& evidence) {
  if (response.status >= 200 && response.status < 300) {
    absl::StatusOr<RecoveryReply> reply = ParseRecoveryReply(response.body, label_format);
    if (!reply.ok()) {
      Hinder(evidence, reply.status());
    } else if (reply->candidates > 0) {
      evidence.label = Evidence::Label::kSeveral;
    } else {
      evidence.label = Evidence::Label::kFound;
      evidence.result = std::move(reply->result);
    }
    return;
  }
  switch (Look(Operation::kRecovery, CodeOf(response), response.status).action) {
    case Action::kNotFound:
      evidence.label = Evidence::Label::kNotFound;
      break;
    case Action::kSeveral:
      evidence.label = Evidence::Label::kSeveral;
      break;
    case Action::kVoided:
      evidence.label = Evidence::Label::kVoided;
      break;
    case Action::kRenewToken:
    case Action::kBackOff:
    case Action::kReconcile:
    case Action::kReview:
    case Action::kConfigure:
    case Action::kDone:
    case Action::kStore:
      Hinder(evidence, StatusFromUps(Operation::kRecovery, response));
      break;
  }
}

void ReadTrack(const HttpResponse& response, Evidence& evidence) {
  const Action action = Look(Operation::kTrackReference, CodeOf(response), response.status).action;
  const absl::StatusOr<std::vector<std::string>> numbers = ParseTrackReferenceReply(response.body);
  if (response.status == 200 && numbers.ok()) {
    evidence.track = numbers->empty() ? Evidence::Track::kNotFound : Evidence::Track::kFound;
    if (!numbers->empty()) evidence.number = numbers->front();
  } else if (action == Action::kNotFound || response.status == 404) {
    evidence.track = Evidence::Track::kNotFound;
  } else {
    Hinder(evidence, response.status == 200 ? numbers.status()
                                            : StatusFromUps(Operation::kTrackReference, response));
  }
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
