#include "services/ups-gateway/calls/service.h"

#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/flow/address_key.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/field_check.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/ups_answers.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kMostPageSize = 1000;
constexpr int kDefaultPageSize = 100;
constexpr int kMostSubscribed = 100;
constexpr int kMostAcknowledged = 500;
constexpr int kMostVoided = 20;
// UPS may show a shipment later than a person looked.
constexpr absl::Duration kWatchAfterPerson = absl::Minutes(1);
constexpr absl::Duration kSubscriptionLife = absl::Hours(24 * 14);

absl::Status CheckVoidedPackages(const pb::VoidShipmentRequest& request) {
  if (request.tracking_numbers_size() > kMostVoided) {
    return Refuse("tracking_numbers", absl::StrCat(request.tracking_numbers_size()), "at most 20");
  }
  std::set<std::string> seen;
  for (int i = 0; i < request.tracking_numbers_size(); ++i) {
    const std::string field = absl::StrCat("tracking_numbers[", i, "]");
    RETURN_IF_ERROR(CheckLabelNumber(request.tracking_numbers(i), field));
    if (!seen.insert(request.tracking_numbers(i)).second) {
      return Refuse(field, Quoted(request.tracking_numbers(i)), "each package once");
    }
  }
  return absl::OkStatus();
}

// `done`, which holds `intended` until it has run.
template <typename Response>
Reply<Response> Holding(std::shared_ptr<void> intended, Reply<Response> done) {
  return [intended = std::move(intended), done = std::move(done)](absl::StatusOr<Response> result) {
    done(std::move(result));
  };
}

}  // namespace

// Asks UPS, stores what was asked and answered, then tells the caller. `complete` adds what else is
// to be stored with a success.
template <typename Response>
void UpsOperations::AskAndRecord(AccountPtr account, WireRequest wire, AuditEntry entry,
                                 std::function<absl::StatusOr<Response>(const HttpResponse&)> read,
                                 Reply<Response> done, std::string intended,
                                 std::function<void(Response&, CallRecord&)> complete) {
  CallOrigin origin{.caller = FlowCaller(entry.actor)};
  asker_.Ask(
      account, std::move(wire),
      [this, account, entry = std::move(entry), read = std::move(read), done = std::move(done),
       intended, complete = std::move(complete)](AskResult asked) mutable {
        absl::StatusOr<Response> result = absl::UnknownError("");
        if (asked.response.ok()) {
          result = read(*asked.response);
          if (!result.ok()) result = AsOutage(result.status());
        } else {
          result = asked.response.status();
        }
        if (asked.exchanges.empty()) {  // UPS was not reached
          return intended.empty()
                     ? done(std::move(result))
                     : RecordNotSent(account, std::move(entry), intended, result, done);
        }
        entry.event_id = asked.exchanges.front().call_id + ".outcome";
        entry.detail["calls"] = CallsDetail(asked.exchanges);
        if (!intended.empty()) entry.detail["call_id"] = asked.exchanges.back().call_id;
        entry.detail["account"] = "accounts/" + account->id;
        entry.detail["status"] = absl::StatusCodeToString(result.status().code());
        CallRecord record{.exchanges = std::move(asked.exchanges),
                          .entry = std::move(entry),
                          .account_id = account->id,
                          .account_error = AccountError(result.status())};
        if (complete && result.ok()) complete(*result, record);
        recorder_.Record(std::move(record),
                         [result = std::move(result), done = std::move(done),
                          unrecorded = std::move(asked.unrecorded)](const absl::Status& stored) {
                           if (!stored.ok()) return done(stored);
                           done(result);
                         });
      },
      intended, std::move(origin));
}

