"""No secret and no personal data in what the services leave where others read it: the database's
dump, logs, metrics, command lines and environments, error texts."""

import base64
import json
import ssl
import subprocess
import sys
import unittest
import urllib.request
from datetime import date
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import buying  # noqa: E402
import kills  # noqa: E402
import leaks  # noqa: E402
from deploy.local import certificates, customers, sandboxes  # noqa: E402
from deploy.local.layout import BINARIES, SERVICES, schema_of, write_private  # noqa: E402
from deploy.local.postgres import DATABASE, PROGRAMS, SUPERUSER  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from gateways import CREATE, call_all  # noqa: E402
from running.job import Job  # noqa: E402

ORDERS = 30
SETTINGS = {"audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"}}
# In every label that the UPS sandbox makes, and nowhere else.
LABEL = b"SANDBOX LABEL, NOT FOR SHIPPING"


def passwords_for_the_database(stack: Stack) -> dict[str, str]:
    """Has PostgreSQL ask the services for passwords, each in a file; the passwords by service."""
    passwords = {}
    for service in SERVICES:
        # With all that has to be quoted somewhere.
        passwords[service] = f"canary '\\\"&%+/= of {service}"
        file = write_private(stack.home / "secrets" / f"{service}.database", passwords[service])
        quoted = passwords[service].replace("'", "''")
        stack.cluster.query(f"ALTER ROLE {schema_of(service)} PASSWORD '{quoted}'")
        stack.settings.setdefault(service, {})["PSUPS_DATABASE_PASSWORD_FILE"] = str(file)
    roles = ",".join(map(schema_of, SERVICES))
    rules = stack.cluster.data / "pg_hba.conf"
    rules.write_text(f"local all {roles} scram-sha-256\n" + rules.read_text())
    stack.cluster.query("SELECT pg_reload_conf()")
    return passwords


def private_key(file: Path) -> bytes:
    """The number that a key file keeps; its last 16 bytes are enough to know it by."""
    said = subprocess.run(["openssl", "pkey", "-in", file, "-noout", "-text"], capture_output=True,
                          text=True, check=True).stdout
    digits = said.split("priv:")[1].split("pub:")[0]
    return bytes.fromhex("".join(digits.split()).replace(":", ""))[-16:]


