#include "services/ps-ingest/codes.h"

#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace psups::ps_ingest {
namespace {

// ISO 3166-1: alpha-3 and alpha-2 in one word each.
constexpr std::string_view kCountries =
    "ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF ATGAG "
    "AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS BIHBA BLMBL "
    "BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF CANCA CCKCC CHECH "
    "CHLCL CHNCN CIVCI CMRCM CODCD COGCG COKCK COLCO COMKM CPVCV CRICR CUBCU CUWCW CXRCX "
    "CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO DZADZ ECUEC EGYEG ERIER ESHEH ESPES "
    "ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM GABGA GBRGB GEOGE GGYGG GHAGH GIBGI "
    "GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM "
    "HNDHN HRVHR HTIHT HUNHU IDNID IMNIM INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT "
    "JAMJM JEYJE JORJO JPNJP KAZKZ KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB "
    "LBRLR LBYLY LCALC LIELI LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD "
    "MDGMG MDVMV MEXMX MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS "
    "MTQMQ MUSMU MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO "
    "NPLNP NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL PRIPR PRKKP "
    "PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG SGSGS "
    "SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR SVKSK SVNSI "
    "SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK TKMTM TLSTL TONTO "
    "TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY USAUS UZBUZ VATVA VCTVC "
    "VENVE VGBVG VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA ZMBZM ZWEZW ";

using Translation = std::pair<const char*, const char*>;  // code, long name

std::string Translate(std::string_view text, std::initializer_list<Translation> translations) {
  const absl::string_view given(text.data(), text.size());
  for (const auto& [code, name] : translations) {
    if (absl::EqualsIgnoreCase(given, code) || absl::EqualsIgnoreCase(given, name)) return code;
  }
  return std::string(text);
}

}  // namespace

std::string PurchaseOrderStatusCode(std::string_view text) {
  return Translate(text, {{"I", "Initial"},
                          {"O", "Open"},
                          {"PA", "Pending Approval/Approved"},
                          {"PA", "Pending Approval"},
                          {"PA", "Pending"},
                          {"A", "Approved"},
                          {"D", "Dispatched"},
                          {"C", "Complete"},
                          {"C", "Closed"},
                          {"X", "Canceled"},
                          {"X", "Cancelled"},
                          {"PX", "Pending Cancel"},
                          {"DA", "Denied"},
                          {"LD", "Line Denied"}});
}

std::string RequisitionStatusCode(std::string_view text) {
  return Translate(text, {{"I", "Initial"},
                          {"O", "Open"},
                          {"P", "Pending"},
                          {"P", "Pending Approval"},
                          {"A", "Approved"},
                          {"LA", "Line Approved"},
                          {"D", "Denied"},
                          {"C", "Complete"},
                          {"C", "Closed"},
                          {"X", "Canceled"},
                          {"X", "Cancelled"}});
}

std::string CancelStatusCode(std::string_view text) {
  if (text.empty()) return "A";
  return Translate(text, {{"A", "Active"},
                          {"O", "Open"},
                          {"H", "Hold"},
                          {"P", "Pending Approval"},
                          {"D", "Denied"},
                          {"C", "Closed"},
                          {"X", "Canceled"},
                          {"X", "Cancelled"}});
}

std::string PhysicalNatureCode(std::string_view text) {
  return Translate(text, {{"G", "Goods"}, {"S", "Services"}, {"S", "Service"}});
}

std::string ReceivingCode(std::string_view text) {
  return Translate(text, {{"Y", "Yes"},
                          {"Y", "Required"},
                          {"Y", "Receiving is Required"},
                          {"N", "Optional"},
                          {"N", "No"},
                          {"N", "Receiving is Optional"},
                          {"X", "Do Not Receive"},
                          {"X", "Do Not"}});
}

bool IsYes(std::string_view text) { return Translate(text, {{"Y", "Yes"}, {"Y", "True"}}) == "Y"; }

std::string CountryCode(std::string_view text) {
  const std::string code = absl::AsciiStrToUpper(absl::string_view(text.data(), text.size()));
  if (code.size() != 3) return code;
  for (std::size_t at = 0; at < kCountries.size(); at += 6) {
    if (kCountries.substr(at, 3) == code) return std::string(kCountries.substr(at + 3, 2));
  }
  return code;
}

}  // namespace psups::ps_ingest
