"""Dashboards and alerts by themselves: promtool takes them, what they name exists, each helps."""

import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent))

import watching  # noqa: E402
from deploy.local.layout import BINARIES, SERVICES  # noqa: E402
from watching import ALERTS, ALERTS_TEST, CONFIG, ROOT, RUNBOOKS  # noqa: E402

URL = "https://docs.example.com/psups/runbooks/"
FROM_SCRAPING = {"service", "instance", "job", "le"}
HISTOGRAM = re.compile(r"_(bucket|sum|count)$")
# As a person reads it, a command is in backquotes, or a line of a console block.
COMMAND = re.compile(r"(?:`|\$ (?:build/bin/)?)(psupsctl [^`\n]+)")


def promtool(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True,
                          check=False)


def declared() -> dict[str, dict]:
    """All metrics of the five services, by name, as the binaries say."""
    metrics = {}
    for service in SERVICES:
        said = subprocess.run([BINARIES / service, "--metrics"], capture_output=True, text=True,
                              check=True).stdout
        metrics |= {metric["name"]: metric for metric in json.loads(said)}
    return metrics


def kebab(alert: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"-\1", alert.removeprefix("Psups")).lower()


class Rules(unittest.TestCase):
    def test_promtool_takes_the_configuration_and_the_rules(self):
        for arguments in (("check", "config", CONFIG), ("check", "rules", ALERTS)):
            said = promtool(*arguments)
            self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
        self.assertIn("5 rules found", said.stdout)

    def test_each_alert_fires_and_is_silent_where_its_tests_say(self):
        said = promtool("test", "rules", ALERTS_TEST)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def test_each_alert_has_a_case_that_fires_and_one_that_does_not(self):
        fires, silent = set(), set()
        for test in yaml.safe_load(ALERTS_TEST.read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                (fires if case.get("exp_alerts") else silent).add(case["alertname"])
        names = {rule["alert"] for rule in watching.rules()}
        self.assertEqual((fires, silent), (names, names))

    def test_each_alert_says_how_urgent_it_is_and_what_to_do(self):
        for rule in watching.rules():
            with self.subTest(alert=rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("page", "ticket"))
                self.assertRegex(rule["for"], r"^\d+m$")
                self.assertEqual(set(rule["annotations"]),
                                 {"summary", "description", "runbook_url"})
                self.assertRegex(rule["annotations"]["description"], COMMAND)

    def test_each_alert_has_its_page_and_each_page_its_alert(self):
        pages = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in watching.rules()}
        self.assertEqual(pages, {alert: f"{URL}{kebab(alert)}.md" for alert in pages})
        self.assertEqual({path.name for path in RUNBOOKS.glob("*.md")},
                         {url.removeprefix(URL) for url in pages.values()})

    def test_each_page_tells_meaning_effect_look_act_and_end(self):
        for path in RUNBOOKS.glob("*.md"):
            heads = re.findall(r"^## (.*)$", path.read_text(), re.MULTILINE)
            self.assertEqual(heads, ["What it means", "What the customer sees", "Look", "Act",
                                     "When it is over"], path.name)


class Dashboards(unittest.TestCase):
    def test_a_stranger_understands_each_panel(self):
        for where, panel in watching.panels():
            with self.subTest(panel=where):
                self.assertTrue(panel["title"])
                self.assertGreater(len(panel["description"]), 40)
                self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                self.assertTrue(all(target["legendFormat"] for target in panel["targets"]))

    def test_each_asks_the_data_source_that_the_reader_chose(self):
        for where, panel in watching.panels():
            for asking in (panel, *panel["targets"]):
                self.assertEqual(asking["datasource"],
                                 {"type": "prometheus", "uid": "${datasource}"}, where)

    def test_no_two_panels_lie_on_each_other(self):
        for name, dashboard in watching.dashboards().items():
            taken = {}
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])
                for spot in ((place["x"] + x, place["y"] + y)
                             for x in range(place["w"]) for y in range(place["h"])):
                    self.assertIsNone(taken.get(spot), f"{name}, {panel['title']}")
                    taken[spot] = panel["title"]

    def test_links_and_uids_are_those_of_the_files(self):
        uids = {d["uid"] for d in watching.dashboards().values()}
        self.assertEqual(uids, {"psups-overview", "psups-services"})
        for dashboard in watching.dashboards().values():
            for link in dashboard["links"]:
                self.assertIn(link["url"].removeprefix("/d/"), uids)


PROMETHEUS_OWN = {"up": {"type": "gauge", "labels": []}}


class Names(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.declared = declared() | PROMETHEUS_OWN

    def metric(self, name: str) -> dict | None:
        """What is declared of it; of a histogram's _bucket, _sum and _count too."""
        base = HISTOGRAM.sub("", name)
        if self.declared.get(base, {}).get("type") == "histogram" and base != name:
            return self.declared[base]
        found = self.declared.get(name)
        return None if found is None or found["type"] == "histogram" else found

    def test_each_metric_that_is_asked_for_is_declared_with_the_labels_that_are_asked_for(self):
        asked = watching.of_panels() + watching.of_rules() + watching.of_sentences()
        self.assertGreater(len(asked), 60)
        for one in asked:
            with self.subTest(where=one.where, expression=one.expression):
                metrics, selected, grouped = watching.names_in(one.expression)
                self.assertTrue(metrics)
                labels = {name: (self.metric(name) or {"labels": []})["labels"] for name in metrics}
                self.assertEqual({name for name in metrics if self.metric(name) is None}, set())
                self.assertEqual({(name, label) for name, label in selected
                                  if label not in FROM_SCRAPING | set(labels[name])}, set())
                self.assertLessEqual(grouped, FROM_SCRAPING.union(*labels.values()))

    def test_counters_are_asked_for_their_increase_and_gauges_never_summed_over_replicas(self):
        for one in watching.of_panels() + watching.of_rules():
            for name in watching.names_in(one.expression)[0]:
                kind = (self.metric(name) or {"type": ""})["type"]
                rated = re.search(rf"(rate|increase)\({name}\b", one.expression) is not None
                self.assertEqual(rated, kind in ("counter", "histogram"), f"{one.where}: {name}")
                if kind == "gauge" and name not in PER_REPLICA:
                    self.assertNotRegex(one.expression, rf"sum( by \([\w, ]*\))? ?\({name}\b",
                                        one.where)


# What each replica knows of itself alone.
PER_REPLICA = {"psups_serving", "psups_build_info", "psups_ups_flow_waiting"}


class Commands(unittest.TestCase):
    def test_each_command_that_a_page_an_alert_or_a_panel_names_exists(self):
        texts = [path.read_text() for path in (*RUNBOOKS.glob("*.md"), ROOT / "docs/monitoring.md")]
        texts += [text for rule in watching.rules() for text in rule["annotations"].values()]
        commands = {command for text in texts for command in COMMAND.findall(text)}
        self.assertGreater(len(commands), 10)
        for command in commands:
            with self.subTest(command=command):
                words = [w for w in command.split()[1:3] if re.fullmatch(r"[a-z]+", w)]
                said = subprocess.run([BINARIES / "psupsctl", *words, "--help"],
                                      capture_output=True, text=True, check=False)
                self.assertEqual(said.returncode, 0, said.stderr)
                for option in re.findall(r" (--[a-z-]+)", command):
                    self.assertIn(option, said.stdout)


if __name__ == "__main__":
    unittest.main()
