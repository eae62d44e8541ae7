"""What a run left behind, and the findings that are made of it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from judging.fields import document_key

FILES = {
    "expected": "expected.json",
    "addresses": "addresses.json",
    "ups": "ups-truth.json",
    "sites": "peoplesoft-truth.json",
    "zones": "zones.json",
    "account": "account.json",
    "journals": "journals.json",
    "later_journals": "later-journals.json",
    "orders": "orders.json",
    "reviews": "reviews.json",
    "trackers": "trackers.json",
    "ledger": "ledger-entries.json",
}


@dataclass
class Evidence:
    """`sites` and `zones` are by connection; `journals` by peer ("ups" and the connections);
    `account` is who pays: `shipper_number` and `shipper_name`.

    The ledger was exported after `journals` were taken and before `later_journals` were: calls go
    on meanwhile, so a call of the first must be in the ledger, and one of the ledger in the second.
    """

    expected: dict
    addresses: list = field(default_factory=list)
    ups: dict = field(default_factory=dict)
    sites: dict = field(default_factory=dict)
    zones: dict = field(default_factory=dict)
    account: dict = field(default_factory=dict)
    journals: dict = field(default_factory=dict)
    later_journals: dict = field(default_factory=dict)
    orders: list = field(default_factory=list)
    reviews: list = field(default_factory=list)
    trackers: list = field(default_factory=list)
    ledger: list = field(default_factory=list)
    ledger_verified: bool = False
    seconds: int = 0

    @classmethod
    def load(cls, directory: Path) -> "Evidence":
        parts = {name: json.loads((directory / file).read_text())
                 for name, file in FILES.items() if (directory / file).exists()}
        return cls(**parts)

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        for name, file in FILES.items():
            (directory / file).write_text(json.dumps(getattr(self, name), indent=1) + "\n")

    def expected_orders(self) -> dict[tuple, dict]:
        return {document_key(order): order for order in self.expected["orders"]}


@dataclass
class Findings:
    """Counts, and for each thing that is wrong a line that names the order and no personal data."""

    counts: Counter = field(default_factory=Counter)
    lines: list[tuple[str, str]] = field(default_factory=list)

    def wrong(self, count: str, line: str) -> None:
        self.counts[count] += 1
        self.lines.append((count, line))
