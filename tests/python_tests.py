#!/usr/bin/env python3
"""Runs a unittest module: python_tests.py NAME DIRECTORY MODULE

With GTEST_OUTPUT=xml:<directory>/ set, as for GoogleTest's binaries, it leaves the same kind of
report there, as NAME.xml, one testcase each. The project's root is importable.
"""

import os
import sys
import time
import unittest
import xml.etree.ElementTree as ElementTree


class Recorder(unittest.TextTestResult):
    """Keeps each test's time and, if it did not pass, why."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cases = []

    def startTest(self, test):  # noqa: N802 (unittest's spelling)
        self.began = time.monotonic()
        super().startTest(test)

    def stopTest(self, test):  # noqa: N802
        def said(of):
            return "\n".join(text for case, text in of
                             if case is test or getattr(case, "test_case", None) is test)

        self.cases.append((test, time.monotonic() - self.began, said(self.failures + self.errors),
                           said(self.skipped)))
        super().stopTest(test)

    def all_cases(self):
        """With what was skipped before it began, as by setUpClass."""
        known = [case[0] for case in self.cases]
        return self.cases + [(test, 0, "", why) for test, why in self.skipped
                             if getattr(test, "test_case", test) not in known]


def report(cases, path):
    suites = ElementTree.Element("testsuites", tests=str(len(cases)))
    for test, seconds, broken, skipped in cases:
        suite_name, case_name = test.id().rsplit(".", 1)
        case = ElementTree.SubElement(suites, "testcase", name=case_name, classname=suite_name,
                                      time=f"{seconds:.3f}", status="run")
        if broken:
            ElementTree.SubElement(case, "failure", message=broken)
        elif skipped:
            ElementTree.SubElement(case, "skipped", message=skipped)
    ElementTree.ElementTree(suites).write(path, encoding="utf-8")


def main():
    name, directory, module = sys.argv[1:]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:0] = [directory, root]
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    result = unittest.TextTestRunner(resultclass=Recorder, verbosity=2).run(suite)
    where = os.environ.get("GTEST_OUTPUT", "")
    if where.startswith("xml:") and where.endswith("/"):
        os.makedirs(where[4:], exist_ok=True)
        report(result.all_cases(), os.path.join(where[4:], f"{name}.xml"))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)


if __name__ == "__main__":
    main()
