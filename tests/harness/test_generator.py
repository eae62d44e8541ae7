"""What the generator promises of its orders."""

import unittest
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction

import generator
from making import packing, world

TODAY = date(2026, 11, 23)


class GeneratedOrdersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = generator.make(120, 1, TODAY)
        cls.orders = cls.files["expected.json"]["orders"]

    def scenario(self, name):
        return [o for o in self.orders if o["scenario"] == name]

    def test_the_same_seed_makes_the_same_files(self):
        self.assertEqual(self.files, generator.make(120, 1, TODAY))
        self.assertNotEqual(self.files, generator.make(120, 2, TODAY))

    def test_enough_orders_ship(self):
        ship = [o for o in self.orders if o["outcome"] in ("ship", "mixed")]
        self.assertGreaterEqual(len(ship), 70)
        for count in (1, 10, 40, 60, 120, 300):
            orders = generator.make(count, 3, TODAY)["expected.json"]["orders"]
            self.assertEqual(len(orders), count)
            shipments = [s for o in orders for s in o["shipments"] if s["outcome"] == "ship"]
            self.assertGreaterEqual(len(shipments), 0.6 * count)

    def test_each_kind_that_the_issue_names_is_there(self):
        reasons = Counter(s["reason"] for o in self.orders for s in o["shipments"])
        self.assertEqual(reasons["ADDRESS_INVALID"], 6)
        self.assertEqual(reasons["ADDRESS_AMBIGUOUS"], 4)
        self.assertEqual(reasons["ADDRESS_SUITE_CHANGED"], 3)
        self.assertEqual(reasons["ITEM_WEIGHT_MISSING"], 4)
        self.assertEqual(reasons["PACKAGE_TOO_HEAVY"], 3)
        refused = Counter(o["reason"] for o in self.orders if o["outcome"] == "nothing")
        self.assertEqual(refused["SOURCED_TO_PO"], 3)
        self.assertEqual(refused["HOLD"], 4)
        self.assertEqual(refused["BEFORE_GO_LIVE"], 3)
        self.assertEqual(len(self.scenario("cancelled_line")), 3)
        self.assertEqual(len(self.scenario("service_line")), 2)
        self.assertEqual(len(self.scenario("requisition")), 6)
        self.assertEqual(Counter(o["change"]["when"] for o in self.orders if o["change"]),
                         {"before_label": 2, "after_label": 1})
        for order in self.scenario("several_packages"):
            self.assertGreaterEqual(len(order["shipments"][0]["packages"]), 3)
        for order in self.scenario("several_ship_tos"):
            self.assertGreaterEqual(len(order["shipments"]), 2)

    def test_a_document_key_is_unique_in_its_connection_and_not_across(self):
        keys = Counter((o["connection"], o["doc_type"], o["business_unit"], o["doc_id"])
                       for o in self.orders)
        self.assertEqual(max(keys.values()), 1)
        across = Counter(key[1:] for key in keys)
        self.assertGreater(max(across.values()), 1)

    def test_sourced_requisitions_name_a_purchase_order_of_the_set(self):
        purchases = {(o["connection"], o["business_unit"], o["doc_id"]) for o in self.orders
                     if o["doc_type"] == "PO"}
        for name in ("c1", "c2"):
            for document in self.files[f"peoplesoft-{name}.json"]["documents"]:
                for line in document["LINES"]:
                    for schedule in line["SCHEDULES"]:
                        source = schedule.get("SOURCED_PO_ID")
                        if source:
                            self.assertIn((name, document["BUSINESS_UNIT"], source), purchases)

    def test_every_address_that_is_shipped_to_is_known_to_the_validation(self):
        known = {tuple(r["input"]["lines"]) + (r["input"]["city"],)
                 for r in self.files["addresses.json"] if r["verdict"] == "valid"}
        for order in self.orders:
            for shipment in order["shipments"]:
                if shipment["outcome"] == "ship":
                    for end in (shipment["ship_from"], shipment["ship_to"]):
                        self.assertIn(tuple(end["lines"]) + (end["city"],), known)
                        self.assertEqual(len(end["postal"]), 9)

    def test_no_two_verdicts_for_one_address(self):
        inputs = Counter(str(row["input"]) for row in self.files["addresses.json"])
        self.assertEqual(max(inputs.values()), 1)

    def test_cities_are_many_and_in_many_states(self):
        self.assertGreaterEqual(len({c[0] for c in world.CITIES}), 40)
        self.assertGreaterEqual(len({c[1] for c in world.CITIES}), 25)

    def test_packages_hold_just_what_is_open(self):
        for order in self.orders:
            for shipment in order["shipments"]:
                if shipment["outcome"] == "ship":
                    held = Counter()
                    for package in shipment["packages"]:
                        for content in package["contents"]:
                            held[content["line"], content["sched"]] += Decimal(content["qty"])
                    wanted = {(s["line"], s["sched"]): Decimal(s["qty"])
                              for s in shipment["schedules"]}
                    self.assertEqual(held, wanted)


class PackingTest(unittest.TestCase):
    def pack(self, weight, sides, quantity, unit="LB", sides_unit="IN"):
        return packing.pack(packing.pounds(Decimal(weight), unit),
                            [packing.inches(Decimal(s), sides_unit) for s in sides],
                            Decimal(quantity))

    def test_full_cartons_first_and_the_rest_in_the_last(self):
        boxes = self.pack("12", ("10", "8", "4"), "10")
        self.assertEqual([(b.weight, b.length, b.width, b.height) for b in boxes],
                         [("48", 16, 10, 8), ("48", 16, 10, 8), ("24", 10, 8, 8)])

    def test_the_stack_is_not_higher_than_48_inches(self):
        boxes = self.pack("1", ("12", "12", "10"), "9")
        self.assertEqual([b.units for b in boxes], [4, 4, 1])

    def test_metric_sides_that_are_whole_inches_stay_so(self):
        (box,) = self.pack("1", ("25.4", "50.8", "12.7"), "2", "KG", "CM")
        self.assertEqual((box.weight, box.length, box.width, box.height), ("4.5", 20, 10, 10))

    def test_part_of_a_unit_needs_a_whole_one(self):
        self.assertEqual([b.units for b in self.pack("1", ("5", "5", "5"), "2.5")], [3])

    def test_one_unit_may_weigh_more_than_a_full_carton_but_not_more_than_150_pounds(self):
        self.assertEqual([b.weight for b in self.pack("58.5", ("14", "13", "13"), "2")],
                         ["58.5", "58.5"])
        with self.assertRaisesRegex(packing.Unshippable, "PACKAGE_TOO_HEAVY"):
            self.pack("150.01", ("14", "13", "13"), "1")
        with self.assertRaisesRegex(packing.Unshippable, "PACKAGE_TOO_LARGE"):
            self.pack("10", ("108.5", "2", "2"), "1")
        with self.assertRaisesRegex(packing.Unshippable, "PACKAGE_TOO_LARGE"):
            self.pack("10", ("60", "30", "24"), "1")

    def test_ounces_are_sixteenths(self):
        self.assertEqual(packing.pounds(Decimal("14.2"), "OZ"), Fraction(142, 160))


if __name__ == "__main__":
    unittest.main()
