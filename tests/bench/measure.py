"""What the benchmarks measure in one way."""

import os
import re
import subprocess
from pathlib import Path

from deploy.local.postgres import PROGRAMS
from deploy.local.stack import Stack

TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in user and system mode."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cluster_cpu_seconds(stack: Stack) -> float:
    """What PostgreSQL has used so far: its processes, and those of them that have ended."""
    postmaster = (stack.cluster.data / "postmaster.pid").read_text().split()[0]
    used = 0.0
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it has ended just now
            continue
        if postmaster in (file.parent.name, fields[1]):
            used += int(fields[11]) + int(fields[12])
        if file.parent.name == postmaster:
            used += int(fields[13]) + int(fields[14])
    return used / TICK


def peak_rss_mb(pid: int) -> float:
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1)) / 1000


def commits_per_second(stack: Stack, clients: int, seconds: int = 5) -> float:
    """Of so many clients, each inserting one row of 250 bytes, over the Unix socket."""
    script = stack.home / "insert.sql"
    script.write_text("INSERT INTO bench_rows (filler) VALUES (repeat('x', 250));\n")
    stack.cluster.query("CREATE TABLE IF NOT EXISTS public.bench_rows "
                        "(id bigserial PRIMARY KEY, filler text)")
    done = subprocess.run(
        [PROGRAMS / "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j",
         str(min(clients, 2)), "-T", str(seconds), "-f", script, stack.cluster.url("postgres")],
        env=os.environ | {"PGOPTIONS": "-c search_path=public"}, capture_output=True, text=True,
        check=True)
    stack.cluster.query("DROP TABLE public.bench_rows")
    return float(re.search(r"tps = ([0-9.]+)", done.stdout).group(1))
