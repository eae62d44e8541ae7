"""P2: what ups-gateway adds to a call: gRPC in, recorded, HTTPS out, outcome recorded.

Time: one call at a time, by the gateway and straight to UPS with the same requests over a kept
connection, turn about; the sandbox answers at once. Beside it what one commit takes. CPU: of the
gateway's process alone, sixteen calls at a time, as the baseline of P1 has sixteen clients.
"""

import os
import statistics

from gateway_load import gateway, load
from measure import commits_per_second

CALLS = int(os.environ.get("BENCH_CALLS", "2000"))
RUNS = int(os.environ.get("BENCH_RUNS", "3"))
IN_FLIGHT = 16
BAR_COMMITS, BAR_CPU_US = 4, 300


def run():
    with gateway("bench-p2") as stack:
        for what in ("validate", "create"):
            commit_us = statistics.median(1e6 / commits_per_second(stack, 1, 3)
                                          for _ in range(RUNS))
            added, bare, cpu, cpu_alone = [], [], [], []
            for n in range(RUNS):
                straight = load(stack, "ups", what, CALLS, 1, 100, f"u{n}")
                through = load(stack, "gateway", what, CALLS, 1, 100, f"g{n}")
                bare.append(straight.p50_us)
                added.append(through.p50_us - straight.p50_us)
                cpu_alone.append(through.cpu_us)
                cpu.append(load(stack, "gateway", what, CALLS, IN_FLIGHT, 100, f"c{n}").cpu_us)
            middle = statistics.median(added)
            yield {"id": "P2", "name": f"time that the gateway adds to a call ({what}), p50",
                   "value": round(middle, 1), "unit": "us", "baseline_name": "one commit",
                   "baseline": round(commit_us, 1), "ratio": round(middle / commit_us, 2),
                   "bar": BAR_COMMITS, "pass": middle <= BAR_COMMITS * commit_us, "runs": RUNS,
                   "bare_call_us": round(statistics.median(bare), 1)}
            used = statistics.median(cpu)
            yield {"id": "P2", "name": f"CPU of the gateway for a call ({what})",
                   "value": round(used, 1), "unit": "us", "baseline_name": "the bar",
                   "baseline": BAR_CPU_US, "ratio": round(used / BAR_CPU_US, 2),
                   "bar": BAR_CPU_US, "pass": used <= BAR_CPU_US, "runs": RUNS,
                   "one_at_a_time_us": round(statistics.median(cpu_alone), 1)}
