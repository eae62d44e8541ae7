"""Packing rule v1, written anew: nothing here is shared with shipment-builder."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil

POUNDS = {
    "LB": Fraction(1),
    "OZ": Fraction(1, 16),
    "KG": Fraction("2.20462262185"),
    "G": Fraction("0.00220462262185"),
}
INCHES = {
    "IN": Fraction(1),
    "FT": Fraction(12),
    "CM": 1 / Fraction("2.54"),
    "M": 100 / Fraction("2.54"),
}
CARTON_POUNDS = 50
CARTON_STACK_INCHES = 48
MOST_POUNDS = 150
MOST_INCHES = 108
MOST_LENGTH_AND_GIRTH = 165


class Unshippable(Exception):
    """A unit that no package can hold; the argument is the review's reason."""


@dataclass(frozen=True)
class Carton:
    """One package as UPS is told of it, and how many units are in it."""

    weight: str
    length: int
    width: int
    height: int
    units: int


def pounds(value: Decimal, unit: str) -> Fraction:
    return Fraction(value) * POUNDS[unit]


def inches(value: Decimal, unit: str) -> Fraction:
    return Fraction(value) * INCHES[unit]


def plain(value: Decimal) -> str:
    """The shortest text of a decimal: 12.50 is 12.5, 3.0 is 3."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def carton(weight: Fraction, sides: list[Fraction], units: int) -> Carton:
    """`units` of them stacked along their shortest side, in whole inches and tenths of a pound."""
    longest, middle, shortest = sorted(sides, reverse=True)
    outer = sorted((ceil(longest), ceil(middle), ceil(shortest * units)), reverse=True)
    tenths = ceil(weight * units * 10)
    return Carton(plain(Decimal(tenths) / 10), *outer, units)


def too_large(box: Carton) -> bool:
    girth = 2 * (box.width + box.height)
    return box.length > MOST_INCHES or box.length + girth > MOST_LENGTH_AND_GIRTH


def units_per_carton(weight: Fraction, sides: list[Fraction]) -> int:
    """How many go into a full carton. Raises Unshippable if not even one does."""
    single = carton(weight, sides, 1)
    if Decimal(single.weight) > MOST_POUNDS:
        raise Unshippable("PACKAGE_TOO_HEAVY")
    if too_large(single):
        raise Unshippable("PACKAGE_TOO_LARGE")
    units = 1
    while (
        (units + 1) * weight <= CARTON_POUNDS
        and (units + 1) * min(sides) <= CARTON_STACK_INCHES
        and not too_large(carton(weight, sides, units + 1))
    ):
        units += 1
    return units


def pack(weight: Fraction, sides: list[Fraction], quantity: Decimal) -> list[Carton]:
    """The cartons of one schedule: full ones first, the rest in the last."""
    full = units_per_carton(weight, sides)
    whole, rest = divmod(ceil(quantity), full)
    return [carton(weight, sides, full)] * whole + ([carton(weight, sides, rest)] if rest else [])
