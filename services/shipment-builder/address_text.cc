#include "services/shipment-builder/address_text.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "common/crypto.h"

namespace psups::shipment_builder {
namespace {

using Words = std::vector<std::string>;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) { return c >= 'A' && c <= 'Z'; }

// Street types as written → as the postal service abbreviates them (Publication 28, appendix C1).
const std::map<std::string, std::string>& StreetTypes() {
  static const auto* const kTypes = new std::map<std::string, std::string>{
      {"ALLEE", "ALY"},      {"ALLEY", "ALY"},       {"ALLY", "ALY"},       {"ANEX", "ANX"},
      {"ANNEX", "ANX"},      {"ARCADE", "ARC"},      {"AV", "AVE"},         {"AVEN", "AVE"},
      {"AVENU", "AVE"},      {"AVENUE", "AVE"},      {"AVN", "AVE"},        {"AVNUE", "AVE"},
      {"BAYOU", "BYU"},      {"BEACH", "BCH"},       {"BEND", "BND"},       {"BLUFF", "BLF"},
      {"BOTTOM", "BTM"},     {"BOUL", "BLVD"},       {"BOULEVARD", "BLVD"}, {"BOULV", "BLVD"},
      {"BRANCH", "BR"},      {"BRIDGE", "BRG"},      {"BROOK", "BRK"},      {"BYPASS", "BYP"},
      {"CAMP", "CP"},        {"CANYON", "CYN"},      {"CAPE", "CPE"},       {"CAUSEWAY", "CSWY"},
      {"CENTER", "CTR"},     {"CENTRE", "CTR"},      {"CENTR", "CTR"},      {"CIRC", "CIR"},
      {"CIRCLE", "CIR"},     {"CLIFF", "CLF"},       {"CLIFFS", "CLFS"},    {"CLUB", "CLB"},
      {"COMMON", "CMN"},     {"COMMONS", "CMNS"},    {"CORNER", "COR"},     {"COURSE", "CRSE"},
      {"COURT", "CT"},       {"COVE", "CV"},         {"CREEK", "CRK"},      {"CRESCENT", "CRES"},
      {"CREST", "CRST"},     {"CROSSING", "XING"},   {"CURVE", "CURV"},     {"DALE", "DL"},
      {"DAM", "DM"},         {"DIVIDE", "DV"},       {"DRIVE", "DR"},       {"DRIV", "DR"},
      {"DRV", "DR"},         {"ESTATE", "EST"},      {"ESTATES", "ESTS"},   {"EXPRESSWAY", "EXPY"},
      {"EXPWY", "EXPY"},     {"EXTENSION", "EXT"},   {"FALLS", "FLS"},      {"FERRY", "FRY"},
      {"FIELD", "FLD"},      {"FIELDS", "FLDS"},     {"FLAT", "FLT"},       {"FORD", "FRD"},
      {"FOREST", "FRST"},    {"FORGE", "FRG"},       {"FORK", "FRK"},       {"FORT", "FT"},
      {"FREEWAY", "FWY"},    {"GARDEN", "GDN"},      {"GARDENS", "GDNS"},   {"GATEWAY", "GTWY"},
      {"GLEN", "GLN"},       {"GREEN", "GRN"},       {"GROVE", "GRV"},      {"HARBOR", "HBR"},
      {"HAVEN", "HVN"},      {"HEIGHTS", "HTS"},     {"HIGHWAY", "HWY"},    {"HIWAY", "HWY"},
      {"HILL", "HL"},        {"HILLS", "HLS"},       {"HOLLOW", "HOLW"},    {"INLET", "INLT"},
      {"ISLAND", "IS"},      {"JUNCTION", "JCT"},    {"KNOLL", "KNL"},      {"KNOLLS", "KNLS"},
      {"LAKE", "LK"},        {"LAKES", "LKS"},       {"LANDING", "LNDG"},   {"LANE", "LN"},
      {"LIGHT", "LGT"},      {"LOCK", "LCK"},        {"LODGE", "LDG"},      {"LOOP", "LOOP"},
      {"MALL", "MALL"},      {"MANOR", "MNR"},       {"MEADOW", "MDW"},     {"MEADOWS", "MDWS"},
      {"MEWS", "MEWS"},      {"MILL", "ML"},         {"MILLS", "MLS"},      {"MISSION", "MSN"},
      {"MOTORWAY", "MTWY"},  {"MOUNT", "MT"},        {"MOUNTAIN", "MTN"},   {"NECK", "NCK"},
      {"ORCHARD", "ORCH"},   {"OVAL", "OVAL"},       {"OVERPASS", "OPAS"},  {"PARK", "PARK"},
      {"PARKWAY", "PKWY"},   {"PARKWY", "PKWY"},     {"PKY", "PKWY"},       {"PASS", "PASS"},
      {"PASSAGE", "PSGE"},   {"PATH", "PATH"},       {"PIKE", "PIKE"},      {"PINE", "PNE"},
      {"PINES", "PNES"},     {"PLACE", "PL"},        {"PLAIN", "PLN"},      {"PLAINS", "PLNS"},
      {"PLAZA", "PLZ"},      {"POINT", "PT"},        {"PORT", "PRT"},       {"PRAIRIE", "PR"},
      {"RANCH", "RNCH"},     {"RAPIDS", "RPDS"},     {"REST", "RST"},       {"RIDGE", "RDG"},
      {"RIVER", "RIV"},      {"ROAD", "RD"},         {"ROUTE", "RTE"},      {"ROW", "ROW"},
      {"RUN", "RUN"},        {"SHOAL", "SHL"},       {"SHORE", "SHR"},      {"SHORES", "SHRS"},
      {"SKYWAY", "SKWY"},    {"SPRING", "SPG"},      {"SPRINGS", "SPGS"},   {"SPUR", "SPUR"},
      {"SQUARE", "SQ"},      {"STATION", "STA"},     {"STREAM", "STRM"},    {"STREET", "ST"},
      {"STR", "ST"},         {"STRT", "ST"},         {"SUMMIT", "SMT"},     {"TERRACE", "TER"},
      {"TERR", "TER"},       {"THROUGHWAY", "TRWY"}, {"TRACE", "TRCE"},     {"TRACK", "TRAK"},
      {"TRAIL", "TRL"},      {"TRAILS", "TRL"},      {"TUNNEL", "TUNL"},    {"TURNPIKE", "TPKE"},
      {"UNDERPASS", "UPAS"}, {"UNION", "UN"},        {"VALLEY", "VLY"},     {"VIADUCT", "VIA"},
      {"VIEW", "VW"},        {"VILLAGE", "VLG"},     {"VISTA", "VIS"},      {"WALK", "WALK"},
      {"WAY", "WAY"},        {"WELL", "WL"},         {"WELLS", "WLS"},
  };
  return *kTypes;
}

const std::set<std::string>& ShortStreetTypes() {
  static const auto* const kShort = [] {
    auto* types = new std::set<std::string>;
    for (const auto& [written, abbreviation] : StreetTypes()) types->insert(abbreviation);
    return types;
  }();
  return *kShort;
}

// Directions and other words with one abbreviation.
const std::map<std::string, std::string>& OtherWords() {
  static const auto* const kWords = new std::map<std::string, std::string>{
      {"NORTH", "N"},      {"SOUTH", "S"},      {"EAST", "E"},       {"WEST", "W"},
      {"NORTHEAST", "NE"}, {"NORTHWEST", "NW"}, {"SOUTHEAST", "SE"}, {"SOUTHWEST", "SW"},
      {"SAINT", "ST"},     {"AND", "&"},        {"NUMBER", "#"},     {"FIRST", "1ST"},
      {"SECOND", "2ND"},   {"THIRD", "3RD"},    {"FOURTH", "4TH"},   {"FIFTH", "5TH"},
      {"SIXTH", "6TH"},    {"SEVENTH", "7TH"},  {"EIGHTH", "8TH"},   {"NINTH", "9TH"},
      {"TENTH", "10TH"},
  };
  return *kWords;
}

// Designators of secondary units that need an identifier (appendix C2).
const std::map<std::string, std::string>& UnitDesignators() {
  static const auto* const kUnits = new std::map<std::string, std::string>{
      {"APARTMENT", "APT"}, {"APT", "APT"},         {"BUILDING", "BLDG"},
      {"BLDG", "BLDG"},     {"DEPARTMENT", "DEPT"}, {"DEPT", "DEPT"},
      {"FLOOR", "FL"},      {"FL", "FL"},           {"FLR", "FL"},
      {"HANGAR", "HNGR"},   {"HNGR", "HNGR"},       {"LOT", "LOT"},
      {"PIER", "PIER"},     {"ROOM", "RM"},         {"RM", "RM"},
      {"SLIP", "SLIP"},     {"SPACE", "SPC"},       {"SPC", "SPC"},
      {"STOP", "STOP"},     {"SUITE", "STE"},       {"STE", "STE"},
      {"TRAILER", "TRLR"},  {"TRLR", "TRLR"},       {"UNIT", "UNIT"},
      {"#", "#"},
  };
  return *kUnits;
}

// Designators that stand alone; only as the last word, for streets have such names too.
const std::map<std::string, std::string>& LoneDesignators() {
  static const auto* const kUnits = new std::map<std::string, std::string>{
      {"BASEMENT", "BSMT"}, {"BSMT", "BSMT"}, {"LOBBY", "LBBY"}, {"LBBY", "LBBY"},
      {"LOWER", "LOWR"},    {"LOWR", "LOWR"}, {"UPPER", "UPPR"}, {"UPPR", "UPPR"},
      {"PENTHOUSE", "PH"},  {"PH", "PH"},     {"REAR", "REAR"},
  };
  return *kUnits;
}

bool IsDirection(const std::string& word) {
  static const auto* const kDirections =
      new std::set<std::string>{"N", "S", "E", "W", "NE", "NW", "SE", "SW"};
  return kDirections->count(word) > 0;
}

bool HasDigit(const std::string& word) { return std::any_of(word.begin(), word.end(), IsDigit); }

// "400", "4B", "103/104", "D": what can follow a designator. Two letters only at the very end.
bool IsUnitId(const std::string& word, bool last) {
  if (HasDigit(word)) return true;
  if (word.empty() || !std::all_of(word.begin(), word.end(), IsLetter)) return false;
  return word.size() == 1 || (word.size() == 2 && last && ShortStreetTypes().count(word) == 0);
}

bool IsOrdinal(const std::string& word) {
  const auto end = word.find_first_not_of("0123456789");
  if (end == 0 || end == std::string::npos) return false;
  const std::string tail = word.substr(end);
  return tail == "ST" || tail == "ND" || tail == "RD" || tail == "TH";
}

// Upper case, split at spaces and punctuation. '-' and '/' stay between digits or before a letter
// that follows a digit ("41-15", "1/2", "103/104"), "#" is a word of its own.
Words Split(const std::vector<std::string>& lines) {
  Words words;
  for (const std::string& line : lines) {
    const std::string text = absl::AsciiStrToUpper(line);
    std::string word;
    const auto end_word = [&] {
      if (!word.empty()) words.push_back(std::exchange(word, {}));
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const bool inside = i > 0 && IsDigit(text[i - 1]) && i + 1 < text.size() &&
                          (IsDigit(text[i + 1]) || IsLetter(text[i + 1]));
      if (IsLetter(c) || IsDigit(c) || static_cast<unsigned char>(c) >= 0x80) {
        word.push_back(c);
      } else if ((c == '-' || c == '/') && inside) {
        word.push_back(c);
      } else if (c == '#') {
        end_word();
        words.emplace_back("#");
      } else if (c == '&') {
        end_word();
        words.emplace_back("&");
      } else if (c != '\'' && c != '.') {
        end_word();
      } else if (c == '.' && i > 0 && i + 1 < text.size() && IsDigit(text[i - 1]) &&
                 IsDigit(text[i + 1])) {
        word.push_back(c);  // "N6W23.5"
      } else if (c == '.' && word.size() > 1) {
        end_word();  // "ST.PAUL", but "P.O." and "N.E." stay whole
      }
    }
    end_word();
  }
  return words;
}

// "STE400", "APT4B" → two words.
Words UngluedUnits(const Words& words) {
  Words result;
  for (const std::string& word : words) {
    const auto digit = word.find_first_of("0123456789");
    if (digit != std::string::npos && digit > 0) {
      const std::string head = word.substr(0, digit);
      if (head == "STE" || head == "SUITE" || head == "APT" || head == "UNIT" || head == "RM") {
        result.push_back(head);
        result.push_back(word.substr(digit));
        continue;
      }
    }
    result.push_back(word);
  }
  return result;
}

std::string Abbreviated(const std::string& word) {
  for (const auto* table : {&StreetTypes(), &OtherWords()}) {
    const auto found = table->find(word);
    if (found != table->end()) return found->second;
  }
  return word;
}

// Edit distance with neighbours swapped counting once.
std::size_t Distance(const std::string& a, const std::string& b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::string SpelledOutCity(std::string_view city) {
  static const auto* const kLong = new std::map<std::string, std::string>{
      {"ST", "SAINT"},     {"STE", "SAINTE"},  {"FT", "FORT"},      {"MT", "MOUNT"},
      {"PT", "POINT"},     {"N", "NORTH"},     {"S", "SOUTH"},      {"E", "EAST"},
      {"W", "WEST"},       {"HTS", "HEIGHTS"}, {"SPGS", "SPRINGS"}, {"CTY", "CITY"},
      {"TWP", "TOWNSHIP"}, {"VLG", "VILLAGE"},
  };
  std::string result;
  for (const std::string& word : Split({std::string(city)})) {
    const auto found = kLong->find(word);
    result += found == kLong->end() ? word : found->second;
  }
  return result;
}

std::vector<std::string> LinesOf(const type::v1::Address& address) {
  return {address.lines().begin(), address.lines().end()};
}

}  // namespace

StreetText NormalStreet(const std::vector<std::string>& lines) {
  const Words words = UngluedUnits(Split(lines));
  StreetText result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool has_next = i + 1 < words.size();
    const std::string next = has_next ? words[i + 1] : "";
    // "3RD FLOOR"
    if (IsOrdinal(word) && (next == "FLOOR" || next == "FL" || next == "FLR") &&
        !(i + 2 < words.size() && IsUnitId(words[i + 2], i + 3 == words.size()))) {
      result.units.push_back("FL " + Digits(word));
      ++i;
      continue;
    }
    const auto unit = UnitDesignators().find(word);
    if (unit != UnitDesignators().end() && has_next) {
      // "STE # 400" is "STE 400".
      const std::size_t id = next == "#" && word != "#" ? i + 2 : i + 1;
      if (id < words.size() && IsUnitId(words[id], id + 1 == words.size())) {
        result.units.push_back(unit->second + " " + words[id]);
        i = id;
        continue;
      }
    }
    const auto lone = LoneDesignators().find(word);
    if (lone != LoneDesignators().end() && !has_next && i > 1) {
      result.units.push_back(lone->second);
      continue;
    }
    if (word == "POST" && next == "OFFICE") {
      result.words.emplace_back("PO");
      ++i;
      continue;
    }
    if (word == "P" && next == "O") {
      result.words.emplace_back("PO");
      ++i;
      continue;
    }
    result.words.push_back(Abbreviated(word));
  }
  std::sort(result.units.begin(), result.units.end());
  return result;
}