class Secrets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = stack = Stack("e2e-secrets", settings=SETTINGS)
        cls.addClassCleanup(stack.remove)
        stack.remove()
        stack.prepare()
        cls.passwords = passwords_for_the_database(stack)
        with leaks.ProcessWatch(cls.is_ours) as watch:
            stack.start_sandboxes()
            stack.start_services()
            cls.job = Job(stack, ROOT / "build" / "e2e-secrets", orders=ORDERS, seed=4)
            cls.job.connect()
            kills.run(cls.job, [], say=lambda *_a, **_k: None)
            cls.counts, cls.findings, cls.broken = cls.job.judge()
            cls.our_bearer = cls.bearer_of_the_webhook()
            cls.errors = cls.errors_of_psupsctl() | cls.errors_of_the_gateway()
            watch.look()
        cls.processes = watch.seen
        cls.metrics = {name: service.metrics() for name, service in stack.services.items()}
        cls.dump = cls.dump_of_the_database()
        cls.logs = {file.name: file.read_bytes() for file in (stack.home / "logs").iterdir()}
        cls.logs["postgres"] = stack.cluster.log.read_bytes()
        cls.searcher = leaks.Searcher(cls.canaries())

    @classmethod
    def is_ours(cls, program: str, arguments: bytes) -> bool:
        if Path(program).parent == BINARIES:
            return str(cls.stack.home).encode() in arguments or Path(program).name in SERVICES
        return Path(program).name == "postgres"

    # ---- what must not be found ----

    @classmethod
    def canaries(cls) -> dict[str, set[bytes]]:
        stack = cls.stack
        keys = json.loads((stack.home / "secrets" / "keys.json").read_text())
        shipper = customers.account(stack.ports)["shipper"]
        return {
            "UPS client secret": {stack.secrets["ups"].encode(), cls.wrong_secret.encode()},
            "webhook secret": {stack.secrets["webhook"].encode()},
            "PeopleSoft password": {*(stack.secrets[name].encode() for name in stack.sites),
                                    cls.wrong_password.encode()},
            "database password": {password.encode() for password in cls.passwords.values()},
            "sealing key": {base64.b64decode(key) for key in
                            (*keys["keys"].values(), keys["derivation_key"])},
            "signing key": {private_key(stack.home / "secrets" / "checkpoint.key")},
            "TLS key": {private_key(certificates.key(name)) for name in SERVICES},
            "UPS access token": {token["bearer"].encode()
                                 for token in stack.ups.admin.truth()["tokens"]},
            "access token of our own": {cls.our_bearer.encode()},
            "label": {LABEL},
            "person or place": leaks.both_cases(
                leaks.personal_words(cls.job) | {shipper["name"], *shipper["lines"],
                                                 shipper["phone"]}),
        }

    # ---- where it is looked for ----

    wrong_secret = "canary of a refused secret /+="
    wrong_password = "canary of a refused password /+="

    @classmethod
    def bearer_of_the_webhook(cls) -> str:
        """A token that tracking-sync gives to UPS."""
        pair = f"{sandboxes.WEBHOOK_CLIENT_ID}:{cls.stack.secrets['webhook']}"
        request = urllib.request.Request(
            f"https://localhost:{cls.stack.ports['tracking-sync.webhook']}/oauth/token",
            data=b"grant_type=client_credentials", headers={
                "Content-Type": "application/x-www-form-urlencoded",
                "Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})
        trust = ssl.create_default_context(cafile=str(certificates.AUTHORITY))
        with urllib.request.urlopen(request, context=trust) as answer:
            return json.load(answer)["access_token"]

    @classmethod
    def errors_of_psupsctl(cls) -> dict[str, str]:
        """What psupsctl says when secrets, names and streets stand in what it was given."""
        home = cls.stack.home
        secret = write_private(home / "canary.secret", cls.wrong_secret)
        password = write_private(home / "canary.password", cls.wrong_password)
        account = customers.account(cls.stack.ports) | {"account_id": "canary"}
        connection = customers.connection("c1", cls.stack.ports, date.fromisoformat(cls.job.expected["go_live"]))
        street = cls.a_street()

        def file(name: str, content: dict) -> Path:
            return write_private(home / f"{name}.json", json.dumps(content))

        create = ["account", "create", "--secret-file", secret, "--file"]
        connect = ["connection", "create", "--password-file", password, "--file"]
        commands = {
            "an account that is there": [*create, file("a1", account | {
                "account_id": customers.ACCOUNT})],
            "a shipper with a long street": [*create, file("a2", account | {
                "shipper": account["shipper"] | {"lines": [street * 5]}})],
            "a shipper in no country": [*create, file("a3", account | {
                "shipper": account["shipper"] | {"country_code": street}})],
            "an account's unknown field": [*create, file("a4", account | {"road": street})],
            "an account that is cut": [*create, write_private(
                home / "a5.json", json.dumps({"display_name": street})[:-2])],
            "a secret for no account": ["account", "rotate", "nobody", "--secret-file", secret],
            "a connection that is there": [*connect, file("c1", connection)],
            "a connection to nowhere": [*connect, file("c2", connection | {
                "connection_id": "canary", "base_url": "nowhere"})],
            "a password for no connection": ["connection", "update", "nobody", "--password-file",
                                             password],
            "an order that is not there": ["order", "get", "orders/none"],
        }
        errors = {}
        for name, command in commands.items():
            done = subprocess.run(
                [BINARIES / "psupsctl", "--context", cls.stack.context, *command],
                capture_output=True, text=True, check=False, timeout=60)
            if done.returncode == 0 or not done.stderr:
                raise AssertionError(f"{name}: no error: {done.stdout}")
            errors[name] = done.stderr
        return errors

    @classmethod
    def errors_of_the_gateway(cls) -> dict[str, str]:
        """What a caller is told of an address that cannot be sent, or that UPS refuses."""
        good, street = buying.content(Random(1)), cls.a_street()
        wrong = {"lines": [street * 5], "name": street * 5, "attention_name": street * 5,
                 "city": street * 5, "state": street, "postal_code": street,
                 "country_code": street, "phone": street * 5}
        errors = {}
        for end in ("ship_from", "ship_to"):
            contents = [good | {end: good[end] | {part: value}} for part, value in wrong.items()]
            for part, reply in zip(wrong, cls.buy(contents, end.replace("_", "-"))):
                if reply["code"] != "INVALID_ARGUMENT":
                    raise AssertionError(f"{end}.{part}: {reply}")
                errors[f"{end}.{part}"] = reply["message"]
        # UPS's own words may repeat what they are about.
        body = json.dumps({"response": {"errors": [{"code": "120802", "message": street}]}})
        cls.stack.ups.admin.post("/admin/faults", {"add": [
            {"id": "telltale", "route": "ship", "kind": "status", "status": 400, "body": body}]})
        refused = cls.buy([good], "refused")[0]
        if refused["reply"]["state"] != "REJECTED":
            raise AssertionError(refused)
        return errors | {"what UPS refuses": json.dumps(refused)}

    @classmethod
    def buy(cls, contents: list[dict], name: str) -> list[dict]:
        requests = [{"request_id": f"shipments/{name}-{i}/purchases/1",
                     "account": f"accounts/{customers.ACCOUNT}",
                     "shipment": content | {"derived_reference": buying.reference(name, i)}}
                    for i, content in enumerate(contents)]
        return call_all(f"localhost:{cls.stack.ports['ups-gateway']}", CREATE, requests)

    @classmethod
    def a_street(cls) -> str:
        return next(line for order in cls.job.expected["orders"]
                    for shipment in order["shipments"] for line in shipment["ship_to"]["lines"])

    @classmethod
    def dump_of_the_database(cls) -> bytes:
        return subprocess.run([PROGRAMS / "pg_dump", cls.stack.cluster.url(SUPERUSER, DATABASE)],
                              capture_output=True, check=True).stdout

    # ---- what is said of it ----

    def assert_clean(self, place: str, text: bytes) -> None:
        with self.subTest(place):
            self.assertTrue(text)
            self.assertEqual(sorted(self.searcher.find(place, text)), [])

    def test_the_job_was_done_with_passwords_for_the_database(self):
        self.assertFalse(self.broken, "\n".join(str(line) for line in self.findings.lines[:20]))
        self.assertGreater(self.counts["shipments_created"], 0)
        for service in SERVICES:
            done = subprocess.run(
                ["psql", "-X", "-w", "-d", self.stack.cluster.service_url(service), "-c", ""],
                capture_output=True, text=True, check=False)
            self.assertIn("no password supplied", done.stderr, service)

    def test_the_dump_of_the_database_holds_none(self):
        self.assertIn(b"COPY ups_gateway.calls", self.dump)
        self.assertRegex(self.dump, leaks.BYTEA)
        self.assert_clean("dump", self.dump)

    def test_no_log_holds_one(self):
        self.assertLessEqual({f"{name}.log" for name in (*SERVICES, "ups-sandbox", "c1", "c2")}
                             | {"postgres"}, set(self.logs))
        for name, text in self.logs.items():
            if name in ("ups-sandbox.log", "c1.log", "c2.log") and not text:
                continue  # they say nothing unless something is wrong
            self.assert_clean(f"log {name}", text)

    def test_no_metric_holds_one(self):
        for name, text in self.metrics.items():
            self.assert_clean(f"metrics of {name}", text.encode())

    def test_no_command_line_and_no_environment_holds_one(self):
        self.assertLessEqual({*SERVICES, "psupsctl", "ups-sandbox", "peoplesoft-sandbox",
                              "postgres"}, set(self.processes))
        for program, texts in self.processes.items():
            self.assert_clean(f"process {program}", b"\n".join(texts))

    def test_no_error_of_psupsctl_or_of_the_gateway_holds_one(self):
        for name, text in self.errors.items():
            self.assert_clean(f"error about {name}", text.encode())

    # ---- the searcher itself ----

    def test_what_is_planted_in_any_spelling_is_found_in_any_place(self):
        dump, log = self.dump[:100000], self.logs["ups-gateway.log"]
        for name, secrets in self.canaries().items():
            secret = sorted(secrets)[0]
            for spelling, written in leaks.spellings(secret).items():
                for place, text in (("dump", dump), ("log", log)):
                    cut = len(text) // 2
                    planted = text[:cut] + b"<" + written + b">" + text[cut:]
                    found = self.searcher.find(place, planted)
                    self.assertIn(name, {leak.secret for leak in found}, f"{spelling} in {place}")
                row = b"\\\\x" + (b"\x00\x07" + written + b"\xff").hex().encode()
                found = self.searcher.find("dump", dump + row)
                self.assertIn((name, "dump, in a bytea"), {(leak.secret, leak.place)
                                                           for leak in found}, spelling)


class Spellings(unittest.TestCase):
    def test_a_secret_inside_of_base64_is_found_whatever_stands_before_and_behind_it(self):
        secret = b"hunter2 & co/\xc3\xa9?"
        searcher = leaks.Searcher({"it": {secret}})
        for before in range(7):
            for behind in range(4):
                whole = b"x" * before + secret + b"y" * behind
                for encode in (base64.b64encode, base64.urlsafe_b64encode):
                    self.assertTrue(searcher.find("here", encode(whole)), (before, behind))

    def test_what_is_no_secret_is_not_found(self):
        searcher = leaks.Searcher({"it": {b"hunter2 & co"}})
        self.assertEqual(searcher.find("here", base64.b64encode(b"hunter3 & co") + b"hunter2"), set())

    def test_a_word_too_short_to_be_told_from_chance_is_refused(self):
        with self.assertRaises(ValueError):
            leaks.Searcher({"it": {b"short"}})


if __name__ == "__main__":
    unittest.main()
