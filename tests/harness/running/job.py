"""One run of the whole job on a stack: what `make demo` and the e2e tests have in common."""

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import generator
from deploy.local import customers
from deploy.local.layout import SERVICES, StackError
from deploy.local.sandboxes import SITES
from judging import summary
from judging.evidence import Evidence, Findings
from running.changes import Changes
from running.scans import SCRIPT, Scanner

HARNESS = Path(__file__).resolve().parents[1]
DRAIN_SECONDS = 30


class Job:
    """Makes the orders, lets the stack work on them, and judges what came of them.

    The stack has to be started. `step()` is one round; the caller decides how many. PeopleSoft gets
    `wave` documents in one go, the next ones `wave_seconds` later: stamped another second.
    """

    def __init__(self, stack, directory: Path, *, orders: int = 120, seed: int = 1,
                 wave: int = 60, wave_seconds: float = 1.1,
                 shares: dict[str, int] | None = None):
        self.stack = stack
        self.directory = directory
        self.orders = orders
        self.began = time.monotonic()
        directory.mkdir(parents=True, exist_ok=True)
        self.files = generator.make(orders, seed, date.today(), shares)
        for name, content in self.files.items():
            (directory / name).write_text(json.dumps(content, indent=1) + "\n")
        self.expected = self.files["expected.json"]
        self.sites = {name: sandbox.admin for name, sandbox in stack.sites.items()}
        self.ups = stack.ups.admin
        self.scanner = Scanner(self.ups)
        self.changes = Changes(self.expected, self.sites)
        account = customers.account(stack.ports)
        self.evidence = Evidence(
            expected=self.expected, addresses=self.files["addresses.json"],
            zones={name: SITES[name]["base_time_zone"] for name in self.sites},
            account={"shipper_number": account["shipper_number"],
                     "shipper_name": account["shipper"]["name"]})
        self.wave, self.wave_seconds = wave, wave_seconds
        self.posted = 0
        self._last_wave = 0.0

    # ---- before ----

    def connect(self) -> None:
        """Tells UPS the addresses; makes the account and the connections."""
        self.ups.post("/admin/addresses", self.files["addresses.json"])
        for name, site in self.sites.items():
            site.post("/admin/orders",
                      {"tables": self.files[f"peoplesoft-{name}.json"]["tables"]})
        self.stack.connect(date.fromisoformat(self.expected["go_live"]))

    # ---- the work ----

    def step(self) -> None:
        """Posts the next orders, makes due changes and scans, and looks at how things stand."""
        self._post_wave()
        self._look()
        entered = {(name, document["DOC_TYPE"], document["BUSINESS_UNIT"],
                    document.get("PO_ID") or document["REQ_ID"])
                   for name, site in self.evidence.sites.items() for document in site["documents"]}
        self.changes.step(self.evidence.ups, self.evidence.orders, entered)
        self.scanner.step(self.evidence.ups, self.changes.holds)

    def posted_share(self) -> float:
        """How much of what is to be entered in PeopleSoft has been."""
        return min(1.0, self.posted / max(map(len, self._documents().values())))

    def _documents(self) -> dict[str, list]:
        return {name: self.files[f"peoplesoft-{name}.json"]["documents"] for name in self.sites}

    def _post_wave(self) -> None:
        if self.posted_share() == 1 or time.monotonic() < self._last_wave + self.wave_seconds:
            return
        for name, documents in self._documents().items():
            wave = documents[self.posted:self.posted + self.wave]
            if wave:
                self.sites[name].post("/admin/orders", {"documents": wave})
        self.posted += self.wave
        self._last_wave = time.monotonic()

    def _look(self) -> None:
        """What can be asked again and again at little cost; a service that is down says nothing."""
        self.evidence.ups = self.ups.truth()
        self.evidence.sites = {name: site.truth() for name, site in self.sites.items()}
        for noun, attribute in (("order", "orders"), ("review", "reviews"),
                                ("tracking", "trackers")):
            try:
                setattr(self.evidence, attribute, self.stack.psupsctl.list(noun))
            except StackError:
                continue

    # ---- how it stands ----

    def progress(self) -> dict[str, tuple[int, int]]:
        """What has been done of what is to do, by stage."""
        counts, _ = summary.judge(self.evidence)
        events = [e for e in self.evidence.ups["events"] if e["code"] == SCRIPT[-1]]
        written = sum(update["result"] == "OK" for site in self.evidence.sites.values()
                      for update in site["updates"])
        return {
            "orders read": (len(self.evidence.orders), self.orders),
            "labels bought": (counts["shipments_created"], counts["shipments_expected"]),
            "parcels delivered": (len(events), self._parcels()),
            "statuses in PeopleSoft": (written, self._updates()),
            "waiting for a person": (counts["reviews_open"], counts["reviews_expected"]),
        }

    def settled(self) -> bool:
        """Whether every order has reached its end, as far as can be seen without the ledger."""
        counts, _ = summary.judge(self.evidence)
        done, wanted = self.progress()["parcels delivered"]
        counts |= {"calls_unmatched": 0, "ships_unvalidated": 0, "ledger_verified": 1,
                   "token_requests": 0}
        return done == wanted and not summary.broken_rules(counts, 0, kills=1)

    def missing(self) -> list[str]:
        """What is wrong or missing so far, a line each, as far as that can be said on the way."""
        _, findings = summary.judge(self.evidence)
        return [line for name, line in findings.lines if name != "calls_unmatched"][:10]

    def _packages(self, key: str) -> list[dict]:
        if key == "labels_before":
            shipments = [s for o in self.expected["orders"] if o["change"]
                         for s in o["change"]["labels_before"]]
        else:
            shipments = [s for o in self.expected["orders"] for s in o["shipments"]
                         if s["outcome"] == "ship"]
        return [package for shipment in shipments for package in shipment["packages"]]

    def _parcels(self) -> int:
        return len(self._packages("shipments"))

    def _updates(self) -> int:
        """LABEL_CREATED and every scan, or LABEL_CREATED and VOIDED, for each schedule inside."""
        return (sum(len(p["contents"]) for p in self._packages("shipments")) * (1 + len(SCRIPT))
                + sum(len(p["contents"]) for p in self._packages("labels_before")) * 2)

    # ---- after ----

    def judge(self, *, kills: int = 0,
              token_kills: int = 0) -> tuple[dict[str, int], Findings, list[str]]:
        """Takes all evidence and judges it. The journals and the ledger are read in an order in
        which what goes on meanwhile cannot be taken for a hole; until the ledger has all, a while.
        """
        deadline = time.monotonic() + DRAIN_SECONDS
        self._look()
        self.evidence.journals = self._journals()
        while True:
            self._wait_for_outboxes(deadline)
            self._export_ledger()
            self.evidence.later_journals = self._journals()
            self.evidence.seconds = round(time.monotonic() - self.began)
            counts, findings = summary.judge(self.evidence)
            if counts["calls_unmatched"] == 0 or time.monotonic() > deadline:
                break
            time.sleep(1)
        self.evidence.save(self.directory / "evidence")
        (self.directory / "summary.json").write_text(json.dumps(counts, indent=1) + "\n")
        return counts, findings, summary.broken_rules(counts, self.orders, kills=kills,
                                                      token_kills=token_kills)

    def _journals(self) -> dict[str, list]:
        return {"ups": self.ups.journal()} | {name: site.journal()
                                              for name, site in self.sites.items()}

    def _wait_for_outboxes(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            pending = sum(self.stack.services[name].metric("psups_audit_outbox_pending")
                          for name in SERVICES)
            if pending == 0:
                return
            time.sleep(0.2)

    def _export_ledger(self) -> None:
        """The ledger as an auditor gets it, checked by a program that shares nothing with ours."""
        export = self.directory / "ledger.jsonl"
        key = self.stack.home / "secrets" / "checkpoint.pub"
        self.stack.psupsctl.run("audit", "export", "--out", export)
        verified = subprocess.run(
            [sys.executable, HARNESS / "verify_ledger.py", export, "--key", key, "--entries",
             self.directory / "ledger-entries.json"],
            capture_output=True, text=True, check=False)
        self.evidence.ledger_verified = verified.returncode == 0
        if verified.returncode:
            print(f"the ledger does not verify: {verified.stderr.strip()}", file=sys.stderr)
        self.evidence.ledger = json.loads((self.directory / "ledger-entries.json").read_text())
