"""An order as its maker meant it: the document that PeopleSoft gets, and what must become of it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from math import ceil

from making.items import Item
from making.packing import Unshippable, pack, plain
from making.places import Place

SERVICES = {"": "03", "GROUND": "03", "3DAY": "12", "2DAY": "02", "1DAY": "01"}
LONGEST_NAME = 35
DAYS_AHEAD = 7


@dataclass(frozen=True)
class Schedule:
    number: int
    quantity: Decimal
    ship_to: Place
    ship_type: str = "GROUND"
    ship_date: date | None = None
    received: Decimal = Decimal(0)
    cancel_status: str = ""
    bare_setid: bool = False  # SHIPTO_SETID blank: PeopleSoft finds it by SET_CNTRL_REC
    sourced_to: str = ""  # requisitions only: the purchase order that it went into
    requisitions: tuple[str, ...] = ()  # purchase orders only: those that it came from
    customer: str = ""

    def open_quantity(self) -> Decimal:
        return self.quantity - self.received


@dataclass(frozen=True)
class Line:
    number: int
    item: Item
    unit: str
    schedules: tuple[Schedule, ...]
    cancel_status: str = ""
    nature: str = "G"
    amount_only: bool = False
    vendor: Place | None = None  # requisitions only


@dataclass(frozen=True)
class Order:
    connection: str
    doc_type: str
    business_unit: str
    doc_id: str
    dated: date
    lines: tuple[Line, ...]
    item_setid: str
    vendor: Place | None = None  # purchase orders only
    vendor_address: int = 1
    status: str = ""
    hold: bool = False
    batch: int = 0
    visible_after_ms: int = 0
    scenario: str = "plain"

    def key(self) -> tuple[str, str, str, str]:
        return (self.connection, self.doc_type, self.business_unit, self.doc_id)

    def source(self) -> tuple[str, str, str, str] | None:
        """The key of the purchase order that this requisition went into."""
        names = [s.sourced_to for line in self.lines for s in line.schedules if s.sourced_to]
        return (self.connection, "PO", self.business_unit, names[0]) if names else None

    def as_source_of(self, requisition: "Order") -> "Order":
        """This purchase order, its first schedule made from the requisition's."""
        line = self.lines[0]
        schedule = line.schedules[0]
        schedule = replace(schedule, requisitions=(*schedule.requisitions, requisition.doc_id))
        line = replace(line, schedules=(schedule, *line.schedules[1:]))
        return replace(self, lines=(line, *self.lines[1:]))

    # ---- the document ----

    def document(self) -> dict:
        purchase = self.doc_type == "PO"
        header = {
            "DOC_TYPE": self.doc_type,
            "BUSINESS_UNIT": self.business_unit,
            "PO_ID" if purchase else "REQ_ID": self.doc_id,
            "PO_STATUS" if purchase else "REQ_STATUS": self.status or ("D" if purchase else "A"),
            "PO_DT" if purchase else "REQ_DT": self.dated.isoformat(),
            "CHNG_ORD_BATCH": self.batch,
            "HOLD_STATUS": "Y" if self.hold else "N",
            "BUYER_ID": "VP1" if purchase else "",
            "LINES": [self._line(line) for line in self.lines],
        }
        if purchase:
            header |= {
                "PO_REF": "",
                "VENDOR_SETID": self.vendor.setid,
                "VENDOR_ID": self.vendor.place_id,
                "ADDRESS_SEQ_NUM": self.vendor_address,
            }
        if self.visible_after_ms:
            header["VISIBLE_AFTER_MS"] = self.visible_after_ms
        return header

    def _line(self, line: Line) -> dict:
        row = {
            "LINE_NBR": line.number,
            "CANCEL_STATUS": line.cancel_status,
            "ITM_SETID": self.item_setid,
            "INV_ITEM_ID": line.item.item_id,
            "DESCR254_MIXED": line.item.description,
            "UNIT_OF_MEASURE": line.unit,
            "PHYSICAL_NATURE": line.nature,
            "AMT_ONLY_FLG": "Y" if line.amount_only else "N",
            "RECV_REQ": "Y",
            "SCHEDULES": [self._schedule(schedule) for schedule in line.schedules],
        }
        if self.doc_type == "REQ" and line.vendor:
            row |= {"VENDOR_SETID": line.vendor.setid, "VENDOR_ID": line.vendor.place_id,
                    "VNDR_LOC": "MAIN"}
        return row

    def _schedule(self, schedule: Schedule) -> dict:
        kind = "PO" if self.doc_type == "PO" else "REQ"
        row = {
            "SCHED_NBR": schedule.number,
            "CANCEL_STATUS": schedule.cancel_status,
            f"QTY_{kind}": f"{schedule.quantity:.4f}",
            f"PRICE_{kind}": "25.00000",
            "CURRENCY_CD": "USD",
            "DUE_DT": (self.dated + timedelta(days=30)).isoformat(),
            "SHIP_DATE": schedule.ship_date.isoformat() if schedule.ship_date else "",
            "SHIPTO_SETID": "" if schedule.bare_setid else schedule.ship_to.setid,
            "SHIPTO_ID": schedule.ship_to.place_id,
            "CARRIER_ID": "UPS",
            "SHIP_TYPE_ID": schedule.ship_type,
            "FREIGHT_TERMS": "DEST",
            "SHIP_TO_CUST_ID": schedule.customer,
            "QTY_RECEIVED": f"{schedule.received:.4f}",
        }
        if schedule.requisitions:
            row["DISTRIBUTIONS"] = [
                {"DISTRIB_LINE_NUM": number, "REQ_ID": requisition, "REQ_LINE_NBR": 1,
                 "REQ_SCHED_NBR": 1, "REQ_DISTRIB_NBR": 1}
                for number, requisition in enumerate(schedule.requisitions, 1)]
        return row

    # ---- what must become of it ----

    def ineligible(self, line: Line, schedule: Schedule, go_live: date) -> str | None:
        ready = "D" if self.doc_type == "PO" else "A"
        rules = [
            (self.status not in ("", ready), "STATUS"),
            (self.hold, "HOLD"),
            (line.cancel_status not in ("", "A", "O"), "LINE_CANCELLED"),
            (schedule.cancel_status not in ("", "A", "O"), "SCHEDULE_CANCELLED"),
            (line.nature == "S", "SERVICE"),
            (line.amount_only, "AMOUNT_ONLY"),
            (bool(schedule.customer), "DIRECT_SHIP"),
            (self.dated < go_live, "BEFORE_GO_LIVE"),
            (bool(schedule.sourced_to), "SOURCED_TO_PO"),
            (schedule.open_quantity() <= 0, "NOTHING_OPEN"),
        ]
        return next((reason for broken, reason in rules if broken), None)

    def expected(self, go_live: date, today: date) -> dict:
        kept, refused = [], []
        for line in self.lines:
            for schedule in line.schedules:
                reason = self.ineligible(line, schedule, go_live)
                if reason:
                    refused.append({"line": line.number, "sched": schedule.number,
                                    "reason": reason})
                else:
                    kept.append((line, schedule))
        shipments = [self._shipment(group, today) for group in self._groups(kept, today)]
        outcomes = {s["outcome"] for s in shipments}
        return {
            "connection": self.connection,
            "doc_type": self.doc_type,
            "business_unit": self.business_unit,
            "doc_id": self.doc_id,
            "scenario": self.scenario,
            "outcome": "nothing" if not outcomes else
                       "mixed" if len(outcomes) > 1 else outcomes.pop(),
            "reason": refused[0]["reason"] if not shipments else
                      next((s["reason"] for s in shipments if s["reason"]), None),
            "ineligible": refused,
            "shipments": shipments,
            "change": None,
        }

    def _groups(self, kept, today: date) -> list[list[tuple[Line, Schedule]]]:
        groups: dict = {}
        for line, schedule in kept:
            origin = line.vendor if self.doc_type == "REQ" else self.vendor
            setid = "" if schedule.bare_setid else schedule.ship_to.setid
            leaves = max(schedule.ship_date or today, today)
            key = (origin and origin.setid, origin and origin.place_id, setid,
                   schedule.ship_to.place_id, SERVICES.get(schedule.ship_type), leaves)
            groups.setdefault(key, []).append((line, schedule))
        return list(groups.values())

    def _shipment(self, group, today: date) -> dict:
        line, schedule = group[0]
        origin = line.vendor if self.doc_type == "REQ" else self.vendor
        packages, reason = [], self._place_reason(origin, schedule)
        for line, schedule in group:
            try:
                packages += _packages(line, schedule)
            except Unshippable as problem:
                reason = reason or str(problem)
        waits = schedule.ship_date and schedule.ship_date > today + timedelta(days=DAYS_AHEAD)
        return {
            "outcome": "review" if reason else "ship",
            "reason": reason,
            "service": SERVICES.get(schedule.ship_type),
            "ship_date": schedule.ship_date.isoformat()
                         if schedule.ship_date and schedule.ship_date > today else None,
            "waits": bool(waits),
            "ship_from": origin.on_label() if origin else None,
            "ship_to": schedule.ship_to.on_label(),
            "schedules": [{"line": each_line.number, "sched": each.number,
                           "qty": plain(each.open_quantity())} for each_line, each in group],
            "packages": [] if reason else packages,
        }

    def _place_reason(self, origin: Place | None, schedule: Schedule) -> str | None:
        if origin is None:
            return "NO_SHIP_FROM"
        if schedule.ship_type not in SERVICES:
            return "SERVICE_UNMAPPED"
        if not schedule.ship_to.lines:
            return "NO_SHIP_TO"
        texts = [p for place in (origin, schedule.ship_to)
                 for p in (place.name, place.attention, *place.lines)]
        if any(len(text) > LONGEST_NAME for text in texts):
            return "FIELD_TOO_LONG"
        return schedule.ship_to.review_reason()


