"""What the services declare as metrics, and the page that lists it."""

import re
import unittest

import metrics_page

UNBOUNDED = re.compile(r"(^|_)(id|name|order|shipment|account|connection|number|url|host)($|_)")


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.declared = metrics_page.declared()
        cls.all = [metric for metrics in cls.declared.values() for metric in metrics]

    def test_the_page_is_what_the_programs_declare(self):
        self.assertEqual(metrics_page.PAGE.read_text(), metrics_page.page(self.declared),
                         "run tests/checks/metrics_page.py --write")

    def test_names_follow_prometheus_conventions(self):
        for metric in self.all:
            name = metric["name"]
            self.assertRegex(name, r"^psups_[a-z]+(_[a-z]+)*$")
            self.assertEqual(metric["type"] == "counter", name.endswith("_total"), name)
            if metric["type"] == "histogram":
                self.assertTrue(name.endswith("_seconds"), name)

    def test_no_label_has_values_without_end(self):
        for metric in self.all:
            for label in metric["labels"]:
                self.assertNotRegex(label, UNBOUNDED, metric["name"])

    def test_help_is_a_sentence(self):
        for metric in self.all:
            self.assertRegex(metric["help"], r"^[A-Z1].{10,}\.$", metric["name"])

    def test_a_name_means_the_same_in_every_service(self):
        known = {}
        for metric in self.all:
            self.assertEqual(known.setdefault(metric["name"], metric), metric)


if __name__ == "__main__":
    unittest.main()
