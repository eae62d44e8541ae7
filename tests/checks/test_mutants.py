"""What `make mutants` takes for a kill, and what it must have."""

import subprocess
import sys
import unittest
from pathlib import Path

MUTANTS = Path(__file__).resolve().parents[1] / "mutants"
sys.path.insert(0, str(MUTANTS))

import run as mutants  # noqa: E402

RED = """3: [ RUN      ] Store.ALeaseIsFenced
3: [  FAILED  ] Store.ALeaseIsFenced (12 ms)
3: [  FAILED  ] Contract/Store.Holds/1, where GetParam() = 1 (2 ms)
3: [  FAILED  ] 2 tests, listed below:
3: [  FAILED  ] Store.ALeaseIsFenced
"""
PYTHON_RED = """
FAIL: test_a_port (tests.chart.test_chart.ChartTest.test_a_port) [minimal] (of='psups-ps-ingest')
FAIL: test_a_port (tests.chart.test_chart.ChartTest.test_a_port) [sandbox] (of='psups-ps-ingest')
ERROR: test_another (tests.chart.test_chart.ChartTest.test_another)
"""


class MutantsTest(unittest.TestCase):
    def test_only_a_case_that_failed_by_name_kills(self):
        self.assertEqual(mutants.became(0, ""), mutants.GREEN)
        self.assertEqual(mutants.became(8, RED),
                         "red: Store.ALeaseIsFenced, Contract/Store.Holds/1")
        self.assertEqual(mutants.became(1, PYTHON_RED),
                         "red: tests.chart.test_chart.ChartTest.test_a_port")

    def test_a_crash_a_timeout_and_a_database_that_is_not_there_do_not(self):
        for output in ("3: [ RUN      ] Store.ALeaseIsFenced\n***Exception: SegFault",
                       "3: [ RUN      ] Store.ALeaseIsFenced\n***Timeout 300 sec",
                       "3: pg_ctl: could not start server",
                       "ERROR: test_a_port (tests.chart.test_chart.ChartTest.test_a_port)"):
            self.assertRegex(mutants.became(8, output), "^ended badly")

    def test_each_kind_that_the_issue_names_has_its_patches(self):
        self.assertEqual(mutants.missing({p.stem for p in MUTANTS.glob("*.patch")}), [])
        self.assertEqual(mutants.missing(set())[0], "dedupe off: no ps-ingest-dedupe-off.patch")

    def test_each_patch_fits_the_code(self):
        for patch in MUTANTS.glob("*.patch"):
            with self.subTest(patch.stem):
                done = subprocess.run(["git", "apply", "--check", patch], cwd=MUTANTS.parents[1],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
