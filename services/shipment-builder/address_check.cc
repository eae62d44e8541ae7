#include "services/shipment-builder/address_check.h"

#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "services/shipment-builder/address_text.h"

namespace psups::shipment_builder {
namespace {

using Address = type::v1::Address;
using Answer = ups::v1::ValidateAddressResponse;

constexpr std::size_t kZip5 = 5;
constexpr std::size_t kZip9 = 9;

// How far a candidate is from what was asked.
enum class Difference { kNone, kCosmetic, kUnit, kMore };

std::vector<std::string> Lines(const Address& address) {
  return {address.lines().begin(), address.lines().end()};
}

bool SameText(const std::string& a, const std::string& b) {
  return absl::AsciiStrToUpper(absl::StripAsciiWhitespace(a)) ==
         absl::AsciiStrToUpper(absl::StripAsciiWhitespace(b));
}

Difference Compare(const Address& asked, const Address& candidate) {
  const StreetText ours = NormalStreet(Lines(asked));
  const StreetText theirs = NormalStreet(Lines(candidate));
  if (!SameUnits(ours.units, theirs.units)) return Difference::kUnit;
  if (!SameText(asked.state(), candidate.state())) return Difference::kMore;
  if (!candidate.country_code().empty() &&
      !SameText(asked.country_code(), candidate.country_code())) {
    return Difference::kMore;
  }
  const std::string our_zip = Digits(asked.postal_code());
  const std::string their_zip = Digits(candidate.postal_code());
  if (our_zip.substr(0, kZip5) != their_zip.substr(0, kZip5)) return Difference::kMore;

  Difference difference = Difference::kNone;
  if (ours.words != theirs.words) {
    if (WithoutStreetType(ours.words) != WithoutStreetType(theirs.words)) return Difference::kMore;
    difference = Difference::kCosmetic;
  }
  if (NormalCity(asked.city()) != NormalCity(candidate.city())) {
    if (!SameCityMisspelt(asked.city(), candidate.city())) return Difference::kMore;
    difference = Difference::kCosmetic;
  }
  // A ZIP+4 that is added changes nothing; one that is another does.
  if (our_zip.size() == kZip9 && their_zip.size() == kZip9 && our_zip != their_zip) {
    difference = Difference::kCosmetic;
  }
  return difference;
}

Address OnLabel(const Address& asked, const Address& form, const std::string& postal,
                bool residential) {
  Address result = form;
  result.set_name(asked.name());
  result.set_attention_name(asked.attention_name());
  result.set_phone(asked.phone());
  result.set_postal_code(Digits(postal));
  result.set_country_code(asked.country_code());
  result.set_residential(residential);
  return result;
}

bool IsResidential(const Address& asked, const Answer& answer, const Answer::Candidate* candidate) {
  if (candidate != nullptr && candidate->classification() != Answer::CLASSIFICATION_UNSPECIFIED) {
    return candidate->classification() == Answer::RESIDENTIAL;
  }
  if (answer.classification() != Answer::CLASSIFICATION_UNSPECIFIED) {
    return answer.classification() == Answer::RESIDENTIAL;
  }
  return asked.residential();
}

AddressDecision AskPerson(Reason reason, const Answer& answer) {
  AddressDecision decision{.kind = AddressDecision::Kind::kReview, .reason = reason};
  for (const auto& candidate : answer.candidates()) {
    decision.candidates.push_back(candidate.address());
  }
  return decision;
}

AddressDecision Valid(const Address& asked, const Answer& answer,
                      const Answer::Candidate* candidate) {
  const std::string zip9 = candidate == nullptr ? "" : Digits(candidate->address().postal_code());
  const std::string postal = zip9.size() == kZip9 ? zip9 : asked.postal_code();
  return {.kind = AddressDecision::Kind::kValid,
          .use = OnLabel(asked, asked, postal, IsResidential(asked, answer, candidate))};
}

}  // namespace

AddressDecision CheckAddress(const Address& asked, const Answer& answer) {
  switch (answer.verdict()) {
    case Answer::AMBIGUOUS:
      return AskPerson(Reason::kAddressAmbiguous, answer);
    case Answer::NO_CANDIDATES:
      return AskPerson(Reason::kAddressInvalid, answer);
    case Answer::NOT_SUPPORTED:
      return AskPerson(Reason::kCountryUnsupported, answer);
    case Answer::VALID:
      break;
    default:
      return AskPerson(Reason::kAddressInvalid, answer);  // no verdict is no proof
  }
  if (answer.candidates().empty()) return Valid(asked, answer, nullptr);
  for (const auto& candidate : answer.candidates()) {
    if (Compare(asked, candidate.address()) == Difference::kNone) {
      return Valid(asked, answer, &candidate);
    }
  }
  if (answer.candidates_size() > 1) return AskPerson(Reason::kAddressAmbiguous, answer);
  const auto& candidate = answer.candidates(0);
  switch (Compare(asked, candidate.address())) {
    case Difference::kNone:
    case Difference::kCosmetic:
      return {.kind = AddressDecision::Kind::kCorrected,
              .use = OnLabel(asked, candidate.address(), candidate.address().postal_code(),
                             IsResidential(asked, answer, &candidate))};
    case Difference::kUnit:
      return AskPerson(Reason::kAddressSuiteChanged, answer);
    case Difference::kMore:
      return AskPerson(Reason::kAddressChanged, answer);
  }
  std::abort();
}

}  // namespace psups::shipment_builder