def _packages(line: Line, schedule: Schedule) -> list[dict]:
    """The schedule's packages; a fraction of a unit travels in the last one."""
    quantity = schedule.open_quantity()
    cartons = pack(line.item.unit_weight(line.unit), line.item.unit_sides(), quantity)
    packages = []
    for box in cartons:
        inside = min(Decimal(box.units), quantity)
        quantity -= inside
        packages.append({
            "weight": box.weight, "length": box.length, "width": box.width, "height": box.height,
            "contents": [{"line": line.number, "sched": schedule.number, "qty": plain(inside)}],
        })
    assert quantity == 0 and sum(b.units for b in cartons) == ceil(schedule.open_quantity())
    return packages


@dataclass(frozen=True)
class Change:
    """An order that changes after it was entered, once or more often; `when` says before its label
    or after it, or without looking: soon."""

    first: Order
    when: str
    later: tuple[Order, ...] = ()

    @property
    def changed(self) -> Order:
        """What it is in the end."""
        return self.later[-1]

    def then(self, changed: Order) -> "Change":
        return replace(self, later=(*self.later, changed))

    def with_schedule(self, **new) -> "Change":
        """Its first schedule with `new`, one change order later."""
        return self._with_line(lambda line: replace(line, schedules=(
            replace(line.schedules[0], ship_date=None, **new), *line.schedules[1:])))

    def with_line(self, **new) -> "Change":
        """Its first line with `new`, one change order later."""
        return self._with_line(lambda line: replace(line, **new))

    def _with_line(self, change) -> "Change":
        order = (self.first, *self.later)[-1]
        lines = (change(order.lines[0]), *order.lines[1:])
        return self.then(replace(order, lines=lines, batch=order.batch + 1, visible_after_ms=0))

    def on_hold(self) -> "Change":
        """A hold is no change order."""
        return self.then(replace((self.first, *self.later)[-1], hold=True, visible_after_ms=0))

    def named(self, scenario: str) -> "Change":
        first, *later = (replace(o, scenario=scenario) for o in (self.first, *self.later))
        return Change(first, self.when, tuple(later))

    def before(self) -> list[Order]:
        """What it was, for a while, before it became what it is in the end."""
        return [self.first, *self.later[:-1]]
