"""What goes wrong on a customer's machine: each ends in one clear line that names cause and next
step, within 30 seconds, and an exit code or a state that psupsctl shows."""

import json
import os
import subprocess
import sys
import time
import unittest
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.local import certificates, customers  # noqa: E402
from deploy.local.layout import write_private  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402

SECONDS = 30


def until(what, seconds: float = SECONDS):
    """The first true thing that `what` says, asked again and again; its last answer after that."""
    deadline = time.monotonic() + seconds
    while True:
        said = what()
        if said or time.monotonic() > deadline:
            return said
        time.sleep(0.05)


def lines(service) -> list[dict]:
    """The log of a service, a dict a line."""
    found = []
    for line in service.process.log.read_text(errors="replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return found


class Mishaps(unittest.TestCase):
    """One stack for all; each mishap befalls a service that is started for it, or its peers."""

    @classmethod
    def setUpClass(cls):
        cls.stack = Stack("e2e-mishaps")
        cls.addClassCleanup(cls.stack.remove)
        cls.stack.remove()
        cls.stack.start()

    def start_to_fail(self, service: str, **changes: str) -> str:
        """Starts `service` beside the running one with other settings; its last line on stderr."""
        variables = self.stack.variables(service) | {
            "PSUPS_GRPC_LISTEN": "127.0.0.1:0", "PSUPS_METRICS_LISTEN": "127.0.0.1:0"}
        if service == "tracking-sync":
            variables["PSUPS_WEBHOOK_LISTEN"] = "127.0.0.1:0"
        variables |= changes
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PSUPS_")}
        done = subprocess.run([ROOT / "build/bin" / service], env=kept | variables,
                              capture_output=True, text=True, check=False, timeout=SECONDS)
        self.assertEqual(done.returncode, 1, done.stderr)
        clear = [line for line in done.stderr.splitlines() if '"start_failed"' in line]
        self.assertEqual(len(clear), 1, done.stderr)
        return json.loads(clear[0])["status"]

    def troubles(self, service: str, before: int, about: str) -> list[dict]:
        """What its log says of `about` since line `before` that is more than information."""
        return [line for line in lines(self.stack.services[service])[before:]
                if line["severity"] != "INFO" and about in json.dumps(line)]

    def shown(self, *arguments: str) -> str:
        """The table that psupsctl shows to a person."""
        return self.stack.psupsctl.run(*arguments)

    def refusal(self, *arguments: str) -> tuple[int, str]:
        """psupsctl's exit code and what it says on stderr."""
        done = subprocess.run(
            [ROOT / "build/bin/psupsctl", "--context", self.stack.context, *arguments],
            capture_output=True, text=True, check=False, timeout=SECONDS)
        return done.returncode, done.stderr

    def test_a_taken_port_is_named_with_the_setting_to_change(self):
        taken = f"127.0.0.1:{self.stack.ports['audit-ledger']}"
        said = self.start_to_fail("audit-ledger", PSUPS_GRPC_LISTEN=taken)
        self.assertIn(f"cannot listen on {taken}", said)
        self.assertIn("PSUPS_GRPC_LISTEN", said)
        taken = f"127.0.0.1:{self.stack.ports['audit-ledger.metrics']}"
        said = self.start_to_fail("audit-ledger", PSUPS_METRICS_LISTEN=taken)
        self.assertIn(f"cannot listen on {taken}", said)

    def test_a_missing_key_file_is_named(self):
        said = self.start_to_fail("ups-gateway", PSUPS_KEY_FILE="/nowhere/keys.json")
        self.assertIn("PSUPS_KEY_FILE: cannot read the file /nowhere/keys.json; make it", said)

    def test_an_expired_certificate_is_named_with_its_file(self):
        pem, key = self.stack.home / "expired.pem", self.stack.home / "expired.key"
        script = (f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
                  "from pathlib import Path\nfrom deploy.local import certificates\n"
                  f"certificates.issue(Path({str(pem)!r}), Path({str(key)!r}), 'expired', "
                  "'spiffe://psups/service/audit-ledger', 1)\n")
        subprocess.run(["faketime", "-f", "-3d", sys.executable, "-c", script], check=True)
        said = self.start_to_fail("audit-ledger", PSUPS_TLS_CERT_FILE=str(pem),
                                  PSUPS_TLS_KEY_FILE=str(key))
        self.assertIn(f"certificate {pem}: expired; issue a new one", said)

    def test_an_unknown_setting_is_taken_for_a_typo(self):
        said = self.start_to_fail("shipment-builder", PSUPS_LABELER_IDEL_WAIT="1s")
        self.assertIn("PSUPS_LABELER_IDEL_WAIT: this service has no such setting", said)

    def test_a_schema_that_is_behind_is_refused_with_the_next_step(self):
        query = self.stack.cluster.query
        rows = query("DELETE FROM audit_ledger.schema_migrations RETURNING version").split()
        try:
            said = self.start_to_fail("audit-ledger")
        finally:
            for version in rows:
                query(f"INSERT INTO audit_ledger.schema_migrations VALUES ('{version}')")
        self.assertIn("run the migrations", said)

    def test_a_database_that_is_down_is_said_once_and_healed_from_without_a_person(self):
        ledger = self.stack.services["audit-ledger"]
        before = len(lines(ledger))
        self.stack.cluster.stop()
        try:
            down = until(lambda: [line for line in lines(ledger)[before:]
                                  if line["event"] == "database_unreachable"])
            self.assertEqual(len(down), 1)
            self.assertIn("start PostgreSQL", down[0]["next_step"])
            self.assertFalse(ledger.serves())
            for question in ("connection", "shipment", "account", "tracking", "audit"):
                code, said = self.refusal(question, "list")
                self.assertEqual(code, 4, said)
                self.assertRegex(said, r"\Apsupsctl: [^\n]*database[^\n]*start PostgreSQL[^\n]*\n\Z")
        finally:
            self.stack.cluster.start()
        for service in self.stack.services.values():
            service.wait(SECONDS)
        said = [line for line in lines(ledger)[before:] if line["event"] == "database_unreachable"]
        self.assertEqual(len(said), 1, "said more than once")

    def account_to_create(self, name: str, secret: str, **changes) -> list:
        """What to ask psupsctl for."""
        settings = customers.account(self.stack.ports) | {"account_id": name} | changes
        file = self.stack.home / f"{name}.json"
        file.write_text(json.dumps(settings))
        return ["account", "create", "--file", file, "--secret-file",
                write_private(self.stack.home / f"{name}.secret", secret)]

    def make_account(self, name: str, secret: str, **changes) -> None:
        self.stack.psupsctl.run(*self.account_to_create(name, secret, **changes))

    def make_connection(self, name: str, password: str, **changes) -> None:
        settings = customers.connection("c1", self.stack.ports, date.today() - timedelta(days=1))
        file = self.stack.home / f"{name}.json"
        file.write_text(json.dumps(settings | {"connection_id": name} | changes))
        self.stack.psupsctl.run(
            "connection", "create", "--file", file, "--password-file",
            write_private(self.stack.home / f"{name}.password", password))

    def connection(self, name: str) -> dict:
        return self.stack.psupsctl.json("connection", "get", name)

    def test_a_wrong_peoplesoft_password_stops_the_connection_and_says_what_to_do(self):
        before = len(lines(self.stack.services["ps-ingest"]))
        self.make_connection("wrong-password", "not the password")
        stopped = until(lambda: (c := self.connection("wrong-password"))["state"] == "STOPPED" and c)
        self.assertTrue(stopped)
        shown = self.shown("connection", "get", "wrong-password")
        self.assertIn("PeopleSoft refused the user or the password", shown)
        self.assertIn("psupsctl connection update", shown)
        site = self.stack.sites["c1"].admin
        refused = [e for e in site.journal() if e["status"] == 401]
        # A healthy connection to the same site polls three times meanwhile, each a second apart.
        self.make_connection("healthy", self.stack.secrets["c1"])
        self.assertTrue(until(lambda: len(self.stack.psupsctl.json("connection", "windows", "healthy"))
                              >= 3))
        self.assertEqual(len([e for e in site.journal() if e["status"] == 401]), len(refused),
                         "a refused password was tried again: that locks the OPRID")
        self.assertLessEqual(len(refused), 2)
        said = self.troubles("ps-ingest", before, "connections/wrong-password")
        self.assertEqual([line["event"] for line in said], ["connection_stopped"])
        self.assertIn("psupsctl connection update", said[0]["reason"])

    def test_an_unreachable_peoplesoft_host_is_shown_and_not_taken_for_a_refusal(self):
        ingest = self.stack.services["ps-ingest"]
        before, failed = len(lines(ingest)), ingest.metric("psups_ps_reads_total")
        self.make_connection("unreachable", self.stack.secrets["c1"],
                             base_url="https://localhost:1/PSIGW/RESTListeningConnector")
        failing = until(lambda: (c := self.connection("unreachable")).get("last_error") and c)
        self.assertEqual(failing["state"], "OBSERVE")
        shown = self.shown("connection", "get", "unreachable")
        self.assertRegex(shown, "PeopleSoft was not reached: .*localhost:1")
        self.assertIn("check the host", shown)
        self.assertTrue(until(lambda: ingest.metric("psups_ps_reads_total") >= failed + 8))
        said = self.troubles("ps-ingest", before, "connections/unreachable")
        self.assertEqual([line["event"] for line in said], ["read_failed"])
        self.assertIn("check the host", said[0]["reason"])

    def test_a_wrong_ups_secret_is_shown_and_costs_a_handful_of_token_requests(self):
        before = len(lines(self.stack.services["ups-gateway"]))
        self.make_account("wrong-secret", "not the secret")
        self.ship_one_order_by("wrong-secret")
        refused = until(lambda: (a := self.stack.psupsctl.json("account", "get", "wrong-secret"))
                        .get("credential_refused") and a)
        self.assertTrue(refused)
        shown = self.shown("account", "get", "wrong-secret")
        self.assertIn("UPS refuses the client id or secret", shown)
        self.assertIn("psupsctl account rotate", shown)
        asked = [t for t in self.stack.ups.admin.truth()["token_requests"] if t["status"] == 401]
        self.assertLessEqual(len(asked), 3)
        said = self.troubles("ups-gateway", before, "accounts/wrong-secret")
        self.assertEqual([line["event"] for line in said], ["ups_token_not_granted"])
        self.assertIn("psupsctl account rotate", said[0]["problem"])

    def test_an_unreachable_ups_host_is_shown_with_what_to_check(self):
        before = len(lines(self.stack.services["ups-gateway"]))
        self.make_account("unreachable-ups", self.stack.secrets["ups"],
                          base_url="https://localhost:1", client_id="another-client")
        self.ship_one_order_by("unreachable-ups")
        self.assertTrue(until(lambda: self.stack.psupsctl.json("account", "get", "unreachable-ups")
                              .get("last_error")))
        shown = self.shown("account", "get", "unreachable-ups")
        self.assertRegex(shown, "UPS's token service cannot be reached: .*localhost:1")
        self.assertIn("Check the host, the network and the certificates", shown)
        said = self.troubles("ups-gateway", before, "accounts/unreachable-ups")
        self.assertEqual([line["event"] for line in said], ["ups_token_not_granted"])
        self.assertIn("Check the host", said[0]["problem"])

    def ship_one_order_by(self, account: str) -> None:
        name = f"by-{account}"
        self.make_connection(name, self.stack.secrets["c1"], ups_account=f"accounts/{account}")
        self.stack.psupsctl.run("connection", "activate", name, "--yes")
        self.stack.sites["c1"].admin.post("/admin/orders", self.one_order())

    def test_a_full_disk_is_named_and_healed_from_when_there_is_room(self):
        small = Path("/var/tmp") / f"psups-small-{os.getpid()}"
        small.mkdir()
        as_root = () if os.geteuid() == 0 else ("sudo", "-n")
        mount = ["mount", "-t", "tmpfs", "-o", "size=1m,mode=1777", "tmpfs", str(small)]
        subprocess.run([*as_root, *mount], check=True)
        query = self.stack.cluster.query
        tables = ("ps_ingest.windows", "ups_gateway.accounts")
        try:
            place = small / "tablespace"
            place.mkdir()
            owner = self.stack.cluster.owner
            subprocess.run([*as_root, "chown", owner, str(place)], check=True)
            query(f"CREATE TABLESPACE small LOCATION '{place}'")
            for table in tables:
                query(f"ALTER TABLE {table} SET TABLESPACE small")
            filler = small / "filler"
            subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], check=False,
                           capture_output=True)
            ingest = self.stack.services["ps-ingest"]
            before = len(lines(ingest))
            self.make_connection("disk-full", self.stack.secrets["c1"])
            said = until(lambda: [line for line in lines(ingest)[before:]
                                  if "No space left" in line.get("status", "")])
            self.assertTrue(said)
            self.assertIn("make room", said[0]["status"])
            self.assertEqual(said[0]["connection"], "connections/disk-full")
            shown = until(lambda: self.connection("disk-full").get("last_error"))
            self.assertIn("make room", shown or "")
            # A person who asks for what needs room is told the same.
            bundle = self.stack.home / "bundle.pem"
            bundle.write_text(certificates.AUTHORITY.read_text() * 50)
            code, refused = self.refusal(*self.account_to_create(
                "no-room", self.stack.secrets["ups"], ca_bundle_file=str(bundle)))
            self.assertEqual(code, 1, refused)
            self.assertRegex(refused, r"\Apsupsctl: [^\n]*No space left[^\n]*make room[^\n]*\n\Z")
            filler.unlink()
            self.assertTrue(until(lambda: self.connection("disk-full").get("watermark")))
        finally:
            for table in tables:
                query(f"ALTER TABLE {table} SET TABLESPACE pg_default")
            query("DROP TABLESPACE IF EXISTS small")
            subprocess.run([*as_root, "umount", str(small)], check=True)
            small.rmdir()

    def one_order(self) -> dict:
        sys.path.insert(0, str(ROOT / "tests" / "bench"))
        import p1_whole_job  # pylint: disable=import-outside-toplevel
        today = date.today().isoformat()
        return {"tables": p1_whole_job._tables(), "documents": [p1_whole_job._order(1, today)]}


if __name__ == "__main__":
    unittest.main()
