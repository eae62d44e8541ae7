#include "services/shipment-builder/rules_check.h"

#include <algorithm>
#include <limits>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/status_macros.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "services/shipment-builder/field_check.h"
#include "services/shipment-builder/goods_check.h"

namespace psups::shipment_builder {
namespace {

namespace pb = psups::shipments::v1;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using pb::Rules;
using ups::v1::Payment;

constexpr std::string_view kTerms = " CFR CIF CIP CPT DAF DDP DAP DEQ DES EXW FAS FCA FOB ";
constexpr std::string_view kZipCountries = " US PR CA ";
// Fields whose values UPS, ISO and psups have in upper case.
constexpr std::string_view kUpperCase =
    " service_code service_codes account_number country_code origin_country_code countries "
    "currency_code unit_of_measure unit_of_measure_to stands_for unit purchase_order_code "
    "requisition_code label_format terms_of_shipment unit_code ";
// UPS's 2a, 2b and 2c.
constexpr std::string_view kLowerCase = " packaging_code ";

std::string Normal(const FieldDescriptor& field, const std::string& text) {
  const std::string trimmed(absl::StripAsciiWhitespace(text));
  if (IsIn(kUpperCase, field.name())) return absl::AsciiStrToUpper(trimmed);
  if (IsIn(kLowerCase, field.name())) return absl::AsciiStrToLower(trimmed);
  return trimmed;
}

void MakeNormal(Message& message) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool many = field->is_repeated();
    const int count = many ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        MakeNormal(many ? *reflection.MutableRepeatedMessage(&message, field, i)
                        : *reflection.MutableMessage(&message, field));
      } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        if (many) {
          reflection.SetRepeatedString(
              &message, field, i, Normal(*field, reflection.GetRepeatedString(message, field, i)));
        } else {
          reflection.SetString(&message, field,
                               Normal(*field, reflection.GetString(message, field)));
        }
      }
    }
  }
}

// Of a text or a choice, whatever the field. `index` < 0: the field is singular.
absl::Status CheckValue(const Message& message, const FieldDescriptor& field, int index,
                        const std::string& path) {
  const Reflection& reflection = *message.GetReflection();
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    const std::string text = index < 0 ? reflection.GetString(message, &field)
                                       : reflection.GetRepeatedString(message, &field, index);
    for (const unsigned char c : text) {
      if (absl::ascii_iscntrl(c)) return Refuse(path, "a control character", "plain text");
    }
  }
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM) {
    const int value = index < 0 ? reflection.GetEnumValue(message, &field)
                                : reflection.GetRepeatedEnumValue(message, &field, index);
    if (field.enum_type()->FindValueByNumber(value) == nullptr) {
      return Refuse(path, absl::StrCat(value), "a value of " + field.enum_type()->name());
    }
  }
  return absl::OkStatus();
}

absl::Status CheckValues(const Message& message, const std::string& at) {
  const Reflection& reflection = *message.GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const FieldDescriptor* field : fields) {
    const bool many = field->is_repeated();
    const int count = many ? reflection.FieldSize(message, field) : 1;
    for (int i = 0; i < count; ++i) {
      const std::string path = absl::StrCat(at, ".", field->name(),  //
                                            many ? absl::StrCat("[", i, "]") : "");
      if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        RETURN_IF_ERROR(CheckValues(many ? reflection.GetRepeatedMessage(message, field, i)
                                         : reflection.GetMessage(message, field),
                                    path));
      } else {
        RETURN_IF_ERROR(CheckValue(message, *field, many ? i : -1, path));
      }
    }
  }
  return absl::OkStatus();
}

// Two letters or digits, and there.
absl::Status CheckServiceCode(const std::string& code, const std::string& field) {
  RETURN_IF_ERROR(CheckRequired(code, "UPS's service code, such as \"03\"", field));
  return CheckCode(code, 2, 2, field);
}

absl::Status CheckServices(const Rules& rules) {
  for (int i = 0; i < rules.services_size(); ++i) {
    RETURN_IF_ERROR(CheckServiceCode(rules.services(i).service_code(),
                                     absl::StrCat("rules.services[", i, "].service_code")));
  }
  return absl::OkStatus();
}

