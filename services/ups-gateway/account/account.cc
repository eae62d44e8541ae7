#include "services/ups-gateway/account/account.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "common/status_macros.h"
#include "services/ups-gateway/wire/shipment_check.h"
#include "services/ups-gateway/wire/wire_text.h"

namespace psups::ups_gateway {
namespace {

namespace pb = ::psups::ups::v1;

constexpr char kProductionUrl[] = "https://onlinetools.ups.com";
constexpr char kCieUrl[] = "https://wwwcie.ups.com";
constexpr std::size_t kMostSecretBytes = 512;
constexpr std::size_t kMostBundleBytes = 256 << 10;
constexpr int64_t kMostVerdictLifeSeconds = 30 * 24 * 3600;
constexpr int64_t kMostPurchases = 1'000'000;

absl::Status Refuse(std::string_view field, const std::string& came, std::string_view wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat(std::string(field), ": ", came, ", want ", std::string(wanted)));
}

bool IsId(std::string_view id) {
  if (id.empty() || id.size() > 20 || id[0] < 'a' || id[0] > 'z') return false;
  for (const char c : id) {
    if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') return false;
  }
  return true;
}

bool AllAlphanumeric(std::string_view text) {
  for (const char c : text) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) return false;
  }
  return true;
}

// Scheme, host and port, nothing behind them.
absl::Status CheckBaseUrl(const std::string& url) {
  const absl::Status refused =
      Refuse("account.base_url", absl::StrCat("\"", url.substr(0, 200), "\""),
             "https, host and port, such as https://onlinetools.ups.com");
  absl::string_view rest = url;
  if (!absl::ConsumePrefix(&rest, "https://") || rest.empty() || rest.size() > 253) return refused;
  for (const char c : rest) {
    const auto byte = static_cast<unsigned char>(c);
    if (!absl::ascii_isalnum(byte) &&
        absl::string_view("-.:[]").find(c) == absl::string_view::npos) {
      return refused;
    }
  }
  return absl::OkStatus();
}

void Default(google::protobuf::Map<std::string, std::string>& versions, const char* api,
             const char* version) {
  if (versions[api].empty()) versions[api] = version;
}

