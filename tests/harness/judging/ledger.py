"""What the ledger says of each call to a peer, and when a service died."""

from dataclasses import dataclass, field
from datetime import datetime

# A call that ended so may never have left.
NOT_SENT = {"NOT_MADE", "NOT_SENT"}
# What the services write of a call, by the route on which the peer gets it.
ACTIONS = {
    "token": {"ups.token.intent", "ups.token.outcome"},
    "xav": {"ups.xav"},
    "ship": {"ups.ship.intent", "ups.ship.outcome"},
    "void": {"ups.void.intent", "ups.void.outcome", "ups.recovery"},
    "recovery": {"ups.recovery"},
    "track": {"ups.track", "ups.recovery"},
    "subscribe": {"ups.subscribe.intent", "ups.subscribe.outcome"},
}
# The same of PeopleSoft's sites, whose identity providers give tokens too. A call that was refused
# for its token keeps its id; the entry of the repetition is of its own.
SITE_ACTIONS = {
    "token": {"ps.token"},
    "query": {"ps.query", "ps.token_refused"},
    "writeback": {"ps.write_back", "ps.write_back.intent", "ps.token_refused"},
}
# The service that makes the reads which may lack an entry if it dies.
READER = {"xav": "ups-gateway", "track": "ups-gateway", "recovery": "ups-gateway"}
SITE_READER = {"query": "ps-ingest", "token": "ps-ingest"}


def actions_of(peer: str, route: str) -> set[str]:
    return (ACTIONS if peer == "ups" else SITE_ACTIONS).get(route, set())


def reader_of(peer: str, route: str) -> str:
    return (READER if peer == "ups" else SITE_READER).get(route, "")


@dataclass
class Record:
    """One call. `ends` are how it ended, by its own outcome or as the resolver found it later."""

    service: str
    time: str
    actions: set = field(default_factory=set)
    intended: bool = False
    ends: set = field(default_factory=set)
    statuses: set = field(default_factory=set)

    def only_intended(self) -> bool:
        return all(is_intent(action) for action in self.actions) and not self.ends

    def may_be_unsent(self) -> bool:
        return bool(self.ends & NOT_SENT)


def is_intent(action: str) -> bool:
    return action.endswith(".intent")


def records_of(ledger: list) -> dict[str, Record]:
    """By call id."""
    records: dict[str, Record] = {}
    # A relay may deliver an outcome before its intent.
    for entry in sorted(ledger, key=lambda entry: not is_intent(_action(entry))):
        _add(entry, records)
    return records


def _add(entry: dict, records: dict[str, Record]) -> None:
    action, detail = _action(entry), entry.get("detail") or {}
    calls = _calls_in(detail)
    for call in calls:
        # What nobody recorded in time is told later, with the time from which it may have been made.
        moment = call.get("since") or entry.get("time", "")
        record = records.setdefault(call["call_id"], Record(entry.get("service", ""), moment))
        record.actions.add(action)
        if call.get("http_status"):
            record.statuses.add(call["http_status"])
        if call.get("outcome") == "not sent":  # ps-ingest's, for want of a token or a connection
            record.ends.add("NOT_SENT")
    # One intent is for the call and for its second attempt with a new token.
    mine = [records[call["call_id"]] for call in calls]
    intended = is_intent(action) or any(record.intended for record in mine)
    for record in mine:
        record.intended = intended
    for call_id, end in _ends_in(action, detail):
        if call_id in records:
            records[call_id].ends.add(end)


def _ends_in(action: str, detail: dict):
    """(call id, how it ended) of each call of which the entry says that."""
    if action == "ups.void.outcome" and detail.get("calls"):
        yield detail["call_id"], _end_of_void(detail)
    elif detail.get("call_id") and detail.get("state"):
        yield detail["call_id"], detail["state"]
    elif detail.get("of_call_id") and detail.get("state"):
        yield detail["of_call_id"], detail["state"]
    for call in detail.get("calls", []):
        if call.get("operation") == "void" and action == "ups.recovery":
            yield call["call_id"], _end_by(call.get("http_status"))


def _end_of_void(detail: dict) -> str:
    if not detail["calls"][-1].get("http_status"):
        return "IN_DOUBT"
    return "DONE" if detail.get("status") == "OK" else "REJECTED"


def _end_by(http_status: int | None) -> str:
    if not http_status:
        return "IN_DOUBT"
    return "DONE" if 200 <= http_status < 300 else "REJECTED"


def _calls_in(value) -> list[dict]:
    """Every object in an entry, however deep, that has a call_id."""
    found = []
    if isinstance(value, dict):
        if value.get("call_id"):
            found.append(value)
        found += [call for inner in value.values() for call in _calls_in(inner)]
    elif isinstance(value, list):
        found += [call for inner in value for call in _calls_in(inner)]
    return found


def _action(entry: dict) -> str:
    return entry.get("action", "")


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class UncleanSpans:
    """The spans in which, after an unclean stop, a service's own record may have gaps."""

    def __init__(self, ledger: list):
        self.spans = [(entry.get("service", ""), time_of(entry["detail"]["from"]),
                       time_of(entry["detail"]["to"]))
                      for entry in ledger if _action(entry) == "service.unclean_start"]

    def hold(self, service: str, moment: str) -> bool:
        return bool(service and moment) and any(
            service == who and begin <= time_of(moment) <= end for who, begin, end in self.spans)
