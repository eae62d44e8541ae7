"""What the generator promises of its orders."""

import unittest
from collections import Counter
from datetime import date
from decimal import Decimal
from fractions import Fraction

import generator
from making import packing, world

TODAY = date(2026, 11, 23)
SEEDS = (1, 2, 3, 17, 4711)
# The first three digits of the ZIP codes of each state, as the post office deals them out.
ZIP_PREFIXES = {
    "AL": [(350, 369)], "AZ": [(850, 865)], "CA": [(900, 961)], "CO": [(800, 816)],
    "CT": [(60, 69)], "DC": [(200, 205)], "FL": [(320, 349)], "GA": [(300, 319), (398, 399)],
    "HI": [(967, 968)], "ID": [(832, 838)], "IL": [(600, 629)], "IN": [(460, 479)],
    "KY": [(400, 427)], "LA": [(700, 714)], "MA": [(10, 27)], "MD": [(206, 219)],
    "ME": [(39, 49)], "MI": [(480, 499)], "MN": [(550, 567)], "MO": [(630, 658)],
    "NC": [(270, 289)], "NE": [(680, 693)], "NH": [(30, 38)], "NJ": [(70, 89)],
    "NM": [(870, 884)], "NV": [(889, 898)], "NY": [(100, 149)], "OH": [(430, 459)],
    "OK": [(730, 749)], "OR": [(970, 979)], "PA": [(150, 196)], "RI": [(28, 29)],
    "SC": [(290, 299)], "TN": [(370, 385)], "TX": [(750, 799), (885, 885)], "UT": [(840, 847)],
    "VA": [(201, 201), (220, 246)], "VT": [(50, 59)], "WA": [(980, 994)], "WI": [(530, 549)],
}


def documents_of(files):
    return [d for name in generator.SITES for d in files[f"peoplesoft-{name}.json"]["documents"]]


def lines_of(documents):
    return [line for document in documents for line in document["LINES"]]


def schedules_of(documents):
    return [schedule for line in lines_of(documents) for schedule in line["SCHEDULES"]]


def has_different_ship_tos(document):
    """Whether a line of the document has schedules that go to different places."""
    return any(len({s["SHIPTO_ID"] for s in line["SCHEDULES"]}) > 1 for line in document["LINES"])


class GeneratedOrdersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = generator.make(120, 1, TODAY)
        cls.orders = cls.files["expected.json"]["orders"]

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

    def test_each_kind_that_the_issue_names_is_there_as_often_as_it_says_whatever_the_seed(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.check_kinds(generator.make(120, seed, TODAY))

    def check_kinds(self, files):
        orders = files["expected.json"]["orders"]
        documents = documents_of(files)
        self.assertGreaterEqual(
            sum(any(s["outcome"] == "ship" for s in o["shipments"]) for o in orders), 70)
        reasons = Counter(s["reason"] for o in orders for s in o["shipments"])
        refused = Counter(o["reason"] for o in orders if o["outcome"] == "nothing")
        scenarios = Counter(o["scenario"] for o in orders)
        ships_as_requisition = [o for o in orders if o["doc_type"] == "REQ"
                                and o["outcome"] == "ship"]
        counted = {
            "invalid addresses": reasons["ADDRESS_INVALID"],
            "ambiguous addresses": reasons["ADDRESS_AMBIGUOUS"],
            "suites that UPS would drop": reasons["ADDRESS_SUITE_CHANGED"],
            "items without weight": reasons["ITEM_WEIGHT_MISSING"],
            "over 150 lb": reasons["PACKAGE_TOO_HEAVY"],
            "schedules to different ship-tos": sum(map(has_different_ship_tos, documents)),
            "requisitions": len(ships_as_requisition),
            "sourced to a purchase order of the set": refused["SOURCED_TO_PO"],
            "on hold": sum(d["HOLD_STATUS"] == "Y" for d in documents),
            "cancelled lines": sum(line["CANCEL_STATUS"] == "X" for line in lines_of(documents)),
            "service lines": sum(line["PHYSICAL_NATURE"] == "S" for line in lines_of(documents)),
            "changed after intake": sum(bool(o["change"]) for o in orders),
            "multi-package": scenarios["several_packages"],
            "older than the go-live date": sum(
                (d.get("PO_DT") or d["REQ_DT"]) < files["expected.json"]["go_live"]
                for d in documents),
        }
        self.assertEqual(counted, {
            "invalid addresses": 6, "ambiguous addresses": 4, "suites that UPS would drop": 3,
            "items without weight": 4, "over 150 lb": 3, "schedules to different ship-tos": 8,
            "requisitions": 6, "sourced to a purchase order of the set": 3, "on hold": 4,
            "cancelled lines": 3, "service lines": 2, "changed after intake": 3,
            "multi-package": 5, "older than the go-live date": 3,
        })
        self.assertEqual(refused["HOLD"], 4)
        self.assertEqual(refused["BEFORE_GO_LIVE"], 3)
        self.assertEqual(Counter(o["change"]["when"] for o in orders if o["change"]),
                         {"before_label": 2, "after_label": 1})
        for order in orders:
            if order["scenario"] == "several_packages":
                self.assertGreaterEqual(len(order["shipments"][0]["packages"]), 3)

    def test_from_60_orders_on_one_has_a_good_and_a_bad_address(self):
        for seed in SEEDS:
            orders = generator.make(60, seed, TODAY)["expected.json"]["orders"]
            reasons = [[s["reason"] for s in o["shipments"]] for o in orders
                       if o["outcome"] == "mixed"]
            self.assertIn([None, "ADDRESS_INVALID"], reasons)

    def test_no_set_is_called_like_a_business_unit(self):
        for units in generator.SITES.values():
            for sets in units.values():
                self.assertFalse(set(sets.values()) & set(units))

    def test_each_us_address_has_a_zip_code_of_its_state(self):
        for seed in SEEDS:
            files = generator.make(120, seed, TODAY)
            found = [(row["STATE"], row["POSTAL"]) for name in generator.SITES
                     for table in ("LOCATION_TBL", "VENDOR_ADDR")
                     for row in files[f"peoplesoft-{name}.json"]["tables"][table]]
            for row in files["addresses.json"]:
                found += [(a["state"], a["postal"]) for a in (row["input"], *row["candidates"])]
            for order in files["expected.json"]["orders"]:
                found += [(end["state"], end["postal"]) for s in order["shipments"]
                          for end in (s["ship_from"], s["ship_to"]) if end]
            self.assertGreater(len(found), 300)
            for state, postal in found:
                self.assertTrue(any(first <= int(postal[:3]) <= last
                                    for first, last in ZIP_PREFIXES[state]), (state, postal))

    def test_a_document_key_is_unique_in_its_connection_and_not_across(self):
        keys = Counter((o["connection"], o["doc_type"], o["business_unit"], o["doc_id"])
                       for o in self.orders)
        self.assertEqual(max(keys.values()), 1)
        across = Counter(key[1:] for key in keys)
        self.assertGreater(max(across.values()), 1)

    def test_a_purchase_order_names_the_requisition_that_went_into_it_and_comes_first(self):
        for seed in SEEDS:
            files = generator.make(120, seed, TODAY)
            sourced = {o["doc_id"]: o for o in files["expected.json"]["orders"]
                       if o["reason"] == "SOURCED_TO_PO"}
            named = 0
            for name in generator.SITES:
                documents = files[f"peoplesoft-{name}.json"]["documents"]
                read = [(d["DOC_TYPE"], d["BUSINESS_UNIT"], d.get("PO_ID") or d["REQ_ID"])
                        for d in documents]
                for place, document in enumerate(documents):
                    for schedule in schedules_of([document]):
                        self.assertNotIn("SOURCED_PO_ID", schedule)
                        for row in schedule.get("DISTRIBUTIONS", []):
                            key = ("REQ", document["BUSINESS_UNIT"], row["REQ_ID"])
                            self.assertLess(place, read.index(key))
                            self.assertNotIn("VISIBLE_AFTER_MS", document)
                            self.assertIn(row["REQ_ID"], sourced)
                            named += 1
            self.assertEqual(named, 3)

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
