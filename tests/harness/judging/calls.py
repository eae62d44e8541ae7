"""Whether the ledger and the peers agree on which calls were made, and on tokens."""

from datetime import datetime, timedelta

from judging.evidence import Evidence, Findings

NOT_SENT = ("NOT_MADE", "NOT_SENT")
READS = ("query", "xav", "track", "recovery")
TOKEN_LIMIT_PER_DAY = 250


def judge(evidence: Evidence, findings: Findings) -> None:
    _judge_tokens(evidence, findings)
    recorded = _recorded(evidence.ledger)
    spans = _excused_spans(evidence.ledger)
    findings.counts["ledger_entries"] = len(evidence.ledger)
    findings.counts["excused_reads"] = 0
    for peer, journal in evidence.journals.items():
        for call in journal:
            if call["call_id"] and call["call_id"] in recorded:
                continue
            if call["route"] in READS and _within(call["time"], spans):
                findings.counts["excused_reads"] += 1
                continue
            findings.wrong("calls_unmatched", f"{peer} got {call['route']} "
                           f"{call['call_id'] or 'without an id'} at {call['time']}, of which the "
                           "ledger has nothing")
    known = {call["call_id"] for journals in (evidence.journals, evidence.later_journals)
             for journal in journals.values() for call in journal}
    for call_id, (action, sent) in sorted(recorded.items()):
        if sent and call_id not in known:
            findings.wrong("calls_unmatched", f"the ledger has {action} {call_id}, of which no "
                           "peer knows")


def _recorded(ledger: list) -> dict[str, tuple[str, bool]]:
    """Call id → (action, whether it was sent as far as the ledger says).

    An intent alone says nothing of that if a service died meanwhile: it may have died before it sent.
    """
    calls: dict[str, tuple[str, bool]] = {}
    died = any(entry.get("action", "").endswith("unclean_start") for entry in ledger)
    intents = [e for e in ledger if e.get("action", "").endswith(".intent")]
    for entry in intents + [e for e in ledger if not e.get("action", "").endswith(".intent")]:
        intent = entry.get("action", "").endswith(".intent")
        for call in _calls_in(entry):
            sent = not (set(map(str, call.values())) & set(NOT_SENT) or call.get("sent") is False)
            calls[call["call_id"]] = (entry.get("action", ""), sent and not (intent and died))
        detail = entry.get("detail") or {}
        if detail.get("of_call_id") in calls and detail.get("state") in NOT_SENT:
            # What was in doubt was found not to have been made: it may never have left.
            calls[detail["of_call_id"]] = (calls[detail["of_call_id"]][0], False)
    return calls


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


def _excused_spans(ledger: list) -> list[tuple[datetime, datetime]]:
    """The spans in which, after an unclean stop, the record of reads may be missing."""
    spans = []
    for entry in ledger:
        if entry.get("action", "").endswith("unclean_start"):
            detail = entry.get("detail", entry)
            spans.append((_time(detail["from"]), _time(detail["to"])))
    return spans


def _within(moment: str, spans: list) -> bool:
    return any(begin <= _time(moment) <= end for begin, end in spans)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _judge_tokens(evidence: Evidence, findings: Findings) -> None:
    requests = evidence.ups["token_requests"]
    findings.counts["token_requests"] = len(requests)
    by_client: dict[str, list[datetime]] = {}
    for request in requests:
        by_client.setdefault(request["client_id"], []).append(_time(request["time"]))
    for client, moments in by_client.items():
        moments.sort()
        for earlier, later in zip(moments, moments[TOKEN_LIMIT_PER_DAY:]):
            if later - earlier < timedelta(hours=24):
                findings.wrong("token_limit_breaches", f"{client}: token request of {later} is "
                               f"number {TOKEN_LIMIT_PER_DAY + 1} since {earlier}")
