"""A year of ps-ingest under moved time: documents of every kind and lateness, a site that fails in each
way it can and is away for hours, a service that is stopped and killed.

What is to be found is known here (year_documents.py); what was found is judged in year_judge.py.
"""

import os
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ingest_stack import IngestStack
from moved_time import MovedTime
from year_calendar import QUIET, Calendar, clear_of_quiet, is_quiet
from year_documents import DAY, HOUR, ZONE, Archive, local, stamp_in_no_hour

from deploy.local.layout import BINARIES, StackError

FAULTS = ("bare_500", "ib_error_200", "status_503", "html_login", "redirect_302", "reset_before",
          "reset_mid_body", "truncate", "duplicate_rows", "wrong_numrows", "withhold", "slow",
          "contact_158_10721", "permission_158_536")
SLOW_MS = 300
OVERLAP, LAG, READ_TIMEOUT, MAX_ROWS = 1800, 5, 2, 120
LEASE, MOST_RETRY_WAIT, STALL_SECONDS = 15, 61, 60
CONNECTION = {
    "overlap_seconds": OVERLAP, "lag_seconds": LAG, "read_timeout_seconds": READ_TIMEOUT,
    "max_rows": MAX_ROWS, "poll_interval_seconds": 60, "max_poll_interval_seconds": 300,
    "sweep_interval_seconds": 14 * DAY,
    "quiet_hours": [{"from": begin, "to": end} for begin, end in QUIET]}
# In a whole year, and in one with a hole: a sweep's windows come one a minute.
LONGEST_WINDOW_DAYS = (10, 60)
# Where it is killed, in turn: at the commit of this statement, or while the site is silent.
KILLS = (("INSERT INTO windows", "before"), ("INSERT INTO order_revisions", "after"),
         ("INSERT INTO order_revisions", "before"), ("INSERT INTO windows", "after"), None)
STATE = """\
SELECT coalesce(bool_or(s.due_time <= clock_timestamp() + interval '1 s'), false),
  (SELECT coalesce(bool_or(lease_expire_time > clock_timestamp()), false) FROM ps_ingest.readers),
  extract(epoch FROM min(s.watermark_time) FILTER (WHERE s.purpose = 'POLL')),
  string_agg(DISTINCT s.last_error, '; ')
FROM ps_ingest.source_cursors s WHERE s.enabled"""


@dataclass
class Plan:
    """How much of everything."""

    documents: int
    days_around: float
    stride_hours: tuple[float, float]
    kills: int
    faults: int  # of each kind
    outages: int  # of the site, and as many of ps-ingest
    bursts: int
    seed: int


