"""The client in Python that is given as an example, against the real services: what it says is what
UPS knows."""

import json
import subprocess
import sys
import time
import unittest
from datetime import datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness")]

from deploy.local.psupsctl import write_context  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from judging.fields import Label  # noqa: E402
from running.job import Job  # noqa: E402

ORDERS = 12
SECONDS = 120
EXAMPLE = ROOT / "examples" / "python"


class NoScans:
    """UPS that picks nothing up: labels can be voided."""

    def step(self, *_):
        pass


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = ROOT / "build" / "e2e-python"
        subprocess.run([EXAMPLE / "make_stubs", cls.home / "stubs"], check=True)
        cls.stack = Stack("e2e-python")
        cls.addClassCleanup(cls.stack.stop)
        cls.stack.remove()
        cls.stack.start()
        cls.job = Job(cls.stack, cls.home, orders=ORDERS, seed=5)
        cls.scanner, cls.job.scanner = cls.job.scanner, NoScans()
        cls.job.connect()
        cls.step_until(lambda: len(cls.live()) == cls.job.progress()["labels bought"][1])
        for role in ("viewer", "clerk", "operator", "ps-ingest"):
            write_context(cls.home / f"{role}.json", cls.stack.ports, role)

    @classmethod
    def step_until(cls, reached) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            cls.job.step()
            if reached():
                return
            if time.monotonic() > deadline:
                raise AssertionError("\n".join(cls.job.missing()) or "nothing is missing")
            time.sleep(0.2)

    @classmethod
    def live(cls) -> dict[str, Label]:
        """UPS's own truth: shipments that are not void, by their number."""
        labels = map(Label, cls.job.evidence.ups["shipments"])
        return {label.number: label for label in labels if not label.voided}

    def run_client(self, role: str, *arguments) -> subprocess.CompletedProcess:
        """By Debian's Python, which has python3-grpcio."""
        return subprocess.run(
            ["/usr/bin/python3", EXAMPLE / "psups_client.py", "--context", self.home / f"{role}.json",
             "--stubs", self.home / "stubs", *map(str, arguments)],
            capture_output=True, text=True, check=False, timeout=SECONDS)

    def lines(self, role: str, *arguments) -> list:
        done = self.run_client(role, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, role: str, *arguments) -> str:
        done = self.run_client(role, *arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        return done.stderr

    def reasons(self, name: str) -> list[str]:
        """Why the ledger says that the shipment's label goes."""
        entries = [row["entry"] for row in self.stack.psupsctl.json("audit", "list", "--subject", name)]
        return [entry["detail"]["reason"] for entry in entries
                if entry["action"] == "shipment.void_begin"]

    def until(self, what):
        """The first true thing that `what` says; its last answer if it takes too long."""
        deadline = time.monotonic() + SECONDS
        while not (said := what()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return said

    def numbers(self) -> set[str]:
        return {package["tracking_number"] for label in self.live().values()
                for package in label.numbers()}

    def listed_numbers(self, conditions: str) -> set[str]:
        return {number for shipment in self.lines("viewer", "list", "--filter", conditions)
                for number in shipment["tracking_numbers"]}

    def test_1_lists_what_ups_has(self):
        self.assertEqual(self.listed_numbers("state = LABELED"), self.numbers())
        soon = (datetime.now().astimezone() + timedelta(hours=1)).isoformat()
        self.assertEqual(self.lines("viewer", "list", "--filter", f"label_time > {soon}"), [])
        self.assertEqual(self.listed_numbers(f"state != VOIDED AND label_time < {soon}"),
                         self.numbers())
        one = next(iter(self.numbers()))
        found = self.lines("viewer", "list", "--filter", f"tracking_number = {one}")
        self.assertEqual(len(found), 1)
        self.assertIn(one, found[0]["tracking_numbers"])

    def test_2_errors_name_the_next_step(self):
        said = self.refused("viewer", "list", "--filter", "stat = LABELED")
        self.assertIn('INVALID_ARGUMENT: filter: at character 1: "stat", want state, order', said)
        self.assertIn("Mend the request", said)
        said = self.refused("viewer", "void", "shipments/c1-none", "--reason", "x")
        self.assertIn("PERMISSION_DENIED", said)
        self.assertIn("Use a certificate of a role that may.", said)
        self.assertIn("NOT_FOUND", self.refused("viewer", "delivery", "orders/c1-none"))

    def test_3_saves_the_labels_that_ups_made(self):
        out = self.home / "labels"
        for old in out.glob("*"):
            old.unlink()
        done = self.run_client("clerk", "labels", "--since", "2020-01-01", "--out", out)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual({path.stem for path in out.iterdir()}, self.numbers())
        for path in out.iterdir():
            self.assertEqual(path.suffix, ".zpl")
            self.assertIn(path.stem.encode(), path.read_bytes())  # its number is on it

    def test_4_watches_from_where_it_stopped_and_voids(self):
        cursor = self.home / "cursor"
        cursor.unlink(missing_ok=True)
        watch = ("ps-ingest", "watch", "--cursor-file", cursor, "--once", "--wait", 2)
        told = {line["name"]: line for line in self.lines(*watch)}
        self.assertEqual({number for line in told.values() for number in line["tracking_numbers"]},
                         self.numbers())
        self.assertEqual(self.lines(*watch), [])
        name, first = next((n, line) for n, line in told.items() if line["state"] == "LABELED")
        [asked] = self.lines("operator", "void", name, "--reason", "ordered twice")
        self.assertIn(asked["state"], ("VOIDING", "VOIDED"))
        self.step_until(lambda: first["tracking_numbers"][0] not in self.numbers())
        states = [line["state"] for line in self.lines(*watch) if line["name"] == name]
        self.assertIn("VOIDED", states or ["nothing"])
        self.assertEqual(self.until(lambda: self.reasons(name)), ["ordered twice"])

    def test_5_reads_what_was_delivered(self):
        self.job.scanner = self.scanner
        self.step_until(lambda: {e["tracking_number"] for e in self.job.evidence.ups["events"]
                                 if e["code"] == "FS"} >= self.numbers())
        self.assertTrue(self.until(
            lambda: self.listed_numbers("state = DELIVERED") == self.numbers()))
        for shipment in self.lines("viewer", "list", "--filter", "state = DELIVERED"):
            [delivery] = self.lines("ps-ingest", "delivery", shipment["order"])
            found = {number for schedule in delivery["schedules"]
                     for number in schedule["tracking_numbers"]}
            self.assertLessEqual(set(shipment["tracking_numbers"]), found)
            for schedule in delivery["schedules"]:
                self.assertEqual(schedule["delivered"], schedule["shipped"], shipment["order"])


if __name__ == "__main__":
    unittest.main()
