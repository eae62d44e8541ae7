"""A real Prometheus watches the real services: what dashboards and alerts ask is answered."""

import subprocess
import sys
import time
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "harness")]

import watching  # noqa: E402
from deploy.local.layout import CONNECTIONS, SERVICES, write_private  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from prometheus import Prometheus  # noqa: E402
from running.job import Job  # noqa: E402

NAME = "monitoring"
ORDERS = 40
# In several waves: what happens between two scrapes only is a number that was there, and no rate.
WAVE = {"wave": 6, "wave_seconds": 2.0}
SECONDS = 120  # at most, for all the work and all that is asked; half a minute is usual
ALERT_SECONDS = 15
# The ledger's head is signed while the test looks; who is refused is called again at once.
SETTINGS = {"audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"}}
# Where a healthy run has nothing to show: `where` of watching.Asked, and why. At most two.
EXPECTED_EMPTY: dict[str, str] = {}


def wait_for(what, seconds: float):
    """What `what` returns once that is true, or at last."""
    deadline = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


class Monitoring(unittest.TestCase):
    """One run for all: the tests look at it by name, the last one breaks it."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack(NAME, settings=SETTINGS)
        cls.stack.remove()
        cls.addClassCleanup(cls.stack.remove)
        cls.stack.start()
        cls.prometheus = Prometheus(cls.stack.home)
        cls.addClassCleanup(cls.prometheus.process.stop)
        cls.prometheus.start(cls.stack)
        job = Job(cls.stack, watching.ROOT / "build" / NAME, orders=ORDERS, **WAVE)
        job.connect()
        cls.asked = (watching.of_panels() + watching.of_rules() + watching.of_sentences())
        cls.unanswered = [one for one in cls.asked if one.where not in EXPECTED_EMPTY]
        cls.seen_alerts: list[dict] = []
        deadline = time.monotonic() + SECONDS
        while True:
            job.step()
            cls.unanswered = [one for one in cls.unanswered if not cls.numbers(one)]
            cls.seen_alerts += cls.prometheus.alerts()
            cls.settled = job.settled()
            if cls.settled and not cls.unanswered or time.monotonic() > deadline:
                break
            time.sleep(0.3)  # looking must not take the machine from those who work

    @classmethod
    def numbers(cls, one: watching.Asked) -> list[str]:
        """What it is answered with; NaN is no number, a panel of those shows nothing."""
        values = cls.prometheus.samples(watching.filled(one.expression))
        return [value for value in values if value != "NaN"]

    def test_1_every_service_is_scraped(self):
        targets = self.prometheus.get("targets")["activeTargets"]
        self.assertEqual({t["labels"]["service"] for t in targets}, set(SERVICES))
        self.assertEqual({t["labels"]["job"] for t in targets}, {"psups"})
        for target in targets:
            self.assertEqual(target["health"], "up", target["lastError"])

    def test_2_every_orders_work_was_done_meanwhile(self):
        self.assertTrue(self.settled, f"not within {SECONDS} s")

    def test_2_figures_are_those_that_others_count(self):
        """Gauges come every few seconds: until they are there."""
        psupsctl, metric = self.stack.psupsctl, self.metric
        token = psupsctl.json("token", "status", "demo")
        used, limit = int(token["requests_used"]), int(token["requests_limit"])
        wanted = {
            "psups_purchases_total{outcome=done}": len(self.stack.ups.admin.truth()["shipments"]),
            "psups_orders": len(psupsctl.list("order")),
            "psups_reviews_open": len(psupsctl.list("review", "--state", "open")),
            "psups_ps_connections{state=ACTIVE}": len(CONNECTIONS),
            "psups_ups_token_budget_used": used,
            "psups_ups_token_budget_left": limit - used,
            "psups_audit_outbox_pending": 0,
        }
        deadline = time.monotonic() + SECONDS
        while (found := {name: metric(name) for name in wanted}) != wanted:
            if time.monotonic() > deadline:
                break
            time.sleep(0.3)
        self.assertEqual(found, wanted)
        self.assertGreater(metric("psups_ps_write_back_lag_seconds_count"), 0)
        self.assertEqual(metric("psups_log_tree_size"), metric("psups_log_checkpoint_size"))

    def metric(self, name: str) -> float:
        """Over all services and labels but the one that is named."""
        name, _, label = name.partition("{")
        total = 0.0
        for service in self.stack.services.values():
            for line in service.metrics().splitlines():
                series, _, value = line.rpartition(" ")
                if (series.partition("{")[0] == name
                        and label.rstrip("}") in series.replace('"', "")):
                    total += float(value)
        return total

    def test_3_every_panel_and_rule_has_an_answer(self):
        self.assertEqual([f"{one.where}: {one.expression}" for one in self.unanswered], [])

    def test_4_what_is_expected_to_be_empty_is_so_and_is_little(self):
        self.assertLessEqual(len(EXPECTED_EMPTY), 2)
        empty = {one.where: one for one in self.asked if one.where in EXPECTED_EMPTY}
        self.assertEqual(set(empty), set(EXPECTED_EMPTY))
        for where, one in empty.items():
            self.assertEqual(self.numbers(one), [], where)

    def test_5_promtool_finds_nothing_to_mend_in_what_a_service_shows(self):
        for service in self.stack.services.values():
            with self.subTest(service=service.name):
                body = service.metrics()
                self.assertIn("psups_serving 1", body)  # of nothing promtool finds nothing
                said = subprocess.run(["promtool", "check", "metrics"], input=body,
                                      capture_output=True, text=True, check=False)
                self.assertEqual((said.returncode, said.stdout + said.stderr), (0, ""))

    def test_6_the_rules_are_loaded_and_well_and_nothing_is_alarming(self):
        groups = self.prometheus.get("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertEqual({rule["name"] for rule in rules}, {r["alert"] for r in watching.rules()})
        for rule in rules:
            self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None), rule["name"])
        # Not even pending: the time that an alert waits is longer than this run.
        self.assertEqual(self.seen_alerts, [])

    def test_7_a_password_that_peoplesoft_refuses_raises_the_alert_in_words_that_help(self):
        wrong = write_private(self.stack.home / "secrets" / "wrong.password", "not the password")
        self.stack.psupsctl.run("connection", "update", "c1", "--password-file", wrong)
        raised = wait_for(self.prometheus.alerts, ALERT_SECONDS)
        self.assertEqual([alert["labels"]["alertname"] for alert in raised],
                         ["PsupsPeoplesoftStopped"])
        self.assertIn("1 connection(s) are STOPPED.", raised[0]["annotations"]["description"])


if __name__ == "__main__":
    unittest.main()
