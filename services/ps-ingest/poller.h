#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/worker.h"
#include "services/ps-ingest/calls.h"
#include "services/ps-ingest/master_data.h"
#include "services/ps-ingest/passwords.h"
#include "services/ps-ingest/ports.h"
#include "services/ps-ingest/settle.h"

namespace psups::ps_ingest {

// Runs a task on a thread that may block.
using Post = std::function<void(std::function<void()>)>;

// Reads PeopleSoft: window by window of every connection and document type that is due, one read in
// flight for each user (OPRID). Safe to kill anywhere: rows, cursor and record stand or fall
// together.
class Poller {
 public:
  // `orders_came` is notified when there is something to hand out.
  Poller(
      PollStore& store, PeopleSoft& people_soft, Passwords& passwords, MasterData& master_data,
      OpenCalls& calls, Post post, Deriver derive, PollRules rules, Wakeup& wakeup,
      std::function<void()> orders_came = [] {});

  // Starts the reads that are due and prolongs the leases of those in flight.
  absl::StatusOr<int> Step();
  // Waits until no read is in flight. For tests.
  void Drain();

 private:
  struct Read;
  using Next = void (Poller::*)(const std::shared_ptr<Read>&, const PeopleSoft::Reply&);

  void Start(PollLease poll);
  void StoreUnsent(const std::shared_ptr<Read>& read, absl::Duration wait, std::string error);
  // Sends a call of the read; its reply goes to `next`, on a thread that may block.
  void Call(const std::shared_ptr<Read>& read, const std::string& query,
            const absl::StatusOr<std::string>& url, Next next);
  void OnRows(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply);
  void OnProbe(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply);
  void OnCount(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply);
  void OnMasterRows(const std::shared_ptr<Read>& read, const PeopleSoft::Reply& reply);
  void LookUp(const std::shared_ptr<Read>& read);
  void Finish(const std::shared_ptr<Read>& read);
  void LeaveUnrecorded(const Read& read, const std::string& outcome);
  absl::Status Store(Read& read, ReadOutcome outcome);
  void Forget(const Read& read);

  PollStore& store_;
  PeopleSoft& people_soft_;
  Passwords& passwords_;
  MasterData& master_data_;
  OpenCalls& calls_;
  const Post post_;
  const Deriver derive_;
  const PollRules rules_;
  Wakeup& wakeup_;
  const std::function<void()> orders_came_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, PollLease> in_flight_;  // by read id
  absl::Time renewed_ = absl::InfinitePast();
};

}  // namespace psups::ps_ingest
