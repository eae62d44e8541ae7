"""Whether each ship request was for addresses that UPS had validated before."""

import re

from judging.evidence import Evidence, Findings
from judging.fields import Label, many


def normal(lines: list, city: str, state: str, postal: str) -> tuple:
    """How the same address is recognised: case, punctuation and ZIP+4 do not matter."""
    fold = lambda text: re.sub(r"[^A-Z0-9#]+", " ", str(text).upper()).strip()  # noqa: E731
    return tuple(map(fold, lines)), fold(city), fold(state), str(postal)[:5]


def judge(evidence: Evidence, findings: Findings) -> None:
    forms = _forms(evidence.addresses)
    validated: set[tuple] = set()
    for call in evidence.journals.get("ups", []):
        if call["route"] == "xav" and _street_level(call["target"]) and call["verdict"] == "valid":
            asked = _asked(call["body"])
            validated |= forms.get(asked, set())
        if call["route"] == "ship":
            body = call["body"] if isinstance(call["body"], dict) else {}
            label = Label({"request": body, "voided": False, "shipment_id": ""})
            ends = {name: label.end(name) for name in ("ShipTo", "ShipFrom")}
            missing = [name for name, end in ends.items()
                       if normal(end["lines"], end["city"], end["state"], end["postal"])
                       not in validated]
            if missing:
                findings.wrong("ships_unvalidated", f"{' '.join(label.reference())}: call "
                               f"{call['call_id']} was sent without a validated "
                               f"{' and '.join(missing)}")


def _street_level(target: str) -> bool:
    """Whether the street was asked about: to classify only, or for the region only, is less."""
    path, _, query = target.partition("?")
    return (path.rsplit("/", 1)[-1] in ("1", "3")
            and "regionalrequestindicator=true" not in query.lower())


def _forms(addresses: list) -> dict[tuple, set]:
    """Address that UPS calls valid → the forms in which it may stand on a label."""
    forms: dict[tuple, set] = {}
    for row in addresses:
        if row["verdict"] == "valid":
            asked = _of(row["input"])
            forms[asked] = {asked} | {_of(candidate) for candidate in row["candidates"]}
    return forms


def _of(row: dict) -> tuple:
    return normal(row["lines"], row["city"], row["state"], row["postal"])


def _asked(body) -> tuple:
    request = body.get("XAVRequest", {}) if isinstance(body, dict) else {}
    address = many(request.get("AddressKeyFormat"))
    one = address[0] if address else {}
    return normal(many(one.get("AddressLine")), one.get("PoliticalDivision2", ""),
                  one.get("PoliticalDivision1", ""), one.get("PostcodePrimaryLow", ""))
