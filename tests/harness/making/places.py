"""Addresses: as PeopleSoft has them, what UPS's validation says of them, what goes on the label."""

from dataclasses import dataclass, field
from random import Random

from making import world

GOOD, CORRECTED = "good", "corrected"
INVALID, AMBIGUOUS, SUITE = "ADDRESS_INVALID", "ADDRESS_AMBIGUOUS", "ADDRESS_SUITE_CHANGED"


@dataclass(frozen=True)
class Place:
    """A location or a vendor with its address; `kind` says what validation makes of it."""

    setid: str
    place_id: str
    name: str
    attention: str
    lines: tuple[str, ...]
    city: str
    state: str
    zip5: str
    zip4: str
    written_zip: str
    phone: str
    kind: str
    residential: bool
    candidate_lines: tuple[str, ...]
    candidate_city: str

    def review_reason(self):
        return None if self.kind in (GOOD, CORRECTED) else self.kind

    def on_label(self) -> dict:
        """What must stand in UPS's request: UPS's form only where it mends something."""
        mended = self.kind == CORRECTED
        postal = self.zip5 + self.zip4 if self.review_reason() is None else self.zip5
        return {
            "name": self.name,
            "attention_name": self.attention,
            "lines": list(self.candidate_lines if mended else self.lines),
            "city": self.candidate_city if mended else self.city,
            "state": self.state,
            "postal": postal,
            "country": "US",
            "residential": self.residential,
        }

    def validation(self) -> list[dict]:
        """Rows for the UPS sandbox: the address as written, and UPS's own form of it."""
        verdict = {INVALID: "none", AMBIGUOUS: "ambiguous"}.get(self.kind, "valid")
        written = _row(self, self.lines, self.city, verdict)
        if verdict != "valid":
            return [written]
        return [written, _row(self, self.candidate_lines, self.candidate_city, verdict)]


def _row(place: Place, lines: tuple[str, ...], city: str, verdict: str) -> dict:
    if verdict == "none":
        found = []
    elif verdict == "ambiguous":
        found = [_candidate(place, _range(line)) for line in _neighbours(place)]
    else:
        found = [_candidate(place, place.candidate_lines)]
    return {
        "input": {"lines": list(lines), "city": city, "state": place.state, "postal": place.zip5,
                  "country": "US"},
        "verdict": verdict,
        "candidates": found,
    }


def _candidate(place: Place, lines: tuple[str, ...]) -> dict:
    return {
        "lines": list(lines),
        "city": place.candidate_city,
        "state": place.state,
        "postal": place.zip5,
        "postal_extended": place.zip4,
        "classification": "2" if place.residential else "1",
    }


def _neighbours(place: Place) -> list[str]:
    number, rest = place.candidate_lines[0].split(" ", 1)
    return [f"{number} {side} {rest}" for side in "EW"]


def _range(line: str) -> tuple[str, ...]:
    number, rest = line.split(" ", 1)
    first = int(number) // 100 * 100
    return (f"{first}-{first + 98} {rest}",)


@dataclass
class PlaceMaker:
    """Draws addresses, no two the same."""

    random: Random
    taken: set = field(default_factory=set)

    def street(self) -> tuple[str, str, str, str, str, str]:
        """A street line as written and as UPS has it, then city, state, ZIP, misspelling."""
        while True:
            city, state, zip5, misspelt = self.random.choice(world.CITIES)
            number = self.random.randrange(100, 9800)
            name = self.random.choice(world.STREETS)
            if (number, name, zip5) not in self.taken:
                break
        self.taken.add((number, name, zip5))
        written, official = self.random.choice(world.STREET_TYPES)
        return (f"{number} {name} {written}", f"{number} {name} {official}".upper(), city, state,
                zip5, misspelt)

    def make(self, setid: str, place_id: str, name: str, kind: str = GOOD, *,
             attention: str = "", residential: bool = False, extra: str = "") -> Place:
        """`extra`: "suite" adds a suite that UPS knows, "department" a line before the street."""
        written, official, city, state, zip5, misspelt = self.street()
        written_city, zip4 = city, f"{self.random.randrange(1000, 9999)}"
        if kind == CORRECTED and misspelt:
            written_city = misspelt
        elif kind == CORRECTED:
            written = " ".join(written.split(" ")[:-1] + [self.another_type(official)])
        lines, official_lines = (written,), (official,)
        if kind == SUITE:
            lines = (written, f"Suite {self.random.randrange(100, 990)}")
        elif extra == "suite":
            suite = self.random.randrange(100, 990)
            lines, official_lines = (written, f"Ste. {suite}"), (official, f"STE {suite}")
        elif extra == "department":
            department = self.random.choice(world.DEPARTMENTS)
            lines, official_lines = (department, written), (department.upper(), official)
        return Place(
            setid=setid, place_id=place_id, name=name, attention=attention, lines=lines,
            city=written_city, state=state, zip5=zip5, zip4=zip4,
            written_zip=self.random.choice([zip5, zip5, f"{zip5}-{zip4}", zip5 + zip4]),
            phone=f"{self.random.randrange(201, 989)}-555-{self.random.randrange(100, 200):04d}",
            kind=kind, residential=residential, candidate_lines=official_lines,
            candidate_city=city.upper())

    def another_type(self, official: str) -> str:
        """A street type that is not the street's own: what a correction mends."""
        own = official.split(" ")[-1]
        return self.random.choice([w for w, short in world.STREET_TYPES if short != own])
