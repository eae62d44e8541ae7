#include "tests/shipment-builder/walk_ups.h"

namespace psups::shipment_builder::testing {
namespace {

using UpsCall = ups::v1::Call;
const absl::Status kLost = absl::UnavailableError("no answer");

}  // namespace

WalkUps::TrueLabel* WalkUps::Find(const std::string& request_id) {
  for (TrueLabel& label : labels_) {
    if (label.request_id == request_id) return &label;
  }
  return nullptr;
}

void WalkUps::Make(const ups::v1::CreateShipmentRequest& request, UpsCall& call) {
  TrueLabel& label = labels_.emplace_back();
  label.request_id = request.request_id();
  label.spec = request.shipment();
  auto& result = *call.mutable_result();
  ++moment_;
  for (int i = 0; i < request.shipment().packages_size(); ++i) {
    auto& package = *result.add_packages();
    package.set_tracking_number(absl::StrCat("1Z", request.request_id(), "#", i + 1));
    package.set_label("^XA");
    package.set_label_format("ZPL");
    label.parcels.push_back({.number = package.tracking_number(), .made = moment_});
  }
  result.set_ups_shipment_id(result.packages(0).tracking_number());
}

WalkUps::Answer WalkUps::Arrive(const ups::v1::CreateShipmentRequest& request) {
  const std::string& id = request.request_id();
  const auto known = calls_.find(id);
  if (known != calls_.end()) return known->second;
  UpsCall call;
  call.set_request_id(id);
  const int roll = calm ? 0 : Roll("outcome", id);
  if (roll < 58) {
    call.set_state(UpsCall::DONE);
    ++seen["bought"];
  } else if (roll < 80) {
    call.set_state(UpsCall::IN_DOUBT);
    ++seen["in doubt"];
  } else if (roll < 92) {
    call.set_state(UpsCall::REJECTED);
    call.mutable_error()->set_ups_code("120802");
    call.mutable_error()->set_clerk_message("Check the ship-to address.");
    call.mutable_error()->set_retryable(roll < 85);
    ++seen["rejected"];
  } else {
    call.set_state(UpsCall::NOT_MADE);
    ++seen["not made"];
  }
  // What is in doubt was made as often as not.
  if (roll < 70) Make(request, call);
  requests_[id] = request;
  calls_[id] = call;
  return call;
}

void WalkUps::LetArrive(int percent) {
  std::vector<std::pair<Done, Answer>> heard;
  {
    std::lock_guard lock(mutex_);
    for (auto it = pending_.begin(); it != pending_.end();) {
      if (Roll("arrival", it->request_id) >= percent) {
        ++it;
        continue;
      }
      const Answer answer = it->arrive ? it->arrive() : it->answer;
      if (*it->door) heard.emplace_back(std::move(it->done), answer);
      it = pending_.erase(it);
    }
  }
  for (const auto& [done, answer] : heard) done(answer);
}

void WalkUps::LetTimePass(int percent) {
  std::lock_guard lock(mutex_);
  for (auto& [id, call] : calls_) {
    if (call.state() != UpsCall::IN_DOUBT) continue;
    const int roll = Roll("doubt", id);
    if (roll >= percent) {
      if (!calm && roll >= 80) call.set_needs_person(true);
      continue;
    }
    TrueLabel* label = Find(id);
    // What a person voided at UPS shows there as void.
    call.set_state(label != nullptr && label->live() ? UpsCall::DONE : UpsCall::NOT_MADE);
    call.set_needs_person(false);
    ++seen["doubt resolved"];
  }
  for (TrueLabel& label : labels_) {
    if (label.twin && label.live() && Roll("twin", label.request_id) < percent) End(label);
  }
}

std::vector<std::string> WalkUps::VoidByHand(const std::string& request_id) {
  std::lock_guard lock(mutex_);
  TrueLabel* label = Find(request_id);
  if (label == nullptr || !label->live()) return {};
  End(*label);
  std::vector<std::string> numbers;
  for (const Parcel& parcel : label->parcels) numbers.push_back(parcel.number);
  return numbers;
}

void WalkUps::Scan(const std::string& number) {
  std::lock_guard lock(mutex_);
  for (TrueLabel& label : labels_) {
    for (Parcel& parcel : label.parcels) parcel.scanned |= parcel.number == number;
  }
}

std::size_t WalkUps::UnderWay(const Door& door) {
  std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const Pending& one : pending_) count += one.door == door.open_;
  return count;
}

absl::StatusOr<ups::v1::VoidShipmentResponse> WalkUps::Void(
    const ups::v1::VoidShipmentRequest& request) {
  ups::v1::VoidShipmentResponse response;
  for (TrueLabel& label : labels_) {
    if (label.parcels.front().number != request.ups_shipment_id()) continue;
    if (!label.live()) {
      response.set_already_voided(true);
      return response;
    }
    const auto& numbers = request.tracking_numbers();
    const bool whole = numbers.empty();
    std::size_t left = 0;
    std::vector<Parcel*> named;
    for (Parcel& parcel : label.parcels) {
      if (whole || std::find(numbers.begin(), numbers.end(), parcel.number) != numbers.end()) {
        named.push_back(&parcel);
      } else {
        left += parcel.voided == kNever;
      }
    }
    if (std::all_of(named.begin(), named.end(),
                    [](const Parcel* parcel) { return parcel->voided != kNever; })) {
      response.set_already_voided(true);
      return response;
    }
    if (label.scanned()) return absl::FailedPreconditionError("UPS has picked it up.");
    if (whole) {
      End(label);
      return response;
    }
    if (left == 0) return absl::FailedPreconditionError("UPS voids its last package as a whole.");
    ++seen["packages voided alone"];
    for (Parcel* parcel : named) parcel->voided = std::min(parcel->voided, ++moment_);
    return response;
  }
  return absl::NotFoundError("UPS knows no such shipment");
}

