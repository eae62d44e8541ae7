#include "services/ups-gateway/account/doctor.h"

#include <netdb.h>
#include <sys/socket.h>

#include <array>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/ups_requests.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;
using Check = pb::TestAccountResponse::Check;

// Nobody's: UPS knows neither, and subscribes to none of that form.
constexpr char kNoReference[] = "PSUPS-ACCOUNT-TEST";
constexpr char kNoNumber[] = "1Z0000000000000000";
constexpr char kNoSubscribable[] = "0";

WireRequest AddressProbe(const pb::Account& account) {
  type::v1::Address address;
  address.add_lines("1 Main St");
  address.set_city("New York");
  address.set_state("NY");
  address.set_postal_code("10044");
  address.set_country_code("US");
  return AddressRequest(account, address);
}
WireRequest ShippingProbe(const pb::Account& account) {
  return RecoveryByReferenceRequest(account, kNoReference, "ZPL");
}
WireRequest TrackingProbe(const pb::Account&) { return TrackRequest(kNoNumber); }
WireRequest AlertProbe(const pb::Account& account) {
  return SubscribeRequest(account, {kNoSubscribable});
}

struct Product {
  const char* name;
  const char* in_portal;  // what UPS's developer portal calls it
  WireRequest (*request)(const pb::Account&);
};

// Shipping stands for buying, voiding and recovering labels: they are one product.
constexpr std::array<Product, 4> kProducts = {{
    {"address_validation", "Address Validation", AddressProbe},
    {"shipping", "Shipping", ShippingProbe},
    {"tracking", "Tracking", TrackingProbe},
    {"track_alert", "UPS Track Alert", AlertProbe},
}};

Check Made(const std::string& name, Check::Result result, const std::string& finding,
           const std::string& next_step = "") {
  Check check;
  check.set_name(name);
  check.set_result(result);
  check.set_finding(finding);
  check.set_next_step(next_step);
  return check;
}

// The host of a base URL, without port or brackets.
std::string HostName(const std::string& base_url) {
  std::string host = base_url.substr(base_url.find("://") + 3);
  if (!host.empty() && host[0] == '[') return host.substr(1, host.find(']') - 1);
  return host.substr(0, host.find(':'));
}

Check JudgeHost(const absl::StatusOr<HttpResponse>& response) {
  if (response.ok())
    return Made("tls", Check::OK, "The host answers, and its certificate is good.");
  const std::string said(response.status().message());
  if (absl::StrContains(said, "certificate")) {
    return Made(
        "tls", Check::FAILED, absl::StrCat("The host's certificate is not accepted (", said, ")."),
        "Set ca_bundle_pem to the authorities that signed it, or leave it empty for UPS's own "
        "hosts.");
  }
  if (absl::StrContains(said, "SSL") || absl::StrContains(said, "TLS")) {
    return Made("tls", Check::FAILED, absl::StrCat("No TLS with the host (", said, ")."),
                "Check that base_url names UPS, and that no proxy answers in its place.");
  }
  return Made("tls", Check::FAILED, absl::StrCat("The host cannot be reached (", said, ")."),
              "Check base_url, and that the firewall lets this service out to it.");
}

}  // namespace

Check JudgeProbe(const std::string& name, const std::string& portal_product, Operation operation,
                 const absl::StatusOr<HttpResponse>& outcome) {
  if (!outcome.ok()) {
    return Made(name, Check::FAILED,
                absl::StrCat("UPS gave no answer (", std::string(outcome.status().message()), ")."),
                "Run psupsctl account test again in some minutes.");
  }
  const std::string code = CodeOf(*outcome);
  const std::string said =
      absl::StrCat("HTTP ", outcome->status, code.empty() ? "" : absl::StrCat(", code ", code));
  const Action action = Look(operation, code, outcome->status).action;
  if (outcome->status == 403) {
    return Made(
        name, Check::FAILED, absl::StrCat("UPS forbids this to the app (", said, ")."),
        absl::StrCat("In UPS's developer portal, check that the app has the product ",
                     portal_product, " and that its account is active. If both are so, call UPS."));
  }
  if (code == "250002" || code == "UJ0001" || (outcome->status == 401 && code.empty())) {
    return Made(name, Check::FAILED, absl::StrCat("UPS refuses this to the app (", said, ")."),
                absl::StrCat("In UPS's developer portal, open the app and add the product ",
                             portal_product, ". Then run psupsctl account test again."));
  }
  if (outcome->status == 401) {
    return Made(name, Check::FAILED, absl::StrCat("UPS refuses the app's token (", said, ")."),
                "Check the app's credentials in UPS's developer portal. Then run psupsctl account "
                "test again.");
  }
  if (action == Action::kBackOff || outcome->status >= 500) {
    return Made(name, Check::FAILED, absl::StrCat("UPS cannot answer now (", said, ")."),
                "Run psupsctl account test again in some minutes.");
  }
  return Made(name, Check::OK, "The app has this product.");
}

absl::Status LookUpHost(const std::string& host) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0) return absl::UnavailableError(gai_strerror(error));
  freeaddrinfo(found);
  return absl::OkStatus();
}

// One examination.
struct Doctor::Visit {
  AccountPtr account;
  Caller caller;
  Done done;
  pb::TestAccountResponse response;
  std::size_t refused = 0;  // products for which UPS said 401
  bool renewed = false;

