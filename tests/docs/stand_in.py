"""kubectl and helm for a machine without a cluster, as far as our pages use them: what is installed is
started here (tests/chart/node.py), what is applied is kept in $DOCS_CLUSTER. Anything else is
refused, so that no command of a page seems to work that nobody has tried.
"""

import argparse
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]
from tests.chart.node import Container, Node, health, read_secrets  # noqa: E402
from tests.chart.rendered import Rendered, chart  # noqa: E402
from tests.deploy.network_cluster import NetworkCluster  # noqa: E402

STATE = Path(os.environ["DOCS_CLUSTER"])
DATABASE = "psups-trial-postgres"


class Refused(Exception):
    """What a cluster would say."""


class TrialPostgres(NetworkCluster):
    """What trial-postgres.yaml runs, with the certificate and password of its Secret."""

    def __init__(self):
        super().__init__(STATE / "postgres")
        self.port = 5432

    def prepare_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        for folder in (STATE, self.home):
            folder.chmod(0o755)

    def _create(self) -> None:
        super()._create()
        owner = pwd.getpwnam(self.owner)
        for file, key in (("server.pem", "tls.crt"), ("server.key", "tls.key")):
            place = self.data / file
            place.write_bytes(secrets()[DATABASE][key])
            os.chown(place, owner.pw_uid, owner.pw_gid)

    def start(self) -> None:
        self.prepare_home()
        super().start()
        self.set_owner_password(secrets()[DATABASE]["password"].decode().strip())


def read(name: str, otherwise):
    file = STATE / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else otherwise


def write(name: str, content) -> None:
    (STATE / f"{name}.json").write_text(json.dumps(content))


def secrets() -> dict[str, dict[str, bytes]]:
    return read_secrets(STATE / "secrets.yaml")


def need_namespace(namespace: str) -> None:
    if namespace not in read("namespaces", []):
        raise Refused(f'namespaces "{namespace}" not found')


# ---- kubectl ----

def apply(files: list[str], namespace: str) -> None:
    need_namespace(namespace)
    for each in (each for file in files for each in yaml.safe_load_all(Path(file).read_text())):
        name = each["metadata"]["name"]
        if each["metadata"].get("namespace", namespace) != namespace:
            raise Refused(f"the namespace of {name} does not match -n {namespace}")
        if each["kind"] == "Secret":
            with open(STATE / "secrets.yaml", "a") as file:
                file.write("---\n" + yaml.safe_dump(each))
        if each["kind"] == "Deployment":
            if name != DATABASE:
                raise Refused(f"this stand-in cannot run the Deployment {name}")
            TrialPostgres().start()
            write("database", name)
        print(f"{each['kind'].lower()}/{name} created")


def rollout_status(what: str) -> None:
    if what != f"deployment/{read('database', None)}":
        raise Refused(f"{what} not found")
    print(f'deployment "{DATABASE}" successfully rolled out')


def runs(pid: int) -> bool:
    """False for a zombie too: who started it here has ended."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def get_pods() -> None:
    print("NAME READY STATUS")
    for name, pod in read("pods", {}).items():
        ready = all(health(*probe) for probe in pod["probes"])
        print(f"{name} {int(ready)}/1 {'Running' if runs(pod['pid']) else 'Error'}")


def port_forward(what: str, port: int) -> None:
    kind, _, name = what.partition("/")
    found = [each for each in read("services", []) if each["name"] == name]
    if kind != "service" or not found or port not in found[0]["ports"]:
        raise Refused(f"{what} has no port {port}")
    print(f"Forwarding from 127.0.0.1:{port} -> {port}")


def kubectl(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="kubectl")
    parser.add_argument("-n", dest="namespace", default="default")
    parser.add_argument("words", nargs="+")
    parser.add_argument("-f", dest="files", action="append", default=[])
    given = parser.parse_intermixed_args(arguments)
    match given.words:
        case ["create", "namespace", name]:
            write("namespaces", [*read("namespaces", []), name])
        case ["apply"] if given.files:
            apply(given.files, given.namespace)
        case ["rollout", "status", what]:
            rollout_status(what)
        case ["get", "pods"]:
            get_pods()
        case ["port-forward", what, port]:
            port_forward(what, int(port))
        case ["delete", "namespace", name]:
            need_namespace(name)
            if read("database", None):
                TrialPostgres().remove()
        case _:
            raise Refused(f"this stand-in does not know: {' '.join(arguments)}")


# ---- helm ----

def install(release: str, folder: str, given) -> None:
    need_namespace(given.namespace)
    if Path(folder).resolve() != ROOT / "helm/psups":
        raise Refused(f"{folder}: want helm/psups")
    done = chart(*(word for file in given.files for word in ("-f", file)), release=release)
    if done.returncode:
        raise Refused(done.stderr.strip())
    rendered = Rendered(done.stdout)
    node = Node(STATE, secrets(), rendered, (DATABASE,))
    started = []
    for workload in sorted(rendered.workloads, key=lambda each: each.kind, reverse=True):
        container = Container(node, workload)
        if workload.kind == "Job":
            if container.wait(workload.spec["activeDeadlineSeconds"]):
                raise Refused(f"pre-install hooks failed: {container.last_words()}")
            container.release()
            continue
        started.append(container)
    for container in started:
        container.await_probe("readinessProbe")
    write("pods", {each.name: {
        "pid": each.process.pid,
        "probes": [(each.workload.ports["health"], "")] if "health" in each.workload.ports else []}
        for each in started})
    write("services", [{"name": each["metadata"]["name"],
                        "ports": [port["port"] for port in each["spec"]["ports"]]}
                       for each in rendered.of("Service")])
    print(chart("--notes", *(word for file in given.files for word in ("-f", file)),
                release=release).stdout)


def uninstall() -> None:
    pods = read("pods", {})
    for pod in pods.values():
        os.kill(pod["pid"], signal.SIGTERM)
    deadline = time.monotonic() + 60
    for name, pod in pods.items():
        while runs(pod["pid"]):
            if time.monotonic() > deadline:
                raise Refused(f"{name} does not end")
            time.sleep(0.1)
        subprocess.run(["umount", "-R", "-l", STATE / "roots" / name], check=True)
    shutil.rmtree(STATE / "roots")


def helm(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="helm")
    parser.add_argument("-n", dest="namespace", default="default")
    parser.add_argument("words", nargs="+")
    parser.add_argument("-f", dest="files", action="append", default=[])
    parser.add_argument("--install", action="store_true")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--timeout")
    given = parser.parse_intermixed_args(arguments)
    match given.words:
        case ["upgrade", release, folder] if given.install:
            install(release, folder, given)
        case ["uninstall", _]:
            uninstall()
        case _:
            raise Refused(f"this stand-in does not know: {' '.join(arguments)}")


if __name__ == "__main__":
    STATE.mkdir(parents=True, exist_ok=True)
    # What is started from here must not take us for the real ones.
    ours = str(ROOT / "tests/docs/bin")
    os.environ["PATH"] = ":".join(each for each in os.environ["PATH"].split(":") if each != ours)
    try:
        {"kubectl": kubectl, "helm": helm}[sys.argv[1]](sys.argv[2:])
    except Refused as problem:
        sys.exit(f"{sys.argv[1]}: {problem}")
