#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace psups::ups_gateway {

using Json = nlohmann::json;

// A tolerant reader of UPS's JSON: what is missing, "" or of another type reads as empty, never as
// an error; one object stands for an array of one.

// Null if `body` is not JSON, or nested deeper than UPS ever does. A letter in another encoding, a
// bare control character or half a surrogate pair in a text is no reason to lose a reply; of two
// members of one name the last counts.
Json ParseJson(std::string_view body);

// The member, or null.
const Json& At(const Json& object, std::string_view key);

// The objects under `key`: 0, 1 or many, whatever shape they came in.
std::vector<const Json*> Many(const Json& object, std::string_view key);

// The texts under `key`: a string, or an array of them; blank ones are left out.
std::vector<std::string> Texts(const Json& object, std::string_view key);

// `text` trimmed, without the &#xD; that UPS is known to let slip in.
std::string Trimmed(std::string text);

// A string or number as text, trimmed. A bare number of more digits than a reader keeps is empty:
// better no number than a wrong one.
std::string Text(const Json& object, std::string_view key);

// Presence indicators: the key alone counts, whatever its value.
bool Present(const Json& object, std::string_view key);

}  // namespace psups::ups_gateway
