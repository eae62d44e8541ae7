#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "psups/shipments/v1/mapping_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"
#include "services/psupsctl/rules_file.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::shipments::v1;
using Stub = pb::MappingService::Stub;
using pb::Mapping;
using Preview = pb::PreviewMappingResponse;
using Totals = Preview::Totals;
using Counts = google::protobuf::RepeatedPtrField<Preview::Count>;

const std::vector<Column<Mapping>>& Columns() {
  static const std::vector<Column<Mapping>> columns = {
      {"CONNECTION", [](const Mapping& m, Style) { return IdOf(m.connection()); }},
      {"VERSION", [](const Mapping& m, Style) { return absl::StrCat(m.version()); }},
      {"SET", [](const Mapping& m, Style s) { return TimeText(m.create_time(), s); }},
      {"BY", [](const Mapping& m, Style) { return m.created_by(); }},
      {"COMMENT", [](const Mapping& m, Style) { return m.comment(); }},
  };
  return columns;
}

const std::vector<Column<Preview::Difference>>& DifferenceColumns() {
  using D = Preview::Difference;
  static const std::vector<Column<D>> columns = {
      {"ORDER", [](const D& d, Style) { return NumberOf(d.document()); }},
      {"UNIT", [](const D& d, Style) { return d.document().business_unit(); }},
      {"WHAT CHANGES", [](const D& d, Style) { return absl::StrJoin(d.changes(), "; "); }},
      {"ORDER NAME", [](const D& d, Style) { return d.order(); }, true},
  };
  return columns;
}

struct Options {
  std::string connection = {};
  std::string file = {};
  std::string comment = {};
  int64_t version = 0;
  int orders = 0;
};

// A line of YAML that is a comment, whatever is in the text.
std::string CommentLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return absl::ascii_iscntrl(c); }, ' ');
  return absl::StrCat("# ", text, "\n");
}

// The rules as `mapping set` takes them, under a line that says which they are.
void WriteMapping(std::ostream& out, const Mapping& mapping) {
  std::string which = absl::StrCat("The rules of ", mapping.connection());
  if (mapping.version() == 0) {
    absl::StrAppend(&which, ": none were ever set, every default counts");
  } else {
    absl::StrAppend(&which, ", version ", mapping.version(), ", set ",
                    TimeText(mapping.create_time(), Style::kHuman), " by ", mapping.created_by(),
                    mapping.comment().empty() ? "" : ": ", mapping.comment());
  }
  out << CommentLine(which);
  WriteRules(out, mapping.rules());
}

absl::Status Get(Session& session, const Options& options) {
  pb::GetMappingRequest request;
  request.set_connection(Named("connections", options.connection));
  request.set_version(options.version);
  ASSIGN_OR_RETURN(const Mapping mapping,
                   session.Call(kShipmentBuilder, &Stub::GetMapping, request));
  if (session.format == Format::kJson || session.format == Format::kCsv) {
    WriteOne(session.out, session.format, mapping, Columns());
  } else {
    WriteMapping(session.out, mapping);
  }
  return absl::OkStatus();
}

absl::Status Set(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const RulesFile file, ReadRules(options.file, session.in));
  pb::SetMappingRequest request;
  request.set_connection(Named("connections", options.connection));
  request.set_version(options.version);
  request.set_comment(options.comment);
  *request.mutable_rules() = file.rules;
  const absl::StatusOr<Mapping> mapping =
      session.Call(kShipmentBuilder, &Stub::SetMapping, request);
  if (!mapping.ok()) return AtItsLine(mapping.status(), file);
  if (session.format == Format::kYaml) {
    WriteMapping(session.out, *mapping);
  } else if (session.format == Format::kJson) {
    WriteOne(session.out, session.format, *mapping, Columns());
  } else {
    WriteRows<Mapping>(session.out, session.format, {*mapping}, Columns());
  }
  return absl::OkStatus();
}

// ITEM_WEIGHT_MISSING as a clerk reads it.
Counts InWords(Counts counts) {
  for (Preview::Count& count : counts) {
    count.set_key(absl::StrReplaceAll(absl::AsciiStrToLower(count.key()), {{"_", " "}}));
  }
  return counts;
}

std::string Signed(int64_t number) {
  return number == 0 ? "" : absl::StrCat(number > 0 ? "+" : "", number);
}

