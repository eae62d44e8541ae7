#pragma once

#include <string>

#include "common/http_message.h"
#include "tests/sandbox/peoplesoft/config.h"

namespace psups::peoplesoft_sandbox {

// What Integration Broker says when a call fails.
struct IbError {
  int message_set = 158;
  int message_id = 10001;
  std::string message = {};
  std::string parameter = {};
};

IbError WrongPassword();
IbError NotAuthorized(const std::string& oprid, const std::string& operation);
IbError ContactError();
IbError HandlerFailure(const std::string& message);  // with the place in PeopleCode behind it

// The <IBResponse type="error"> body under whatever status it comes.
HttpResponse IbResponse(int status, const IbError& error);

// An error of a query or a handler, as this site shows it: 200 with the IBResponse in Development,
// a bare 500 in Production.
HttpResponse HandlerError(const SiteConfig& site, const std::string& message);

// An error of a query where the site answers those in JSON (an option); else HandlerError.
HttpResponse QueryError(const SiteConfig& site, const std::string& message);

HttpResponse LoginPage();
HttpResponse LoginRedirect(const std::string& host);
HttpResponse ProxyUnavailable();
HttpResponse NotFoundPage();

}  // namespace psups::peoplesoft_sandbox
