"""Processes, ports and certificates of a local stack."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

from deploy.local import certificates, ports, process
from deploy.local.layout import FIXED_PORTS, StackError
from deploy.local.process import Process

STUBBORN = ("import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
            "print('ready', flush=True); time.sleep(60)")


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = Path(folder.name)


class ProcessTest(Folder):
    def sleeper(self):
        sleeper = Process(self.home, "sleeper")
        sleeper.start([sys.executable, "-c", "import time; time.sleep(60)"])
        self.addCleanup(sleeper.kill)
        return sleeper

    def test_it_is_stopped_by_who_only_knows_its_name(self):
        sleeper = self.sleeper()
        other = Process(self.home, "sleeper")
        self.assertEqual(other.pid(), sleeper.child.pid)
        os.kill(other.pid(), 0)
        other.signal(signal.SIGTERM)
        self.assertEqual(sleeper.child.wait(), -signal.SIGTERM)
        self.assertIsNone(other.pid())
        other.stop()

    def test_who_does_not_heed_sigterm_is_killed(self):
        stubborn = Process(self.home, "stubborn")
        stubborn.start([sys.executable, "-c", STUBBORN])
        while "ready" not in stubborn.log.read_text():
            time.sleep(0.01)
        with mock.patch.object(process, "STOP_SECONDS", 0.3):
            stubborn.stop()
        self.assertEqual(stubborn.child.returncode, -signal.SIGKILL)

    def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(self):
        bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        self.addCleanup(bystander.wait)
        self.addCleanup(bystander.kill)
        mine = Process(self.home, "mine")
        mine.pid_file.parent.mkdir()
        mine.pid_file.write_text(f"{bystander.pid} 1\n")
        mine.stop()
        self.assertIsNone(bystander.poll())

    def test_our_settings_are_not_inherited_from_the_callers_environment(self):
        with mock.patch.dict(os.environ, {"PSUPS_STRAY": "1"}):
            printer = Process(self.home, "printer")
            printer.start([sys.executable, "-c", "import os; print(sorted(os.environ))"],
                          {"PSUPS_WANTED": "1"})
        printer.child.wait()
        self.assertIn("PSUPS_WANTED", printer.last_words())
        self.assertNotIn("PSUPS_STRAY", printer.last_words())

    def test_a_missing_program_is_one_clear_line(self):
        with self.assertRaisesRegex(StackError, "run make build"):
            Process(self.home, "x").start([self.home / "nothing"])


class PortsTest(unittest.TestCase):
    def test_no_port_is_given_twice(self):
        chosen = [port for _ in range(20) for port in ports.free().values()]
        self.assertEqual(len(set(chosen)), 20 * len(FIXED_PORTS))

    def test_a_port_that_somebody_has_is_not_given(self):
        with mock.patch.object(ports, "_is_free", lambda port: port >= 20000):
            self.assertGreaterEqual(min(ports.free().values()), 20000)

    def test_a_taken_port_is_named(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with mock.patch.dict(FIXED_PORTS, {"ps-ingest": port}):
                with self.assertRaisesRegex(StackError, rf"{port} \(ps-ingest\)"):
                    ports.fixed()


class CertificatesTest(Folder):
    def setUp(self):
        super().setUp()
        places = {"AUTHORITY": self.home / "ca" / "ca.pem",
                  "AUTHORITY_KEY": self.home / "ca" / "ca.key", "CERTIFICATES": self.home / "certs"}
        for name, place in places.items():
            patch = mock.patch.object(certificates, name, place)
            patch.start()
            self.addCleanup(patch.stop)
        certificates.prepare()

    def content(self):
        return {path.name: path.read_bytes() for path in self.home.rglob("*") if path.is_file()}

    def test_each_stands_for_its_identity(self):
        for name, uri in certificates.identities().items():
            said = subprocess.run(
                ["openssl", "x509", "-in", certificates.certificate(name), "-noout", "-ext",
                 "subjectAltName"], capture_output=True, text=True, check=True).stdout
            self.assertIn(f"URI:{uri}, DNS:localhost, IP Address:127.0.0.1", said)

    def test_what_is_good_is_kept(self):
        before = self.content()
        certificates.prepare()
        self.assertEqual(self.content(), before)

    def test_stacks_that_start_together_share_one_authority(self):
        for path in self.home.rglob("*"):
            if path.is_file():
                path.unlink()
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(certificates.prepare) for _ in range(4)]:
                done.result()
        for name in certificates.identities():
            subprocess.run(["openssl", "verify", "-CAfile", certificates.AUTHORITY,
                            certificates.certificate(name)], capture_output=True, check=True)

    def test_keys_are_for_their_owner_only(self):
        for path in self.home.rglob("*.key"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)

    def test_what_is_missing_or_of_another_authority_is_made_anew(self):
        before = self.content()
        certificates.key("clerk").unlink()
        certificates.prepare()
        after = self.content()
        self.assertNotEqual(after["clerk.pem"], before["clerk.pem"])
        self.assertEqual(after["viewer.pem"], before["viewer.pem"])
        certificates.AUTHORITY.unlink()
        certificates.prepare()
        self.assertNotEqual(self.content()["viewer.pem"], before["viewer.pem"])


if __name__ == "__main__":
    unittest.main()
