"""One psql that stays: asking it costs a round trip, not a process."""

import subprocess

from deploy.local.layout import StackError
from deploy.local.postgres import PROGRAMS, SUPERUSER

END = "-- that was all --"


class SqlSession:
    """`ask` as often as one likes; rows come as lists of texts."""

    def __init__(self, cluster):
        self.process = subprocess.Popen(
            [PROGRAMS / "psql", "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d",
             cluster.url(SUPERUSER)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, statement: str) -> list[list[str]]:
        self.process.stdin.write(f"{statement};\n\\echo {END}\n")
        self.process.stdin.flush()
        rows = []
        while (line := self.process.stdout.readline().rstrip("\n")) != END:
            if not line and self.process.poll() is not None:
                raise StackError(f"psql ended at: {statement}")
            rows.append(line.split("\t"))
        return rows

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
