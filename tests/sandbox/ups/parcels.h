#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/sandbox/ups/local_time.h"
#include "tests/sandbox/ups/scan_codes.h"
#include "tests/sandbox/ups/wire.h"

namespace psups::ups_sandbox {

struct Place {
  std::string city = {};
  std::string state = {};
  std::string postal = {};
  std::string country = {};
};

// One scan, or one thing that UPS says like a scan.
struct Event {
  std::string tracking_number = {};
  std::string type = {};
  std::string code = {};
  std::string status_code = {};
  std::string description = {};
  Place place = {};
  absl::Time moment = {};   // when it happened
  LocalStamp stamp = {};    // the same, as UPS writes it
  absl::Time created = {};  // when the sandbox learned of it
};

// What a label request asks for, already found valid.
struct NewShipment {
  std::string account = {};
  std::string service = {};
  std::string request = {};  // ShipmentRequest as it came in, JSON
  Place from = {};
  Place to = {};
  std::vector<std::string> shipment_references = {};
  std::vector<std::vector<std::string>> package_references = {};  // one list a package
  std::vector<std::string> package_weights = {};
  long charges_cents = 0;
  std::string call_id = {};
};

struct PackageView {
  std::string tracking_number = {};
  std::string weight = {};
  bool voided = false;
  std::vector<std::string> references = {};
  std::vector<Event> events = {};  // oldest first
};

// A copy of one shipment as it stands.
struct ShipmentView {
  std::string shipment_id = {};
  std::string account = {};
  std::string service = {};
  absl::Time created = {};
  Place from = {};
  Place to = {};
  bool voided = false;
  bool picked_up = false;  // UPS has scanned a package
  std::vector<std::string> shipment_references = {};
  std::vector<PackageView> packages = {};
};

// The truth: every shipment made, every event, every Track Alert subscription and every push. One
// lock makes "an event is pushed, or was there before the subscription" exact.
class Parcels {
 public:
  using Now = std::function<absl::Time()>;
  using PushId = std::size_t;
  // Called, outside the lock, for each event of a subscribed number.
  using Push = std::function<void(const Event&, PushId)>;

  explicit Parcels(Now now);
  void OnPush(Push push) { push_ = std::move(push); }

  // Makes a shipment, whether or not the same was made before.
  ShipmentView Create(NewShipment shipment);

  std::optional<ShipmentView> FindShipment(const std::string& shipment_id) const;
  // Shipments made after `until` are not seen yet.
  std::optional<ShipmentView> FindByPackage(const std::string& tracking_number,
                                            absl::Time until = absl::InfiniteFuture()) const;
  // Every shipment of the account (empty: of any) with that reference at either level.
  std::vector<ShipmentView> FindByReference(const std::string& account,
                                            const std::string& reference,
                                            absl::Time until = absl::InfiniteFuture()) const;
  // The events of a number that no shipment here has, as the test environment's have.
  std::optional<std::vector<Event>> LooseEvents(const std::string& tracking_number) const;

  // Voids the packages of the shipment that are in `tracking_numbers` and not voided yet; returns
  // how many.
  int Void(const std::string& shipment_id, const std::set<std::string>& tracking_numbers);

  struct Scan {
    std::string tracking_number = {};
    std::string type = {};
    std::string code = {};
    std::string status_code = {};
    std::string description = {};
    ScanPlace default_place = ScanPlace::kNowhere;
    std::optional<Place> place = {};
    std::optional<absl::Time> at = {};  // default: now
  };
  static Scan ScanOf(const ScanCode& code, std::string tracking_number);

  // NOT_FOUND if the number is unknown. Voided packages can be scanned: it happens.
  absl::StatusOr<Event> AddScan(Scan scan);

  bool IsKnown(const std::string& tracking_number) const;
  bool IsVoided(const std::string& tracking_number) const;
  // Makes a number known that has no shipment.
  void AddLoose(const std::string& tracking_number);

  // For 14 days from now, events of `types` (empty: of all) are pushed.
  void Subscribe(const std::vector<std::string>& tracking_numbers,
                 const std::set<std::string>& types);

  // A push's end; `status` 0: no reply.
  void RecordPush(PushId event, int status);
  void RecordLostPush(PushId event);

  // {"shipments":[…],"events":[…],"subscriptions":[…],"webhooks":[…]} without the outer braces.
  std::string TruthMembers() const;

  void Clear();

 private:
  struct Shipment;
  struct Package {
    std::string tracking_number = {};
    std::string weight = {};
    std::vector<std::string> references = {};
    Shipment* shipment = nullptr;  // null: a loose number
    bool voided = false;
    std::vector<std::size_t> events = {};  // indexes into events_
  };
  struct Shipment {
    std::string shipment_id = {};
    std::string account = {};
    std::string service = {};
    absl::Time created = {};
    std::string request = {};
    Place from = {};
    Place to = {};
    std::vector<std::string> references = {};
    std::vector<Package*> packages = {};
    long charges_cents = 0;
    std::string call_id = {};
    bool picked_up = false;
  };
  struct StoredEvent {
    Event event = {};
    int pushed = 0;
  };
  struct Subscription {
    absl::Time expires = {};
    std::set<std::string> types = {};
  };
  struct PushRecord {
    absl::Time time = {};
    std::string tracking_number = {};
    int status = 0;
  };

  ShipmentView ViewLocked(const Shipment& shipment) const;
  // Stores the event and says whether it is to be pushed.
  std::pair<std::size_t, bool> StoreLocked(Package& package, const Scan& scan);
  void PushAll(const std::vector<std::pair<Event, PushId>>& events) const;

  const Now now_;
  Push push_;

  mutable std::mutex mutex_;
  int next_serial_;
  std::size_t first_event_ = 0;  // the PushId of events_[0]; moves on when all is cleared
  std::deque<Shipment> shipments_;
  std::deque<Package> packages_;
  std::deque<StoredEvent> events_;
  std::unordered_map<std::string, Shipment*> by_id_;
  std::unordered_map<std::string, Package*> by_number_;
  std::unordered_map<std::string, std::vector<Shipment*>> by_reference_;
  std::unordered_map<std::string, Subscription> subscriptions_;
  std::deque<PushRecord> pushes_;
};

}  // namespace psups::ups_sandbox
