#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::shipments::v1;
using Stub = pb::ReviewService::Stub;
using R = pb::Review;

// Empty for programs where the shipment may leave at once.
std::string ShipBy(const R& review, Style style) {
  if (!review.ship_by_date().empty()) return review.ship_by_date();
  return style == Style::kHuman && !review.name().empty() ? "now" : "";
}

const std::vector<Column<R>>& Columns() {
  static const std::vector<Column<R>> columns = {
      {"REVIEW", [](const R& r, Style) { return IdOf(r.name()); }},
      {"ORDER", [](const R& r, Style) { return NumberOf(r.document()); }},
      {"UNIT", [](const R& r, Style) { return r.document().business_unit(); }},
      {"CONNECTION", [](const R& r, Style) { return IdOf(r.document().connection()); }},
      {"STATE", [](const R& r, Style s) { return EnumText(r.state(), s); }},
      {"REASON", [](const R& r, Style s) { return EnumText(r.reason(), s); }},
      {"SHIP BY", [](const R& r, Style s) { return ShipBy(r, s); }},
      {"OPENED", [](const R& r, Style s) { return TimeText(r.create_time(), s); }},
      {"CLOSED", [](const R& r, Style s) { return TimeText(r.close_time(), s); }, true},
      {"RESOLUTION", [](const R& r, Style s) { return EnumText(r.resolution(), s); }, true},
      {"BY", [](const R& r, Style) { return r.resolved_by(); }, true},
      {"FOR", [](const R& r, Style) { return r.on_behalf_of(); }, true},
      {"COMMENT", [](const R& r, Style) { return r.comment(); }, true},
      {"SHIPMENT", [](const R& r, Style) { return IdOf(r.shipment()); }, true},
      {"WHAT TO DO", [](const R& r, Style) { return r.message(); }},
  };
  return columns;
}

struct Options {
  std::string review = {};
  std::string state = "open";
  std::string document = {};
  std::string connection = {};
  std::string action = {};
  std::string address_file = {};
  std::string comment = {};
  std::string on_behalf_of = {};
  std::string weight = {};
  std::string dimensions = {};
  std::string service = {};
  bool remember = false;
  int candidate = -1;
  Paging paging = {};
};

// Field by field, where UPS's candidates are not what the order says.
void WriteDifferences(std::ostream& out, const R& review) {
  std::vector<std::vector<std::string>> rows = {{"CANDIDATE", "FIELD", "ORDER", "UPS"}};
  for (const R::Difference& difference : review.differences()) {
    rows.push_back({absl::StrCat(difference.candidate_index() + 1), difference.field(),
                    difference.ours(), difference.theirs()});
  }
  if (rows.size() > 1) WriteTable(out << "\n", rows);
}

absl::Status Show(Session& session, const absl::StatusOr<R>& review) {
  if (!review.ok()) return review.status();
  if (session.format != Format::kTable && session.format != Format::kWide) {
    WriteOne(session.out, session.format, *review, Columns());
    return absl::OkStatus();
  }
  R fields = *review;
  fields.clear_differences();
  WriteDetails(session.out, fields);
  WriteDifferences(session.out, *review);
  return absl::OkStatus();
}

absl::Status List(Session& session, const Options& options) {
  pb::ListReviewsRequest request;
  if (options.state != "any") {
    ASSIGN_OR_RETURN(const R::State state, ParseEnum<R::State>("--state", options.state));
    request.set_state(state);
  }
  if (!options.connection.empty()) request.set_connection(Named("connections", options.connection));
  request.set_document_id(options.document);
  ASSIGN_OR_RETURN(const std::vector<R> rows,
                   session.List(
                       kShipmentBuilder, &Stub::ListReviews, request, options.paging,
                       [](auto& page) -> auto& { return *page.mutable_reviews(); }));
  WriteRows(session.out, session.format, rows, Columns());
  return absl::OkStatus();
}

absl::Status Get(Session& session, const Options& options) {
  pb::GetReviewRequest request;
  request.set_name(Named("reviews", options.review));
  return Show(session, session.Call(kShipmentBuilder, &Stub::GetReview, request));
}

// "12.5 LB" → the number and the unit.
std::pair<std::string, std::string> NumberAndUnit(const std::string& text) {
  const std::size_t end = text.find_last_of("0123456789.") + 1;
  return {std::string(absl::StripAsciiWhitespace(text.substr(0, end))),
          absl::AsciiStrToUpper(absl::StripAsciiWhitespace(text.substr(end)))};
}

