"""deploy/compose.yaml, as docker-compose reads it. Nothing is started: there is no engine here."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import yaml

from deploy.local.layout import BINARIES, CALLS, FIXED_PORTS, ROOT, SERVICES

FILE = ROOT / "deploy/compose.yaml"
SANDBOXES = ("ups-sandbox", "peoplesoft-sandbox")
OTHERS = ("postgres", "migrate", "prometheus", "grafana")
USER = "4711:4712"


def config(**environment):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(["docker-compose", "-f", FILE, "config"], capture_output=True, text=True,
                          check=False, env=kept | environment)


class ComposeTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.done = config(PSUPS_USER=USER)
        cls.whole = yaml.safe_load(cls.done.stdout)
        cls.containers = cls.whole["services"]
        cls.home = Path(tempfile.mkdtemp(prefix="psups-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.home)
        cls.made = subprocess.run([ROOT / "deploy/kubernetes/secrets", "--compose", "--out",
                                   cls.home], capture_output=True, text=True, check=False)

    def environment(self, name):
        given = self.containers[name].get("environment", {})
        return {key: str(value) for key, value in given.items()}

    def files(self, name):
        """Path in the container → the file that deploy/kubernetes/secrets made for it."""
        made_for = ROOT / "build/compose"
        return {secret["target"]: self.home / Path(
                    self.whole["secrets"][secret["source"]]["file"]).relative_to(made_for)
                for secret in self.containers[name].get("secrets", ())}

    def test_docker_compose_accepts_it(self):
        self.assertEqual((self.done.returncode, self.done.stderr), (0, ""))

    def test_who_has_not_made_the_secrets_is_told_to(self):
        done = config()
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("run deploy/kubernetes/secrets --compose", done.stderr)

    def test_all_programs_are_there_in_the_version_that_make_image_gives(self):
        self.assertEqual(set(self.containers), {*SERVICES, *SANDBOXES, *OTHERS})
        chart = yaml.safe_load((ROOT / "helm/psups/Chart.yaml").read_text())
        for name in (*SERVICES, *SANDBOXES, "migrate"):
            self.assertEqual(self.containers[name]["image"], f"psups/{name}:{chart['appVersion']}")
            self.assertNotIn("entrypoint", self.containers[name])

    def test_every_file_of_a_secret_is_one_that_was_made(self):
        self.assertEqual(self.made.returncode, 0, self.made.stderr)
        used = set()
        for name, container in self.containers.items():
            for target, file in self.files(name).items():
                self.assertTrue(file.is_file(), f"{name}: {target}")
            used |= {secret["source"] for secret in container.get("secrets", ())}
        self.assertEqual(used, set(self.whole["secrets"]))

    def test_no_secret_stands_in_it(self):
        for name in self.containers:
            for setting, value in self.environment(name).items():
                if re.search("PASSWORD|SECRET|KEY(?!S)", setting):
                    self.assertRegex(value, "^/etc/psups/", f"{name}: {setting}")
                self.assertNotRegex(value, r"://[^/@]*:[^/@]*@|password=", f"{name}: {setting}")

    def test_the_files_belong_to_the_user_that_the_containers_run_as(self):
        said = (self.home / "user.env").read_text()
        user = re.fullmatch(r"PSUPS_USER=(\d+):(\d+)\n", said)
        for name in ("postgres", "grafana", "migrate", *SERVICES, *SANDBOXES):
            self.assertEqual(self.containers[name]["user"], USER)
            for target, file in self.files(name).items():
                status = file.stat()
                self.assertTrue(status.st_uid == int(user[1]) or status.st_mode & 0o004, target)
                if not file.name.endswith(".pem"):
                    self.assertEqual(status.st_mode & 0o777, 0o600, target)

    def test_nobody_but_this_machine_gets_to_a_port(self):
        published = []
        for name, container in self.containers.items():
            for port in container.get("ports", ()):
                inside = re.fullmatch(r"127\.0\.0\.1:(\d+):\1/tcp", port)
                self.assertTrue(inside, f"{name}: {port}")
                published.append(int(inside[1]))
        self.assertEqual(set(published), {3000, 9090, FIXED_PORTS["ups-sandbox.admin"],
                                          FIXED_PORTS["c1.admin"],
                                          *(FIXED_PORTS[name] for name in SERVICES)})

    def test_no_container_has_rights_or_places_to_write_that_it_does_not_need(self):
        for name, container in self.containers.items():
            with self.subTest(name):
                self.assertTrue(container["read_only"])
                self.assertEqual(container["cap_drop"], ["ALL"])
                self.assertEqual(container["security_opt"], ["no-new-privileges:true"])
                self.assertNotIn("privileged", container)
                for volume in container.get("volumes", ()):
                    self.assertTrue(str(volume).endswith((":ro", "/prometheus:rw", "/data:rw"))
                                    or not str(volume).startswith("/"), volume)

    def test_each_service_calls_whom_it_calls_elsewhere(self):
        for service in SERVICES:
            peers = {name: value for name, value in self.environment(service).items()
                     if name.endswith("_ADDR")}
            self.assertEqual(peers, {f"PSUPS_{peer.replace('-', '_').upper()}_ADDR":
                                     f"{peer}:{FIXED_PORTS[peer]}" for peer in CALLS[service]})
            self.assertEqual(self.environment(service)["PSUPS_GRPC_LISTEN"],
                             f"0.0.0.0:{FIXED_PORTS[service]}")

    def test_each_service_knows_its_settings_and_takes_its_files(self):
        for service in SERVICES:
            settings = self.environment(service)
            for target, file in self.files(service).items():
                settings = {name: value.replace(target, str(file))
                            for name, value in settings.items()}
            done = subprocess.run([BINARIES / service, "--check-config"], capture_output=True,
                                  text=True, check=False,
                                  env={"PATH": os.environ["PATH"]} | settings)
            self.assertEqual(done.returncode, 0, f"{service}: {done.stderr}")
            named = {value for name, value in self.environment(service).items()
                     if name.endswith("_FILE")} | {"/etc/psups/database-ca/ca.crt"}
            self.assertEqual(named, set(self.files(service)))

    def test_migrations_know_every_services_password_and_run_before_the_services(self):
        folder = self.environment("migrate")["PSUPS_MIGRATE_PASSWORDS_DIR"]
        self.assertEqual({f"{folder}/{service}" for service in (*SERVICES, "owner")}
                         | {"/etc/psups/database-ca/ca.crt"}, set(self.files("migrate")))
        for name, value in self.environment("migrate").items():
            self.assertIn(name, (ROOT / "deploy/postgres/migrate").read_text(), value)
        for service in SERVICES:
            self.assertEqual(self.containers[service]["depends_on"],
                             {"migrate": {"condition": "service_completed_successfully"}})
        self.assertEqual(self.containers["migrate"]["depends_on"],
                         {"postgres": {"condition": "service_healthy"}})

    def test_prometheus_scrapes_each_service_where_it_says_what_it_measures(self):
        scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())
        targets = {target for job in scraped["scrape_configs"]
                   for group in job["static_configs"] for target in group["targets"]}
        self.assertEqual(targets, {
            f"{service}:{self.environment(service)['PSUPS_METRICS_LISTEN'].split(':')[1]}"
            for service in SERVICES})

    def test_grafana_finds_its_dashboards_where_they_are_mounted(self):
        mounted = {str(volume).split(":")[1]: Path(str(volume).split(":")[0])
                   for volume in self.containers["grafana"]["volumes"]}
        provider = next((mounted["/etc/grafana/provisioning"] / "dashboards").glob("*.y*ml"))
        path = yaml.safe_load(provider.read_text())["providers"][0]["options"]["path"]
        self.assertTrue(list(mounted[path].glob("*.json")))


if __name__ == "__main__":
    unittest.main()
