#include "tests/sandbox/ups/parcels.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/sandbox/ups/tracking_number.h"

namespace psups::ups_sandbox {
namespace {

constexpr int kSubscriptionDays = 14;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// The class a subscriber names to get events of `type`.
bool Wanted(const std::set<std::string>& preferences, const std::string& type) {
  if (preferences.empty()) return true;
  if (type == "MV") return preferences.count("M") != 0;
  if (type == "U") return preferences.count("D") != 0 || preferences.count("X") != 0;
  return preferences.count(type) != 0;
}

Json EventJson(const Event& event, int pushed) {
  return {{"tracking_number", event.tracking_number},
          {"type", event.type},
          {"code", event.code},
          {"status_code", event.status_code},
          {"description", event.description},
          {"date", event.stamp.date},
          {"time", event.stamp.time},
          {"gmt_date", event.stamp.gmt_date},
          {"gmt_time", event.stamp.gmt_time},
          {"gmt_offset", event.stamp.gmt_offset},
          {"city", event.place.city},
          {"state", event.place.state},
          {"postal", event.place.postal},
          {"country", event.place.country},
          {"created", FormatUtc(event.created)},
          {"pushed", pushed}};
}

void AppendItem(std::string& list, const std::string& item) {
  if (list.back() != '[') list += ',';
  list += item;
}

}  // namespace

// Serials begin anywhere, so that a sandbox started anew does not repeat the last one's numbers.
Parcels::Parcels(Now now)
    : now_(std::move(now)), next_serial_(static_cast<int>(std::random_device{}() % 10'000'000)) {}

ShipmentView Parcels::Create(NewShipment request) {
  const std::lock_guard lock(mutex_);
  Shipment& shipment = shipments_.emplace_back();
  shipment.account = request.account;
  shipment.service = std::move(request.service);
  shipment.created = now_();
  shipment.request = std::move(request.request);
  shipment.from = std::move(request.from);
  shipment.to = std::move(request.to);
  shipment.references = std::move(request.shipment_references);
  shipment.charges_cents = request.charges_cents;
  shipment.call_id = std::move(request.call_id);

  std::set<std::string> references(shipment.references.begin(), shipment.references.end());
  for (std::size_t i = 0; i < request.package_weights.size(); ++i) {
    Package& package = packages_.emplace_back();
    next_serial_ = (next_serial_ + 1) % 10'000'000;
    package.tracking_number = MakeTrackingNumber(shipment.account, shipment.service, next_serial_);
    package.weight = std::move(request.package_weights[i]);
    package.references = std::move(request.package_references[i]);
    package.shipment = &shipment;
    references.insert(package.references.begin(), package.references.end());
    by_number_[package.tracking_number] = &package;
    shipment.packages.push_back(&package);
    StoreLocked(package, ScanOf(*FindScanCode(kLabelCreated), package.tracking_number));
  }
  shipment.shipment_id = shipment.packages.front()->tracking_number;
  by_id_[shipment.shipment_id] = &shipment;
  for (const std::string& reference : references) {
    by_reference_[absl::StrCat(shipment.account, "/", reference)].push_back(&shipment);
    by_reference_[absl::StrCat("/", reference)].push_back(&shipment);
  }
  return ViewLocked(shipment);
}

std::optional<ShipmentView> Parcels::FindShipment(const std::string& shipment_id) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_id_.find(shipment_id);
  if (found == by_id_.end()) return std::nullopt;
  return ViewLocked(*found->second);
}

std::optional<ShipmentView> Parcels::FindByPackage(const std::string& tracking_number,
                                                   absl::Time until) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(tracking_number);
  if (found == by_number_.end() || found->second->shipment == nullptr) return std::nullopt;
  if (found->second->shipment->created > until) return std::nullopt;
  return ViewLocked(*found->second->shipment);
}

std::vector<ShipmentView> Parcels::FindByReference(const std::string& account,
                                                   const std::string& reference,
                                                   absl::Time until) const {
  std::vector<ShipmentView> views;
  const std::lock_guard lock(mutex_);
  const auto found = by_reference_.find(absl::StrCat(account, "/", reference));
  if (found == by_reference_.end()) return views;
  for (const Shipment* shipment : found->second) {
    if (shipment->created <= until) views.push_back(ViewLocked(*shipment));
  }
  return views;
}

