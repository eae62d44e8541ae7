"""Whether each label is billed to our account, for the right day, under a reference of its own."""

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

from judging.evidence import Evidence, Findings
from judging.fields import Label, many, spoken
from judging.shipments import Match

LABEL_FORMAT = "ZPL"


def judge(evidence: Evidence, matches: list[Match], findings: Findings) -> None:
    for match in matches:
        for field in differences(evidence, match):
            findings.wrong("payload_mismatches", f"{spoken(match.slot.key)}: {match.label.number}: "
                           f"{field} is not what was expected")
    _judge_references([Label(truth) for truth in evidence.ups["shipments"]], findings)


def differences(evidence: Evidence, match: Match) -> list[str]:
    account, label = evidence.account, match.label
    shipper = label.shipment.get("Shipper") or {}
    payment = label.shipment.get("PaymentInformation") or {}
    number = account.get("shipper_number")
    charges = [{"Type": "01", "BillShipper": {"AccountNumber": number}}]
    wrong = [field for field, has, wants in (
        ("shipper number", shipper.get("ShipperNumber"), number),
        ("shipper name", shipper.get("Name"), account.get("shipper_name")),
        ("who pays", many(payment.get("ShipmentCharge")), charges),
        ("label format", label.format(), LABEL_FORMAT),
    ) if not has or has != wants]
    if not match.slot.expected.get("ship_date") and not _is_today(label, evidence.zones):
        wrong.append("ship_date")
    return wrong


def _is_today(label: Label, zones: dict) -> bool:
    """Whether the label is for the day on which it was made, wherever that may be; UPS takes no
    date for today."""
    day = label.shipment.get("ShipmentDate")
    made = datetime.fromisoformat(label.truth["created"].replace("Z", "+00:00"))
    todays: set[date] = {made.astimezone(zone).date()
                         for zone in (timezone.utc, *map(ZoneInfo, zones.values()))}
    return not day or day in {f"{today:%Y%m%d}" for today in todays}


def _judge_references(labels: list[Label], findings: Findings) -> None:
    owner: dict[str, str] = {}
    for label in labels:
        for reference in label.derived():
            first = owner.setdefault(reference, label.number)
            if first != label.number:
                findings.wrong("payload_mismatches", f"{label.number}: its derived reference is "
                               f"that of {first} too")
