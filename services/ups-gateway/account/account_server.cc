#include "services/ups-gateway/account/account_server.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "services/ups-gateway/account/account_errors.h"
#include "services/ups-gateway/account/account_update.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr int kMostPageSize = 1000;
constexpr int kDefaultPageSize = 100;
constexpr std::size_t kMostReasonCharacters = 200;

void SetTime(absl::Time time, google::protobuf::Timestamp* timestamp) {
  timestamp->set_seconds(absl::ToUnixSeconds(time));
}

absl::StatusOr<int> PageSize(int asked) {
  if (asked < 0 || asked > kMostPageSize) {
    return absl::InvalidArgumentError(absl::StrCat("page_size: ", asked, ", want 1 to 1000"));
  }
  return asked == 0 ? kDefaultPageSize : asked;
}

}  // namespace

absl::StatusOr<pb::Account> AccountServer::Create(const pb::CreateAccountRequest& request,
                                                  const Caller& caller) {
  ASSIGN_OR_RETURN(const pb::Account settings,
                   CheckNewAccount(request.account_id(), request.account()));
  RETURN_IF_ERROR(CheckSecret(request.client_secret()));
  ASSIGN_OR_RETURN(
      const AccountPtr account,
      accounts_.Create(
          settings, request.account_id(), request.client_secret(),
          {.action = "account.create",
           .subject = settings.name(),
           .actor = caller.identity,
           .trace_id = caller.trace_id,
           .detail = {{"environment", pb::Account::Environment_Name(settings.environment())},
                      {"host", HostOf(settings)},
                      {"shipper_number", settings.shipper_number()}}}));
  book_.Forget(account->id);
  return account->settings;
}

absl::StatusOr<pb::Account> AccountServer::Rotate(const pb::RotateAccountSecretRequest& request,
                                                  const Caller& caller) {
  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(request.name(), "name"));
  RETURN_IF_ERROR(CheckSecret(request.client_secret()));
  ASSIGN_OR_RETURN(const AccountPtr account, accounts_.Rotate(id, request.client_secret(),
                                                              {.action = "account.rotate",
                                                               .subject = request.name(),
                                                               .actor = caller.identity,
                                                               .trace_id = caller.trace_id}));
  book_.Forget(id);
  return account->settings;
}

absl::StatusOr<pb::Account> AccountServer::StopBuying(const pb::StopAccountRequest& request,
                                                      const Caller& caller) {
  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(request.name(), "name"));
  const std::size_t length = Characters(request.reason());
  if (length < 1 || length > kMostReasonCharacters) {
    return absl::InvalidArgumentError(
        absl::StrCat("reason: ", length, " characters, want 1 to ", kMostReasonCharacters));
  }
  ASSIGN_OR_RETURN(const AccountPtr account,
                   accounts_.Stop(id, request.reason(),
                                  {.action = "account.stop",
                                   .subject = request.name(),
                                   .actor = caller.identity,
                                   .trace_id = caller.trace_id,
                                   .detail = {{"reason", request.reason()}}}));
  book_.Forget(id);
  return account->settings;
}

absl::StatusOr<pb::Account> AccountServer::Update(const pb::UpdateAccountRequest& request,
                                                  const Caller& caller) {
  ASSIGN_OR_RETURN(const std::string id,
                   AccountIdFromName(request.account().name(), "account.name"));
  RETURN_IF_ERROR(CheckUpdateMask(request.update_mask()));
  const std::vector<std::string> fields(request.update_mask().paths().begin(),
                                        request.update_mask().paths().end());
  ASSIGN_OR_RETURN(const AccountPtr account,
                   accounts_.Update(id,
                                    [&request](const pb::Account& stored) {
                                      return UpdatedAccount(stored, request.account(),
                                                            request.update_mask());
                                    },
                                    {.action = "account.update",
                                     .subject = request.account().name(),
                                     .actor = caller.identity,
                                     .trace_id = caller.trace_id,
                                     .detail = {{"fields", fields}}}));
  book_.Forget(id);
  return account->settings;
}

