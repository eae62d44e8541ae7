"""Kills services at named points of their work, and starts them again."""

import os
import signal
import threading
import time

from pg_proxy import PgProxy

# What a transaction did and whether the SIGKILL comes before its COMMIT is forwarded or before its
# answer is: the points of design.md §5 where a service may die between the world and its database.
POINTS = {
    "ups-gateway": [
        ("intent committed, nothing sent", "INSERT INTO calls (", "after"),
        ("UPS answered, outcome not committed", "UPDATE calls c SET state = o.b", "before"),
        ("UPS has the POST and is silent", "ship", "withheld"),
        ("outcome committed, caller not told", "UPDATE calls c SET state = o.b", "after"),
        ("read answered, not recorded", "INSERT INTO exchanges", "before"),
    ],
    "shipment-builder": [
        ("label stored, not handed over", "INSERT INTO labels", "after"),
        ("order stored, not acknowledged", "INSERT INTO orders (", "after"),
        ("purchase committed, not asked for", "INSERT INTO purchases", "after"),
        ("bought, label not stored", "INSERT INTO labels", "before"),
    ],
    "tracking-sync": [
        ("event committed, 200 not sent", "INSERT INTO received_events", "after"),
        ("event not yet numbered", "INSERT INTO events (", "before"),
        ("tracker committed, caller not told", "INSERT INTO trackers", "after"),
        ("statuses reported, not recorded", "UPDATE updates SET reported_time", "before"),
    ],
    "ps-ingest": [
        ("rows read, neither they nor the cursor stored", "INSERT INTO windows", "before"),
        ("rows and cursor stored, worker not told", "INSERT INTO windows", "after"),
        ("PeopleSoft accepted, not recorded", "UPDATE write_backs SET state = 'WRITTEN'", "before"),
        ("statuses stored, caller not told", "INSERT INTO write_backs", "after"),
    ],
    "audit-ledger": [
        ("sequenced, not acknowledged", "INSERT INTO entries", "after"),
        ("not sequenced", "INSERT INTO entries", "before"),
    ],
}


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
        self.points = [POINTS[service][n % len(POINTS[service])] for n in range(times)]
        self.killed: list[str] = []
        self.rule = None
        self.withheld = 0

    @property
    def done(self) -> bool:
        return len(self.killed) == len(self.points)

    def waits_for(self) -> str:
        return "" if self.done else f"{self.service.name}: {self.points[len(self.killed)][0]}"

    def step(self) -> None:
        if self.done:
            return
        name, text, when = self.points[len(self.killed)]
        if self.rule is None:
            self.rule = self._withhold(text) if when == "withheld" else self.proxy.arm(
                text, when, lambda _rule: self._kill())
        if when == "withheld" and self._peer_is_silent():
            self._kill()
            self.rule.set()
        hit = self.rule if isinstance(self.rule, threading.Event) else self.rule.hit
        if hit.is_set():
            self.service.process.kill()  # returns once it is gone
            self.service.restart()
            self.service.wait()
            self.killed.append(name)
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


def run(job, killers, seconds: float, say=print) -> None:
    """Lets the job go on while killers kill, until all have killed enough and the job is settled."""
    deadline = time.monotonic() + seconds
    settled_since, said = None, ""
    while True:
        job.step()
        for killer in killers:
            killer.step()
        waiting = [k.waits_for() for k in killers if not k.done]
        line = f"{sum(len(k.killed) for k in killers)} kills; waits for: {'; '.join(waiting)}"
        if line != said:
            say(line, flush=True)
            said = line
        if waiting or not job.settled():
            settled_since = None
        elif settled_since is None:
            settled_since = time.monotonic()
        elif time.monotonic() - settled_since > 3:  # for what should not come any more
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done after {seconds:.0f} s: {job.progress()}; {line}")
        time.sleep(0.2)
