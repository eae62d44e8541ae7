"""CARTON: what it takes to pack 10,000 units into boxes of five sizes."""

import json
import subprocess

from deploy.local.layout import BINARIES

BAR_SECONDS = 1.0


def run():
    done = subprocess.run(
        [BINARIES / "cartonization", "--benchmark_format=json", "--benchmark_repetitions=5",
         "--benchmark_report_aggregates_only=true"], capture_output=True, text=True, check=True)
    median = {row["run_name"]: row for row in json.loads(done.stdout)["benchmarks"]
              if row["aggregate_name"] == "median"}
    for schedules in (40, 1000):
        packed = median[f"PackBoxes/{schedules}"]
        plain = median[f"FirstFitDecreasing/{schedules}"]
        took = packed["real_time"]
        yield {"id": "CARTON", "name": f"10,000 units in {schedules} schedules into boxes",
               "value": round(took, 3), "unit": "s",
               "baseline_name": "first-fit-decreasing alone",
               "baseline": round(plain["real_time"], 3),
               "ratio": round(took / plain["real_time"], 2),
               "bar": BAR_SECONDS, "pass": took <= BAR_SECONDS, "runs": 5,
               "packages": round(packed["packages"]),
               "baseline_packages": round(plain["packages"])}
