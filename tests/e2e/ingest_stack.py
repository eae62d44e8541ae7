"""Real ps-ingest, audit-ledger, PostgreSQL and a site of peoplesoft-sandbox, all under one moved clock."""

import json
import os
import signal
import subprocess
import time

from moved_time import MovedTime
from pg_proxy import PgProxy
from sql_session import SqlSession
from year_documents import TABLES, local

from deploy.local import certificates, customers, sandboxes
from deploy.local.layout import BINARIES, StackError, write_private
from deploy.local.psupsctl import write_context
from deploy.local.stack import Stack

DRAIN_SECONDS = 60


class IngestStack:
    """start(); ps-ingest reaches the database by `proxy`, which can kill it."""

    def __init__(self, name: str, lease_seconds: int):
        self.stack, self.lease_seconds = Stack(name), lease_seconds
        self.site = self.stack.sites["c1"]
        self.service = self.stack.services["ps-ingest"]
        self.proxy: PgProxy | None = None
        self.sql: SqlSession | None = None
        self.clock: MovedTime | None = None

    def start(self, begin: float, connection: dict) -> None:
        """At the moment `begin`; the connection c1 differs from the demo's by `connection`."""
        stack = self.stack
        stack.remove()
        stack.prepare()
        stack.cluster.stop()
        self.clock = MovedTime(stack.cluster.place)
        self.clock.step(int(begin - time.time()))
        stack.cluster.environment = self.clock.environment
        stack.cluster.start()
        self.sql = SqlSession(stack.cluster)
        config = sandboxes.peoplesoft_config("c1", stack.ports, stack.secrets)
        self.site.start(config, self.clock.environment)
        self.site.wait()
        self.site.admin.post("/admin/orders", {"tables": TABLES})
        ledger = stack.services["audit-ledger"]
        ledger.start(stack.variables("audit-ledger") | self.clock.environment)
        ledger.wait()
        self._start_ps_ingest()
        self._connect(connection)

    def stop(self) -> None:
        if self.sql is not None:
            self.sql.close()
        self.service.process.stop()
        if self.proxy is not None:
            self.proxy.stop()
        self.stack.remove()

    def _start_ps_ingest(self) -> None:
        folder = self.stack.home / "proxies" / "ps-ingest"
        folder.mkdir(parents=True, exist_ok=True)
        self.proxy = PgProxy(str(folder), str(self.stack.cluster.socket / ".s.PGSQL.5432"), 5432)
        self.service.start(self.stack.variables("ps-ingest") | self.clock.environment | {
            "PSUPS_DATABASE_URL": f"host={folder} port=5432 user=ps_ingest dbname=psups",
            "PSUPS_LEASE": f"{self.lease_seconds}s", "PSUPS_POLL_IDLE_WAIT": "30ms"})
        self.service.wait()

    def _connect(self, connection: dict) -> None:
        home, ports = self.stack.home, self.stack.ports
        go_live = local(self.clock.now()).date()
        settings = customers.connection("c1", ports, go_live) | connection
        file = write_private(home / "connection.json", json.dumps(settings))
        password = write_private(home / "connection.password", self.stack.secrets["c1"])
        write_context(self.stack.context, ports)
        self.stack.psupsctl.run("connection", "create", "--file", file, "--password-file", password)

    def call(self, identity: str, method: str, request: dict) -> dict:
        """ps-ingest's reply."""
        tls = ["--ca", certificates.AUTHORITY, "--cert", certificates.certificate(identity),
               "--key", certificates.key(identity)]
        address = f"localhost:{self.stack.ports['ps-ingest']}"
        done = subprocess.run(
            [BINARIES / "grpc_call", "--address", address, *tls, f"psups.orders.v1.{method}"],
            input=json.dumps(request) + "\n", capture_output=True, text=True, check=True)
        reply = json.loads(done.stdout)
        if reply["code"] != "OK":
            raise StackError(f"{method}: {reply}")
        return reply["reply"]

    # ---- the site ----

    def add_fault(self, name: str, kind: str, **more) -> None:
        rule = {"id": name, "route": "query", "kind": kind} | more
        self.site.admin.post("/admin/faults", {"add": [rule]})

    def remove_fault(self, name: str) -> None:
        self.site.admin.post("/admin/faults", {"remove": [name]})

    def hits(self) -> dict[str, int]:
        return {rule["id"]: rule["hits"]
                for rule in self.site.admin.get("/admin/faults")["faults"]}

    # ---- ps-ingest ----

    def kill(self) -> None:
        """Without waiting for its end."""
        pid = self.service.process.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)

    def begin_again(self) -> None:
        self.service.process.kill()  # returns once it is gone
        self.service.restart()
        self.service.wait()

    def drain_to_ledger(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while self.sql.ask("SELECT count(*) FROM ps_ingest.audit_outbox") != [["0"]]:
            if time.monotonic() > deadline:
                raise StackError("what ps-ingest did does not come to the ledger")
            time.sleep(0.02)
