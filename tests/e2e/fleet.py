"""Many processes of ups-gateway on one database, each with a client that calls it."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

from pg_proxy import PgProxy

from deploy.local import certificates
from deploy.local.layout import BINARIES, StackError
from deploy.local.process import Process

START_SECONDS = 60


class Client:
    """Calls one method of one process, from when it is made until it is closed."""

    METHOD = "psups.ups.v1.UpsService/ValidateAddress"

    def __init__(self, port: int, in_flight: int = 16):
        identity = "shipment-builder"
        self.process = subprocess.Popen(
            [BINARIES / "grpc_call", "--address", f"localhost:{port}",
             "--ca", certificates.AUTHORITY, "--cert", certificates.certificate(identity),
             "--key", certificates.key(identity), "--in-flight", str(in_flight),
             "--deadline", "60", self.METHOD],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.sent: list[dict] = []
        self.answered = 0

    def send(self, requests: list[dict]) -> None:
        self.sent += requests
        for request in requests:
            self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def replies(self) -> list[tuple[dict, dict]]:
        """All that was sent and not told yet, with what came: {"code", "message", …}."""
        said = [json.loads(self.process.stdout.readline())
                for _ in range(len(self.sent) - self.answered)]
        self.answered = len(self.sent)
        return [(self.sent[reply["n"]], reply) for reply in said]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Gateway:
    """One process; any free port, so a new one each time that it starts."""

    def __init__(self, stack, number: int, environment: dict[str, str]):
        self.number = number
        self.process = Process(stack.home, f"gateway-{number}")
        self.variables = stack.variables("ups-gateway") | environment | {
            "PSUPS_GRPC_LISTEN": "127.0.0.1:0", "PSUPS_METRICS_LISTEN": "127.0.0.1:0"}
        self.port = 0
        self.client: Client | None = None
        self.log_before = 0

    def start(self) -> None:
        log = self.process.log
        self.log_before = log.stat().st_size if log.exists() else 0
        self.process.start([BINARIES / "ups-gateway"], self.variables)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while '"serving"' not in (said := self._said()):
            if self.process.pid() is None:
                raise StackError(f"{self.process.name} ended: {self.process.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.process.name} does not serve (see {self.process.log})")
            time.sleep(0.01)
        self.port = next(line["grpc_port"] for line in map(json.loads, said.splitlines())
                         if line["event"] == "started")
        self.client = Client(self.port)

    def stop(self) -> None:
        self._close()
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()
        self._close()

    def restart(self) -> None:
        self.stop()
        self.start()
        self.wait()

    def count_said(self, event: str) -> int:
        """How often its log has this event, since it started."""
        return self._said().count(f'"event":"{event}"')

    def wait_until_said(self, event: str, times: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while self.count_said(event) < times:
            if time.monotonic() > deadline:
                raise StackError(f"{self.process.name} did not say {event} (see {self.process.log})")
            time.sleep(0.01)

    def _close(self) -> None:
        if self.client is not None:
            self.client.close()
        self.client = None

    def _said(self) -> str:
        with open(self.process.log, encoding="utf-8", errors="replace") as log:
            log.seek(self.log_before)
            said = log.read()
        return said[:said.rfind("\n") + 1]


class Fleet:
    """`count` gateways; the first `mortal` of them reach the database by a proxy that can kill."""

    def __init__(self, stack, count: int, mortal: int, environment: dict[str, str]):
        self.gateways = [Gateway(stack, number, environment) for number in range(count)]
        self.pool = ThreadPoolExecutor(12)
        self.proxies: list[PgProxy] = []
        for gateway in self.gateways[:mortal]:
            folder = stack.home / "proxies" / str(gateway.number)
            folder.mkdir(parents=True, exist_ok=True)
            self.proxies.append(PgProxy(str(folder), str(stack.cluster.socket / ".s.PGSQL.5432"),
                                        5432))
            gateway.variables["PSUPS_DATABASE_URL"] = (
                f"host={folder} port=5432 user=ups_gateway dbname=psups")

    def __iter__(self):
        return iter(self.gateways)

    def start(self) -> None:
        def start(gateway: Gateway) -> None:
            gateway.start()
            gateway.wait()
        list(self.pool.map(start, self.gateways))

    def restart(self, gateways: list[Gateway]) -> None:
        list(self.pool.map(Gateway.restart, gateways))

    def stop(self) -> None:
        list(self.pool.map(Gateway.stop, self.gateways))
        for proxy in self.proxies:
            proxy.stop()
        self.pool.shutdown()

    def kill_at(self, gateway: Gateway, statement: str, when: str, requests: list[dict]) -> None:
        """Lets `gateway` work on `requests` and kills it when it commits `statement`; starts it
        again. Their replies are lost with it."""
        pid = gateway.process.pid()
        rule = self.proxies[gateway.number].arm(
            statement, when, lambda _rule: os.kill(pid, signal.SIGKILL))
        gateway.client.send(requests)
        if not rule.hit.wait(START_SECONDS):
            raise StackError(f"{gateway.process.name} did not come to {statement}")
        gateway.kill()
        gateway.start()
        gateway.wait()