// Says that what was intended under `call_id` was not sent, then tells the caller `result`.
template <typename Response>
void UpsOperations::RecordNotSent(const AccountPtr& account, AuditEntry entry,
                                  const std::string& call_id, absl::StatusOr<Response> result,
                                  Reply<Response> done) {
  entry.event_id = call_id + ".outcome";
  entry.detail["call_id"] = call_id;
  entry.detail["state"] = "NOT_SENT";
  entry.detail["status"] = absl::StatusCodeToString(result.status().code());
  recorder_.Record({.entry = std::move(entry), .account_id = account->id},
                   [result = std::move(result), done = std::move(done)](
                       const absl::Status& stored) { done(stored.ok() ? result : stored); });
}

void UpsOperations::ValidateAddress(const pb::ValidateAddressRequest& request, const Caller& caller,
                                    Reply<pb::ValidateAddressResponse> done) {
  const std::string& country = request.address().country_code();
  if (country != "US" && country != "PR") {
    if (country.size() != 2) {
      return done(absl::InvalidArgumentError(
          absl::StrCat("address.country_code: ", country.size(), " characters, want two letters")));
    }
    pb::ValidateAddressResponse response;
    response.set_verdict(pb::ValidateAddressResponse::NOT_SUPPORTED);
    return done(std::move(response));
  }
  if (absl::Status status = CheckAddressToValidate(request.address()); !status.ok()) {
    return done(status);
  }
  accounts_.Find(request.account(), [this, address = request.address(), actor = caller.identity,
                                     trace_id = caller.trace_id, done = std::move(done)](
                                        absl::StatusOr<AccountPtr> account) mutable {
    if (!account.ok()) return done(account.status());
    AuditEntry entry{.action = "ups.xav",
                     .subject = "accounts/" + (*account)->id,
                     .actor = std::move(actor),
                     .trace_id = std::move(trace_id)};
    if (VerdictLife(**account) == absl::ZeroDuration()) {
      return AskVerdict(*account, address, std::move(entry), std::move(done));
    }
    post_([this, account = *account, address, entry = std::move(entry),
           done = std::move(done)]() mutable {
      absl::StatusOr<std::optional<pb::ValidateAddressResponse>> known =
          store_.FindVerdict(AddressKey(*account, address), VerdictLife(*account));
      if (!known.ok()) return done(known.status());
      if (known->has_value()) return done(**std::move(known));
      AskVerdict(account, address, std::move(entry), std::move(done));
    });
  });
}

void UpsOperations::AskVerdict(const AccountPtr& account, const type::v1::Address& address,
                               AuditEntry entry, Reply<pb::ValidateAddressResponse> done) {
  AskAndRecord<pb::ValidateAddressResponse>(
      account, AddressRequest(account->settings, address), std::move(entry), ReadAddress,
      std::move(done), /*intended=*/"",
      [this, account, address](pb::ValidateAddressResponse& answer, CallRecord& record) {
        answer.set_call_id(record.exchanges.back().call_id);
        answer.mutable_verdict_time()->set_seconds(absl::ToUnixSeconds(clock_.Now()));
        record.entry.detail["verdict"] =
            pb::ValidateAddressResponse::Verdict_Name(answer.verdict());
        record.entry.detail["candidates"] = answer.candidates_size();
        if (const absl::Duration life = VerdictLife(*account); life > absl::ZeroDuration()) {
          record.verdict = AddressVerdict{AddressKey(*account, address), answer, life};
        }
      });
}

void UpsOperations::CreateShipment(const pb::CreateShipmentRequest& request, const Caller& caller,
                                   Reply<pb::Call> done) {
  accounts_.Find(request.account(),
                 [this, request = request, actor = caller.identity, trace_id = caller.trace_id,
                  done = std::move(done)](absl::StatusOr<AccountPtr> account) mutable {
                   if (!account.ok()) return done(account.status());
                   purchaser_.Create(*std::move(account), std::move(request), std::move(actor),
                                     std::move(trace_id), std::move(done));
                 });
}

