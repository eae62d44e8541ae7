"""The whole job while each of the five services is killed again and again where it hurts most."""

import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "harness"), str(Path(__file__).resolve().parent)]

import kills  # noqa: E402
from deploy.local import customers  # noqa: E402
from deploy.local.layout import SERVICES  # noqa: E402
from deploy.local.stack import Stack  # noqa: E402
from running.job import Job  # noqa: E402

ORDERS = int(os.environ.get("KILL_ORDERS", "120"))
KILLS_PER_SERVICE = int(os.environ.get("KILLS_PER_SERVICE", "10"))
SEED = int(os.environ.get("KILL_SEED", "2"))
SETTINGS = {
    "audit-ledger": {"PSUPS_CHECKPOINT_INTERVAL": "1s"},
    "ups-gateway": {"PSUPS_RESOLVER_FIRST_WAIT": "1s", "PSUPS_RESOLVER_MOST_WAIT": "5s"},
    "ps-ingest": {"PSUPS_LEASE": "3s", "PSUPS_RETRY_CAP": "2s"},
    "tracking-sync": {"PSUPS_BACKFILL_INTERVAL": "5s", "PSUPS_LAST_READ_DELAY": "2s",
                      "PSUPS_RETRY_WAIT": "1s"},
}


class Kills(unittest.TestCase):
    def test_the_summary_holds_though_every_service_is_killed_ten_times(self):
        print(f"seed {SEED}, {ORDERS} orders, {KILLS_PER_SERVICE} kills of each service")
        ordinary = customers.account
        self.addCleanup(setattr, customers, "account", ordinary)
        customers.account = lambda ports: ordinary(ports) | {
            "ship_timeout_seconds": 5, "token_min_interval": "1s"}
        stack = Stack("e2e-kills", settings=SETTINGS)
        stack.remove()
        stack.prepare()
        proxies = kills.behind_proxies(stack, SERVICES)
        for proxy in proxies.values():
            self.addCleanup(proxy.stop)
        self.addCleanup(stack.stop)  # first, while the services still have a database
        stack.start_sandboxes()
        stack.start_services()
        job = Job(stack, ROOT / "build" / "e2e-kills", orders=ORDERS, seed=SEED, wave=4)
        job.connect()
        # Beside the kills: UPS makes the label and the reused connection breaks without a byte.
        stack.ups.admin.post("/admin/faults", {"add": [
            {"id": "close", "route": "ship", "kind": "done_then_close", "count": 2, "reused": True},
            {"id": "reset", "route": "ship", "kind": "done_then_reset", "count": 2, "reused": True}
        ]})
        killers = [kills.Killer(stack, service, proxies[service], KILLS_PER_SERVICE)
                   for service in SERVICES]
        kills.run(job, killers)
        total = KILLS_PER_SERVICE * len(SERVICES)
        counts, findings, broken = job.judge(kills=total, token_kills=1)
        print(counts)
        self.assertFalse(broken, "\n".join(str(line) for line in findings.lines[:20]))
        self.assertEqual(sum(len(k.killed) for k in killers), total)
        self.assert_reused_connections_broke(stack, job.evidence.journals["ups"])

    def assert_reused_connections_broke(self, stack, journal: list[dict]) -> None:
        hits = {fault["id"]: fault["hits"] for fault in
                stack.ups.admin.get("/admin/faults")["faults"]}
        self.assertEqual((hits["close"], hits["reset"]), (2, 2))
        for entry in journal:
            if entry["fault"] in ("close", "reset"):
                before = [e for e in journal if e["connection"] == entry["connection"]
                          and e["n"] < entry["n"]]
                self.assertTrue(before, "the connection was a fresh one")


if __name__ == "__main__":
    unittest.main()
