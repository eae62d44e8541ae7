"""What may be said in values: good values say the facts that the local stack says, bad ones are
refused by name."""

import json
import re
import subprocess
import tempfile
import unittest

import yaml

from deploy.local.layout import CALLS, FIXED_PORTS
from tests.chart.rendered import (CHART, HERE, ROOT, Rendered, chart, default_values, judged,
                                  rendered, set_values)

SCHEMA = "values don't meet the specifications of the schema(s) in the following chart(s):"
# Value, as YAML, by path; what the message has to name besides the schema.
REFUSED_BY_SCHEMA = (
    ("services.ps-ingest.replicas", "0", "replicas"),
    ("services.ups-gateway.replicas", "two", "replicas"),
    ("services.ps-ingest.ports.grpc", "443", "grpc"),
    ("services.ps_ingest.replicas", "2", "ps_ingest"),
    ("services.audit-ledger.replica", "2", "replica"),
    ("services.tracking-sync.calls", "[ups]", "calls"),
    ("services.shipment-builder.env.PSUPS_LEASE", "15", "PSUPS_LEASE"),
    ("services.shipment-builder.env.PSUPS_REVIEW_WEBHOOK_SECRET_FILE", "/tmp/x", "SECRET_FILE"),
    ("services.shipment-builder.env.REVIEW_URL", "https://x", "REVIEW_URL"),
    ("services.ps-ingest.secretFiles.PSUPS_EXTRA_FILE.value", "s3cret", "PSUPS_EXTRA_FILE"),
    ("services.ups-gateway.resources.limits.memory", "lots", "memory"),
    ("services.ps-ingest.tls.existingSecret", "''", "existingSecret"),
    ("database.sslMode", "prefer", "sslMode"),
    ("database.password", "s3cret", "password"),
    ("database.port", "70000", "port"),
    ("image.pullPolicy", "Sometimes", "pullPolicy"),
    ("image.tag", "a b", "tag"),
    ("ingress.host", "https://track.example.com/", "host"),
    ("peoplesoft.egress", "[]", "egress"),
    ("ups.egress", "[]", "egress"),
    ("clients", "[{}]", "clients"),
    ("monitoring.serviceMonitor.interval", "often", "interval"),
    ("terminationGracePeriodSeconds", "5", "terminationGracePeriodSeconds"),
    ("sandbox.enable", "true", "enable"),
    ("ingres.enabled", "true", "ingres"),
)
REFUSED_BY_TEMPLATES = (
    ("database.host", "''", "database.host: not set; want the host name of PostgreSQL"),
    ("database.ca.existingSecret", "''", "database.ca.existingSecret: not set; want"),
    ("webhook.clientId", "''", "webhook.clientId: not set; want"),
    ("webhook.apiKeys", "[]", "webhook.apiKeys: empty; want"),
    ("ingress.enabled", "true", "ingress.host: not set; want"),
    ("services.ps-ingest.env.PSUPS_GRPC_LISTEN", "x", "env.PSUPS_GRPC_LISTEN: the chart sets it"),
    ("services.ps-ingest.secretFiles.PSUPS_KEY_FILE", "{existingSecret: x, key: k}",
     "secretFiles.PSUPS_KEY_FILE: the chart sets it"),
)


def with_value(*paths_and_values):
    """The minimal set with more values, which are YAML."""
    more = {}
    for path, value in paths_and_values:
        *above, name = path.split(".")
        below = more
        for each in above:
            below = below.setdefault(each, {})
        below[name] = yaml.safe_load(value)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(more, file)
        file.flush()
        return chart("-f", HERE / "values" / "minimal.yaml", "-f", file.name)


def refusal(path, value):
    done = with_value((path, value))
    return done.stderr if done.returncode else "it rendered"


def leaves(values, below=""):
    """Every value with its path."""
    if isinstance(values, dict) and values:
        for name, value in values.items():
            yield from leaves(value, f"{below}.{name}" if below else name)
    else:
        yield below, values


