#include "services/ups-gateway/wire/error_catalogue.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/ups-gateway/wire/json_reader.h"

namespace psups::ups_gateway {
namespace {

// UPS's APIs as their error codes are grouped.
enum class Api { kAny, kAlert, kAddress, kShip, kVoid, kLabel, kTrack, kRating };

Api ApiOf(Operation operation) {
  switch (operation) {
    case Operation::kToken:
    case Operation::kProbe:
    case Operation::kTimeInTransit:
    case Operation::kQuantumView:
      return Api::kAny;
    case Operation::kRating:
      return Api::kRating;
    case Operation::kAddress:
      return Api::kAddress;
    case Operation::kShip:
      return Api::kShip;
    case Operation::kVoid:
      return Api::kVoid;
    case Operation::kRecovery:
      return Api::kLabel;
    case Operation::kTrack:
    case Operation::kTrackReference:
      return Api::kTrack;
    case Operation::kSubscribe:
      return Api::kAlert;
  }
  return Api::kAny;
}

// Codes from `first` to `last` (both the same for one code). `http_status` 0 is any.
struct CatalogueRow {
  Api api;
  std::string_view first;
  std::string_view last;
  int http_status;
  Action action;
  std::string_view sentence;
};

constexpr std::size_t kMostCodeBytes = 12;

constexpr std::string_view kLater =
    "UPS cannot do this now. Nothing to do: it is tried again by itself.";
constexpr std::string_view kBug =
    "UPS did not understand our request. Tell the support team; they must correct the program.";
constexpr std::string_view kAccount =
    "UPS refuses the account's credentials. Ask an administrator to check the account in UPS's "
    "developer portal.";
constexpr std::string_view kPayer =
    "UPS does not accept the paying account. Ask an administrator to check the account number and "
    "its status with UPS.";
constexpr std::string_view kToAddress =
    "UPS does not accept the ship-to address. Correct the location's name, street, city, state or "
    "ZIP, then retry.";
constexpr std::string_view kFromAddress =
    "UPS does not accept the shipper or ship-from address. Correct the vendor's or the account's "
    "address, then retry.";
constexpr std::string_view kZipAndState =
    "UPS does not find the ZIP in the state. Check ZIP and state of both addresses, then retry.";
constexpr std::string_view kPayment =
    "UPS does not accept how this shipment is paid. Check who pays and the account number, then "
    "retry.";
constexpr std::string_view kService =
    "UPS does not offer this service between these two places. Choose another service, then retry.";
constexpr std::string_view kPackage =
    "UPS does not accept a package's weight, size or packaging. Correct the item's measures, then "
    "retry.";
constexpr std::string_view kTooMany =
    "The shipment has more packages than UPS takes in one. Split the order into smaller shipments.";
constexpr std::string_view kCustoms =
    "UPS does not accept the customs papers. Complete the goods' description, value and origin, "
    "then retry.";
constexpr std::string_view kUnknownOutcome =
    "UPS did not say whether it made the shipment. Wait: it is being asked; do not ship by hand.";
constexpr std::string_view kTooLateToVoid =
    "UPS no longer voids this shipment. Ask UPS's billing for a refund, or accept the charge.";
constexpr std::string_view kPickedUp =
    "UPS has already picked the shipment up. Ask UPS to intercept it, or refuse the delivery.";
constexpr std::string_view kVoidWhole =
    "UPS does not void this number by itself. Void the whole shipment at ups.com or call UPS.";
constexpr std::string_view kSeveralExist =
    "UPS has several shipments under our number. Look them up at ups.com and void the surplus "
    "ones.";
constexpr std::string_view kWasVoided =
    "UPS has the shipment, and it is voided. Check who voided it before shipping again.";
constexpr std::string_view kLabelGone =
    "UPS does not give the label again. Print it at ups.com from the shipping history.";
constexpr std::string_view kNothingYet =
    "UPS knows nothing of it yet. Nothing to do: it is asked again.";
constexpr std::string_view kBadNumber =
    "UPS says this is no tracking number. Check the number that was entered.";
constexpr std::string_view kTestWorld =
    "UPS's test environment does not answer for this. Use the production account, or a place and "
    "number that it knows.";
constexpr std::string_view kSubscription =
    "UPS takes none of these numbers for tracking. Check the tracking numbers of the shipment.";
constexpr std::string_view kUnknownRefusal =
    "UPS refuses the shipment for a reason we do not know. Ask UPS's support, correct it, then "
    "retry.";
constexpr std::string_view kDone = "UPS had done it before. Nothing to do.";
constexpr std::string_view kRatesRefused =
    "UPS made the shipment at list rates. Ask an administrator to check the account's negotiated "
    "rates with UPS.";
constexpr std::string_view kDoubtfulAddress =
    "UPS made the shipment but doubts its address. Check the address before the parcel leaves.";
constexpr std::string_view kContents =
    "UPS does not accept the value of the goods. Correct the order's value and currency, then "
    "retry.";
constexpr std::string_view kBlocked =
    "UPS has blocked the account. Ask an administrator to call UPS.";

// ups.md of the reference holds where each row comes from. The first row that matches counts, so
// single codes stand before ranges.
constexpr CatalogueRow kRows[] = {
    {Api::kAny, "251004", "251004", 0, Action::kRenewToken, kLater},
    {Api::kAny, "UJ0001", "UJ0001", 0, Action::kRenewToken, kAccount},
    {Api::kAny, "250002", "250002", 0, Action::kRenewToken, kAccount},
    {Api::kAny, "10401", "10401", 0, Action::kConfigure, kAccount},
    {Api::kAny, "250003", "250003", 0, Action::kConfigure, kAccount},
    {Api::kAny, "250007", "250007", 0, Action::kConfigure, kAccount},
    {Api::kAny, "10429", "10429", 0, Action::kBackOff, kLater},
    {Api::kAny, "20001", "20001", 0, Action::kBackOff, kLater},

    {Api::kAlert, "10004", "10004", 0, Action::kBackOff, kLater},
    {Api::kAlert, "VSS100", "VSS100", 0, Action::kBackOff, kLater},
    {Api::kAlert, "10007", "10007", 0, Action::kConfigure, kBug},
    {Api::kAlert, "VSS215", "VSS215", 0, Action::kConfigure, kTestWorld},
    {Api::kAlert, "VSS200", "VSS220", 0, Action::kReview, kSubscription},
    {Api::kAlert, "VSS000", "VSS930", 0, Action::kConfigure, kBug},

    {Api::kAddress, "9264028", "9264028", 0, Action::kConfigure, kBug},
    {Api::kAddress, "264030", "264030", 0, Action::kReview, kTestWorld},
    {Api::kAddress, "9264030", "9264030", 0, Action::kReview, kTestWorld},

    {Api::kShip, "120001", "120001", 0, Action::kReconcile, kUnknownOutcome},
    {Api::kShip, "120021", "120021", 0, Action::kReconcile, kUnknownOutcome},
    {Api::kShip, "120020", "120020", 0, Action::kReview, kTooMany},
    {Api::kShip, "120100", "120100", 0, Action::kConfigure, kPayer},
    {Api::kShip, "120120", "120122", 0, Action::kConfigure, kPayer},
    {Api::kShip, "120124", "120124", 0, Action::kReview, kService},
    {Api::kShip, "120101", "120119", 0, Action::kConfigure, kFromAddress},
    {Api::kShip, "120801", "120801", 0, Action::kConfigure, kFromAddress},
    {Api::kShip, "120803", "120803", 0, Action::kConfigure, kFromAddress},
    {Api::kShip, "120300", "120399", 0, Action::kConfigure, kFromAddress},
    {Api::kShip, "120200", "120218", 0, Action::kReview, kToAddress},
    {Api::kShip, "120802", "120802", 0, Action::kReview, kToAddress},
    {Api::kShip, "120413", "120413", 0, Action::kConfigure, kPayer},
    {Api::kShip, "120415", "120415", 0, Action::kConfigure, kPayer},
    {Api::kShip, "120400", "120437", 0, Action::kReview, kPayment},
    {Api::kShip, "121527", "121530", 0, Action::kReview, kPayment},
    {Api::kShip, "120500", "120500", 0, Action::kReview, kService},
    {Api::kShip, "121100", "121100", 0, Action::kReview, kService},
    {Api::kShip, "121210", "121210", 0, Action::kReview, kService},
    {Api::kShip, "121513", "121513", 0, Action::kReview, kService},
    {Api::kShip, "120541", "120544", 0, Action::kReview, kBug},
    {Api::kShip, "120528", "120548", 0, Action::kReview, kPackage},
    {Api::kShip, "120600", "120609", 0, Action::kReview, kPackage},
    {Api::kShip, "121030", "121030", 0, Action::kReview, kPackage},
    {Api::kShip, "121050", "121056", 0, Action::kReview, kPackage},
    {Api::kShip, "128001", "128090", 0, Action::kReview, kCustoms},
    {Api::kShip, "120900", "120901", 200, Action::kStore, kRatesRefused},
    {Api::kShip, "120804", "120806", 200, Action::kStore, kDoubtfulAddress},
    {Api::kShip, "123020", "123021", 200, Action::kStore, kDoubtfulAddress},

    {Api::kVoid, "190001", "190002", 0, Action::kBackOff, kLater},
    {Api::kVoid, "190117", "190117", 0, Action::kDone, kDone},
    {Api::kVoid, "190101", "190102", 0, Action::kReview, kTooLateToVoid},
    {Api::kVoid, "190103", "190103", 0, Action::kReview, kPickedUp},
    {Api::kVoid, "190109", "190122", 0, Action::kReview, kVoidWhole},

    {Api::kLabel, "300000", "300000", 0, Action::kBackOff, kLater},
    {Api::kLabel, "300007", "300007", 0, Action::kNotFound, kNothingYet},
    {Api::kLabel, "300001", "300001", 0, Action::kSeveral, kSeveralExist},
    {Api::kLabel, "300035", "300035", 0, Action::kSeveral, kSeveralExist},
    {Api::kLabel, "300033", "300033", 0, Action::kVoided, kWasVoided},
    {Api::kLabel, "300002", "300003", 0, Action::kReview, kLabelGone},
    {Api::kLabel, "300006", "300006", 0, Action::kReview, kLabelGone},
    {Api::kLabel, "300034", "300034", 0, Action::kReview, kLabelGone},
    {Api::kLabel, "300005", "300005", 0, Action::kReview, kBug},
    {Api::kLabel, "300014", "300014", 0, Action::kReview, kBug},
    {Api::kLabel, "300030", "300031", 0, Action::kReview, kBug},

    {Api::kTrack, "TV1002", "TV1002", 0, Action::kReview, kBadNumber},
    {Api::kTrack, "TW0001", "TW0001", 0, Action::kNotFound, kNothingYet},

    {Api::kRating, "110002", "110002", 0, Action::kReview, kBug},
    {Api::kRating, "110003", "110003", 0, Action::kReview, kTooMany},
    {Api::kRating, "110004", "110006", 0, Action::kReview, kFromAddress},
    {Api::kRating, "110014", "110017", 0, Action::kReview, kFromAddress},
    {Api::kRating, "110046", "110046", 0, Action::kReview, kFromAddress},
    {Api::kRating, "110308", "110308", 0, Action::kReview, kFromAddress},
    {Api::kRating, "110010", "110013", 0, Action::kReview, kToAddress},
    {Api::kRating, "110045", "110045", 0, Action::kReview, kToAddress},
    {Api::kRating, "110208", "110208", 0, Action::kReview, kToAddress},
    {Api::kRating, "111285", "111286", 0, Action::kReview, kZipAndState},
    {Api::kRating, "110020", "110023", 0, Action::kReview, kPackage},
    {Api::kRating, "110548", "110548", 0, Action::kReview, kPackage},
    {Api::kRating, "110609", "110609", 0, Action::kReview, kPackage},
    {Api::kRating, "111030", "111036", 0, Action::kReview, kPackage},
    {Api::kRating, "111055", "111057", 0, Action::kReview, kPackage},
    {Api::kRating, "111546", "111546", 0, Action::kReview, kPackage},
    {Api::kRating, "111100", "111100", 0, Action::kReview, kService},
    {Api::kRating, "111210", "111217", 0, Action::kReview, kService},
    {Api::kRating, "111549", "111549", 0, Action::kReview, kContents},
    {Api::kRating, "111580", "111580", 0, Action::kReview, kPayment},

    {Api::kAny, "10001", "10013", 400, Action::kReview, kBug},
    {Api::kAny, "20002", "20012", 400, Action::kReview, kBug},
};

// Codes of one family compare as numbers behind the same prefix of letters.
struct ParsedCode {
  std::string_view prefix;
  int64_t number = -1;
};

ParsedCode ParseCode(std::string_view code) {
  const std::size_t digits = std::min(code.find_first_of("0123456789"), code.size());
  ParsedCode parsed{code.substr(0, digits), -1};
  const std::string_view rest = code.substr(digits);
  int64_t number = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (error == std::errc() && end == rest.data() + rest.size()) parsed.number = number;
  return parsed;
}

bool Matches(const CatalogueRow& row, Api api, std::string_view code, int http_status) {
  if (row.api != Api::kAny && row.api != api) return false;
  if (row.http_status != 0 && row.http_status != http_status) return false;
  if (code == row.first) return true;
  if (row.first == row.last) return false;
  const ParsedCode asked = ParseCode(code);
  const ParsedCode first = ParseCode(row.first);
  const ParsedCode last = ParseCode(row.last);
  return asked.number >= 0 && asked.prefix == first.prefix && first.number <= asked.number &&
         asked.number <= last.number;
}

bool LooksLikeACode(std::string_view text) {
  return text.size() <= kMostCodeBytes && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c));
         });
}

}  // namespace