std::vector<std::string> WithoutStreetType(std::vector<std::string> words) {
  if (words.size() < 2) return words;
  auto last = words.end() - 1;
  if (IsDirection(*last) && words.size() > 2) --last;
  if (ShortStreetTypes().count(*last) > 0) words.erase(last);
  return words;
}

bool SameUnits(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  if (a == b) return true;
  if (a.size() != b.size()) return false;
  // Identifiers pair up; a bare number may stand for any designator.
  std::vector<std::string> rest = b;
  const auto id = [](const std::string& unit) { return unit.substr(unit.find(' ') + 1); };
  for (const std::string& unit : a) {
    const auto found = std::find_if(rest.begin(), rest.end(), [&](const std::string& other) {
      return unit == other ||
             (id(unit) == id(other) && (unit.rfind("# ", 0) == 0 || other.rfind("# ", 0) == 0));
    });
    if (found == rest.end()) return false;
    rest.erase(found);
  }
  return true;
}

std::string NormalCity(std::string_view city) {
  std::string result;
  for (const std::string& word : Split({std::string(city)})) result += word;
  return result;
}

bool SameCityMisspelt(std::string_view a, std::string_view b) {
  const std::string x = SpelledOutCity(a), y = SpelledOutCity(b);
  const std::size_t distance = Distance(x, y);
  return distance <= 2 && distance * 4 <= std::max(x.size(), y.size());
}

std::string Digits(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (IsDigit(c)) result.push_back(c);
  }
  return result;
}

std::string NormalAddress(const type::v1::Address& address) {
  std::string lines;
  for (const std::string& word : Split(LinesOf(address))) absl::StrAppend(&lines, word, " ");
  return JoinUnambiguously({lines, NormalCity(address.city()),
                            absl::AsciiStrToUpper(address.state()), Digits(address.postal_code()),
                            absl::AsciiStrToUpper(address.country_code()),
                            absl::AsciiStrToUpper(address.urbanization())});
}

std::string FullAddress(const type::v1::Address& address) {
  std::string lines;
  for (const std::string& line : address.lines()) lines += JoinUnambiguously({line});
  return JoinUnambiguously({address.name(), address.attention_name(), lines, address.city(),
                            address.state(), address.postal_code(), address.country_code(),
                            address.phone(), address.residential() ? "R" : "",
                            address.urbanization()});
}

std::size_t CharacterCount(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace psups::shipment_builder