  void Add(Check check) { *response.add_checks() = std::move(check); }
  bool Failed() const {
    return response.checks(response.checks_size() - 1).result() == Check::FAILED;
  }
  // Says that all that comes after `last` was not looked at, and ends.
  void SkipRest() {
    const std::string last = response.checks(response.checks_size() - 1).name();
    const std::string finding = absl::StrCat("Not looked at, for ", last, " failed.");
    if (last == "dns") Add(Made("tls", Check::SKIPPED, finding));
    if (last != "token") Add(Made("token", Check::SKIPPED, finding));
    for (const Product& product : kProducts) Add(Made(product.name, Check::SKIPPED, finding));
    done(std::move(response));
  }
};

void Doctor::Examine(AccountPtr account, const Caller& caller, Done done) {
  auto visit = std::make_shared<Visit>();
  visit->account = std::move(account);
  visit->caller = caller;
  visit->done = std::move(done);
  line_.post([this, visit] { LookAtName(visit); });
}

void Doctor::LookAtName(const VisitPtr& visit) {
  const std::string host = HostName(visit->account->settings.base_url());
  const absl::Status found = look_up_(host);
  if (!found.ok()) {
    visit->Add(Made("dns", Check::FAILED,
                    absl::StrCat("No address for ", host, " (", std::string(found.message()), ")."),
                    "Check base_url, and that this service can ask a name server."));
    return visit->SkipRest();
  }
  visit->Add(Made("dns", Check::OK, absl::StrCat(host, " has an address.")));
  LookAtHost(visit);
}

void Doctor::LookAtHost(const VisitPtr& visit) {
  const std::string call_id = NewCallId(line_.clock.Now());
  UpsRequest request{.wire = {.operation = Operation::kProbe, .method = "GET", .target = "/"},
                     .call_id = call_id,
                     .timeout = absl::Seconds(visit->account->settings.read_timeout_seconds())};
  auto unrecorded = line_.unrecorded.Begin();
  line_.api.Send(*visit->account, std::move(request), [=, this](HttpOutcome outcome) mutable {
    line_.post([=, this, outcome = std::move(outcome)]() mutable {
      visit->Add(JudgeHost(outcome.response));
      Exchange exchange{.call_id = call_id,
                        .account_id = visit->account->id,
                        .operation = Operation::kProbe,
                        .request = "/"};
      if (outcome.response.ok()) {
        exchange.http_status = outcome.response->status;
      } else {
        exchange.error = std::string(outcome.response.status().message());
      }
      Record(visit, {std::move(exchange)}, std::move(unrecorded), [this, visit] {
        if (visit->Failed()) return visit->SkipRest();
        LookAtToken(visit);
      });
    });
  });
}

void Doctor::LookAtToken(const VisitPtr& visit) {
  line_.treasury.Get(
      visit->account, Operation::kProbe, [this, visit](const absl::StatusOr<Token>& token) {
        line_.post([this, visit, status = token.status()] {
          if (status.ok()) {
            visit->Add(Made("token", Check::OK, "UPS takes the client id and secret."));
            return Probe(visit, 0);
          }
          // The treasury's sentences say what to do.
          visit->Add(Made("token", Check::FAILED, "There is no token of UPS's for the account.",
                          std::string(status.message())));
          visit->SkipRest();
        });
      });
}

void Doctor::Probe(const VisitPtr& visit, std::size_t index) {
  if (index == kProducts.size()) {
    if (visit->refused == kProducts.size() && !visit->renewed) return Renew(visit);
    return visit->done(std::move(visit->response));
  }
  const Product& product = kProducts.at(index);
  WireRequest wire = product.request(visit->account->settings);
  const Operation operation = wire.operation;
  asker_.Ask(
      visit->account, std::move(wire),
      [this, visit, index, operation, &product](AskResult asked) {
        visit->Add(JudgeProbe(product.name, product.in_portal, operation, asked.response));
        if (asked.response.ok() && asked.response->status == 401) ++visit->refused;
        Record(visit, std::move(asked.exchanges), std::move(asked.unrecorded),
               [this, visit, index] { Probe(visit, index + 1); });
      },
      {}, {}, Asker::On401::kTell);
}

// All products refuse the token: it may be the token. Renewed as for any call that meets a 401, and
// then it is clear.
void Doctor::Renew(const VisitPtr& visit) {
  visit->renewed = true;
  asker_.Ask(
      visit->account, AddressProbe(visit->account->settings), [this, visit](AskResult asked) {
        Record(visit, std::move(asked.exchanges), std::move(asked.unrecorded), [this, visit] {
          visit->response.mutable_checks()->DeleteSubrange(
              visit->response.checks_size() - static_cast<int>(kProducts.size()),
              static_cast<int>(kProducts.size()));
          Probe(visit, 0);
        });
      });
}

void Doctor::Record(const VisitPtr& visit, std::vector<Exchange> exchanges,
                    std::shared_ptr<void> unrecorded, std::function<void()> next) {
  if (exchanges.empty()) return next();
  const Check& check = visit->response.checks(visit->response.checks_size() - 1);
  CallRecord record{.entry = {.action = "ups.test",
                              .subject = "accounts/" + visit->account->id,
                              .actor = visit->caller.identity,
                              .trace_id = visit->caller.trace_id,
                              .detail = {{"check", check.name()},
                                         {"result", Check::Result_Name(check.result())},
                                         {"calls", CallsDetail(exchanges)}},
                              .event_id = exchanges.front().call_id + ".outcome"},
                    .account_id = visit->account->id};
  for (Exchange& exchange : exchanges) exchange.provoked = check.result() == Check::OK;
  record.exchanges = std::move(exchanges);
  recorder_.Record(std::move(record), [this, visit, unrecorded = std::move(unrecorded),
                                       next = std::move(next)](const absl::Status& stored) {
    if (!stored.ok()) return visit->done(stored);
    line_.post(next);
  });
}

}  // namespace psups::ups_gateway
