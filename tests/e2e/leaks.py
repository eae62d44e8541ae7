"""Looks for secrets and personal data in what a run leaves behind, however they are written."""

import base64
import html
import json
import re
import threading
import urllib.parse
from pathlib import Path
from typing import NamedTuple

# Shorter ones would be found by chance in what is encrypted.
SHORTEST = 7
# PostgreSQL's plain dump writes a bytea as \\x and hex digits.
BYTEA = re.compile(rb"\\\\x((?:[0-9a-f]{2})+)")


class Leak(NamedTuple):
    place: str
    secret: str  # its name, not itself
    spelling: str


def spellings(secret: bytes) -> dict[str, bytes]:
    """Every way in which `secret` may stand in a text, by the way's name."""
    found = {"raw": secret, "hex": secret.hex().encode(), "HEX": secret.hex().upper().encode()}
    for skipped in range(3):
        encoded = base64.b64encode(bytes(skipped) + secret)
        whole = encoded[-(-8 * skipped // 6):8 * (skipped + len(secret)) // 6]
        found[f"base64 at {skipped}"] = whole
        found[f"base64url at {skipped}"] = whole.translate(bytes.maketrans(b"+/", b"-_"))
    found["url"] = urllib.parse.quote_from_bytes(secret, safe="").encode()
    found["url, slashes kept"] = urllib.parse.quote_from_bytes(secret, safe="/").encode()
    found["url of a form"] = urllib.parse.quote_plus(secret).encode()
    found["url in lower case"] = re.sub(rb"%..", lambda m: m.group().lower(), found["url"])
    found["url, every byte"] = b"".join(b"%%%02X" % byte for byte in secret)
    found["url, every byte in lower case"] = found["url, every byte"].lower()
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return found
    found["json"] = json.dumps(text)[1:-1].encode()
    found["json, slashes escaped"] = found["json"].replace(b"/", rb"\/")
    found["json, every letter"] = "".join(rf"\u{ord(c):04x}" for c in text).encode()
    found["copy"] = text.replace("\\", "\\\\").replace("\n", "\\n").encode()
    found["xml"] = html.escape(text).encode()
    found["utf-16-le"] = text.encode("utf-16-le")
    found["utf-16-be"] = text.encode("utf-16-be")
    return found


class Searcher:
    """Knows secrets by their names; finds them in texts."""

    def __init__(self, secrets: dict[str, set[bytes]]):
        self.by_start: dict[bytes, list[tuple[bytes, str, str]]] = {}
        for name, values in secrets.items():
            for value in values:
                if len(value) < SHORTEST:
                    raise ValueError(f"{name}: {len(value)} bytes cannot be told from chance")
                for spelling, written in spellings(value).items():
                    entries = self.by_start.setdefault(written[:SHORTEST], [])
                    entries.append((written, name, spelling))

    def find(self, place: str, text: bytes) -> set[Leak]:
        """In the text, and in every bytea that a dump shows."""
        found = self._find(place, text)
        for match in BYTEA.finditer(text):
            found |= self._find(f"{place}, in a bytea", bytes.fromhex(match.group(1).decode()))
        return found

    def _find(self, place: str, text: bytes) -> set[Leak]:
        starts, found = self.by_start, set()
        for i in range(len(text) - SHORTEST + 1):
            start = text[i:i + SHORTEST]
            if start in starts:
                found |= {Leak(place, name, spelling) for written, name, spelling in starts[start]
                          if text.startswith(written, i)}
        return found


def both_cases(words: set[str]) -> set[bytes]:
    """The words as they stand and as those write them who shout or do not."""
    return {form.encode() for word in words for form in (word, word.upper(), word.lower())}


def personal_words(job) -> set[str]:
    """Names, people, streets as anybody writes them, and telephone numbers of a job's orders."""
    words = set()
    for order in job.expected["orders"]:
        for shipment in order["shipments"]:
            for party in filter(None, (shipment["ship_from"], shipment["ship_to"])):
                words |= {party["name"], party["attention_name"], *party["lines"]}
    for row in job.files["addresses.json"]:
        for form in (row["input"], *row["candidates"]):
            words.update(form["lines"])
    for name in job.sites:
        tables = job.files[f"peoplesoft-{name}.json"]["tables"]
        for row in tables["LOCATION_TBL"] + tables["VENDOR_ADDR"]:
            words |= {row["PHONE"], row["PHONE"].replace("-", "")}
    return {word for word in words if len(word) >= SHORTEST}


class ProcessWatch:
    """What others can read of our processes while they run: their arguments and environments."""

    def __init__(self, ours):
        """`ours` says of the path of an executable and its command line whether it is to be seen."""
        self.ours = ours
        self.seen: dict[str, set[bytes]] = {}  # by the executable's name
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(self, *_exception) -> None:
        self._stop.set()
        self._thread.join()

    def look(self) -> None:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                program = str((process / "exe").readlink())
                arguments = (process / "cmdline").read_bytes()
                if self.ours(program, arguments):
                    texts = self.seen.setdefault(Path(program).name, set())
                    texts |= {arguments, (process / "environ").read_bytes()}
            except OSError:
                continue  # it has ended

    def _run(self) -> None:
        while not self._stop.wait(0.02):
            self.look()
