"""What the last line of a test run, and a kept promise, are worth."""

import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CTEST = """<testsuite>
  <testcase name="good" status="run"/>
  <testcase name="bad" status="fail"><failure/></testcase>
  <testcase name="off" status="disabled"><skipped/></testcase>
  <testcase name="cpp" status="run"/>
</testsuite>"""
CASES = """<testsuites><testsuite>
  <testcase classname="A" name="Runs" status="run" result="completed"/>
  <testcase classname="A" name="Skips" status="run" result="skipped"><skipped message="no"/></testcase>
  <testcase classname="A" name="DISABLED_Is" status="notrun" result="suppressed"/>
</testsuite></testsuites>"""
SKIPPING = """import unittest
class One(unittest.TestCase):
    def test_runs(self): pass
    def test_skips(self): self.skipTest("no")
class Two(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise unittest.SkipTest("no")
    def test_never_begins(self): pass
"""


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.home = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.home / "cases").mkdir()
        (self.home / "ctest.xml").write_text(CTEST)
        (self.home / "cases" / "cpp.xml").write_text(CASES)

    def report(self):
        return subprocess.run([sys.executable, ROOT / "tests" / "report.py", self.home],
                              capture_output=True, text=True, check=False)

    def accept(self):
        """The module of `make accept`, looking at this report."""
        loader = importlib.machinery.SourceFileLoader("accept",
                                                      str(ROOT / "tests" / "checks" / "accept"))
        module = importlib.util.module_from_spec(importlib.util.spec_from_loader("accept", loader))
        loader.exec_module(module)
        module.REPORT = self.home / "junit.xml"
        module.MORE = self.home / "ci-more.xml"
        return module

    def test_what_was_skipped_is_printed_and_counts_as_failed(self):
        done = self.report()
        self.assertEqual(done.stdout.splitlines(), [
            "FAILED bad: bad (ended badly)", "SKIPPED off: off", "SKIPPED cpp: A.Skips",
            "SKIPPED cpp: A.DISABLED_Is", "2 passed, 4 failed"])
        self.assertEqual(done.returncode, 1)

    def test_a_run_without_a_skip_and_a_failure_passes(self):
        (self.home / "ctest.xml").write_text(
            '<testsuite><testcase name="good" status="run"/></testsuite>')
        done = self.report()
        self.assertEqual((done.stdout, done.returncode), ("1 passed, 0 failed\n", 0))

    def test_a_promise_is_not_kept_by_a_test_that_was_skipped(self):
        self.report()
        self.assertEqual(self.accept().outcomes(), {
            "good": "green", "good: good": "green", "bad": "red", "bad: bad (ended badly)": "red",
            "off": "skipped", "off: off": "skipped", "cpp": "skipped", "cpp: A.Runs": "green",
            "cpp: A.Skips": "skipped", "cpp: A.DISABLED_Is": "skipped"})

    def test_what_ci_more_ran_counts_as_well(self):
        self.report()
        (self.home / "ci-more.xml").write_text(
            '<testsuites><testsuite name="ci-more"><testcase name="fuzz"><failure/></testcase>'
            '<testcase name="conformance"/></testsuite></testsuites>')
        known = self.accept().outcomes()
        self.assertEqual((known["ci-more: fuzz"], known["ci-more: conformance"]), ("red", "green"))

    def test_a_python_test_that_skips_says_so_even_if_it_never_began(self):
        (self.home / "test_some.py").write_text(SKIPPING)
        (self.home / "ctest.xml").write_text(
            '<testsuite><testcase name="some" status="run"/></testsuite>')
        subprocess.run([sys.executable, ROOT / "tests" / "python_tests.py", "some", self.home,
                        "test_some"], capture_output=True, check=True,
                       env=os.environ | {"GTEST_OUTPUT": f"xml:{self.home}/cases/"})
        said = self.report().stdout.splitlines()
        self.assertIn("SKIPPED some: test_some.One.test_skips", said)
        self.assertEqual(said[-1], "1 passed, 2 failed")


if __name__ == "__main__":
    unittest.main()
