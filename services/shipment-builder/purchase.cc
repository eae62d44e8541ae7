#include "services/shipment-builder/purchase.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "common/crypto.h"

namespace psups::shipment_builder {
namespace {

constexpr std::size_t kReferenceBytes = 16;  // 26 characters of base32

absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

}  // namespace

std::string DayForUps(const std::string& ship_date, absl::CivilDay today) {
  const std::string day = LeavingDay(ship_date, today);
  return absl::StrReplaceAll(day, {{"-", ""}});
}

void TakeParties(Shipment& shipment, const ValidatedParties& parties, Effects& effects) {
  shipment.ship_from = parties.ship_from;
  shipment.ship_to = parties.ship_to;
  shipment.ship_from_call = parties.ship_from_call;
  shipment.ship_to_call = parties.ship_to_call;
  shipment.validated = true;
  effects.parties_changed = true;
}

Effects OpenPurchase(Shipment& shipment, const std::string& account, const Calendar& calendar,
                     const Derive& derive) {
  Effects effects;
  const State from = shipment.state;
  std::string text =
      JoinUnambiguously({shipment.connection_id, shipment.order_id, shipment.shipment_id,
                         std::to_string(shipment.order_revision)});
  for (const Share& share : shipment.shares) {
    absl::StrAppend(&text, share.line, "/", share.schedule, "=", share.quantity.ToString(), ";");
  }
  const int number = shipment.purchase.number + 1;
  absl::StrAppend(&text, number);
  shipment.purchase = {.number = number,
                       .state = PurchaseState::kOpen,
                       .account = account,
                       .reference = absl::AsciiStrToUpper(
                           Base32(derive("purchase-reference", text).substr(0, kReferenceBytes))),
                       .ship_date = DayForUps(shipment.ship_date, calendar.today())};
  shipment.state = State::kLabeling;
  Progress(shipment);
  effects.allocation = Effects::Allocation::kTake;
  effects.purchase_changed = true;
  effects.lease = Effects::Lease::kRenew;
  effects.action = "shipment.purchase";
  effects.detail = {{"from", std::string(Name(from))},
                    {"to", std::string(Name(shipment.state))},
                    {"request_id", shipment.request_id()},
                    {"account", account},
                    {"reference", shipment.purchase.reference},
                    {"order", shipment.order_name()},
                    {"revision", shipment.order_revision},
                    {"validated_by",
                     {{"ship_from", shipment.ship_from_call}, {"ship_to", shipment.ship_to_call}}}};
  return effects;
}

ups::v1::CreateShipmentRequest RequestOf(const Shipment& shipment) {
  ups::v1::CreateShipmentRequest request;
  request.set_request_id(shipment.request_id());
  request.set_account(shipment.purchase.account);
  request.set_connection(absl::StrCat("connections/", shipment.connection_id));
  ups::v1::ShipmentSpec& spec = *request.mutable_shipment();
  *spec.mutable_ship_from() = shipment.ship_from;
  *spec.mutable_ship_to() = shipment.ship_to;
  spec.set_service_code(shipment.service_code);
  const Terms& terms = shipment.terms;
  for (std::size_t i = 0; i < shipment.packages.size(); ++i) {
    const Package& package = shipment.packages[i];
    ups::v1::PackageSpec& one = *spec.add_packages();
    one.set_weight_lb(package.weight_lb.ToString());
    one.set_length_in(package.length_in);
    one.set_width_in(package.width_in);
    one.set_height_in(package.height_in);
    one.set_packaging_code(package.packaging_code.empty() ? "02" : package.packaging_code);
    const int at = static_cast<int>(i);
    if (at < terms.declared_values_size() && terms.declared_values(at).amount_minor() > 0) {
      *one.mutable_declared_value() = terms.declared_values(at);
    }
  }
  ups::v1::Reference& reference = *spec.add_references();
  if (terms.has_reference()) {
    reference = terms.reference();
  } else {  // built before there were terms
    reference.set_code(shipment.document_type == "REQ" ? "RQ" : "PO");
    reference.set_value(absl::StrCat(shipment.business_unit, " ", shipment.document_id));
  }
  spec.set_label_format(terms.label_format().empty() ? "ZPL" : terms.label_format());
  spec.set_label_height_in(terms.label_height_in());
  spec.set_description(terms.description());
  spec.set_signature(terms.signature());
  spec.set_saturday_delivery(terms.saturday_delivery());
  if (terms.has_payment()) *spec.mutable_payment() = terms.payment();
  if (terms.has_invoice_total()) *spec.mutable_invoice_total() = terms.invoice_total();
  if (terms.has_customs()) *spec.mutable_customs() = terms.customs();
  if (shipment.estimate.has_value()) {
    request.mutable_expected_cost()->set_amount_minor(shipment.estimate->amount_minor);
    request.mutable_expected_cost()->set_currency_code(shipment.estimate->currency_code);
  }
  spec.set_ship_date(shipment.purchase.ship_date);
  spec.set_derived_reference(shipment.purchase.reference);
  return request;
}

ups::v1::CloseCallRequest CloseOf(const Shipment& shipment) {
  ups::v1::CloseCallRequest request;
  request.set_request_id(shipment.request_id());
  request.set_account(shipment.purchase.account);
  request.set_connection(absl::StrCat("connections/", shipment.connection_id));
  request.set_confirmed_by(shipment.purchase.confirmed_by);
  return request;
}

bool RefusedAsSuch(const absl::Status& status) {
  return absl::IsInvalidArgument(status) || absl::IsFailedPrecondition(status);
}

bool IsOutage(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kUnauthenticated:   // a credential or a setting: an operator's,
    case absl::StatusCode::kPermissionDenied:  // and all of it goes on when it is mended
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kUnimplemented:  // an older peer, during an upgrade
      return true;
    default:
      return false;
  }
}

