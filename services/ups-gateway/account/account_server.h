#pragma once

#include "absl/status/statusor.h"
#include "common/server.h"
#include "psups/ups/v1/account_service.grpc.pb.h"
#include "services/ups-gateway/account/account_book.h"
#include "services/ups-gateway/account/doctor.h"
#include "services/ups-gateway/ports.h"
#include "services/ups-gateway/purchase/manifest.h"

namespace psups::ups_gateway {

// psups.ups.v1.AccountService.
class AccountServer : public ups::v1::AccountService::CallbackService {
 public:
  AccountServer(AccountStore& accounts, TokenStore& tokens, AccountBook& book, Doctor& doctor,
                Reconciler& reconciler, const Clock& clock, Executor& executor)
      : accounts_(accounts),
        tokens_(tokens),
        book_(book),
        doctor_(doctor),
        reconciler_(reconciler),
        clock_(clock),
        executor_(executor) {}

  grpc::ServerUnaryReactor* CreateAccount(grpc::CallbackServerContext* context,
                                          const ups::v1::CreateAccountRequest* request,
                                          ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* GetAccount(grpc::CallbackServerContext* context,
                                       const ups::v1::GetAccountRequest* request,
                                       ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* ListAccounts(grpc::CallbackServerContext* context,
                                         const ups::v1::ListAccountsRequest* request,
                                         ups::v1::ListAccountsResponse* response) override;
  grpc::ServerUnaryReactor* RotateAccountSecret(grpc::CallbackServerContext* context,
                                                const ups::v1::RotateAccountSecretRequest* request,
                                                ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* StopAccount(grpc::CallbackServerContext* context,
                                        const ups::v1::StopAccountRequest* request,
                                        ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* StartAccount(grpc::CallbackServerContext* context,
                                         const ups::v1::StartAccountRequest* request,
                                         ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* ReconcileAccount(grpc::CallbackServerContext* context,
                                             const ups::v1::ReconcileAccountRequest* request,
                                             ups::v1::ReconcileAccountResponse* response) override;
  grpc::ServerUnaryReactor* GetTokenStatus(grpc::CallbackServerContext* context,
                                           const ups::v1::GetTokenStatusRequest* request,
                                           ups::v1::TokenStatus* response) override;
  grpc::ServerUnaryReactor* UpdateAccount(grpc::CallbackServerContext* context,
                                          const ups::v1::UpdateAccountRequest* request,
                                          ups::v1::Account* response) override;
  grpc::ServerUnaryReactor* RewrapKeys(grpc::CallbackServerContext* context,
                                       const ups::v1::RewrapKeysRequest* request,
                                       ups::v1::RewrapKeysResponse* response) override;
  grpc::ServerUnaryReactor* TestAccount(grpc::CallbackServerContext* context,
                                        const ups::v1::TestAccountRequest* request,
                                        ups::v1::TestAccountResponse* response) override;
  grpc::ServerUnaryReactor* ListAccountErrors(
      grpc::CallbackServerContext* context, const ups::v1::ListAccountErrorsRequest* request,
      ups::v1::ListAccountErrorsResponse* response) override;

  absl::StatusOr<ups::v1::Account> Create(const ups::v1::CreateAccountRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::Account> Rotate(const ups::v1::RotateAccountSecretRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::Account> StopBuying(const ups::v1::StopAccountRequest& request,
                                              const Caller& caller);
  absl::StatusOr<ups::v1::Account> StartBuying(const ups::v1::StartAccountRequest& request,
                                               const Caller& caller);
  void Reconcile(const ups::v1::ReconcileAccountRequest& request, Reconciler::Done done);
  absl::StatusOr<ups::v1::ListAccountsResponse> List(const ups::v1::ListAccountsRequest& request);
  absl::StatusOr<ups::v1::TokenStatus> Status(const ups::v1::GetTokenStatusRequest& request);
  absl::StatusOr<ups::v1::Account> Update(const ups::v1::UpdateAccountRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::RewrapKeysResponse> Rewrap(const Caller& caller);
  absl::StatusOr<ups::v1::ListAccountErrorsResponse> ListErrors(
      const ups::v1::ListAccountErrorsRequest& request);
  // `done` runs later, on any thread.
  void Test(const ups::v1::TestAccountRequest& request, const Caller& caller, Doctor::Done done);

 private:
  AccountStore& accounts_;
  TokenStore& tokens_;
  AccountBook& book_;
  Doctor& doctor_;
  Reconciler& reconciler_;
  const Clock& clock_;
  Executor& executor_;
};

}  // namespace psups::ups_gateway
