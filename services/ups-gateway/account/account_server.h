#pragma once

#include "absl/status/statusor.h"
#include "common/server.h"
#include "psups/ups/v1/account_service.grpc.pb.h"
#include "services/ups-gateway/account/account_book.h"
#include "services/ups-gateway/ports.h"

namespace psups::ups_gateway {

// psups.ups.v1.AccountService.
class AccountServer : public ups::v1::AccountService::CallbackService {
 public:
  AccountServer(AccountStore& accounts, TokenStore& tokens, AccountBook& book, Executor& executor)
      : accounts_(accounts), tokens_(tokens), book_(book), executor_(executor) {}

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
  grpc::ServerUnaryReactor* GetTokenStatus(grpc::CallbackServerContext* context,
                                           const ups::v1::GetTokenStatusRequest* request,
                                           ups::v1::TokenStatus* response) override;

  absl::StatusOr<ups::v1::Account> Create(const ups::v1::CreateAccountRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::Account> Rotate(const ups::v1::RotateAccountSecretRequest& request,
                                          const Caller& caller);
  absl::StatusOr<ups::v1::ListAccountsResponse> List(const ups::v1::ListAccountsRequest& request);
  absl::StatusOr<ups::v1::TokenStatus> Status(const ups::v1::GetTokenStatusRequest& request);

 private:
  AccountStore& accounts_;
  TokenStore& tokens_;
  AccountBook& book_;
  Executor& executor_;
};

}  // namespace psups::ups_gateway
