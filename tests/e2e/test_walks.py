"""Orders change and change again while the real services buy, void and die: never two live labels for
one line, and at the end exactly what the orders say.

WALK_ORDERS (default 15; 50 in full), WALK_SECONDS, WALK_SEED.
"""

import os
import sys
import time
import unittest
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import walking  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import Label, pick, proto_key  # noqa: E402
from running.faults import Weather  # noqa: E402

ORDERS = int(os.environ.get("WALK_ORDERS", "15"))
SECONDS = float(os.environ.get("WALK_SECONDS", "15"))
SEED = int(os.environ.get("WALK_SEED", str(time.time_ns() % 1_000_000)))
SETTLE_SECONDS = 120
QUIET_SECONDS = 3  # for what should not come any more
KILLED = ("shipment-builder", "ups-gateway")
ACCOUNT = {"rebuy_window": "3s", "ship_timeout_seconds": 5, "token_min_interval": "1s",
           "caps": {"purchases_per_hour": 0, "purchases_per_day": 0}}


class Walks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(f"seed {SEED}, {ORDERS} orders", flush=True)
        cls.random = Random(SEED)
        cls.stack = Stack("e2e-walks", customer={"account": ACCOUNT},
                          settings={"shipment-builder": {"PSUPS_LEASE": "2s",
                                                         "PSUPS_IDLE_WAIT": "200ms"}})
        cls.addClassCleanup(cls.stack.stop)
        cls.stack.remove()
        cls.stack.start()
        cls.site, cls.ups = cls.stack.sites["c1"].admin, cls.stack.ups.admin
        cls.ups.post("/admin/addresses", walking.addresses())
        cls.site.post("/admin/orders", {"tables": walking.tables()})
        cls.stack.connect(date(2026, 1, 1))
        cls.orders = walking.new_orders(ORDERS, cls.random)
        cls.twice: list[str] = []
        cls.scanned: set[str] = set()
        cls.counts = Counter()
        cls.walk()
        cls.problems = cls.settle()
        cls.truth = cls.ups.truth()
        cls.counts["labels"] = len(cls.truth["shipments"])
        cls.counts["voided"] = cls.voided()
        cls.counts["packages voided alone"] = sum(
            p["voided"] for s in cls.truth["shipments"] if not s["voided"] for p in s["packages"])
        print(dict(cls.counts), flush=True)

    @classmethod
    def walk(cls) -> None:
        cls.site.post("/admin/orders", {"documents": [o.document() for o in cls.orders]})
        weather = Weather({"ups": cls.ups}, Random(cls.random.getrandbits(32)))
        deadline = time.monotonic() + SETTLE_SECONDS
        while len(cls.look()) < ORDERS and time.monotonic() < deadline:  # the first labels
            time.sleep(0.1)
        weather.begin()
        began = killed = time.monotonic()
        # On a slow machine longer, until there was something to see.
        while time.monotonic() < began + SECONDS or (
                cls.voided() < ORDERS / 3 and time.monotonic() < began + SETTLE_SECONDS):
            changed = cls.random.sample(cls.orders, max(1, ORDERS // 6))
            for order in changed:
                order.change(cls.random)
            cls.site.post("/admin/orders", {"documents": [o.document() for o in changed]})
            cls.counts["changes"] += len(changed)
            cls.scan_one()
            if time.monotonic() > killed + 3:
                service = cls.stack.services[cls.random.choice(KILLED)]
                service.process.kill()
                service.restart()
                cls.counts["kills"] += 1
                killed = time.monotonic()
            cls.look_until(time.monotonic() + 0.4)
        weather.end()
        for name in KILLED:
            cls.stack.services[name].wait()

    @classmethod
    def voided(cls) -> int:
        return sum(s["voided"] for s in cls.ups.truth()["shipments"])

    @classmethod
    def scan_one(cls) -> None:
        """UPS picks a parcel up, now and then."""
        live = [Label(s) for s in cls.ups.truth()["shipments"] if not s["voided"]]
        if not live or cls.random.random() > 0.1:
            return
        label = cls.random.choice(live)
        number = next(p["tracking_number"] for p in label.numbers() if not p["voided"])
        cls.ups.post("/admin/scans", {"tracking_number": number, "code": "OR"})
        cls.scanned.add(label.number)
        cls.counts["scans"] += 1

    @classmethod
    def look_until(cls, deadline: float) -> None:
        while True:
            cls.look()
            if time.monotonic() >= deadline:
                return
            time.sleep(0.1)

    @classmethod
    def look(cls) -> dict:
        """Whether any line has two live labels at this moment, by UPS's truth."""
        live = walking.live_labels(cls.ups.truth())
        for (po, line), labels in live.items():
            if len(labels) > 1:
                cls.twice.append(f"order {po} line {line}: {labels}")
        cls.counts["looks"] += 1
        return live

    @classmethod
    def settle(cls) -> list[str]:
        """What is still wrong when nothing moves any more."""
        deadline, quiet_since = time.monotonic() + SETTLE_SECONDS, None
        while True:
            problems = cls.wrong()
            now = time.monotonic()
            quiet_since = None if problems else quiet_since or now
            if now > deadline or (quiet_since and now > quiet_since + QUIET_SECONDS):
                return problems
            time.sleep(0.3)

    @classmethod
    def wrong(cls) -> list[str]:
        live = cls.look()
        asked = {proto_key(row)[3] for row in cls.stack.psupsctl.list("review")
                 if pick(row, "state") == "OPEN"}
        found = []
        for order in cls.orders:
            for line, wanted in order.wanted().items():
                labels = live.get((order.po, line), {})
                if order.po in asked or cls.scanned & labels.keys():
                    continue
                if sum(labels.values()) != wanted:
                    found.append(f"order {order.po} line {line}: wanted {wanted}, live {labels}; "
                                 f"{'; '.join(order.story)}")
        for row in cls.stack.psupsctl.list("shipment"):
            if pick(row, "state") in ("LABELING", "VALIDATING", "VOIDING", "FAILED"):
                found.append(f"{pick(row, 'name')} is {pick(row, 'state')}")
        cls.counts["reviews"] = len(asked)
        return found

    def test_no_line_ever_had_two_live_labels(self):
        self.assertEqual(self.twice[:5], [])

    def test_in_the_end_each_order_has_what_it_wants_or_a_person_is_asked(self):
        self.assertEqual(self.problems[:5], [])

    def test_it_was_a_walk_worth_the_name(self):
        for what in ("changes", "kills", "voided", "labels"):
            self.assertGreater(self.counts[what], 0, what)
        self.assertGreater(self.counts["labels"], ORDERS)
        self.assertLess(self.counts["reviews"], ORDERS * 0.8, "hardly anything went by itself")


if __name__ == "__main__":
    unittest.main()
