"""The documents of a year of PeopleSoft, and what this side knows of them: made and dated here, loaded
into the sandbox, and never asked of ps-ingest.

A document is a row of versions. Each says something that none before it said (its quantities count
up), or is a re-dispatch, which says the same again. Each is stamped with LAST_DTTM_UPDATE by the base
zone's clock and seen by nobody until its transaction commits.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from random import Random
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
HOUR, DAY = 3600, 24 * 3600
UNITS = ("US001", "US002", "CA001")
TABLES = {
    "VENDOR": [{"SETID": "SHARE", "VENDOR_ID": "0000000007", "NAME1": "Acme Valves"}],
    "VENDOR_ADDR": [{
        "SETID": "SHARE", "VENDOR_ID": "0000000007", "ADDRESS_SEQ_NUM": 1, "ADDRESS1": "1 Main St",
        "CITY": "Chicago", "STATE": "IL", "POSTAL": "60601", "COUNTRY": "USA"}],
    "LOCATION_TBL": [{
        "SETID": "SHARE", "LOCATION": "L001", "DESCR": "Main Campus", "ADDRESS1": "10 Dock Rd",
        "CITY": "Columbus", "STATE": "OH", "POSTAL": "43215", "COUNTRY": "USA"}],
}


def local(moment: float) -> datetime:
    """By the base zone's clock, which says some things twice."""
    return datetime.fromtimestamp(int(moment), ZONE)


def changes_of_the_clock(begin: float, end: float) -> list[int]:
    """The moments between two at which the base zone's clock is put forward or back."""
    found, hour = [], int(begin) // HOUR * HOUR
    while hour < end:
        if local(hour).utcoffset() != local(hour + HOUR).utcoffset():
            found.append(hour + HOUR)
        hour += HOUR
    return found


def stamp_in_no_hour(change: float, moment: float) -> str:
    """What a program says that added minutes to a time of before the clock was put forward."""
    before = datetime.fromtimestamp(change - 1, ZONE).utcoffset()
    clock = timezone(before or timedelta())
    return datetime.fromtimestamp(int(moment), clock).strftime("%Y-%m-%dT%H:%M:%S")


@dataclass
class Version:
    content: int   # counts what the document said so far, from 1
    status: str
    batch: int
    stamp: int     # the moment
    stamped: str   # as the base zone's clock said it
    visible: float  # when its transaction committed
    late: bool = False    # committed after a poll that was later than its stamp
    beyond: bool = False  # and later than the overlap: only a sweep can find it
    stood_until: float | None = None  # when a whole round of polls was read while it was the newest


@dataclass
class Document:
    kind: str
    unit: str
    number: str
    lines: int
    versions: list[Version] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.kind, self.unit, self.number

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    def contents(self) -> int:
        return len({v.content for v in self.versions})

    def due(self) -> list[float]:
        """The moments by which one revision more was to be stored each time."""
        by_content: dict[int, float] = {}
        for version in self.versions:
            if version.stood_until is not None:
                by_content.setdefault(version.content, version.stood_until)
        return list(by_content.values())

    def quantities(self) -> list[str]:
        return [str(self.newest.content + line) for line in range(self.lines)]

    def to_load(self, version: Version, now: float) -> dict:
        purchase = self.kind == "PO"
        day = local(self.versions[0].stamp).date().isoformat()
        source = {"VENDOR_SETID": "SHARE", "VENDOR_ID": "0000000007"}
        lines = [(source if not purchase else {}) | {
            "LINE_NBR": line + 1, "DESCR254_MIXED": "Valve", "UNIT_OF_MEASURE": "EA",
            "PHYSICAL_NATURE": "G",
            "SCHEDULES": [{"SCHED_NBR": 1, "QTY_PO" if purchase else "QTY_REQ":
                           f"{version.content + line}.0000", "SHIPTO_SETID": "SHARE",
                           "SHIPTO_ID": "L001"}]} for line in range(self.lines)]
        loaded = {"DOC_TYPE": self.kind, "BUSINESS_UNIT": self.unit, f"{self.kind}_ID": self.number,
                  f"{self.kind}_STATUS": version.status, f"{self.kind}_DT": day,
                  "HOLD_STATUS": "N", "CHNG_ORD_BATCH": version.batch,
                  "LAST_DTTM_UPDATE": version.stamped, "LINES": lines}
        if purchase:
            loaded |= source
        if version.visible > now:
            loaded["VISIBLE_AFTER_MS"] = int((version.visible - now) * 1000)
        return loaded


class Archive:
    """Every document made so far. All that is drawn comes from `random`."""

    def __init__(self, random: Random):
        self.random = random
        self.documents: list[Document] = []
        self.unsettled: list[tuple[Document, Version]] = []  # not known yet whether they stood

    def create(self, stamp: float, visible: float, **marks) -> tuple[Document, Version]:
        draw = self.random
        kind = draw.choice(("PO", "PO", "REQ"))
        lines = draw.choices((1, 2, 3, 8), (70, 20, 9, 1))[0]
        document = Document(kind, draw.choice(UNITS), f"{len(self.documents) + 1:010d}", lines)
        self.documents.append(document)
        return self._add(document, stamp, visible, 1, **marks)

    def change(self, stamp: float, visible: float, now: float,
               **marks) -> tuple[Document, Version] | None:
        """Of one that everybody can see; none if none is found. A fifth are re-dispatches."""
        for _try in range(5):
            document = self.random.choice(self.documents) if self.documents else None
            if document and document.newest.visible <= now and document.newest.stamp < stamp \
                    and not document.newest.beyond:
                again = self.random.random() < 0.2
                content = document.newest.content + (0 if again else 1)
                return self._add(document, stamp, visible, content, **marks)
        return None

    def _add(self, document: Document, stamp: float, visible: float, content: int, *,
             stamped: str = "", **marks) -> tuple[Document, Version]:
        before = document.versions[-1] if document.versions else None
        status = {"PO": "D", "REQ": "A"}[document.kind]
        if before and content == before.content:
            status = before.status
        elif before and self.random.random() < 0.1:
            status = "X"
        batch = before.batch + self.random.randint(0, 1) if before else 0
        version = Version(content, status, batch, int(stamp),
                          stamped or local(stamp).strftime("%Y-%m-%dT%H:%M:%S"), visible, **marks)
        document.versions.append(version)
        self.unsettled.append((document, version))
        return document, version

    def settle(self, read_from: float, now: float, lag: float) -> None:
        """Polls that began after `read_from` were read whole by `now`; nothing was loaded meanwhile."""
        waiting = []
        for document, version in self.unsettled:
            if version is not document.newest or version.beyond:
                continue  # it was replaced before a poll came by, or polls cannot find it
            if version.visible <= read_from and version.stamp <= read_from - lag - 2:
                version.stood_until = now
            else:
                waiting.append((document, version))
        self.unsettled = waiting
