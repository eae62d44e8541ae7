"""Each question that people are asked, from an order in PeopleSoft to a label at UPS."""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import review_addresses  # noqa: E402
import review_goods  # noqa: E402
import review_labels  # noqa: E402
import review_office  # noqa: E402
import review_rules  # noqa: E402

PROTO = ROOT / "protos/psups/shipments/v1/review_service.proto"


def reasons_of_the_proto() -> set[str]:
    inside = re.search(r"enum Reason \{(.*?)\n  \}", PROTO.read_text(), re.DOTALL).group(1)
    return set(re.findall(r"^ +([A-Z_]+) = [1-9]", inside, re.MULTILINE))


class Reviews(review_addresses.AddressCases, review_goods.GoodsCases, review_rules.RuleCases,
              review_labels.LabelCases, review_office.ReviewCases):
    @classmethod
    def setUpClass(cls):
        cls.office = review_office.Office("e2e-reviews")
        cls.addClassCleanup(cls.office.close)
        cls.office.open()
        review_rules.set_rules(cls.office)
        cls.begun = {}
        for name, test in cls.cases():
            begun = test.steps(cls(name))
            cls.begun[name] = begun, next(begun)

    @classmethod
    def cases(cls):
        found = ((name, getattr(cls, name)) for name in dir(cls))
        return [(name, test) for name, test in found if hasattr(test, "steps")]

    def test_no_reason_of_the_proto_is_without_a_case(self):
        reasons = reasons_of_the_proto()
        self.assertGreater(len(reasons), 30)
        self.assertEqual({test.reason for _, test in self.cases()}, reasons)


if __name__ == "__main__":
    unittest.main()
