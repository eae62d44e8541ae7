"""Orders that walk: what is done to each in PeopleSoft by the seed, and what UPS's truth says of them.

Everything is told from UPS's truth alone: a label names its order by its reference, a package its
line by the item's odd side, and its weight says how many are inside.
"""

from dataclasses import dataclass, field
from random import Random

from judging.fields import Label

UNIT, SETID = "US001", "SHARE"
POUNDS = 5           # of one unit
ODD_SIDES = {11: 1, 13: 2, 17: 3}  # inches → line
STREETS = {"A": ("Market St", "Denver", "CO", "80202"), "B": ("Oak Ave", "Austin", "TX", "78701"),
           "C": ("Elm Rd", "Boise", "ID", "83702")}
SERVICES = ("GROUND", "2DAY", "1DAY")
VENDOR = ("1 Mill St", "Portland", "OR", "97204")


def _address(street: tuple[str, str, str, str]) -> dict:
    line, city, state, postal = street
    return {"ADDRESS1": line, "CITY": city, "STATE": state, "POSTAL": postal, "COUNTRY": "USA",
            "PHONE": "555-0100"}


def tables() -> dict[str, list]:
    """What PeopleSoft has to know before there are orders."""
    items = [{"SETID": SETID, "INV_ITEM_ID": f"1000{line}"} for line in ODD_SIDES.values()]
    return {
        "SET_CNTRL_REC": [{"SETCNTRLVALUE": UNIT, "RECNAME": record, "SETID": SETID}
                          for record in ("VENDOR", "SHIPTO_TBL", "MASTER_ITEM_TBL")],
        "VENDOR": [{"SETID": SETID, "VENDOR_ID": "0000000042", "NAME1": "Cascade Tool"}],
        "VENDOR_ADDR": [{"SETID": SETID, "VENDOR_ID": "0000000042", "ADDRESS_SEQ_NUM": 1}
                        | _address(VENDOR)],
        "LOCATION_TBL": [{"SETID": SETID, "LOCATION": f"L{name}", "DESCR": f"Dock {name}"}
                         | _address(("100 " + street[0], *street[1:]))
                         for name, street in STREETS.items()],
        "MASTER_ITEM_TBL": [item | {"DESCR60": "Valve", "UNIT_MEASURE_STD": "EA",
                                    "ITM_STATUS_CURRENT": "1", "PHYSICAL_NATURE": "G"}
                            for item in items],
        "INV_ITEMS": [item | {"INV_ITEM_WEIGHT": str(POUNDS), "UNIT_MEASURE_WT": "LB",
                              "INV_ITEM_LENGTH": str(side), "INV_ITEM_WIDTH": "10",
                              "INV_ITEM_HEIGHT": "4", "UNIT_MEASURE_DIM": "IN"}
                      for item, side in zip(items, ODD_SIDES)],
    }


def addresses() -> list[dict]:
    """For UPS: all of them are right."""
    streets = [VENDOR, *(("100 " + street[0], *street[1:]) for street in STREETS.values())]
    return [{"input": {"lines": [line], "city": city, "state": state, "postal": postal,
                       "country": "US"},
             "verdict": "valid",
             "candidates": [{"lines": [line.upper()], "city": city.upper(), "state": state,
                             "postal": postal, "postal_extended": "1234", "classification": "2"}]}
            for line, city, state, postal in streets]


@dataclass
class Line:
    number: int
    quantity: int
    place: str = "A"
    service: str = "GROUND"
    cancelled: bool = False


@dataclass
class Order:
    number: int
    lines: list[Line]
    held: bool = False
    withdrawn: bool = False
    batch: int = 0
    story: list[str] = field(default_factory=list)

    @property
    def po(self) -> str:
        return f"{self.number:010d}"

    def wanted(self) -> dict[int, int]:
        """By line, as the document says now."""
        return {line.number: 0 if self.held or self.withdrawn or line.cancelled else line.quantity
                for line in self.lines}

    def document(self) -> dict:
        return {
            "DOC_TYPE": "PO", "BUSINESS_UNIT": UNIT, "PO_ID": self.po,
            "PO_STATUS": "X" if self.withdrawn else "D", "PO_DT": "2026-11-20",
            "CHNG_ORD_BATCH": self.batch, "HOLD_STATUS": "Y" if self.held else "N",
            "VENDOR_SETID": SETID, "VENDOR_ID": "0000000042", "ADDRESS_SEQ_NUM": 1,
            "LINES": [{
                "LINE_NBR": line.number, "CANCEL_STATUS": "X" if line.cancelled else "A",
                "ITM_SETID": SETID, "INV_ITEM_ID": f"1000{line.number}", "UNIT_OF_MEASURE": "EA",
                "PHYSICAL_NATURE": "G", "AMT_ONLY_FLG": "N", "RECV_REQ": "Y",
                "SCHEDULES": [{
                    "SCHED_NBR": 1, "CANCEL_STATUS": "A", "QTY_PO": f"{line.quantity}.0000",
                    "SHIPTO_SETID": SETID, "SHIPTO_ID": f"L{line.place}",
                    "SHIP_TYPE_ID": line.service, "CARRIER_ID": "UPS", "FREIGHT_TERMS": "DEST"}],
            } for line in self.lines],
        }

    def change(self, random: Random) -> None:
        """One thing, or two in one revision."""
        for _ in range(random.choice((1, 1, 1, 2))):
            line = random.choice(self.lines)
            what = random.choice(("quantity", "quantity", "place", "service", "cancel", "hold",
                                  "withdraw", "again"))
            if what == "quantity":
                line.quantity = random.randint(1, 30)
            elif what == "place":
                line.place = random.choice([name for name in STREETS if name != line.place])
            elif what == "service":
                line.service = random.choice([name for name in SERVICES if name != line.service])
            elif what == "cancel":
                line.cancelled = not line.cancelled
            elif what == "hold":
                self.held = not self.held
            elif what == "withdraw":
                self.withdrawn = not self.withdrawn
            self.story.append(f"{what} of line {line.number}: {self.wanted()}")
        self.batch += 1


def new_orders(count: int, random: Random) -> list[Order]:
    return [Order(number, [Line(line, random.randint(1, 25)) for line in
                           range(1, random.randint(1, 3) + 1)]) for number in range(1, count + 1)]


def live_labels(truth: dict) -> dict[tuple[str, int], dict[str, int]]:
    """(PO_ID, line) → label → how many are in its live packages."""
    found: dict[tuple[str, int], dict[str, int]] = {}
    for shipment in truth["shipments"]:
        label = Label(shipment)
        po = label.reference()[1].removeprefix(f"{UNIT} ")
        for made, package in zip(label.numbers(), label.packages):
            if made["voided"]:
                continue
            sides = [round(float(package["Dimensions"][side])) for side in
                     ("Length", "Width", "Height")]
            line = next(ODD_SIDES[side] for side in sides if side in ODD_SIDES)
            count = round(float(package["PackageWeight"]["Weight"]) / POUNDS)
            held = found.setdefault((po, line), {})
            held[label.number] = held.get(label.number, 0) + count
    return found
