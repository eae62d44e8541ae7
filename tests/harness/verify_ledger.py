#!/usr/bin/env python3
"""Verifies an exported ledger, sharing nothing with psups: hashlib hashes, openssl checks the
signature.

The export (psupsctl audit export --out FILE) holds one JSON object a line: {"index", "entry"
(base64)} for each entry from 0 on, then {"checkpoint": {"note", "signature" (base64),
"public_key_pem"}}. Of a directory each file is read, by name. The note is what was signed: the
log's origin, the number of entries, and the root of their Merkle tree (RFC 6962) in base64.

Exit code 0 and one line if everything holds; 1 and one line that says what does not.
"""

import argparse
import base64
import binascii
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path


class Broken(Exception):
    """Something in the export is not as it must be."""


def decode(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise Broken(f"{what} is not base64") from error


def root_of(entries):
    """The root over the entries: level by level, an odd one out moves up as it is."""
    level = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + left + right).digest()
                 for left, right in zip(level[::2], level[1::2])]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def read(export):
    """The entries' bytes in order, and the checkpoint."""
    export = Path(export)
    files = sorted(export.iterdir()) if export.is_dir() else [export]
    entries, checkpoint = [], None
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            where = f"{file.name}, line {number}"
            try:
                row = json.loads(line)
            except ValueError as error:
                raise Broken(f"{where}: not JSON") from error
            if checkpoint is not None:
                raise Broken(f"{where}: stands behind the checkpoint")
            if not isinstance(row, dict):
                raise Broken(f"{where}: neither an entry nor a checkpoint")
            if "checkpoint" in row:
                checkpoint = row["checkpoint"]
            elif row.get("index") != len(entries):
                raise Broken(f"{where}: entry {row.get('index')}, want {len(entries)}")
            else:
                entries.append(decode(row.get("entry"), f"entry {len(entries)}"))
    if checkpoint is None:
        raise Broken("there is no checkpoint at the end")
    return entries, checkpoint


def parse(entries):
    """The entries as JSON; each tells of an event of its own."""
    parsed, seen = [], {}
    for index, entry in enumerate(entries):
        try:
            parsed.append(json.loads(entry))
            event_id = parsed[-1]["event_id"]
        except (ValueError, KeyError, TypeError) as error:
            raise Broken(f"entry {index} is not an event's JSON") from error
        if event_id in seen:
            raise Broken(f"entries {seen[event_id]} and {index} are both of event {event_id}")
        seen[event_id] = index
    return parsed


def check_signature(note, signature, public_key):
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("note", note), ("signature", signature), ("key.pem", public_key)):
            (Path(folder) / name).write_bytes(content)
        verified = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "key.pem",
             "-in", "note", "-sigfile", "signature"],
            cwd=folder, capture_output=True, check=False)
    if verified.returncode != 0:
        raise Broken("the signature is not the key's for this note")


def verify(export, key_file=None):
    """The parsed entries; raises Broken if anything does not hold."""
    entries, checkpoint = read(export)
    parsed = parse(entries)
    try:
        note, signature = checkpoint["note"], checkpoint["signature"]
        public_key = Path(key_file).read_text() if key_file else checkpoint["public_key_pem"]
        origin, size, root, rest = note.split("\n")
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Broken("the checkpoint is not one: want note, signature, public_key_pem") from error
    if not origin or rest or not (size.isascii() and size.isdigit()):
        raise Broken("the note is not: origin, number of entries, root")
    check_signature(note.encode(), decode(signature, "the signature"), public_key.encode())
    if int(size) != len(entries):
        raise Broken(f"{size} entries were signed, {len(entries)} are here")
    if decode(root, "the root") != root_of(entries):
        raise Broken("the entries do not give the root that was signed")
    return parsed


def main():
    parser = argparse.ArgumentParser(description="Verifies an exported ledger.")
    parser.add_argument("export", help="file or directory of psupsctl audit export")
    parser.add_argument("--key", help="the log's public key (PEM), if it is known from elsewhere")
    parser.add_argument("--entries", help="write the entries there, as one JSON array")
    arguments = parser.parse_args()
    try:
        if arguments.entries:
            # Also of a ledger that does not verify: what it says is evidence, too.
            rows = [json.loads(entry) for entry in read(arguments.export)[0]]
            Path(arguments.entries).write_text(json.dumps(rows) + "\n", encoding="utf-8")
        parsed = verify(arguments.export, arguments.key)
    except (Broken, OSError, ValueError) as error:
        print(f"NOT verified: {error}", file=sys.stderr)
        return 1
    print(f"verified: {len(parsed)} entries under one signed checkpoint")
    return 0


if __name__ == "__main__":
    sys.exit(main())