// One payer, and only what names it.
absl::Status CheckPayment(const Payment& payment, const std::string& at) {
  const std::string& country = payment.country_code();
  if (payment.payer() == Payment::SHIPPER || payment.payer() == Payment::PAYER_UNSPECIFIED) {
    if (payment.account_number().empty() && payment.postal_code().empty() && country.empty()) {
      return absl::OkStatus();
    }
    return Refuse(at, "the account of another payer", "none where the shipper pays");
  }
  if (payment.account_number().size() != 6 || !CheckCode(payment.account_number(), 6, 6, at).ok()) {
    return Refuse(at + ".account_number",
                  absl::StrCat(payment.account_number().size(), " characters"),
                  "six letters or digits");
  }
  if (payment.payer() == Payment::THIRD_PARTY) {
    RETURN_IF_ERROR(CheckRequired(country, "the country of the account", at + ".country_code"));
  }
  RETURN_IF_ERROR(CheckCountry(country, at + ".country_code"));
  // Without a country it is the receiver's, which is one of these unless the rules say more.
  const bool wanted =
      payment.payer() == Payment::THIRD_PARTY || country.empty() || IsIn(kZipCountries, country);
  return CheckLength(payment.postal_code(), wanted ? 1 : 0, 10, at + ".postal_code");
}

absl::Status CheckFreight(const Rules& rules) {
  for (int i = 0; i < rules.freight_size(); ++i) {
    RETURN_IF_ERROR(
        CheckPayment(rules.freight(i).payment(), absl::StrCat("rules.freight[", i, "].payment")));
  }
  return absl::OkStatus();
}

absl::Status CheckAddresses(const Rules::Addresses& addresses) {
  for (int i = 0; i < addresses.countries_size(); ++i) {
    const std::string field = absl::StrCat("rules.addresses.countries[", i, "]");
    RETURN_IF_ERROR(CheckRequired(addresses.countries(i), "a country's code", field));
    RETURN_IF_ERROR(CheckCountry(addresses.countries(i), field));
  }
  return absl::OkStatus();
}

absl::Status CheckReferenceCode(const std::string& code, const std::string& field) {
  if (code == "TN") return Refuse(field, Came(code), "another: TN holds the derived reference");
  return CheckCode(code, 2, 2, field);
}

absl::Status CheckReference(const Rules::PackageReference& reference) {
  RETURN_IF_ERROR(
      CheckReferenceCode(reference.purchase_order_code(), "rules.reference.purchase_order_code"));
  return CheckReferenceCode(reference.requisition_code(), "rules.reference.requisition_code");
}

absl::Status CheckLabel(const Rules& rules) {
  RETURN_IF_ERROR(CheckCode(rules.packaging_code(), 2, 2, "rules.packaging_code"));
  if (!rules.label_format().empty() && !IsIn(" ZPL EPL SPL GIF ", rules.label_format())) {
    return Refuse("rules.label_format", Came(rules.label_format()), "ZPL, EPL, SPL or GIF");
  }
  const int height = rules.label_height_in();
  if (height != 0 && height != 6 && height != 8) {
    return Refuse("rules.label_height_in", absl::StrCat(height), "6 or 8");
  }
  RETURN_IF_ERROR(CheckLength(rules.description(), 0, 50, "rules.description"));
  return CheckRange(rules.declared_value_percent(), 0, 100, "rules.declared_value_percent");
}

absl::Status CheckBuying(const Rules::Buying& buying) {
  if (!buying.has_days_ahead()) return absl::OkStatus();
  return CheckRange(buying.days_ahead(), 0, 7, "rules.buying.days_ahead");
}