void WalkUps::Door::ValidateAddress(const ups::v1::ValidateAddressRequest& request,
                                    const std::string&,
                                    Done<ups::v1::ValidateAddressResponse> done) {
  using Response = ups::v1::ValidateAddressResponse;
  Response response;
  bool lost = false;
  {
    std::lock_guard lock(ups_.mutex_);
    lost = !ups_.calm && ups_.Roll("validate", request.address().lines(0)) < 5;
    response.set_call_id("call-1");
    if (request.address().name() == "Nowhere") {
      response.set_verdict(Response::NO_CANDIDATES);
    } else {
      response.set_verdict(Response::VALID);
      auto& candidate = *response.add_candidates();
      *candidate.mutable_address() = request.address();
      candidate.mutable_address()->set_postal_code(request.address().postal_code().substr(0, 5) +
                                                   "-4321");
      candidate.set_classification(Response::COMMERCIAL);
    }
  }
  if (lost) return done(kLost);
  done(response);
}

void WalkUps::Door::CreateShipment(const ups::v1::CreateShipmentRequest& request,
                                   const std::string&, Done<UpsCall> done) {
  const std::string& id = request.request_id();
  ups_.Interrupt(id);
  Answer answer = kLost;
  {
    std::lock_guard lock(ups_.mutex_);
    const int roll = ups_.calm ? 0 : ups_.Roll("way", id);
    if (roll < 60) {
      answer = ups_.Arrive(request);
    } else if (roll < 68) {
      (void)ups_.Arrive(request);  // and the answer is lost
      ++ups_.seen["answer lost"];
    } else if (roll < 75) {
      ++ups_.seen["request lost"];
    } else if (roll < 86) {
      ++ups_.seen["answer late"];
      ups_.pending_.push_back({.door = open_,
                               .request_id = id,
                               .answer = ups_.Arrive(request),
                               .done = std::move(done)});
      return;
    } else if (roll < 97) {
      ++ups_.seen["request late"];
      ups_.pending_.push_back({.door = open_,
                               .request_id = id,
                               .arrive = [&ups = ups_, request] { return ups.Arrive(request); },
                               .done = std::move(done)});
      return;
    } else if (ups_.calls_.count(id) == 0) {
      ++ups_.seen["request refused"];
      answer = absl::InvalidArgumentError("shipment.ship_to.name: …");
    }
  }
  ups_.Interrupt(id);
  done(answer);
}

void WalkUps::Door::GetCall(const std::string& request_id, const std::string&, Done<UpsCall> done) {
  Answer answer = absl::NotFoundError("never came");
  {
    std::lock_guard lock(ups_.mutex_);
    const auto found = ups_.calls_.find(request_id);
    if (found != ups_.calls_.end()) answer = found->second;
    if (!ups_.calm && ups_.Roll("get", request_id) < 10) answer = kLost;
  }
  done(answer);
}

void WalkUps::Door::CloseCall(const ups::v1::CloseCallRequest& request, const std::string&,
                              Done<UpsCall> done) {
  const std::string& id = request.request_id();
  Answer answer = kLost;
  {
    std::lock_guard lock(ups_.mutex_);
    const int roll = ups_.calm ? 0 : ups_.Roll("close", id);
    if (roll < 90) {
      UpsCall& call = ups_.calls_[id];
      const bool given_up = call.needs_person() && !request.confirmed_by().empty();
      if (call.state() == UpsCall::STATE_UNSPECIFIED || given_up) {
        call.set_request_id(id);
        call.set_state(UpsCall::NOT_MADE);
        call.set_needs_person(false);
        if (TrueLabel* label = ups_.Find(id); label != nullptr && label->live()) {
          label->twin = true;
          ++ups_.seen["twin"];
        }
      }
      if (roll < 80) answer = call;
    }
  }
  done(answer);
}

void WalkUps::Door::VoidShipment(const ups::v1::VoidShipmentRequest& request, const std::string&,
                                 Done<ups::v1::VoidShipmentResponse> done) {
  const std::string& id = request.request_id();
  ups_.Interrupt(id);
  absl::StatusOr<ups::v1::VoidShipmentResponse> answer = kLost;
  {
    std::lock_guard lock(ups_.mutex_);
    const int roll = ups_.calm ? 0 : ups_.Roll("void", id);
    if (!ups_.calm && ups_.dice_.Percent("window" + id) < 8) {
      answer = absl::FailedPreconditionError("UPS says the time to void is over.");
    } else if (roll < 80) {
      answer = ups_.Void(request);
    } else if (roll < 90) {
      (void)ups_.Void(request);
      ++ups_.seen["void's answer lost"];
    }
    if (absl::IsFailedPrecondition(answer.status())) ++ups_.seen["void refused"];
    if (answer.ok()) ++ups_.seen["voided"];
  }
  ups_.Interrupt(id);
  done(answer);
}

absl::Status WalkUps::Door::AcknowledgeCalls(const std::vector<std::string>& request_ids) {
  std::lock_guard lock(ups_.mutex_);
  if (!ups_.calm && ups_.Roll("acknowledge", request_ids.front()) < 8) return kLost;
  return absl::OkStatus();
}

}  // namespace psups::shipment_builder::testing
