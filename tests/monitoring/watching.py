"""What dashboards and alerts ask of Prometheus, read from deploy/: panels, rules, expressions."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
CONFIG = PROMETHEUS / "prometheus.yml"
ALERTS = PROMETHEUS / "alerts.yaml"
ALERTS_TEST = PROMETHEUS / "alerts_test.yaml"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RUNBOOKS = ROOT / "docs" / "runbooks"

# What Grafana puts in; the time range of a test is its whole run.
VARIABLES = {"$service": ".*", "$__rate_interval": "30s", "$__range": "10m"}
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
NAME = r"[a-zA-Z_:][\w:]*"


@dataclass(frozen=True)
class Asked:
    """One expression, and who asks it: `overview.json, Orders waiting: waiting`."""

    where: str
    expression: str


def dashboards() -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in DASHBOARDS}


def panels() -> list[tuple[str, dict]]:
    """The panels that show something, each with `<file>, <title>`."""
    return [(f"{name}, {panel.get('title')}", panel) for name, dashboard in dashboards().items()
            for panel in dashboard["panels"] if panel["type"] != "row"]


def rules() -> list[dict]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def of_panels() -> list[Asked]:
    return [Asked(f"{where}: {target['legendFormat']}", target["expr"])
            for where, panel in panels() for target in panel["targets"]]


def of_rules() -> list[Asked]:
    """What the alerts compare, without the comparison: an alert that is silent has no sample."""
    return [Asked(rule["alert"], side) for rule in rules() for side in compared(rule["expr"])]


def of_sentences() -> list[Asked]:
    """What the alerts' sentences ask while they are written."""
    return [Asked(f"{rule['alert']}, {name}", query) for rule in rules()
            for name, text in rule["annotations"].items()
            for query in re.findall(r'query "([^"]+)"', text)]


def compared(expression: str) -> list[str]:
    """The left sides of `a > 1 or b < 2`; on the right are numbers only, or it is a mistake."""
    sides = []
    for part in re.split(r"\s+or\s+", expression.strip()):
        side = re.fullmatch(r"(.+?)\s*[<>]=?\s*[\d.*+ ]+", part, re.DOTALL)
        if side is None:
            raise ValueError(f"{part!r}: want `<expression> < or > <number>`")
        sides.append(side.group(1))
    return sides


def filled(expression: str) -> str:
    """As Grafana sends it."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def names_in(expression: str) -> tuple[set[str], set[tuple[str, str]], set[str]]:
    """The metrics of an expression, the labels that select them as (metric, label), and those by
    which it groups."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', filled(expression))
    bare = re.sub(r"\[[^\]]*\]", "", bare)
    selected = {(metric, label) for metric, inside in re.findall(rf"({NAME})\s*{{([^}}]*)}}", bare)
                for label in re.findall(rf"({NAME})\s*(?:=~|!~|!=|=)", inside)}
    bare = re.sub(r"{[^}]*}", "", bare)
    grouping = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
    grouped = {label.strip() for inside in grouping.findall(bare) for label in inside.split(",")}
    bare = grouping.sub(" ", bare)
    metrics = {name for name in re.findall(rf"(?<![\w.]){NAME}(?!\s*\()\b(?!\s*\()", bare)
               if name.lower() not in WORDS}
    return metrics, selected, grouped - {""}
