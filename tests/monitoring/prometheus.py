"""A real Prometheus that watches a stack: its process, and what can be asked of it."""

import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import yaml

from deploy.local import ports
from deploy.local.layout import StackError
from deploy.local.process import Process
from watching import ALERTS, CONFIG

START_SECONDS = 30
# So that a rule or a rate has something to say within a test.
INTERVAL = "1s"


def configuration(stack, alerts: Path) -> dict:
    """deploy/prometheus/prometheus.yml with the stack's addresses instead of those of the compose
    file's network."""
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    config["rule_files"] = [str(alerts)]
    for job in config["scrape_configs"]:
        for group in job["static_configs"]:
            group["targets"] = [f"127.0.0.1:{stack.ports[target.split(':')[0] + '.metrics']}"
                                for target in group["targets"]]
    return config


class Prometheus:
    def __init__(self, home: Path):
        self.home = home / "prometheus"
        self.process = Process(home, "prometheus")
        self.url = ""

    def start(self, stack) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / "prometheus.yml").write_text(yaml.safe_dump(configuration(stack, ALERTS)))
        # A block is claimed for a stack; one port of it serves here.
        listen = f"127.0.0.1:{ports.free()['ups-sandbox']}"
        self.url = f"http://{listen}"
        self.process.start([shutil.which("prometheus") or "/usr/bin/prometheus",
                            f"--config.file={self.home}/prometheus.yml",
                            f"--storage.tsdb.path={self.home}/data",
                            f"--web.listen-address={listen}", "--log.level=warn"])
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self.process.pid() is None:
                raise StackError(f"prometheus ended at once: {self.process.last_words()}")
            if time.monotonic() > deadline:
                raise StackError(f"prometheus is not ready after {START_SECONDS} s")
            time.sleep(0.05)

    def get(self, path: str, **parameters) -> dict:
        """The data of an answer of its API."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            raise StackError(f"prometheus refuses {path} {parameters}: "
                             f"{json.load(error).get('error')}") from error

    def samples(self, expression: str) -> list[str]:
        """The values of an expression now, as Prometheus writes them: "3", "NaN", "+Inf"."""
        return [series["value"][1] for series in self.get("query", query=expression)["result"]]

    def alerts(self) -> list[dict]:
        """Those that are pending or firing."""
        return self.get("alerts")["alerts"]

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False
