"""Only PostgreSQL, audit-ledger, the UPS sandbox and replicas of ups-gateway; and calling these."""

import json
import os
import queue
import subprocess
import threading

from moved_time import MovedTime

from deploy.local import certificates, customers, sandboxes
from deploy.local.layout import BINARIES, StackError, write_private
from deploy.local.process import Process
from deploy.local.psupsctl import write_context
from deploy.local.services import Service
from deploy.local.stack import Stack

CREATE, GET = "psups.ups.v1.UpsService/CreateShipment", "psups.ups.v1.UpsService/GetCall"
CALLER = "shipment-builder"
# Short waits, so that what takes a real one minutes takes seconds.
SETTINGS = {"PSUPS_RESOLVER_FIRST_WAIT": "500ms", "PSUPS_RESOLVER_MOST_WAIT": "2s",
            "PSUPS_RESOLVER_IDLE_WAIT": "200ms", "PSUPS_FLOW_RECOVERY": "1s"}


class Gateway(Service):
    """A replica of ups-gateway with a wall clock of its own."""

    def __init__(self, stack: Stack, number: int, ports_of: str, clock: int):
        super().__init__(stack.home, "ups-gateway")
        self.process = Process(stack.home, f"ups-gateway-{number}")
        folder = stack.home / "clocks" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        self.clock = MovedTime(folder)
        self.clock.step(clock)
        self.address = f"localhost:{stack.ports[ports_of]}"
        self.listeners = {
            "PSUPS_GRPC_LISTEN": f"127.0.0.1:{stack.ports[ports_of]}",
            "PSUPS_METRICS_LISTEN": f"127.0.0.1:{stack.ports[ports_of + '.metrics']}"}


class Gateways:
    """`with Gateways("name", account={…}) as them:` has `replicas` of them serve one account, which
    differs from the demo's by `account`; their wall clocks are `clock` seconds ahead."""

    def __init__(self, name: str, replicas: int = 1, *, account: dict | None = None,
                 settings: dict[str, str] | None = None, sandbox: dict | None = None,
                 clock: int = 0):
        self.stack = Stack(name)
        self.stack.remove()
        self.stack.prepare()
        more = {"PSUPS_TOKEN_PATIENCE": "10s"} | SETTINGS | (settings or {})
        self.replicas = [Gateway(self.stack, i + 1, ports_of, clock)
                         for i, ports_of in enumerate(("ups-gateway", "ps-ingest")[:replicas])]
        self.settings = more
        self.account = account or {}
        self.sandbox = sandbox or {}

    def __enter__(self) -> "Gateways":
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception) -> None:
        for replica in self.replicas:
            replica.process.stop()
        self.stack.remove()

    def _start(self) -> None:
        stack = self.stack
        stack.ups.start(sandboxes.ups_config(stack.ports, stack.secrets) | self.sandbox)
        stack.ups.wait()
        stack.services["audit-ledger"].start(stack.variables("audit-ledger"))
        for replica in self.replicas:
            replica.start(stack.variables("ups-gateway") | self.settings | replica.listeners
                          | replica.clock.environment)
        for service in (stack.services["audit-ledger"], *self.replicas):
            service.wait()
        write_context(stack.context, stack.ports)
        self.create_account(**self.account)

    def create_account(self, **changes) -> str:
        """An account that differs from the demo's; a value None takes a setting away. Its name."""
        settings = customers.account(self.stack.ports) | changes
        settings = {name: value for name, value in settings.items() if value is not None}
        file = write_private(self.stack.home / "account.json", json.dumps(settings))
        secret = write_private(self.stack.home / "account.secret", self.stack.secrets["ups"])
        self.stack.psupsctl.run("account", "create", "--file", file, "--secret-file", secret)
        return f"accounts/{settings['account_id']}"

    def faults(self, *rules: dict) -> None:
        self.stack.ups.admin.post("/admin/faults", {"add": rules})

    def heal(self) -> None:
        """UPS has no faults any more."""
        self.stack.ups.admin.post("/admin/faults", {"remove": list(self.hits())})

    def hits(self) -> dict[str, int]:
        return {rule["id"]: rule["hits"]
                for rule in self.stack.ups.admin.get("/admin/faults")["faults"]}

    def posts(self) -> list[dict]:
        """Every request of UPS's journal that asked for a shipment."""
        return [entry for entry in self.stack.ups.admin.journal() if entry["route"] == "ship"]


class Caller:
    """Calls one RPC of a gateway, many at once, as shipment-builder; the replies go to `replies` as
    (caller, what, reply), `what` as it was given."""

    def __init__(self, address: str, method: str, replies: queue.Queue, *, most: int = 64,
                 deadline: float = 30):
        self.address, self.replies, self.most = address, replies, most
        self.sent: list = []
        self.in_flight = 0
        tls = ["--ca", certificates.AUTHORITY, "--cert", certificates.certificate(CALLER),
               "--key", certificates.key(CALLER)]
        self.process = subprocess.Popen(
            [BINARIES / "grpc_call", "--address", address, *tls, "--in-flight", str(most), "--deadline",
             str(deadline), method],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={k: v for k, v in os.environ.items() if not k.startswith("PSUPS_")})
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def call(self, what, request: dict) -> None:
        self.sent.append(what)
        self.in_flight += 1
        self.process.stdin.write(json.dumps(request) + "\n")

    def has_room(self) -> bool:
        return self.in_flight < self.most

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    def _read(self) -> None:
        for line in self.process.stdout:
            reply = json.loads(line)
            self.replies.put((self, self.sent[reply["n"]], reply))


def call_all(address: str, method: str, requests: list[dict]) -> list[dict]:
    """grpc_call's replies, in the order of the requests."""
    replies: queue.Queue = queue.Queue()
    caller = Caller(address, method, replies, most=len(requests))
    for i, request in enumerate(requests):
        caller.call(i, request)
    caller.close()
    found = {i: reply for _caller, i, reply in list(replies.queue)}
    return [found[i] for i in range(len(requests))]


def get_calls(gateway: Gateway, request_ids: list[str]) -> list[dict]:
    """What the gateway says of purchases; it must know them all."""
    replies = call_all(gateway.address, GET, [{"request_id": each} for each in request_ids])
    for reply in replies:
        if reply["code"] != "OK":
            raise StackError(f"GetCall: {reply}")
    return [reply["reply"] for reply in replies]
