"""The stand-ins for UPS and for two PeopleSoft sites: how they are set up, and their admin APIs."""

import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from deploy.local import certificates
from deploy.local.layout import BINARIES, StackError
from deploy.local.process import Process

START_SECONDS = 60
SHIPPER_NUMBER = "A1B2C3"
CLIENT_ID = "psups-demo-client"
WEBHOOK_CLIENT_ID = "ups-track-alert"
TOKEN_LIMIT_PER_DAY = 250
# The two sites differ in all that sites differ in.
SITES = {
    "c1": {
        "path_prefix": "", "node": "PSFT_EP", "oprid": "PSUPS",
        "base_time_zone": "America/New_York", "row_keys": "alias", "codes": "code",
        "blank": "space", "datetime_form": "T", "service_status": "Production",
    },
    "c2": {
        "path_prefix": "/erp", "node": "STATE_FS", "oprid": "SVC_SHIPPING",
        "base_time_zone": "America/Los_Angeles", "row_keys": "bare", "codes": "long",
        "blank": "empty", "datetime_form": "blank", "service_status": "Development",
        "timestamps": "fractions", "numbers": "string", "zero_rows": "absent",
    },
}
# What the sites' identity providers want to hear, in the sandbox's words and in a connection's.
TOKEN_PATH = "/oauth2/token"
TOKEN_REQUESTS = {
    "c1": {"client_id": "psups-erp", "scope": "psft.execute"},
    "c2": {"client_id": "psups-state", "scope": "orders statuses", "audience": "STATE_FS"},
}
TOKEN_SECONDS = 6  # so that each is renewed while a demo runs


@dataclass
class Admin:
    """A sandbox's admin API."""

    name: str
    url: str

    def get(self, path: str):
        return self._call("GET", path, None)

    def post(self, path: str, body):
        return self._call("POST", path, json.dumps(body).encode())

    def truth(self) -> dict:
        return self.get("/admin/truth")

    def journal(self) -> list[dict]:
        answer = self.get("/admin/journal")
        return answer["entries"] if isinstance(answer, dict) else answer

    def _call(self, method: str, path: str, body: bytes | None):
        request = urllib.request.Request(self.url + path, data=body, method=method,
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            said = error.read(400).decode(errors="replace")
            raise StackError(f"{self.name} refuses {method} {path}: {error.code} {said}") from error
        except (OSError, ValueError) as error:
            raise StackError(f"{self.name} does not answer {method} {path}: {error}") from error


class Sandbox:
    """One sandbox process and its configuration."""

    def __init__(self, home: Path, name: str, binary: str):
        self.name = name
        self.binary = BINARIES / binary
        self.process = Process(home, name)
        self.config = home / "sandboxes" / f"{name}.json"
        self.ready = home / "sandboxes" / f"{name}.ready.json"
        self.admin: Admin | None = None

    def start(self, config: dict, environment: dict[str, str] | None = None) -> None:
        self.config.parent.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(config, indent=1))
        self.config.chmod(0o600)
        self.ready.unlink(missing_ok=True)
        self.process.start([self.binary, "--config", self.config, "--ready-file", self.ready],
                           environment)

    def wait(self) -> Admin:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready.exists():
            if self.process.pid() is None:
                raise StackError(f"{self.name} ended at once: {self.process.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} is not ready after {START_SECONDS} s "
                                 f"(see {self.process.log})")
            time.sleep(0.02)
        self.admin = Admin(self.name, "http://" + json.loads(self.ready.read_text())["admin"])
        return self.admin


def _listeners(ports: dict[str, int], name: str) -> dict:
    return {
        "api_listen": f"127.0.0.1:{ports[name]}",
        "admin_listen": f"127.0.0.1:{ports[name + '.admin']}",
        "tls_certificate_file": str(certificates.certificate("sandbox")),
        "tls_key_file": str(certificates.key("sandbox")),
    }


def ups_config(ports: dict[str, int], secrets: dict[str, str],
               auto_scans: dict | None = None) -> dict:
    """`auto_scans`: parcels move by themselves; without it only POST /admin/scans moves them."""
    door = f"https://localhost:{ports['tracking-sync.webhook']}"
    return _listeners(ports, "ups-sandbox") | {
        "environment": "production",
        "clients": [{"client_id": CLIENT_ID, "client_secret": secrets["ups"],
                     "accounts": [SHIPPER_NUMBER], "token_seconds": 14399,
                     "token_limit_per_day": TOKEN_LIMIT_PER_DAY}],
        "webhook": {"url": f"{door}/track-alert", "token_url": f"{door}/oauth/token",
                    "client_id": WEBHOOK_CLIENT_ID, "client_secret": secrets["webhook"],
                    "x_api_key": CLIENT_ID, "ca_bundle_file": str(certificates.AUTHORITY)},
    } | ({"auto_scans": auto_scans} if auto_scans else {})


def peoplesoft_config(name: str, ports: dict[str, int], secrets: dict[str, str],
                      ps_auth: str = "basic") -> dict:
    access = {
        "basic": {"password": secrets[name]},
        "bearer": {"bearer_token": secrets[name]},
        "client_credentials": {"client_secret": secrets[name], "token_path": TOKEN_PATH,
                               "token_seconds": TOKEN_SECONDS} | TOKEN_REQUESTS[name],
    }[ps_auth]
    return _listeners(ports, name) | SITES[name] | {"auth": [ps_auth]} | access
