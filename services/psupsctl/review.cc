#include "absl/strings/str_cat.h"
#include "psups/shipments/v1/review_service.grpc.pb.h"
#include "services/psupsctl/cli.h"
#include "services/psupsctl/find.h"
#include "services/psupsctl/input.h"

namespace psups::psupsctl {
namespace {

namespace pb = psups::shipments::v1;
using Stub = pb::ReviewService::Stub;
using R = pb::Review;

const std::vector<Column<R>>& Columns() {
  static const std::vector<Column<R>> columns = {
      {"REVIEW", [](const R& r, Style) { return IdOf(r.name()); }},
      {"ORDER", [](const R& r, Style) { return NumberOf(r.document()); }},
      {"UNIT", [](const R& r, Style) { return r.document().business_unit(); }},
      {"CONNECTION", [](const R& r, Style) { return IdOf(r.document().connection()); }},
      {"STATE", [](const R& r, Style s) { return EnumText(r.state(), s); }},
      {"REASON", [](const R& r, Style s) { return EnumText(r.reason(), s); }},
      {"OPENED", [](const R& r, Style s) { return TimeText(r.create_time(), s); }},
      {"CLOSED", [](const R& r, Style s) { return TimeText(r.close_time(), s); }, true},
      {"RESOLUTION", [](const R& r, Style s) { return EnumText(r.resolution(), s); }, true},
      {"BY", [](const R& r, Style) { return r.resolved_by(); }, true},
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
  int candidate = -1;
  Paging paging = {};
};

absl::Status Show(Session& session, const absl::StatusOr<R>& review) {
  if (!review.ok()) return review.status();
  WriteOne(session.out, session.format, *review, Columns());
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

absl::Status Resolve(Session& session, const Options& options) {
  pb::ResolveReviewRequest request;
  request.set_name(Named("reviews", options.review));
  ASSIGN_OR_RETURN(const R::Action action, ParseEnum<R::Action>("--action", options.action));
  request.set_action(action);
  request.set_comment(options.comment);
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
  return Show(session, session.Call(kShipmentBuilder, &Stub::ResolveReview, request));
}

}  // namespace

void AddReview(CLI::App& app, Cli& cli) {
  CLI::App* noun = AddNoun(app, "review", "What a person must decide before a shipment goes on");
  const auto options = std::make_shared<Options>();
  CLI::App* list = noun->add_subcommand("list", "List reviews, oldest first");
  list->add_option("--state", options->state, "open (default), resolved, obsolete or any");
  list->add_option("--document", options->document, "Only of this PO_ID or REQ_ID");
  list->add_option("--connection", options->connection, "Only of this connection");
  AddPaging(list, options->paging);
  Run(list, cli, options, List);
  CLI::App* get = noun->add_subcommand("get", "Show a review with its addresses");
  get->add_option("review", options->review, "Its id")->required();
  Run(get, cli, options, Get);
  CLI::App* resolve = noun->add_subcommand("resolve", "Decide");
  resolve->add_option("review", options->review, "Its id")->required();
  resolve
      ->add_option("--action", options->action,
                   "accept-candidate, override-address, retry or cancel")
      ->required();
  resolve->add_option("--candidate", options->candidate,
                      "For accept-candidate: which, from 1, as review get counts them");
  resolve->add_option("--address-file", options->address_file,
                      "For override-address: JSON with lines, city, state, postal_code, "
                      "country_code; name and phone if they are to change");
  resolve->add_option("--comment", options->comment, "Why; recorded");
  Run(resolve, cli, options, Resolve);
}

}  // namespace psups::psupsctl