// What is counted by both rule sets, one row each.
class TotalsTable {
 public:
  void Add(const std::string& what, int64_t active, int64_t proposed) {
    rows_.push_back(
        {what, absl::StrCat(active), absl::StrCat(proposed), Signed(proposed - active)});
  }
  void Add(const std::string& what, const Counts& active, const Counts& proposed) {
    std::map<std::string, std::pair<int64_t, int64_t>> both;
    for (const auto& count : active) both[count.key()].first = count.count();
    for (const auto& count : proposed) both[count.key()].second = count.count();
    for (const auto& [key, counts] : both) {
      Add(absl::StrCat(what, key), counts.first, counts.second);
    }
  }
  void AddCost(const type::v1::Money& active, const type::v1::Money& proposed) {
    type::v1::Money difference = proposed;
    difference.set_amount_minor(proposed.amount_minor() - active.amount_minor());
    const bool comparable = active.currency_code() == proposed.currency_code();
    rows_.push_back(
        {"cost", MoneyText(active), MoneyText(proposed),
         !comparable || difference.amount_minor() == 0
             ? ""
             : absl::StrCat(difference.amount_minor() > 0 ? "+" : "", MoneyText(difference))});
  }
  void Write(std::ostream& out) const { WriteTable(out, rows_); }

 private:
  std::vector<std::vector<std::string>> rows_ = {{"", "ACTIVE", "PROPOSED", "DIFFERENCE"}};
};

void WritePreview(Session& session, const Preview& preview) {
  const Totals& active = preview.active();
  const Totals& proposed = preview.proposed();
  TotalsTable table;
  table.Add("shipments", active.shipments(), proposed.shipments());
  table.Add("  by service ", active.services(), proposed.services());
  table.Add("packages", active.packages(), proposed.packages());
  const auto sum = [](const Counts& counts) {
    int64_t all = 0;
    for (const auto& count : counts) all += count.count();
    return all;
  };
  table.Add("reviews", sum(active.reviews()), sum(proposed.reviews()));
  table.Add("  ", InWords(active.reviews()), InWords(proposed.reviews()));
  table.AddCost(active.cost(), proposed.cost());
  table.Add("shipments without cost", active.shipments_without_cost(),
            proposed.shipments_without_cost());
  table.Write(session.out);
  session.out << "\nOf " << preview.orders() << " orders " << preview.orders_changed()
              << " become something else.\n";
  if (preview.differences().empty()) return;
  session.out << "\n";
  WriteRows<Preview::Difference>(session.out, session.format,
                                 {preview.differences().begin(), preview.differences().end()},
                                 DifferenceColumns());
  if (preview.orders_changed() > preview.differences_size()) {
    session.out << "… and " << preview.orders_changed() - preview.differences_size() << " more.\n";
  }
}

absl::Status ShowPreview(Session& session, const Options& options) {
  ASSIGN_OR_RETURN(const RulesFile file, ReadRules(options.file, session.in));
  pb::PreviewMappingRequest request;
  request.set_connection(Named("connections", options.connection));
  request.set_order_limit(options.orders);
  *request.mutable_rules() = file.rules;
  const absl::StatusOr<Preview> preview =
      session.Call(kShipmentBuilder, &Stub::PreviewMapping, request);
  if (!preview.ok()) return AtItsLine(preview.status(), file);
  switch (session.format) {
    case Format::kJson:
      session.out << ToJson(*preview).dump(2) << "\n";
      break;
    case Format::kYaml:
      WriteYaml(session.out, ToJson(*preview));
      break;
    case Format::kCsv:
      WriteRows<Preview::Difference>(session.out, session.format,
                                     {preview->differences().begin(), preview->differences().end()},
                                     DifferenceColumns());
      break;
    case Format::kTable:
    case Format::kWide:
      WritePreview(session, *preview);
  }
  return absl::OkStatus();
}

}  // namespace

void AddMapping(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "mapping", "The rules by which orders become shipments");
  noun->parse_complete_callback([&cli] { cli.has_yaml = true; });
  const auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* description,
                       absl::Status (*action)(Session&, const Options&)) {
    CLI::App* verb = noun->add_subcommand(name, description);
    verb->add_option("connection", options->connection, "Whose rules")->required();
    Run(verb, cli, options, action);
    return verb;
  };
  const auto add_file = [&](CLI::App* verb) {
    verb->add_option("--file", options->file,
                     "YAML or JSON, see docs/mapping.md; - is standard input")
        ->required();
  };
  CLI::App* get = add("get", "Print the rules as YAML that set and preview take", Get);
  get->add_option("--version", options->version, "Which version; default: the newest")
      ->check(CLI::PositiveNumber);
  CLI::App* set = add("set", "Make these the rules; they count at once", Set);
  add_file(set);
  set->add_option("--version", options->version,
                  "Only if this version is still the newest: nobody's work is undone")
      ->check(CLI::PositiveNumber);
  set->add_option("--comment", options->comment, "Why; recorded");
  CLI::App* preview = add(
      "preview", "What other rules would make of the orders there are; sends nothing", ShowPreview);
  add_file(preview);
  preview->add_option("--orders", options->orders, "At most so many, the newest; default 1000")
      ->check(CLI::Range(1, 10000).description(""));
}

}  // namespace psups::psupsctl
