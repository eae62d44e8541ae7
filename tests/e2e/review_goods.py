"""Reviews about what is in the packages."""

from decimal import Decimal

from deploy.local.layout import StackError
from judging.fields import pick
from review_office import case


class GoodsCases:
    @case("ITEM_WEIGHT_MISSING")
    def test_a_weight_that_nobody_keeps_is_given_by_a_clerk_for_this_once(self):
        review = yield (order := self.office.order(item=self.office.item("HOSE", weight="0")))
        self.office.decide(review, "set-measures", "--weight", "1.5 LB")
        self.assertEqual(self.weights(order), ["3"])

    @case("ITEM_WEIGHT_MISSING")
    def test_a_weight_that_is_to_be_remembered_becomes_a_rule_and_is_not_asked_for_again(self):
        office = self.office
        review = yield (order := office.order(item=office.item("FUSE", weight="0")))
        office.decide(review, "set-measures", "--weight", "0.5 LB", "--remember")
        self.assertEqual(self.weights(order), ["1"])
        rules = office.psupsctl.run("mapping", "get", "c1")
        self.assertRegex(rules, r'item_id: "FUSE"\n.*\n +weight: {value: "0.5", unit: "LB"}')
        again = office.order(item="FUSE")
        self.assertEqual(self.weights(again), ["1"])
        self.assertEqual(office.reviews(again), [])

    @case("ITEM_DIMENSIONS_MISSING")
    def test_sides_that_nobody_keeps_are_given_by_a_clerk(self):
        review = yield (order := self.office.order(item=self.office.item("SEAL", sides=(0, 0, 0))))
        self.office.decide(review, "set-measures", "--dimensions", "12x9x3 IN")
        self.assertEqual([self.sides(p) for p in self.office.label(order).packages], [(12, 9, 6)])

    @case("PACKAGE_TOO_HEAVY")
    def test_a_case_that_nobody_lifts_is_packed_by_what_is_in_it(self):
        office = self.office
        drums = office.item("DRUM", weight="9", sides=(24, 16, 16), units={"CS": 20})
        review = yield (order := office.order(item=drums, unit="CS", quantity=1))
        office.decide(review, "split")
        label = office.label(order)
        # Three are a stack of 48 in.
        self.assertEqual(self.weights(order), ["27"] * 6 + ["18"])
        packed = [Decimal(pick(content, "quantity")) for shipment in office.shipments(order)
                  for package in pick(shipment, "packages") for content in package["contents"]]
        self.assertEqual((len(packed), sum(packed)), (len(label.packages), 1))

    @case("PACKAGE_TOO_LARGE")
    def test_a_bar_that_folds_is_measured_by_a_clerk(self):
        review = yield (order := self.office.order(
            item=self.office.item("BAR", sides=(120, 2, 2)), quantity=1))
        self.office.decide(review, "set-measures", "--dimensions", "60x4x2 IN")
        self.assertEqual([self.sides(p) for p in self.office.label(order).packages], [(60, 4, 2)])

    @case("UOM_UNKNOWN")
    def test_a_unit_of_weight_that_nobody_knows_is_told_by_a_clerk_in_pounds(self):
        review = yield (order := self.office.order(
            item=self.office.item("ANVIL", weight="3", UNIT_MEASURE_WT="STN"), quantity=1))
        self.assertIn('"STN"', review["message"])
        self.office.decide(review, "set-measures", "--weight", "42 LB")
        self.assertEqual(self.weights(order), ["42"])

    @case("MEASURES_IMPLAUSIBLE")
    def test_what_is_heavier_than_lead_ships_by_an_operators_word_and_not_by_a_clerks(self):
        office = self.office
        review = yield (order := office.order(
            item=office.item("COUNTERWEIGHT", weight="140", sides=(6, 6, 6)), quantity=1))
        with self.assertRaisesRegex(StackError, "SHIP_ANYWAY needs an operator"):
            office.decide(review, "ship-anyway")
        self.assertEqual(office.labels(order), [])
        decided = office.decide(review, "ship-anyway", who="operator")
        self.assertEqual(pick(decided, "resolved_by"), "spiffe://psups/operator/local")
        self.assertEqual(self.weights(order), ["140"])

    @case("TOO_MANY_PACKAGES")
    def test_more_packages_than_ups_takes_ship_once_the_rules_know_the_item_better(self):
        office = self.office
        crates = office.item("CRATE", weight="40", sides=(20, 20, 20))
        review = yield (order := office.order(item=crates, quantity=201))
        self.assertIn("more than 200 packages", review["message"])
        office.teach("c1", lambda rules: rules.setdefault("items", []).append(
            {"item_id": "CRATE", "weight": {"value": "4", "unit": "LB"},
             "dimensions": {"length": "20", "width": "20", "height": "2", "unit": "IN"}}))
        self.assertEqual(self.weights(order), ["48"] * 16 + ["36"])

    def weights(self, order) -> list[str]:
        """Of the packages on its label, in pounds."""
        return [package["PackageWeight"]["Weight"] for package in self.office.label(order).packages]

    def sides(self, package: dict) -> tuple[int, ...]:
        return tuple(int(package["Dimensions"][side]) for side in ("Length", "Width", "Height"))
