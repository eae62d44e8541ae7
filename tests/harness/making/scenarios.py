"""What happens to orders in real life: each scenario makes one order of its kind."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from making import items, places
from making.orders import Change, Line, Order, Schedule
from making.site import Site


class Scenarios:
    """Makes orders for one site. Method names are scenario names; each returns Order or Change."""

    def __init__(self, site: Site, random: Random, today: date, go_live: date):
        self.site = site
        self.random = random
        self.today = today
        self.go_live = go_live
        self.made = 0
        self.shared: list[Order] = []  # purchase orders that requisitions were sourced to

    # ---- pieces ----

    def schedule(self, number: int, where: places.Place, **how) -> Schedule:
        how.setdefault("quantity", Decimal(self.random.choice([1, 1, 2, 2, 3, 4, 6])))
        how.setdefault("ship_type", self.random.choice(["GROUND"] * 6 + ["", "3DAY", "2DAY",
                                                                         "1DAY"]))
        return Schedule(number, ship_to=where, **how)

    def line(self, number: int, where: places.Place, item: items.Item = None, unit: str = "",
             vendor: places.Place = None, line: dict = None, **how) -> Line:
        item = item or self.random.choice(items.EACH)
        unit = unit or self.random.choice(item.units).code
        return Line(number, item, unit, (self.schedule(1, where, **how),), vendor=vendor,
                    **(line or {}))

    def order(self, unit: str, lines: list[Line], **how) -> Order:
        requisition = how.get("doc_type") == "REQ"
        number = self.site.next_number("REQ" if requisition else "PO", unit)
        how.setdefault("doc_type", "PO")
        how.setdefault("doc_id", f"{number:010d}")
        how.setdefault("dated", self.today - timedelta(days=self.random.randrange(0, 20)))
        how.setdefault("vendor", None if requisition else self.site.vendor(unit))
        return Order(self.site.connection, business_unit=unit, lines=tuple(lines),
                     item_setid=self.site.setid(unit, "MASTER_ITEM_TBL"), **how)

    def unit(self) -> str:
        """The business unit of the next order: in turn."""
        self.made += 1
        names = list(self.site.units)
        return names[self.made % len(names)]

    def simple(self, kind: str = places.GOOD, item: items.Item = None, place: dict = None,
               line: dict = None, order: dict = None, **how) -> Order:
        """One line, one schedule, one place."""
        unit = self.unit()
        where = self.site.location(unit, kind, **(place or {}))
        return self.order(unit, [self.line(1, where, item, line=line, **how)], **(order or {}))

    # ---- orders that ship ----

    def plain(self) -> Order:
        n = self.made
        unit = self.unit()
        place = [{}, {"extra": "suite"}, {}, {"extra": "department"}, {},
                 {"residential": True}, {}, {"kind": places.CORRECTED}][n % 8]
        where = self.site.location(unit, **place)
        how = {"ship_type": self.random.choice(["GROUND", "", "2DAY"]), "bare_setid": n % 5 == 0}
        if n % 9 == 4:
            how["ship_date"] = self.today + timedelta(days=self.random.randrange(3, 6))
        elif n % 9 == 7:
            how["ship_date"] = self.today - timedelta(days=self.random.randrange(3, 30))
        if n % 11 == 6:
            how |= {"quantity": Decimal(9), "received": Decimal(5)}
        elif n % 11 == 9:
            how |= {"quantity": Decimal("2.5")}
        lines = [self.line(number, where, **how) for number in range(1, 2 + (n % 3 == 1))]
        return self.order(unit, lines, visible_after_ms=2500 if n % 13 == 3 else 0)

    def several_ship_tos(self) -> Order:
        unit = self.unit()
        where = [self.site.location(unit, kind) for kind in
                 (places.GOOD, places.CORRECTED, places.GOOD)[:2 + self.made % 2]]
        first = self.line(1, where[0], ship_type="GROUND")
        schedules = tuple(self.schedule(n + 1, place, ship_type="GROUND")
                          for n, place in enumerate(where))
        second = self.line(2, where[-1], ship_type="GROUND")
        return self.order(unit, [replace(first, schedules=schedules), second])

    def several_packages(self) -> Order:
        item = items.BULKY[self.made % len(items.BULKY)]
        return self.simple(item=item, quantity=Decimal(self.random.randrange(5, 8)))

    def requisition(self) -> Order:
        unit = self.unit()
        where = self.site.location(unit)
        vendors = self.site.vendors[self.site.setid(unit, "VENDOR")][:2 if self.made % 3 else 1]
        lines = [self.line(n + 1, where, vendor=vendor, ship_type="GROUND")
                 for n, vendor in enumerate(vendors)]
        return self.order(unit, lines, doc_type="REQ")

    def cancelled_line(self) -> Order:
        unit = self.unit()
        where = self.site.location(unit)
        gone = self.line(1, where, line={"cancel_status": "X"})
        if self.made % 3 == 0:
            return self.order(unit, [gone])
        return self.order(unit, [gone, self.line(2, where)])

    def service_line(self) -> Order:
        unit = self.unit()
        where = self.site.location(unit)
        work = self.line(1, where, line={"nature": "S"})
        if self.made % 2:
            return self.order(unit, [work])
        return self.order(unit, [work, self.line(2, where)])

    def changed_before_label(self) -> Change:
        first = self.simple(ship_date=self.today + timedelta(days=20), quantity=Decimal(2))
        if self.made % 2:
            return Change(first, "before_label").with_schedule(quantity=Decimal(5))
        where = self.site.location(first.business_unit)
        return Change(first, "before_label").with_schedule(ship_to=where, bare_setid=False)

    def changed_after_label(self) -> Change:
        return self._elsewhere(Change(self.simple(quantity=Decimal(2)), "after_label"))

    # ---- more changes: they are in `make chaos` only ----

    def _elsewhere(self, change: Change) -> Change:
        where = self.site.location(change.first.business_unit)
        return change.with_schedule(ship_to=where, bare_setid=False)

    def _waiting(self) -> Order:
        return self.simple(ship_date=self.today + timedelta(days=20))

    def cancelled_before_label(self) -> Change:
        return Change(self._waiting(), "before_label").with_line(cancel_status="X")

    def held_before_label(self) -> Change:
        return Change(self._waiting(), "before_label").on_hold()

    def cancelled_after_label(self) -> Change:
        return Change(self.simple(), "after_label").with_line(cancel_status="X")

    def held_after_label(self) -> Change:
        return Change(self.simple(), "after_label").on_hold()

    def changed_soon(self) -> Change:
        change = Change(self.simple(quantity=Decimal(2)), "soon")
        if self.made % 2:
            return change.with_schedule(quantity=Decimal(5))
        return self._elsewhere(change)

    def changed_twice_soon(self) -> Change:
        change = Change(self.simple(quantity=Decimal(2)), "soon")
        return self._elsewhere(change.with_schedule(quantity=Decimal(3)))

    def cancelled_soon(self) -> Change:
        return Change(self.simple(), "soon").with_line(cancel_status="X")

    def held_soon(self) -> Change:
        return Change(self.simple(), "soon").on_hold()

    def changed_and_cancelled_soon(self) -> Change:
        change = Change(self.simple(quantity=Decimal(2)), "soon").with_schedule(quantity=Decimal(4))
        return change.with_line(cancel_status="X")

    # ---- orders that a person must look at ----

    def invalid_address(self) -> Order:
        return self.simple(places.INVALID)

    def one_invalid_of_two_addresses(self) -> Order:
        unit = self.unit()
        where = [self.site.location(unit), self.site.location(unit, places.INVALID)]
        return self.order(unit, [self.line(n + 1, place) for n, place in enumerate(where)])

    def ambiguous_address(self) -> Order:
        return self.simple(places.AMBIGUOUS)

    def dropped_suite(self) -> Order:
        return self.simple(places.SUITE)

    def no_weight(self) -> Order:
        return self.simple(item=items.WEIGHTLESS[self.made % len(items.WEIGHTLESS)])

    def too_heavy(self) -> Order:
        item = items.HEAVY[self.made % len(items.HEAVY)]
        unit = item.units[-1].code
        order = self.simple(item=item)
        return replace(order, lines=(replace(order.lines[0], unit=unit),))

    def no_dimensions(self) -> Order:
        return self.simple(item=items.SHAPELESS[0])

    def too_long(self) -> Order:
        return self.simple(item=items.LONG[0])

    def unmapped_service(self) -> Order:
        return self.simple(ship_type="COURIER")

    def long_vendor_name(self) -> Order:
        unit = self.unit()
        setid = self.site.setid(unit, "VENDOR")
        vendor = self.site.add_vendor(setid, "Consolidated Northwestern Laboratories")
        return self.order(unit, [self.line(1, self.site.location(unit))], vendor=vendor)

    def withdrawn_location(self) -> Order:
        unit = self.unit()
        return self.order(unit, [self.line(1, self.site.location_without_address(unit))])

    def no_vendor(self) -> Order:
        unit = self.unit()
        return self.order(unit, [self.line(1, self.site.location(unit))], doc_type="REQ")

    # ---- orders that must not ship ----

    def on_hold(self) -> Order:
        return self.simple(order={"hold": True})

    def before_go_live(self) -> Order:
        days = self.random.randrange(5, 200)
        return self.simple(order={"dated": self.go_live - timedelta(days=days)})

    def sourced_requisition(self) -> Order:
        source = self.shared[self.made % len(self.shared)]
        self.made += 1
        schedule = replace(source.lines[0].schedules[0], sourced_to=source.doc_id, ship_date=None,
                           received=Decimal(0))
        line = replace(source.lines[0], number=1, vendor=source.vendor,
                       schedules=(replace(schedule, number=1),))
        return self.order(source.business_unit, [line], doc_type="REQ")

    def not_dispatched(self) -> Order:
        return self.simple(order={"status": self.random.choice(["A", "PA", "PX", "C"])})

    def amount_only(self) -> Order:
        return self.simple(line={"amount_only": True})

    def direct_ship(self) -> Order:
        return self.simple(customer="CUST00042")

    def all_received(self) -> Order:
        return self.simple(quantity=Decimal(3), received=Decimal(3))

    def cancelled_schedule(self) -> Order:
        return self.simple(cancel_status="X")
