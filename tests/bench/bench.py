#!/usr/bin/env python3
"""make bench [ONLY=P1]: each benchmark a JSON line in build/bench/results.jsonl, its baseline
measured in the same run on the same machine. Exit 1 if a line with a bar does not reach it."""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "bench"), str(ROOT / "tests" / "e2e")]

import cartonization  # noqa: E402
import ingest_rates  # noqa: E402
import p1_whole_job  # noqa: E402
import p2_gateway_cost  # noqa: E402
import p3_in_flight  # noqa: E402
import p7_token_day  # noqa: E402
import p9_far_ups  # noqa: E402
import token_hot_path  # noqa: E402

BENCHMARKS = {"P1": p1_whole_job.run, "P2": p2_gateway_cost.run, "P3": p3_in_flight.run,
              "P6": ingest_rates.run, "P7": p7_token_day.run, "P9": p9_far_ups.run, "TOKEN": token_hot_path.run,
              "CARTON": cartonization.run}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="ids, separated by commas; default: all")
    only = [name for name in parser.parse_args().only.split(",") if name]
    unknown = set(only) - set(BENCHMARKS)
    if unknown:
        print(f"bench: no benchmark {', '.join(sorted(unknown))}; there are "
              f"{', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    out = ROOT / "build" / "bench" / "results.jsonl"
    out.parent.mkdir(parents=True, exist_ok=True)
    failed = 0
    with open(out, "w") as file:
        for name in only or BENCHMARKS:
            for result in BENCHMARKS[name]():
                line = json.dumps(result)
                print(line, flush=True)
                file.write(line + "\n")
                failed += result["pass"] is False
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
