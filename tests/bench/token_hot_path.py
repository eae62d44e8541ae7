"""TOKEN: what a call pays for its token when one is in memory."""

import json
import subprocess

from deploy.local.layout import BINARIES


def run():
    done = subprocess.run(
        [BINARIES / "token_hot_path", "--benchmark_format=json", "--benchmark_repetitions=5",
         "--benchmark_report_aggregates_only=true"], capture_output=True, text=True, check=True)
    median = {row["run_name"]: row["real_time"] for row in json.loads(done.stdout)["benchmarks"]
              if row["aggregate_name"] == "median"}
    clock = median["ReadClock"]
    for threads in (1, 4):
        took = median[f"GetToken/real_time/threads:{threads}"]
        yield {"id": "TOKEN", "name": f"a token out of memory, {threads} threads",
               "value": round(took, 1), "unit": "ns", "baseline_name": "reading the wall clock",
               "baseline": round(clock, 1), "ratio": round(took / clock, 2), "bar": None,
               "pass": None, "runs": 5}
