#include "services/shipment-builder/address_book.h"

#include "common/crypto.h"
#include "common/log.h"
#include "common/status_macros.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

constexpr std::size_t kMostKept = 20'000;
constexpr std::size_t kMostAtOnce = 500;

}  // namespace

AddressBook::AddressBook(ShipmentStore& store, UpsPort& ups, const Clock& clock, Derive derive,
                         absl::Duration lifetime)
    : store_(store),
      ups_(ups),
      clock_(clock),
      derive_(std::move(derive)),
      lifetime_(lifetime),
      keep_(kMostAtOnce, [this](std::vector<Verdict> verdicts) {
        // Only a cache: what is not kept is asked again.
        const absl::Status status = store_.KeepVerdicts(verdicts, lifetime_);
        if (!status.ok()) LogWarning("verdicts_not_kept", {{"status", status}});
      }) {}

AddressBook::Key AddressBook::KeyOf(const Question& question) const {
  return {question.account,
          derive_("address-key",
                  JoinUnambiguously({question.account, NormalAddress(question.address)}))};
}

absl::Status AddressBook::Preload(const std::vector<Question>& questions) {
  std::vector<Key> missing;
  {
    std::lock_guard lock(mutex_);
    for (const Question& question : questions) {
      Key key = KeyOf(question);
      const auto found = known_.find(key);
      if (found != known_.end() && found->second.until > clock_.Now()) continue;
      if (waiting_.count(key) == 0) missing.push_back(std::move(key));
    }
  }
  if (missing.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<Verdict> verdicts, store_.FindVerdicts(missing));
  for (const Verdict& verdict : verdicts) {
    Remember({verdict.account, verdict.address_key}, verdict.answer);
  }
  return absl::OkStatus();
}

void AddressBook::Remember(const Key& key, const Answer& answer) {
  std::lock_guard lock(mutex_);
  if (known_.size() >= kMostKept) known_.clear();
  // Shorter than the row's life, which others may have begun earlier.
  known_[key] = {answer, clock_.Now() + lifetime_ / 4};
}

void AddressBook::Ask(const Question& question, Done done) {
  const Key key = KeyOf(question);
  {
    std::unique_lock lock(mutex_);
    const auto found = known_.find(key);
    if (found != known_.end() && found->second.until > clock_.Now()) {
      const Answer answer = found->second.answer;
      lock.unlock();
      return done(answer);
    }
    std::vector<Done>& waiting = waiting_[key];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;  // asked already
  }
  ups::v1::ValidateAddressRequest request;
  request.set_account(question.account);
  *request.mutable_address() = question.address;
  ups_.ValidateAddress(request, question.trace_id,
                       [this, key](absl::StatusOr<Answer> result) { Answered(key, result); });
}

void AddressBook::Answered(const Key& key, const absl::StatusOr<Answer>& answer) {
  if (answer.ok() && answer->verdict() == Answer::VALID) {
    Remember(key, *answer);
    keep_.Add({.account = key.first, .address_key = key.second, .answer = *answer});
  }
  std::vector<Done> waiting;
  {
    std::lock_guard lock(mutex_);
    const auto found = waiting_.find(key);
    if (found != waiting_.end()) {
      waiting.swap(found->second);
      waiting_.erase(found);
    }
  }
  for (const Done& done : waiting) done(answer);
}

}  // namespace psups::shipment_builder