absl::StatusOr<pb::Account> AccountServer::StartBuying(const pb::StartAccountRequest& request,
                                                       const Caller& caller) {
  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(request.name(), "name"));
  ASSIGN_OR_RETURN(const AccountPtr account, accounts_.Start(id, {.action = "account.start",
                                                                  .subject = request.name(),
                                                                  .actor = caller.identity,
                                                                  .trace_id = caller.trace_id}));
  book_.Forget(id);
  return account->settings;
}

void AccountServer::Reconcile(const pb::ReconcileAccountRequest& request, Reconciler::Done done) {
  if (!request.has_since()) {
    return done(absl::InvalidArgumentError("since: unset, want a time in the last seven days"));
  }
  const absl::Time since = absl::FromUnixSeconds(request.since().seconds());
  book_.Find(request.name(), [this, since, done = std::move(done)](
                                 const absl::StatusOr<AccountPtr>& account) mutable {
    if (!account.ok()) return done(account.status());
    reconciler_.Compare(*account, since, std::move(done));
  });
}

absl::StatusOr<pb::RewrapKeysResponse> AccountServer::Rewrap(const Caller& caller) {
  return accounts_.RewrapKeys({.action = "keys.rewrap",
                               .subject = "services/ups-gateway",
                               .actor = caller.identity,
                               .trace_id = caller.trace_id});
}

void AccountServer::Test(const pb::TestAccountRequest& request, const Caller& caller,
                         Doctor::Done done) {
  executor_.Post([this, name = request.name(), caller, done = std::move(done)] {
    const absl::StatusOr<std::string> id = AccountIdFromName(name, "name");
    if (!id.ok()) return done(id.status());
    absl::StatusOr<AccountPtr> account = accounts_.Get(*id);
    if (!account.ok()) return done(account.status());
    doctor_.Examine(*std::move(account), caller, done);
  });
}

absl::StatusOr<pb::ListAccountErrorsResponse> AccountServer::ListErrors(
    const pb::ListAccountErrorsRequest& request) {
  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(request.name(), "name"));
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::optional<MetError> after, ParseErrorPageToken(request.page_token()));
  RETURN_IF_ERROR(accounts_.Get(id).status());
  ASSIGN_OR_RETURN(std::vector<MetError> errors, accounts_.ListErrors(id, after, size + 1));
  pb::ListAccountErrorsResponse response;
  if (static_cast<int>(errors.size()) > size) {
    errors.resize(size);
    response.set_next_page_token(ErrorPageToken(errors.back()));
  }
  for (const MetError& error : errors) *response.add_errors() = ToProto(error);
  return response;
}

absl::StatusOr<pb::ListAccountsResponse> AccountServer::List(
    const pb::ListAccountsRequest& request) {
  ASSIGN_OR_RETURN(const int size, PageSize(request.page_size()));
  ASSIGN_OR_RETURN(const std::vector<AccountPtr> accounts,
                   accounts_.List(request.page_token(), size + 1));
  pb::ListAccountsResponse response;
  for (int i = 0; i < size && i < static_cast<int>(accounts.size()); ++i) {
    *response.add_accounts() = accounts[i]->settings;
  }
  if (static_cast<int>(accounts.size()) > size) {
    response.set_next_page_token(accounts[size - 1]->id);
  }
  return response;
}

absl::StatusOr<pb::TokenStatus> AccountServer::Status(const pb::GetTokenStatusRequest& request) {
  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(request.name(), "name"));
  ASSIGN_OR_RETURN(const AccountPtr account, accounts_.Get(id));
  ASSIGN_OR_RETURN(const TokenBudget budget, tokens_.Budget(*account));
  const TreasuryFacts& facts = budget.facts;
  pb::TokenStatus status;
  status.set_account(request.name());
  status.set_requests_used(facts.used);
  status.set_requests_limit(facts.limit);
  status.set_requests_left(std::max(0, facts.limit - facts.used));
  if (budget.exhausted_in < absl::InfiniteDuration()) {
    SetTime(clock_.Now() + budget.exhausted_in, status.mutable_exhaust_time());
  }
  if (!facts.token_version.empty() && facts.token_left > absl::ZeroDuration()) {
    SetTime(budget.expire_time, status.mutable_expire_time());
    SetTime(budget.expire_time - RenewalLead(facts.token_lifetime, 0), status.mutable_renew_time());
  }
  if (facts.used >= facts.limit) SetTime(budget.next_free_time, status.mutable_next_free_time());
  // What the next call that needs another token would be told.
  const TokenDecision decision =
      Decide(facts, {.unwanted_version = facts.token_version, .refused = true, .money = true});
  if (!facts.problem.empty()) {
    status.set_problem(facts.problem);
  } else if (decision.kind == TokenDecision::Kind::kRefuse) {
    status.set_problem(std::string(decision.refusal.message()));
  }
  return status;
}

