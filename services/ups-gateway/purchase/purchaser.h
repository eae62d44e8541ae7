#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/batcher.h"
#include "common/clock.h"
#include "common/worker.h"
#include "services/ups-gateway/calls/asker.h"
#include "services/ups-gateway/calls/group_commit.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/purchase/search_first.h"
#include "services/ups-gateway/token/treasury.h"
#include "services/ups-gateway/wire/drift.h"

namespace psups::ups_gateway {

// Buys, at most once per request_id: the intent is committed, then one POST is made, then its
// outcome is committed; hundreds at once, and two commits for many. Once the POST is on its way
// nothing but its end stops it, not even the caller's going away.
class Purchaser {
 public:
  struct Options {
    absl::Duration fence = kSendFence;  // how old the intent may be when the body is written
    absl::Duration first_wait = absl::Seconds(30);  // from a lost answer to the first asking
  };
  using Done = std::function<void(absl::StatusOr<ups::v1::Call>)>;

  // `doubts` is notified when there is something to resolve.
  Purchaser(CallStore& store, UpsLine line, SearchFirst& search, Wakeup& doubts, Options options);

  // Never blocks.
  void Create(AccountPtr account, ups::v1::CreateShipmentRequest request, std::string actor,
              std::string trace_id, Done done);

 private:
  struct Purchase;
  using PurchasePtr = std::shared_ptr<Purchase>;
  struct OutcomeItem {
    CallOutcome outcome;
    std::function<void(absl::StatusOr<OutcomeAnswer>)> done;
  };

  void AnswerStored(const PurchasePtr& purchase, const absl::Status& otherwise);
  void WithPass(const PurchasePtr& purchase);
  void WithToken(const PurchasePtr& purchase);
  void StoreIntents(std::vector<PurchasePtr> purchases);
  void LookFirst(const PurchasePtr& purchase, const SearchOrder& order);
  void Send(const PurchasePtr& purchase);
  void OnOutcome(const PurchasePtr& purchase, HttpOutcome outcome);
  void StoreOutcome(const PurchasePtr& purchase, CallOutcome outcome);

  CallStore& store_;
  const UpsLine line_;
  SearchFirst& search_;
  Wakeup& doubts_;
  const Options options_;
  GroupCommit<OutcomeItem, OutcomeAnswer> outcomes_;
  Batcher<PurchasePtr> intents_;  // last: it feeds the others
};

}  // namespace psups::ups_gateway
