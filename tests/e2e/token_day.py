"""A day and more of tokens that live an hour: a fleet of gateways that is restarted every hour, killed,
refused and denied, under moved time; and what UPS saw of it.

Real binaries, PostgreSQL and ups-sandbox together. Each account has a client id of its own at UPS,
and so a budget of its own.
"""

import itertools
import json
import random
from bisect import bisect_left
from collections import Counter
from datetime import datetime

from fleet import Fleet
from moved_time import MovedTime

from deploy.local import customers, sandboxes
from deploy.local.layout import write_private
from deploy.local.process import Process
from deploy.local.psupsctl import Psupsctl, write_context
from deploy.local.stack import Stack

HOUR, DAY = 3600, 24 * 3600
TOKEN_SECONDS = 3599
# "day" is what a day costs; "five" may ask five times a day; "wrong" has a wrong secret; every call of
# "storm" is answered 401 for hours.
ACCOUNTS = ("day", "five", "wrong", "storm")
LIMIT = 250
LIMITS = {"five": 5}
# Between the count of a token request and its sending, and between its answer and its storing.
COUNTED, ANSWERED = (("INSERT INTO token_requests", "after"),
                     ("UPDATE token_requests SET state", "before"))


def seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def most_in_a_day(times: list[float]) -> int:
    """The most of them in any 24 hours."""
    times = sorted(times)
    return max((bisect_left(times, begin + DAY) - n for n, begin in enumerate(times)), default=0)


