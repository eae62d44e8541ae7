"""The whole job on an ordinary day, and what else must be true of it."""

import json
import subprocess
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import kills  # noqa: E402
from deploy.local import certificates  # noqa: E402
from deploy.local.layout import SERVICES  # noqa: E402
from deploy.local.psupsctl import Psupsctl, write_context  # noqa: E402
from deploy.local.layout import StackError  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import Label, pick, proto_key, reference_of  # noqa: E402
from running.job import Job  # noqa: E402

ORDERS = 60
SECONDS = 120
ADDRESS_REASONS = {"ADDRESS_INVALID", "ADDRESS_AMBIGUOUS", "ADDRESS_SUITE_CHANGED"}


class WholeJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("e2e-job", settings={"audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"}})
        cls.stack.remove()
        cls.stack.start()
        cls.job = Job(cls.stack, ROOT / "build" / "e2e-job", orders=ORDERS, seed=3)
        cls.job.connect()
        kills.run(cls.job, [], SECONDS, say=lambda *_a, **_k: None)
        cls.counts, cls.findings, cls.broken = cls.job.judge()
        cls.logs = {name: service.process.log.read_text(errors="replace")
                    for name, service in cls.stack.services.items()}

    @classmethod
    def tearDownClass(cls):
        cls.stack.stop()

    def bad_addresses(self):
        for order in self.job.expected["orders"]:
            for shipment in order["shipments"]:
                if shipment["outcome"] == "review" and shipment["reason"] in ADDRESS_REASONS:
                    yield order, shipment["reason"]

    def test_the_summary_holds(self):
        self.assertFalse(self.broken, "\n".join(str(line) for line in self.findings.lines[:20]))

    def test_each_bad_address_is_one_review_one_log_line_and_no_ship_call(self):
        labels = [Label(truth).reference() for truth in self.job.evidence.ups["shipments"]]
        posted = json.dumps([entry["body"] for entry in self.job.evidence.journals["ups"]
                             if entry["route"] == "ship"])
        lines = [json.loads(line) for line in self.logs["shipment-builder"].splitlines()
                 if '"review_opened"' in line]
        orders = {proto_key(row): pick(row, "name") for row in self.job.evidence.orders}
        seen = 0
        for order, reason in self.bad_addresses():
            key = (order["connection"], order["doc_type"], order["business_unit"], order["doc_id"])
            reviews = [r for r in self.job.evidence.reviews if proto_key(r) == key]
            self.assertEqual([pick(r, "reason") for r in reviews], [reason], key)
            own = [line for line in lines if line["order"] == orders[key]]
            self.assertEqual([line["reason"] for line in own], [reason], key)
            self.assertEqual(set(own[0]), {"time", "severity", "service", "event", "order",
                                           "reason", "shipment", "review"})
            twins = [o for o in self.job.expected["orders"] if reference_of(o) == reference_of(order)]
            if len(twins) == 1:  # else the same number stands in the other connection
                self.assertNotIn(reference_of(order), labels)
                self.assertNotIn(json.dumps(reference_of(order)[1]), posted)
            seen += 1
        self.assertGreaterEqual(seen, 3)
        metric = self.stack.services["shipment-builder"].metric("psups_reviews_opened_total")
        self.assertEqual(metric, len(lines))
        self.assertEqual(metric, self.counts["reviews_open"])

    def test_no_log_and_no_metric_holds_a_name_an_address_or_a_secret(self):
        words = set()
        for order in self.job.expected["orders"]:
            for shipment in order["shipments"]:
                for party in (shipment["ship_from"], shipment["ship_to"]):
                    if party:
                        words.update(party["lines"])
                        words.add(party["name"])
        words.update(self.stack.secrets.values())
        words = {word for word in words if word and len(word) > 6}
        self.assertGreater(len(words), 50)
        places = self.logs | {f"{name} metrics": service.metrics()
                              for name, service in self.stack.services.items()}
        places["ledger"] = json.dumps(self.job.evidence.ledger)
        for place, text in places.items():
            self.assertTrue(text, place)
            for word in words:
                self.assertNotIn(word, text, f"in {place}")

    def test_one_trace_id_runs_from_the_order_through_every_service_into_the_ledger(self):
        row = next(row for row in self.job.evidence.trackers if pick(row, "status") == "DELIVERED")
        trace = pick(row, "trace_id")
        entries = [e for e in self.job.evidence.ledger if e["trace_id"] == trace]
        self.assertEqual({e["service"] for e in entries},
                         {"ps-ingest", "shipment-builder", "ups-gateway", "tracking-sync"})

    def test_health_and_reflection_are_served_by_mutual_tls(self):
        for service in SERVICES:
            listed = self.buf_curl(service, "--list-methods")
            self.assertIn("grpc.health.v1.Health/Check", listed.stdout, listed.stderr)
            said = self.buf_curl(service, path="/grpc.health.v1.Health/Check")
            self.assertIn("SERVING", said.stdout, said.stderr)

    def buf_curl(self, service: str, *flags: str, path: str = "") -> subprocess.CompletedProcess:
        tls = ["--cacert", certificates.AUTHORITY, "--cert", certificates.certificate("viewer"),
               "--key", certificates.key("viewer")]
        return subprocess.run(
            [ROOT / "node_modules/.bin/buf", "curl", "--protocol", "grpc", *tls, *flags,
             f"https://localhost:{self.stack.ports[service]}{path}"],
            capture_output=True, text=True, check=False, timeout=60)

    def test_a_viewer_may_look_and_not_touch(self):
        context = write_context(self.stack.home / "viewer.json", self.stack.ports, "viewer")
        viewer = Psupsctl(context)
        self.assertTrue(viewer.list("order"))
        with self.assertRaisesRegex(StackError, "may not call"):
            viewer.run("connection", "pause", "c1")

    def test_no_service_can_read_anothers_schema(self):
        for reader in SERVICES:
            for owner in SERVICES:
                if owner == reader:
                    continue
                done = subprocess.run(
                    ["psql", "-X", "-d", self.stack.cluster.service_url(reader), "-c",
                     f"SELECT 1 FROM {owner.replace('-', '_')}.schema_migrations"],
                    capture_output=True, text=True, check=False)
                self.assertIn("permission denied for schema", done.stderr, f"{reader} → {owner}")


if __name__ == "__main__":
    unittest.main()
