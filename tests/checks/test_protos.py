"""The protos are a public API: whoever reads them alone must know what each part means."""

import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"


def lint(folder):
    return subprocess.run([ROOT / "node_modules/.bin/buf", "lint"], cwd=folder,
                          capture_output=True, text=True, check=False)


class ProtosTest(unittest.TestCase):
    def test_every_service_rpc_message_field_and_value_is_commented(self):
        done = lint(PROTOS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_one_comment_less_and_the_lint_says_where(self):
        field = r"(  //[^\n]*\n)+(?=  string last_error = 31;)"
        rpc = r"(  //[^\n]*\n)+(?=  rpc GetConnection\()"
        for thing in (field, rpc):
            with tempfile.TemporaryDirectory() as home:
                copy = Path(home) / "protos"
                shutil.copytree(PROTOS, copy)
                file = copy / "psups/orders/v1/connection_service.proto"
                text, changes = re.subn(thing, "", file.read_text())
                self.assertEqual(changes, 1)
                file.write_text(text)
                self.assertRegex(lint(copy).stdout, "connection_service.proto:.*comment")


if __name__ == "__main__":
    unittest.main()