std::optional<std::vector<Event>> Parcels::LooseEvents(const std::string& tracking_number) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(tracking_number);
  if (found == by_number_.end() || found->second->shipment != nullptr) return std::nullopt;
  std::vector<Event> events;
  for (const std::size_t index : found->second->events) events.push_back(events_[index].event);
  return events;
}

int Parcels::Void(const std::string& shipment_id, const std::set<std::string>& tracking_numbers) {
  int voided = 0;
  std::vector<std::pair<Event, PushId>> to_push;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(shipment_id);
    if (found == by_id_.end()) return 0;
    for (Package* package : found->second->packages) {
      if (package->voided || tracking_numbers.count(package->tracking_number) == 0) continue;
      package->voided = true;
      ++voided;
      const auto [index, push] =
          StoreLocked(*package, ScanOf(*FindScanCode(kLabelVoided), package->tracking_number));
      if (push) to_push.emplace_back(events_[index].event, first_event_ + index);
    }
  }
  PushAll(to_push);
  return voided;
}

Parcels::Scan Parcels::ScanOf(const ScanCode& code, std::string tracking_number) {
  return {.tracking_number = std::move(tracking_number),
          .type = code.type,
          .code = code.code,
          .status_code = code.status_code,
          .description = code.description,
          .default_place = code.place};
}

absl::StatusOr<Event> Parcels::AddScan(Scan scan) {
  std::vector<std::pair<Event, PushId>> to_push;
  Event event;
  {
    const std::lock_guard lock(mutex_);
    const auto found = by_number_.find(scan.tracking_number);
    if (found == by_number_.end())
      return absl::NotFoundError(absl::StrCat("no such package: ", scan.tracking_number));
    const auto [index, push] = StoreLocked(*found->second, scan);
    event = events_[index].event;
    if (push) to_push.emplace_back(event, first_event_ + index);
  }
  PushAll(to_push);
  return event;
}

bool Parcels::IsKnown(const std::string& tracking_number) const {
  const std::lock_guard lock(mutex_);
  return by_number_.count(tracking_number) != 0;
}

bool Parcels::IsVoided(const std::string& tracking_number) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_number_.find(tracking_number);
  return found == by_number_.end() || found->second->voided;
}

void Parcels::AddLoose(const std::string& tracking_number) {
  const std::lock_guard lock(mutex_);
  if (by_number_.count(tracking_number) != 0) return;
  Package& package = packages_.emplace_back();
  package.tracking_number = tracking_number;
  by_number_[tracking_number] = &package;
}

void Parcels::Subscribe(const std::vector<std::string>& tracking_numbers,
                        const std::set<std::string>& types) {
  const std::lock_guard lock(mutex_);
  const absl::Time expires = now_() + absl::Hours(24) * kSubscriptionDays;
  for (const std::string& number : tracking_numbers) subscriptions_[number] = {expires, types};
}

void Parcels::RecordPush(PushId event, int status) {
  const std::lock_guard lock(mutex_);
  if (event < first_event_) return;  // cleared meanwhile
  StoredEvent& stored = events_[event - first_event_];
  ++stored.pushed;
  pushes_.push_back({now_(), stored.event.tracking_number, status});
}

void Parcels::RecordLostPush(PushId event) {
  const std::lock_guard lock(mutex_);
  if (event < first_event_) return;
  pushes_.push_back({now_(), events_[event - first_event_].event.tracking_number, 0});
}