void UpsOperations::VoidShipment(const pb::VoidShipmentRequest& request, const Caller& caller,
                                 Reply<pb::VoidShipmentResponse> done) {
  if (absl::Status status = CheckRequestId(request.request_id(), "voids"); !status.ok()) {
    return done(status);
  }
  if (absl::Status status = CheckTrackingNumber(request.ups_shipment_id(), "ups_shipment_id");
      !status.ok()) {
    return done(status);
  }
  if (absl::Status status = CheckVoidedPackages(request); !status.ok()) return done(status);
  accounts_.Find(request.account(), [this, request, caller, done = std::move(done)](
                                        absl::StatusOr<AccountPtr> account) mutable {
    if (!account.ok()) return done(account.status());
    post_([this, account = *std::move(account), request, caller, done = std::move(done)]() mutable {
      DoVoid(account, request, caller, std::move(done));
    });
  });
}

void UpsOperations::DoVoid(const AccountPtr& account, const pb::VoidShipmentRequest& request,
                           const Caller& caller, Reply<pb::VoidShipmentResponse> done) {
  done = Holding(asker_.Intend(), std::move(done));
  const std::string call_id = NewCallId(clock_.Now());
  const std::vector<std::string> numbers(request.tracking_numbers().begin(),
                                         request.tracking_numbers().end());
  nlohmann::json detail = {{"request_id", request.request_id()},
                           {"account", request.account()},
                           {"ups_shipment_id", request.ups_shipment_id()}};
  if (!numbers.empty()) detail["tracking_numbers"] = numbers;
  AuditEntry entry{.action = "ups.void.intent",
                   .subject = SubjectOf(request.request_id()),
                   .actor = caller.identity,
                   .trace_id = caller.trace_id,
                   .detail = detail,
                   .event_id = call_id + ".intent"};
  entry.detail["call_id"] = call_id;
  absl::StatusOr<std::optional<VoidEnd>> stored = store_.BeginVoid(request, entry);
  if (!stored.ok()) return done(stored.status());
  if (stored->has_value()) {
    pb::VoidShipmentResponse response;
    response.set_already_voided((*stored)->already_voided);
    return done(std::move(response));
  }
  entry.action = "ups.void.outcome";
  entry.detail = detail;
  AskAndRecord<pb::VoidShipmentResponse>(
      account, VoidRequest(account->settings, request.ups_shipment_id(), numbers), std::move(entry),
      [numbers](const HttpResponse& response) { return ReadVoid(response, numbers); },
      std::move(done), call_id,
      [request_id = request.request_id()](pb::VoidShipmentResponse& voided, CallRecord& record) {
        record.voided = VoidEnd{request_id, voided.already_voided()};
      });
}

void UpsOperations::SubscribePackages(const pb::SubscribePackagesRequest& request,
                                      const Caller& caller,
                                      Reply<pb::SubscribePackagesResponse> done) {
  const std::vector<std::string> numbers(request.tracking_numbers().begin(),
                                         request.tracking_numbers().end());
  if (numbers.empty() || static_cast<int>(numbers.size()) > kMostSubscribed) {
    return done(absl::InvalidArgumentError(
        absl::StrCat("tracking_numbers: ", numbers.size(), ", want 1 to 100")));
  }
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (absl::Status status =
            CheckTrackingNumber(numbers[i], absl::StrCat("tracking_numbers[", i, "]"));
        !status.ok()) {
      return done(status);
    }
  }
  accounts_.Find(
      request.account(), [this, numbers, actor = caller.identity, trace_id = caller.trace_id,
                          done = std::move(done)](absl::StatusOr<AccountPtr> account) mutable {
        if (!account.ok()) return done(account.status());
        // A subscription changes something at UPS, so its intent is recorded first.
        done = Holding(asker_.Intend(), std::move(done));
        const std::string call_id = NewCallId(clock_.Now());
        const AuditEntry outcome{.action = "ups.subscribe.outcome",
                                 .subject = numbers.size() == 1 ? "trackers/" + numbers[0]
                                                                : "accounts/" + (*account)->id,
                                 .actor = std::move(actor),
                                 .trace_id = std::move(trace_id),
                                 .detail = {{"tracking_numbers", numbers}}};
        AuditEntry intent = outcome;
        intent.action = "ups.subscribe.intent";
        intent.event_id = call_id + ".intent";
        intent.detail["call_id"] = call_id;
        recorder_.Record({.entry = std::move(intent), .account_id = (*account)->id},
                         [this, account = *account, numbers, call_id, outcome,
                          done = std::move(done)](const absl::Status& stored) mutable {
                           if (!stored.ok()) return done(stored);
                           AskAndRecord<pb::SubscribePackagesResponse>(
                               account, SubscribeRequest(account->settings, numbers), outcome,
                               [numbers, asked = clock_.Now()](const HttpResponse& response) {
                                 auto answer = ReadSubscribe(response, numbers);
                                 if (answer.ok()) {
                                   answer->mutable_expire_time()->set_seconds(
                                       absl::ToUnixSeconds(asked + kSubscriptionLife));
                                 }
                                 return answer;
                               },
                               std::move(done), call_id);
                         });
      });
}