class ValuesTest(unittest.TestCase):
    def test_a_bad_value_is_refused_by_the_schema_which_names_it(self):
        for path, value, named in REFUSED_BY_SCHEMA:
            with self.subTest(path, value=value):
                said = refusal(path, value)
                self.assertIn(SCHEMA, said)
                self.assertIn(named, said)

    def test_a_missing_value_is_refused_with_what_is_wanted(self):
        for path, value, words in REFUSED_BY_TEMPLATES:
            with self.subTest(path, value=value):
                self.assertIn(words, refusal(path, value))

    def test_a_refusal_shows_no_secret(self):
        for path in ("database.password", "webhook.clientSecret",
                     "services.ps-ingest.secretFiles.PSUPS_EXTRA_FILE.value"):
            self.assertNotIn("s3cret", refusal(path, "s3cret"))

    def test_who_names_nobody_closes_the_port_and_does_not_open_it(self):
        done = with_value(("clients", "[]"), ("monitoring.from", "[]"), ("ingress.from", "[]"))
        objects = Rendered(done.stdout)
        self.assertEqual(judged(objects.of("NetworkPolicy")), [])
        self.assertEqual(objects.rules(objects.workload("shipment-builder"), "ingress"), [])
        for one in objects.services:
            for rule in objects.rules(one, "ingress"):
                self.assertTrue(rule["from"])
                self.assertEqual([port["port"] for port in rule["ports"]], [one.ports["grpc"]])

    def test_every_default_is_commented_and_every_value_described(self):
        schema = json.loads((CHART / "values.schema.json").read_text())

        def described(part, path):
            part = schema["definitions"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
            self.assertIn("description", part, path)
            for name, below in part.get("properties", {}).items():
                if path != ["definitions"] and "peer" not in below.get("$ref", ""):
                    described(below, [*path, name])
            if "properties" in part:
                self.assertIs(part["additionalProperties"], False, path)

        for name, part in schema["properties"].items():
            described(part, [name])
        self.assertEqual(set(schema["required"]), set(default_values()))

    def test_calls_and_ports_are_those_of_the_local_stack(self):
        services = default_values()["services"]
        self.assertEqual({name: set(service["calls"]) for name, service in services.items()},
                         {name: set(calls) for name, calls in CALLS.items()})
        for name, service in services.items():
            ports = dict(service["ports"])
            grpc = ports.pop("grpc")
            self.assertEqual(grpc, FIXED_PORTS[name])
            self.assertEqual(ports.pop("health"), FIXED_PORTS.get(f"{name}.health", grpc - 100))
            self.assertEqual(ports, {port: FIXED_PORTS[f"{name}.{port}"] for port in ports})
        sandboxes = default_values()["sandbox"]["services"]
        for name, called in (("ups-sandbox", "ups-sandbox"), ("peoplesoft-sandbox", "c1")):
            self.assertEqual(sandboxes[name]["ports"], {"api": FIXED_PORTS[called],
                                                        "admin": FIXED_PORTS[f"{called}.admin"]})

    def test_every_secret_that_values_name_is_the_one_that_is_used(self):
        used = rendered("production").text
        for path, name in leaves(set_values("production")):
            if path.endswith("existingSecret"):
                self.assertRegex(used, rf'secretName: "?{re.escape(name)}\b', path)
        names = set(re.findall(r'secretName: "?([^"\s]+)', used))
        self.assertEqual({name for name in names if name.startswith("psups-")},
                         {f"psups-tls-{service}" for service in CALLS})

    def test_a_name_that_looks_like_a_number_or_a_truth_value_stays_a_name(self):
        done = with_value(("key.existingSecret", "'123'"), ("database.existingSecret", "'on'"),
                          ("checkpoint.existingSecret", "'1e3'"), ("image.pullSecrets", "['5']"))
        self.assertEqual(done.returncode, 0, done.stderr)
        objects = Rendered(done.stdout)
        self.assertEqual(judged(objects.objects), [])
        ledger = objects.workload("audit-ledger").secret_files()
        self.assertEqual(ledger["/etc/psups/checkpoint/checkpoint.key"], ("1e3", "checkpoint.key"))
        self.assertEqual(ledger["/etc/psups/database/password"], ("on", "audit-ledger"))

    def test_the_chart_and_the_programs_have_one_version(self):
        about = yaml.safe_load((CHART / "Chart.yaml").read_text())
        code = (ROOT / "common/service_main.cc").read_text()
        self.assertEqual(about["appVersion"], re.search(r'kVersion\[\] = "(.*)"', code)[1])
        self.assertEqual(about["version"], about["appVersion"])

    def test_the_notes_say_the_next_step_with_names_that_exist(self):
        for name in ("minimal", "sandbox", "production"):
            done = chart("-f", HERE / "values" / f"{name}.yaml", "--notes")
            self.assertEqual(done.returncode, 0, done.stderr)
            services = {each["metadata"]["name"]: {p["port"] for p in each["spec"]["ports"]}
                        for each in rendered(name).of("Service")}
            told = re.findall(r"service/(\S+) (\d+)", done.stdout)
            told += re.findall(r"https://(psups-\S+-sandbox):(\d+)", done.stdout)
            self.assertEqual(len(told), 7 if name == "sandbox" else 5)
            for service, port in told:
                self.assertIn(int(port), services[service])

    def test_the_chart_is_clean_yaml(self):
        for name in ("minimal", "sandbox", "production"):
            done = subprocess.run(["yamllint", "-d", "{extends: default, rules: {line-length: "
                                   "disable, indentation: {indent-sequences: whatever}, "
                                   "comments: disable, braces: disable}}", "-"],
                                  input=rendered(name).text, capture_output=True, text=True,
                                  check=False)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    unittest.main()
