"""Where things lie, what the services are called, which ports `make up` uses."""

import os
from itertools import count, takewhile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / ".run"
# Another build, such as one with sanitizers, is named by BUILD_DIR.
BINARIES = Path(os.environ.get("BUILD_DIR") or ROOT / "build") / "bin"

SERVICES = ("audit-ledger", "ups-gateway", "ps-ingest", "tracking-sync", "shipment-builder")
# Whom each service calls.
CALLS = {
    "audit-ledger": (),
    "ups-gateway": ("audit-ledger",),
    "ps-ingest": ("audit-ledger",),
    "tracking-sync": ("audit-ledger", "ups-gateway", "ps-ingest"),
    "shipment-builder": ("audit-ledger", "ups-gateway", "ps-ingest", "tracking-sync"),
}
ROLES = ("viewer", "clerk", "operator", "auditor", "admin")
CONNECTIONS = ("c1", "c2")
# How the PeopleSoft sites want to be called; see Connection.Authentication.
PS_AUTHS = ("basic", "bearer", "client_credentials")

# The ports of `make up`; every other stack takes free ones.
FIXED_PORTS = {
    "ps-ingest": 7401, "ps-ingest.metrics": 7501,
    "shipment-builder": 7402, "shipment-builder.metrics": 7502,
    "ups-gateway": 7403, "ups-gateway.metrics": 7503,
    "tracking-sync": 7404, "tracking-sync.metrics": 7504, "tracking-sync.webhook": 7444,
    "audit-ledger": 7405, "audit-ledger.metrics": 7505,
    "ups-sandbox": 7600, "ups-sandbox.admin": 7601,
    "c1": 7610, "c1.admin": 7611,
    "c2": 7620, "c2.admin": 7621,
}


def replica(service: str, number: int) -> str:
    """What the process of that number is called, in ports and logs too; the first one as its service.
    """
    return f"{service}-{number + 1}" if number else service


def address(ports: dict[str, int], service: str) -> str:
    """Where to call a service: one name, or the addresses of all its replicas."""
    names = takewhile(ports.__contains__, (replica(service, number) for number in count()))
    found = [ports[name] for name in names]
    if len(found) == 1:
        return f"localhost:{found[0]}"
    return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in found)


class StackError(Exception):
    """What went wrong and what to do about it, in one sentence."""


def schema_of(service: str) -> str:
    return service.replace("-", "_")


def write_private(path: Path, text: str) -> Path:
    """A file that only its owner can read, replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)
    return path
