"""When a year of ps-ingest moves its clock: in strides of hours, and in minutes around the two changes
of the base zone's clock; never to a moment from which a read could run into quiet hours."""

from random import Random

from year_documents import DAY, HOUR, changes_of_the_clock, local

QUIET = (("12:00", "12:45"), ("22:45", "00:15"), ("01:40", "01:50"))
# However long a stride's reads take, they take less.
BEFORE_QUIET = 240
# The clock moves by whole seconds.
STEP_ERROR = 2
FINE_FROM, FINE_TO, FINE_SECONDS = -2 * HOUR, 3 * HOUR, (360, 840)


def is_quiet(moment: float) -> bool:
    minute = local(moment).strftime("%H:%M")
    return any(begin <= minute < end if begin < end else minute >= begin or minute < end
               for begin, end in QUIET)


def clear_of_quiet(moment: float) -> float:
    """The first moment from there on that is quiet itself or far enough before all that is."""
    while not is_quiet(moment - STEP_ERROR) and is_quiet(moment + BEFORE_QUIET):
        moment += 60
    return moment


class Calendar:
    """The strides of one year that begins at `begin`. With `days_around`, only so many days before and
    after each of the two changes, and one stride over what lies between."""

    def __init__(self, begin: float, days_around: float, stride_hours: tuple[float, float],
                 random: Random):
        self.spring, self.autumn = changes_of_the_clock(begin, begin + 365 * DAY)
        spans = [(begin, begin + 365 * DAY)]
        if days_around:
            spans = [(change - days_around * DAY, change + days_around * DAY)
                     for change in (self.spring, self.autumn)]
        self.begin = spans[0][0]
        self.moments: list[float] = []
        for at, end in spans:
            while at < end:
                self.moments.append(clear_of_quiet(at))
                at = self._next(self.moments[-1], stride_hours, random)

    def _next(self, at: float, stride_hours, random: Random) -> float:
        if self.is_fine(at):
            return at + random.uniform(*FINE_SECONDS)
        to = at + random.uniform(*stride_hours) * HOUR
        for change in (self.spring, self.autumn):
            if at < change + FINE_FROM < to:
                return change + FINE_FROM
        return to

    def is_fine(self, at: float) -> bool:
        return any(FINE_FROM <= at - change < FINE_TO for change in (self.spring, self.autumn))

    def has_fine(self, begin: float, end: float) -> bool:
        return any(begin < change + FINE_TO and change + FINE_FROM < end
                   for change in (self.spring, self.autumn))

    def change_near(self, at: float) -> int | None:
        """The change in whose hour, before or after, this moment lies."""
        return next((c for c in (self.spring, self.autumn) if abs(at - c) < HOUR), None)
