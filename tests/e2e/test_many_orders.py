"""As many orders as a busy site has (ORDERS in the environment), each judged by what its maker said must
become of it; and what is in the parcels adds up to what was ordered, schedule by schedule."""

import os
import sys
import unittest
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness")]

import demo  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import Label, document_key, pick, proto_key  # noqa: E402
from judging.summary import ZERO  # noqa: E402
from running.display import Display  # noqa: E402
from running.job import Job  # noqa: E402

ORDERS = int(os.environ.get("ORDERS", "400"))
LEAST_SHARE_LABELLED = Decimal("0.7")
# What an account may buy and ask in an hour is not what is tried here.
UNLIMITED = {"caps": {"purchases_per_hour": 0, "purchases_per_day": 0},
             "flow": {"calls_per_second": 0, "calls_in_flight": 0}}
WITH_LABEL = ("LABELED", "IN_TRANSIT", "DELIVERED")


class ManyOrders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        stack = Stack("e2e-many", settings=demo.SETTINGS, customer={"account": UNLIMITED})
        cls.addClassCleanup(stack.remove)
        stack.remove()
        stack.start()
        cls.job = Job(stack, ROOT / "build" / "e2e-many", orders=ORDERS, seed=11,
                      wave=max(60, ORDERS // 20))
        cls.job.connect()
        cls.gave_up = demo.run(cls.job, Display())
        cls.counts, cls.findings, cls.broken = cls.job.judge()
        cls.shipments = [row for row in stack.psupsctl.list("shipment")
                         if pick(row, "state") in WITH_LABEL]

    def expected_to_ship(self):
        for order in self.job.expected["orders"]:
            for shipment in order["shipments"]:
                if shipment["outcome"] == "ship":
                    yield document_key(order), shipment

    def live_numbers(self) -> Counter:
        """The parcels that are not void, by UPS's word."""
        return Counter(parcel["tracking_number"]
                       for label in map(Label, self.job.evidence.ups["shipments"])
                       if not label.voided
                       for parcel in label.numbers() if not parcel["voided"])

    def test_nothing_differs_from_what_was_expected(self):
        self.assertEqual(self.gave_up, "")
        self.assertEqual(self.broken, [], "\n".join(map(str, self.findings.lines[:20])))
        self.assertEqual({key: self.counts[key] for key in ZERO}, dict.fromkeys(ZERO, 0))

    def test_of_ten_orders_that_may_ship_seven_have_all_their_labels_without_a_person(self):
        eligible = {document_key(order): order for order in self.job.expected["orders"]
                    if order["outcome"] != "nothing"}
        self.assertEqual(len(eligible), self.counts["orders_eligible"])
        live = self.live_numbers()
        bought = Counter(proto_key(row) for row in self.shipments
                         if all(live[pick(p, "tracking_number")] for p in pick(row, "packages")))
        labelled = [key for key, order in eligible.items()
                    if order["outcome"] == "ship" and bought[key] == len(order["shipments"])]
        share = Decimal(len(labelled)) / len(eligible)
        print(f"{len(labelled)} of {len(eligible)} orders that may ship are labelled "
              f"({share:.1%}), of {ORDERS} in all; {self.counts['seconds']} s")
        self.assertGreaterEqual(share, LEAST_SHARE_LABELLED)

    def test_what_is_packed_adds_up_to_what_each_schedule_has_open(self):
        packed: dict[tuple, Decimal] = defaultdict(Decimal)
        for row in self.shipments:
            for package in pick(row, "packages"):
                for content in package["contents"]:
                    packed[(proto_key(row), pick(content, "line_number"),
                            pick(content, "schedule_number"))] += Decimal(content["quantity"])
        ordered = {(key, schedule["line"], schedule["sched"]): Decimal(schedule["qty"])
                   for key, shipment in self.expected_to_ship()
                   for schedule in shipment["schedules"]}
        wrong = {key: (packed.get(key), ordered.get(key))
                 for key in packed.keys() | ordered.keys() if packed.get(key) != ordered.get(key)}
        self.assertEqual(wrong, {})
        self.assertGreater(len(ordered), ORDERS // 2)

    def test_each_parcel_that_ups_has_is_one_that_psupsctl_shows_and_the_other_way_round(self):
        shown = Counter(pick(package, "tracking_number") for row in self.shipments
                        for package in pick(row, "packages"))
        self.assertEqual(shown, self.live_numbers())


if __name__ == "__main__":
    unittest.main()
