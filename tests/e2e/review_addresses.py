"""Reviews about where a shipment goes to and comes from."""

from judging.fields import pick
from review_office import case

ABROAD = {"lines": ["200 Bay Street"], "city": "Toronto", "state": "ON", "postal": "M5J 2J5",
          "country": "CA"}


class AddressCases:
    @case("ADDRESS_INVALID")
    def test_of_an_address_that_ups_does_not_know_a_clerk_gives_the_right_one(self):
        review = yield (order := self.office.order(ship_to=self.office.location(
            self.office.street())))
        right = self.office.known_street()
        decided = self.office.override(review, right)
        self.assertEqual((decided["state"], pick(decided, "resolution"), pick(decided, "resolved_by")),
                         ("RESOLVED", "OVERRIDE_ADDRESS", "spiffe://psups/clerk/local"))
        self.assert_goes_to(self.office.label(order), right)

    @case("ADDRESS_AMBIGUOUS")
    def test_of_several_addresses_that_may_be_meant_a_clerk_takes_one(self):
        office = self.office
        meant = [office.known_street() for _ in range(2)]
        office.ups_knows(written := office.street(), *meant, verdict="ambiguous")
        review = yield (order := office.order(ship_to=office.location(written)))
        self.assertEqual([c["lines"] for c in pick(review, "candidates")],
                         [address["lines"] for address in meant])
        office.decide(review, "accept-candidate", "--candidate", "2")
        self.assert_goes_to(office.label(order), meant[1])

    @case("ADDRESS_SUITE_CHANGED")
    def test_a_suite_that_ups_does_not_know_is_shown_and_left_out_if_a_clerk_says_so(self):
        office = self.office
        bare = office.known_street()
        written = bare | {"lines": [*bare["lines"], "Suite 900"]}
        office.ups_knows(written, bare)
        review = yield (order := office.order(ship_to=office.location(written)))
        self.assertIn("suite", {d["field"] for d in pick(review, "differences")})
        office.decide(review, "accept-candidate", "--candidate", "1")
        self.assert_goes_to(office.label(order), bare)

    @case("ADDRESS_CHANGED")
    def test_another_street_is_never_taken_without_a_clerks_word(self):
        office = self.office
        other = office.known_street()
        office.ups_knows(written := office.street(name="Harbor Road"), other)
        review = yield (order := office.order(ship_to=office.location(written)))
        self.assertEqual(office.labels(order), [])
        office.decide(review, "accept-candidate", "--candidate", "1")
        self.assert_goes_to(office.label(order), other)

    @case("ADDRESS_UNDELIVERABLE")
    def test_in_place_of_a_post_office_box_a_clerk_gives_a_street(self):
        office = self.office
        box = office.street() | {"lines": ["PO Box 77"]}
        office.ups_knows(box)
        review = yield (order := office.order(ship_to=office.location(box)))
        street = office.known_street()
        office.override(review, street)
        self.assert_goes_to(office.label(order), street)

    @case("ADDRESS_RESIDENTIAL")
    def test_a_home_where_the_order_says_a_business_is_asked_about_where_the_rules_want_it(self):
        office = self.office
        office.ups_knows(home := office.street(), classification="2")
        review = yield (order := office.order("c2", ship_to=office.location(home, "c2")))
        office.decide(review, "accept-candidate", "--candidate", "1")
        self.assertTrue(office.label(order).end("ShipTo")["residential"])

    @case("FIELD_TOO_LONG")
    def test_a_name_that_does_not_fit_the_label_is_shortened_by_a_clerk(self):
        office = self.office
        address = office.known_street()
        name = "Consolidated Northwestern Laboratories of Illinois"
        review = yield (order := office.order(ship_to=office.location(address, DESCR=name)))
        office.override(review, address, name="Consolidated NW Laboratories")
        label = office.label(order)
        self.assert_goes_to(label, address)
        self.assertEqual(label.end("ShipTo")["name"], "Consolidated NW Laboratories")

    @case("SHIP_FROM_ABROAD")
    def test_a_vendor_outside_the_accounts_country_ships_from_where_a_clerk_says(self):
        office = self.office
        san_juan = office.street() | {"city": "San Juan", "state": "PR", "postal": "00926"}
        for country in ("US", "PR"):
            office.ups_knows(san_juan | {"country": country})
        review = yield (order := office.order(vendor=office.vendor(san_juan)))
        warehouse = office.known_street()
        office.override(review, warehouse)
        self.assertEqual(office.label(order).end("ShipFrom")["lines"], warehouse["lines"])

    @case("NO_SHIP_FROM")
    def test_a_vendor_without_a_street_is_asked_about_until_peoplesoft_has_one(self):
        office = self.office
        nowhere = office.street() | {"lines": [""]}
        review = yield (order := office.order(vendor=office.vendor(nowhere)))
        self.assertEqual(office.decide(review, "retry")["state"], "RESOLVED")
        yield order  # asked again: nothing is better yet
        address = office.known_street()
        office.load("c1", "VENDOR_ADDR",
                    office.vendor_row(order.document["VENDOR_ID"], address))
        office.change(order)
        self.assertEqual(office.label(order).end("ShipFrom")["lines"], address["lines"])

    @case("NO_SHIP_TO")
    def test_a_location_without_a_street_is_asked_about_until_the_order_names_another(self):
        office = self.office
        nowhere = office.street() | {"lines": [""]}
        review = yield (order := office.order(ship_to=office.location(nowhere)))
        self.assertEqual(office.decide(review, "retry")["state"], "RESOLVED")
        yield order
        address = office.known_street()
        office.change(order, SHIPTO_ID=office.location(address))
        self.assert_goes_to(office.label(order), address)

    @case("COUNTRY_UNSUPPORTED")
    def test_a_country_that_no_rule_names_ships_once_the_rules_do(self):
        office = self.office
        review = yield (order := office.order(
            ship_to=office.location(ABROAD), item=office.item("VALVE"), SHIP_TYPE_ID="ABROAD"))
        self.assertIn("addresses.countries", review["message"])

        def to_canada(rules):
            rules["addresses"] = {"countries": ["CA"]}
            office.add_service(rules, "ABROAD", "11")
            rules.setdefault("items", []).append(
                {"item_id": "VALVE", "harmonized_code": "8481805090", "origin_country_code": "US"})
        office.teach("c1", to_canada)
        label = office.label(order)
        self.assertEqual(label.end("ShipTo")["country"], "CA")
        self.assertEqual(label.shipment["Service"]["Code"], "11")

    @case("CUSTOMS_DATA_MISSING")
    def test_what_customs_want_and_nobody_says_is_asked_until_the_rules_say_it(self):
        office = self.office
        yield
        office.teach("c1", lambda rules: (
            rules.update(addresses={"countries": ["CA"]}), office.add_service(rules, "ABROAD", "11")))
        review = yield (order := office.order(
            ship_to=office.location(ABROAD), item=office.item("PUMP"), SHIP_TYPE_ID="ABROAD"))
        self.assertIn("HARMONIZED_CD of line 1", review["message"])
        office.teach("c1", lambda rules: rules.setdefault("items", []).append(
            {"item_id": "PUMP", "harmonized_code": "8413701000", "origin_country_code": "US"}))
        lines = office.label(order).shipment["ShipmentServiceOptions"]["InternationalForms"]
        self.assertIn("8413701000", str(lines))
