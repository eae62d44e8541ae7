#!/usr/bin/env python3
"""docs/metrics.md, from what the five programs declare: metrics_page.py [--write]

Without --write the page goes to stdout.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("BUILD_DIR") or ROOT / "build") / "bin"
PAGE = ROOT / "docs/metrics.md"
SERVICES = ("ps-ingest", "shipment-builder", "ups-gateway", "tracking-sync", "audit-ledger")
HEAD = """\
# Metrics

What each service shows at `http://<host>:<PSUPS_METRICS_LISTEN>/metrics`, in Prometheus's text form.
This page is made from the programs themselves, by `tests/checks/metrics_page.py --write`; a test
holds it to them. How to collect, see and be woken by them: [monitoring.md](monitoring.md).

- Seconds are seconds, `_total` only grows (and begins at 0 with each start), ratios are 0 to 1.
- A histogram has `_bucket`, `_sum` and `_count`; buckets go from 1 ms to 100 s if nothing else is said.
- What is counted in the database (gauges of orders, shipments, reviews, ages) is the same at every
  replica of a service: take the `max`. Counters and histograms are each replica's own: take the `sum`.
- audit-ledger calls nobody and has no outbox, so it declares `psups_audit_outbox_*` and `psups_rpc_client_seconds`
  and shows none of them.
- No label holds an order, a parcel, a person or an address.
"""


def declared() -> dict[str, list[dict]]:
    """By service."""
    return {name: json.loads(subprocess.run([BINARIES / name, "--metrics"], capture_output=True,
                                            text=True, check=True).stdout) for name in SERVICES}


def table(metrics: list[dict]) -> str:
    lines = ["| metric | type | labels | what |", "|---|---|---|---|"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric["labels"])
        lines.append(f"| `{metric['name']}` | {metric['type']} | {labels} | {metric['help']} |")
    return "\n".join(lines) + "\n"


def page(of: dict[str, list[dict]]) -> str:
    common = [m for m in of[SERVICES[0]] if all(m in metrics for metrics in of.values())]
    parts = [HEAD, "## Every service\n\n" + table(common)]
    for name in SERVICES:
        parts.append(f"## {name}\n\n" + table([m for m in of[name] if m not in common]))
    return "\n".join(parts)


if __name__ == "__main__":
    text = page(declared())
    if sys.argv[1:] == ["--write"]:
        PAGE.write_text(text)
    else:
        print(text, end="")
