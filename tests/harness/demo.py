#!/usr/bin/env python3
"""make demo: PeopleSoft orders become UPS shipments, and their scans come back, before your eyes."""

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from deploy.local.layout import CONNECTIONS, PS_AUTHS, StackError  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import pick, proto_key  # noqa: E402
from running.display import Display, table  # noqa: E402
from running.job import Job  # noqa: E402

# The ledger is exported up to its newest checkpoint.
SETTINGS = {"audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"}}
ROUND_SECONDS = 0.5
STALL_SECONDS = 90
GRACE_SECONDS = 3  # for what should not come any more
MOST_FINDINGS = 20
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a terminal that is closed is one, too


def run(job: Job, display: Display) -> str:
    """Works until every order has reached its end; else says why it gave up."""
    moved_at, before, settled_at = time.monotonic(), None, None
    while True:
        started = time.monotonic()
        job.step()
        progress = job.progress()
        display.show(progress)
        for service in job.stack.services.values():
            if service.process.pid() is None:
                return f"{service.name} died: {service.process.last_words()}"
        if progress != before:
            moved_at, before = time.monotonic(), progress
        if not job.settled():
            settled_at = None
        elif settled_at is None:
            settled_at = time.monotonic()
        elif time.monotonic() - settled_at > GRACE_SECONDS:
            return ""
        if time.monotonic() - moved_at > STALL_SECONDS:
            return f"nothing has moved for {STALL_SECONDS} s"
        # Looking must not take the machine from those who work.
        time.sleep(max(ROUND_SECONDS, time.monotonic() - started))


def closing_table(job: Job) -> str:
    expected = job.evidence.expected_orders()
    delivered = {pick(row, "tracking_number"): proto_key(row)[0] for row in job.evidence.trackers
                 if pick(row, "status") == "DELIVERED"}
    rows = [["", "orders", "that ship", "parcels delivered", "statuses written back",
             "for a person", "nothing to ship"]]
    for name in CONNECTIONS:
        mine = [order for key, order in expected.items() if key[0] == name]
        outcome = Counter(order["outcome"] for order in mine)
        written = [u for u in job.evidence.sites[name]["updates"] if u["result"] == "OK"]
        reviews = [r for r in job.evidence.reviews if pick(r, "state") == "OPEN"
                   and proto_key(r)[0] == name]
        rows.append([name, str(len(mine)), str(outcome["ship"] + outcome["mixed"]),
                     str(sum(connection == name for connection in delivered.values())),
                     str(len(written)), str(len(reviews)), str(outcome["nothing"])])
    reasons = Counter(pick(r, "reason") for r in job.evidence.reviews if pick(r, "state") == "OPEN")
    asked = "".join(f"\n    {count:3}  {reason}" for reason, count in reasons.most_common())
    return table(rows) + (f"\n\n  A person is asked about:{asked}" if asked else "")


def tokens_not_renewed(job: Job) -> list[str]:
    """A run by client credentials that ends with the first token has shown only half of it."""
    return [f"{name}: its identity provider issued {site['tokens_issued']} tokens, so none was "
            "renewed" for name, site in job.evidence.sites.items() if site["tokens_issued"] < 2]


def demo(orders: int, seed: int, name: str, display: Display, ps_auth: str = PS_AUTHS[0]) -> int:
    out = ROOT / "build" / name
    (out / "summary.json").unlink(missing_ok=True)  # of a run before
    stack = Stack(name, settings=SETTINGS, ps_auth=ps_auth)
    stack.remove()
    try:
        display.say("Starting PostgreSQL, two PeopleSoft sandboxes, the UPS sandbox and the five "
                    "services.")
        stack.start()
        job = Job(stack, out, orders=orders, seed=seed)
        display.say("Creating one UPS account and two PeopleSoft connections "
                    f"({ps_auth}) with psupsctl.")
        job.connect()
        display.say(f"{orders} orders are entered in PeopleSoft.")
        gave_up = run(job, display)
        if gave_up:
            # At once: without the service that died there may be nothing left to judge.
            display.say(f"FAILED: {gave_up}")
        counts, findings, broken = job.judge()
        if ps_auth == "client_credentials":
            broken += tokens_not_renewed(job)
    finally:
        # What was started is stopped, even if somebody is in a hurry.
        for which in ENDS:
            signal.signal(which, signal.SIG_IGN)
        stack.stop()
    display.say(f"\n{closing_table(job)}\n")
    display.say(table([[key, str(value)] for key, value in counts.items()]))
    for count, line in findings.lines[:MOST_FINDINGS]:
        display.say(f"  {count}: {line}")
    if len(findings.lines) > MOST_FINDINGS:
        display.say(f"  … and {len(findings.lines) - MOST_FINDINGS} more")
    display.say(f"\nsummary: {out.relative_to(ROOT)}/summary.json   logs: "
                f"{stack.home.relative_to(ROOT)}/logs")
    for line in broken:
        display.say(f"FAILED: {line}")
    if broken or gave_up:
        display.say("The demo failed.")
        return 1
    display.say(f"All {orders} orders are where they belong.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="demo", help="of its folders below .run and build")
    parser.add_argument("--ps-auth", choices=PS_AUTHS, default=PS_AUTHS[0],
                        help="how PeopleSoft wants to be called")
    arguments = parser.parse_args()
    for which in ENDS:
        signal.signal(which, signal.default_int_handler)
    display = Display()
    try:
        return demo(arguments.orders, arguments.seed, arguments.name, display,
                    arguments.ps_auth)
    except KeyboardInterrupt:
        display.say("\nInterrupted; everything is stopped.")
    except StackError as problem:
        display.say(f"\nmake demo: {problem}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
