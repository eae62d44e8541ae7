#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace psups::ps_ingest {

// How windows of a connection are cut; its settings.
struct WindowRules {
  absl::Duration overlap = absl::Seconds(1800);
  absl::Duration lag = absl::Seconds(5);
  absl::Duration longest = absl::Hours(24);
  absl::TimeZone zone = {};
  bool whole_days = false;  // the site's column of the last change is a date
};

// Why a cursor reads.
enum class Purpose { kPoll, kSweep, kBackfill };
// As orders.v1.Window.Purpose has it, for the database.
const char* PurposeName(Purpose purpose);
Purpose PurposeFromName(std::string_view name);

// A document's key at its site. A query's rows stand in its order.
struct DocumentId {
  std::string business_unit = {};
  std::string id = {};

  auto operator<=>(const DocumentId&) const = default;
};

// How far a query has been read. A round reads again from the watermark less the overlap up to an
// end that is fixed when the round begins: a row that was committed late, but within the overlap,
// is then found by the next round, however long this one takes.
struct Cursor {
  Purpose purpose = Purpose::kPoll;
  absl::Time start = {};                          // nothing before it is read
  std::optional<absl::Time> end = {};             // of a backfill: nothing after it
  absl::Time watermark = {};                      // all up to here was read
  std::optional<absl::Time> position = {};        // where the round's next window begins
  std::optional<absl::Time> round_end = {};       // set exactly if `position` is
  absl::Duration window_limit = absl::Hours(24);  // the next window's length at most
  std::string fault = {};  // what cannot be read, in a sentence, until a round ends without one
  bool faulty = false;     // this round met it: the watermark stays, so the next one reads it again
  std::optional<DocumentId> after = {};  // the window was read up to this document
  int idle_rounds = 0;                   // rounds that brought nothing new, one after the other
  int most_rows = 0;                     // of an answer so far: shorter ones are whole
  int row_cap = 0;  // what PeopleSoft gives at most, once that has shown; else 0
};

// Both ends belong to it; whole seconds.
struct Window {
  absl::Time from = {};
  absl::Time to = {};
};

// The next window, starting a round if none is going on; nothing if the server's clock stands
// before all that could be read. `server_now` is PeopleSoft's clock as far as it is known.
std::optional<Window> NextWindow(Cursor& cursor, const WindowRules& rules, absl::Time server_now);

// After a window's whole answer is stored: moves the position and the watermark, but never past the
// server's clock at the beginning of the read less the lag. The watermark of a faulty round stays.
// True if the round goes on.
bool Advance(Cursor& cursor, const WindowRules& rules, const Window& window,
             std::optional<absl::Time> server_time_at_start);

// After an answer that was cut: the same window's first half comes next. False if it cannot be
// halved: it is a second (or a day) long, and the site must permit more rows.
bool Halve(Cursor& cursor, const WindowRules& rules, const Window& window);

// The rows to ask for: below what PeopleSoft gives at most.
int RowsToAsk(const Cursor& cursor, int max_rows);

// Whether an answer of `rows` may lack some. A full one does; so may one that is as long as the
// longest so far, as long as that could be a cap that nobody told of (the OPRID's query profile).
bool MayBeCut(const Cursor& cursor, int rows, int asked);

}  // namespace psups::ps_ingest
