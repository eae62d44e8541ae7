"""The five services: their environment, and knowing when they serve."""

import base64
import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path

from deploy.local import certificates
from deploy.local.layout import (BINARIES, CALLS, SERVICES, StackError, address, replica,
                                 write_private)
from deploy.local.postgres import Cluster
from deploy.local.process import Process
from deploy.local.sandboxes import CLIENT_ID, WEBHOOK_CLIENT_ID

START_SECONDS = 60


def write_keys(home: Path, webhook_secret: str) -> None:
    """The key file that seals what is stored and the ledger's signing key, made once; and what UPS
    must know to be let in at the webhook.
    """
    write_private(home / "secrets" / "webhook.secret", webhook_secret)
    keys = home / "secrets" / "keys.json"
    if not keys.exists():
        draw = lambda: base64.b64encode(os.urandom(32)).decode()  # noqa: E731
        write_private(keys, json.dumps({"current": "k1", "keys": {"k1": draw()},
                                        "derivation_key": draw()}) + "\n")
    signing = home / "secrets" / "checkpoint.key"
    if not signing.exists():
        private = _openssl("genpkey", "-algorithm", "ed25519")
        public = _openssl("pkey", "-pubout", given=private)
        write_private(home / "secrets" / "checkpoint.pub", public)
        write_private(signing, private)


def _openssl(*arguments: str, given: str = "") -> str:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, text=True,
                          check=True).stdout


def environment(service: str, home: Path, cluster: Cluster, ports: dict[str, int],
                more: dict[str, str], number: int = 0) -> dict[str, str]:
    name = replica(service, number)
    variables = {
        "PSUPS_DATABASE_URL": cluster.service_url(service),
        "PSUPS_GRPC_LISTEN": f"127.0.0.1:{ports[name]}",
        "PSUPS_METRICS_LISTEN": f"127.0.0.1:{ports[name + '.metrics']}",
        "PSUPS_TLS_CERT_FILE": str(certificates.certificate(service)),
        "PSUPS_TLS_KEY_FILE": str(certificates.key(service)),
        "PSUPS_TLS_CA_FILE": str(certificates.AUTHORITY),
    }
    for peer in CALLS[service]:
        setting = f"PSUPS_{peer.replace('-', '_').upper()}_ADDR"
        variables[setting] = address(ports, peer)
    if service == "tracking-sync":
        variables |= {
            "PSUPS_WEBHOOK_LISTEN": f"127.0.0.1:{ports[name + '.webhook']}",
            "PSUPS_WEBHOOK_TLS_CERT_FILE": str(certificates.certificate(service)),
            "PSUPS_WEBHOOK_TLS_KEY_FILE": str(certificates.key(service)),
            "PSUPS_WEBHOOK_CLIENT_ID": WEBHOOK_CLIENT_ID,
            "PSUPS_WEBHOOK_CLIENT_SECRET_FILE": str(home / "secrets" / "webhook.secret"),
            "PSUPS_WEBHOOK_API_KEYS": CLIENT_ID,
        }
    if service == "audit-ledger":
        variables["PSUPS_CHECKPOINT_KEY_FILE"] = str(home / "secrets" / "checkpoint.key")
    else:
        variables["PSUPS_KEY_FILE"] = str(home / "secrets" / "keys.json")
    return variables | more


class Service:
    """One service's process; of several replicas the one of that number."""

    def __init__(self, home: Path, name: str, number: int = 0):
        self.name = name
        self.number = number
        self.process = Process(home, replica(name, number))
        self.variables: dict[str, str] = {}
        self.metrics_url = ""

    def start(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.metrics_url = f"http://{variables['PSUPS_METRICS_LISTEN']}/metrics"
        self.process.start([BINARIES / self.name], variables)

    def restart(self) -> None:
        """Starts it again as it was started before."""
        self.process.start([BINARIES / self.name], self.variables)

    def metrics(self) -> str:
        try:
            with urllib.request.urlopen(self.metrics_url, timeout=5) as reply:
                return reply.read().decode()
        except OSError:
            return ""

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 if it is not there."""
        values = [line.rsplit(" ", 1)[1] for line in self.metrics().splitlines()
                  if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(map(float, values))

    def serves(self) -> bool:
        return self.metric("psups_serving") == 1

    def wait(self, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not self.serves():
            if self.process.pid() is None:
                raise StackError(f"{self.name} ended at once: {self.process.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} does not serve after {seconds:.0f} s "
                                 f"(see {self.process.log})")
            time.sleep(0.02)


def all_of(home: Path, replicas: int = 1) -> dict[str, Service]:
    return {replica(name, number): Service(home, name, number)
            for number in range(replicas) for name in SERVICES}
