"""deploy/image and what it builds with; building itself takes an engine and minutes."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from deploy.local.layout import BINARIES, ROOT, SERVICES

IMAGE = ROOT / "deploy/image"
PROGRAMS = {*SERVICES, "psupsctl", "ups-sandbox", "peoplesoft-sandbox"}


class ImageTest(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="psups-test-"))
        self.addCleanup(shutil.rmtree, self.home)
        self.dockerfile = (ROOT / "deploy/Dockerfile").read_text()

    def path_of(self, **programs):
        """A PATH with little in it; `programs` are what these names do there."""
        for name in ("bash", "dirname", "env", "sed", "mkdir", "tail", "awk"):
            (self.home / name).symlink_to(shutil.which(name))
        for name, script in programs.items():
            (self.home / name).write_text(f"#!/bin/bash\n{script}\n")
            (self.home / name).chmod(0o755)
        return {"PATH": str(self.home)}

    def image(self, *names, environment):
        return subprocess.run([IMAGE, *names], env=environment, capture_output=True, text=True,
                              check=False)

    def test_every_program_is_compiled_and_every_services_migrations_are_there(self):
        built, stripped = re.findall(r"((?:audit-ledger)[a-z \\\n-]*peoplesoft-sandbox)",
                                     self.dockerfile)
        for words in (built, stripped):
            self.assertEqual(set(words.replace("\\", "").split()), PROGRAMS)
        self.assertEqual(
            set(re.findall(r"^COPY services/([a-z-]+)/migrations /image/psups/migrations/\1$",
                           self.dockerfile, re.MULTILINE)), set(SERVICES))
        self.assertEqual(self.dockerfile.count("\nUSER 65532:65532\n"), 2)

    def test_each_image_is_built_with_its_program_by_docker_if_it_answers(self):
        log = self.home / "log"
        environment = self.path_of(docker=f'echo "$@" >>{log}; '
                                          '[ "$2" = inspect ] && echo 31000000; true')
        done = self.image("ps-ingest", "migrate", environment=environment | {
            "TAG": "t", "REGISTRY": "registry.example.com/tools", "BASE": "debian-of-ours"})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("registry.example.com/tools/psups/ps-ingest:t  31 MB", done.stdout)
        service, migrate = [line for line in log.read_text().splitlines() if "build" in line]
        self.assertIn("--build-arg BASE=debian-of-ours --target service --build-arg "
                      "SERVICE=ps-ingest -t registry.example.com/tools/psups/ps-ingest:t .",
                      service)
        self.assertIn("--target migrate -t registry.example.com/tools/psups/migrate:t .", migrate)

    def test_a_build_that_fails_shows_its_last_words(self):
        environment = self.path_of(docker='[ "$1" = info ] || { echo no space left; exit 1; }')
        done = self.image("migrate", environment=environment)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"psups/migrate:\S+ cannot be built.*\nno space left")

    def test_without_an_engine_it_says_how_to_get_one(self):
        done = self.image(environment=self.path_of(docker="exit 1"))
        self.assertEqual(done.returncode, 1)
        self.assertIn("neither Docker nor buildah is here; install one (apt-get install buildah)",
                      done.stderr)

    def test_a_name_that_is_no_image_is_refused(self):
        done = self.image("ps-ingst", environment={"PATH": os.environ["PATH"]})
        self.assertEqual(done.returncode, 2)
        self.assertIn('"ps-ingst", want one of: ps-ingest shipment-builder', done.stderr)

    def test_an_images_root_holds_all_that_its_program_loads(self):
        root = self.home / "root"
        program = BINARIES / "ps-ingest"
        subprocess.run([ROOT / "deploy/image-root", root, program], check=True)
        loader, = (root / "lib64").resolve().glob("ld-linux-*.so.*")
        libraries = next(root.glob("usr/lib/*-linux-gnu"))
        own = root / program.resolve().relative_to("/")
        command = [loader, "--inhibit-cache", "--library-path", libraries]
        said = subprocess.run([*command, "--list", own], capture_output=True, text=True, check=True)
        loaded = [line.split(" => ")[1].split(" (")[0] for line in said.stdout.splitlines()
                  if " => " in line]
        self.assertGreater(len(loaded), 20)
        for library in loaded:
            self.assertTrue(library.startswith(str(root)) or library == str(loader), library)
        done = subprocess.run([*command, own, "--check-config"], env={}, capture_output=True,
                              text=True, check=False)
        self.assertIn("PSUPS_DATABASE_URL: not set", done.stderr)

    def test_an_images_root_has_a_user_certificates_and_time_zones_but_no_shell(self):
        root = self.home / "root"
        subprocess.run([ROOT / "deploy/image-root", root, BINARIES / "psupsctl"], check=True)
        self.assertIn("psups:x:65532:65532:", (root / "etc/passwd").read_text())
        self.assertIn("BEGIN CERTIFICATE",
                      (root / "etc/ssl/certs/ca-certificates.crt").read_text())
        self.assertTrue((root / "usr/share/zoneinfo/America/New_York").exists())
        self.assertEqual((root / "tmp").stat().st_mode & 0o7777, 0o1777)
        self.assertEqual(list((root / "bin").resolve().iterdir()), [])


if __name__ == "__main__":
    unittest.main()
