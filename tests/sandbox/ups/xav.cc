#include "tests/sandbox/ups/xav.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace psups::ups_sandbox {
namespace {

constexpr int kDefaultCandidates = 15;
constexpr int kMostCandidates = 50;

std::string Fold(const std::string& text) {
  const std::vector<std::string> words =
      absl::StrSplit(absl::AsciiStrToUpper(text), absl::ByAnyChar(" \t\r\n"), absl::SkipEmpty());
  return absl::StrJoin(words, " ");
}

std::string RegionKey(const std::string& city, const std::string& state,
                      const std::string& postal) {
  return absl::StrCat(Fold(city), "|", Fold(state), "|", Fold(postal).substr(0, 5));
}

std::string Key(const std::vector<std::string>& lines, const std::string& region_key) {
  return absl::StrCat(Fold(absl::StrJoin(lines, " ")), "|", region_key);
}

std::optional<std::vector<std::string>> Lines(const Json& list) {
  std::vector<std::string> lines;
  if (list.is_null()) return lines;
  if (!list.is_array()) return std::nullopt;
  for (const Json& line : list) {
    if (!line.is_string()) return std::nullopt;
    lines.push_back(line.get<std::string>());
  }
  return lines;
}

std::string ClassName(const std::string& code) {
  return code == "1" ? "Commercial" : code == "2" ? "Residential" : "UnClassified";
}

Json Classification(const std::string& code) {
  return {{"Code", code}, {"Description", ClassName(code)}};
}

struct Region {
  std::string city;
  std::string state;
  std::string postal;
};

// The one field "CITY,ST,ZIP" outweighs the four.
Region RegionOf(const Json& address) {
  const std::string region = TextAt(address, {"Region"});
  if (region.empty()) {
    return {TextAt(address, {"PoliticalDivision2"}), TextAt(address, {"PoliticalDivision1"}),
            TextAt(address, {"PostcodePrimaryLow"})};
  }
  std::vector<std::string> parts = absl::StrSplit(region, ',');
  parts.resize(3);
  return {Fold(parts[0]), Fold(parts[1]), Fold(parts[2])};
}

std::optional<UpsError> CheckAddress(const Json& body, bool cie) {
  const Json& address = At(body, {"XAVRequest", "AddressKeyFormat"});
  if (!address.is_object())
    return UpsError{400, "20007", "Missing required field: AddressKeyFormat"};
  if (const auto path = FirstNonText(At(body, {"XAVRequest"})))
    return UpsError{400, "10002", absl::StrCat(*path, " must be a text")};
  const std::string country = TextAt(address, {"CountryCode"});
  if (country.empty()) return UpsError{400, "20007", "Missing required field: CountryCode"};
  if (country != "US" && country != "PR")
    return UpsError{400, "20008", "The country is not supported: want US or PR"};
  const auto lines = Lines(At(address, {"AddressLine"}));
  if (!lines) return UpsError{400, "10002", "AddressLine must be a list"};
  if (lines->size() > 3) return UpsError{400, "20008", "At most 3 address lines are allowed"};
  for (const std::string& line : *lines) {
    if (line.size() > 100) return UpsError{400, "20008", "An address line is too long"};
  }
  const std::string state = Fold(RegionOf(address).state);
  if (cie && state != "NY" && state != "CA") {
    return UpsError{400, "9264030",
                    "The state is not supported in the Customer Integration Environment."};
  }
  return std::nullopt;
}

}  // namespace

absl::Status AddressBook::Add(const Json& addresses) {
  if (!addresses.is_array()) return absl::InvalidArgumentError("want a list of addresses");
  std::unordered_map<std::string, Entry> fresh;
  std::unordered_map<std::string, Candidate> regions;
  for (const Json& item : addresses) {
    const auto lines = Lines(At(item, {"input", "lines"}));
    if (!lines || !At(item, {"input"}).is_object())
      return absl::InvalidArgumentError("input: want lines, city, state and postal");
    Entry entry;
    const std::string verdict = TextAt(item, {"verdict"});
    if (verdict == "valid") {
      entry.verdict = Verdict::kValid;
    } else if (verdict == "ambiguous") {
      entry.verdict = Verdict::kAmbiguous;
    } else if (verdict != "none") {
      return absl::InvalidArgumentError("verdict: want valid|ambiguous|none");
    }
    const Region region{TextAt(item, {"input", "city"}), TextAt(item, {"input", "state"}),
                        TextAt(item, {"input", "postal"})};
    for (const Json& one : At(item, {"candidates"})) {
      const auto candidate_lines = Lines(At(one, {"lines"}));
      if (!candidate_lines)
        return absl::InvalidArgumentError("candidates: want lines, city, state and postal");
      Candidate& candidate = entry.candidates.emplace_back();
      candidate.lines = *candidate_lines;
      candidate.city = TextAt(one, {"city"});
      candidate.state = TextAt(one, {"state"});
      candidate.postal = TextAt(one, {"postal"});
      candidate.postal_extended = TextAt(one, {"postal_extended"});
      const std::string classification = TextAt(one, {"classification"});
      if (!classification.empty()) candidate.classification = classification;
    }
    if (entry.verdict == Verdict::kValid && entry.candidates.empty()) {
      entry.candidates.push_back({.lines = *lines,
                                  .city = Fold(region.city),
                                  .state = Fold(region.state),
                                  .postal = region.postal});
    }
    for (const Candidate& candidate : entry.candidates) {
      regions[RegionKey(candidate.city, candidate.state, candidate.postal)] = {
          .city = candidate.city, .state = candidate.state, .postal = candidate.postal};
    }
    fresh[Key(*lines, RegionKey(region.city, region.state, region.postal))] = std::move(entry);
  }
  const std::lock_guard lock(mutex_);
  for (auto& [key, entry] : fresh) entries_[key] = std::move(entry);
  regions_.merge(regions);
  return absl::OkStatus();
}

