#pragma once

#include <memory>
#include <string>
#include <vector>

#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/purchase/doubt.h"

// How UPS's answers become evidence.
namespace psups::ups_gateway {

// Why a channel did not say.
void Hinder(Evidence& evidence, const absl::Status& status);

// What label recovery says of a reference.
void ReadLabel(const HttpResponse& response, std::string_view label_format, Evidence& evidence);

// What tracking says of a reference.
void ReadTrack(const HttpResponse& response, Evidence& evidence);

// What UPS's list of labels says of a reference.
void ReadManifest(const std::vector<ManifestLabel>& labels, std::string_view reference,
                  Evidence& evidence);

// What label recovery says of the reference of a label that is known to exist.
void ReadControl(const HttpResponse& response, std::string_view label_format, Evidence& evidence);

// What was asked about one purchase, and what must be stored of it.
struct Inquiry {
  Evidence evidence = {};
  std::vector<Exchange> exchanges = {};
  std::vector<std::shared_ptr<void>> unrecorded = {};

  void Keep(AskResult& result);
  // The reply, if it is to be read: a success, or a refusal that says something. Else null, and
  // why.
  const HttpResponse* Reply(const AskResult& result);
};

}  // namespace psups::ups_gateway
