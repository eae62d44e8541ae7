"""Reviews that a connection's rules, or the lack of one, ask for: services, payers, days, prices."""

from copy import deepcopy

from judging.fields import Label, many
from review_office import case, days_from_now, until

# Of the second connection: people are asked about much.
ASKING = """\
# As an administrator writes them.
freight:
  - {freight_terms: DEST, payment: {payer: SHIPPER}}
addresses:
  ask_about_residential: true
buying:
  past_due: ask
  search_first: true
choice:
  service_codes: [03]
  price_cap: {amount_minor: 15000, currency_code: USD}
"""
# Of the third: whatever is more than its busiest hour, and more than two, is unusual.
WATCHED = """\
limits:
  anomaly_percent: 100
  anomaly_least: 2
"""
COLLECT = {"freight_terms": "COLLECT",
           "payment": {"payer": "RECEIVER", "account_number": "9X9X9X", "postal_code": "62701"}}


class RuleCases:
    @case("SERVICE_UNMAPPED")
    def test_for_a_ship_via_that_no_rule_maps_a_clerk_chooses_a_service(self):
        review = yield (order := self.office.order(SHIP_TYPE_ID="COURIER"))
        self.office.decide(review, "choose-service", "--service", "12")
        self.assertEqual(self.service(order), "12")

    @case("SERVICE_UNMAPPED")
    def test_a_ship_via_that_a_new_rule_maps_is_not_asked_about_any_more(self):
        office = self.office
        review = yield (order := office.order(SHIP_TYPE_ID="DRONE"))
        self.assertEqual(review["state"], "OPEN")
        office.teach("c1", lambda rules: office.add_service(rules, "DRONE", "02"))
        self.assertEqual(self.service(order), "02")

    @case("FREIGHT_TERMS_UNMAPPED")
    def test_freight_terms_that_no_rule_names_are_paid_as_a_new_one_says(self):
        office = self.office
        review = yield (order := office.order("c2", FREIGHT_TERMS="COLLECT"))
        self.assertIn('"COLLECT"', review["message"])
        office.teach("c2", lambda rules: rules["freight"].append(COLLECT))
        payer = office.label(order).shipment["PaymentInformation"]
        self.assertIn("9X9X9X", str(payer))

    @case("PAST_DUE")
    def test_what_should_have_left_before_it_came_leaves_by_an_operators_word(self):
        review = yield (order := self.office.order("c2", SHIP_DATE=days_from_now(-2)))
        self.office.decide(review, "ship-anyway", who="operator")
        self.office.label(order)

    @case("PRICE_ABOVE_CAP")
    def test_what_costs_more_than_the_rules_allow_ships_by_an_operators_word(self):
        office = self.office
        anvils = office.item("VISE", weight="49", sides=(20, 20, 20))
        review = yield (order := office.order("c2", item=anvils, quantity=12))
        self.assertRegex(review["message"], r"cost \d+\.\d\d USD, and the rules allow 150\.00 USD")
        office.decide(review, "ship-anyway", who="operator")
        self.assertEqual(len(office.label(order).packages), 12)

    @case("NO_SERVICE_IN_TIME")
    def test_what_no_allowed_service_brings_in_time_goes_by_the_one_that_a_clerk_chooses(self):
        review = yield (order := self.office.order("c2", DUE_DT=days_from_now(1)))
        self.office.decide(review, "choose-service", "--service", "01")
        self.assertEqual(self.service(order), "01")

    @case("SHIPPED_BY_HAND")
    def test_what_somebody_shipped_by_hand_meanwhile_ships_again_by_an_operators_word_only(self):
        office = self.office
        first = office.order("c2")
        yield
        order = office.order("c2", enter=False)
        by_hand = self.ship_by_hand(office.label(first), order)
        office.enter(order)
        review = yield order
        self.assertIn(by_hand, review["message"])
        office.decide(review, "ship-anyway", who="operator")
        ours = until(lambda: [label for label in office.labels(order)
                              if label.number != by_hand], f"{order.reference} has a label of ours")
        self.assertEqual(len(ours), 1)
        office.ask_ups("DELETE", f"/shipments/v2409/void/cancel/{by_hand}")

    def ship_by_hand(self, like: Label, order) -> str:
        """A label for the order that psups has nothing to do with; its number."""
        request = deepcopy(like.request)
        for package in many(request["Shipment"]["Package"]):
            package["ReferenceNumber"] = [{"Code": "PO", "Value": order.reference}]
        answer = self.office.ask_ups("POST", "/shipments/v2409/ship", {"ShipmentRequest": request})
        return answer["ShipmentResponse"]["ShipmentResults"]["ShipmentIdentificationNumber"]

    @case("PURCHASES_UNUSUAL")
    def test_more_purchases_than_ever_wait_until_an_operator_has_looked(self):
        office = self.office
        first = office.order("c3")
        yield
        office.label(first)
        # What was bought just now becomes history: nobody can wait for two weeks.
        office.stack.cluster.query(
            "UPDATE shipment_builder.purchases SET create_time = create_time - interval '14 days' "
            "WHERE connection_id = 'c3'")
        usual = [office.order("c3") for _ in range(2)]
        for order in usual:
            office.label(order)
        order = office.order("c3")
        review = yield order
        self.assertIn("bought 2 labels within an hour", review["message"])
        self.assertEqual(office.labels(order), [])
        office.decide(review, "ship-anyway", who="operator")
        office.label(order)

    def service(self, order) -> str:
        return self.office.label(order).shipment["Service"]["Code"]


def set_rules(office) -> None:
    office.teach_text("c2", ASKING)
    office.teach_text("c3", WATCHED)
