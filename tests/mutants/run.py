#!/usr/bin/env python3
"""make mutants: breaks a promise on purpose, one patch at a time, and wants a test to notice.

Each *.patch begins with a line `# test: <ctest name> [GoogleTest filter]`: the test that must go red.
It must be green without the patch, and the patch must apply and compile. Fails if one survives.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "build-mutants"
SOURCE, BUILD = HOME / "source", HOME / "build"
LINE = "# test: "


class Mutant:
    def __init__(self, patch: Path):
        self.patch = patch
        first = patch.read_text().splitlines()[0]
        if not first.startswith(LINE):
            raise SystemExit(f"{patch.name}: its first line must be `{LINE}<ctest name> [filter]`")
        self.test, _, self.filter = first[len(LINE):].partition(" ")


def run(command: list, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=False, **options)


def take_sources() -> None:
    """The tracked files as they are in the working tree, apart from it."""
    shutil.rmtree(SOURCE, ignore_errors=True)
    SOURCE.mkdir(parents=True)
    files = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=ROOT).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (SOURCE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, SOURCE / name)


def build(target: str) -> str:
    """Empty, or why it does not build."""
    done = run(["cmake", "--build", BUILD, "--target", target])
    return "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:]


def green(mutant: Mutant) -> bool:
    environment = os.environ | ({"GTEST_FILTER": mutant.filter} if mutant.filter else {})
    done = run(["ctest", "--test-dir", BUILD, "--no-tests=error", "-R", f"^{mutant.test}$",
                "--timeout", "300"], env=environment)
    return done.returncode == 0


def judge(mutant: Mutant) -> str:
    """What became of it: "killed", or why that is not so."""
    problem = build(mutant.test)
    if problem:
        return f"does not build unpatched:\n{problem}"
    if not green(mutant):
        return f"{mutant.test} is red without the patch"
    if run(["patch", "-p1", "--no-backup-if-mismatch", "-i", mutant.patch], cwd=SOURCE).returncode:
        return "the patch does not apply; bring it up to date"
    try:
        problem = build(mutant.test)
        if problem:
            return f"does not build:\n{problem}"
        return f"SURVIVED {mutant.test}" if green(mutant) else "killed"
    finally:
        run(["patch", "-p1", "-R", "--no-backup-if-mismatch", "-i", mutant.patch], cwd=SOURCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="patches by name; default: all")
    names = parser.parse_args().names
    patches = sorted(Path(__file__).parent.glob("*.patch"))
    mutants = [Mutant(p) for p in patches if not names or p.stem in names]
    if not mutants:
        print("mutants: no such patch", file=sys.stderr)
        return 2
    take_sources()
    configured = run(["cmake", "-S", SOURCE, "-B", BUILD, "-G", "Ninja",
                      "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"])
    if configured.returncode:
        print(configured.stdout + configured.stderr, file=sys.stderr)
        return 1
    killed = 0
    for mutant in mutants:
        started = time.monotonic()
        outcome = judge(mutant)
        killed += outcome == "killed"
        print(f"{mutant.patch.stem}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{killed} of {len(mutants)} mutants killed")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
