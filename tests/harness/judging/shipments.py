"""Which label belongs to which expected shipment, and what is wrong with labels."""

from dataclasses import dataclass

from judging.evidence import Evidence, Findings
from judging.fields import Label, document_key, many, reference_of, spoken

CURRENT, BEFORE = "current", "before"


@dataclass
class Slot:
    """Room for one label: an expected shipment of one revision of an order."""

    key: tuple
    expected: dict
    revision: str

    def ships(self) -> bool:
        return self.expected["outcome"] == "ship"


@dataclass
class Match:
    slot: Slot
    label: Label


def judge(evidence: Evidence, findings: Findings) -> list[Match]:
    """Counts what is wrong with labels; returns those that belong to an expected shipment."""
    labels = [Label(truth) for truth in evidence.ups["shipments"]]
    slots = slots_by_reference(evidence)
    matches: list[Match] = []
    by_reference: dict[tuple, list[Label]] = {}
    for label in labels:
        by_reference.setdefault(label.reference(), []).append(label)
    for reference, same in by_reference.items():
        matches += assign(same, slots.get(reference, []), reference, findings)
    for match in matches:
        _judge_match(match, findings)
    live = [label for label in labels if not label.voided]
    findings.counts["shipments_created"] = len(live)
    findings.counts["packages"] = sum(not package["voided"] for label in live
                                      for package in label.truth["packages"])
    return matches


def slots_by_reference(evidence: Evidence) -> dict[tuple, list[Slot]]:
    slots: dict[tuple, list[Slot]] = {}
    for order in evidence.expected["orders"]:
        key = document_key(order)
        room = slots.setdefault(reference_of(order), [])
        room += [Slot(key, shipment, CURRENT) for shipment in order["shipments"]]
        change = order["change"] or {}
        room += [Slot(key, shipment, BEFORE) for shipment in change.get("labels_before", [])]
    return slots


def assign(labels: list[Label], slots: list[Slot], reference: tuple,
           findings: Findings) -> list[Match]:
    """Gives each label the slot that it differs from least, each slot to one label."""
    if not slots:
        for label in labels:
            findings.wrong("ineligible_shipped", f"{label.number} was bought for "
                           f"{' '.join(reference) or 'no order'}, which has nothing to ship")
        return []
    pairs = sorted(((len(differences(slot, label)) + 3 * (label.voided != _to_void(slot)), i, j)
                    for i, label in enumerate(labels) for j, slot in enumerate(slots)))
    label_of: dict[int, int] = {}
    taken: set[int] = set()
    for _, i, j in pairs:
        if i not in taken and j not in label_of:
            label_of[j] = i
            taken.add(i)
    for i, label in enumerate(labels):
        if i not in taken:
            nearest = next(j for _, which, j in pairs if which == i)
            findings.wrong("duplicate_shipments", f"{spoken(slots[nearest].key)}: {label.number} "
                           "is a second label for what has one")
    return [Match(slots[j], labels[i]) for j, i in label_of.items()]


def _to_void(slot: Slot) -> bool:
    return slot.revision == BEFORE


def _judge_match(match: Match, findings: Findings) -> None:
    slot, label = match.slot, match.label
    name = f"{spoken(slot.key)}: {label.number}"
    if not slot.ships():
        findings.wrong("wrong_outcome",
                       f"{name} was bought, but a person has to look: {slot.expected['reason']}")
        return
    if slot.revision == BEFORE and not label.voided:
        findings.wrong("wrong_outcome", f"{name} stands for an order that changed since")
    if slot.revision == CURRENT and label.voided:
        findings.wrong("wrong_outcome", f"{name} is void and nothing replaces it")
    for field in differences(slot, label):
        findings.wrong("payload_mismatches", f"{name}: {field} is not what was expected")


def differences(slot: Slot, label: Label) -> list[str]:
    """Names of the fields of UPS's request that differ from what was expected."""
    expected, shipment = slot.expected, label.shipment
    wrong = []
    for end, name in (("ship_to", "ShipTo"), ("ship_from", "ShipFrom")):
        wanted, came = expected[end] or {}, label.end(name)
        names = set(came) - ({"residential"} if end == "ship_from" else set())
        wrong += [f"{end}.{field}" for field in sorted(names)
                  if wanted.get(field) is not None and wanted[field] != came[field]]
    if (shipment.get("Service") or {}).get("Code") != expected["service"]:
        wrong.append("service")
    if expected.get("ship_date") and (shipment.get("ShipmentDate")
                                      != expected["ship_date"].replace("-", "")):
        wrong.append("ship_date")
    if len(label.packages) != len(expected["packages"]):
        return wrong + ["package count"]
    code, value = label.reference()
    for number, (wanted, came) in enumerate(zip(expected["packages"], label.packages), 1):
        wrong += [f"package {number} {field}" for field in _package_differences(wanted, came)]
        references = many(came.get("ReferenceNumber"))
        if {"Code": code, "Value": value} not in [
                {"Code": r.get("Code"), "Value": r.get("Value")} for r in references]:
            wrong.append(f"package {number} reference")
        if "TN" not in [r.get("Code") for r in references]:
            wrong.append(f"package {number} derived reference")
    return wrong


def _package_differences(wanted: dict, came: dict) -> list[str]:
    weight = came.get("PackageWeight") or {}
    size = came.get("Dimensions") or {}
    pairs = {
        "weight": (weight.get("Weight"), wanted["weight"]),
        "weight unit": (_code(weight), "LBS"),
        "length": (size.get("Length"), str(wanted["length"])),
        "width": (size.get("Width"), str(wanted["width"])),
        "height": (size.get("Height"), str(wanted["height"])),
        "dimension unit": (_code(size), "IN"),
        "packaging": ((came.get("Packaging") or {}).get("Code"), "02"),
    }
    return [field for field, (has, wants) in pairs.items() if has != wants]


def _code(measure: dict) -> str | None:
    return (measure.get("UnitOfMeasurement") or {}).get("Code")
