"""A loopback and mounts of our own for a program, so that no port and no place is in anybody's way."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

INSIDE = "PYTHON_IN_NAMESPACES"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PYTHON = "/usr/bin/python3"  # Debian's, for it has Debian's packages


def enter(*more: str) -> None:
    """Starts this program again in namespaces of its own; `more` are further ones, as unshare(1) has
    them. All that it starts ends with it if they have --pid.
    """
    if INSIDE not in os.environ:
        if os.geteuid() != 0:
            sys.exit(f"{sys.argv[0]}: starts each container as its own user, so it has to be root; "
                     "try again with sudo")
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "unchanged", *more,
                              PYTHON, *sys.argv])
    # So that nobody outside sees our mounts. In a chroot / is none; there its maker has seen to it.
    places = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if "/" in places:
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
