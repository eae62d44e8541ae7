#include "services/shipment-builder/address_check.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/shipment-builder/address_format.h"
#include "services/shipment-builder/address_place.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;
using Answer = ups::v1::ValidateAddressResponse;
using Kind = AddressDecision::Kind;

constexpr std::size_t kZip9 = 9;
constexpr char kPostBox[] =
    "UPS delivers to no post office box: a street address is wanted, or the mail takes it.";
constexpr char kMilitary[] =
    "UPS carries nothing to military and diplomatic post offices (APO, FPO, DPO): the mail takes "
    "it.";

Address OnLabel(const Address& asked, const Address& form, const std::string& postal,
                bool residential) {
  Address result = form;
  result.set_name(asked.name());
  result.set_attention_name(asked.attention_name());
  result.set_phone(asked.phone());
  result.set_postal_code(Digits(postal));
  result.set_country_code(asked.country_code());
  if (ShippingCountry(asked) == "PR") result.set_state("PR");
  result.set_residential(residential);
  return result;
}

Answer::Classification ClassOf(const Answer& answer, const Answer::Candidate* candidate) {
  if (candidate != nullptr && candidate->classification() != Answer::CLASSIFICATION_UNSPECIFIED) {
    return candidate->classification();
  }
  return answer.classification();
}

bool IsResidential(const Address& asked, const Answer& answer, const Answer::Candidate* candidate) {
  const Answer::Classification said = ClassOf(answer, candidate);
  return said == Answer::CLASSIFICATION_UNSPECIFIED ? asked.residential()
                                                    : said == Answer::RESIDENTIAL;
}

void Offer(const Address& asked, Address candidate, AddressDecision& decision) {
  decision.differences.push_back(Differences(asked, candidate));
  decision.candidates.push_back(std::move(candidate));
}

AddressDecision AskPerson(Reason reason, const Address& asked, const Answer& answer) {
  AddressDecision decision{.kind = Kind::kReview, .reason = reason};
  for (const auto& candidate : answer.candidates()) {
    Address address = candidate.address();
    address.set_residential(IsResidential(asked, answer, &candidate));
    Offer(asked, std::move(address), decision);
  }
  return decision;
}

// Where UPS's verdict does not matter, nor do its candidates.
AddressDecision NotDelivered(const char* note) {
  return {.kind = Kind::kReview, .reason = Reason::kAddressUndeliverable, .note = note};
}

// Ships, unless UPS's word on whether it is a home is against the rules.
AddressDecision Ship(Kind kind, const Address& asked, Address use, const AddressPolicy& policy) {
  if (!policy.review_residential_flip || use.residential() == asked.residential()) {
    return {.kind = kind, .use = std::move(use)};
  }
  AddressDecision decision{.kind = Kind::kReview,
                           .reason = Reason::kAddressResidential,
                           .note = use.residential()
                                       ? "UPS says that it is a home; the order says a business."
                                       : "UPS says that it is a business; the order says a home."};
  Offer(asked, std::move(use), decision);
  return decision;
}

AddressDecision Valid(const Address& asked, const Answer& answer,
                      const Answer::Candidate* candidate, const AddressPolicy& policy) {
  const std::string zip9 = candidate == nullptr ? "" : Digits(candidate->address().postal_code());
  const std::string postal = zip9.size() == kZip9 ? zip9 : asked.postal_code();
  return Ship(Kind::kValid, asked,
              OnLabel(asked, asked, postal, IsResidential(asked, answer, candidate)), policy);
}

AddressDecision Corrected(const Address& asked, const Answer& answer,
                          const Answer::Candidate& candidate, const AddressPolicy& policy) {
  return Ship(Kind::kCorrected, asked,
              OnLabel(asked, candidate.address(), candidate.address().postal_code(),
                      IsResidential(asked, answer, &candidate)),
              policy);
}

AddressDecision JudgeByForm(const Address& asked, const AddressPolicy& policy) {
  const std::string country = ShippingCountry(asked);
  if (country == "US" || country == "PR" || policy.countries.count(country) == 0) {
    return {.kind = Kind::kReview, .reason = Reason::kCountryUnsupported};
  }
  if (const auto problem = CheckFormat(asked)) {
    return {.kind = Kind::kReview,
            .reason = Reason::kAddressInvalid,
            .note = absl::StrCat("Its ", problem->field, " is not as addresses in ", country,
                                 " have it; want ", problem->want, ".")};
  }
  Address use = asked;
  use.set_country_code(country);
  use.set_state(absl::AsciiStrToUpper(absl::StripAsciiWhitespace(asked.state())));
  use.set_postal_code(WrittenPostalCode(asked));
  return {.kind = Kind::kValid, .use = std::move(use), .format_only = true};
}

}  // namespace

AddressDecision CheckAddress(const Address& asked, const Answer& answer,
                             const AddressPolicy& policy) {
  if (IsMilitary(asked)) return NotDelivered(kMilitary);
  if (IsPostBox(asked)) return NotDelivered(kPostBox);
  switch (answer.verdict()) {
    case Answer::AMBIGUOUS:
      return AskPerson(Reason::kAddressAmbiguous, asked, answer);
    case Answer::NO_CANDIDATES:
      return AskPerson(Reason::kAddressInvalid, asked, answer);
    case Answer::NOT_SUPPORTED:
      return JudgeByForm(asked, policy);
    case Answer::VALID:
      break;
    default:
      return AskPerson(Reason::kAddressInvalid, asked, answer);  // no verdict is no proof
  }
  if (answer.candidates().empty()) return Valid(asked, answer, nullptr, policy);
  for (const auto& candidate : answer.candidates()) {
    if (Compare(asked, candidate.address()) == Difference::kNone) {
      return Valid(asked, answer, &candidate, policy);
    }
  }
  if (answer.candidates_size() > 1) return AskPerson(Reason::kAddressAmbiguous, asked, answer);
  const auto& candidate = answer.candidates(0);
  switch (Compare(asked, candidate.address())) {
    case Difference::kNone:
    case Difference::kCosmetic:
      return Corrected(asked, answer, candidate, policy);
    case Difference::kUnit:
      return AskPerson(Reason::kAddressSuiteChanged, asked, answer);
    case Difference::kRange:
      return AskPerson(Reason::kAddressAmbiguous, asked, answer);
    case Difference::kMore:
      return AskPerson(Reason::kAddressChanged, asked, answer);
  }
  std::abort();
}

}  // namespace psups::shipment_builder
