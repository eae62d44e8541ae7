#include "services/ps-ingest/ps_error.h"

#include <algorithm>
#include <cctype>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace psups::ps_ingest {
namespace {

constexpr std::size_t kSearched = 16 << 10;  // errors are short; a large answer is not searched

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

// "(158,45)", or MessageSet and MessageID of an IBResponse.
struct MessageNumber {
  int set = 0;
  int id = 0;
};

std::optional<int> Element(std::string_view xml, std::string_view name) {
  const std::string open = absl::StrCat("<", View(name), ">");
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::string_view rest = xml.substr(begin + open.size());
  int value = 0;
  if (!absl::SimpleAtoi(View(rest.substr(0, rest.find('<'))), &value)) return std::nullopt;
  return value;
}

std::optional<MessageNumber> NumberInText(std::string_view text) {
  for (std::size_t open = text.find('('); open != std::string_view::npos;
       open = text.find('(', open + 1)) {
    const std::size_t close = text.find(')', open);
    if (close == std::string_view::npos) break;
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const std::size_t comma = inside.find(',');
    MessageNumber number;
    if (comma != std::string_view::npos &&
        absl::SimpleAtoi(View(inside.substr(0, comma)), &number.set) &&
        absl::SimpleAtoi(View(inside.substr(comma + 1)), &number.id) && number.set > 0) {
      return number;
    }
  }
  return std::nullopt;
}

MessageNumber FindNumber(std::string_view text) {
  if (const auto number = NumberInText(text)) return *number;
  return {.set = Element(text, "MessageSet").value_or(0),
          .id = Element(text, "MessageID").value_or(0)};
}

PsError AuthError(absl::string_view how) {
  return {PsErrorKind::kAuth,
          absl::StrCat("PeopleSoft refused the user or the password (", how,
                       "); check the OPRID's account, give the right password by `psupsctl "
                       "connection update`, then `psupsctl connection resume`")};
}

bool IsHtml(std::string_view text) {
  const std::string start =
      absl::AsciiStrToLower(View(text.substr(0, std::min<std::size_t>(text.size(), 64))));
  return absl::StartsWith(start, "<!doctype html") || absl::StartsWith(start, "<html");
}

// What an error body's message says, by its number first and its words last.
PsError FromMessage(std::string_view text, int http_status, std::string_view what) {
  const MessageNumber number = FindNumber(text);
  const std::string shown = number.set == 0 ? absl::StrCat("HTTP ", http_status)
                                            : absl::StrCat(number.set, ",", number.id);
  if (number.set == 158 && (number.id == 45 || number.id == 55)) return AuthError(shown);
  if (number.set == 158 && number.id == 536) {
    return {PsErrorKind::kPermission,
            absl::StrCat("the OPRID may not run ", View(what), " (", shown,
                         "); grant its permission list the service operation")};
  }
  if (number.set == 158 && number.id == 10721) {
    return {PsErrorKind::kTransient,
            absl::StrCat("the gateway does not reach PeopleSoft (", shown, "); tried again")};
  }
  const std::string words = absl::AsciiStrToLower(View(text));
  const auto says = [&](absl::string_view word) { return absl::StrContains(words, word); };
  const bool about_setup = says("query") || says("prompt") || says("operation") || says("routing");
  const bool absent = says("not found") || says("not defined") || says("does not exist") ||
                      says("no such") || says("unknown") || says("invalid") || says("missing") ||
                      says("required") || says("access error");
  if (about_setup && absent) {
    return {PsErrorKind::kConfig,
            absl::StrCat("PeopleSoft does not know ", View(what), " as it was asked for (", shown,
                         "); compare the query's or operation's name and its prompts with "
                         "docs/peoplesoft-setup.md")};
  }
  return {PsErrorKind::kTransient, absl::StrCat("PeopleSoft answered ", View(what),
                                                " with an error (", shown, "); tried again")};
}

PsError FromTransport(const absl::Status& status, std::string_view what) {
  switch (status.code()) {
    case absl::StatusCode::kResourceExhausted:
      return {PsErrorKind::kTooLarge, absl::StrCat("the answer to ", View(what), " is too large")};
    case absl::StatusCode::kUnauthenticated:
      return AuthError(status.message());
    case absl::StatusCode::kFailedPrecondition:
      return {PsErrorKind::kConfig, absl::StrCat(status.message(), "; correct the connection")};
    case absl::StatusCode::kInvalidArgument:
      return {PsErrorKind::kConfig, absl::StrCat("the URL cannot be used: ", status.message())};
    case absl::StatusCode::kDeadlineExceeded:
      return {.kind = PsErrorKind::kTransient,
              .sentence = absl::StrCat("PeopleSoft did not answer ", View(what),
                                       " in time; check the host and the network; tried again"),
              .timed_out = true};
    default:
      return {PsErrorKind::kTransient,
              absl::StrCat("PeopleSoft was not reached: ", status.message(),
                           "; check the host, the network and the certificates; tried again")};
  }
}

}  // namespace

const char* Name(PsErrorKind kind) {
  switch (kind) {
    case PsErrorKind::kAuth:
      return "auth";
    case PsErrorKind::kPermission:
      return "permission";
    case PsErrorKind::kConfig:
      return "config";
    case PsErrorKind::kTooLarge:
      return "too_large";
    case PsErrorKind::kTransient:
      return "transient";
    case PsErrorKind::kData:
      return "data";
  }
  return "";
}

std::optional<PsError> FindError(const absl::StatusOr<HttpResponse>& response,
                                 std::string_view what) {
  if (!response.ok()) return FromTransport(response.status(), what);
  const int status = response->status;
  std::string_view body = response->body;
  while (!body.empty() && std::isspace(static_cast<unsigned char>(body.front()))) {
    body.remove_prefix(1);
  }
  if (status == 401) return AuthError("HTTP 401");
  // What a query's rows hold is not searched.
  const std::size_t rows = std::min(body.find("<row"), kSearched);
  const std::string_view head = body.substr(0, std::min(body.size(), rows));
  const bool xml = absl::StartsWith(View(head), "<");
  if (xml && (absl::StrContains(View(head), "IBResponse") ||
              absl::StrContains(View(head), ":Fault") || absl::StrContains(View(head), "<Fault"))) {
    return FromMessage(head, status, what);
  }
  if (status == 403) return AuthError("HTTP 403");
  if (status == 404) {
    return PsError{PsErrorKind::kConfig,
                   absl::StrCat("PeopleSoft knows no path for ", View(what),
                                " (HTTP 404); check base URL, node and operation")};
  }
  if (IsHtml(head)) {
    return PsError{PsErrorKind::kTransient,
                   absl::StrCat("a web page came instead of an answer to ", View(what), " (HTTP ",
                                status, "): a login page or a proxy stands in front; tried again")};
  }
  if (status >= 200 && status < 300) return std::nullopt;
  return FromMessage(head, status, what);
}

PsError NotSuccess(std::string_view body, std::string_view what) {
  return FromMessage(body.substr(0, std::min(body.size(), kSearched)), 200, what);
}

}  // namespace psups::ps_ingest
