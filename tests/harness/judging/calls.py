"""Whether the ledger and the peers agree on which calls were made, and on tokens."""

from collections import Counter
from datetime import datetime, timedelta

from judging.evidence import Evidence, Findings
from judging.fields import derived_references
from judging.ledger import (Record, UncleanSpans, actions_of, is_intent, reader_of, records_of,
                            time_of)

MONEY = ("token", "ship", "void")
DONE = {"DONE", "GRANTED"}
TOKEN_LIMIT_PER_DAY = 250


def judge(evidence: Evidence, findings: Findings) -> None:
    records, spans = records_of(evidence.ledger), UncleanSpans(evidence.ledger)
    findings.counts["ledger_entries"] = len(evidence.ledger)
    findings.counts["excused_reads"] = 0
    for peer, journal in evidence.journals.items():
        _judge_repeats(peer, journal, findings)
        for call in journal:
            _judge_call(peer, call, records.get(call["call_id"]), spans, findings)
    _judge_unknown(evidence, records, spans, findings)
    _judge_purchases(evidence.journals.get("ups", []), findings)
    _judge_tokens(evidence, findings)


def _judge_repeats(peer: str, journal: list, findings: Findings) -> None:
    """An id is for one call. libcurl may send a request twice without a word: a GET, if its kept
    connection broke before a byte of an answer. That is no second call; of anything else it is."""
    times = Counter(call["call_id"] for call in journal
                    if call["call_id"] and not (call.get("method") == "GET"
                                                and call["status"] is None))
    for call_id, count in times.items():
        if count > 1:
            findings.wrong("calls_unmatched", f"{peer} got call {call_id} {count} times")


def _judge_call(peer: str, call: dict, record: Record | None, spans: UncleanSpans,
                findings: Findings) -> None:
    fitting = record.actions & actions_of(peer, call["route"]) if record else set()
    if not fitting and spans.hold(reader_of(peer, call["route"]), call["time"]):
        findings.counts["excused_reads"] += 1
        return
    problem = ""
    if not fitting:
        problem = "of which the ledger has nothing that fits"
    elif peer == "ups" and call["route"] in MONEY:
        problem = _money_problem(call, record, spans)
    problem = problem or _status_problem(call, record)
    if problem:
        findings.wrong("calls_unmatched", f"{peer} got {call['route']} "
                       f"{call['call_id'] or 'without an id'} at {call['time']}, {problem}")


def _money_problem(call: dict, record: Record, spans: UncleanSpans) -> str:
    if not record.intended:
        return "of which the ledger has no intent"
    if record.only_intended():
        # A purchase ends in any case: if nobody told of it, the resolver asks for it.
        excused = call["route"] != "ship" and spans.hold(record.service, record.time)
        return "" if excused else "of which the ledger has no outcome"
    if not _answered(call):
        return ""
    made, done = 200 <= call["status"] < 300, bool(record.ends & DONE)
    if call["route"] == "void" and not made:
        return ""  # "It is void already" counts as done.
    if call["route"] != "ship" and record.ends == {"IN_DOUBT"}:
        return ""  # We hung up before the answer; asking once more is harmless.
    if made != done:
        return (f"which was answered {call['status']}; in the ledger it is "
                f"{' and '.join(sorted(record.ends)) or 'without an end'}")
    return ""


def _status_problem(call: dict, record: Record) -> str:
    if not _answered(call) or not record.statuses or call["status"] in record.statuses:
        return ""
    return (f"which was answered {call['status']}; the ledger has "
            f"{' and '.join(map(str, sorted(record.statuses)))}")


def _answered(call: dict) -> bool:
    """Whether the answer went out whole; what a fault does to it the journal does not say."""
    return call["status"] is not None and call["fault"] is None


def _judge_unknown(evidence: Evidence, records: dict[str, Record], spans: UncleanSpans,
                   findings: Findings) -> None:
    known = {call["call_id"] for journals in (evidence.journals, evidence.later_journals)
             for journal in journals.values() for call in journal}
    for call_id, record in sorted(records.items()):
        if call_id in known or record.may_be_unsent():
            continue
        # Whoever died may have died before it sent.
        intents_only = all(is_intent(action) for action in record.actions)
        if intents_only and spans.hold(record.service, record.time):
            continue
        findings.wrong("calls_unmatched", f"the ledger has {' and '.join(sorted(record.actions))} "
                       f"{call_id}, of which no peer knows")


def _judge_purchases(journal: list, findings: Findings) -> None:
    """A purchase has a derived reference of its own: no two POSTs may bear the same."""
    posts = Counter(reference for call in journal if call["route"] == "ship"
                    for reference in derived_references(call["body"]))
    for reference, count in posts.items():
        if count > 1:
            findings.wrong("calls_unmatched", f"purchase {reference} was sent to UPS {count} times")


def _judge_tokens(evidence: Evidence, findings: Findings) -> None:
    requests = evidence.ups["token_requests"]
    findings.counts["token_requests"] = len(requests)
    by_client: dict[str, list[datetime]] = {}
    for request in requests:
        by_client.setdefault(request["client_id"], []).append(time_of(request["time"]))
    for client, moments in by_client.items():
        moments.sort()
        for earlier, later in zip(moments, moments[TOKEN_LIMIT_PER_DAY:]):
            if later - earlier < timedelta(hours=24):
                findings.wrong("token_limit_breaches", f"{client}: token request of {later} is "
                               f"number {TOKEN_LIMIT_PER_DAY + 1} since {earlier}")
