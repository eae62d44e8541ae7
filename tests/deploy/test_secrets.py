"""deploy/kubernetes/secrets: what a trial is given, and that the programs take it."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from deploy.local.layout import BINARIES, CALLS, FIXED_PORTS, ROOT, SERVICES, schema_of

SECRETS = ROOT / "deploy/kubernetes/secrets"
TRIAL_POSTGRES = ROOT / "deploy/kubernetes/trial-postgres.yaml"


def make(out, *arguments):
    return subprocess.run([SECRETS, "--out", out, *arguments], capture_output=True, text=True,
                          check=False)


def read(out):
    """Secret → key → bytes."""
    return {document["metadata"]["name"]: {key: base64.b64decode(text, validate=True)
                                           for key, text in document["data"].items()}
            for document in yaml.safe_load_all((out / "secrets.yaml").read_text())}


def names_of(pem):
    said = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=pem,
                          capture_output=True, check=True).stdout.decode()
    return set(said.strip().splitlines()[1].strip().split(", "))


class SecretsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="psups-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.out = cls.home / "trial"
        cls.done = make(cls.out, "--sandbox", "--namespace", "shipping", "--release", "try")
        cls.secrets = read(cls.out)

    def test_it_says_what_it_made_and_no_secret(self):
        self.assertEqual(self.done.returncode, 0, self.done.stderr)
        self.assertEqual(self.done.stderr, "")
        for file in (*(self.out / "passwords").iterdir(), *(self.out / "secrets").iterdir()):
            self.assertNotIn(file.read_text().strip(), self.done.stdout)

    def test_every_secret_that_the_chart_names_is_there(self):
        named = set()

        def collect(value):
            if isinstance(value, dict):
                if value.get("existingSecret"):
                    named.add(value["existingSecret"])
                for part in value.values():
                    collect(part)

        collect(yaml.safe_load((ROOT / "helm/psups/values.yaml").read_text()))
        self.assertGreater(len(named), 10)
        self.assertEqual(set(self.secrets), named | {"psups-trial-postgres"})

    def test_all_are_for_that_namespace_and_of_the_type_that_their_keys_say(self):
        for document in yaml.safe_load_all((self.out / "secrets.yaml").read_text()):
            self.assertEqual(document["metadata"]["namespace"], "shipping")
            self.assertEqual(document["type"], "kubernetes.io/tls" if "tls.key" in document["data"]
                             else "Opaque")

    def test_certificates_are_of_the_authority_and_for_who_shows_them(self):
        for service in SERVICES:
            secret = self.secrets[f"psups-tls-{service}"]
            self.assertEqual(names_of(secret["tls.crt"]), {
                f"URI:spiffe://psups/service/{service}", f"DNS:try-psups-{service}",
                f"DNS:try-psups-{service}.shipping.svc", "DNS:localhost", "IP Address:127.0.0.1"})
        sandbox = names_of(self.secrets["psups-tls-sandbox"]["tls.crt"])
        self.assertLess({"DNS:try-psups-ups-sandbox", "DNS:try-psups-peoplesoft-sandbox",
                         "DNS:localhost"}, sandbox)
        database = names_of(self.secrets["psups-trial-postgres"]["tls.crt"])
        self.assertIn("DNS:psups-trial-postgres", database)
        for name, secret in self.secrets.items():
            if "tls.crt" in secret:
                with self.subTest(name):
                    authority, pem = self.home / "ca.crt", self.home / "tls.crt"
                    authority.write_bytes(secret["ca.crt"])
                    pem.write_bytes(secret["tls.crt"])
                    subprocess.run(["openssl", "verify", "-CAfile", authority, pem], check=True,
                                   capture_output=True)
                    public = [subprocess.run(["openssl", *command], input=given, check=True,
                                             capture_output=True).stdout
                              for command, given in (
                                  (["x509", "-noout", "-pubkey"], secret["tls.crt"]),
                                  (["pkey", "-pubout"], secret["tls.key"]))]
                    self.assertEqual(*public)

    def test_each_role_has_a_password_of_its_own(self):
        passwords = self.secrets["psups-database"]
        self.assertEqual(set(passwords), {"owner", *SERVICES})
        self.assertEqual(len(set(passwords.values())), 6)
        self.assertTrue(all(len(password) >= 32 for password in passwords.values()))

    def test_only_their_owner_can_read_what_is_secret(self):
        for path in (*self.out.rglob("*.key"), *(self.out / "passwords").iterdir(),
                     self.out / "secrets.yaml", self.out / "ups.secret",
                     self.out / "peoplesoft.password", *(self.out / "secrets").iterdir()):
            if path.suffix != ".pub":
                self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)
        for folder in ("ca", "certs", "passwords", "secrets"):
            self.assertEqual((self.out / folder).stat().st_mode & 0o777, 0o700)

    def test_a_second_run_keeps_everything_but_what_is_for_other_names(self):
        before = {path: path.read_bytes() for path in self.out.rglob("*") if path.is_file()}
        again = ("--sandbox", "--namespace", "shipping", "--release")
        self.assertEqual(make(self.out, *again, "try").returncode, 0)
        self.assertEqual({path: path.read_bytes() for path in before}, before)
        try:
            make(self.out, *again, "psups")
            secrets = read(self.out)
            self.assertIn("DNS:psups-ps-ingest",
                          names_of(secrets["psups-tls-ps-ingest"]["tls.crt"]))
            for kept in ("psups-key", "psups-checkpoint", "psups-database", "psups-webhook"):
                self.assertEqual(secrets[kept], self.secrets[kept])
        finally:
            make(self.out, *again, "try")

    def test_a_database_of_ones_own_comes_with_its_own_authority(self):
        ours = self.home / "company.pem"
        ours.write_text("-----BEGIN CERTIFICATE-----\n")
        out = self.home / "own"
        done = make(out, "--database-host", "db.example.com", "--database-ca", ours)
        self.assertEqual(done.returncode, 0, done.stderr)
        secrets = read(out)
        self.assertEqual(secrets["psups-database-ca"]["ca.crt"], ours.read_bytes())
        for absent in ("psups-trial-postgres", "psups-sandbox", "psups-tls-sandbox"):
            self.assertNotIn(absent, secrets)
        values = yaml.safe_load((out / "values.yaml").read_text())
        self.assertEqual(values["database"]["host"], "db.example.com")
        refused = make(out, "--database-ca", self.home / "nothing")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("--database-ca: cannot read the file", refused.stderr)

    def test_each_service_takes_what_its_pod_is_given(self):
        def put(service, path, content):
            file = self.home / service / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            return str(file)

        for service in SERVICES:
            tls = self.secrets[f"psups-tls-{service}"]
            variables = {
                "PSUPS_DATABASE_URL": f"postgresql://{schema_of(service)}@db:5432/psups",
                "PSUPS_DATABASE_PASSWORD_FILE": put(
                    service, "password", self.secrets["psups-database"][service]),
                "PSUPS_GRPC_LISTEN": "0.0.0.0:7401",
                "PSUPS_METRICS_LISTEN": "0.0.0.0:7501",
                "PSUPS_TLS_CERT_FILE": put(service, "tls.crt", tls["tls.crt"]),
                "PSUPS_TLS_KEY_FILE": put(service, "tls.key", tls["tls.key"]),
                "PSUPS_TLS_CA_FILE": put(service, "ca.crt", tls["ca.crt"]),
            }
            for peer in CALLS[service]:
                variables[f"PSUPS_{schema_of(peer).upper()}_ADDR"] = f"try-psups-{peer}:7400"
            if service == "audit-ledger":
                variables["PSUPS_CHECKPOINT_KEY_FILE"] = put(
                    service, "checkpoint.key", self.secrets["psups-checkpoint"]["checkpoint.key"])
            else:
                variables["PSUPS_KEY_FILE"] = put(
                    service, "keys.json", self.secrets["psups-key"]["keys.json"])
            if service == "tracking-sync":
                door = self.secrets["psups-webhook-tls"]
                variables |= {
                    "PSUPS_WEBHOOK_LISTEN": "0.0.0.0:7444",
                    "PSUPS_WEBHOOK_TLS_CERT_FILE": put(service, "door/tls.crt", door["tls.crt"]),
                    "PSUPS_WEBHOOK_TLS_KEY_FILE": put(service, "door/tls.key", door["tls.key"]),
                    "PSUPS_WEBHOOK_CLIENT_ID": "ups-track-alert",
                    "PSUPS_WEBHOOK_CLIENT_SECRET_FILE": put(
                        service, "client-secret", self.secrets["psups-webhook"]["client-secret"]),
                    "PSUPS_WEBHOOK_API_KEYS": "psups-demo-client",
                }
            done = subprocess.run([BINARIES / service, "--check-config"], capture_output=True,
                                  text=True, check=False,
                                  env={"PATH": os.environ["PATH"]} | variables)
            self.assertEqual(done.returncode, 0, f"{service}: {done.stderr}")
        # --check-config does not read the keys; this does.
        keys = json.loads(self.secrets["psups-key"]["keys.json"])
        drawn = [*keys["keys"].values(), keys["derivation_key"]]
        self.assertIn(keys["current"], keys["keys"])
        self.assertEqual([len(base64.b64decode(key)) for key in drawn], [32] * len(drawn))

    def test_the_sandboxes_the_account_and_the_connection_agree(self):
        configs = {name: json.loads(self.secrets["psups-sandbox"][f"{name}.json"])
                   for name in ("ups-sandbox", "peoplesoft-sandbox")}
        ups, site = configs["ups-sandbox"], configs["peoplesoft-sandbox"]
        for name, config in configs.items():
            self.assertEqual(config["tls_key_file"], "/etc/psups/tls/tls.key")
            self.assertRegex(config["api_listen"], r"^0\.0\.0\.0:76[01]0$", name)
        self.assertEqual(ups["webhook"]["url"], "https://try-psups-tracking-sync:7444/track-alert")
        self.assertEqual(ups["webhook"]["client_secret"].encode(),
                         self.secrets["psups-webhook"]["client-secret"])
        account = json.loads((self.out / "account.json").read_text())
        connection = json.loads((self.out / "connection.json").read_text())
        self.assertEqual(account["base_url"], "https://try-psups-ups-sandbox:7600")
        self.assertEqual(connection["base_url"],
                         "https://try-psups-peoplesoft-sandbox:7610/PSIGW/RESTListeningConnector")
        self.assertEqual(account["ca_bundle_pem"].encode(),
                         self.secrets["psups-tls-sandbox"]["ca.crt"])
        self.assertEqual(ups["clients"][0]["client_secret"], (self.out / "ups.secret").read_text())
        self.assertEqual(site["password"], (self.out / "peoplesoft.password").read_text())
        self.assertTrue((self.out / "orders/peoplesoft-c1.json").exists())

    def test_psupsctl_finds_the_services_behind_port_forwards(self):
        for role in ("admin", "clerk"):
            name = "context.json" if role == "admin" else "context-clerk.json"
            context = json.loads((self.out / name).read_text())
            self.assertEqual(context["endpoints"],
                             {name: f"localhost:{FIXED_PORTS[name]}" for name in SERVICES})
            pem = (self.out / context["cert_file"]).read_bytes()
            self.assertIn(f"URI:spiffe://psups/{role}/trial", names_of(pem))
            said = subprocess.run([BINARIES / "psupsctl", "--context", self.out / name, "order",
                                   "list"], capture_output=True, text=True, check=False)
            self.assertEqual(said.returncode, 4, said.stderr)  # it would ask, but nobody is there


class TrialPostgresTest(unittest.TestCase):
    def setUp(self):
        documents = list(yaml.safe_load_all(TRIAL_POSTGRES.read_text()))
        self.objects = {document["kind"]: document for document in documents}
        self.pod = self.objects["Deployment"]["spec"]["template"]["spec"]
        self.container, = self.pod["containers"]

    def test_it_has_no_more_rights_than_it_needs(self):
        self.assertFalse(self.pod["automountServiceAccountToken"])
        self.assertTrue(self.pod["securityContext"]["runAsNonRoot"])
        self.assertEqual(self.pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(self.container["securityContext"], {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}})

    def test_no_secret_is_in_it_and_nobody_gets_in_without_tls_and_a_password(self):
        self.assertEqual({each["name"]: each["value"] for each in self.container["env"]
                          if "PASSWORD" in each["name"]},
                         {"POSTGRES_PASSWORD_FILE": "/etc/psups/tls/password"})
        for line in self.objects["ConfigMap"]["data"]["pg_hba.conf"].splitlines():
            self.assertRegex(line, r"^(local|hostssl) .*scram-sha-256$")

    def test_it_is_reached_by_the_name_of_its_certificate_and_says_that_it_is_for_trying(self):
        self.assertEqual(self.objects["Service"]["metadata"]["name"], "psups-trial-postgres")
        self.assertRegex(TRIAL_POSTGRES.read_text().splitlines()[0], "to try psups with")


if __name__ == "__main__":
    unittest.main()
