"""P6: an incremental poll against a million orders of history; PARSE: documents read in a second;
WRITEBACK: statuses written back in a second. ps-ingest's own code in one process with a PeopleSoft
site that answers at once, on a real PostgreSQL."""

import subprocess

from deploy.local.layout import BINARIES, ROOT

P6_BAR = 1.2
RUNS = {"poll": 15, "parse": 21, "write_back": 1}


def _measured() -> dict[str, float]:
    done = subprocess.run([ROOT / "tests" / "run_with_postgres", BINARIES / "ingest_rates",
                           "--gtest_brief=1"], capture_output=True, text=True, check=True)
    lines = (line.split() for line in done.stdout.splitlines())
    return {words[0]: float(words[1]) for words in lines
            if len(words) == 2 and words[1].replace(".", "").isdigit()}


def run():
    measured = _measured()
    few, many = measured["poll_against_10000"], measured["poll_against_1000000"]
    yield {"id": "P6", "name": "a poll that brings 200 changed orders, against 1,000,000 of history",
           "value": round(many * 1000, 1), "unit": "ms",
           "baseline_name": "the same poll against 10,000", "baseline": round(few * 1000, 1),
           "ratio": round(many / few, 3), "bar": P6_BAR, "pass": many / few <= P6_BAR,
           "runs": RUNS["poll"]}
    ours = measured["documents_parsed_per_second"]
    library = measured["documents_parsed_per_second_by_the_library"]
    yield {"id": "PARSE", "name": "documents of two lines, from bytes to judged", "value": ours,
           "unit": "documents/s", "baseline_name": "nlohmann's parse of the same bytes alone",
           "baseline": library, "ratio": round(ours / library, 3), "bar": None, "pass": None,
           "runs": RUNS["parse"]}
    yield {"id": "WRITEBACK", "name": "statuses written back, 100 to a call, one call at a time",
           "value": measured["write_backs_per_second"], "unit": "statuses/s",
           "baseline_name": "the same POSTs by a bare HTTP client",
           "baseline": measured["bare_posts_per_second"],
           "ratio": round(measured["write_backs_per_second"] / measured["bare_posts_per_second"], 3),
           "bar": None, "pass": None, "runs": RUNS["write_back"]}
