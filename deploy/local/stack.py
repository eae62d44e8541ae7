"""All of it together, started in order and stopped in the opposite one."""

import json
import secrets as random_secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from deploy.local import certificates, customers, ports, sandboxes, services
from deploy.local.layout import CONNECTIONS, RUN, SERVICES, StackError, replica, write_private
from deploy.local.postgres import Cluster
from deploy.local.psupsctl import Psupsctl, write_context


class Stack:
    """PostgreSQL, two PeopleSoft sites, UPS and the five services, below .run/<name>. With fixed
    ports there is one replica of each service. `customer`: what else the "account" and each
    "connection" are to have.

        with Stack("demo") as stack:
            stack.start()
            stack.connect(date(2026, 11, 1))
    """

    def __init__(self, name: str, *, fixed_ports: bool = False,
                 settings: dict[str, dict[str, str]] | None = None,
                 auto_scans: dict | None = None, ps_auth: str = "basic", replicas: int = 1,
                 customer: dict[str, dict] | None = None):
        self.name = name
        self.home = RUN / name
        self.fixed_ports = fixed_ports
        self.settings = settings or {}
        self.auto_scans = auto_scans
        self.ps_auth = ps_auth
        self.replicas = replicas
        self.customer = customer or {}
        self.cluster = Cluster(self.home)
        self.ups = sandboxes.Sandbox(self.home, "ups-sandbox", "ups-sandbox")
        self.sites = {name: sandboxes.Sandbox(self.home, name, "peoplesoft-sandbox")
                      for name in CONNECTIONS}
        self.services = services.all_of(self.home, replicas)
        self.context = self.home / "context.json"
        self.psupsctl = Psupsctl(self.context)
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, str] = {}

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_exception) -> None:
        self.stop()

    # ---- start ----

    def prepare(self) -> None:
        """What has to stand before a service can start; stops what an earlier run left behind."""
        self.stop()
        self.home.mkdir(parents=True, exist_ok=True)
        self.ports = ports.fixed() if self.fixed_ports else self._free_ports()
        certificates.prepare()
        self.secrets = self._load_secrets()
        services.write_keys(self.home, self.secrets["webhook"])
        self.cluster.start()
        self.cluster.prepare()

    def start_sandboxes(self) -> None:
        self.ups.start(sandboxes.ups_config(self.ports, self.secrets, self.auto_scans))
        for name, site in self.sites.items():
            site.start(sandboxes.peoplesoft_config(name, self.ports, self.secrets, self.ps_auth))
        for sandbox in (self.ups, *self.sites.values()):
            sandbox.wait()

    def start_services(self) -> None:
        for service in self.services.values():
            service.start(self.variables(service.name, service.number))
        for service in self.services.values():
            service.wait()
        write_context(self.context, self.ports)

    def start(self) -> None:
        self.prepare()
        self.start_sandboxes()
        self.start_services()

    def connect(self, ship_orders_since: date) -> None:
        customers.create(self.psupsctl, self.home, self.ports, self.secrets, ship_orders_since,
                         self.ps_auth, self.customer)

    def variables(self, service: str, number: int = 0) -> dict[str, str]:
        return services.environment(service, self.home, self.cluster, self.ports,
                                    self.settings.get(service, {}), number)

    # ---- stop ----

    def stop(self) -> None:
        """Stops all that runs; whatever goes wrong, the rest is stopped too."""
        def attempt(step) -> str:
            try:
                step()
            except (OSError, StackError) as problem:
                return str(problem)
            return ""

        groups = [
            [service.process.stop for service in self.services.values()],
            [sandbox.process.stop for sandbox in (*self.sites.values(), self.ups)],
            [self.cluster.stop],
        ]
        with ThreadPoolExecutor() as pool:
            problems = [said for group in groups for said in pool.map(attempt, group) if said]
        if problems:
            raise StackError("; ".join(problems))

    def remove(self) -> None:
        """Stops it and forgets everything, the database included."""
        self.stop()
        self.cluster.remove()
        shutil.rmtree(self.home, ignore_errors=True)

    def running(self) -> list[str]:
        """The names of what runs."""
        processes = [s.process for s in self.services.values()]
        processes += [s.process for s in (self.ups, *self.sites.values())]
        names = [process.name for process in processes if process.pid()]
        return names + (["postgres"] if self.cluster.running() else [])

    def _free_ports(self) -> dict[str, int]:
        """A block for everybody, and one more for each further replica of the services."""
        chosen = ports.free()
        for number in range(1, self.replicas):
            more = ports.free()
            for service in SERVICES:
                chosen |= {name.replace(service, replica(service, number)): port
                           for name, port in more.items() if name.split(".")[0] == service}
        return chosen

    def _load_secrets(self) -> dict[str, str]:
        path = self.home / "secrets" / "peers.json"
        if not path.exists():
            drawn = {name: random_secrets.token_urlsafe(24)
                     for name in ("ups", "webhook", *CONNECTIONS)}
            write_private(path, json.dumps(drawn) + "\n")
        return json.loads(path.read_text())