std::string Parcels::TruthMembers() const {
  const std::lock_guard lock(mutex_);
  std::string all = "\"shipments\":[";
  for (const Shipment& shipment : shipments_) {
    Json packages = Json::array();
    bool voided = true;
    for (std::size_t i = 0; i < shipment.packages.size(); ++i) {
      const Package& package = *shipment.packages[i];
      voided = voided && package.voided;
      packages.push_back({{"tracking_number", package.tracking_number},
                          {"voided", package.voided},
                          {"request_index", i}});
    }
    const Json rest = {{"created", FormatUtc(shipment.created)},
                       {"account", shipment.account},
                       {"packages", std::move(packages)},
                       {"voided", voided},
                       {"charges", CentsText(shipment.charges_cents)},
                       {"call_id", shipment.call_id}};
    AppendItem(all, absl::StrCat("{\"shipment_id\":\"", shipment.shipment_id,
                                 "\",\"request\":", shipment.request, ",", Dump(rest).substr(1)));
  }
  all += "],\"events\":[";
  for (const StoredEvent& stored : events_)
    AppendItem(all, Dump(EventJson(stored.event, stored.pushed)));
  all += "],\"subscriptions\":[";
  for (const auto& [number, subscription] : subscriptions_) {
    AppendItem(
        all, Dump(Json{{"tracking_number", number}, {"expires", FormatUtc(subscription.expires)}}));
  }
  all += "],\"webhooks\":[";
  for (const PushRecord& push : pushes_) {
    AppendItem(all, Dump(Json{{"time", FormatUtc(push.time)},
                              {"tracking_number", push.tracking_number},
                              {"status", push.status}}));
  }
  all += ']';
  return all;
}

void Parcels::Clear() {
  const std::lock_guard lock(mutex_);
  first_event_ += events_.size();
  by_id_.clear();
  by_number_.clear();
  by_reference_.clear();
  subscriptions_.clear();
  pushes_.clear();
  events_.clear();
  packages_.clear();
  shipments_.clear();
}

ShipmentView Parcels::ViewLocked(const Shipment& shipment) const {
  ShipmentView view{.shipment_id = shipment.shipment_id,
                    .account = shipment.account,
                    .service = shipment.service,
                    .created = shipment.created,
                    .from = shipment.from,
                    .to = shipment.to,
                    .voided = true,
                    .picked_up = shipment.picked_up,
                    .shipment_references = shipment.references};
  for (const Package* package : shipment.packages) {
    view.voided = view.voided && package->voided;
    PackageView& copy = view.packages.emplace_back();
    copy.tracking_number = package->tracking_number;
    copy.weight = package->weight;
    copy.voided = package->voided;
    copy.references = package->references;
    for (const std::size_t index : package->events) copy.events.push_back(events_[index].event);
  }
  return view;
}

std::pair<std::size_t, bool> Parcels::StoreLocked(Package& package, const Scan& scan) {
  Event event{.tracking_number = package.tracking_number,
              .type = scan.type,
              .code = scan.code,
              .status_code = scan.status_code,
              .description = scan.description};
  event.created = now_();
  event.moment = scan.at.value_or(event.created);
  Place origin =
      package.shipment == nullptr ? Place{"Atlanta", "GA", "30328", "US"} : package.shipment->from;
  const Place destination = package.shipment == nullptr ? origin : package.shipment->to;
  if (scan.place) {
    event.place = *scan.place;
    if (event.place.country.empty()) event.place.country = "US";
  } else {
    switch (scan.default_place) {
      case ScanPlace::kNowhere:  // only the country is known
        event.place.country = origin.country;
        break;
      case ScanPlace::kOrigin:
        event.place = origin;
        break;
      case ScanPlace::kDestination:
        event.place = destination;
        break;
    }
  }
  event.stamp = StampAt(event.moment, event.place.state.empty() ? origin.state : event.place.state);
  if (package.shipment != nullptr && event.type != "M" && event.type != "MV")
    package.shipment->picked_up = true;

  bool push = false;
  if (const auto found = subscriptions_.find(package.tracking_number);
      found != subscriptions_.end()) {
    push = found->second.expires > event.created && Wanted(found->second.types, event.type);
  }
  package.events.push_back(events_.size());
  events_.push_back({std::move(event), 0});
  return {events_.size() - 1, push};
}

void Parcels::PushAll(const std::vector<std::pair<Event, PushId>>& events) const {
  if (!push_) return;
  for (const auto& [event, id] : events) push_(event, id);
}

}  // namespace psups::ups_sandbox
