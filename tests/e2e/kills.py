"""Kills services at named points of their work, and starts them again."""

import itertools
import os
import signal
import threading
import time
from typing import NamedTuple

from pg_proxy import PgProxy


class Point(NamedTuple):
    """What a transaction did, and whether the SIGKILL comes before its COMMIT is forwarded or before
    its answer is; "withheld": once UPS has a request on that route and keeps its reply."""

    name: str
    statement: str
    when: str
    but_not: str | None = None


# The points of design.md §5 where a service may die between the world and its database.
POINTS = {
    "ups-gateway": [
        Point("intent committed, nothing sent", "INSERT INTO calls (", "after"),
        Point("UPS answered, outcome not committed", "UPDATE calls c SET state = o.b", "before"),
        Point("UPS has the POST and is silent", "ship", "withheld"),
        Point("UPS was asked about a doubt, finding not stored", "UPDATE calls SET update_time",
              "before"),
        Point("outcome committed, caller not told", "UPDATE calls c SET state = o.b", "after"),
        Point("read answered, not recorded", "INSERT INTO exchanges", "before", "UPDATE calls"),
    ],
    "shipment-builder": [
        Point("label stored, not handed over", "INSERT INTO labels", "after"),
        Point("order stored, not acknowledged", "INSERT INTO orders (", "after"),
        Point("purchase committed, not asked for", "INSERT INTO purchases", "after"),
        Point("bought, label not stored", "INSERT INTO labels", "before"),
    ],
    "tracking-sync": [
        Point("event committed, 200 not sent", "INSERT INTO received_events", "after"),
        Point("event not yet numbered", "INSERT INTO events (", "before"),
        Point("tracker committed, caller not told", "INSERT INTO trackers", "after"),
        Point("statuses reported, not recorded", "UPDATE updates SET reported_time", "before"),
    ],
    "ps-ingest": [
        Point("rows read, neither they nor the cursor stored", "INSERT INTO windows", "before"),
        Point("rows and cursor stored, worker not told", "INSERT INTO windows", "after"),
        Point("PeopleSoft accepted, not recorded", "UPDATE write_backs SET state = 'WRITTEN'",
              "before"),
        Point("statuses stored, caller not told", "INSERT INTO write_backs", "after"),
    ],
    "audit-ledger": [
        Point("sequenced, not acknowledged", "INSERT INTO entries", "after"),
        Point("not sequenced", "INSERT INTO entries", "before"),
    ],
}
# Where a service dies once, before all others.
FIRST = {
    "ups-gateway": [Point("token request counted, not sent", "INSERT INTO token_requests", "after")],
}
STALL_SECONDS = 120  # nothing at all moves
# Seconds between waves of orders, while the kills keep up with them and while they lag: so that there
# is work left for the last kill.
KEEPS_UP, LAGS = 2.0, 6.0


def behind_proxies(stack, services) -> dict[str, PgProxy]:
    """A proxy for each service, and the stack's settings changed so that it connects by it. After
    stack.prepare(), before stack.start_services()."""
    proxies = {}
    for service in services:
        folder = stack.home / "proxies" / service
        folder.mkdir(parents=True, exist_ok=True)
        proxies[service] = PgProxy(str(folder), str(stack.cluster.socket / ".s.PGSQL.5432"), 5432)
        role = service.replace("-", "_")
        stack.settings.setdefault(service, {})["PSUPS_DATABASE_URL"] = (
            f"host={folder} port=5432 user={role} dbname=psups")
    return proxies


class Killer:
    """Kills one service `times` times, going round its points; step() arms, notices and restarts."""

    def __init__(self, stack, service: str, proxy: PgProxy, times: int):
        self.stack, self.service, self.proxy = stack, stack.services[service], proxy
        order = itertools.chain(FIRST.get(service, []), itertools.cycle(POINTS[service]))
        self.points = list(itertools.islice(order, times))
        self.killed: list[str] = []
        self.rule = None
        self.withheld = 0

    @property
    def done(self) -> bool:
        return len(self.killed) == len(self.points)

    def waits_for(self) -> str:
        return "" if self.done else f"{self.service.name}: {self.points[len(self.killed)].name}"

    def step(self) -> None:
        if self.done:
            return
        point = self.points[len(self.killed)]
        withheld = point.when == "withheld"
        if self.rule is None:
            self.rule = self._withhold(point.statement) if withheld else self.proxy.arm(
                point.statement, point.when, lambda _rule: self._kill(), point.but_not)
        if withheld and self._peer_is_silent():
            self._kill()
            self.rule.set()
        hit = self.rule if isinstance(self.rule, threading.Event) else self.rule.hit
        if hit.is_set():
            self.service.process.kill()  # returns once it is gone
            self.service.restart()
            self.service.wait()
            self.killed.append(point.name)
            self.rule = None

    def _kill(self) -> None:
        pid = self.service.process.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def _withhold(self, route: str) -> threading.Event:
        self.withheld += 1
        self.stack.ups.admin.post("/admin/faults", {"add": [
            {"id": f"silent-{self.withheld}", "route": route, "kind": "withhold", "count": 1}]})
        return threading.Event()

    def _peer_is_silent(self) -> bool:
        name = f"silent-{self.withheld}"
        return any(entry["fault"] == name for entry in self.stack.ups.admin.journal())


def run(job, killers, say=print) -> None:
    """Lets the job go on while killers kill, until all have killed enough and the job is settled."""
    began = moved = time.monotonic()
    settled_since, before = None, None
    while True:
        job.step()
        for killer in killers:
            killer.step()
        waiting = [k.waits_for() for k in killers if not k.done]
        kills = sum(len(k.killed) for k in killers)
        if killers:
            slowest = min(len(k.killed) / len(k.points) for k in killers)
            job.wave_seconds = KEEPS_UP if slowest >= job.posted_share() else LAGS
        now, progress = time.monotonic(), job.progress()
        if (kills, waiting, progress) != before:
            if before is None or (kills, waiting) != before[:2]:
                say(f"{now - began:3.0f} s: {kills} kills; waits for: {'; '.join(waiting)}",
                    flush=True)
            moved, before = now, (kills, waiting, progress)
        if waiting or not job.settled():
            settled_since = None
        elif settled_since is None:
            settled_since = now
        elif now - settled_since > 3:  # for what should not come any more
            return
        if now - moved > STALL_SECONDS:
            raise TimeoutError(f"nothing moves for {STALL_SECONDS} s: {progress}; waits for: "
                               f"{waiting}; {job.missing()}")
        time.sleep(0.2)
