"""Everything that the chart renders with the sandboxes, started for real: the migrate Job on an empty
PostgreSQL, then each Deployment, then one customer's orders up to their labels.
"""

import json
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from deploy.local.layout import ROOT
from deploy.local.psupsctl import Psupsctl
from deploy.local.sandboxes import Admin
from tests.chart.node import Node, read_secrets
from tests.chart.rendered import HERE, NAMESPACE, RELEASE, SETS, Rendered, chart
from tests.deploy.network_cluster import NetworkCluster

CA = "psups-database-ca"


class ChartRunsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Path(tempfile.mkdtemp(prefix="psups-chart-", dir="/tmp"))
        cls.home.chmod(0o755)  # so that PostgreSQL's user gets to what is below
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.cluster = NetworkCluster(cls.home / "postgres")
        cls.cluster.home.mkdir()
        cls.addClassCleanup(cls.cluster.remove)
        cls.cluster.start()
        cls.trial = cls.home / "trial"
        subprocess.run([ROOT / "deploy/kubernetes/secrets", "--namespace", NAMESPACE, "--release",
                        RELEASE, "--sandbox", "--database-host", "localhost", "--out", cls.trial],
                       check=True, capture_output=True)
        cls.secrets = read_secrets(cls.trial / "secrets.yaml")
        cls.cluster.set_owner_password(cls.secrets["psups-database"]["owner"].decode().strip())
        cls.secrets[CA] = {"ca.crt": cls.cluster.authority.read_bytes()}
        cls.sandbox = cls.render("sandbox")
        cls.node = Node(cls.home, cls.secrets, cls.sandbox)
        cls.addClassCleanup(cls.node.close)
        cls.migrated = cls.run_job(cls.sandbox)
        cls.running = {each.service: cls.node.start(each) for each in cls.sandbox.workloads
                       if each.kind == "Deployment"}

    @classmethod
    def render(cls, name):
        """That set of values, with our PostgreSQL."""
        settings = {"database.host": "localhost", "database.port": cls.cluster.port,
                    "database.sslMode": "verify-full", "database.ca.existingSecret": CA}
        done = chart("-f", HERE / "values" / f"{name}.yaml",
                     *(word for key, value in settings.items()
                       for word in ("--set", f"{key}={value}")))
        if done.returncode:
            raise AssertionError(done.stderr)
        return Rendered(done.stdout, name)

    @classmethod
    def run_job(cls, rendered):
        job, = [each for each in rendered.workloads if each.kind == "Job"]
        container = cls.node.start(job)
        return container.wait(job.spec["activeDeadlineSeconds"]), container.last_words()

    def test_the_job_makes_the_database_out_of_nothing_and_again_changes_nothing(self):
        code, said = self.migrated
        self.assertEqual(code, 0, said)
        self.assertIn("migrate: shipment-builder", said)
        code, said = self.run_job(self.sandbox)
        self.assertEqual(code, 0, said)

    def test_each_probe_of_each_deployment_passes(self):
        for container in self.running.values():
            for name in container.workload.probes:
                with self.subTest(container.name, probe=name):
                    container.await_probe(name)

    def test_each_process_is_the_user_and_has_the_environment_that_were_rendered(self):
        for container in self.running.values():
            with self.subTest(container.name):
                container.await_probe("readinessProbe")
                proc = Path("/proc", str(container.process.pid))
                said = dict(line.split(":\t", 1)
                            for line in (proc / "status").read_text().splitlines() if ":\t" in line)
                self.assertEqual(set(said["Uid"].split() + said["Gid"].split()), {"65532"})
                self.assertEqual(int(said["CapEff"], 16) | int(said["CapBnd"], 16), 0)
                self.assertEqual(said["NoNewPrivs"], "1")
                environment = dict(each.split("=", 1) for each in
                                   (proc / "environ").read_text().split("\0") if each)
                self.assertEqual(environment, container.workload.env)

    def test_orders_become_labels(self):
        for container in self.running.values():
            container.await_probe("readinessProbe")
        files = self.trial / "orders"
        expected = json.loads((files / "expected.json").read_text())
        wanted = sum(shipment["outcome"] == "ship" for order in expected["orders"]
                     if order["connection"] == "c1" for shipment in order["shipments"])
        self.assertGreater(wanted, 0)
        ups = Admin("ups-sandbox", "http://127.0.0.1:7601")
        ups.post("/admin/addresses", json.loads((files / "addresses.json").read_text()))
        self.connect()
        Admin("peoplesoft-sandbox", "http://127.0.0.1:7611").post(
            "/admin/orders", json.loads((files / "peoplesoft-c1.json").read_text()))
        psupsctl = Psupsctl(self.trial / "context.json")

        def labelled():
            return [each for each in psupsctl.list("shipment")
                    if each["state"] in ("LABELED", "IN_TRANSIT", "DELIVERED")]

        deadline = time.monotonic() + 120
        while len(labelled()) < wanted and time.monotonic() < deadline:
            time.sleep(0.5)
        self.assertEqual(len(labelled()), wanted)
        self.assertEqual(len(ups.truth()["shipments"]), wanted)

    def connect(self):
        """As docs/kubernetes.md has it done."""
        psupsctl = Psupsctl(self.trial / "context.json")
        psupsctl.run("account", "create", "--file", self.trial / "account.json", "--secret-file",
                     self.trial / "ups.secret")
        psupsctl.run("connection", "create", "--file", self.trial / "connection.json",
                     "--password-file", self.trial / "peoplesoft.password")
        psupsctl.run("connection", "activate", "c1", "--yes")

    def test_services_of_every_set_of_values_take_their_settings(self):
        for name in SETS:
            rendered = self.render(name)
            for workload in rendered.services:
                with self.subTest(name, of=workload.name):
                    for path, (secret, key) in workload.secret_files().items():
                        self.secrets.setdefault(secret, {}).setdefault(key, path.encode() * 2)
                    container = Node(self.home / name, self.secrets, rendered).start(
                        workload, ["--check-config"])
                    self.addCleanup(container.release)
                    self.assertEqual(container.wait(30), 0, container.last_words())

    def test_zz_each_ends_in_order_when_it_is_told_to(self):
        """Last by its name: after it nothing runs."""
        for container in self.running.values():
            with self.subTest(container.name):
                container.await_probe("readinessProbe")
                self.assertEqual(container.stop(), 0, container.last_words())


if __name__ == "__main__":
    unittest.main()
