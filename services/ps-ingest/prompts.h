#pragma once

namespace psups::ps_ingest {

// Our names of the queries' prompts; Connection.prompt_names says what a site calls them.
inline constexpr char kFromPrompt[] = "FROM_DTTM";
inline constexpr char kToPrompt[] = "TO_DTTM";
// Only documents whose (business unit, id) is greater: what a cut answer goes on from.
inline constexpr char kAfterUnitPrompt[] = "AFTER_BU";
inline constexpr char kAfterIdPrompt[] = "AFTER_ID";
inline constexpr char kUnitPrompt[] = "BU";
inline constexpr char kSetidPrompt[] = "SETID";
// ID_1 to ID_10: one query reads so many by key.
inline constexpr char kIdPrompt[] = "ID_";
inline constexpr int kIdPrompts = 10;

}  // namespace psups::ps_ingest