absl::Status CheckChoice(const Rules::Choice& choice) {
  std::set<std::string> seen;
  for (int i = 0; i < choice.service_codes_size(); ++i) {
    const std::string field = absl::StrCat("rules.choice.service_codes[", i, "]");
    RETURN_IF_ERROR(CheckServiceCode(choice.service_codes(i), field));
    if (!seen.insert(choice.service_codes(i)).second) {
      return Refuse(field, Came(choice.service_codes(i)) + " again", "each service once");
    }
  }
  if (!choice.has_price_cap()) return absl::OkStatus();
  const type::v1::Money& cap = choice.price_cap();
  if (cap.amount_minor() <= 0) {
    return Refuse("rules.choice.price_cap.amount_minor", absl::StrCat(cap.amount_minor()),
                  "more than 0");
  }
  const std::string field = "rules.choice.price_cap.currency_code";
  for (const unsigned char c : cap.currency_code()) {
    if (!absl::ascii_isupper(c)) return Refuse(field, Came(cap.currency_code()), "such as \"USD\"");
  }
  return CheckLength(cap.currency_code(), 3, 3, field);
}

absl::Status CheckPhone(const std::string& phone, const std::string& field) {
  if (phone.empty()) return absl::OkStatus();
  if (phone.find_first_not_of("0123456789 ()+-./") != phone.npos) {
    return Refuse(field, "other than digits and punctuation", "a number without extension");
  }
  const auto digits = std::count_if(phone.begin(), phone.end(),
                                    [](unsigned char c) { return absl::ascii_isdigit(c); });
  if (digits >= 1 && digits <= 15) return absl::OkStatus();
  return Refuse(field, absl::StrCat(digits, " digits"), "1 to 15");
}

absl::Status CheckInternational(const Rules::International& international) {
  const std::string at = "rules.international";
  RETURN_IF_ERROR(CheckLength(international.reason_for_export(), 0, 20, at + ".reason_for_export"));
  const std::string& terms = international.terms_of_shipment();
  if (!terms.empty() && !IsIn(kTerms, terms)) {
    return Refuse(at + ".terms_of_shipment", Came(terms), "one of UPS's terms, such as DAP");
  }
  RETURN_IF_ERROR(CheckCountry(international.origin_country_code(), at + ".origin_country_code"));
  RETURN_IF_ERROR(CheckCode(international.unit_code(), 1, 3, at + ".unit_code"));
  RETURN_IF_ERROR(CheckLength(international.attention_name(), 0, 35, at + ".attention_name"));
  return CheckPhone(international.phone(), at + ".phone");
}

absl::Status CheckLimits(const Rules::Limits& limits) {
  const std::string at = "rules.limits.";
  const auto count = [&](int32_t value, const char* name) {
    return CheckRange(value, 0, std::numeric_limits<int32_t>::max(), at + name);
  };
  RETURN_IF_ERROR(count(limits.purchases_per_hour(), "purchases_per_hour"));
  RETURN_IF_ERROR(count(limits.purchases_per_day(), "purchases_per_day"));
  RETURN_IF_ERROR(count(limits.vendor_purchases_per_hour(), "vendor_purchases_per_hour"));
  RETURN_IF_ERROR(count(limits.vendor_purchases_per_day(), "vendor_purchases_per_day"));
  RETURN_IF_ERROR(count(limits.anomaly_least(), "anomaly_least"));
  if (limits.anomaly_percent() == 0) return absl::OkStatus();
  return CheckRange(limits.anomaly_percent(), 100, 100'000, at + "anomaly_percent");
}

}  // namespace

shipments::v1::Rules NormalRules(shipments::v1::Rules rules) {
  MakeNormal(rules);
  return rules;
}

absl::Status CheckRules(const shipments::v1::Rules& rules) {
  RETURN_IF_ERROR(CheckValues(rules, "rules"));
  RETURN_IF_ERROR(CheckServices(rules));
  RETURN_IF_ERROR(CheckFreight(rules));
  RETURN_IF_ERROR(CheckGoods(rules));
  RETURN_IF_ERROR(CheckAddresses(rules.addresses()));
  RETURN_IF_ERROR(CheckReference(rules.reference()));
  RETURN_IF_ERROR(CheckLabel(rules));
  RETURN_IF_ERROR(CheckBuying(rules.buying()));
  RETURN_IF_ERROR(CheckChoice(rules.choice()));
  RETURN_IF_ERROR(CheckInternational(rules.international()));
  return CheckLimits(rules.limits());
}

}  // namespace psups::shipment_builder
