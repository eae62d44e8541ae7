"""An office that decides reviews: orders that make people be asked, psupsctl to answer with, and UPS's
truth to judge by."""

import base64
import functools
import itertools
import json
import ssl
import time
import unittest
import urllib.request
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.local import certificates, customers, ports, sandboxes
from deploy.local.layout import StackError, write_private
from deploy.local.psupsctl import Psupsctl, write_context
from deploy.local.stack import Stack
from judging.fields import Label, many, pick

SECONDS = 30
# The account does not buy again by itself: what cannot be told is a person's, and soon. Across a border
# UPS wants somebody to ask at the shipper's.
CUSTOMER = {"account": {"rebuy_window": None, "shipper": {
    "name": "Fabrikam Procurement", "attention_name": "Export Desk",
    "lines": ["1200 Commerce Parkway"], "city": "Columbus", "state": "OH", "postal_code": "43215",
    "country_code": "US", "phone": "614-555-0100"}}}
SETTINGS = {"ups-gateway": {"PSUPS_RESOLVER_FIRST_WAIT": "1s", "PSUPS_RESOLVER_WINDOW": "2s"}}
UNIT, SETID = "US001", "SHARE"
LONG_AGO = "1901-01-01"
# What a person reads in a shipment that has a label.
WITH_LABEL = ("LABELED", "IN_TRANSIT", "DELIVERED")


