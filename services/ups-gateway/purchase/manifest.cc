#include "services/ups-gateway/purchase/manifest.h"

#include <algorithm>
#include <future>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/log.h"
#include "common/status_macros.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

// The clocks of UPS and ours differ, and so does what either takes for a label's time: both are
// asked for a little more than is compared.
constexpr absl::Duration kOverlap = absl::Hours(1);
constexpr std::size_t kReferenceCharacters = 26;

// As shipment-builder derives them.
bool MayBeOurs(const std::string& reference) {
  return reference.size() == kReferenceCharacters &&
         std::all_of(reference.begin(), reference.end(),
                     [](char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)); });
}

class ManifestNotYet : public ManifestSource {
 public:
  absl::Status Ready(const Account&) override {
    return absl::UnavailableError(
        "UPS's Manifest records cannot be read: Quantum View is not set up. It comes with "
        "tracking; until then look the shipments up at ups.com.");
  }
  void Fetch(AccountPtr account, absl::Time, Done done) override { done(Ready(*account)); }
};

}  // namespace

pb::ReconcileAccountResponse CompareLabels(const std::vector<OwnLabel>& own,
                                           const std::vector<ManifestLabel>& at_ups,
                                           absl::Time since) {
  std::set<std::string> live_at_ups;
  for (const ManifestLabel& label : at_ups) {
    if (!label.voided) live_at_ups.insert(label.tracking_number);
  }
  std::set<std::string> live_here;
  pb::ReconcileAccountResponse response;
  for (const OwnLabel& label : own) {
    if (!label.live) continue;
    live_here.insert(label.tracking_number);
    if (label.create_time < since) continue;
    if (live_at_ups.contains(label.tracking_number)) {
      response.set_matched(response.matched() + 1);
    } else {
      response.add_only_here(label.tracking_number);
    }
  }
  for (const ManifestLabel& label : at_ups) {
    if (label.voided || label.create_time < since || !MayBeOurs(label.reference)) continue;
    if (!live_here.contains(label.tracking_number)) response.add_only_at_ups(label.tracking_number);
  }
  return response;
}

std::unique_ptr<ManifestSource> MakeManifestNotYet() { return std::make_unique<ManifestNotYet>(); }

void Reconciler::Compare(const AccountPtr& account, absl::Time since, Done done) {
  const absl::Time now = clock_.Now();
  if (since > now || since < now - kManifestReach) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("since: ", absl::FormatTime(absl::RFC3339_sec, since, absl::UTCTimeZone()),
                     ", want a time in the last seven days")));
  }
  if (absl::Status ready = source_.Ready(*account); !ready.ok()) return done(ready);
  source_.Fetch(account, since - kOverlap,
                [this, account, since,
                 done = std::move(done)](const absl::StatusOr<std::vector<ManifestLabel>>& at_ups) {
                  if (!at_ups.ok()) return done(at_ups.status());
                  // After UPS's: what was bought meanwhile is not taken for unknown here.
                  const absl::StatusOr<std::vector<OwnLabel>> own =
                      calls_.LabelsSince(account->id, since - kOverlap);
                  if (!own.ok()) return done(own.status());
                  done(CompareLabels(*own, *at_ups, since));
                });
}

absl::StatusOr<int> Reconciler::Step() {
  constexpr int kPage = 100;
  std::string after;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<AccountPtr> page, accounts_.List(after, kPage));
    for (const AccountPtr& account : page) {
      if (!account->search_since || !source_.Ready(*account).ok()) continue;
      ASSIGN_OR_RETURN(const SearchOrder loss, epochs_.LastLoss());
      if (loss.since_notice < settle_) continue;
      auto compared =
          std::make_shared<std::promise<absl::StatusOr<pb::ReconcileAccountResponse>>>();
      Compare(account, *account->search_since,
              [compared](absl::StatusOr<pb::ReconcileAccountResponse> response) {
                compared->set_value(std::move(response));
              });
      const absl::StatusOr<pb::ReconcileAccountResponse> found = compared->get_future().get();
      if (!found.ok() || found->only_at_ups_size() > 0) {
        LogWarning("search_first_goes_on",
                   {{"account", account->settings.name()},
                    {"status", found.status()},
                    {"only_at_ups", found.ok() ? found->only_at_ups_size() : 0}});
        continue;
      }
      RETURN_IF_ERROR(epochs_.EndSearch(account->id, loss.epoch,
                                        {.action = "account.search_first_end",
                                         .subject = account->settings.name(),
                                         .detail = {{"epoch", loss.epoch},
                                                    {"matched", found->matched()},
                                                    {"only_here", found->only_here_size()}}}));
    }
    if (static_cast<int>(page.size()) < kPage) return 0;
    after = page.back()->id;
  }
}

}  // namespace psups::ups_gateway
