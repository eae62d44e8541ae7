"""A year of ps-ingest under moved time, judged by what the site saw: see ingest_year.py.

Small here, the days around the two changes of the clock; `make soak` runs it whole.
"""

import json
import os
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from ingest_year import FAULTS, IngestYear, Plan  # noqa: E402
from year_judge import Judge, gaps_of, moment  # noqa: E402


def setting(name: str, default: str) -> str:
    return os.environ.get(f"SOAK_YEAR_{name}", default)


PLAN = Plan(
    documents=int(setting("DOCUMENTS", "600")), days_around=float(setting("DAYS_AROUND", "1")),
    stride_hours=tuple(map(float, setting("STRIDE_HOURS", "2-5").split("-"))),
    kills=int(setting("KILLS", "4")), faults=int(setting("FAULTS", "1")),
    outages=int(setting("OUTAGES", "1")), bursts=int(setting("BURSTS", "1")),
    seed=int(setting("SEED", "1")))
ENOUGH_NEAR_A_CHANGE = 50


class Covering(unittest.TestCase):
    def test_a_gap_is_what_no_window_reaches_over(self):
        windows = [("2027-01-01T00:00:00", "2027-01-01T06:00:00", 2e9),
                   ("2027-01-01T05:30:00", "2027-01-01T08:00:00", 2e9),
                   ("2027-01-01T08:00:01", "2027-01-01T09:00:00", 2e9)]
        begin, end = moment("2027-01-01T01:00:00"), moment("2027-01-01T10:00:00")
        self.assertEqual(gaps_of(windows, begin, end), [
            ("2027-01-01T08:00:00-05:00", "2027-01-01T08:00:01"),
            ("2027-01-01T09:00:00-05:00", "the end")])


class Years(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        print(PLAN)
        begun = time.monotonic()
        with IngestYear("e2e-ingest-year", PLAN) as year:
            year.run()
            cls.judge = Judge(year)
        cls.summary = cls.judge.summary(time.monotonic() - begun)
        print(json.dumps(cls.summary, indent=1))
        folder = year.results()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "ingest_year.json").write_text(json.dumps(cls.summary, indent=1) + "\n")

    def test_all_that_was_planned_happened(self):
        summary = self.summary
        self.assertGreaterEqual(summary["documents"], PLAN.documents)
        self.assertEqual(summary["kills"], PLAN.kills)
        for kind in FAULTS:
            self.assertGreaterEqual(summary["faults"][kind], PLAN.faults, kind)
        self.assertGreaterEqual(summary["back_dated"], 0.05 * summary["documents"])
        for change in ("dst_spring", "dst_autumn"):
            self.assertGreaterEqual(summary[change], ENOUGH_NEAR_A_CHANGE, change)
        self.assertGreater(summary["behind_the_overlap"], 0)
        self.assertGreater(summary["downtime_hours"], 0)
        self.assertGreater(summary["windows_cut"], 0)

    def test_no_document_and_no_version_that_stood_is_missed(self):
        self.assertEqual(self.judge.missed()[:5], [])

    def test_no_document_and_no_content_is_stored_twice(self):
        self.assertEqual(self.judge.doubles()[:5], [])

    def test_windows_tell_the_rows_that_the_site_answered(self):
        wrong, untold = self.judge.unreconciled()
        self.assertEqual(wrong[:5], [])
        self.assertLessEqual(len(untold), PLAN.kills, untold[:5])

    def test_the_ledger_knows_each_call_but_those_of_runs_that_were_killed(self):
        self.assertEqual(self.judge.unclean_starts, PLAN.kills)
        self.assertLessEqual(len(self.judge.unrecorded()), PLAN.kills)

    def test_polls_leave_no_gap(self):
        self.assertEqual(self.judge.gaps(), {"PO": [], "REQ": []})

    def test_nothing_is_read_in_quiet_hours(self):
        self.assertEqual(self.judge.quiet_reads()[:5], [])

    def test_no_read_reaches_nearer_to_the_sites_clock_than_the_lag(self):
        self.assertEqual(self.judge.too_fresh()[:5], [])

    def test_one_read_of_a_user_is_in_flight(self):
        self.assertEqual(self.judge.together(), [])

    def test_sweeps_and_backfills_came_to_their_ends(self):
        self.assertGreater(self.summary["windows_by_purpose"]["SWEEP"], 0)
        self.assertGreater(self.summary["windows_by_purpose"]["BACKFILL"], 0)
        self.assertEqual(self.judge.backfills, [["f"], ["f"]])

    def test_the_connection_was_never_stopped(self):
        self.assertEqual(self.judge.states, [["OBSERVE"]])


if __name__ == "__main__":
    unittest.main()
