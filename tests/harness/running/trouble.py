"""Kills services, crashes PostgreSQL and takes peers away, each at a moment that the seed chose."""

import threading
import time
from collections import Counter, deque
from random import Random

from deploy.local.layout import StackError, replica
from deploy.local.sandboxes import CLIENT_ID, ups_config
from running.faults import Weather

# Seconds from one mishap to the next; until what fell is started again, most often at once, as a
# supervisor does; and for how long a peer is away.
BETWEEN = (0.2, 4.0)
DOWN = (0.0, 0.0, 0.3, 1.0, 4.0)
AWAY = (1.0, 6.0)
POSTGRES_MODES = ("immediate", "fast")
# How far it may be ahead of the work, so that there is work left for the last mishap.
AHEAD = 0.35
TICK_SECONDS = 0.05


class Trouble(threading.Thread):
    """Goes on beside the job until its plan is through; then everything stands again."""

    def __init__(self, stack, random: Random, kills: int):
        super().__init__(name="trouble", daemon=True)
        self.stack, self.random, self.wanted = stack, random, kills
        peers = {"ups": stack.ups.admin} | {name: s.admin for name, s in stack.sites.items()}
        self.weather = Weather(peers, Random(random.getrandbits(32)))
        self.plan = self._plan(kills, list(peers))
        self.planned = len(self.plan)
        self.work = 0.0  # how much of the job is done; the job says so
        self.killed: Counter[str] = Counter()
        self.mishaps: Counter[str] = Counter()
        self.problem = ""
        self.down: set[str] = set()
        self.follow_ups: list[tuple] = []
        self.left_early = threading.Event()

    def _plan(self, kills: int, peers: list[str]) -> deque:
        """(seconds to wait, what, with what) in turn."""
        acts = [(self._kill, self.random.random()) for _ in range(kills)]
        acts += [(self._stop_postgres, POSTGRES_MODES[n % 2]) for n in range(max(2, kills // 8))]
        acts += [(self._take_away, peers[n % len(peers)]) for n in range(max(3, kills // 8))]
        acts.append((self._revoke_token, CLIENT_ID))
        self.random.shuffle(acts)
        return deque((self.random.uniform(*BETWEEN), *act) for act in acts)

    def kills(self) -> int:
        return self.killed.total()

    def most_tokens(self) -> int:
        """How many requests for a token it may have cost: a death or a crash loses what came, and
        the one that was revoked is renewed."""
        return self.killed["ups-gateway"] + self.mishaps.total()

    def share(self) -> float:
        """How much of the plan is through."""
        return 1 - len(self.plan) / self.planned

    # ---- the thread ----

    def run(self) -> None:
        try:
            self.weather.begin()
            due = time.monotonic() + self.plan[0][0]
            while self.plan or self.follow_ups:
                self._follow_up()
                if (self.plan and time.monotonic() >= due
                        and self.share() <= self.work + AHEAD):
                    _, act, argument = self.plan.popleft()
                    act(argument)
                    due = time.monotonic() + (self.plan[0][0] if self.plan else 0)
                self._look_for_dead()
                if self.left_early.wait(TICK_SECONDS):
                    return
            self.weather.end()
        except (OSError, StackError) as problem:
            self.problem = f"the trouble has trouble of its own: {problem}"

    def leave(self) -> None:
        """If the job gave up before."""
        self.left_early.set()
        self.join()

    def _after(self, seconds: float, act, argument) -> None:
        self.follow_ups.append((time.monotonic() + seconds, act, argument))

    def _follow_up(self) -> None:
        for entry in list(self.follow_ups):
            due, act, argument = entry
            if time.monotonic() >= due:
                self.follow_ups.remove(entry)
                act(argument)

    def _look_for_dead(self) -> None:
        for name, service in self.stack.services.items():
            if name not in self.down and service.process.pid() is None:
                self.problem = f"{name} died by itself: {service.process.last_words()}"

    # ---- mishaps ----

    def _kill(self, draw: float) -> None:
        alive = [name for name in self.stack.services if name not in self.down]
        name = alive[int(draw * len(alive))]
        self.down.add(name)
        self.stack.services[name].process.kill()
        self.killed[self.stack.services[name].name] += 1
        self._after(self.random.choice(DOWN), self._restart, name)
        self._open_the_other_door()

    def _restart(self, name: str) -> None:
        self.stack.services[name].restart()
        self.down.discard(name)

    def _open_the_other_door(self) -> None:
        """UPS calls a door that stands open, as a balancer sees to."""
        for number in range(self.stack.replicas):
            door = replica("tracking-sync", number)
            if door not in self.down:
                ports = self.stack.ports | {
                    "tracking-sync.webhook": self.stack.ports[f"{door}.webhook"]}
                self.stack.ups.admin.post("/admin/webhook",
                                          ups_config(ports, self.stack.secrets)["webhook"])
                return

    def _stop_postgres(self, mode: str) -> None:
        self.mishaps[f"PostgreSQL stopped, {mode}"] += 1
        self.stack.cluster.stop((mode, "immediate"))
        self._after(self.random.choice(DOWN), self._start_postgres, mode)

    def _start_postgres(self, _mode: str) -> None:
        self.stack.cluster.start()

    def _take_away(self, peer: str) -> None:
        self.mishaps[f"{peer} away"] += 1
        self.weather.away(peer)
        self._after(self.random.uniform(*AWAY), self.weather.back, peer)

    def _revoke_token(self, client: str) -> None:
        self.mishaps["token revoked"] += 1
        self.stack.ups.admin.post("/admin/revoke", {"client_id": client})
