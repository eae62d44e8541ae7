#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "absl/time/civil_time.h"
#include "tests/sandbox/ups/wire.h"

// What ship and rating look at alike.
namespace psups::ups_sandbox {

UpsError Missing(const std::string& field);

bool IsUsOrPr(const std::string& country);
bool IsDigits(const std::string& text);

// A plain decimal, at most `longest` characters, above zero.
std::optional<double> Measure(const std::string& text, std::size_t longest);

// YYYYMMDD.
std::optional<absl::CivilDay> Day(const std::string& text);

// Whether a state has ZIPs that begin with this one's digit; UPS knows finer, but this finds the
// ZIP of another region.
bool ZipFitsState(const std::string& zip, const std::string& state);

// UPS takes one value where it documents a list; makes what stands at `path` a list of one.
void MakeList(Json& body, const std::string& path);

// The number of payers that a charge names: there must be one.
int PayersOf(const Json& charge);

// A piece of a request that stands in for what may be missing.
const Json& ShipFromOrShipper(const Json& shipment);

}  // namespace psups::ups_sandbox
