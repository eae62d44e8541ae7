"""One PeopleSoft site: its set-up tables, and the traps in them."""

from datetime import date, timedelta
from random import Random

from making import items, places, world
from making.places import Place, PlaceMaker

LONG_AGO = "1901-01-01"


class Site:
    """Vendors, locations and items of one site, as rows that the sandbox loads."""

    def __init__(self, connection: str, units: dict[str, dict[str, str]], random: Random,
                 maker: PlaceMaker, today: date):
        self.connection = connection
        self.units = units
        self.random = random
        self.maker = maker
        self.today = today
        self.tables: dict[str, list[dict]] = {
            name: [] for name in ("SET_CNTRL_REC", "VENDOR", "VENDOR_ADDR", "LOCATION_TBL",
                                  "MASTER_ITEM_TBL", "INV_ITEMS", "INV_ITEM_UOM")}
        self.places: list[Place] = []
        self.vendors: dict[str, list[Place]] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        for unit, sets in units.items():
            for record, setid in sets.items():
                self.tables["SET_CNTRL_REC"].append(
                    {"SETCNTRLVALUE": unit, "RECNAME": record, "SETID": setid})
        for setid in sorted({s["MASTER_ITEM_TBL"] for s in units.values()}):
            self._add_items(setid)
        for setid in sorted({s["VENDOR"] for s in units.values()}):
            self.vendors[setid] = [self._add_vendor(setid, n) for n in range(6)]

    def setid(self, unit: str, record: str) -> str:
        return self.units[unit][record]

    def next_number(self, kind: str, unit: str) -> int:
        self._numbers[kind, unit] = self._numbers.get((kind, unit), 0) + 1
        return self._numbers[kind, unit]

    def vendor(self, unit: str) -> Place:
        return self.random.choice(self.vendors[self.setid(unit, "VENDOR")])

    # ---- places ----

    def location(self, unit: str, kind: str = places.GOOD, **how) -> Place:
        """A new ship-to location of the business unit's set, with its rows."""
        setid = self.setid(unit, "SHIPTO_TBL")
        number = self.next_number("location", setid)
        name = f"{self.random.choice(world.SITES)} {number:02d}"
        attention = self.random.choice(["", "Receiving Dock", *world.PEOPLE])
        place = self.maker.make(setid, f"L{number:07d}", how.pop("name", name), kind,
                                attention=attention, **how)
        self.places.append(place)
        self._place_rows("LOCATION_TBL", {"SETID": setid, "LOCATION": place.place_id}, place,
                         {"DESCR": place.name, "ATTN_TO": place.attention}, number)
        return place

    def location_without_address(self, unit: str) -> Place:
        """Its newest row in force is inactive: the older active one must not come back to life."""
        place = self.location(unit)
        self.tables["LOCATION_TBL"].append(
            {"SETID": place.setid, "LOCATION": place.place_id, "EFF_STATUS": "I",
             "EFFDT": (self.today - timedelta(days=3)).isoformat(), "DESCR": place.name}
            | address_fields(place))
        return Place(**{**vars(place), "lines": ()})

    def _add_vendor(self, setid: str, number: int) -> Place:
        name = world.VENDORS[(number + 6 * len(self.vendors)) % len(world.VENDORS)]
        kind = places.CORRECTED if number == 5 else places.GOOD
        return self.add_vendor(setid, name, kind)

    def add_vendor(self, setid: str, name: str, kind: str = places.GOOD) -> Place:
        number = self.next_number("vendor", setid)
        place = self.maker.make(setid, f"{number:010d}", name, kind)
        self.places.append(place)
        key = {"SETID": setid, "VENDOR_ID": place.place_id}
        self.tables["VENDOR"].append(key | {"NAME1": name, "VENDOR_STATUS": "A"})
        # Address 1 is the one that orders name; address 2 is where the bills go.
        self._place_rows("VENDOR_ADDR", key | {"ADDRESS_SEQ_NUM": 1}, place, {}, number)
        other = self.maker.make(setid, place.place_id, name)
        self._place_rows("VENDOR_ADDR", key | {"ADDRESS_SEQ_NUM": 2}, other, {}, 1)
        return place

    def _place_rows(self, table: str, key: dict, place: Place, more: dict, number: int) -> None:
        """The row in force and, for some, an older one (in force or not) or a future one."""
        def row(since: str, status: str, where: Place) -> dict:
            return key | {"EFFDT": since, "EFF_STATUS": status} | address_fields(where) | more

        def elsewhere() -> Place:
            return self.maker.make(place.setid, place.place_id, place.name)

        older = number % 4 == 0
        rows = [row("2024-07-01" if older else LONG_AGO, "A", place)]
        if older:
            rows.append(row(LONG_AGO, "I" if number % 8 == 0 else "A", elsewhere()))
        if number % 3 == 0:
            rows.append(row((self.today + timedelta(days=40)).isoformat(), "A", elsewhere()))
        self.tables[table] += rows

    # ---- items ----

    def _add_items(self, setid: str) -> None:
        for item in items.ALL:
            key = {"SETID": setid, "INV_ITEM_ID": item.item_id}
            self.tables["MASTER_ITEM_TBL"].append(
                key | {"DESCR60": item.description, "UNIT_MEASURE_STD": "EA",
                       "ITM_STATUS_CURRENT": "1", "PHYSICAL_NATURE": "G"})
            self.tables["INV_ITEMS"].append(
                key | {"EFFDT": LONG_AGO, "EFF_STATUS": "A"} | _item_fields(item))
            for unit in item.units:
                self.tables["INV_ITEM_UOM"].append(
                    key | {"UNIT_OF_MEASURE": unit.code, "CONVERSION_RATE": f"{unit.rate}.00000000",
                           "SHIPPING_WEIGHT": unit.weight, "UNIT_MEASURE_WT": unit.weight_unit})
        trap = items.EACH[0]
        self.tables["INV_ITEMS"].append(
            {"SETID": setid, "INV_ITEM_ID": trap.item_id, "EFF_STATUS": "A",
             "EFFDT": (self.today + timedelta(days=60)).isoformat()}
            | _item_fields(trap) | {"INV_ITEM_WEIGHT": "99.0000"})


def address_fields(place: Place) -> dict:
    lines = [*place.lines, "", "", "", ""][:4]
    return {f"ADDRESS{n + 1}": line for n, line in enumerate(lines)} | {
        "CITY": place.city, "STATE": place.state, "POSTAL": place.written_zip, "COUNTRY": "USA",
        "PHONE": place.phone}


def _item_fields(item: items.Item) -> dict:
    length, width, height = item.sides
    return {"INV_ITEM_WEIGHT": item.weight, "UNIT_MEASURE_WT": item.weight_unit,
            "INV_ITEM_LENGTH": length, "INV_ITEM_WIDTH": width, "INV_ITEM_HEIGHT": height,
            "UNIT_MEASURE_DIM": item.sides_unit}
