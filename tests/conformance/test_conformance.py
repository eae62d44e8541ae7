"""make conformance's own rules: what fails it. (The run itself is make conformance.)"""

import contextlib
import io
import re
import unittest

import cases
from allowances import ALLOWANCES
from verdicts import Report

SHORT_WEIGHT = {
    "method": "POST", "url": "/api/shipments/v2409/ship", "violations": [
        {"side": "response", "code": "minLength",
         "path": "body.ShipmentResponse.ShipmentResults.BillingWeight.Weight",
         "message": "Response body property must NOT have fewer than 8 characters"}]}


class ConformanceTest(unittest.TestCase):
    def setUp(self):
        self.report = Report([a for a in ALLOWANCES if "weight" in a.why])
        self.enterContext(contextlib.redirect_stdout(io.StringIO()))

    def test_a_violation_that_is_allowed_is_counted_and_no_problem(self):
        self.assertEqual(self.report.violations(SHORT_WEIGHT), [])
        self.report.say_allowances()
        self.assertEqual((self.report.passed, self.report.failed), (1, 0))

    def test_an_allowance_that_is_never_hit_fails_the_run(self):
        self.report.say_allowances()
        self.assertEqual((self.report.passed, self.report.failed), (0, 1))

    def test_any_other_violation_is_a_problem_that_says_where(self):
        violation = SHORT_WEIGHT["violations"][0]
        for change in ({"side": "request"}, {"path": "body.ShipmentResponse"},
                       {"message": "must be array"}):
            line = SHORT_WEIGHT | {"violations": [violation | change]}
            (problem,) = self.report.violations(line)
            self.assertIn((violation | change)["path"], problem)
        (problem,) = self.report.violations(SHORT_WEIGHT | {"url": "/api/shipments/v2409/void"})
        self.assertIn("POST /api/shipments/v2409/void", problem)
        self.report.say_allowances()
        self.assertEqual(self.report.failed, 1)

    def test_only_rows_8_10_and_11_are_allowed(self):
        self.assertEqual({allowance.row for allowance in ALLOWANCES}, {8, 10, 11})

    def test_every_operation_is_sent(self):
        sent = {case.operation for case in [
            *cases.validate("accounts/a"), *cases.quotes("accounts/a"),
            cases.create("accounts/a", "domestic, minimal"),
            *cases.about("accounts/a", cases.NUMBER, [cases.NUMBER], "R")]}
        self.assertEqual(sent | {"token"}, set(cases.OPERATIONS))
        for pattern in cases.OPERATIONS.values():
            re.compile(pattern)


if __name__ == "__main__":
    unittest.main()
