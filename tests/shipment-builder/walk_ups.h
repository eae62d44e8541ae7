#pragma once

#include <functional>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/shipment-builder/ports.h"
#include "tests/shipment-builder/fake_peers.h"

namespace psups::shipment_builder::testing {

// The same number for the same words, whoever asks first.
class Dice {
 public:
  explicit Dice(uint64_t seed) : seed_(seed) {}
  int Percent(std::string_view what, int64_t nth = 0) const {
    uint64_t hash = seed_ ^ 0xcbf29ce484222325ULL;
    for (const char c : what) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    hash = (hash ^ static_cast<uint64_t>(nth)) * 0x9e3779b97f4a7c15ULL;
    hash ^= hash >> 32;
    hash *= 0xd6e8feb86659fd93ULL;
    return static_cast<int>((hash ^ (hash >> 29)) % 100);
  }

 private:
  const uint64_t seed_;
};

// UPS with ups-gateway before it, as its contract says, and what really is at UPS. Answers get
// lost, come late, or say that nobody knows; requests arrive late. By the dice of the request, so
// that a seed walks the same way again.
class WalkUps {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct Parcel {
    std::string number;
    int64_t made = 0;
    int64_t voided = kNever;
    bool scanned = false;
  };
  struct TrueLabel {
    std::string request_id;
    ups::v1::ShipmentSpec spec;
    std::vector<Parcel> parcels;
    bool twin = false;  // a person said that it is not there; the gateway voids it

    bool live() const {
      return std::any_of(parcels.begin(), parcels.end(),
                         [](const Parcel& one) { return one.voided == kNever; });
    }
    bool scanned() const {
      return std::any_of(parcels.begin(), parcels.end(),
                         [](const Parcel& one) { return one.scanned; });
    }
    std::string shipment_id() const {
      const std::size_t begin = request_id.find('/') + 1;
      return request_id.substr(begin, request_id.find('/', begin) - begin);
    }
  };

  explicit WalkUps(uint64_t seed) : dice_(seed) {}

  // A replica's way to it; what is under way when it is destroyed arrives, but nobody hears of it.
  class Door;

  // What comes late comes now, each with a chance.
  void LetArrive(int percent);
  // UPS is asked about what is in doubt; the gateway voids twins.
  void LetTimePass(int percent);
  // A person looks for the label of a purchase at UPS and voids it there if it is found; the
  // numbers of what was found.
  std::vector<std::string> VoidByHand(const std::string& request_id);
  // UPS gets or sees a parcel.
  void Scan(const std::string& number);

  std::vector<TrueLabel> Labels() {
    std::lock_guard lock(mutex_);
    return {labels_.begin(), labels_.end()};
  }
  // How many answers to this door are under way.
  std::size_t UnderWay(const Door& door);

  bool calm = false;                // nothing goes wrong any more
  std::function<void()> on_call;    // while a call is at UPS
  std::map<std::string, int> seen;  // what happened how often

 private:
  using Done = UpsPort::Done<ups::v1::Call>;
  using Answer = absl::StatusOr<ups::v1::Call>;
  struct Pending {
    std::shared_ptr<bool> door;  // false: nobody listens any more
    std::string request_id;
    std::function<Answer()> arrive = {};  // null: it arrived
    Answer answer = absl::UnknownError("");
    Done done;
  };

  int Roll(const std::string& what, const std::string& id) {
    return dice_.Percent(absl::StrCat(what, id), ++rolls_[what + id]);
  }
  void Interrupt(const std::string& id) {
    if (!calm && on_call && Roll("interrupt", id) < 8) on_call();
  }
  Answer Arrive(const ups::v1::CreateShipmentRequest& request);
  void Make(const ups::v1::CreateShipmentRequest& request, ups::v1::Call& call);
  TrueLabel* Find(const std::string& request_id);
  absl::StatusOr<ups::v1::VoidShipmentResponse> Void(const ups::v1::VoidShipmentRequest& request);
  void End(TrueLabel& label) {
    for (Parcel& parcel : label.parcels) parcel.voided = std::min(parcel.voided, ++moment_);
  }

  std::mutex mutex_;
  const Dice dice_;
  std::map<std::string, int64_t> rolls_;
  int64_t moment_ = 0;
  std::map<std::string, ups::v1::Call> calls_;
  std::map<std::string, ups::v1::CreateShipmentRequest> requests_;
  std::list<TrueLabel> labels_;
  std::list<Pending> pending_;
};

class WalkUps::Door : public FakeUps {
 public:
  explicit Door(WalkUps& ups) : ups_(ups) {}
  ~Door() override { *open_ = false; }

  void ValidateAddress(const ups::v1::ValidateAddressRequest& request, const std::string&,
                       Done<ups::v1::ValidateAddressResponse> done) override;
  void CreateShipment(const ups::v1::CreateShipmentRequest& request, const std::string&,
                      Done<ups::v1::Call> done) override;
  void GetCall(const std::string& request_id, const std::string&,
               Done<ups::v1::Call> done) override;
  void CloseCall(const ups::v1::CloseCallRequest& request, const std::string&,
                 Done<ups::v1::Call> done) override;
  void VoidShipment(const ups::v1::VoidShipmentRequest& request, const std::string&,
                    Done<ups::v1::VoidShipmentResponse> done) override;
  absl::Status AcknowledgeCalls(const std::vector<std::string>& request_ids) override;

 private:
  friend class WalkUps;
  WalkUps& ups_;
  std::shared_ptr<bool> open_ = std::make_shared<bool>(true);
};

}  // namespace psups::shipment_builder::testing