CatalogueEntry Look(Operation operation, std::string_view code, int http_status) {
  const bool silence = http_status == 0 || http_status == 408 || http_status >= 500;
  // Whatever the code says: behind these the shipment may stand.
  if (silence && operation == Operation::kShip) return {Action::kReconcile, kUnknownOutcome};
  if (!code.empty()) {
    for (const CatalogueRow& row : kRows) {
      if (Matches(row, ApiOf(operation), code, http_status)) return {row.action, row.sentence};
    }
  }
  if (http_status == 401) return {Action::kRenewToken, kAccount};
  if (http_status == 403) return {Action::kConfigure, kBlocked};
  if (silence || http_status == 429) return {Action::kBackOff, kLater};
  return {Action::kReview, kUnknownRefusal};
}

std::vector<std::string_view> AllSentences() {
  std::vector<std::string_view> sentences = {kUnknownRefusal, kBlocked};
  for (const CatalogueRow& row : kRows) sentences.push_back(row.sentence);
  std::sort(sentences.begin(), sentences.end());
  sentences.erase(std::unique(sentences.begin(), sentences.end()), sentences.end());
  return sentences;
}

std::vector<UpsError> ErrorsOf(const HttpResponse& response) {
  // One of these is in every shape; a reply without them need not be read once more for it.
  const bool may_hold_some = absl::StrContains(response.body, "\"errors\"") ||
                             absl::StrContains(response.body, "\"warnings\"") ||
                             absl::StrContains(response.body, "\"Error\"") ||
                             absl::StrContains(response.body, "\"ErrorDetail\"");
  std::vector<UpsError> errors;
  const auto add = [&](const Json& error, std::string_view code, std::string_view message) {
    UpsError found{Text(error, code), Text(error, message)};
    if (!found.code.empty() || !found.message.empty()) errors.push_back(std::move(found));
  };
  const Json json = may_hold_some ? ParseJson(response.body) : Json();
  for (const Json* at : {&At(json, "response"), &json}) {
    for (const Json* error : Many(*at, "errors")) add(*error, "code", "message");
  }
  for (const Json* shipment : Many(At(json, "trackResponse"), "shipment")) {
    for (const Json* warning : Many(*shipment, "warnings")) add(*warning, "code", "message");
  }
  const Json& quantum_view = At(At(json, "QuantumViewResponse"), "Response");
  for (const Json* error : Many(quantum_view, "Error")) {
    add(*error, "ErrorCode", "ErrorDescription");
  }
  const Json& fault = At(At(At(json, "Fault"), "detail"), "Errors");
  for (const Json* detail : Many(fault, "ErrorDetail")) {
    add(At(*detail, "PrimaryErrorCode"), "Code", "Description");
  }
  if (errors.empty()) {
    // Some refusals come without a body, the code in a header.
    for (const auto& [name, value] : response.headers) {
      if (absl::EqualsIgnoreCase(name, "APIErrorCode")) errors.push_back({value, ""});
    }
  }
  return errors;
}

