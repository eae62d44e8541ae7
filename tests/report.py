#!/usr/bin/env python3
"""Adds up a test run: report.py build/test-results

Reads ctest.xml and, for each test that left one, cases/<test>.xml; writes junit.xml with one
testcase per case; prints what failed and, last, "N passed, N failed". Exit 1 if any failed.
"""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def cases_of(test, directory):
    """(name, failed) of each case of one ctest test."""
    name, failed = test.get("name"), test.find("failure") is not None
    failed = failed or test.get("status") == "fail"
    reports = sorted(directory.glob(f"{name}.xml")) + sorted(directory.glob(f"{name}_[0-9]*.xml"))
    found = []
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):
            if case.get("status") == "notrun" or case.get("result") == "suppressed":
                continue
            found.append((f"{case.get('classname')}.{case.get('name')}",
                          case.find("failure") is not None))
    if failed and not any(broken for _, broken in found):
        found.append((f"{name} (ended badly)", True))
    return found or [(name, failed)]


def main():
    directory = Path(sys.argv[1])
    tests = [test for test in ElementTree.parse(directory / "ctest.xml").iter("testcase")
             if test.get("status") != "disabled"]
    suites = ElementTree.Element("testsuites")
    passed, failed = 0, []
    for test in tests:
        suite = ElementTree.SubElement(suites, "testsuite", name=test.get("name"),
                                       time=test.get("time", "0"))
        for name, broken in cases_of(test, directory / "cases"):
            case = ElementTree.SubElement(suite, "testcase", name=name,
                                          classname=test.get("name"))
            if broken:
                ElementTree.SubElement(case, "failure", message="failed")
                failed.append(f"{test.get('name')}: {name}")
            else:
                passed += 1
    ElementTree.ElementTree(suites).write(directory / "junit.xml", encoding="utf-8")
    for name in failed:
        print(f"FAILED {name}")
    print(f"{passed} passed, {len(failed)} failed")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
