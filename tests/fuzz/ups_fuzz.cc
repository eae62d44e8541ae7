// libFuzzer's targets, one for each parser of UPS's bytes: ups_fuzz --parser=ship [libFuzzer's own
// flags] [corpus]. Beyond not crashing, a parser promises something of whatever it takes for a
// success, and that its refusal repeats nothing of the input.

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "services/ups-gateway/purchase/call.h"
#include "services/ups-gateway/token/token_rules.h"
#include "services/ups-gateway/wire/drift.h"
#include "services/ups-gateway/wire/error_catalogue.h"
#include "services/ups-gateway/wire/id_check.h"
#include "services/ups-gateway/wire/json_reader.h"
#include "services/ups-gateway/wire/tracking_time.h"
#include "services/ups-gateway/wire/ups_answers.h"
#include "services/ups-gateway/wire/ups_replies.h"
#include "tests/fuzz/target.h"

namespace psups::ups_gateway {
namespace {

using fuzz::Promise;
namespace pb = ::psups::ups::v1;

constexpr std::string_view kTracked = "1ZF3R1N00300000017";
constexpr std::string_view kSister = "1ZF3R1N00300000026";

// Why a parser refused says the same for any input.
template <typename Parse>
auto Parsed(Parse parse, std::string_view body) {
  static const std::string refusal(parse(std::string_view()).status().message());
  auto parsed = parse(body);
  Promise(parsed.ok() || parsed.status().message() == refusal, "a refusal repeats no input");
  return parsed;
}

// An answer as it would come with this body.
HttpOutcome Answer(std::string_view body, int status = 200) {
  return {.response = HttpResponse{.status = status, .body = std::string(body)},
          .body_started = true};
}

void CheckLabels(const pb::Call::Result& result) {
  Promise(result.packages_size() > 0, "a success has a package");
  Promise(!result.ups_shipment_id().empty(), "a success has a shipment's number");
  for (const pb::Call::Result::Package& package : result.packages()) {
    Promise(!package.tracking_number().empty(), "each package has a tracking number");
    Promise(!package.label().empty(), "each package has a label");
    Promise(!package.label_format().empty(), "each label has a format");
  }
}

void FuzzToken(std::string_view body) {
  const auto reply = Parsed(ParseTokenReply, body);
  Promise(!reply.ok() || !reply->access_token.empty(), "a token is not empty");
  const TokenJudgement judged = JudgeToken(Answer(body));
  Promise((judged.end == TokenEnd::kGranted) == reply.ok(), "what reads is granted");
  if (judged.end != TokenEnd::kGranted) return;
  Promise(judged.lifetime > absl::ZeroDuration() && judged.lifetime <= kLongestLifetime,
          "a token lives for up to a day");
}

void FuzzAddress(std::string_view body) {
  const auto reply = Parsed(ParseAddressReply, body);
  if (!reply.ok()) return;
  Promise(reply->verdict() != pb::ValidateAddressResponse::VERDICT_UNSPECIFIED,
          "a validation has a verdict");
}

void FuzzShip(std::string_view body) {
  const auto parse = [](std::string_view text) { return ParseShipReply(text, "ZPL"); };
  const auto reply = Parsed(parse, body);
  if (reply.ok()) CheckLabels(*reply);

  static const std::string doubt = JudgeShip(Answer(""), pb::ShipmentSpec()).doubt;
  pb::ShipmentSpec one;
  one.add_packages();
  const ShipJudgement judged = JudgeShip(Answer(body), one);
  Promise((judged.state == pb::Call::DONE) == (reply.ok() && reply->packages_size() == 1),
          "done is a label for each package");
  Promise(judged.state == pb::Call::DONE || judged.doubt == doubt, "a doubt repeats no input");
  for (const int status : {400, 408, 429, 500}) {
    const ShipJudgement refused = JudgeShip(Answer(body, status), one);
    Promise(refused.state == pb::Call::REJECTED || refused.state == pb::Call::IN_DOUBT,
            "an error makes no shipment");
    Promise(refused.state == pb::Call::IN_DOUBT || (status != 408 && status != 500),
            "behind a server's error the shipment may stand");
  }
}

int64_t OwnPrice(const pb::QuoteRatesResponse::Quote& quote) {
  return quote.has_negotiated_charges() ? quote.negotiated_charges().amount_minor()
                                        : quote.charges().amount_minor();
}

void CheckRates(const pb::QuoteRatesResponse& rates) {
  int64_t last = 0;
  for (const pb::QuoteRatesResponse::Quote& quote : rates.quotes()) {
    Promise(quote.service_code().size() == 2, "a quote is of a service");
    Promise(quote.charges().amount_minor() > 0 && OwnPrice(quote) > 0, "a price is more than none");
    Promise(!quote.charges().currency_code().empty(), "a price has a currency");
    Promise(OwnPrice(quote) >= last, "the cheapest comes first");
    last = OwnPrice(quote);
    Promise(quote.delivery_date().empty() || quote.delivery_date().size() == 10,
            "a day is YYYY-MM-DD");
    Promise(quote.business_days() >= 0 && quote.business_days() <= 365, "days are some");
  }
  std::set<std::string> alerts(rates.alerts().begin(), rates.alerts().end());
  Promise(static_cast<int>(alerts.size()) == rates.alerts_size(), "an alert is told once");
}

void FuzzRating(std::string_view body) {
  const auto reply = Parsed(ParseRateReply, body);
  if (reply.ok()) CheckRates(*reply);
}

void FuzzRecovery(std::string_view body) {
  const auto parse = [](std::string_view text) { return ParseRecoveryReply(text, "ZPL"); };
  const auto reply = Parsed(parse, body);
  if (!reply.ok()) return;
  if (reply->candidates == 0) CheckLabels(reply->result);
  Promise(reply->candidates == 0 || reply->result.packages_size() == 0,
          "several shipments are no label");
}

void FuzzVoid(std::string_view body) {
  const auto whole = Parsed([](std::string_view text) { return ParseVoidReply(text); }, body);
  const std::vector<std::string> two = {std::string(kTracked), std::string(kSister)};
  const auto both = Parsed([&](std::string_view text) { return ParseVoidReply(text, two); }, body);
  const auto one =
      Parsed([&](std::string_view text) { return ParseVoidReply(text, {two[0]}); }, body);
  Promise(whole.ok() == both.ok() && whole.ok() == one.ok(), "what reads, reads for any package");
  Promise(!both.value_or(false) || one.value_or(false), "two are void only if one is");
}

void CheckActivity(const pb::TrackingActivity& activity) {
  Promise(activity.has_event_time() ==
              (activity.time_precision() != pb::TrackingActivity::TIME_PRECISION_UNSPECIFIED),
          "a time says how sure it is");
  Promise(activity.utc_offset().empty() || activity.utc_offset().size() == 6,
          "an offset is +hh:mm");
  Promise(activity.local_time().empty() || activity.local_time().size() == 19,
          "a local time is whole");
}

void FuzzTrack(std::string_view body) {
  const auto parse = [](std::string_view text) { return ParseTrackReply(text, kTracked); };
  const auto reply = Parsed(parse, body);
  if (!reply.ok()) return;
  Promise(reply->found() || reply->activities().empty(), "what is not found has no activities");
  int64_t last = INT64_MIN;
  for (const pb::TrackingActivity& activity : reply->activities()) {
    CheckActivity(activity);
    Promise(activity.tracking_number() == kTracked, "an activity is the package's own");
    Promise(activity.event_time().seconds() >= last, "activities come oldest first");
    last = activity.event_time().seconds();
  }
}

void FuzzTrackedPackages(std::string_view body) {
  const auto tracked = Parsed(ParseTrackedPackages, body);
  const auto numbers = Parsed(ParseTrackReferenceReply, body);
  Promise(tracked.ok() == numbers.ok(), "what tells of packages tells their numbers");
  if (!tracked.ok()) return;
  Promise(tracked->tracking_numbers == *numbers, "and the same ones");
  Promise(tracked->package_count >= 0, "a shipment has no fewer than no packages");
  for (const std::string& number : *numbers) {
    Promise(CheckTrackingNumber(number, "number").ok(), "a number is one");
  }
  int64_t last = INT64_MIN;
  for (const pb::TrackingActivity& activity : tracked->activities) {
    CheckActivity(activity);
    Promise(
        std::find(numbers->begin(), numbers->end(), activity.tracking_number()) != numbers->end(),
        "an activity is a package's");
    Promise(activity.event_time().seconds() >= last, "activities come oldest first");
    last = activity.event_time().seconds();
  }
}

void FuzzSubscribe(std::string_view body) {
  const auto reply = Parsed(ParseSubscribeReply, body);
  if (!reply.ok()) return;
  for (const auto* numbers :
       {&reply->valid_tracking_numbers(), &reply->invalid_tracking_numbers()}) {
    for (const std::string& number : *numbers) Promise(!number.empty(), "a number is not blank");
  }
}

constexpr Operation kOperations[] = {
    Operation::kToken,          Operation::kAddress,     Operation::kShip,
    Operation::kVoid,           Operation::kRecovery,    Operation::kTrack,
    Operation::kTrackReference, Operation::kSubscribe,   Operation::kRating,
    Operation::kTimeInTransit,  Operation::kQuantumView, Operation::kProbe};
constexpr int kStatuses[] = {200, 206, 400, 401, 403, 404, 408, 429, 500, 503};

void FuzzErrors(std::string_view body) {
  HttpResponse response{.status = kStatuses[body.size() % std::size(kStatuses)],
                        .body = std::string(body)};
  if (body.size() <= 32) response.headers = {{"Date", ""}, {"apierrorcode", std::string(body)}};
  const std::string code = CodeOf(response);
  Promise(code.size() <= 12 && std::all_of(code.begin(), code.end(),
                                           [](unsigned char c) { return absl::ascii_isalnum(c); }),
          "a code looks like one");
  Promise(code.empty() || !ErrorsOf(response).empty(), "a code is an error's");
  const std::string error_code = ErrorCodeOf(response);
  Promise(error_code == code || (error_code.empty() && response.status < 300),
          "an error's code is the reply's");
  const HttpResponse same_code{.status = response.status, .headers = {{"APIErrorCode", code}}};
  for (const Operation operation : kOperations) {
    const absl::Status status = StatusFromUps(operation, response);
    Promise(!status.ok(), "no error is a success");
    Promise(status == StatusFromUps(operation, same_code), "of a refusal only its code is told");
    const CatalogueEntry entry = Look(operation, code, response.status);
    Promise(!entry.sentence.empty(), "each refusal has a sentence");
    Promise(!NameOf(entry.action).empty(), "each refusal has an action");
    Promise(operation != Operation::kShip || response.status < 500 ||
                entry.action == Action::kReconcile,
            "behind a server's error the shipment may stand");
  }
}

// All texts of the input that are long enough not to be ours by chance.
void CollectTexts(const Json& json, std::vector<std::string>& texts) {
  if (json.is_string() && json.get_ref<const std::string&>().size() >= 24) texts.push_back(json);
  if (!json.is_structured()) return;
  for (const Json& item : json) CollectTexts(item, texts);
}

// Status, code and body together, as the operations read them.
void FuzzAnswers(std::string_view body) {
  const HttpResponse response{.status = kStatuses[body.size() % std::size(kStatuses)],
                              .body = std::string(body)};
  std::vector<std::string> texts;
  CollectTexts(ParseJson(body), texts);
  const auto check = [&](const absl::Status& status, bool success) {
    Promise(!status.ok() || !success || response.status == 200, "only a 200 is a success");
    Promise(AsOutage(status).ok() == status.ok() && !absl::IsDataLoss(AsOutage(status)),
            "no caller is told of lost data");
    for (const std::string& text : texts) {
      Promise(std::string(status.message()).find(text) == std::string::npos,
              "a refusal repeats no input");
    }
  };
  const std::string number(kTracked);
  check(ReadAddress(response).status(), true);
  const auto rates = ReadRates(response);
  check(rates.status(), true);
  if (rates.ok()) CheckRates(*rates);
  Promise(!rates.ok() || !rates->quotes().empty(), "nothing offered is a refusal");
  const auto voided = ReadVoid(response, {});
  check(voided.status(), voided.ok() && !voided->already_voided());
  check(ReadVoid(response, {number}).status(), false);
  const auto recovered = ReadRecovery(response, "ZPL");
  const bool found = recovered.ok() && recovered->outcome() == pb::RecoverLabelResponse::FOUND;
  check(recovered.status(), found);
  if (found) CheckLabels(recovered->result());
  Promise(!recovered.ok() || recovered->outcome() != pb::RecoverLabelResponse::OUTCOME_UNSPECIFIED,
          "a recovery has an outcome");
  const auto track = ReadTrack(response, kTracked);
  check(track.status(), track.ok() && track->found());
  for (const Operation operation : {Operation::kTrack, Operation::kTrackReference}) {
    const auto packages = ReadTrackedPackages(operation, response);
    check(packages.status(), packages.ok() && !packages->tracking_numbers.empty());
  }
  const auto subscribed = ReadSubscribe(response, {number});
  check(subscribed.status(), subscribed.ok() && subscribed->valid_tracking_numbers_size() > 0);
  Promise(AccountError(track.status()).empty() || !track.ok(), "an error is none of a success");
}

// The longest run of base64 in the text that is the value of `key`, as a simple eye sees it.
std::size_t LongestRun(std::string_view text, std::string_view key) {
  std::size_t longest = 0;
  for (std::size_t at = 0; (at = text.find(key, at)) != text.npos;) {
    at += key.size();
    std::size_t from = text.find_first_not_of(" \t\r\n:", at);
    if (from == text.npos || text[from] != '"') continue;
    std::size_t end = ++from;
    while (end < text.size() && (absl::ascii_isalnum(static_cast<unsigned char>(text[end])) ||
                                 text[end] == '+' || text[end] == '/' || text[end] == '=')) {
      ++end;
    }
    longest = std::max(longest, end - from);
  }
  return longest;
}

void FuzzWithoutLabels(std::string_view body) {
  const std::string kept = WithoutLabels(body);
  Promise(kept.size() <= body.size(), "nothing is added");
  for (const std::string_view key : {"\"GraphicImage\"", "\"HTMLImage\""}) {
    Promise(LongestRun(kept, key) < 200, "no label is kept");
  }
  Promise(WithoutLabels(kept) == kept, "what has no labels stays as it is");
  if (body.find("Image\"") == body.npos) Promise(kept == body, "all but labels is kept");
}

void FuzzDrift(std::string_view body) {
  Drift drift;
  for (const Operation operation : kOperations) drift.Look(operation, body);
  const auto seen = drift.Seen();
  Promise(seen.size() <= Drift::kMostPaths + 3 * std::size(kOperations), "paths are bounded");
  for (const auto& [note, count] : seen) {
    const std::string& path = std::get<std::string>(note);
    Promise(!path.empty() && path.size() <= Drift::kMostPathBytes, "a path is short");
    Promise(std::all_of(path.begin(), path.end(),
                        [](unsigned char c) {
                          return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '[' ||
                                 c == ']';
                        }),
            "a path can be logged");
    Promise(count == 1 || path == "other", "a path is counted once a reply");
  }
}

// Seven lines: local date and time, GMT date and time, offset, country, state.
void FuzzTrackingTime(std::string_view body) {
  std::vector<std::string> lines =
      absl::StrSplit(absl::string_view(body.data(), body.size()), '\n');
  lines.resize(7);
  pb::TrackingActivity activity;
  activity.set_country_code(lines[5]);
  activity.set_state(lines[6]);
  SetTimes({.local_date = lines[0],
            .local_time = lines[1],
            .gmt_date = lines[2],
            .gmt_time = lines[3],
            .gmt_offset = lines[4]},
           activity);
  CheckActivity(activity);
}

}  // namespace
}  // namespace psups::ups_gateway

const std::map<std::string, psups::fuzz::Target>& psups::fuzz::kTargets =
    *new std::map<std::string, psups::fuzz::Target>{
        {"address", psups::ups_gateway::FuzzAddress},
        {"answers", psups::ups_gateway::FuzzAnswers},
        {"drift", psups::ups_gateway::FuzzDrift},
        {"errors", psups::ups_gateway::FuzzErrors},
        {"rating", psups::ups_gateway::FuzzRating},
        {"recovery", psups::ups_gateway::FuzzRecovery},
        {"ship", psups::ups_gateway::FuzzShip},
        {"subscribe", psups::ups_gateway::FuzzSubscribe},
        {"token", psups::ups_gateway::FuzzToken},
        {"track", psups::ups_gateway::FuzzTrack},
        {"tracked_packages", psups::ups_gateway::FuzzTrackedPackages},
        {"tracking_time", psups::ups_gateway::FuzzTrackingTime},
        {"void", psups::ups_gateway::FuzzVoid},
        {"without_labels", psups::ups_gateway::FuzzWithoutLabels},
    };
