"""The whole job on an ordinary day, and what else must be true of it."""

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import unittest
import urllib.request
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import kills  # noqa: E402
import leaks  # noqa: E402
from deploy.local import certificates, sandboxes  # noqa: E402
from deploy.local.layout import BINARIES, SERVICES  # noqa: E402
from deploy.local.psupsctl import Psupsctl, write_context  # noqa: E402
from deploy.local.layout import StackError  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import (  # noqa: E402
    Label, document_key, many, message_key, pick, proto_key, reference_of)
from running.job import Job  # noqa: E402

ORDERS = 120
BEARER = "sandbox-[0-9a-f]{48}"
ADDRESS_REASONS = {"ADDRESS_INVALID", "ADDRESS_AMBIGUOUS", "ADDRESS_SUITE_CHANGED"}


class WholeJob(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("e2e-job", settings={"audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"}})
        cls.addClassCleanup(cls.stack.stop)
        cls.stack.remove()
        cls.stack.start()
        cls.job = Job(cls.stack, ROOT / "build" / "e2e-job", orders=ORDERS, seed=3)
        cls.job.connect()
        kills.run(cls.job, [], say=lambda *_a, **_k: None)
        cls.counts, cls.findings, cls.broken = cls.job.judge()
        cls.logs = {name: service.process.log.read_text(errors="replace")
                    for name, service in cls.stack.services.items()}

    def bad_addresses(self):
        for order in self.job.expected["orders"]:
            for shipment in order["shipments"]:
                if shipment["outcome"] == "review" and shipment["reason"] in ADDRESS_REASONS:
                    yield order, shipment

    def written_forms(self, address: dict) -> set[tuple[str, str]]:
        """(line, ZIP) of an address as PeopleSoft and as UPS's candidates for it write them."""
        found = {(line.casefold(), address["postal"][:5]) for line in address["lines"]}
        for row in self.job.files["addresses.json"]:
            if (row["input"]["lines"], row["input"]["postal"]) == (address["lines"],
                                                                   address["postal"][:5]):
                found |= {(line.casefold(), candidate["postal"])
                          for candidate in row["candidates"] for line in candidate["lines"]}
        return found

    def posted_forms(self) -> set[tuple[str, str]]:
        """(line, ZIP) of every address in every ship request that UPS saw, whosever it is."""
        found = set()
        for entry in self.job.evidence.journals["ups"]:
            if entry["route"] == "ship":
                shipment = entry["body"]["ShipmentRequest"]["Shipment"]
                for party in ("Shipper", "ShipFrom", "ShipTo"):
                    address = shipment[party]["Address"]
                    found |= {(line.casefold(), address["PostalCode"][:5])
                              for line in many(address["AddressLine"])}
        return found

    def test_the_summary_holds(self):
        self.assertFalse(self.broken, "\n".join(str(line) for line in self.findings.lines[:20]))

    def test_each_bad_address_is_one_review_one_log_line_and_no_ship_call(self):
        posted = self.posted_forms()
        lines = [json.loads(line) for line in self.logs["shipment-builder"].splitlines()
                 if '"review_opened"' in line]
        orders = {proto_key(row): pick(row, "name") for row in self.job.evidence.orders}
        seen = Counter()
        for order, shipment in self.bad_addresses():
            key, reason = document_key(order), shipment["reason"]
            reviews = [r for r in self.job.evidence.reviews if proto_key(r) == key]
            self.assertEqual([pick(r, "reason") for r in reviews], [reason], key)
            own = [line for line in lines if line["order"] == orders[key]]
            self.assertEqual([line["reason"] for line in own], [reason], key)
            self.assertEqual(set(own[0]), {"time", "severity", "service", "event", "order",
                                           "reason", "shipment", "review"})
            self.assertFalse(posted & self.written_forms(shipment["ship_to"]), key)
            seen[reason] += 1
            if order["outcome"] == "mixed":  # what goes to the order's good address was bought
                good = [s for s in order["shipments"] if s["outcome"] == "ship"]
                self.assertTrue(posted & self.written_forms(good[0]["ship_to"]), key)
                seen["beside a good one"] += 1
        self.assertEqual(set(seen), ADDRESS_REASONS | {"beside a good one"})
        metric = self.stack.services["shipment-builder"].metric("psups_reviews_opened_total")
        self.assertEqual(metric, len(lines))
        self.assertEqual(metric, self.counts["reviews_open"])

    def numbers_delivered_and_written_back(self, order: dict) -> set[str]:
        """The order's 1Z numbers: each was delivered, and its own site was told so of the order."""
        wanted = [s["ship_to"] for s in order["shipments"] if s["outcome"] == "ship"]
        labels = [label for label in map(Label, self.job.evidence.ups["shipments"])
                  if label.reference() == reference_of(order) and not label.voided
                  and label.end("ShipTo") in wanted]
        self.assertEqual(len(labels), len(wanted), document_key(order))
        numbers = {package["tracking_number"] for label in labels for package in label.numbers()}
        delivered = {message["TRACKING_NBR"] for message in self.told(order["connection"])
                     if message["STATUS"] == "DELIVERED"
                     and message_key(order["connection"], message) == document_key(order)}
        self.assertEqual(delivered, numbers, document_key(order))
        return numbers

    def told(self, connection: str) -> list[dict]:
        """The messages that the site took."""
        return [update["message"] for update in self.job.evidence.sites[connection]["updates"]
                if update["result"] == "OK"]

    def test_requisitions_travel_the_whole_way_there_and_back(self):
        requisitions = [order for order in self.job.expected["orders"]
                        if order["doc_type"] == "REQ" and order["outcome"] == "ship"]
        self.assertGreaterEqual(len(requisitions), 3)
        for order in requisitions:
            self.assertTrue(self.numbers_delivered_and_written_back(order))

    def test_a_requisition_that_went_into_a_purchase_order_is_left_to_it(self):
        sources = {(name, "REQ", document["BUSINESS_UNIT"], row["REQ_ID"]): document["PO_ID"]
                   for name in self.job.sites
                   for document in self.job.files[f"peoplesoft-{name}.json"]["documents"]
                   for line in document["LINES"] for schedule in line["SCHEDULES"]
                   for row in schedule.get("DISTRIBUTIONS", [])}
        self.assertTrue(sources)
        said = {proto_key(row): [(pick(s, "ineligible_reason"), pick(s, "sourced_document_id"))
                                 for s in row["schedules"]]
                for row in self.job.evidence.orders if proto_key(row) in sources}
        self.assertEqual(said, {key: [("SOURCED_TO_PO", source)]
                                for key, source in sources.items()})

    def test_two_orders_of_one_number_in_two_connections_never_mix(self):
        orders = {document_key(order): order for order in self.job.expected["orders"]
                  if order["outcome"] == "ship"}
        twins = [(key, ("c2", *key[1:])) for key in orders
                 if key[0] == "c1" and ("c2", *key[1:]) in orders]
        self.assertTrue(twins)
        for pair in twins:
            for key, other in (pair, pair[::-1]):
                numbers = self.numbers_delivered_and_written_back(orders[key])
                elsewhere = {message["TRACKING_NBR"] for message in self.told(other[0])}
                self.assertFalse(numbers & elsewhere, key)

    def secret_words(self) -> set[str]:
        secrets = self.stack.secrets
        pairs = [f"{sandboxes.CLIENT_ID}:{secrets['ups']}"] + [
            f"{site['oprid']}:{secrets[name]}" for name, site in sandboxes.SITES.items()]
        return {*secrets.values(), *(base64.b64encode(pair.encode()).decode() for pair in pairs)}

    def test_no_log_and_no_metric_holds_a_name_an_address_or_a_secret(self):
        words = leaks.personal_words(self.job) | self.secret_words()
        for kind in ("Maria Alvarez", "Receiving Dock", "-555-", "STE "):
            self.assertTrue(any(kind in word for word in words), kind)
        self.assertRegex(self.new_bearer(), f"^{BEARER}$")
        places = self.logs | {f"{name} metrics": service.metrics()
                              for name, service in self.stack.services.items()}
        places["ledger"] = json.dumps(self.job.evidence.ledger, ensure_ascii=False)
        for place, text in places.items():
            self.assertTrue(text, place)
            self.assertNotRegex(text, BEARER, f"in {place}")
            found = [word for word in words if word in text]
            self.assertEqual(found, [], f"in {place}")

    def new_bearer(self) -> str:
        """A token of the UPS sandbox's, to know one by."""
        request = urllib.request.Request(
            f"https://localhost:{self.stack.ports['ups-sandbox']}/security/v1/oauth/token",
            data=b"grant_type=client_credentials", headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": "Basic " + base64.b64encode(
                    f"{sandboxes.CLIENT_ID}:{self.stack.secrets['ups']}".encode()).decode()})
        trust = ssl.create_default_context(cafile=str(certificates.AUTHORITY))
        with urllib.request.urlopen(request, context=trust) as answer:
            return json.load(answer)["access_token"]

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
            self.assertRegex(listed.stdout, r"(?m)^psups\.[a-z]+\.v1\.\w+Service/\w+$")
            said = self.buf_curl(service, path="/grpc.health.v1.Health/Check")
            self.assertIn("SERVING", said.stdout, said.stderr)

    def buf_curl(self, service: str, *flags: str, path: str = "") -> subprocess.CompletedProcess:
        tls = ["--cacert", certificates.AUTHORITY, "--cert", certificates.certificate("viewer"),
               "--key", certificates.key("viewer")]
        return subprocess.run(
            [ROOT / "node_modules/.bin/buf", "curl", "--protocol", "grpc", *tls, *flags,
             f"https://localhost:{self.stack.ports[service]}{path}"],
            capture_output=True, text=True, check=False, timeout=60)

    def test_every_log_line_is_json_that_says_when_who_how_bad_and_what(self):
        for name, text in self.logs.items():
            for line in text.splitlines():
                entry = json.loads(line)
                self.assertEqual(list(entry)[:4], ["time", "severity", "service", "event"])
                self.assertEqual(entry["service"], name)
                self.assertIn(entry["severity"], ("INFO", "WARNING", "ERROR"))

    def binary(self, service: str, *flags: str, **settings: str) -> subprocess.Popen:
        return subprocess.Popen(
            [BINARIES / service, *flags], env=os.environ | self.stack.variables(service) | settings,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_check_config_shows_what_is_in_effect_and_no_secret(self):
        for service in SERVICES:
            shown = self.binary(service, "--check-config")
            said, _ = shown.communicate(timeout=30)
            self.assertEqual(shown.returncode, 0, said)
            self.assertIn(self.stack.variables(service)["PSUPS_GRPC_LISTEN"], said)
            self.assertNotIn(self.stack.secrets["webhook"], said)

    def test_a_service_that_is_asked_to_stop_stops_in_order(self):
        for service in SERVICES:
            replica = self.binary(
                service, PSUPS_GRPC_LISTEN="127.0.0.1:0", PSUPS_METRICS_LISTEN="127.0.0.1:0",
                **({"PSUPS_WEBHOOK_LISTEN": "127.0.0.1:0"} if service == "tracking-sync" else {}))
            for line in replica.stderr:
                if json.loads(line)["event"] == "serving":
                    break
            replica.send_signal(signal.SIGTERM)
            _, said = replica.communicate(timeout=30)
            self.assertEqual(replica.returncode, 0, said)
            self.assertEqual(json.loads(said.splitlines()[-1])["event"], "stopped")

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
