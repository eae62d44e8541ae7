"""Two thousand purchases while UPS loses answers, gateways die, and one sleeps through an hour."""

import os
import signal
import sys
import time
import unittest
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

from buying import Buyer, Purchase, Shipment  # noqa: E402
from deploy.local import customers  # noqa: E402
from gateways import Gateway, Gateways, get_calls  # noqa: E402
from judging.fields import Label, derived_references  # noqa: E402

SHIPMENTS = int(os.environ.get("STORM_SHIPMENTS", "2000"))
SEED = int(os.environ.get("STORM_SEED", "1"))
KILLS = 5
STOP_SECONDS = 7
# How far ahead a gateway's wall clock is before it sleeps and after: it jumps on, or back.
CLOCKS = ((0, 3600), (3600, 0))
# UPS takes its time, so that each kill meets calls on their way.
UPS_MILLISECONDS = 200
ACCOUNT = {"rebuy_window": "3s", "ship_timeout_seconds": 5, "token_min_interval": "1s",
           "caps": {"purchases_per_hour": 0, "purchases_per_day": 0},
           "flow": {"calls_per_second": 0, "calls_in_flight": 0}}


def faults(random: Random) -> list[dict]:
    """In the shares that issue 3 names; a request meets the first that draws it."""
    shares = {
        "made, then closed": ("done_then_close", 0.025, {}),
        "made, then reset": ("done_then_reset", 0.025, {}),
        "made, then 503": ("done_then_status", 0.03, {"status": 503}),
        "429": ("status", 0.02, {"status": 429, "body": '{"response":{"errors":[{"code":"10429",'
                                                        '"message":"Too Many Requests"}]}}'}),
        "reused, made, then closed": ("done_then_close", 0.01, {"reused": True}),
        "reused, closed before": ("close_before", 0.01, {"reused": True}),
    }
    rules = [{"id": name, "route": "ship", "kind": kind, "probability": share,
              "seed": random.getrandbits(32)} | more for name, (kind, share, more) in shares.items()]
    return [*rules, {"id": "slow", "route": "ship", "kind": "slow", "delay_ms": UPS_MILLISECONDS}]


class Weather:
    """Kills gateways, and stops one of them while the hour changes, after so many purchases each."""

    def __init__(self, gateways: list[Gateway], buyer: Buyer, random: Random, jump: int):
        self.gateways, self.buyer, self.random, self.jump = gateways, buyer, random, jump
        # Early enough that there is work left while it sleeps.
        self.stop_after = int(SHIPMENTS * random.uniform(0.05, 0.3))
        self.kill_after = sorted(int(SHIPMENTS * random.uniform(0.02, 0.9)) for _ in range(KILLS))
        self.killed: list[int] = []  # calls that were on their way
        self.asleep: Gateway | None = None
        self.slept_with = -1
        self.wakes_at = 0.0

    def over(self) -> bool:
        return len(self.killed) == KILLS and self.slept_with >= 0 and not self.asleep

    def step(self) -> None:
        ended = self.buyer.ended
        if self.asleep:
            if time.monotonic() >= self.wakes_at:
                self.asleep.process.signal(signal.SIGCONT)
                self.asleep = None
        elif self.slept_with < 0 and ended >= self.stop_after:
            self._put_to_sleep(self.random.choice(self.gateways))
        if len(self.killed) < KILLS and ended >= self.kill_after[len(self.killed)]:
            self._kill(self.random.choice([g for g in self.gateways if g is not self.asleep]))

    def _on_their_way(self, gateway: Gateway) -> int:
        return sum(c.in_flight for c in self.buyer.callers if c.address == gateway.address)

    def _put_to_sleep(self, gateway: Gateway) -> None:
        gateway.process.signal(signal.SIGSTOP)
        self.wakes_at = time.monotonic() + STOP_SECONDS
        gateway.clock.step(self.jump)
        self.asleep, self.slept_with = gateway, self._on_their_way(gateway)

    def _kill(self, gateway: Gateway) -> None:
        self.killed.append(self._on_their_way(gateway))
        gateway.process.kill()
        gateway.restart()
        gateway.wait()


