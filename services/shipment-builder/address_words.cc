#include "services/shipment-builder/address_words.h"

#include <set>
#include <utility>

#include "absl/strings/ascii.h"

namespace psups::shipment_builder {
namespace {

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

}  // namespace

bool IsStreetType(const std::string& abbreviation) {
  static const auto* const kShort = [] {
    auto* types = new std::set<std::string>;
    for (const auto& [written, abbreviation] : StreetTypes()) types->insert(abbreviation);
    return types;
  }();
  return kShort->count(abbreviation) > 0;
}

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

const std::map<std::string, std::string>& LoneDesignators() {
  static const auto* const kUnits = new std::map<std::string, std::string>{
      {"BASEMENT", "BSMT"}, {"BSMT", "BSMT"}, {"LOBBY", "LBBY"}, {"LBBY", "LBBY"},
      {"LOWER", "LOWR"},    {"LOWR", "LOWR"}, {"UPPER", "UPPR"}, {"UPPR", "UPPR"},
      {"PENTHOUSE", "PH"},  {"PH", "PH"},     {"REAR", "REAR"},
  };
  return *kUnits;
}

std::vector<std::string> SplitWords(const std::vector<std::string>& lines) {
  std::vector<std::string> words;
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

std::string Abbreviated(const std::string& word) {
  for (const auto* table : {&StreetTypes(), &OtherWords()}) {
    const auto found = table->find(word);
    if (found != table->end()) return found->second;
  }
  return word;
}

}  // namespace psups::shipment_builder
