#include "services/ups-gateway/purchase/doubt.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr absl::Duration kAfterWatch = absl::Hours(24);

bool NobodyKnows(const Doubt& doubt, const Evidence& evidence) {
  return evidence.label == Evidence::Label::kNotFound &&
         evidence.track == Evidence::Track::kNotFound &&
         (evidence.manifest == Evidence::Manifest::kNotAsked ||
          evidence.manifest == Evidence::Manifest::kNotFound) &&
         doubt.known_number.empty();
}

// Four times longer each round, and never past the end of a window, so that it is looked at then.
// What counts as not made is let go after the watch; what is in doubt never is.
absl::Duration NextWait(const Doubt& doubt, const DoubtSettings& settings) {
  absl::Duration wait = settings.first_wait;
  for (int i = 0; i < doubt.round_count && wait < settings.most_wait; ++i) wait *= 4;
  wait = std::min(wait, settings.most_wait);
  for (const absl::Duration end : {settings.rebuy_window, settings.window}) {
    if (end > doubt.age) wait = std::min(wait, end - doubt.age + absl::Milliseconds(50));
  }
  if (doubt.age + wait > settings.watch) {
    return doubt.not_made ? absl::InfiniteDuration() : kAfterWatch;
  }
  return wait;
}

Finding Watch(const Doubt& doubt, const Evidence& evidence, const DoubtSettings& settings) {
  Finding finding{.state = pb::Call::NOT_MADE, .next_wait = NextWait(doubt, settings)};
  if (evidence.label == Evidence::Label::kFound) finding.twin = evidence.result.ups_shipment_id();
  if (finding.twin.empty()) finding.twin = evidence.number;
  if (finding.twin.empty() && evidence.label == Evidence::Label::kSeveral) {
    finding.doubt =
        "UPS has several shipments under the reference of one that counts as not made. Look them "
        "up at ups.com and void them.";
  }
  return finding;
}

}  // namespace

bool WantsControl(const Doubt& doubt, const Evidence& evidence, const DoubtSettings& settings) {
  return !doubt.not_made && NobodyKnows(doubt, evidence) &&
         settings.rebuy_window > absl::ZeroDuration() && doubt.age >= settings.rebuy_window &&
         doubt.negative_count > 0;
}

Finding Settle(const Doubt& doubt, const Evidence& evidence, const DoubtSettings& settings) {
  if (doubt.not_made) return Watch(doubt, evidence, settings);

  Finding finding;
  finding.needs_person = doubt.needs_person;
  finding.known_number = evidence.number.empty() ? doubt.known_number : evidence.number;
  finding.next_wait = NextWait(doubt, settings);
  const bool window_over = doubt.age >= std::max(settings.window, settings.rebuy_window);

  switch (evidence.label) {
    case Evidence::Label::kFound:
      if (evidence.result.packages_size() == doubt.package_count) {
        finding.state = pb::Call::DONE;
        finding.result = evidence.result;
        finding.needs_person = false;
        finding.next_wait = absl::InfiniteDuration();
        return finding;
      }
      finding.needs_person = true;
      finding.doubt = absl::StrCat("UPS has ", evidence.result.packages_size(),
                                   " packages under our reference instead of ", doubt.package_count,
                                   ". Look the shipment up at ups.com, then void or keep it.");
      return finding;
    case Evidence::Label::kSeveral:
      finding.needs_person = true;
      finding.doubt =
          "UPS has several shipments under our reference. Look them up at ups.com, keep one and "
          "void the others.";
      return finding;
    case Evidence::Label::kVoided:
      finding.needs_person = true;
      finding.doubt =
          "UPS made the shipment, and it is voided there. Find out who voided it before shipping "
          "again.";
      return finding;
    case Evidence::Label::kUnknown:
    case Evidence::Label::kNotFound:
      break;
  }

  if (!finding.known_number.empty()) {
    finding.needs_person |= window_over;
    finding.doubt = absl::StrCat(
        "UPS made the shipment, ", finding.known_number, ", but does not give its label yet. ",
        window_over ? "Print it at ups.com from the shipping history, or void it there."
                    : "UPS is asked for it again.");
    return finding;
  }
  if (!NobodyKnows(doubt, evidence)) {
    // An outage is no reason to bother anybody, unless it does not end; a refusal to say is.
    finding.needs_person |= (window_over && evidence.refused) || doubt.age >= settings.watch;
    finding.doubt = absl::StrCat(
        "UPS does not say whether it made the shipment", evidence.obstacle.empty() ? "" : ": ",
        evidence.obstacle,
        finding.needs_person ? " Look for it at ups.com; if it is not there, retry the shipment."
                             : " It is asked again.");
    return finding;
  }

  finding.negative = true;
  if (WantsControl(doubt, evidence, settings) && evidence.control == Evidence::Control::kFound) {
    finding.state = pb::Call::NOT_MADE;
    finding.needs_person = false;
    return finding;
  }
  finding.needs_person |= window_over;
  if (finding.needs_person) {
    finding.doubt =
        "UPS does not know the shipment by label recovery nor by tracking. Look for it at ups.com; "
        "if it is not there, retry the shipment.";
  } else if (evidence.control == Evidence::Control::kNotFound) {
    finding.doubt =
        "UPS does not know the shipment, but does not find one that exists either. It is asked "
        "again.";
  } else if (WantsControl(doubt, evidence, settings)) {
    finding.doubt =
        "UPS does not know the shipment, and there is no other of like age to check its word by. "
        "It is asked again.";
  } else {
    finding.doubt = "UPS does not know the shipment yet. It is asked again.";
  }
  return finding;
}

}  // namespace psups::ups_gateway