absl::StatusOr<pb::Call> UpsOperations::GetCall(const pb::GetCallRequest& request,
                                                const Caller& caller) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id(), "purchases"));
  ASSIGN_OR_RETURN(pb::Call call, store_.Get(request.request_id()));
  if (caller.service.empty() && call.has_result()) {
    for (auto& package : *call.mutable_result()->mutable_packages()) package.clear_label();
  }
  return call;
}

absl::StatusOr<pb::Call> UpsOperations::CloseCall(const pb::CloseCallRequest& request,
                                                  const Caller& caller) {
  RETURN_IF_ERROR(CheckRequestId(request.request_id(), "purchases"));
  RETURN_IF_ERROR(AccountIdFromName(request.account(), "account").status());
  RETURN_IF_ERROR(CheckConnection(request.connection()));
  const bool confirmed = !request.confirmed_by().empty();
  return store_.Close(request, NewCallId(clock_.Now()),
                      {.action = "ups.ship.closed",
                       .subject = SubjectOf(request.request_id()),
                       .actor = confirmed ? request.confirmed_by() : caller.identity,
                       .trace_id = caller.trace_id,
                       .detail = {{"request_id", request.request_id()},
                                  {"account", request.account()},
                                  {"state", "NOT_MADE"}}},
                      kWatchAfterPerson);
}

absl::StatusOr<pb::ListCallsResponse> UpsOperations::ListCalls(
    const pb::ListCallsRequest& request) {
  if (request.page_size() < 0 || request.page_size() > kMostPageSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("page_size: ", request.page_size(), ", want 1 to 1000"));
  }
  const int size = request.page_size() == 0 ? kDefaultPageSize : request.page_size();
  ASSIGN_OR_RETURN(std::vector<pb::Call> calls,
                   store_.List(request.state(), request.page_token(), size + 1));
  pb::ListCallsResponse response;
  for (int i = 0; i < size && i < static_cast<int>(calls.size()); ++i) {
    *response.add_calls() = std::move(calls[i]);
  }
  if (static_cast<int>(calls.size()) > size) {
    const std::string& last = response.calls(size - 1).name();
    response.set_next_page_token(last.substr(last.find('/') + 1));
  }
  return response;
}

absl::StatusOr<pb::AcknowledgeCallsResponse> UpsOperations::AcknowledgeCalls(
    const pb::AcknowledgeCallsRequest& request) {
  if (request.request_ids().empty() || request.request_ids_size() > kMostAcknowledged) {
    return absl::InvalidArgumentError(
        absl::StrCat("request_ids: ", request.request_ids_size(), ", want 1 to 500"));
  }
  RETURN_IF_ERROR(store_.Acknowledge({request.request_ids().begin(), request.request_ids().end()}));
  return pb::AcknowledgeCallsResponse();
}

}  // namespace psups::ups_gateway
