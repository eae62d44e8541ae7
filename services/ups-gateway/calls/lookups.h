#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/server.h"
#include "services/ups-gateway/account/account_book.h"
#include "services/ups-gateway/calls/asker.h"

namespace psups::ups_gateway {

template <typename Response>
using Reply = std::function<void(absl::StatusOr<Response>)>;

// Questions to UPS that change nothing there, some of which take several calls. All calls of one
// are recorded in one commit, before the caller is told.
class Lookups {
 public:
  Lookups(AccountBook& accounts, Asker& asker, CallRecorder& recorder, const Clock& clock)
      : accounts_(accounts), asker_(asker), recorder_(recorder), clock_(clock) {}

  void RecoverLabel(const ups::v1::RecoverLabelRequest& request, const Caller& caller,
                    Reply<ups::v1::RecoverLabelResponse> done);
  void FindShipment(const ups::v1::FindShipmentByReferenceRequest& request, const Caller& caller,
                    Reply<ups::v1::FindShipmentByReferenceResponse> done);
  void QuoteRates(const ups::v1::QuoteRatesRequest& request, const Caller& caller,
                  Reply<ups::v1::QuoteRatesResponse> done);
  void TrackPackage(const ups::v1::TrackPackageRequest& request, const Caller& caller,
                    Reply<ups::v1::TrackPackageResponse> done);
  void TrackByReference(const ups::v1::TrackByReferenceRequest& request, const Caller& caller,
                        Reply<ups::v1::TrackByReferenceResponse> done);

 private:
  // One question of a caller's, until it is recorded and told.
  template <typename Response>
  struct Question;
  template <typename Response>
  using QuestionPtr = std::shared_ptr<Question<Response>>;

  // Finds the account, then goes on with the question.
  template <typename Response>
  void Begin(const std::string& account, AuditEntry entry, Reply<Response> done,
             std::function<void(const QuestionPtr<Response>&)> ask);
  // One call of the question's: `read` with a reply; without one the question has failed.
  template <typename Response>
  void Ask(const QuestionPtr<Response>& question, WireRequest wire,
           std::function<void(const HttpResponse&)> read);
  // Records, then tells the response, or `status` if that is an error.
  template <typename Response>
  void End(const QuestionPtr<Response>& question, const absl::Status& status);

  void AskPage(const QuestionPtr<ups::v1::TrackPackageResponse>& question,
               const std::string& number, int pages);

  AccountBook& accounts_;
  Asker& asker_;
  CallRecorder& recorder_;
  const Clock& clock_;
};

}  // namespace psups::ups_gateway
