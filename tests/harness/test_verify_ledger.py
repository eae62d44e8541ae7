"""The verifier finds any change of any part of an export."""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import verify_ledger

PROGRAM = Path(verify_ledger.__file__)


def leaf(entry):
    return hashlib.sha256(b"\x00" + entry).digest()


def naive_root(entries):
    """RFC 6962's MTH, as it is written there."""
    if len(entries) == 1:
        return leaf(entries[0])
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(entries[:k]) + naive_root(entries[k:])).digest()


class Export(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keys = tempfile.TemporaryDirectory()
        cls.key = Path(cls.keys.name) / "key.pem"
        cls.public = cls.new_key(cls.key)
        cls.entries = [json.dumps({"event_id": f"e{n}", "action": "a.b", "n": n}).encode()
                       for n in range(11)]

    @classmethod
    def tearDownClass(cls):
        cls.keys.cleanup()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "ledger.jsonl"

    @staticmethod
    def new_key(path):
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
        return subprocess.run(["openssl", "pkey", "-in", path, "-pubout"], check=True,
                              capture_output=True, text=True).stdout

    def sign(self, note, key=None):
        (self.folder / "note").write_bytes(note.encode())
        signature = subprocess.run(
            ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key or self.key,
             "-in", self.folder / "note"], check=True, capture_output=True).stdout
        return base64.b64encode(signature).decode()

    def checkpoint(self, entries):
        root = naive_root(entries) if entries else hashlib.sha256(b"").digest()
        note = f"psups/test\n{len(entries)}\n{base64.b64encode(root).decode()}\n"
        return {"note": note, "signature": self.sign(note), "public_key_pem": self.public}

    def rows(self, entries):
        return [{"index": n, "entry": base64.b64encode(entry).decode()}
                for n, entry in enumerate(entries)]

    def write(self, rows, checkpoint, file=None):
        lines = [json.dumps(row) for row in rows]
        if checkpoint is not None:
            lines.append(json.dumps({"checkpoint": checkpoint}))
        (file or self.file).write_text("\n".join(lines) + "\n")

    def run_program(self, *arguments):
        return subprocess.run([sys.executable, PROGRAM, self.file, *arguments],
                              capture_output=True, text=True, check=False)

    def assert_broken(self, reason, *arguments):
        done = self.run_program(*arguments)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn(reason, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertEqual(done.stdout, "")

    def test_logs_of_every_small_size_verify(self):
        for size in range(len(self.entries) + 1):
            entries = self.entries[:size]
            self.write(self.rows(entries), self.checkpoint(entries))
            done = self.run_program()
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stdout,
                             f"verified: {size} entries under one signed checkpoint\n")

    def test_a_directory_is_read_by_the_names_of_its_files(self):
        rows, checkpoint = self.rows(self.entries), self.checkpoint(self.entries)
        parts = self.folder / "parts"
        parts.mkdir()
        self.write(rows[:5], None, parts / "0001.jsonl")
        self.write(rows[5:], checkpoint, parts / "0002.jsonl")
        self.file = parts
        self.assertEqual(self.run_program().returncode, 0)

    def test_the_entries_are_given_out(self):
        self.write(self.rows(self.entries), self.checkpoint(self.entries))
        self.run_program("--entries", self.folder / "out.json")
        entries = json.loads((self.folder / "out.json").read_text())
        self.assertEqual([entry["n"] for entry in entries], list(range(11)))

    def test_a_changed_entry(self):
        for index in (0, 4, 10):
            changed = list(self.entries)
            changed[index] = changed[index].replace(b"a.b", b"a.c")
            self.write(self.rows(changed), self.checkpoint(self.entries))
            self.assert_broken("do not give the root")

    def test_entries_whose_bytes_mean_the_same_json(self):
        changed = [self.entries[0] + b" ", *self.entries[1:]]
        self.write(self.rows(changed), self.checkpoint(self.entries))
        self.assert_broken("do not give the root")

    def test_a_missing_entry(self):
        rows = self.rows(self.entries)
        self.write(rows[:3] + rows[4:], self.checkpoint(self.entries))
        self.assert_broken("entry 4, want 3")
        self.write(rows[:-1], self.checkpoint(self.entries))
        self.assert_broken("11 entries were signed, 10 are here")
        renumbered = self.rows(self.entries[:3] + self.entries[4:])
        self.write(renumbered, self.checkpoint(self.entries))
        self.assert_broken("11 entries were signed, 10 are here")

    def test_one_entry_too_many(self):
        more = self.entries + [b'{"event_id": "e11"}']
        self.write(self.rows(more), self.checkpoint(self.entries))
        self.assert_broken("11 entries were signed, 12 are here")

    def test_entries_in_another_order(self):
        swapped = [self.entries[1], self.entries[0], *self.entries[2:]]
        self.write(self.rows(swapped), self.checkpoint(self.entries))
        self.assert_broken("do not give the root")

    def test_an_event_that_stands_twice(self):
        twice = self.entries + [self.entries[2]]
        self.write(self.rows(twice), self.checkpoint(twice))
        self.assert_broken("entries 2 and 11 are both of event e2")

    def test_an_entry_that_is_no_event(self):
        for entry in (b"[]", b"{}", b"\xff"):
            entries = [*self.entries, entry]
            self.write(self.rows(entries), self.checkpoint(entries))
            self.assert_broken("entry 11 is not an event's JSON")

    def test_a_changed_note(self):
        checkpoint = self.checkpoint(self.entries)
        for note in (checkpoint["note"].replace("test", "tent"),
                     checkpoint["note"].replace("11", "12"),
                     self.checkpoint(self.entries[:-1])["note"]):
            self.write(self.rows(self.entries), checkpoint | {"note": note})
            self.assert_broken("the signature is not the key's")

    def test_a_note_of_another_form(self):
        for note in ("psups/test\n11\n", "psups/test\n-11\nAA==\n", "\n11\nAA==\n",
                     "psups/test\n11\nAA==\nmore\n", 7):
            self.write(self.rows(self.entries), self.checkpoint(self.entries) | {"note": note})
            self.assert_broken("the ")

    def test_a_changed_signature(self):
        checkpoint = self.checkpoint(self.entries)
        signature = bytearray(base64.b64decode(checkpoint["signature"]))
        signature[10] ^= 1
        for wrong in (base64.b64encode(signature).decode(), "", "AAAA"):
            self.write(self.rows(self.entries), checkpoint | {"signature": wrong})
            self.assert_broken("the signature is not the key's")
        self.write(self.rows(self.entries), checkpoint | {"signature": "!"})
        self.assert_broken("the signature is not base64")

    def test_a_log_that_another_key_signed(self):
        other = self.folder / "other.pem"
        other_public = self.new_key(other)
        checkpoint = self.checkpoint(self.entries)
        self.write(self.rows(self.entries), checkpoint | {"public_key_pem": other_public})
        self.assert_broken("the signature is not the key's")
        # Whoever brings an export can bring his own key, too: the auditor has the right one.
        forged = checkpoint | {"signature": self.sign(checkpoint["note"], other),
                               "public_key_pem": other_public}
        self.write(self.rows(self.entries), forged)
        self.assertEqual(self.run_program().returncode, 0)
        known = self.folder / "known.pem"
        known.write_text(self.public)
        self.assert_broken("the signature is not the key's", "--key", str(known))

    def test_no_checkpoint_or_something_behind_it(self):
        self.write(self.rows(self.entries), None)
        self.assert_broken("no checkpoint")
        rows, checkpoint = self.rows(self.entries), self.checkpoint(self.entries[:10])
        self.write(rows[:10], checkpoint)
        with self.file.open("a") as file:
            file.write(json.dumps(rows[10]) + "\n")
        self.assert_broken("stands behind the checkpoint")

    def test_what_is_no_export_at_all(self):
        self.file.write_text("hello\n")
        self.assert_broken("line 1: not JSON")
        self.file.write_text("[1]\n")
        self.assert_broken("neither an entry nor a checkpoint")
        self.file.unlink()
        self.assert_broken("No such file")


if __name__ == "__main__":
    unittest.main()
