"""Whether PeopleSoft heard of every event of every parcel, once and in order."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from judging.evidence import Evidence, Findings
from judging.fields import message_key, pick, spoken
from judging.shipments import Match

# These two are one each for a parcel, whatever their time: psups knows of them before UPS says so.
TIMELESS = ("LABEL_CREATED", "VOIDED")
# UPS's status codes that say more than the type (reference/ups.md, section 6).
BY_CODE = {
    **dict.fromkeys(("003", "080", "157"), "LABEL_CREATED"),
    **dict.fromkeys(("007", "043"), "VOIDED"),
    "038": "PICKED_UP",
    **dict.fromkeys(("006", "021", "037", "089", "091", "146"), "OUT_FOR_DELIVERY"),
    **dict.fromkeys(("011", "026", "143", "144"), "DELIVERED"),
    **dict.fromkeys(("033", "035", "036", "118", "119"), "RETURNING"),
    **dict.fromkeys(("034", "067", "081"), "RETURNED"),
    **dict.fromkeys(("147", "149"), "LOST"),
}
BY_TYPE = {"M": "LABEL_CREATED", "MV": "VOIDED", "P": "PICKED_UP", "I": "IN_TRANSIT",
           "O": "OUT_FOR_DELIVERY", "D": "DELIVERED", "X": "EXCEPTION", "RS": "RETURNED",
           "W": "IN_TRANSIT", "DO": "IN_TRANSIT", "DD": "IN_TRANSIT"}


@dataclass(frozen=True)
class Event:
    """One thing that happened to one parcel; the rest is empty where psups knew of it itself."""

    tracking_number: str
    status: str
    type: str = ""
    code: str = ""
    moment: str = ""


def status_of(event: dict) -> str:
    return BY_CODE.get(event.get("status_code", ""), BY_TYPE.get(event["type"], "UNKNOWN"))


def from_ups(event: dict) -> Event:
    status = status_of(event)
    if status in TIMELESS:
        return Event(event["tracking_number"], status)
    day, time = event["gmt_date"], event["gmt_time"].rjust(6, "0")
    moment = datetime.strptime(day + time, "%Y%m%d%H%M%S").strftime("%Y-%m-%dT%H:%M:%SZ")
    return Event(event["tracking_number"], status, event["type"], event["code"], moment)


def from_message(message: dict) -> Event:
    status = message["STATUS"]
    if status in TIMELESS:
        return Event(message["TRACKING_NBR"], status)
    return Event(message["TRACKING_NBR"], status, message.get("UPS_TYPE", ""),
                 message.get("UPS_CODE", ""), message["EVENT_DTTM_UTC"])


def judge(evidence: Evidence, matches: list[Match], findings: Findings) -> None:
    contents = _contents(matches)
    happened = {from_ups(event) for event in evidence.ups["events"] if event["type"] != "U"}
    happened |= {Event(number, "VOIDED") for match in matches
                 for number in _voided_numbers(match)}
    applied = applied_messages(evidence)

    reported = {from_message(message) for _, message in applied}
    for event in sorted(happened - reported, key=str):
        findings.wrong("events_missing", f"{event.tracking_number}: PeopleSoft never heard of "
                       f"{event.status} {event.type} {event.code} {event.moment}")
    for event in sorted(reported - happened, key=str):
        findings.wrong("events_extra", f"{event.tracking_number}: PeopleSoft was told of "
                       f"{event.status} {event.type} {event.code} {event.moment}, which UPS "
                       "does not have")

    wanted = Counter()
    for event in happened:
        for key, line, schedule, quantity in contents.get(event.tracking_number, ()):
            wanted[key, line, schedule, quantity, event] += 1
    came = Counter()
    for connection, message in applied:
        came[message_key(connection, message), message["LINE_NBR"], message["SCHED_NBR"],
             _decimal(message["QTY"]), from_message(message)] += 1
    for which, left in (("updates_missing", wanted - came), ("updates_extra", came - wanted)):
        for key, line, schedule, quantity, event in sorted(left.elements(), key=str):
            findings.wrong(which, f"{spoken(key)} {line}/{schedule}: {quantity} of "
                           f"{event.tracking_number} {event.status} {event.moment}")
    _judge_trackers(evidence, matches, findings)


def _contents(matches: list[Match]) -> dict[str, list[tuple]]:
    """1Z number → the schedules, with their quantities, that were expected in it."""
    contents: dict[str, list[tuple]] = {}
    for match in matches:
        for made in match.label.numbers():
            packages = match.slot.expected["packages"]
            if made["request_index"] < len(packages):
                contents[made["tracking_number"]] = [
                    (match.slot.key, c["line"], c["sched"], Decimal(c["qty"]))
                    for c in packages[made["request_index"]]["contents"]]
    return contents


def _voided_numbers(match: Match) -> list[str]:
    return [package["tracking_number"] for package in match.label.truth["packages"]
            if package["voided"] or match.label.voided]


def applied_messages(evidence: Evidence) -> list[tuple[str, dict]]:
    """(connection, message) of what PeopleSoft took, in the order in which it did."""
    return [(connection, update["message"]) for connection, truth in evidence.sites.items()
            for update in sorted(truth["updates"], key=lambda update: update["n"])
            if update["result"] == "OK"]


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text).normalize()
    except InvalidOperation:
        return None


def _judge_trackers(evidence: Evidence, matches: list[Match], findings: Findings) -> None:
    live = {package["tracking_number"] for match in matches if not match.label.voided
            for package in match.label.truth["packages"] if not package["voided"]}
    delivered = {pick(row, "tracking_number") for row in evidence.trackers
                 if pick(row, "status") == "DELIVERED"}
    findings.counts["trackers_delivered"] = len(live & delivered)
