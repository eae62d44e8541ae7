"""psupsctl against a stack: everything that a person could do, nothing else."""

import json
import subprocess
from pathlib import Path

from deploy.local import certificates
from deploy.local.layout import BINARIES, SERVICES, StackError, address

SECONDS = 120


def write_context(path: Path, ports: dict[str, int], role: str = "admin") -> Path:
    """The file that tells psupsctl where the services are and as whom to ask."""
    path.write_text(json.dumps({
        "ca_file": str(certificates.AUTHORITY),
        "cert_file": str(certificates.certificate(role)),
        "key_file": str(certificates.key(role)),
        "endpoints": {name: address(ports, name) for name in SERVICES},
    }, indent=1) + "\n")
    return path


class Psupsctl:
    def __init__(self, context: Path):
        self.context = context

    def run(self, *arguments: str) -> str:
        command = [str(BINARIES / "psupsctl"), "--context", str(self.context), *map(str, arguments)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise StackError(f"psupsctl {arguments[0]}: {error}") from error
        if done.returncode:
            raise StackError(f"psupsctl {' '.join(map(str, arguments[:2]))} failed: "
                             f"{done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def json(self, *arguments: str):
        said = self.run(*arguments, "-o", "json")
        try:
            return json.loads(said)
        except ValueError as error:
            raise StackError(f"psupsctl {arguments[0]}: not JSON: {said[:200]}") from error

    def list(self, noun: str, *arguments: str) -> list[dict]:
        """Every row of `<noun> list`, whether it comes as a list or in an object."""
        answer = self.json(noun, "list", *arguments)
        if isinstance(answer, list):
            return answer
        return next((rows for rows in answer.values() if isinstance(rows, list)), [])
