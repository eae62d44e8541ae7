"""All counts together, and whether they hold."""

from judging import calls, outcomes, shipments, terms, tracking, validation, write_backs
from judging.evidence import Evidence, Findings

KEYS = (
    "orders_eligible", "orders_seen", "lost_orders", "shipments_expected", "shipments_created",
    "wrong_outcome", "ineligible_shipped", "payload_mismatches", "ships_unvalidated", "packages",
    "duplicate_shipments", "reviews_expected", "reviews_open", "trackers_delivered",
    "events_missing", "events_extra", "updates_missing", "updates_extra", "updates_out_of_order",
    "token_requests", "token_limit_breaches", "calls_unmatched", "excused_reads",
    "ledger_entries", "ledger_verified", "seconds",
)
ZERO = (
    "lost_orders", "wrong_outcome", "ineligible_shipped", "payload_mismatches",
    "ships_unvalidated", "duplicate_shipments", "events_missing", "events_extra",
    "updates_missing", "updates_extra", "updates_out_of_order", "token_limit_breaches",
    "calls_unmatched",
)
LEAST_SHARE_SHIPPED = 0.6
MOST_TOKEN_REQUESTS = 2
# The sandboxes answer at once, so a kill of ups-gateway or ps-ingest catches about 20 reads in
# flight at most: one query of each site, the addresses of a wave of orders or a burst of parcels.
# The other three services make none, so that on average it is this.
MOST_READS_LOST_PER_KILL = 8


def judge(evidence: Evidence) -> tuple[dict[str, int], Findings]:
    findings = Findings()
    matches = shipments.judge(evidence, findings)
    terms.judge(evidence, matches, findings)
    outcomes.judge(evidence, matches, findings)
    validation.judge(evidence, findings)
    tracking.judge(evidence, matches, findings)
    write_backs.judge(evidence, findings)
    calls.judge(evidence, findings)
    findings.counts["ledger_verified"] = int(evidence.ledger_verified)
    findings.counts["seconds"] = evidence.seconds
    return {key: findings.counts[key] for key in KEYS}, findings


def broken_rules(summary: dict[str, int], orders: int, *, kills: int = 0,
                 token_kills: int = 0) -> list[str]:
    """What of the summary does not hold, a line each. Kills excuse reads and token requests."""
    rules = [
        (summary["orders_seen"] == summary["orders_eligible"], "orders_seen = orders_eligible"),
        (summary["shipments_created"] == summary["shipments_expected"],
         "shipments_created = shipments_expected"),
        (summary["shipments_expected"] >= LEAST_SHARE_SHIPPED * orders,
         f"shipments_expected ≥ {LEAST_SHARE_SHIPPED} × {orders} orders"),
        (summary["reviews_open"] == summary["reviews_expected"],
         "reviews_open = reviews_expected"),
        (summary["trackers_delivered"] == summary["packages"], "trackers_delivered = packages"),
        (summary["token_requests"] <= MOST_TOKEN_REQUESTS + token_kills,
         f"token_requests ≤ {MOST_TOKEN_REQUESTS + token_kills}"),
        (summary["ledger_verified"] == 1, "ledger_verified = 1"),
        (summary["excused_reads"] <= MOST_READS_LOST_PER_KILL * kills,
         f"excused_reads ≤ {MOST_READS_LOST_PER_KILL * kills}"),
    ] + [(summary[key] == 0, f"{key} = 0") for key in ZERO]
    return [f"{rule} does not hold: {_values(rule, summary)}" for holds, rule in rules if not holds]


def _values(rule: str, summary: dict[str, int]) -> str:
    return ", ".join(f"{word} {summary[word]}" for word in rule.split() if word in summary)
