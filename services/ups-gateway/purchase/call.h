#pragma once

#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "common/http_client.h"
#include "psups/ups/v1/ups_service.pb.h"

// What is known of a purchase after each thing that can happen to it. No clock, no database.
namespace psups::ups_gateway {

// 32 hex digits, the first twelve of which are the milliseconds of `now`: new for each attempt, and
// keys made of it ascend.
std::string NewCallId(absl::Time now);

// The least call id of that time.
std::string FirstCallIdOf(absl::Time time);

// "shipments/x" of "shipments/x/purchases/1": what records are about.
std::string SubjectOf(std::string_view request_id);

struct ShipJudgement {
  ups::v1::Call::State state = ups::v1::Call::IN_DOUBT;
  ups::v1::Call::Result result = {};  // DONE
  ups::v1::Call::Error error = {};    // REJECTED
  std::string doubt = {};             // IN_DOUBT: what happened, a sentence
  int http_status = 0;                // 0: no reply
  bool token_refused = false;         // 401: the token is to be renewed for the next purchase
};

// What the end of the POST says. No byte of the body sent: NOT_MADE. A readable 2xx with all
// labels: DONE. A refusal: REJECTED. Anything else after the body began: IN_DOUBT.
ShipJudgement JudgeShip(const HttpOutcome& outcome, const ups::v1::ShipmentSpec& shipment);

}  // namespace psups::ups_gateway
