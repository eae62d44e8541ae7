#!/usr/bin/env python3
"""make chaos: the demo's job, with more changes, while services, PostgreSQL and peers fail."""

import argparse
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import generator  # noqa: E402
from demo import ENDS, MOST_FINDINGS, closing_table  # noqa: E402
from deploy.local.layout import StackError  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging import doubts  # noqa: E402
from running.display import Display, table  # noqa: E402
from running.job import Job  # noqa: E402
from running.trouble import Trouble  # noqa: E402

REPLICAS = 2
# What heals in minutes or hours heals in seconds here.
SETTINGS = {
    "audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"},
    "ups-gateway": {"PSUPS_RESOLVER_FIRST_WAIT": "1s", "PSUPS_RESOLVER_MOST_WAIT": "5s",
                    "PSUPS_FLOW_RECOVERY": "10s"},
    "ps-ingest": {"PSUPS_LEASE": "3s", "PSUPS_RETRY_CAP": "2s", "PSUPS_SETUP_RETRY": "2s"},
    "tracking-sync": {"PSUPS_BACKFILL_INTERVAL": "5s", "PSUPS_LAST_READ_DELAY": "2s",
                      "PSUPS_RETRY_WAIT": "1s"},
    "shipment-builder": {"PSUPS_LEASE": "5s"},
}
CUSTOMER = {
    "account": {"rebuy_window": "4s", "ship_timeout_seconds": 5, "read_timeout_seconds": 5,
                "token_min_interval": "1s"},
    "connection": {"read_timeout_seconds": 3},
}
ROUND_SECONDS = 0.5
STALL_SECONDS = 120
GRACE_SECONDS = 6  # for what should not come any more
WAVES = 40


def run(job: Job, trouble: Trouble, display: Display) -> str:
    """Works until the trouble is over and every order has reached its end; else says why it gave
    up. Orders are entered in step with the trouble, so that there is work for the last kill."""
    moved_at, before, settled_at = time.monotonic(), None, None
    trouble.start()
    while True:
        started = time.monotonic()
        job.wave_seconds = 0.3 if job.posted_share() <= trouble.share() else 3600
        job.step()
        progress = job.progress()
        done, wanted = progress["labels bought"]
        trouble.work = done / wanted
        progress |= {"kills": (trouble.kills(), trouble.wanted)}
        display.show(progress)
        if trouble.problem:
            return trouble.problem
        if progress != before:
            moved_at, before = time.monotonic(), progress
        if trouble.is_alive() or job.posted_share() < 1 or not job.settled():
            settled_at = None
        elif settled_at is None:
            settled_at = time.monotonic()
        elif time.monotonic() - settled_at > GRACE_SECONDS:
            return ""
        if time.monotonic() - moved_at > STALL_SECONDS:
            return f"nothing has moved for {STALL_SECONDS} s"
        # Looking must not take the machine from those who work.
        time.sleep(max(ROUND_SECONDS, time.monotonic() - started))


def trouble_table(job: Job, trouble: Trouble) -> str:
    """What went wrong, by kind."""
    rows = [["what went wrong", "times"]]
    rows += [[f"{name} killed", str(count)] for name, count in sorted(trouble.killed.items())]
    rows += [[what, str(count)] for what, count in sorted(trouble.mishaps.items())]
    faults = Counter(f"{peer} {call['route']}: fault {call['fault']}"
                     for peer, journal in job.evidence.later_journals.items()
                     for call in journal if call["fault"])
    rows += [[what, str(count)] for what, count in sorted(faults.items())]
    lost = sum(push["status"] != 200 for push in job.evidence.ups["webhooks"])
    return table([*rows, ["ups webhook: not taken or not sent", str(lost)]])


def chaos(orders: int, kills: int, seed: int, name: str, display: Display) -> int:
    out = ROOT / "build" / name
    (out / "summary.json").unlink(missing_ok=True)  # of a run before
    display.say(f"ORDERS={orders} KILLS={kills} SEED={seed}")
    stack = Stack(name, settings=SETTINGS, replicas=REPLICAS, customer=CUSTOMER)
    stack.remove()
    try:
        stack.start()
        job = Job(stack, out, orders=orders, seed=seed, wave=max(1, orders // WAVES),
                  shares=generator.SHARES | generator.MORE_CHANGES)
        job.connect()
        trouble = Trouble(stack, Random(seed), kills)
        try:
            gave_up = run(job, trouble, display)
        finally:
            trouble.leave()
        if gave_up:
            display.say(f"FAILED: {gave_up}")
            display.say("\n".join(f"  {line}" for line in job.missing()))
        counts, findings, broken = job.judge(kills=trouble.kills(),
                                             token_kills=trouble.most_tokens())
    finally:
        # What was started is stopped, even if somebody is in a hurry.
        for which in ENDS:
            signal.signal(which, signal.SIG_IGN)
        stack.stop()
    added = doubts.judge(job.evidence, trouble.kills())
    (out / "summary.json").write_text(json.dumps(counts | added, indent=1) + "\n")
    broken += doubts.broken_rules(added, kills)
    display.say(f"\n{closing_table(job)}\n")
    display.say(trouble_table(job, trouble) + "\n")
    display.say(table([[key, str(value)] for key, value in (counts | added).items()]))
    for count, line in findings.lines[:MOST_FINDINGS]:
        display.say(f"  {count}: {line}")
    if len(findings.lines) > MOST_FINDINGS:
        display.say(f"  … and {len(findings.lines) - MOST_FINDINGS} more")
    display.say(f"\nsummary: {out.relative_to(ROOT)}/summary.json   logs: "
                f"{stack.home.relative_to(ROOT)}/logs")
    for line in broken:
        display.say(f"FAILED: {line}")
    if broken or gave_up:
        display.say(f"It does not hold. Again: make chaos ORDERS={orders} KILLS={kills} "
                    f"SEED={seed}")
        return 1
    display.say(f"All {orders} orders are where they belong, whatever failed.")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="chaos", help="of its folders below .run and build")
    arguments = parser.parse_args()
    for which in ENDS:
        signal.signal(which, signal.default_int_handler)
    display = Display()
    try:
        return chaos(arguments.orders, arguments.kills, arguments.seed, arguments.name, display)
    except KeyboardInterrupt:
        display.say("\nInterrupted; everything is stopped.")
    except StackError as problem:
        display.say(f"\nmake chaos: {problem}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