std::string CodeOf(const HttpResponse& response) {
  for (UpsError& error : ErrorsOf(response)) {
    if (!error.code.empty()) return LooksLikeACode(error.code) ? std::move(error.code) : "";
  }
  return "";
}

std::string ErrorCodeOf(const HttpResponse& response) {
  const bool success = response.status >= 200 && response.status <= 299;
  if (success && !response.body.empty() && !absl::StrContains(response.body, "\"errors\"") &&
      !absl::StrContains(response.body, "\"Fault\"")) {
    return "";
  }
  return CodeOf(response);
}

std::string_view NameOf(Action action) {
  switch (action) {
    case Action::kRenewToken:
      return "renew_token";
    case Action::kBackOff:
      return "back_off";
    case Action::kReconcile:
      return "reconcile";
    case Action::kReview:
      return "review";
    case Action::kConfigure:
      return "configure";
    case Action::kDone:
      return "done";
    case Action::kNotFound:
      return "not_found";
    case Action::kSeveral:
      return "several";
    case Action::kVoided:
      return "voided";
    case Action::kStore:
      return "store";
  }
  return "";
}

absl::Status StatusFromUps(Operation operation, const HttpResponse& response) {
  const std::string code = CodeOf(response);
  const CatalogueEntry entry = Look(operation, code, response.status);
  const std::string name(NameOf(operation));
  const std::string message =
      absl::StrCat(std::string(entry.sentence), " (UPS ", name, ": HTTP ", response.status,
                   code.empty() ? "" : ", code ", code, ")");
  switch (entry.action) {
    case Action::kBackOff:
      return response.status == 429 ? absl::ResourceExhaustedError(message)
                                    : absl::UnavailableError(message);
    case Action::kReconcile:
      return absl::UnavailableError(message);
    case Action::kRenewToken:
      return absl::UnauthenticatedError(message);
    case Action::kConfigure:
      return response.status == 403 ? absl::PermissionDeniedError(message)
                                    : absl::UnauthenticatedError(message);
    case Action::kNotFound:
      return absl::NotFoundError(message);
    case Action::kReview:
    case Action::kDone:
    case Action::kSeveral:
    case Action::kVoided:
    case Action::kStore:
      return absl::FailedPreconditionError(message);
  }
  return absl::InternalError(message);
}

}  // namespace psups::ups_gateway