HttpResponse AddressBook::Validate(const std::string& option, bool cie,
                                   const HttpServerRequest& request) const {
  if (option != "1" && option != "2" && option != "3")
    return ToResponse(UpsError{400, "9264028", "Invalid or missing request option."});
  const Json body = Json::parse(request.body, nullptr, /*allow_exceptions=*/false);
  if (body.is_discarded())
    return ToResponse(UpsError{400, "10001", "The request is not well-formed JSON"});
  if (const auto refusal = CheckAddress(body, cie)) return ToResponse(*refusal);
  int most = kDefaultCandidates;
  if (const auto asked = QueryValue(request.query, "maximumcandidatelistsize");
      asked && (!absl::SimpleAtoi(*asked, &most) || most < 0 || most > kMostCandidates))
    return ToResponse(UpsError{400, "20008", "maximumcandidatelistsize: want 0 to 50"});
  const bool regional = QueryValue(request.query, "regionalrequestindicator") == "True";
  const bool classify = option != "1" && !regional;

  const Entry entry = Find(At(body, {"XAVRequest", "AddressKeyFormat"}), regional);
  Json reply = {{"Response", SuccessHeader(At(body, {"XAVRequest", "Request"}))}};
  if (classify) {
    const bool certain = entry.verdict == Verdict::kValid && !entry.candidates.empty();
    reply["AddressClassification"] =
        Classification(certain ? entry.candidates[0].classification : "0");
  }
  if (option != "2") {
    switch (entry.verdict) {
      case Verdict::kNone:
        reply["NoCandidatesIndicator"] = "";
        break;
      case Verdict::kValid:
        reply["ValidAddressIndicator"] = "";
        break;
      case Verdict::kAmbiguous:
        reply["AmbiguousAddressIndicator"] = "";
        break;
    }
    Json candidates = Json::array();
    for (const Candidate& candidate : entry.candidates) {
      if (static_cast<int>(candidates.size()) == most) break;
      candidates.push_back(ToJson(candidate, classify));
    }
    if (!candidates.empty()) reply["Candidate"] = std::move(candidates);
  }
  return ToResponse(Json{{"XAVResponse", std::move(reply)}});
}

AddressBook::Entry AddressBook::Find(const Json& address, bool regional) const {
  const Region region = RegionOf(address);
  const std::string region_key = RegionKey(region.city, region.state, region.postal);
  const std::lock_guard lock(mutex_);
  if (regional) {
    const auto found = regions_.find(region_key);
    if (found == regions_.end()) return {};
    return {.verdict = Verdict::kValid, .candidates = {found->second}};
  }
  const auto found = entries_.find(
      Key(Lines(At(address, {"AddressLine"})).value_or(std::vector<std::string>()), region_key));
  return found == entries_.end() ? Entry{} : found->second;
}

Json AddressBook::ToJson(const Candidate& candidate, bool classify) {
  std::string zip = candidate.postal;
  if (!candidate.postal_extended.empty()) absl::StrAppend(&zip, "-", candidate.postal_extended);
  Json address = {{"PoliticalDivision2", candidate.city},
                  {"PoliticalDivision1", candidate.state},
                  {"PostcodePrimaryLow", candidate.postal},
                  {"Region", absl::StrCat(candidate.city, " ", candidate.state, " ", zip)},
                  {"CountryCode", "US"}};
  if (!candidate.lines.empty()) address["AddressLine"] = candidate.lines;
  if (!candidate.postal_extended.empty())
    address["PostcodeExtendedLow"] = candidate.postal_extended;
  Json json = {{"AddressKeyFormat", std::move(address)}};
  if (classify) json["AddressClassification"] = Classification(candidate.classification);
  return json;
}

void AddressBook::Clear() {
  const std::lock_guard lock(mutex_);
  entries_.clear();
  regions_.clear();
}

std::string VerdictIn(const HttpResponse& response) {
  if (response.status != 200) return "";
  if (absl::StrContains(response.body, "\"ValidAddressIndicator\"")) return "valid";
  if (absl::StrContains(response.body, "\"AmbiguousAddressIndicator\"")) return "ambiguous";
  if (absl::StrContains(response.body, "\"NoCandidatesIndicator\"")) return "none";
  return "";
}

HttpResponse NoCandidates() {
  return ToResponse(Json{{"XAVResponse",
                          {{"Response", SuccessHeader(Json())},
                           {"NoCandidatesIndicator", ""},
                           {"AddressClassification", Classification("0")}}}});
}

}  // namespace psups::ups_sandbox
