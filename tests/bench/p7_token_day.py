"""P7: token requests in a day of tokens that live an hour, by a fleet whose processes are each restarted
every hour, under moved time. The day is the test's of the same name; what is counted is UPS's own log.
"""

import os

from token_day import LIMIT, TokenDay, most_in_a_day

GATEWAYS = int(os.environ.get("BENCH_GATEWAYS", "40"))
HOURS = int(os.environ.get("BENCH_HOURS", "27"))
BAR = 26


def run():
    with TokenDay("bench-p7", gateways=GATEWAYS, hours=HOURS, kills=2, seed=7,
                  step_seconds=(600, 1800)) as day:
        day.run()
        times = day.request_times("day")
        most, allowed = most_in_a_day(times), BAR + day.rotations + len(day.killed)
    yield {"id": "P7", "name": f"token requests in any 24 hours, {GATEWAYS} processes, most",
           "value": most, "unit": "requests", "baseline_name": "the limit", "baseline": LIMIT,
           "ratio": round(most / LIMIT, 3), "bar": allowed, "pass": most <= allowed, "runs": 1,
           "hours": HOURS, "restarts": day.restarts, "kills": len(day.killed),
           "rotations": day.rotations}