PurchaseOutcome OutcomeOfRefusal(const absl::Status& refusal) {
  using Kind = PurchaseOutcome::Kind;
  const std::string message(refusal.message());
  if (absl::StartsWith(message, "shipment.ship_date")) {
    return {.kind = Kind::kNotMade,
            .message = message};  // its day passed; the next one has another
  }
  if (absl::StartsWith(message, "account.shipper")) {
    return {.kind = Kind::kRejected,
            .message = absl::StrCat("UPS wants to know more of the shipper (",
                                    message.substr(0, message.find(':')),
                                    "). Ask an administrator to set it (psupsctl account update), "
                                    "then retry.")};
  }
  if (absl::IsFailedPrecondition(refusal) || absl::StartsWith(message, "shipment.")) {
    return {.kind = Kind::kRejected,
            .message = absl::StrCat("The shipment cannot be sent to UPS as it is (",
                                    message.substr(0, message.find(':')),
                                    "). Correct the order in PeopleSoft, then retry.")};
  }
  return {.kind = Kind::kMalformed, .message = message};
}

PurchaseOutcome OutcomeOf(const absl::StatusOr<ups::v1::Call>& answer, absl::Time now) {
  using Kind = PurchaseOutcome::Kind;
  if (!answer.ok()) {
    return {.kind = IsOutage(answer.status()) ? Kind::kLater : Kind::kOurs,
            .message = std::string(answer.status().message())};
  }
  const ups::v1::Call& call = *answer;
  switch (call.state()) {
    case ups::v1::Call::DONE:
      return {.kind = Kind::kDone,
              .result = call.result(),
              // When it was asked for, not when a lost answer was found: no scan is earlier.
              .label_time = call.has_create_time() ? TimeOf(call.create_time()) : now};
    case ups::v1::Call::REJECTED:
      return {.kind = call.error().retryable() ? Kind::kRejectedForNow : Kind::kRejected,
              .ups_code = call.error().ups_code(),
              .message = call.error().clerk_message()};
    case ups::v1::Call::NOT_MADE:
      return {.kind = Kind::kNotMade, .message = call.doubt()};
    case ups::v1::Call::IN_DOUBT:
      return {.kind = call.needs_person() ? Kind::kInDoubtForPerson : Kind::kInDoubt,
              .message = call.doubt()};
    default:
      return {.kind = Kind::kLater, .message = "the gateway is sending it"};
  }
}

}  // namespace psups::shipment_builder