class TokenDay:
    """run(), then what UPS saw. All that is drawn comes from `seed`."""

    def __init__(self, name: str, *, gateways: int, hours: int, kills: int, seed: int,
                 step_seconds: tuple[int, int]):
        self.random = random.Random(seed)
        self.hours, self.step_seconds = hours, step_seconds
        self.kills, self.killed = [COUNTED, ANSWERED] * (kills // 2), []
        self.storm_hours = max(1, hours // 10)
        self.restarts = self.rotations = self.well_after_storm = 0
        self.happened: list = []
        self.stack = Stack(name)
        self.size, self.mortal = gateways, max(1, gateways // 4)
        self.clock: MovedTime | None = None
        self.fleet: Fleet | None = None
        self.addresses = itertools.count(1)
        self.replies: Counter = Counter()  # (account, code)
        self.lost: list[str] = []  # replies that should have been OK
        self.begun = 0.0
        self.storm: tuple[float, float] = (0, 0)

    # ---- life ----

    def __enter__(self) -> "TokenDay":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self) -> None:
        stack = self.stack
        for file in (stack.home / "pids").glob("gateway-*.pid"):  # left by a run that was killed
            Process(stack.home, file.stem).stop()
        stack.remove()
        stack.prepare()
        # A gateway keeps a handful of connections.
        stack.cluster.query(f"ALTER SYSTEM SET max_connections = {100 + 12 * self.size}")
        stack.cluster.stop()
        self.clock = MovedTime(stack.cluster.place)
        stack.cluster.environment = self.clock.environment
        stack.cluster.start()
        stack.ups.start(self._sandbox(), self.clock.environment)
        stack.ups.wait()
        ledger = stack.services["audit-ledger"]
        ledger.start(stack.variables("audit-ledger") | self.clock.environment)
        ledger.wait()
        self.fleet = Fleet(stack, self.size, self.mortal, self.clock.environment)
        self.fleet.start()
        self._make_accounts()

    def __exit__(self, *_exception) -> None:
        if self.fleet is not None:
            self.fleet.stop()
        self.stack.remove()

    def _sandbox(self) -> dict:
        clients = [{"client_id": name, "client_secret": f"secret-of-{name}",
                    "accounts": [sandboxes.SHIPPER_NUMBER], "token_seconds": TOKEN_SECONDS,
                    "token_limit_per_day": LIMIT} for name in ACCOUNTS]
        config = sandboxes.ups_config(self.stack.ports, self.stack.secrets)
        return config | {"clients": clients}

    def _psupsctl(self) -> Psupsctl:
        """By a gateway that runs now."""
        port = next(iter(self.fleet)).port
        return Psupsctl(write_context(self.stack.context, self.stack.ports | {"ups-gateway": port}))

    def _secret(self, text: str):
        return write_private(self.stack.home / "new.secret", text)

    def _make_accounts(self) -> None:
        for name in ACCOUNTS:
            settings = customers.account(self.stack.ports) | {
                "account_id": name, "client_id": name,
                "token_limit_per_day": LIMITS.get(name, LIMIT)}
            file = self.stack.home / f"{name}.json"
            file.write_text(json.dumps(settings))
            secret = "not the secret" if name == "wrong" else f"secret-of-{name}"
            self._psupsctl().run("account", "create", "--file", file, "--secret-file",
                                 self._secret(secret))

    # ---- calls ----

    def _request(self, account: str, gateway) -> dict:
        """One that no other was like; UPS's journal shows who sent it."""
        return {"account": f"accounts/{account}", "address": {
            "lines": [f"{next(self.addresses)} Main Street", f"Suite {gateway.number}"],
            "city": f"{account.upper()} CITY", "state": "IL", "postal_code": "62701",
            "country_code": "US"}}

    def _call(self, *accounts: str, gateways=None, times: int = 1, well: bool = True) -> None:
        """Each gateway at once, for each of `accounts`, `times` at once; "day" must go `well`."""
        gateways = list(gateways or self.fleet)
        for gateway in gateways:
            gateway.client.send([self._request(account, gateway)
                                 for account in accounts for _ in range(times)])
        for gateway in gateways:
            for request, reply in gateway.client.replies():
                account = request["account"].split("/")[1]
                self.replies[account, reply["code"]] += 1
                if account == "day" and well and reply["code"] != "OK":
                    self.lost.append(f"{self._hour():.2f} h, gateway {gateway.number}: "
                                     f"{reply['code']} {reply['message']}")

    def _hour(self) -> float:
        return (self.clock.now() - self.begun) / HOUR

    # ---- the day ----

    def run(self) -> None:
        self.begun = self.clock.now()
        self.restart_time = {gateway: self.begun + HOUR * (n + 1) / self.size
                             for n, gateway in enumerate(self.fleet)}
        self._call(*ACCOUNTS)
        while self._hour() < self.hours:
            self.clock.step(self.random.randint(*self.step_seconds))
            self._restart_those_due()
            self._kill_if_due()
            self._mishap_if_due()
            self._call(*ACCOUNTS)

    def _restart_those_due(self) -> None:
        due = [gateway for gateway in self.fleet if self.restart_time[gateway] <= self.clock.now()]
        self.restart_time |= {gateway: self.restart_time[gateway] + HOUR for gateway in due}
        self.fleet.restart(due)
        self.restarts += len(due)

    def _kill_if_due(self) -> None:
        """One kill after the other, evenly over the day, each when the day's token has ended: so the
        gateway that is to die is the one that asks for the next."""
        if not self.kills or self._hour() < self.hours * self.killed_share() or self._token_lives():
            return
        victim = self.fleet.gateways[len(self.killed) % self.mortal]
        statement, when = point = self.kills.pop(0)
        self.fleet.kill_at(victim, statement, when, [self._request("day", victim)])
        self.killed.append((self.clock.now(), point))
        self.clock.step(61)  # past the lease of the dead, and the least time between two requests

    def killed_share(self) -> float:
        return (len(self.killed) + 1) / (len(self.killed) + len(self.kills) + 1)

    def _token_lives(self) -> bool:
        granted = [seconds(t["time"]) for t in self.token_requests("day") if t["status"] == 200]
        return bool(granted) and granted[-1] + TOKEN_SECONDS > self.clock.now()

    def _at(self, share: float) -> bool:
        return self._hour() >= self.hours * share

    def _mishap_if_due(self) -> None:
        for mishap, share in ((self._rotate, 0.35), (self._revoke, 0.55), (self._storm, 0.7)):
            if self._at(share) and mishap not in self.happened:
                self.happened.append(mishap)
                mishap()

    def _rotate(self) -> None:
        """The secret is replaced in UPS's portal, and here only after UPS has refused the old one."""
        self.stack.ups.admin.post("/admin/clients", {"client_id": "day", "client_secret": "fresh"})
        while self._token_lives():
            self.clock.step(600)
        self._call("day", well=False)
        self._psupsctl().run("account", "rotate", "day", "--secret-file", self._secret("fresh"))
        self.clock.step(61)
        self.rotations += 1

    def _revoke(self) -> None:
        """UPS ends a token early. One gateway finds out; the others hear of it."""
        while self._token_lives():
            self.clock.step(600)
        first, *others = self.fleet
        self._call("day")
        heard = {gateway: gateway.count_said("ups_token_replaced") for gateway in others}
        self.clock.step(400)  # past the least time between forced renewals
        self.stack.ups.admin.post("/admin/revoke", {"client_id": "day"})
        self._call("day", gateways=[first])
        for gateway in others:
            gateway.wait_until_said("ups_token_replaced", heard[gateway] + 1)

    def _storm(self) -> None:
        """UPS answers 401 to each call with a good token, for hours; many callers at once."""
        rule = {"id": "storm", "route": "xav", "kind": "expire_token", "match": "STORM CITY"}
        self.stack.ups.admin.post("/admin/faults", {"add": [rule]})
        begun = self.clock.now()
        while self.clock.now() < begun + self.storm_hours * HOUR:
            self.clock.step(self.random.randint(90, 390))
            self._restart_those_due()
            self._call("storm", times=4)
            self._call("day", gateways=[self.random.choice(self.fleet.gateways)])
        self.storm = (begun, self.clock.now())
        self.stack.ups.admin.post("/admin/faults", {"remove": ["storm"]})
        self.clock.step(400)
        before = self.replies["storm", "OK"]
        self._call("storm")
        self.well_after_storm = self.replies["storm", "OK"] - before

    # ---- what UPS saw ----

    def token_requests(self, client: str) -> list[dict]:
        return [t for t in self.stack.ups.admin.truth()["token_requests"]
                if t["client_id"] == client]

    def request_times(self, client: str) -> list[float]:
        return [seconds(t["time"]) for t in self.token_requests(client)]

    def late_uses(self, client: str) -> list[list[dict]]:
        """For each token of its, the calls that came with it after it had ended or was revoked."""
        return [t["late_uses"] for t in self.stack.ups.admin.truth()["tokens"]
                if t["client_id"] == client]
