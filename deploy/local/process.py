"""Processes that outlive this one if they must, found again by a file that names their pid."""

import os
import signal
import subprocess
import time
from pathlib import Path

from deploy.local.layout import StackError

STOP_SECONDS = 10


class Process:
    """One program, its log and its pid file below `home`."""

    def __init__(self, home: Path, name: str):
        self.name = name
        self.log = home / "logs" / f"{name}.log"
        self.pid_file = home / "pids" / f"{name}.pid"
        self.child: subprocess.Popen | None = None

    def start(self, command: list, environment: dict[str, str] | None = None) -> None:
        """Starts it, in a session of its own: a Ctrl-C at the terminal is ours to handle."""
        for file in (self.log, self.pid_file):
            file.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(command[0], os.X_OK):
            raise StackError(f"{command[0]} is not there: run make build")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PSUPS_")}
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command], env=kept | (environment or {}), stdout=log,
                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        self.pid_file.write_text(f"{self.child.pid} {_start_time(self.child.pid)}\n")

    def pid(self) -> int | None:
        """Its pid while it runs; None once it ended, or if the number is somebody else's by now."""
        if self.child is not None and self.child.poll() is not None:
            return None
        try:
            number, started = self.pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(number) if _start_time(int(number)) == started else None

    def signal(self, which: int) -> None:
        number = self.pid()
        if number:
            os.kill(number, which)

    def kill(self) -> None:
        """SIGKILL, as a crash would be; returns once it is gone."""
        self.signal(signal.SIGKILL)
        if self._wait(STOP_SECONDS) and self.child is not None:
            self.child.wait()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough. Nothing if it does not run."""
        self.signal(signal.SIGTERM)
        if not self._wait(STOP_SECONDS):
            self.kill()
        self.pid_file.unlink(missing_ok=True)

    def last_words(self) -> str:
        try:
            return self.log.read_text(errors="replace").strip().splitlines()[-1]
        except (OSError, IndexError):
            return "it said nothing"

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.pid() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.02)
        return True


def _start_time(pid: int) -> str | None:
    """When the kernel says it started, in ticks since boot; None if it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]