class Storm(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}, {SHIPMENTS} shipments", flush=True)
        random = Random(SEED)
        cls.clocks = random.choice(CLOCKS)
        them = Gateways("e2e-storm", 2, account=ACCOUNT, sandbox={"label_bytes": 400},
                        clock=cls.clocks[0])
        cls.enterClassContext(them)
        account = f"accounts/{customers.ACCOUNT}"
        cls.shipments = [Shipment(f"storm-{i}", account, random) for i in range(SHIPMENTS)]
        them.faults(*faults(random))
        began = time.monotonic()
        buyer = Buyer(cls.shipments, them.replicas, random)
        cls.weather = Weather(them.replicas, buyer, random, cls.clocks[1] - cls.clocks[0])
        buyer.run(150, cls.weather.step)
        cls.seconds = time.monotonic() - began
        buyer.close()
        cls.buyer, cls.hits = buyer, them.hits()
        cls.purchases = buyer.purchases()
        # What the gateway says once all is over.
        ids = [purchase.request_id for purchase in cls.purchases]
        cls.said = dict(zip(ids, get_calls(them.replicas[0], ids)))
        cls.posts = them.posts()
        cls.labels = [Label(truth) for truth in them.stack.ups.admin.truth()["shipments"]]
        cls.live = [label for label in cls.labels if not label.voided]
        print(cls.summary(), flush=True)

    @classmethod
    def summary(cls) -> str:
        doubted = [p for p in cls.purchases if p.doubted]
        ends = Counter(cls.said[p.request_id]["state"] for p in cls.purchases)
        return (f"{cls.seconds:.0f} s; purchases {len(cls.purchases)}: {dict(ends)}; POSTs "
                f"{len(cls.posts)}; labels {len(cls.labels)}, live {len(cls.live)}; faults "
                f"{cls.hits}; kills with {cls.weather.killed} calls on their way, asleep with "
                f"{cls.weather.slept_with}, clocks {cls.clocks}; in doubt {len(doubted)}, "
                f"resolved to {dict(Counter(cls.said[p.request_id]['state'] for p in doubted))}; "
                f"replies {dict(cls.buyer.codes)}")

    def test_every_kind_of_trouble_came_about_as_often_as_it_should(self):
        posts = len(self.posts)
        for rule in faults(Random(SEED)):
            share = self.hits[rule["id"]] / posts
            self.assertGreater(share, rule.get("probability", 1) / 4, rule["id"])
        self.assertTrue(self.weather.over())
        self.assertGreater(sum(self.weather.killed), 0, "no kill met a call on its way")
        self.assertGreater(self.weather.slept_with, 0, "the stop met no call on its way")

    def test_the_buyer_met_no_refusal_and_no_error_of_the_gateways(self):
        self.assertEqual(self.buyer.errors, [])
        self.assertEqual([s.purchase.state for s in self.shipments], ["DONE"] * SHIPMENTS)

    def test_each_shipment_is_live_once(self):
        self.assertEqual(len(self.live), SHIPMENTS)

    def test_nothing_was_bought_that_had_to_be_voided(self):
        self.assertEqual(len(self.labels), SHIPMENTS)

    def test_no_purchase_was_posted_twice(self):
        references = [next(iter(derived_references(post["body"]))) for post in self.posts]
        twice = [reference for reference, n in Counter(references).items() if n > 1]
        self.assertEqual(twice, [])
        ours = {purchase.reference for purchase in self.purchases}
        self.assertLessEqual(set(references), ours)
        self.assertEqual(len({post["call_id"] for post in self.posts}), len(self.posts))

    def test_every_live_label_belongs_to_a_purchase_that_is_done_and_no_other_is(self):
        def numbers(purchase: Purchase) -> list[str]:
            packages = self.said[purchase.request_id]["result"]["packages"]
            return [package["tracking_number"] for package in packages]

        at_ups = {next(iter(label.derived())): [p["tracking_number"] for p in label.numbers()]
                  for label in self.live}
        done = {purchase.reference: numbers(purchase) for purchase in self.purchases
                if self.said[purchase.request_id]["state"] == "DONE"}
        self.assertEqual(at_ups, done)
        self.assertEqual(done, {s.purchase.reference: s.purchase.numbers for s in self.shipments})

    def test_an_end_that_was_told_stays(self):
        for purchase in self.purchases:
            self.assertEqual(self.said[purchase.request_id]["state"], purchase.state)


if __name__ == "__main__":
    unittest.main()
