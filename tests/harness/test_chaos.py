"""What `make chaos` makes and counts beyond the demo."""

import copy
import unittest
from collections import Counter
from datetime import date
from random import Random
from types import SimpleNamespace
from unittest import mock

import generator
from judging import doubts, summary
from judging.fields import Label, document_key
from perfect_run import PerfectRun
from running import faults
from running.changes import Changes

SHARES = generator.SHARES | generator.MORE_CHANGES
FILES = generator.make(120, 1, date(2026, 11, 23), SHARES)


class ChangesTest(unittest.TestCase):
    def setUp(self):
        self.expected = FILES["expected.json"]
        self.posted = []
        site = SimpleNamespace(post=lambda _path, body: self.posted.extend(body["documents"]))
        self.changes = Changes(self.expected, {"c1": site, "c2": site})
        self.run_ = PerfectRun(copy.deepcopy(FILES)).evidence

    def orders(self, *scenarios):
        return [o for o in self.expected["orders"] if o["scenario"] in scenarios]

    def test_a_run_in_which_each_change_was_followed_is_a_good_one(self):
        counts, findings = summary.judge(self.run_)
        self.assertEqual(findings.lines, [])
        self.assertEqual(summary.broken_rules(counts, 120), [])

    def test_each_kind_of_change_is_there_as_often_as_planned(self):
        scenarios = Counter(o["scenario"] for o in self.expected["orders"] if o["change"])
        for kind, share in generator.MORE_CHANGES.items():
            self.assertEqual(scenarios[kind], share)

    def test_what_is_cancelled_or_held_ships_nothing_and_what_was_bought_for_it_is_void(self):
        for order in self.orders("cancelled_soon", "held_soon", "cancelled_after_label"):
            self.assertEqual(order["shipments"], [])
            self.assertEqual([s["outcome"] for s in order["change"]["labels_before"]], ["ship"])

    def test_what_changes_twice_may_have_had_a_label_for_each_of_both(self):
        for order in self.orders("changed_twice_soon"):
            self.assertEqual(len(order["change"]["documents"]), 2)
            self.assertEqual(len(order["change"]["labels_before"]), 2)

    def test_changes_come_in_turn_and_not_before_their_order(self):
        keys = {document_key(o) for o in self.orders("changed_twice_soon")}
        now = [0.0]
        with mock.patch("running.changes.time.monotonic", lambda: now[0]):
            self.changes.step({"shipments": []}, [], set())
            for _ in range(4):
                now[0] += 10
                self.changes.step({"shipments": []}, [], keys)
        batches = {}
        for document in self.posted:
            batches.setdefault((document["BUSINESS_UNIT"], document["PO_ID"]), []).append(
                document["CHNG_ORD_BATCH"])
        self.assertEqual(len(batches), len(keys))
        self.assertEqual(list(batches.values()), [[1, 2]] * len(keys))

    def test_a_label_of_another_connections_order_of_the_same_number_is_not_held(self):
        changed = self.orders("changed_soon")[0]
        twin = next(o for o in self.expected["orders"] if o["scenario"] == "plain") | {
            key: changed[key] for key in ("doc_type", "business_unit", "doc_id")} | {
            "connection": "c2" if changed["connection"] == "c1" else "c1"}
        expected = self.expected | {"orders": [changed, twin]}
        label = Label(PerfectRun(FILES | {"expected.json": expected}).evidence.ups["shipments"][-1])
        self.assertFalse(Changes(expected, {}).holds(label))
        self.assertTrue(Changes(expected | {"orders": [changed]}, {}).holds(label))

    def test_only_a_label_that_stays_is_scanned(self):
        held = Counter()
        for truth in self.run_.ups["shipments"]:
            label = Label(truth)
            self.assertEqual(self.changes.holds(label), label.voided)
            held[label.voided] += 1
        self.assertGreater(min(held[True], held[False]), 10)


class DoubtsTest(unittest.TestCase):
    def setUp(self):
        self.run_ = PerfectRun(copy.deepcopy(FILES)).evidence
        self.call = next(c for c in self.run_.journals["ups"] if c["route"] == "ship")["call_id"]

    def judge(self):
        return doubts.judge(self.run_, 7)

    def doubt(self):
        self.run_.ledger = [e for e in self.run_.ledger if not (
            e["action"] == "ups.ship.outcome" and e["detail"]["call_id"] == self.call)]
        self.run_.ledger.append({"action": "ups.ship.outcome", "service": "ups-gateway", "detail": {
            "call_id": self.call, "state": "IN_DOUBT"}})

    def test_a_run_without_trouble_is_no_chaos(self):
        counts = self.judge()
        self.assertEqual(list(counts.values()), [7, 0, 0, 0])
        self.assertEqual(len(doubts.broken_rules(counts, 7)), 2)

    def test_a_doubt_is_seen_and_when_it_is_settled_resolved(self):
        self.doubt()
        counts = self.judge()
        self.assertEqual((counts["in_doubt_seen"], counts["in_doubt_resolved"]), (1, 0))
        self.assertIn("in_doubt_resolved", " ".join(doubts.broken_rules(counts, 7)))
        self.run_.ledger.append({"action": "ups.recovery", "service": "ups-gateway", "detail": {
            "of_call_id": self.call, "state": "DONE", "calls": []}})
        self.assertEqual(self.judge()["in_doubt_resolved"], 1)

    def test_faults_are_what_the_peers_say_of_their_requests(self):
        for journal in self.run_.later_journals.values():
            journal[0]["fault"] = "away"
        counts = self.judge() | {"in_doubt_seen": 1, "in_doubt_resolved": 1}
        self.assertEqual(counts["faults_injected"], 3)
        self.assertEqual(doubts.broken_rules(counts | {"faults_injected": 7}, 7), [])
        self.assertEqual(len(doubts.broken_rules(counts, 7)), 1)
        self.assertEqual(len(doubts.broken_rules(counts | {"faults_injected": 7}, 8)), 2)


class FaultsTest(unittest.TestCase):
    def test_the_same_seed_makes_the_same_rules_and_no_two_have_one_name(self):
        for peer in ("ups", "c1"):
            rules = faults.rules(peer, Random(3))
            self.assertEqual(rules, faults.rules(peer, Random(3)))
            self.assertNotEqual(rules, faults.rules(peer, Random(4)))
            self.assertEqual(len({rule["id"] for rule in rules}), len(rules))


if __name__ == "__main__":
    unittest.main()