absl::Status CheckVersions(const pb::Account& account) {
  for (const auto& [api, version] : account.api_versions()) {
    const bool known = api == "xav" || api == "ship" || api == "void" || api == "recovery" ||
                       api == "track" || api == "track_alert" || api == "rating";
    if (!known) {
      return Refuse("account.api_versions", absl::StrCat("\"", api, "\""),
                    "xav, ship, void, recovery, track, track_alert or rating");
    }
    if (version.empty() || version.size() > 10 || !AllAlphanumeric(version)) {
      return Refuse(absl::StrCat("account.api_versions[", api, "]"),
                    absl::StrCat("\"", version, "\""), "a version such as v2409");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckRange(std::string_view field, int64_t came, int64_t least, int64_t most) {
  if (came >= least && came <= most) return absl::OkStatus();
  return Refuse(field, absl::StrCat(came), absl::StrCat(least, " to ", most));
}

absl::Status CheckAmount(std::string_view field, const type::v1::Money& money) {
  if (money.amount_minor() < 1) {
    return Refuse(field, absl::StrCat(money.amount_minor()), "an amount_minor of at least 1");
  }
  const std::string& currency = money.currency_code();
  if (currency.size() != 3 || !std::all_of(currency.begin(), currency.end(), absl::ascii_isupper)) {
    return Refuse(field, absl::StrCat("\"", currency.substr(0, 20), "\""),
                  "a currency_code of three capital letters, such as USD");
  }
  return absl::OkStatus();
}

absl::Status CheckCaps(const pb::Caps& caps) {
  RETURN_IF_ERROR(
      CheckRange("account.caps.purchases_per_hour", caps.purchases_per_hour(), 0, kMostPurchases));
  RETURN_IF_ERROR(
      CheckRange("account.caps.purchases_per_day", caps.purchases_per_day(), 0, kMostPurchases));
  if (caps.has_spend_per_day()) {
    RETURN_IF_ERROR(CheckAmount("account.caps.spend_per_day", caps.spend_per_day()));
  }
  if (!caps.has_assumed_cost_per_package()) return absl::OkStatus();
  const type::v1::Money& assumed = caps.assumed_cost_per_package();
  RETURN_IF_ERROR(CheckAmount("account.caps.assumed_cost_per_package", assumed));
  if (!caps.has_spend_per_day()) {
    return Refuse("account.caps.assumed_cost_per_package", "set without spend_per_day",
                  "both or neither");
  }
  if (assumed.currency_code() != caps.spend_per_day().currency_code()) {
    return Refuse(
        "account.caps.assumed_cost_per_package", assumed.currency_code(),
        absl::StrCat("the currency of spend_per_day, ", caps.spend_per_day().currency_code()));
  }
  return absl::OkStatus();
}

absl::Status CheckFlow(const pb::Flow& flow) {
  RETURN_IF_ERROR(CheckRange("account.flow.calls_per_second", flow.calls_per_second(), 0, 10000));
  RETURN_IF_ERROR(CheckRange("account.flow.calls_in_flight", flow.calls_in_flight(), 0, 4096));
  return CheckRange("account.flow.caller_share_percent", flow.caller_share_percent(), 1, 100);
}

}  // namespace

absl::StatusOr<std::string> AccountIdFromName(std::string_view name, std::string_view field) {
  constexpr std::string_view kPrefix = "accounts/";
  if (name.substr(0, kPrefix.size()) == kPrefix && IsId(name.substr(kPrefix.size()))) {
    return std::string(name.substr(kPrefix.size()));
  }
  return Refuse(field, absl::StrCat("\"", std::string(name.substr(0, 100)), "\""),
                "accounts/{account_id}");
}

absl::StatusOr<pb::Account> CheckNewAccount(std::string_view account_id, const pb::Account& asked) {
  if (!IsId(account_id)) {
    return Refuse("account_id", absl::StrCat("\"", std::string(account_id.substr(0, 100)), "\""),
                  "1 to 20 of a-z, 0-9 and '-', starting with a letter");
  }
  pb::Account account = asked;
  account.set_name(absl::StrCat("accounts/", std::string(account_id)));
  ClearOutputFields(account);
  RETURN_IF_ERROR(CheckSettings(account));
  return account;
}

void ClearOutputFields(pb::Account& account) {
  account.clear_credential_refused();
  account.clear_last_error();
  account.clear_stopped();
  account.clear_stop_reason();
  account.clear_stop_time();
  account.clear_searches_first();
}

void SetDefaults(pb::Account& account) {
  if (account.token_limit_per_day() == 0) account.set_token_limit_per_day(250);
  if (!account.has_token_min_interval()) account.mutable_token_min_interval()->set_seconds(60);
  if (account.ship_timeout_seconds() == 0) account.set_ship_timeout_seconds(90);
  if (account.read_timeout_seconds() == 0) account.set_read_timeout_seconds(30);
  if (!account.has_address_verdict_life()) {
    account.mutable_address_verdict_life()->set_seconds(24 * 3600);
  }
  pb::Caps& caps = *account.mutable_caps();
  if (!caps.has_purchases_per_hour()) caps.set_purchases_per_hour(2000);
  if (!caps.has_purchases_per_day()) caps.set_purchases_per_day(10000);
  if (caps.has_spend_per_day() && !caps.has_assumed_cost_per_package()) {
    const std::string& currency = caps.spend_per_day().currency_code();
    caps.mutable_assumed_cost_per_package()->set_currency_code(currency);
    caps.mutable_assumed_cost_per_package()->set_amount_minor(MinorDigits(currency) == 0 ? 50
                                                                                         : 5000);
  }
  pb::Flow& flow = *account.mutable_flow();
  if (!flow.has_calls_per_second()) flow.set_calls_per_second(100);
  if (!flow.has_calls_in_flight()) flow.set_calls_in_flight(400);
  if (!flow.has_caller_share_percent()) flow.set_caller_share_percent(50);
  auto& versions = *account.mutable_api_versions();
  Default(versions, "xav", "v2");
  Default(versions, "ship", "v2409");
  Default(versions, "void", "v2409");
  Default(versions, "recovery", "v1");
  Default(versions, "track", "v1");
  Default(versions, "track_alert", "v2");
  Default(versions, "rating", "v2409");
}

absl::Status CheckSettings(pb::Account& account) {
  if (account.display_name().empty()) {
    account.set_display_name(account.name().substr(account.name().find('/') + 1));
  }
  if (Characters(account.display_name()) > 80) {
    return Refuse("account.display_name",
                  absl::StrCat(Characters(account.display_name()), " characters"), "at most 80");
  }
  if (account.environment() != pb::Account::PRODUCTION &&
      account.environment() != pb::Account::CIE) {
    return Refuse("account.environment", pb::Account::Environment_Name(account.environment()),
                  "PRODUCTION or CIE");
  }
  if (account.base_url().empty()) {
    account.set_base_url(account.environment() == pb::Account::CIE ? kCieUrl : kProductionUrl);
  }
  while (absl::EndsWith(account.base_url(), "/")) account.mutable_base_url()->pop_back();
  RETURN_IF_ERROR(CheckBaseUrl(account.base_url()));
  if (account.ca_bundle_pem().size() > kMostBundleBytes ||
      (!account.ca_bundle_pem().empty() &&
       !absl::StrContains(account.ca_bundle_pem(), "-----BEGIN CERTIFICATE-----"))) {
    return Refuse("account.ca_bundle_pem", absl::StrCat(account.ca_bundle_pem().size(), " bytes"),
                  "certificates in PEM, at most 256 KiB");
  }
  if (account.client_id().empty() || account.client_id().size() > 200 ||
      absl::StrContains(account.client_id(), ":")) {
    return Refuse("account.client_id", absl::StrCat(account.client_id().size(), " bytes"),
                  "1 to 200 bytes without a colon");
  }
  if (account.shipper_number().size() != 6 || !AllAlphanumeric(account.shipper_number())) {
    return Refuse("account.shipper_number", absl::StrCat("\"", account.shipper_number(), "\""),
                  "six letters or digits");
  }
  account.set_shipper_number(absl::AsciiStrToUpper(account.shipper_number()));
  RETURN_IF_ERROR(CheckParty(account.shipper(), "account.shipper"));

  SetDefaults(account);
  if (account.token_limit_per_day() < 1 || account.token_limit_per_day() > 10000) {
    return Refuse("account.token_limit_per_day", absl::StrCat(account.token_limit_per_day()),
                  "1 to 10000");
  }
  if (account.token_min_interval().seconds() < 0 || account.token_min_interval().nanos() < 0 ||
      account.token_min_interval().seconds() > 3600) {
    return Refuse("account.token_min_interval",
                  absl::StrCat(account.token_min_interval().seconds(), " s"), "0 s to 1 h");
  }
  if (account.has_rebuy_window() && account.rebuy_window().seconds() < 1) {
    return Refuse("account.rebuy_window", absl::StrCat(account.rebuy_window().seconds(), " s"),
                  "at least 1 s, or unset");
  }
  if (account.ship_timeout_seconds() < 5 || account.ship_timeout_seconds() > 300) {
    return Refuse("account.ship_timeout_seconds", absl::StrCat(account.ship_timeout_seconds()),
                  "5 to 300");
  }
  if (account.read_timeout_seconds() < 1 || account.read_timeout_seconds() > 300) {
    return Refuse("account.read_timeout_seconds", absl::StrCat(account.read_timeout_seconds()),
                  "1 to 300");
  }
  if (account.address_verdict_life().seconds() < 0 || account.address_verdict_life().nanos() < 0 ||
      account.address_verdict_life().seconds() > kMostVerdictLifeSeconds) {
    return Refuse("account.address_verdict_life",
                  absl::StrCat(account.address_verdict_life().seconds(), " s"), "0 s to 30 days");
  }
  RETURN_IF_ERROR(CheckCaps(account.caps()));
  RETURN_IF_ERROR(CheckFlow(account.flow()));
  return CheckVersions(account);
}

absl::Status CheckSecret(std::string_view secret) {
  if (!secret.empty() && secret.size() <= kMostSecretBytes) return absl::OkStatus();
  return Refuse("client_secret", absl::StrCat(secret.size(), " bytes"), "1 to 512 bytes");
}

std::string HostOf(const pb::Account& account) {
  std::string host = absl::AsciiStrToLower(account.base_url());
  const std::size_t authority = host.find("://");
  const std::size_t start = authority == host.npos ? 0 : authority + 3;
  const std::size_t bracket = host.rfind(']');
  const std::size_t colon = host.rfind(':');
  const bool has_port =
      colon != host.npos && colon >= start && (bracket == host.npos || colon > bracket);
  if (!has_port) host += ":443";
  return host;
}

}  // namespace psups::ups_gateway
