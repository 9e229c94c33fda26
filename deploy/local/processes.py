"""Child processes that never outlive their parent, free ports, and waiting for a condition."""

from __future__ import annotations

import functools
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Below the range from which Linux takes the ports of outgoing connections. A port inside it could be handed
# to a client while a killed server is down, even to one that is trying to reach that very server.
_PORTS = range(15_000, 32_000)
_given: set[int] = set()
"""The ports that `free_port` has returned: one is free until it is bound, which may be long after."""
_LAUNCHER = Path(__file__).with_name("die_with_parent.py")


def is_free(port: int) -> bool:
    """Whether a server could listen on this TCP port of 127.0.0.1 now."""
    with socket.socket() as probe:
        # As servers do, or the remains of closed connections would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now and no outgoing connection will be given. Each is returned
    once.

    Raises OSError if none of 200 randomly chosen ports is free.
    """
    for port in random.sample(_PORTS, 200):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise OSError(f"no free TCP port found between {_PORTS.start} and {_PORTS.stop}")


@functools.cache
def _spawner(pid: int) -> ThreadPoolExecutor:
    """The one thread of process `pid` that starts children (per process, as threads do not survive a fork).

    Linux sends the parent-death signal when the starting *thread* ends, not the process. A child started from
    a short-lived worker thread would die with it; this thread lives until the interpreter exits.
    """
    return ThreadPoolExecutor(1, thread_name_prefix=f"spawner-{pid}")


def spawn(
    command: Sequence[str],
    *,
    output: Path,
    user: str = "",
    death_signal: signal.Signals = signal.SIGKILL,
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` (absolute path first) in its own session, stdout and stderr appended to `output`.

    The session keeps Ctrl-C in the terminal away from the child, so that it is shut down in order. On Linux
    the child gets `death_signal` when this process ends in any way, SIGKILL included. `user` changes the user
    (needs root); `environment` replaces this process's. If the program cannot be executed the process ends, with the
    reason in `output`.
    """
    launcher = [sys.executable, "-I", "-S", str(_LAUNCHER), str(os.getpid()), str(int(death_signal)), user]

    def popen() -> subprocess.Popen[bytes]:
        with output.open("ab") as log:
            return subprocess.Popen(
                [*launcher, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )

    return _spawner(os.getpid()).submit(popen).result()


def run(
    command: Sequence[str],
    *,
    user: str = "",
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `command` to its end and return its status and what it said (`stdout` has both streams).

    Raises subprocess.TimeoutExpired if it takes longer than `seconds`, OSError if it cannot be executed.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=seconds,
        user=user or None,
        extra_groups=[] if user else None,
    )


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask `condition` about 20 times a second until it holds; False if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.05)
    return True


def terminate(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send the signals in turn, each with the seconds it is given to work; SIGKILL and a wait come last."""
    for number, seconds in steps:
        process.send_signal(number)  # does nothing once the process has been waited for
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
    process.kill()
    process.wait()


def tail(path: Path, lines: int = 20) -> str:
    """The last lines of a log file, empty if there is no such file."""
    if not path.exists():
        return ""
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