class IngestYear:
    def __init__(self, name: str, plan: Plan):
        self.plan, self.random = plan, random.Random(plan.seed)
        self.world = IngestStack(name, LEASE)
        self.clock: MovedTime | None = None
        self.archive = Archive(self.random)
        begin = datetime(datetime.now(ZONE).year + 1, 1, 2, tzinfo=ZONE).timestamp()
        self.calendar = Calendar(begin, plan.days_around, plan.stride_hours, self.random)
        self.kills = self.late = self.beyond = self.polled = self.no_hour = 0
        self.rule = None           # of the next kill, armed
        self.to_go_away: list[str] = []
        self.away: tuple[str, float] | None = None  # who is away, until when
        self.hours_away = {"site": 0.0, "ps-ingest": 0.0}
        self.near = {self.calendar.spring: 0, self.calendar.autumn: 0}

    # ---- life ----

    def __enter__(self) -> "IngestYear":
        try:
            days = LONGEST_WINDOW_DAYS[bool(self.plan.days_around)]
            self.world.start(self.calendar.begin, CONNECTION | {"max_window_seconds": days * DAY})
            self.clock = self.world.clock
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        self.world.stop()

    # ---- the year ----

    def run(self) -> None:
        steps = len(self.calendar.moments)
        agenda = self._agenda(steps)
        coarse = [n for n, at in enumerate(self.calendar.moments) if not self.calendar.is_fine(at)]
        bursts = set(self.random.sample(coarse, min(self.plan.bursts, len(coarse))))
        for n, moment in enumerate(self.calendar.moments):
            for act in agenda.get(n, ()):
                act()
            self._go_away()
            left = self.plan.documents - len(self.archive.documents)
            count = max(1, round(left / (steps - n)))
            self._stride(moment, max(count, 6) if self.calendar.change_near(moment) else count,
                         burst=n in bursts)
        self._come_back()
        self._finish()

    def _agenda(self, steps: int) -> dict[int, list]:
        """What is to happen at which step, beside documents."""
        agenda: dict[int, list] = {}

        def spread(acts: list) -> None:
            for n, act in enumerate(acts):
                agenda.setdefault(int((n + 0.5) * steps / len(acts)), []).append(act)

        faults = [(kind, n) for n in range(self.plan.faults) for kind in FAULTS]
        spread([lambda kind=kind, n=n: self._fault(kind, n) for kind, n in faults])
        spread([self._arm_kill] * self.plan.kills)
        spread([lambda who=who: self.to_go_away.append(who)
                for _n in range(self.plan.outages) for who in self.hours_away])
        return agenda

    def _stride(self, moment: float, count: int, burst: bool = False) -> None:
        """From now to `moment`: `count` documents and some changes come, then all is read; then those
        that were committed late."""
        begin = self.clock.now()
        moment = clear_of_quiet(max(moment, begin + 2))
        late = [n for n in range(count) if self.random.random() < 0.1]
        self._load(self._documents(begin, moment, count - len(late), burst))
        self._move_to(moment)
        if self.away and self.clock.now() >= self.away[1]:
            self._come_back()
        landed = self.clock.now()
        if self._settle(landed):
            self.polled += 1
            self.archive.settle(landed, self.clock.now(), LAG)
        self._load(self._late_documents(len(late)))

    # ---- documents ----

    def _documents(self, begin: float, end: float, count: int, burst: bool) -> list:
        made = []
        begin = max(begin, end - 3 * DAY)
        for _n in range(count):
            stamp = self.random.uniform(begin, end)
            visible = min(stamp + self.random.choice((0, 1, 30, 600)), end)
            made.append(self.archive.create(stamp, max(stamp, visible)))
            if self.random.random() < 0.25:
                stamp = self.random.uniform(begin, end)
                made.append(self.archive.change(stamp, stamp, self.clock.now()))
        if burst:
            stamp = self.random.uniform(begin, end)
            size = int(MAX_ROWS * self.random.uniform(1.5, 2.5))
            size = min(size, max(0, self.plan.documents - len(self.archive.documents)))
            made += [self.archive.create(stamp, stamp) for _n in range(size)]
        spring = self.calendar.spring
        if begin < spring + HOUR and end > spring and self.calendar.is_fine(begin):
            for stamp in (self.random.uniform(max(begin, spring), end) for _n in range(5)):
                self.no_hour += 1
                made.append(self.archive.create(stamp, stamp,
                                                stamped=stamp_in_no_hour(spring, stamp)))
        return made

    def _late_documents(self, count: int) -> list:
        made = []
        now = self.clock.now()
        for _n in range(count):
            stamp = max(now - self.random.uniform(1, OVERLAP - 3), self.calendar.begin)
            made.append(self.archive.create(stamp, now, late=True))
            self.late += 1
            if self.random.random() < 0.25:
                changed = self.archive.change(stamp, now, now, late=True)
                made.append(changed)
        if self.random.random() < 0.05:
            stamp = now - self.random.uniform(2 * HOUR, 3 * DAY)
            made.append(self.archive.create(stamp, now, late=True, beyond=True))
            self.beyond += 1
        return made

    def _load(self, made: list) -> None:
        made = [each for each in made if each]
        for document, version in made:
            near = self.calendar.change_near(version.stamp)
            if near and len(document.versions) == 1:
                self.near[near] += 1
        now = self.clock.now()
        if made:
            self.world.site.admin.post("/admin/orders", {
                "documents": [document.to_load(version, now) for document, version in made]})

    # ---- mishaps ----

    def _fault(self, kind: str, number: int) -> None:
        delay = {"delay_ms": SLOW_MS} if kind == "slow" else {}
        self.world.add_fault(f"{kind}:{number}", kind, count=1, **delay)

    def _arm_kill(self) -> None:
        """One at a time: the next waits for its turn."""
        if self.rule is not None:
            return
        point = KILLS[self.kills % len(KILLS)]
        if point is None:
            self.rule = f"withhold:kill-{self.kills}"
            self.world.add_fault(self.rule, "withhold", count=1)
        else:
            self.rule = self.world.proxy.arm(*point, lambda _rule: self.world.kill())

    def _kill_is_due(self) -> bool:
        if isinstance(self.rule, str):
            return self.world.hits()[self.rule] > 0
        return self.rule is not None and self.rule.hit.is_set()

    def _raise_from_the_dead(self) -> None:
        self.rule = None
        self.kills += 1
        self.world.begin_again()
        self._advance(LEASE + 1)  # the dead one's lease

    def _go_away(self) -> None:
        """Whose turn it is, for some hours, if these do not touch a change of the clock."""
        begin = self.clock.now()
        until = begin + self.random.uniform(2, 9) * HOUR
        if self.away or not self.to_go_away or self.calendar.has_fine(begin, until):
            return
        who = self.to_go_away.pop(0)
        self.away = (who, until)
        self.hours_away[who] -= begin / HOUR
        if who == "site":
            kind = self.random.choice(("status_503", "reset_before"))
            self.world.add_fault("away", kind, route="*")
        else:
            self.world.service.process.stop()

    def _come_back(self) -> None:
        if not self.away:
            return
        who, self.away = self.away[0], None
        self.hours_away[who] += self.clock.now() / HOUR
        if who == "site":
            self.world.remove_fault("away")
        else:
            self.world.begin_again()
            self._backfill()

    def _backfill(self) -> None:
        """A person has the last month read again."""
        today = local(self.clock.now()).date()
        self.world.call("admin", "ConnectionService/BackfillConnection", {
            "name": "connections/c1", "from_date": (today - timedelta(days=30)).isoformat(),
            "to_date": today.isoformat()})

    # ---- time ----

    def _move_to(self, moment: float) -> None:
        """While no call is on its way."""
        self._rest()
        self.clock.step(max(0, round(moment - self.clock.now())))

    def _advance(self, seconds: float) -> None:
        moment = clear_of_quiet(self.clock.now() + seconds)
        self.clock.step(round(moment - self.clock.now()))

    def _rest(self) -> tuple[float, str]:
        """Waits until no read is in flight or about to be. Up to where all was read, and what went
        wrong with the last reads."""
        deadline = time.monotonic() + STALL_SECONDS
        while True:
            if self._kill_is_due():
                self._raise_from_the_dead()
            due, leased, watermark, error = self.world.sql.ask(STATE)[0]
            if (due, leased) == ("f", "f") or (self.away and self.away[0] == "ps-ingest"):
                return float(watermark), error
            if time.monotonic() > deadline:
                raise StackError(f"nothing moves: due {due}, leased {leased}, {error}")
            time.sleep(0.005)

    def _settle(self, landed: float) -> bool:
        """Waits until all up to `landed` is read, as often as it takes; false if that cannot be now."""
        for _try in range(100):
            watermark, _error = self._rest()
            if watermark >= landed - LAG - 2:
                return True
            if self.away or is_quiet(self.clock.now()):
                return False
            self._advance(MOST_RETRY_WAIT)
        raise StackError(f"the site is read no more: {self.world.sql.ask(STATE)}")

    # ---- the end ----

    def _finish(self) -> None:
        """Until whatever was planned has happened and each sweep has seen all."""
        for _try in range(100 * (1 + self.plan.kills)):
            if self.kills < self.plan.kills:
                self._arm_kill()
            unmet = [rule for rule, hits in self.world.hits().items() if not hits]
            if not unmet and self.rule is None and self.kills >= self.plan.kills:
                break
            self._stride(self.clock.now() + 600, 1)
        self._settle(self.clock.now())
        if self._sweep_began():
            self._sweep()
        self._sweep()
        self.ended = self.clock.now()
        self.world.drain_to_ledger()

    def _sweep_began(self) -> bool:
        return self.world.sql.ask("SELECT bool_or(position_time IS NOT NULL) FROM ps_ingest.source_cursors "
                            "WHERE enabled AND purpose = 'SWEEP'") == [["t"]]

    def _sweep(self) -> None:
        """A round of sweeps ends that may begin now."""
        ended = "SELECT extract(epoch FROM min(coalesce(round_time, '2000-01-01Z'))) " \
                "FROM ps_ingest.source_cursors WHERE enabled AND purpose = 'SWEEP'"
        self._advance(CONNECTION["sweep_interval_seconds"])
        begun = self.clock.now()
        while float(self.world.sql.ask(ended)[0][0]) < begun:
            self._rest()
            self._advance(MOST_RETRY_WAIT)
        self._settle(self.clock.now())

    def results(self) -> Path:
        return Path(os.environ.get("SOAK_RESULTS") or BINARIES.parent / "soak")
