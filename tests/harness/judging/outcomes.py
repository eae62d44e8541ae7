"""Whether each order was seen and came to the end that was expected."""

from collections import Counter

from judging.evidence import Evidence, Findings
from judging.fields import document_key, pick, proto_key, spoken
from judging.shipments import CURRENT, Match


def judge(evidence: Evidence, matches: list[Match], findings: Findings) -> None:
    _judge_orders(evidence, findings)
    _judge_labels(evidence, matches, findings)
    _judge_reviews(evidence, findings)


def _judge_orders(evidence: Evidence, findings: Findings) -> None:
    rows = {proto_key(row): row for row in evidence.orders}
    _judge_strangers(evidence, findings)
    for order in evidence.expected["orders"]:
        key = document_key(order)
        eligible = order["outcome"] != "nothing"
        findings.counts["orders_eligible"] += eligible
        row = rows.get(key)
        if row is None:
            findings.wrong("lost_orders", f"{spoken(key)} was never read")
            continue
        findings.counts["orders_seen"] += eligible
        batch = (order["change"] or {"document": {}})["document"].get("CHNG_ORD_BATCH", 0)
        if int(pick(row, "change_order_batch", 0)) != batch:
            findings.wrong("wrong_outcome", f"{spoken(key)}: its change was not read")
        wanted = {(r["line"], r["sched"]): r["reason"] for r in order["ineligible"]}
        came = _ineligible(row)
        for schedule in sorted(wanted.keys() | came.keys()):
            if wanted.get(schedule) != came.get(schedule):
                findings.wrong("wrong_outcome", f"{spoken(key)} {schedule[0]}/{schedule[1]}: "
                               f"{came.get(schedule) or 'may ship'}, expected "
                               f"{wanted.get(schedule) or 'may ship'}")


def _judge_strangers(evidence: Evidence, findings: Findings) -> None:
    """Rows that stand for no document of PeopleSoft's, or for one that has a row already."""
    expected = evidence.expected_orders()
    for key, count in Counter(map(proto_key, evidence.orders)).items():
        if key not in expected:
            findings.wrong("wrong_outcome", f"{spoken(key)}: PeopleSoft has no such order")
        elif count > 1:
            findings.wrong("wrong_outcome", f"{spoken(key)}: {count} rows of one order")


def _ineligible(row: dict) -> dict[tuple, str]:
    reasons = {}
    for schedule in pick(row, "schedules", []):
        reason = pick(schedule, "ineligible_reason")
        if reason and not reason.endswith("UNSPECIFIED"):
            number = (pick(schedule, "line_number", 0), pick(schedule, "schedule_number", 0))
            reasons[number] = reason
    return reasons


def _judge_labels(evidence: Evidence, matches: list[Match], findings: Findings) -> None:
    labelled = Counter(match.slot.key for match in matches
                       if match.slot.revision == CURRENT and match.slot.ships())
    for order in evidence.expected["orders"]:
        key = document_key(order)
        wanted = sum(shipment["outcome"] == "ship" for shipment in order["shipments"])
        findings.counts["shipments_expected"] += wanted
        for _ in range(wanted - labelled[key]):
            findings.wrong("wrong_outcome", f"{spoken(key)}: a shipment has no label")


def _judge_reviews(evidence: Evidence, findings: Findings) -> None:
    wanted, came = Counter(), Counter()
    for order in evidence.expected["orders"]:
        for shipment in order["shipments"]:
            if shipment["outcome"] == "review":
                wanted[document_key(order), shipment["reason"]] += 1
    for row in evidence.reviews:
        if pick(row, "state") == "OPEN":
            came[proto_key(row), pick(row, "reason")] += 1
    findings.counts["reviews_expected"] = wanted.total()
    findings.counts["reviews_open"] = came.total()
    for key, reason in sorted((wanted - came).elements()):
        findings.wrong("wrong_outcome", f"{spoken(key)}: no open review {reason}")
    for key, reason in sorted((came - wanted).elements()):
        findings.wrong("wrong_outcome", f"{spoken(key)}: a review {reason} that is not expected")
