"""The items that can be ordered, and what PeopleSoft keeps of them."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from making.packing import Unshippable, inches, pounds


@dataclass(frozen=True)
class Unit:
    """A unit of measure of an item: a row of INV_ITEM_UOM."""

    code: str
    rate: str
    weight: str = "0"
    weight_unit: str = ""


@dataclass(frozen=True)
class Item:
    """A row of INV_ITEMS with its units. A weight or side of 0 is one that nobody maintained."""

    item_id: str
    description: str
    weight: str
    weight_unit: str
    sides: tuple[str, str, str]
    sides_unit: str
    units: tuple[Unit, ...]

    def unit_weight(self, code: str) -> Fraction:
        """Pounds of one `code` of it. Raises Unshippable if nobody maintained it."""
        unit = next((u for u in self.units if u.code == code), Unit(code, "0"))
        if Decimal(unit.weight) > 0 and unit.weight_unit:
            return pounds(Decimal(unit.weight), unit.weight_unit)
        if Decimal(self.weight) > 0 and self.weight_unit:
            rate = Fraction(unit.rate) or Fraction(1)
            return pounds(Decimal(self.weight), self.weight_unit) * rate
        raise Unshippable("ITEM_WEIGHT_MISSING")

    def unit_sides(self) -> list[Fraction]:
        if not self.sides_unit or any(Decimal(side) <= 0 for side in self.sides):
            raise Unshippable("ITEM_DIMENSIONS_MISSING")
        return [inches(Decimal(side), self.sides_unit) for side in self.sides]


def _item(number, description, weight, sides, *units, unit="LB", sides_unit="IN"):
    known = {u.code for u in units}
    each = () if "EA" in known else (Unit("EA", "1"),)
    return Item(number, description, weight, unit, sides, sides_unit, each + units)


EACH = [
    _item("10001", "Copy paper, letter, 20 lb, ream", "5.1", ("11", "8.5", "2.1"),
          Unit("CS", "10", "52.4", "LB")),
    _item("10002", "Toner cartridge, black, high yield", "3.25", ("15", "9", "6.5"),
          Unit("BX", "4")),
    _item("10003", "Nitrile gloves, medium, 100 pack", "1.15", ("9.6", "4.9", "2.9"),
          Unit("CS", "10", "12.3", "LB"), Unit("BX", "1")),
    _item("10004", "Safety glasses, clear, anti-fog", "0.22", ("7", "3", "2.5"), Unit("BX", "12")),
    _item("10005", "Desk lamp, LED, adjustable arm", "4.6", ("17.3", "8.2", "6")),
    _item("10006", "Hex bolt M10 x 60, zinc, box of 100", "3.9", ("20", "12", "8"),
          Unit("CS", "6"), unit="KG", sides_unit="CM"),
    _item("10007", "Pressure gauge 0-160 psi", "0.85", ("12.7", "10.16", "5.08"),
          unit="KG", sides_unit="CM"),
    _item("10008", "Network switch, 24 port, rack mount", "9.7", ("21", "15.5", "4")),
    _item("10009", "First aid kit, 50 person, wall mount", "8.4", ("14", "10", "4.5")),
    _item("10010", "Floor cleaner concentrate, 1 gal", "9.2", ("12", "7.5", "5"),
          Unit("CS", "4", "38.5", "LB")),
    _item("10011", "Cordless drill kit, 18 V", "7.9", ("14.5", "11", "4.8")),
    _item("10012", "Centrifuge tubes 15 ml, rack of 50", "14.2", ("8", "6", "5"),
          Unit("CS", "10", "10.5", "LB"), unit="OZ"),
    _item("10013", "Air filter 20 x 20 x 2, MERV 11", "1.4", ("20", "20", "2"), Unit("CS", "12")),
    _item("10014", "Wireless keyboard and mouse set", "920", ("45.7", "17.8", "5.1"),
          unit="G", sides_unit="CM"),
    _item("10015", "Hand truck, folding, 250 lb rated", "22.5", ("30", "18.5", "6")),
    _item("10016", "Monitor, 24 inch, with stand", "5.4", ("61", "25.4", "38"),
          unit="KG", sides_unit="CM"),
    _item("10017", "Binders, 3 ring, 2 inch, dozen", "14.75", ("14", "12", "12")),
    _item("10018", "Steel shelving post, 72 inch", "6.3", ("72", "3", "2")),
    _item("10019", "Label printer, thermal, 4 inch", "2.1", ("0.25", "0.19", "0.17"),
          unit="KG", sides_unit="M"),
    _item("10020", "Extension cord, 50 ft, 12 gauge", "7.35", ("1", "0.75", "0.5"),
          sides_unit="FT"),
]
# One of these fills a carton, or nearly so: a few make several packages.
BULKY = [
    _item("20001", "Battery, sealed lead acid, 35 Ah", "24.4", ("7.7", "5.2", "7.2")),
    _item("20002", "Anvil vise, 6 inch jaw", "41", ("17", "9.5", "9")),
    _item("20003", "Pump motor, 1.5 hp", "17.7", ("35", "25", "22"), unit="KG", sides_unit="CM"),
    _item("20004", "Storage cabinet, two door, flat pack", "46.2", ("37", "20", "8")),
    _item("20005", "Deck paint, 5 gal pail", "58.5", ("14", "13", "13")),
]
HEAVY = [
    _item("30001", "Hydraulic press, bench, 20 ton", "162", ("40", "26", "20")),
    _item("30002", "Gear reducer, cast iron", "74.5", ("22", "18", "16"), unit="KG"),
    _item("30003", "Drum of lubricant, 20 gal", "9.1", ("24", "16", "16"), Unit("CS", "18")),
]
WEIGHTLESS = [
    _item("40001", "Hose assembly, braided, 3 ft", "0", ("14", "14", "2"), unit=""),
    _item("40002", "Filter element, spin-on", "0", ("5", "5", "7"), unit="LB"),
    _item("40003", "Fuse kit, assorted", "2.5", ("6", "4", "2"), unit=""),
    _item("40004", "Sample vials, amber", "0", ("9", "6", "3"), Unit("BX", "10", "4.4", ""),
          unit=""),
]
SHAPELESS = [_item("50001", "Replacement door seal", "3.3", ("0", "0", "0"), sides_unit="")]
LONG = [_item("60001", "Aluminium extrusion, 10 ft bar", "11.5", ("120", "2", "2"))]

ALL = EACH + BULKY + HEAVY + WEIGHTLESS + SHAPELESS + LONG
