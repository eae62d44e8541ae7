"""What chaos adds to the summary: how much went wrong, and what became of lost answers."""

from judging.evidence import Evidence
from judging.ledger import records_of

KEYS = ("kills", "faults_injected", "in_doubt_seen", "in_doubt_resolved")
ENDS = {"DONE", "NOT_MADE", "REJECTED"}


def judge(evidence: Evidence, kills: int) -> dict[str, int]:
    """The faults are the peers' own word, each request that met one; the doubts the ledger's."""
    purchases = [record for record in records_of(evidence.ledger).values()
                 if any(action.startswith("ups.ship.") for action in record.actions)]
    doubted = [record for record in purchases
               if "IN_DOUBT" in record.ends or "ups.ship.doubt" in record.actions]
    return {
        "kills": kills,
        "faults_injected": sum(call["fault"] is not None
                               for journal in evidence.later_journals.values()
                               for call in journal),
        "in_doubt_seen": len(doubted),
        "in_doubt_resolved": sum(bool(record.ends & ENDS) for record in doubted),
    }


def broken_rules(counts: dict[str, int], wanted_kills: int) -> list[str]:
    """Chaos that met nothing proves nothing."""
    rules = [
        (counts["kills"] == wanted_kills, f"kills = {wanted_kills}"),
        (counts["faults_injected"] >= wanted_kills, f"faults_injected ≥ {wanted_kills}"),
        (counts["in_doubt_seen"] > 0, "in_doubt_seen > 0"),
        (counts["in_doubt_resolved"] == counts["in_doubt_seen"],
         "in_doubt_resolved = in_doubt_seen"),
    ]
    return [f"{rule} does not hold: {counts}" for holds, rule in rules if not holds]
