"""Starts what the chart renders on this machine, as a node of a cluster would: each container's
command with exactly its args, environment, files and user, in a root of its own that it cannot write.

A root is a file system in memory with /usr of this machine, the binary where the image has it, and
the volumes; all names of Services are this machine. Not done as on a cluster: cgroups, seccomp,
NetworkPolicies, addresses of their own. To be used in namespaces of its own (see
namespaces.py).
"""

import base64
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import grpc
import yaml

from deploy.local.layout import BINARIES, ROOT, SERVICES
from deploy.local.postgres import PROGRAMS

SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}
PLACES = ("dev", "proc", "tmp", "usr", "etc/ssl", "psups/bin", "psups/postgres", "psups/migrations")


def read_secrets(path: Path) -> dict[str, dict[str, bytes]]:
    """Secret → key → content, out of a file for kubectl."""
    return {each["metadata"]["name"]:
            {key: base64.b64decode(value) for key, value in each.get("data", {}).items()}
            | {key: value.encode() for key, value in each.get("stringData", {}).items()}
            for each in yaml.safe_load_all(path.read_text()) if each}


class Container:
    """One of a workload's pods."""

    def __init__(self, node: "Node", workload, args: list[str] | None = None):
        self.workload = workload
        self.name = workload.name
        self.root = node.home / "roots" / self.name
        self.log = node.home / "logs" / f"{self.name}.log"
        self._make_root(node)
        security = workload.pod["securityContext"]
        given = workload.container.get("args", []) if args is None else args
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["/usr/sbin/chroot", self.root, "/usr/bin/setpriv",
                 f"--reuid={security['runAsUser']}", f"--regid={security['runAsGroup']}",
                 f"--groups={security['fsGroup']}", "--no-new-privs", "--inh-caps=-all",
                 "--bounding-set=-all", "--", *workload.container["command"], *given],
                env=node.image_environment(workload.service) | workload.env, cwd="/",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _make_root(self, node: "Node") -> None:
        self.release()
        self.root.mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", "size=16m,mode=0755", "tmpfs", self.root)
        for place in PLACES:
            (self.root / place).mkdir(parents=True)
        for link in ("bin", "lib", "lib64", "sbin"):
            (self.root / link).symlink_to(f"usr/{link}")
        for place in ("/usr", "/proc", "/dev", "/etc/ssl"):
            mount("--rbind", place, self.root / place[1:])
        (self.root / "etc/hosts").write_text(node.hosts)
        (self.root / "etc/nsswitch.conf").write_text("hosts: files\n")
        node.put_image(self.workload.service, self.root)
        self._mount_volumes(node)
        mount("-o", "remount,ro", self.root)

    def _mount_volumes(self, node: "Node") -> None:
        volumes = {each["name"]: each for each in self.workload.pod["volumes"]}
        group = self.workload.pod["securityContext"]["fsGroup"]
        for wanted in self.workload.container["volumeMounts"]:
            volume, place = volumes[wanted["name"]], self.root / wanted["mountPath"][1:]
            place.mkdir(parents=True, exist_ok=True)
            if "emptyDir" in volume:
                mount("-t", "tmpfs", "-o", f"size=16m,mode=2770,gid={group}", "tmpfs", place)
                continue
            secret = volume["secret"]
            for item in secret["items"]:
                file = place / item["path"]
                file.write_bytes(node.secrets[secret["secretName"]][item["key"]])
                os.chown(file, 0, group)
                file.chmod(secret["defaultMode"])

    def ended(self) -> int | None:
        return self.process.poll()

    def wait(self, seconds: float) -> int:
        return self.process.wait(seconds)

    def stop(self) -> int:
        """As a node does it: SIGTERM, and SIGKILL when the grace is over; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(self.workload.pod["terminationGracePeriodSeconds"])
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def release(self) -> None:
        subprocess.run(["umount", "-R", "-l", self.root], capture_output=True, check=False)

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]

    def passes(self, probe: dict) -> bool:
        """One try of it."""
        if "grpc" in probe:
            return health(probe["grpc"]["port"], probe["grpc"].get("service", "")) == SERVING
        port = probe["tcpSocket"]["port"]
        with socket.socket() as client:
            client.settimeout(1)
            return client.connect_ex(("127.0.0.1", self.workload.ports.get(port, port))) == 0

    def await_probe(self, name: str) -> None:
        """Until that probe passes, as often as it may fail."""
        probe = self.workload.probes[name]
        tries = probe.get("failureThreshold", 3) * probe.get("periodSeconds", 10)
        deadline = time.monotonic() + tries
        while not self.passes(probe):
            if self.ended() is not None:
                raise AssertionError(f"{self.name} ended: {self.last_words()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{self.name}: {name} {probe} fails: {self.last_words()}")
            time.sleep(0.1)


def health(port: int, service: str) -> bytes:
    """What grpc.health.v1 answers in plaintext, as it is on the wire; empty for an error."""
    named = bytes([0x0A, len(service)]) + service.encode() if service else b""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            return channel.unary_unary("/grpc.health.v1.Health/Check")(named, timeout=2)
        except grpc.RpcError:
            return b""


class Node:
    """`more` are names of this machine beside those of the rendered Services."""

    def __init__(self, home: Path, secrets: dict[str, dict[str, bytes]], rendered,
                 more: tuple[str, ...] = ()):
        self.home = home
        self.secrets = secrets
        services = (each["metadata"]["name"] for each in rendered.of("Service"))
        names = ["localhost", *services, *more]
        self.hosts = f"127.0.0.1 {' '.join(names)}\n"
        self.containers: list[Container] = []

    def start(self, workload, args: list[str] | None = None) -> Container:
        container = Container(self, workload, args)
        self.containers.append(container)
        return container

    def close(self) -> None:
        for container in self.containers:
            if container.ended() is None:
                container.process.kill()
                container.process.wait()
            container.release()
        shutil.rmtree(self.home / "roots", ignore_errors=True)

    @staticmethod
    def image_environment(service: str) -> dict[str, str]:
        """What the image sets."""
        return {"PATH": f"/psups/bin:{PROGRAMS}:/usr/bin:/bin"} if service == "migrate" else {}

    @staticmethod
    def put_image(service: str, root: Path) -> None:
        """What the image holds, where it holds it."""
        files = {f"bin/{service}": BINARIES / service}
        if service == "migrate":
            postgres = ROOT / "deploy/postgres"
            files = {"bin/migrate": postgres / "migrate",
                     "bin/dbmate": next((ROOT / "node_modules/@dbmate").glob("linux-*/bin/dbmate"))}
            files |= {f"postgres/{each.name}": each for each in postgres.glob("*.sql")}
            for each in SERVICES:
                shutil.copytree(ROOT / "services" / each / "migrations",
                                root / "psups/migrations" / each)
        for name, file in files.items():
            (root / "psups" / name).touch()
            mount("--bind", file, root / "psups" / name)


def mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)
