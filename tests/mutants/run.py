#!/usr/bin/env python3
"""make mutants: breaks a promise on purpose, one patch at a time, and wants a test to notice.

Each *.patch begins with a line that names the test that must go red: `# test: <ctest name>
[GoogleTest filter]`, or, of what is not built, `# test: <script> [its argument]`. The test must be
green without the patch, and the patch must apply and compile. A mutant is killed only if a case of
the test failed by name: a crash, a time-out or a PostgreSQL that does not start is not the promise's
doing. Fails if one survives.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "build-mutants"
# As the project's own build lies to its sources: so ccache knows what is not broken from there.
BUILD = SOURCE / "build"
CCACHE = {"CCACHE_BASEDIR": str(SOURCE), "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "time_macros"}
LINE = "# test: "
SECONDS = 300
GREEN = "green"
# What the issues want to be broken, and the patches that do.
WANTED = {
    "dedupe off": ["ps-ingest-dedupe-off", "tracking-dedupe-off"],
    "XAV skipped": ["builder-xav-skipped"],
    "200 before commit": ["tracking-200-before-commit"],
    "token counted after send": ["ups-gateway-token-counted-after-send"],
    "audit row outside the transaction": [
        "ps-ingest-audit-outside-the-transaction", "tracking-audit-outside-the-transaction",
        "ups-gateway-audit-outside-the-transaction"],
    "lease without fencing": [
        "builder-lease-without-fencing", "ps-ingest-lease-without-fencing",
        "tracking-lease-without-fencing", "ups-gateway-lease-without-fencing"],
    "re-create without control": ["ups-gateway-rebuy-without-control"],
    "missing fence": ["ups-gateway-fence-missing"],
    "401 renews always": ["ups-gateway-refused-token-always-renewed"],
    "cap counter ignored": ["ups-gateway-cap-counter-ignored"],
    "verdict cache never expires": ["ups-gateway-verdict-cache-never-expires"],
    "overlap 0": ["ps-ingest-overlap-off"],
    "lag 0": ["ps-ingest-lag-off"],
    "truncation check off": ["ps-ingest-cut-answer-taken-as-whole", "ps-ingest-unknown-cap-cuts"],
    "slow reader may overwrite newer": ["ps-ingest-older-read-replaces-newer"],
    "link check off": ["ps-ingest-link-check-off", "builder-link-check-off"],
    "ship_orders_since ignored": ["ps-ingest-go-live-ignored"],
    "reorder in write-back": ["ps-ingest-write-back-reordered"],
    "allocation constraint dropped": ["builder-allocation-unchecked"],
    "cosmetic check too wide": ["builder-cosmetic-too-wide"],
    "change during LABELING ignored": ["builder-change-while-buying-ignored"],
    "cap per replica": ["builder-cap-per-replica"],
    "void counted as refund": ["builder-void-taken-for-refund"],
    "secret by value": ["chart-secret-by-value"],
    "port outside the policy": ["chart-port-outside-the-policy"],
    "wrong probe port": ["chart-wrong-probe-port"],
    "renamed metric": ["ps-ingest-renamed-metric"],
}


class Mutant:
    def __init__(self, patch: Path):
        self.patch = patch
        first = patch.read_text().splitlines()[0]
        if not first.startswith(LINE):
            raise SystemExit(f"{patch.name}: its first line must be `{LINE}<test> [filter]`")
        self.test, _, self.filter = first[len(LINE):].partition(" ")

    @property
    def is_script(self) -> bool:
        return "/" in self.test


def run(command: list, **options) -> subprocess.CompletedProcess:
    environment = os.environ | CCACHE | options.pop("env", {})
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, env=environment, **options)


def take_sources() -> None:
    """The tracked files as they are in the working tree, apart from it."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    files = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=ROOT).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, SOURCE / name, follow_symlinks=False)


def build(mutant: Mutant) -> str:
    """Empty, or why it does not build."""
    if mutant.is_script:
        return ""
    done = run(["cmake", "--build", BUILD, "--target", mutant.test])
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]


def failed_cases(output: str) -> list[str]:
    """The cases that GoogleTest or unittest says have failed, each once."""
    found = re.findall(r"^(?:\d+: )?(?:\[  FAILED  \] (\w[\w/]*\.[\w/]+)|FAIL: \w+ \(([\w.]+)\))",
                       output, re.MULTILINE)
    return list(dict.fromkeys(google or python for google, python in found))


def became(returncode: int, output: str) -> str:
    """GREEN, "red: <cases>", or that it ended badly, without a case that failed."""
    if returncode == 0:
        return GREEN
    cases = failed_cases(output)
    return f"red: {', '.join(cases)}" if cases else f"ended badly:\n{output[-2000:]}"


def run_test(mutant: Mutant) -> str:
    if mutant.is_script:
        done = run([SOURCE / mutant.test, *mutant.filter.split()], cwd=SOURCE)
        return became(done.returncode, done.stdout + done.stderr)
    environment = os.environ | ({"GTEST_FILTER": mutant.filter} if mutant.filter else {})
    done = run(["ctest", "--test-dir", BUILD, "--no-tests=error", "--verbose",
                "-R", f"^{mutant.test}$", "--timeout", SECONDS], env=environment)
    return became(done.returncode, done.stdout + done.stderr)


def judge(mutant: Mutant) -> str:
    """What became of it: "killed by <cases>", or why that is not so."""
    problem = build(mutant)
    if problem:
        return f"does not build unpatched:\n{problem}"
    unpatched = run_test(mutant)
    if unpatched != GREEN:
        return f"{mutant.test} without the patch is {unpatched}"
    if run(["patch", "-p1", "--no-backup-if-mismatch", "-i", mutant.patch], cwd=SOURCE).returncode:
        return "the patch does not apply; bring it up to date"
    try:
        problem = build(mutant)
        if problem:
            return f"does not build:\n{problem}"
        patched = run_test(mutant)
        if patched == GREEN:
            return f"SURVIVED {mutant.test}"
        return patched.replace("red: ", "killed by ", 1)
    finally:
        run(["patch", "-p1", "-R", "--no-backup-if-mismatch", "-i", mutant.patch], cwd=SOURCE)


def missing(names: set[str]) -> list[str]:
    """What the issue wants to be broken and no patch breaks."""
    return [f"{wish}: no {patch}.patch" for wish, patches in WANTED.items() for patch in patches
            if patch not in names]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="patches by name; default: all")
    names = parser.parse_args().names
    patches = sorted(Path(__file__).parent.glob("*.patch"))
    lacking = missing({patch.stem for patch in patches})
    if lacking:
        print("\n".join(lacking), file=sys.stderr)
        return 1
    mutants = [Mutant(p) for p in patches if not names or p.stem in names]
    if not mutants:
        print("mutants: no such patch", file=sys.stderr)
        return 2
    take_sources()
    if all(mutant.is_script for mutant in mutants):
        return count_killed(mutants)
    configured = run(["cmake", "--preset", "dev"], cwd=SOURCE)
    if configured.returncode:
        print(configured.stdout + configured.stderr, file=sys.stderr)
        return 1
    return count_killed(mutants)


def count_killed(mutants: list[Mutant]) -> int:
    killed = 0
    for mutant in mutants:
        started = time.monotonic()
        outcome = judge(mutant)
        killed += outcome.startswith("killed")
        print(f"{mutant.patch.stem}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{killed} of {len(mutants)} mutants killed")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
