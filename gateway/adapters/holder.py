"""Who holds a lease, told in a way that lets the next process on the same host see that it is dead."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def this_holder() -> str:
    """The name of this process: where its process number means something, and the number."""
    return f"{_place()}/{os.getpid()}"


def is_dead(holder: str) -> bool:
    """Whether that process has certainly ended. Of processes elsewhere nothing is known, so never True for them."""
    place, _, pid = holder.rpartition("/")
    if place != _place() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()  # this process has only just begun: the number is used again


def _place() -> str:
    """Host, boot and process number space; two containers with one host name differ in the last."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        space = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return socket.gethostname()
    return f"{socket.gethostname()}/{boot}/{space}"
