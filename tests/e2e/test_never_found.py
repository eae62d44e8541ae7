"""UPS loses answers, and neither label recovery nor tracking ever knows what it made."""

import sys
import time
import unittest
from collections import Counter
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

from buying import Buyer, Shipment  # noqa: E402
from gateways import Gateways, get_calls  # noqa: E402
from judging.fields import derived_references  # noqa: E402

SHIPMENTS = 60  # for each account
# From when a person is asked; and how much longer it is watched that none is bought again.
WINDOW = "3s"
MORE_ROUNDS = 2
LOST = [
    {"id": "closed", "route": "ship", "kind": "done_then_close", "probability": 0.15, "seed": 1},
    {"id": "reset", "route": "ship", "kind": "done_then_reset", "probability": 0.15, "seed": 2},
    {"id": "503", "route": "ship", "kind": "done_then_status", "status": 503, "probability": 0.15,
     "seed": 3},
    {"id": "cut", "route": "ship", "kind": "done_then_truncate", "probability": 0.15, "seed": 4},
]
NEVER_FOUND = [{"id": "no label", "route": "recovery", "kind": "not_found"},
               {"id": "no track", "route": "track", "kind": "not_found"}]


class NeverFound(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.them = Gateways("e2e-never-found", account={"rebuy_window": None, "flow": {
            "calls_per_second": 0, "calls_in_flight": 0}},
                            settings={"PSUPS_RESOLVER_WINDOW": WINDOW})
        cls.enterClassContext(cls.them)
        cls.them.faults(*LOST, *NEVER_FOUND)

    def shipments(self, account: str, name: str) -> list[Shipment]:
        random = Random(5)
        return [Shipment(f"{name}-{i}", account, random) for i in range(SHIPMENTS)]

    def posts_and_questions(self, shipments: list[Shipment]) -> tuple[Counter, Counter]:
        """How often each reference was bought with, and asked for at label recovery."""
        ours = {purchase.reference for s in shipments for purchase in s.purchases}
        posts: Counter = Counter()
        questions: Counter = Counter()
        for entry in self.them.stack.ups.admin.journal():
            if entry["route"] == "ship":
                posts.update(derived_references(entry["body"]) & ours)
            elif entry["route"] == "recovery":
                said = str(entry["body"])
                questions.update(reference for reference in ours if reference in said)
        return posts, questions

    def assert_each_lost_answer_waits_for_a_person(self, shipments: list[Shipment]) -> None:
        before = self.them.hits()
        buyer = Buyer(shipments, self.them.replicas, Random(6),
                      doubt_is_an_end=lambda call: call.get("needs_person"))
        buyer.run(60)
        buyer.close()
        self.assertEqual(buyer.errors, [])
        lost = [s for s in shipments if s.purchase.doubted]
        hits = {name: n - before[name] for name, n in self.them.hits().items()}
        self.assertTrue(all(hits.values()), hits)
        self.assertEqual(len(lost), sum(hits[rule["id"]] for rule in LOST))
        asked = self.posts_and_questions(lost)[1]
        deadline = time.monotonic() + 60
        while True:
            posts, questions = self.posts_and_questions(shipments)
            if all(questions[s.purchase.reference] >= asked[s.purchase.reference] + MORE_ROUNDS
                   for s in lost):
                break
            self.assertLess(time.monotonic(), deadline, "UPS is not asked any more")
            time.sleep(0.1)
        self.assertEqual(posts, {s.purchases[0].reference: 1 for s in shipments})
        for shipment, call in zip(lost, self.calls(lost)):
            self.assertEqual(len(shipment.purchases), 1, shipment.purchase.request_id)
            self.assertEqual(call["state"], "IN_DOUBT")
            self.assertTrue(call["needs_person"])
            self.assertIn("Look for it at ups.com", call["doubt"])
        print(f"{len(lost)} of {SHIPMENTS} answers lost ({hits}): all wait for a person")

    def calls(self, shipments: list[Shipment]) -> list[dict]:
        return get_calls(self.them.replicas[0], [s.purchase.request_id for s in shipments])

    def test_by_default_each_lost_answer_waits_for_a_person_and_none_is_bought_again(self):
        shipments = self.shipments("accounts/demo", "default")
        self.assert_each_lost_answer_waits_for_a_person(shipments)

    def test_nor_is_any_where_buying_again_is_allowed_but_what_exists_is_not_found_either(self):
        account = self.them.create_account(account_id="rebuying", rebuy_window="1s")
        shipments = self.shipments(account, "rebuying")
        self.assert_each_lost_answer_waits_for_a_person(shipments)
        questions = self.posts_and_questions([s for s in shipments if not s.purchase.doubted])[1]
        self.assertTrue(questions, "what exists was never asked for")

    def test_once_ups_finds_them_they_are_done_by_themselves_and_were_bought_once(self):
        shipments = self.shipments("accounts/demo", "healed")
        self.assert_each_lost_answer_waits_for_a_person(shipments)
        self.them.heal()
        self.addCleanup(self.them.faults, *LOST, *NEVER_FOUND)
        deadline = time.monotonic() + 60
        while {call["state"] for call in self.calls(shipments)} != {"DONE"}:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(self.posts_and_questions(shipments)[0],
                         {s.purchases[0].reference: 1 for s in shipments})


if __name__ == "__main__":
    unittest.main()
