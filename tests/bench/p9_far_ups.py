"""P9: P1 with a UPS that takes 300 ms to answer each call, by one replica of each service.

The baseline is P1 itself, measured just before: what a far UPS may cost is only time in flight.
"""

import os
import statistics

from p1_whole_job import boundless, once

DELAY_MS = 300
RUNS = int(os.environ.get("BENCH_RUNS", "1"))
BAR = 0.5


def run():
    with boundless():
        pairs = [(once(), once(DELAY_MS)) for _ in range(RUNS)]
    near, far = (statistics.median(pair[n]["orders_per_second"] for pair in pairs) for n in (0, 1))
    yield {"id": "P9", "name": f"P1 with {DELAY_MS} ms for each call to UPS",
           "value": round(far, 1), "unit": "orders/s", "baseline_name": "P1",
           "baseline": round(near, 1), "ratio": round(far / near, 3), "bar": BAR,
           "pass": far >= BAR * near, "runs": RUNS, "by_service": pairs[-1][1]["by_service"]}
