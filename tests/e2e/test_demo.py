"""make demo as a newcomer meets it: what it says, how it ends, and that it leaves nothing running."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy.local.stack import Stack  # noqa: E402

NAME = "e2e-demo"
ORDERS = 30


class Demo(unittest.TestCase):
    def setUp(self):
        self.stack = Stack(NAME)
        self.summary = ROOT / "build" / NAME / "summary.json"
        self.addCleanup(self.stack.remove)

    def start(self) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, ROOT / "tests/harness/demo.py", "--orders", str(ORDERS), "--name", NAME],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True)

    def test_it_ends_well_says_so_and_stops_all_that_it_started(self):
        demo = self.start()
        said, _ = demo.communicate(timeout=300)
        self.assertEqual(demo.returncode, 0, said)
        self.assertIn(f"All {ORDERS} orders are where they belong.", said)
        self.assertRegex(said, r"\n +c1 +\d+ +\d+ +\d+ ")  # the closing table
        self.assertRegex(said, r"\n +\d+ s +orders read \d+ of 30;")  # plain lines: no terminal
        self.assertNotIn("\x1b", said)
        self.assertEqual(json.loads(self.summary.read_text())["orders_seen"],
                         json.loads(self.summary.read_text())["orders_eligible"])
        self.assertEqual(Stack(NAME).running(), [])

    def test_whoever_closes_the_terminal_stops_all_of_it_and_no_old_summary_stays(self):
        self.summary.parent.mkdir(parents=True, exist_ok=True)
        self.summary.write_text("{}")
        demo = self.start()
        deadline = time.monotonic() + 120
        while len(Stack(NAME).running()) < 9 and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(demo.pid, signal.SIGHUP)
        said, _ = demo.communicate(timeout=120)
        self.assertEqual(demo.returncode, 1, said)
        self.assertIn("Interrupted; everything is stopped.", said)
        self.assertEqual(Stack(NAME).running(), [])
        self.assertFalse(self.summary.exists())


if __name__ == "__main__":
    unittest.main()