grpc::ServerUnaryReactor* AccountServer::CreateAccount(grpc::CallbackServerContext* context,
                                                       const pb::CreateAccountRequest* request,
                                                       pb::Account* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller& caller) { return Create(asked, caller); });
}

grpc::ServerUnaryReactor* AccountServer::GetAccount(grpc::CallbackServerContext* context,
                                                    const pb::GetAccountRequest* request,
                                                    pb::Account* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller&) -> absl::StatusOr<pb::Account> {
                  ASSIGN_OR_RETURN(const std::string id, AccountIdFromName(asked.name(), "name"));
                  ASSIGN_OR_RETURN(const AccountPtr account, accounts_.Get(id));
                  return account->settings;
                });
}

grpc::ServerUnaryReactor* AccountServer::ListAccounts(grpc::CallbackServerContext* context,
                                                      const pb::ListAccountsRequest* request,
                                                      pb::ListAccountsResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller&) { return List(asked); });
}

grpc::ServerUnaryReactor* AccountServer::RotateAccountSecret(
    grpc::CallbackServerContext* context, const pb::RotateAccountSecretRequest* request,
    pb::Account* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller& caller) { return Rotate(asked, caller); });
}

grpc::ServerUnaryReactor* AccountServer::StopAccount(grpc::CallbackServerContext* context,
                                                     const pb::StopAccountRequest* request,
                                                     pb::Account* response) {
  return Handle(
      executor_, context, request, response,
      [this](const auto& asked, const Caller& caller) { return StopBuying(asked, caller); });
}

grpc::ServerUnaryReactor* AccountServer::StartAccount(grpc::CallbackServerContext* context,
                                                      const pb::StartAccountRequest* request,
                                                      pb::Account* response) {
  return Handle(
      executor_, context, request, response,
      [this](const auto& asked, const Caller& caller) { return StartBuying(asked, caller); });
}

grpc::ServerUnaryReactor* AccountServer::ReconcileAccount(
    grpc::CallbackServerContext* context, const pb::ReconcileAccountRequest* request,
    pb::ReconcileAccountResponse* response) {
  return HandleAsync(
      context, request, response,
      [this](const auto& asked, const Caller&, auto done) { Reconcile(asked, std::move(done)); });
}

grpc::ServerUnaryReactor* AccountServer::GetTokenStatus(grpc::CallbackServerContext* context,
                                                        const pb::GetTokenStatusRequest* request,
                                                        pb::TokenStatus* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller&) { return Status(asked); });
}

grpc::ServerUnaryReactor* AccountServer::UpdateAccount(grpc::CallbackServerContext* context,
                                                       const pb::UpdateAccountRequest* request,
                                                       pb::Account* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller& caller) { return Update(asked, caller); });
}

grpc::ServerUnaryReactor* AccountServer::RewrapKeys(grpc::CallbackServerContext* context,
                                                    const pb::RewrapKeysRequest* request,
                                                    pb::RewrapKeysResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto&, const Caller& caller) { return Rewrap(caller); });
}

grpc::ServerUnaryReactor* AccountServer::TestAccount(grpc::CallbackServerContext* context,
                                                     const pb::TestAccountRequest* request,
                                                     pb::TestAccountResponse* response) {
  return HandleAsync(context, request, response,
                     [this](const auto& asked, const Caller& caller, Doctor::Done done) {
                       Test(asked, caller, std::move(done));
                     });
}

grpc::ServerUnaryReactor* AccountServer::ListAccountErrors(
    grpc::CallbackServerContext* context, const pb::ListAccountErrorsRequest* request,
    pb::ListAccountErrorsResponse* response) {
  return Handle(executor_, context, request, response,
                [this](const auto& asked, const Caller&) { return ListErrors(asked); });
}

}  // namespace psups::ups_gateway
