"""Which port each listener gets."""

import fcntl
import random
import socket
from pathlib import Path

from deploy.local.layout import FIXED_PORTS, RUN, StackError

FIRST = 10000
_claims: list = []


def fixed() -> dict[str, int]:
    """The documented ports, or a StackError that names the ones that somebody else has."""
    taken = [f"{port} ({name})" for name, port in FIXED_PORTS.items() if not _is_free(port)]
    if taken:
        raise StackError(f"ports in use: {', '.join(taken)}; stop who has them (make down stops "
                         "our own) and try again")
    return dict(FIXED_PORTS)


def free() -> dict[str, int]:
    """A free port for each listener, out of a block that no other stack of this checkout gets while
    this process lives, and that the kernel gives to no outgoing connection.
    """
    folder = RUN / "ports"
    folder.mkdir(parents=True, exist_ok=True)
    size = len(FIXED_PORTS)
    blocks = list(range(FIRST, _first_ephemeral() - size, size))
    random.shuffle(blocks)
    for first in blocks:
        claim = open(folder / str(first), "w")  # open as long as the claim holds
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            continue
        block = range(first, first + size)
        if all(map(_is_free, block)):
            _claims.append(claim)
            return dict(zip(FIXED_PORTS, block))
        claim.close()
    raise StackError(f"no {size} free ports between {FIRST} and {_first_ephemeral()}")


def _first_ephemeral() -> int:
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
