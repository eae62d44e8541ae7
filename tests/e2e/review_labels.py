"""Reviews that come of buying, changing and voiding labels."""

from judging.fields import pick
from review_office import case, until


class LabelCases:
    @case("UPS_REJECTED")
    def test_what_ups_refuses_is_bought_when_a_clerk_tries_again_and_ups_does_not(self):
        office = self.office
        order = office.order(enter=False)
        office.fault("refuse", route="ship", kind="status", status=400, code="120213",
                     match=order.reference)
        office.enter(order)
        review = yield order
        office.heal("refuse")
        self.assertEqual(office.labels(order), [])
        office.decide(review, "retry")
        office.label(order)

    @case("IN_DOUBT_UNRESOLVED")
    def test_a_purchase_that_no_channel_knows_of_is_bought_again_by_the_word_of_who_looked(self):
        office = self.office
        order = office.order(enter=False)
        office.fault("lose", route="ship", kind="reset_before", match=order.reference, count=1)
        office.enter(order)
        review = yield order
        self.assertEqual(office.labels(order), [])
        office.decide(review, "retry", "--comment", "not at ups.com")
        office.label(order)

    @case("CHANGED_AFTER_PICKUP")
    def test_a_change_after_the_pickup_is_closed_by_whoever_arranged_it(self):
        office = self.office
        order = office.order()
        yield
        label = office.label(order)
        self.scan(label.number)
        until(lambda: [s for s in office.shipments(order) if pick(s, "state") == "IN_TRANSIT"],
              f"{order.reference} is in transit")
        office.change(order, QTY_PO=5)
        review = yield order
        self.assertEqual(office.decide(review, "cancel")["state"], "RESOLVED")
        self.assertEqual([one.number for one in office.labels(order)], [label.number])

    @case("VOID_REFUSED")
    def test_a_void_that_ups_refuses_is_tried_again_and_the_changed_order_ships(self):
        office = self.office
        order = office.order()
        yield
        old = office.label(order)
        office.fault("no void", route="void", kind="status", status=400, code="190102",
                     match=old.number)
        address = office.known_street()
        office.change(order, SHIPTO_ID=office.location(address))
        review = yield order
        office.heal("no void")
        self.assertEqual(office.decide(review, "retry")["state"], "RESOLVED")
        until(lambda: old.number not in {one.number for one in office.labels(order)},
              f"{old.number} is void")
        self.assert_goes_to(office.label(order), address)

    @case("VOIDED_LABEL_SCANNED")
    def test_a_scan_of_a_voided_label_is_told_and_closed_by_whoever_saw_to_it(self):
        office = self.office
        order = office.order()
        yield
        label = office.label(order)
        office.people["operator"].run("shipment", "void", label.number)
        until(lambda: not office.labels(order), f"{label.number} is void")
        self.scan(label.number)
        review = yield order
        self.assertEqual(office.decide(review, "cancel")["state"], "RESOLVED")

    @case("PARTLY_SHIPPED_AS_REQUISITION")
    def test_a_schedule_of_which_a_part_was_shipped_ships_whole_once_that_label_is_void(self):
        office = self.office
        place = office.location()
        first = office.order(ship_to=place, requisition=True)
        yield
        shipped = office.label(first)
        second = office.order(ship_to=place, requisition=True, enter=False)
        order = office.order(ship_to=place, quantity=4, enter=False)
        order.schedule["DISTRIBUTIONS"] = [
            {"DISTRIB_LINE_NUM": number, "REQ_ID": requisition.number, "REQ_LINE_NBR": 1,
             "REQ_SCHED_NBR": 1, "REQ_DISTRIB_NBR": 1}
            for number, requisition in enumerate((first, second), 1)]
        office.enter(order, second)
        review = yield order
        self.assertEqual(office.decide(review, "retry")["state"], "RESOLVED")
        yield order  # nothing has changed
        office.people["operator"].run("shipment", "void", shipped.number)
        office.label(order)
        self.assertEqual(office.labels(first) + office.labels(second), [])

    def scan(self, number: str) -> None:
        self.office.ups.post("/admin/scans", {"tracking_number": number, "code": "OR"})
