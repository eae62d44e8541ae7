#pragma once

#include "common/http_message.h"
#include "tests/sandbox/ups/faults.h"

namespace psups::ups_sandbox {

// What stands in place of an answer: the rule's body, or UPS's own words for the rule's status.
HttpResponse Failure(const FaultRule& fault);

// A page of HTML, as what stands in front of UPS answers.
HttpResponse HtmlPage(int status);

// Hurts the content of an answer as the rule's kind says; other kinds leave it as it is.
void Spoil(const FaultRule& fault, HttpResponse& response);

// The rule's headers take the place of those of the same name.
void SetHeaders(const FaultRule& fault, HttpResponse& response);

// Every list of one becomes its element, as older versions of UPS's API write it.
void MakeSingletons(HttpResponse& response);

}  // namespace psups::ups_sandbox