def until(what, about: str, seconds: float = SECONDS):
    """The first true thing that `what` says, asked again and again."""
    deadline = time.monotonic() + seconds
    while not (said := what()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{about}: not so after {seconds:.0f} s")
        time.sleep(0.1)
    return said


def days_from_now(days: int) -> str:
    return (date.today() + timedelta(days=days)).isoformat()


@dataclass
class Order:
    connection: str
    document: dict

    @property
    def number(self) -> str:
        return self.document.get("PO_ID") or self.document["REQ_ID"]

    @property
    def reference(self) -> str:
        """Our number as it stands on the label."""
        return f"{UNIT} {self.number}"

    @property
    def line(self) -> dict:
        return self.document["LINES"][0]

    @property
    def schedule(self) -> dict:
        return self.line["SCHEDULES"][0]


class Office:
    """One stack with three connections: c1 by every default, c2 by rules that ask, c3 of its own
    site for what counts by connection."""

    def __init__(self, name: str):
        self.stack = Stack(name, customer=CUSTOMER, settings=SETTINGS)
        self.third = sandboxes.Sandbox(self.stack.home, "c3", "peoplesoft-sandbox")
        self.numbers = itertools.count(101)
        self.people: dict[str, Psupsctl] = {}

    def open(self) -> None:
        self.close()  # what a run that was killed left behind
        self.stack.start()
        self._start_third()
        self.people = {role: Psupsctl(write_context(self.stack.home / f"{role}.json",
                                                    self.stack.ports, role))
                       for role in ("clerk", "operator")}
        self.sites = {name: site.admin for name, site in self.stack.sites.items()}
        self.sites["c3"] = self.third.admin
        self.ups = self.stack.ups.admin
        self.vendor_address = self.street()
        self.ups_knows(self.vendor_address)
        for site in self.sites.values():
            site.post("/admin/orders", {"tables": {
                "VENDOR": [{"SETID": SETID, "VENDOR_ID": "V1", "NAME1": "Mill Supplies"}],
                "VENDOR_ADDR": [self.vendor_row("V1", self.vendor_address)]}})
        self.item("GEAR")

    def close(self) -> None:
        self.third.process.stop()
        self.stack.remove()

    def _start_third(self) -> None:
        free = ports.free()
        self.third.start(sandboxes.peoplesoft_config("c1", free, self.stack.secrets))
        self.third.wait()
        since = date.today() - timedelta(days=1)
        self.stack.connect(since)
        settings = customers.connection("c1", free, since) | {"connection_id": "c3"}
        file = self.stack.home / "c3.json"
        file.write_text(json.dumps(settings))
        password = write_private(self.stack.home / "c3.password", self.stack.secrets["c1"])
        self.psupsctl.run("connection", "create", "--file", file, "--password-file", password)
        self.psupsctl.run("connection", "activate", "c3", "--yes")

    @property
    def psupsctl(self) -> Psupsctl:
        """As an administrator."""
        return self.stack.psupsctl

    # ---- places and items ----

    def street(self, *more_lines: str, name: str = "Main Street") -> dict:
        """An address that nobody else has."""
        return {"lines": [f"{next(self.numbers)} {name}", *more_lines], "city": "Springfield",
                "state": "IL", "postal": "62701", "country": "US"}

    def ups_knows(self, address: dict, *candidates: dict, verdict: str = "valid",
                  classification: str = "1") -> None:
        """UPS offers the candidates for it; none named: the address itself."""
        rows = [candidate | {"postal_extended": "1234", "classification": classification}
                for candidate in candidates or (address,)]
        self.ups.post("/admin/addresses",
                      [{"input": address, "verdict": verdict, "candidates": rows}])

    def known_street(self) -> dict:
        address = self.street()
        self.ups_knows(address)
        return address

    def location(self, address: dict | None = None, connection: str = "c1", **more) -> str:
        """A ship-to location; at an address that UPS knows if none is given."""
        number = f"L{next(self.numbers)}"
        row = {"SETID": SETID, "LOCATION": number, "DESCR": "Warehouse", "ATTN_TO": "Goods In",
               "PHONE": "614-555-0100"}
        self.load(connection, "LOCATION_TBL",
                  row | _address_fields(address or self.known_street()) | more)
        return number

    def vendor(self, address: dict) -> str:
        number = f"V{next(self.numbers)}"
        self.load("c1", "VENDOR", {"SETID": SETID, "VENDOR_ID": number, "NAME1": "Other Supplies"})
        self.load("c1", "VENDOR_ADDR", self.vendor_row(number, address))
        return number

    def vendor_row(self, number: str, address: dict) -> dict:
        return {"SETID": SETID, "VENDOR_ID": number, "ADDRESS_SEQ_NUM": 1,
                "PHONE": "217-555-0100"} | _address_fields(address)

    def item(self, name: str, weight: str = "2.5", sides: tuple = (10, 8, 4),
             units: dict | None = None, **more) -> str:
        """An item, at each site. `units`: the unit's code → how many EA it is."""
        length, width, height = sides
        key = {"SETID": SETID, "INV_ITEM_ID": name}
        tables = {
            "MASTER_ITEM_TBL": [key | {"DESCR60": name.title(), "UNIT_MEASURE_STD": "EA"}],
            "INV_ITEMS": [key | {"EFFDT": LONG_AGO, "INV_ITEM_WEIGHT": weight, "UNIT_MEASURE_WT": "LB",
                                 "INV_ITEM_LENGTH": length, "INV_ITEM_WIDTH": width,
                                 "INV_ITEM_HEIGHT": height, "UNIT_MEASURE_DIM": "IN"} | more],
            "INV_ITEM_UOM": [key | {"UNIT_OF_MEASURE": unit, "CONVERSION_RATE": rate}
                             for unit, rate in (units or {}).items()]}
        for site in self.sites.values():
            site.post("/admin/orders", {"tables": tables})
        return name

    def load(self, connection: str, table: str, row: dict) -> None:
        self.sites[connection].post("/admin/orders", {"tables": {table: [row]}})

    # ---- orders ----

    def order(self, connection: str = "c1", *, ship_to: str = "", item: str = "GEAR",
              unit: str = "EA", quantity: int = 2, requisition: bool = False, enter: bool = True,
              vendor: str = "V1", **schedule) -> Order:
        """An order for one schedule, entered in PeopleSoft."""
        kind = "REQ" if requisition else "PO"
        number = f"{next(self.numbers):010d}"
        vendor_fields = {"VENDOR_SETID": SETID, "VENDOR_ID": vendor}
        document = {
            "DOC_TYPE": kind, "BUSINESS_UNIT": UNIT, f"{kind}_ID": number,
            f"{kind}_STATUS": "A" if requisition else "D", f"{kind}_DT": days_from_now(0),
            "CHNG_ORD_BATCH": 0, "HOLD_STATUS": "N",
            "LINES": [{"LINE_NBR": 1, "ITM_SETID": SETID, "INV_ITEM_ID": item,
                       "DESCR254_MIXED": item.title(), "UNIT_OF_MEASURE": unit,
                       "PHYSICAL_NATURE": "G", "AMT_ONLY_FLG": "N", "SCHEDULES": [{
                           "SCHED_NBR": 1, f"QTY_{kind}": quantity, f"PRICE_{kind}": "25.00000",
                           "CURRENCY_CD": "USD", "DUE_DT": days_from_now(30), "SHIP_DATE": "",
                           "SHIPTO_SETID": SETID,
                           "SHIPTO_ID": ship_to or self.location(connection=connection),
                           "CARRIER_ID": "UPS", "SHIP_TYPE_ID": "GROUND",
                           "FREIGHT_TERMS": "DEST"} | schedule]} |
                      (vendor_fields if requisition else {})],
        } | ({} if requisition else vendor_fields | {"ADDRESS_SEQ_NUM": 1})
        order = Order(connection, document)
        if enter:
            self.enter(order)
        return order

    def enter(self, *orders: Order) -> None:
        for order in orders:
            self.sites[order.connection].post("/admin/orders", {"documents": [order.document]})

    def change(self, order: Order, **schedule) -> None:
        """Another change order of it."""
        order.document = deepcopy(order.document)
        order.document["CHNG_ORD_BATCH"] += 1
        order.schedule.update(schedule)
        self.enter(order)

    # ---- rules ----

    def teach(self, connection: str, change) -> int:
        """Sets the rules that count as `change` leaves them; their version."""
        before = self.psupsctl.json("mapping", "get", connection)
        rules = before.get("rules", {})
        change(rules)
        return self.teach_text(connection, json.dumps(rules, indent=1))

    def add_service(self, rules: dict, ship_type: str, code: str) -> None:
        """One more ship via; where no rule said anything the ordinary one has to be said, too."""
        rules["services"] = rules.get("services") or [
            {"ship_type_id": "GROUND", "service_code": "03"}]
        if not any(known["ship_type_id"] == ship_type for known in rules["services"]):
            rules["services"].append({"ship_type_id": ship_type, "service_code": code})

    def teach_text(self, connection: str, yaml: str) -> int:
        file = self.stack.home / f"rules-{next(self.numbers)}.yaml"
        file.write_text(yaml)
        return int(self.psupsctl.json("mapping", "set", connection, "--file", file)["version"])

    # ---- what people see and do ----

    def reviews(self, order: Order, state: str = "any") -> list[dict]:
        return self.people["clerk"].list("review", "--document", order.number, "--state", state)

    def asked(self, order: Order, reason: str) -> dict:
        """The open review about it, whole, once there is one of that reason."""
        def it():
            return [r for r in self.reviews(order, "open") if pick(r, "reason") == reason]
        row = until(it, f"{order.reference} asks {reason}")[0]
        return self.people["clerk"].json("review", "get", _id(row))

    def decide(self, review: dict, action: str, *options: str, who: str = "clerk") -> dict:
        return self.people[who].json("review", "resolve", _id(review), "--action", action, *options)

    def override(self, review: dict, address: dict, **more) -> dict:
        """Gives another address in the order's place."""
        file = self.stack.home / f"address-{next(self.numbers)}.json"
        file.write_text(json.dumps({
            "lines": address["lines"], "city": address["city"], "state": address["state"],
            "postal_code": address["postal"], "country_code": address["country"]} | more))
        return self.decide(review, "override-address", "--address-file", file)

    def shipments(self, order: Order) -> list[dict]:
        return self.psupsctl.list("shipment", "--document", order.number)

    # ---- what UPS knows ----

    def labels(self, order: Order) -> list[Label]:
        """Those not voided."""
        return [label for label in map(Label, self.ups.truth()["shipments"])
                if order.reference in _references(label) and not label.voided]

    def label(self, order: Order) -> Label:
        """The one live label of it, once there is one that psupsctl shows too."""
        def it():
            live, shown = self.labels(order), self.shipments(order)
            numbers = {p["tracking_number"] for label in live for p in label.numbers()}
            return live and any(
                pick(s, "state") in WITH_LABEL and numbers ==
                {pick(p, "tracking_number") for p in pick(s, "packages")} for s in shown) and live
        live = until(it, f"{order.reference} has a label, at UPS and in psupsctl")
        if len(live) != 1:
            raise StackError(f"{order.reference} has {len(live)} live labels at UPS")
        return live[0]

    def ask_ups(self, method: str, path: str, body: dict | None = None) -> dict:
        """What somebody does at UPS without psups."""
        credentials = f"{sandboxes.CLIENT_ID}:{self.stack.secrets['ups']}".encode()
        token = self._ups("POST", "/security/v1/oauth/token", b"grant_type=client_credentials", {
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": "Basic " + base64.b64encode(credentials).decode()})["access_token"]
        return self._ups(method, f"/api{path}", json.dumps(body or {}).encode(), {
            "Content-Type": "application/json", "Authorization": f"Bearer {token}"})

    def _ups(self, method: str, path: str, body: bytes, headers: dict) -> dict:
        url = f"https://localhost:{self.stack.ports['ups-sandbox']}{path}"
        request = urllib.request.Request(url, data=body, headers=headers, method=method)
        trust = ssl.create_default_context(cafile=str(certificates.AUTHORITY))
        with urllib.request.urlopen(request, context=trust) as answer:
            return json.load(answer)

    def fault(self, name: str, **rule) -> None:
        self.ups.post("/admin/faults", {"add": [{"id": name} | rule]})

    def heal(self, name: str) -> None:
        self.ups.post("/admin/faults", {"remove": [name]})


class ReviewCases(unittest.TestCase):
    """Cases are generators. Up to its first `yield` each enters its orders, and all do so before
    any goes on: they are read in the same polls. `review = yield order` waits until a person is
    asked about the order for the case's reason."""

    office: Office
    begun: dict

    def assert_goes_to(self, label: Label, address: dict) -> None:
        end = label.end("ShipTo")
        self.assertEqual((end["lines"], end["city"], end["state"], end["postal"][:5]),
                         (address["lines"], address["city"], address["state"], address["postal"]))


def case(reason: str):
    """Makes a test of the steps; see ReviewCases."""
    def decorate(steps):
        @functools.wraps(steps)
        def test(self):
            begun, order = self.begun[steps.__name__]
            office, seen = self.office, []
            try:
                while True:
                    review = None
                    if order is not None:
                        review = office.asked(order, reason)
                        seen.append((order, review))
                    order = begun.send(review)
            except StopIteration:
                self.assertTrue(seen, f"nobody was asked for {reason}")
            for order, review in seen:
                closed = {pick(r, "name"): pick(r, "state") for r in office.reviews(order)}
                self.assertNotEqual(closed[review["name"]], "OPEN", order.reference)
                self.assertLessEqual(len(office.labels(order)), 1, order.reference)
        test.reason, test.steps = reason, steps
        return test
    return decorate


def _references(label: Label) -> set[str]:
    """At its packages or, across a border, at the whole."""
    return {reference["Value"] for part in (label.shipment, *label.packages)
            for reference in many(part.get("ReferenceNumber"))}


def _id(row: dict) -> str:
    return row["name"].removeprefix("reviews/")


def _address_fields(address: dict) -> dict:
    lines = {f"ADDRESS{n}": line for n, line in enumerate(address["lines"], 1)}
    country = {"US": "USA", "CA": "CAN"}[address["country"]]
    return lines | {"CITY": address["city"], "STATE": address["state"],
                    "POSTAL": address["postal"], "COUNTRY": country, "EFFDT": LONG_AGO,
                    "EFF_STATUS": "A"}
