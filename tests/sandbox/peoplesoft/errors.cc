#include "tests/sandbox/peoplesoft/errors.h"

#include <cstdint>
#include <random>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/sandbox/peoplesoft/render.h"

namespace psups::peoplesoft_sandbox {
namespace {

std::string NewTransactionId() {
  static thread_local std::mt19937_64 random(std::random_device{}());
  const uint64_t a = random();
  const uint64_t b = random();
  return absl::StrFormat("%08x-%04x-4%03x-a%03x-%012x", a >> 32, (a >> 16) & 0xffff, a & 0xfff,
                         b >> 52, b & 0xffffffffffff);
}

HttpResponse Page(int status, const std::string& title, const std::string& text) {
  return {.status = status,
          .headers = {{"Content-Type", "text/html; charset=UTF-8"}},
          .body = absl::StrCat("<!DOCTYPE html>\n<html><head><title>", title,
                               "</title></head><body><p>", text, "</p></body></html>\n")};
}

}  // namespace

IbError WrongPassword() {
  return {.message_id = 45, .message = "User password failed. (158,45)", .parameter = "ANONYMOUS"};
}

IbError NotAuthorized(const std::string& oprid, const std::string& operation) {
  return {.message_id = 536,
          .message = absl::StrCat("User ", oprid, " not authorized to invoke Service Operation ",
                                  operation, ". (158,536)")};
}

IbError ContactError() {
  return {.message_id = 10721,
          .message = "Integration Gateway - External System Contact Error (158,10721)"};
}

IbError HandlerFailure(const std::string& message) {
  return {.message = absl::StrCat(message,
                                  " (-1,-1) PSUPS.Handler.OnExecute  Name:OnExecute  PCPC:412  "
                                  "Statement:9")};
}

HttpResponse IbResponse(int status, const IbError& error) {
  const std::string parameters =
      error.parameter.empty()
          ? "<MessageParameters/>"
          : absl::StrCat("<MessageParameters><Parameter>", XmlEscape(error.parameter),
                         "</Parameter></MessageParameters>");
  return {.status = status,
          .headers = {{"Content-Type", "text/xml; charset=UTF-8"},
                      {"transactionid", NewTransactionId()}},
          .body = absl::StrCat(
              "<?xml version=\"1.0\"?><IBResponse type=\"error\"><DefaultTitle>Integration Broker "
              "Response</DefaultTitle><StatusCode>20</StatusCode><MessageSet>",
              error.message_set, "</MessageSet><MessageID>", error.message_id,
              "</MessageID><DefaultMessage>", XmlEscape(error.message), "</DefaultMessage>",
              parameters, "</IBResponse>")};
}

HttpResponse HandlerError(const SiteConfig& site, const std::string& message) {
  if (site.production) return {.status = 500};
  return IbResponse(200, HandlerFailure(message));
}

HttpResponse QueryError(const SiteConfig& site, const std::string& message) {
  if (site.production || !site.json_query_errors) return HandlerError(site, message);
  const Json body = {{"status", "error"}, {"message", message}};
  return {.status = 200, .headers = {{"Content-Type", site.json_content_type}}, .body = Dump(body)};
}

HttpResponse LoginPage() {
  return Page(200, "Oracle PeopleSoft Sign-in",
              "Your PeopleSoft connection has expired. Please sign in again.");
}

HttpResponse LoginRedirect(const std::string& host) {
  HttpResponse response = Page(302, "Found", "Redirecting to sign-in.");
  response.headers.emplace_back("Location", absl::StrCat("https://", host, "/psp/ps/?cmd=login"));
  return response;
}

HttpResponse ProxyUnavailable() {
  return Page(503, "Service Unavailable", "No application server is available.");
}

HttpResponse NotFoundPage() { return Page(404, "Not Found", "No such resource."); }

}  // namespace psups::peoplesoft_sandbox