absl::Status ReadMeasures(const Options& options, pb::ResolveReviewRequest& request) {
  if (options.weight.empty() && options.dimensions.empty()) {
    return UsageError("--weight or --dimensions is missing: of one unit as it is ordered");
  }
  if (!options.weight.empty()) {
    const auto [value, unit] = NumberAndUnit(options.weight);
    if (value.empty() || unit.empty()) {
      return UsageError(absl::StrCat("--weight: \"", options.weight,
                                     "\", want a number and LB, OZ, KG or G, as in \"12.5 LB\""));
    }
    request.mutable_weight()->set_value(value);
    request.mutable_weight()->set_unit(unit);
  }
  if (!options.dimensions.empty()) {
    const auto [value, unit] = NumberAndUnit(options.dimensions);
    const std::vector<std::string> sides = absl::StrSplit(value, absl::ByAnyChar("xX"));
    if (sides.size() != 3 || unit.empty()) {
      return UsageError(absl::StrCat(
          "--dimensions: \"", options.dimensions,
          "\", want length x width x height and IN, FT, CM or M, as in \"10x8x4 IN\""));
    }
    type::v1::Dimensions& dimensions = *request.mutable_dimensions();
    dimensions.set_length(std::string(absl::StripAsciiWhitespace(sides[0])));
    dimensions.set_width(std::string(absl::StripAsciiWhitespace(sides[1])));
    dimensions.set_height(std::string(absl::StripAsciiWhitespace(sides[2])));
    dimensions.set_unit(unit);
  }
  request.set_remember(options.remember);
  return absl::OkStatus();
}

// What an option says would be lost with another action.
absl::Status CheckNothingIsLost(const Options& options, R::Action action) {
  struct Belongs {
    bool given;
    const char* option;
    R::Action action;
  };
  const Belongs all[] = {
      {options.candidate != -1, "--candidate", R::ACCEPT_CANDIDATE},
      {!options.address_file.empty(), "--address-file", R::OVERRIDE_ADDRESS},
      {!options.weight.empty(), "--weight", R::SET_MEASURES},
      {!options.dimensions.empty(), "--dimensions", R::SET_MEASURES},
      {options.remember, "--remember", R::SET_MEASURES},
      {!options.service.empty(), "--service", R::CHOOSE_SERVICE},
  };
  for (const Belongs& one : all) {
    if (!one.given || one.action == action) continue;
    return UsageError(absl::StrCat(
        one.option, " is for --action ",
        absl::StrReplaceAll(EnumText(one.action, Style::kHuman), {{" ", "-"}}), " only"));
  }
  return absl::OkStatus();
}

absl::Status Resolve(Session& session, const Options& options) {
  pb::ResolveReviewRequest request;
  request.set_name(Named("reviews", options.review));
  ASSIGN_OR_RETURN(const R::Action action, ParseEnum<R::Action>("--action", options.action));
  RETURN_IF_ERROR(CheckNothingIsLost(options, action));
  request.set_action(action);
  request.set_comment(options.comment);
  request.set_on_behalf_of(options.on_behalf_of);
  if (action == R::ACCEPT_CANDIDATE) {
    if (options.candidate < 1) {
      return UsageError(
          absl::StrCat("--candidate is missing: which, from 1, as psupsctl review "
                       "get ",
                       options.review, " counts them"));
    }
    request.set_candidate_index(options.candidate - 1);
  }
  if (action == R::OVERRIDE_ADDRESS) {
    if (options.address_file.empty()) return UsageError("--address-file is missing");
    ASSIGN_OR_RETURN(const nlohmann::json address, ReadJsonObject(options.address_file));
    RETURN_IF_ERROR(FromJson(address, options.address_file, *request.mutable_address()));
  }
  if (action == R::SET_MEASURES) RETURN_IF_ERROR(ReadMeasures(options, request));
  if (action == R::CHOOSE_SERVICE) {
    if (options.service.empty()) {
      return UsageError("--service is missing: UPS's code, such as 03 for Ground");
    }
    request.set_service_code(options.service);
  }
  return Show(session, session.Call(kShipmentBuilder, &Stub::ResolveReview, request));
}

}  // namespace

void AddReview(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "review", "What a person must decide before a shipment goes on");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List reviews, those that are to leave first");
  list->add_option("--state", options->state, "open (default), resolved, obsolete or any");
  list->add_option("--document", options->document, "Only of this PO_ID or REQ_ID");
  list->add_option("--connection", options->connection, "Only of this connection");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* get =
      noun->add_subcommand("get", "Show a review with its addresses and where they differ");
  get->add_option("review", options->review, "Its id")->required();
  Run(get, cli, options, Get);
  CLI::App* resolve = noun->add_subcommand("resolve", "Decide");
  resolve->add_option("review", options->review, "Its id")->required();
  resolve
      ->add_option("--action", options->action,
                   "accept-candidate, override-address, set-measures, choose-service, split, "
                   "ship-anyway, retry or cancel; review get says which are possible")
      ->required();
  resolve->add_option("--candidate", options->candidate,
                      "For accept-candidate: which, from 1, as review get counts them");
  resolve->add_option("--address-file", options->address_file,
                      "For override-address: JSON with lines, city, state, postal_code, "
                      "country_code; name and phone if they are to change");
  resolve->add_option("--weight", options->weight,
                      "For set-measures: of one unit as it is ordered, such as \"12.5 LB\"");
  resolve->add_option("--dimensions", options->dimensions,
                      "For set-measures: of one unit, such as \"10x8x4 IN\"");
  resolve->add_flag("--remember", options->remember,
                    "For set-measures: for all shipments of the item to come");
  resolve->add_option("--service", options->service,
                      "For choose-service: UPS's code, such as 03 for Ground");
  resolve->add_option("--as", options->on_behalf_of,
                      "For whom you decide; only for identities that shipment-builder lets");
  resolve->add_option("--comment", options->comment, "Why; recorded");
  Run(resolve, cli, options, Resolve);
}

}  // namespace psups::psupsctl
