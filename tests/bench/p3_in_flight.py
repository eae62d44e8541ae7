"""P3: a thousand calls in flight, each of which takes UPS half a second, through one gateway.

The baseline is the ideal: as many calls as the delay allows.
"""

import os
import statistics

from gateway_load import gateway, load
from measure import peak_rss_mb

IN_FLIGHT, DELAY_MS = 1000, 500
CALLS = int(os.environ.get("BENCH_CALLS", "20000"))
RUNS = int(os.environ.get("BENCH_RUNS", "1"))
IDEAL = IN_FLIGHT * 1000 / DELAY_MS
BAR, BAR_MB = 0.9, 200


def run():
    rates, memory, cpu = [], [], []
    for n in range(RUNS):
        with gateway("bench-p3") as stack:
            stack.ups.admin.post("/admin/faults", {"add": [
                {"id": "slow", "route": "xav", "kind": "slow", "delay_ms": DELAY_MS}]})
            done = load(stack, "gateway", "validate", CALLS, IN_FLIGHT, 2 * IN_FLIGHT, f"r{n}")
            rates.append(done.calls / done.seconds)
            cpu.append(done.cpu_us)
            memory.append(peak_rss_mb(stack.services["ups-gateway"].process.pid()))
    rate, rss = statistics.median(rates), max(memory)
    yield {"id": "P3", "name": f"{IN_FLIGHT} calls in flight at {DELAY_MS} ms each",
           "value": round(rate, 1), "unit": "calls/s", "baseline_name": "ideal", "baseline": IDEAL,
           "ratio": round(rate / IDEAL, 3), "bar": BAR, "pass": rate >= BAR * IDEAL, "runs": RUNS,
           "gateway_cpu_us_per_call": round(statistics.median(cpu), 1)}
    yield {"id": "P3", "name": f"RSS with {IN_FLIGHT} calls in flight, most", "value": round(rss, 1),
           "unit": "MB", "baseline_name": "the bar", "baseline": BAR_MB,
           "ratio": round(rss / BAR_MB, 2), "bar": BAR_MB, "pass": rss <= BAR_MB, "runs": RUNS}
