#!/usr/bin/env python3
"""Adds up a test run: report.py build/test-results

Reads ctest.xml and, for each test that left one, cases/<test>.xml; writes junit.xml with one
testcase per case; prints what failed or was skipped and, last, "N passed, N failed". What was skipped
counts as failed: nobody saw it work. Exit 1 if any failed.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def outcome(case):
    """What became of a testcase of GoogleTest's, of python_tests.py's or of ctest's."""
    if case.find("failure") is not None or case.get("status") == "fail":
        return FAILED
    ran = case.get("status") not in ("notrun", "disabled")
    return PASSED if ran and case.find("skipped") is None else SKIPPED


def cases_of(test, directory):
    """(name, outcome) of each case of one ctest test."""
    name = test.get("name")
    reports = sorted(directory.glob(f"{name}.xml")) + sorted(directory.glob(f"{name}_[0-9]*.xml"))
    found = []
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            found.append((f"{case.get('classname')}.{case.get('name')}", outcome(case)))
    if outcome(test) == FAILED and not any(each == FAILED for _, each in found):
        found.append((f"{name} (ended badly)", FAILED))
    return found or [(name, outcome(test))]


def main():
    directory = Path(sys.argv[1])
    suites = ElementTree.Element("testsuites")
    passed, broken = 0, []
    for test in ElementTree.parse(directory / "ctest.xml").iter("testcase"):
        suite = ElementTree.SubElement(suites, "testsuite", name=test.get("name"),
                                       time=test.get("time", "0"))
        for name, became in cases_of(test, directory / "cases"):
            case = ElementTree.SubElement(suite, "testcase", name=name,
                                          classname=test.get("name"))
            if became == PASSED:
                passed += 1
                continue
            ElementTree.SubElement(case, "failure" if became == FAILED else "skipped",
                                   message=became)
            broken.append(f"{became.upper()} {test.get('name')}: {name}")
    ElementTree.ElementTree(suites).write(directory / "junit.xml", encoding="utf-8")
    for line in broken:
        print(line)
    print(f"{passed} passed, {len(broken)} failed")
    sys.exit(1 if broken or not passed else 0)


if __name__ == "__main__":
    main()
