"""What the chart renders, and questions about it that its tests ask."""

import json
import subprocess
from functools import cached_property, lru_cache, wraps
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "chart"
CHART = ROOT / "helm" / "psups"
SETS = ("minimal", "sandbox", "production")
RELEASE = NAMESPACE = "psups"
WORKLOADS = ("Deployment", "Job")


def chart(*arguments, release: str = RELEASE) -> subprocess.CompletedProcess:
    """`helm template` of our chart, or what stands in for it."""
    return subprocess.run([HERE / "chart", "template", release, CHART, "-n", NAMESPACE, *arguments],
                          capture_output=True, text=True, check=False)


@lru_cache
def rendered(name: str) -> "Rendered":
    """The chart with the values of that set."""
    done = chart("-f", HERE / "values" / f"{name}.yaml")
    if done.returncode:
        raise AssertionError(f"{name}.yaml does not render: {done.stderr}")
    return Rendered(done.stdout, name)


def all_sets():
    return [(name, rendered(name)) for name in SETS]


def for_each(what: str):
    """A test of each set's "workloads" or "services": test(self, objects, one)."""
    def decorate(test):
        @wraps(test)
        def run(self):
            for name, objects in all_sets():
                for one in getattr(objects, what):
                    with self.subTest(name, of=one.name):
                        test(self, objects, one)
        return run
    return decorate


def judged(objects: list[dict]) -> list[str]:
    """What Kubernetes' schemas have against them."""
    done = subprocess.run(["node", HERE / "judge.mjs"], input=json.dumps(objects),
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"judge.mjs: {done.stderr}")
    return json.loads(done.stdout)


@lru_cache
def default_values() -> dict:
    return yaml.safe_load((CHART / "values.yaml").read_text())


@lru_cache
def set_values(name: str) -> dict:
    return yaml.safe_load((HERE / "values" / f"{name}.yaml").read_text())


def matches(selector: dict, labels: dict) -> bool:
    """A LabelSelector; of those that the chart renders, so matchLabels alone."""
    if set(selector) - {"matchLabels"}:
        raise AssertionError(f"a selector that these tests do not know: {selector}")
    return (selector.get("matchLabels") or {}).items() <= labels.items()


class Workload:
    """A Deployment or Job, of one container."""

    def __init__(self, thing: dict):
        self.kind = thing["kind"]
        self.name = thing["metadata"]["name"]
        self.spec = thing["spec"]
        self.labels = thing["spec"]["template"]["metadata"]["labels"]
        self.service = self.labels["app.kubernetes.io/component"]
        self.pod = thing["spec"]["template"]["spec"]
        self.container, = self.pod["containers"]

    @property
    def env(self) -> dict[str, str]:
        return {each["name"]: each.get("value") for each in self.container.get("env", [])}

    @property
    def ports(self) -> dict[str, int]:
        return {each["name"]: each["containerPort"] for each in self.container.get("ports", [])}

    @property
    def probes(self) -> dict[str, dict]:
        return {name: probe for name, probe in self.container.items() if name.endswith("Probe")}

    def secret_files(self) -> dict[str, tuple[str, str]]:
        """Path in the container → (Secret, key)."""
        volumes = {each["name"]: each for each in self.pod["volumes"]}
        return {f"{mount['mountPath']}/{item['path']}": (secret["secretName"], item["key"])
                for mount in self.container["volumeMounts"]
                if (secret := volumes[mount["name"]].get("secret"))
                for item in secret["items"]}


class Rendered:
    def __init__(self, text: str, name: str = ""):
        self.name = name  # of the set
        self.text = text
        self.objects = [each for each in yaml.safe_load_all(text) if each]

    @cached_property
    def values(self) -> dict:
        """What the set says; not the defaults."""
        return set_values(self.name)

    def of(self, *kinds: str) -> list[dict]:
        return [each for each in self.objects if each["kind"] in kinds]

    @cached_property
    def workloads(self) -> list[Workload]:
        return [Workload(each) for each in self.of(*WORKLOADS)]

    @cached_property
    def services(self) -> list[Workload]:
        """Those that serve psups' APIs: no sandbox, no Job."""
        return [each for each in self.workloads if "grpc" in each.ports]

    def workload(self, service: str) -> Workload:
        found, = [each for each in self.workloads if each.service == service]
        return found

    def selected(self, selector: dict) -> list[Workload]:
        return [each for each in self.workloads if matches(selector, each.labels)]

    # ---- network policies ----

    def policies(self, workload: Workload) -> list[dict]:
        return [each["spec"] for each in self.of("NetworkPolicy")
                if matches(each["spec"]["podSelector"], workload.labels)]

    def rules(self, workload: Workload, way: str) -> list[dict]:
        """The rules about what comes in (ingress) or goes out (egress) of its pods."""
        return [rule for spec in self.policies(workload) for rule in spec.get(way) or []]

    def allows(self, caller: Workload, target: Workload, port: int) -> bool:
        """Whether the policies of both ends let a connection through."""
        return (self._some(caller, "egress", "to", target, port)
                and self._some(target, "ingress", "from", caller, port))

    def _some(self, whose: Workload, way: str, peers: str, other: Workload, port: int) -> bool:
        return any(port in [each["port"] for each in rule["ports"]]
                   and (peers not in rule or any(is_pod_here(peer, other) for peer in rule[peers]))
                   for rule in self.rules(whose, way))


def is_pod_here(peer: dict, workload: Workload) -> bool:
    """Whether a NetworkPolicyPeer means that workload's pods, by a selector in their namespace."""
    return set(peer) == {"podSelector"} and matches(peer["podSelector"], workload.labels)
