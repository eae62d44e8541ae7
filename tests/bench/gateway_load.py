"""ups-gateway with its ledger, database and UPS, and calls to it or straight to UPS."""

import contextlib
import json
import subprocess
from typing import NamedTuple

from measure import cpu_seconds

from deploy.local import certificates, customers, sandboxes
from deploy.local.layout import BINARIES, StackError, write_private
from deploy.local.psupsctl import write_context
from deploy.local.stack import Stack

# Nothing is held back, nothing answered from memory.
UNLIMITED = {"flow": {"calls_per_second": 0, "calls_in_flight": 0}, "address_verdict_life": "0s",
             "caps": {"purchases_per_hour": 0, "purchases_per_day": 0}}


class Load(NamedTuple):
    calls: int
    seconds: float
    p50_us: float
    p99_us: float
    cpu_us: float  # of ups-gateway, a call


@contextlib.contextmanager
def gateway(name: str):
    """The stack with what the gateway needs, and one account."""
    with Stack(name) as stack:
        stack.remove()
        stack.prepare()
        stack.ups.start(sandboxes.ups_config(stack.ports, stack.secrets))
        stack.ups.wait()
        for service in ("audit-ledger", "ups-gateway"):
            stack.services[service].start(stack.variables(service))
            stack.services[service].wait()
        write_context(stack.context, stack.ports)
        secret = write_private(stack.home / "ups.secret", stack.secrets["ups"])
        file = stack.home / "account.json"
        file.write_text(json.dumps(customers.account(stack.ports) | UNLIMITED))
        stack.psupsctl.run("account", "create", "--file", file, "--secret-file", secret)
        yield stack
        stack.remove()


def load(stack: Stack, by: str, what: str, calls: int, in_flight: int, warm_up: int,
         run: str) -> Load:
    """`calls` of `what` ("validate" or "create") by "gateway" or straight to "ups"."""
    caller = "shipment-builder"
    where = {
        "gateway": ["--gateway", f"localhost:{stack.ports['ups-gateway']}",
                    "--cert", certificates.certificate(caller), "--key", certificates.key(caller)],
        "ups": ["--ups", f"https://localhost:{stack.ports['ups-sandbox']}",
                "--client-id", sandboxes.CLIENT_ID, "--secret-file", stack.home / "ups.secret"],
    }[by]
    command = [BINARIES / "ups_load", *where, "--ca", certificates.AUTHORITY, "--what", what,
               "--calls", calls, "--in-flight", in_flight, "--warm-up", warm_up, "--run", run]
    pid = stack.services["ups-gateway"].process.pid()
    with subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as process:
        if not process.stdout.readline():
            raise StackError("ups_load ended before its first call")
        used = cpu_seconds(pid)
        process.stdin.write("\n")
        process.stdin.flush()
        said = json.loads(process.stdout.readline())
        used = cpu_seconds(pid) - used
    if said["failed"]:
        raise StackError(f"{said['failed']} of {calls} calls failed: {said['first_failure']}")
    return Load(said["calls"], said["seconds"], said["p50_us"], said["p99_us"], 1e6 * used / calls)
