"""A Kafka broker from the image apache/kafka, run by Docker on a port of the loopback interface."""

from __future__ import annotations

import atexit
import os
import shutil
from subprocess import TimeoutExpired

from deploy.local.errors import StartFailed
from deploy.local.kafka_settings import settings, version
from deploy.local.processes import free_port, run

# Carries the process id of the starter, see _remove_orphans.
_LABEL = "local-kafka-parent"


def docker_answers() -> bool:
    """Whether there is a Docker client whose engine answers within 5 s."""
    if shutil.which("docker") is None:
        return False
    try:
        return run(["docker", "info"], seconds=5).returncode == 0
    except TimeoutExpired:
        return False


def _docker(*arguments: str) -> str:
    """Output of a docker command. Raises StartFailed with what it said if it fails."""
    done = run(["docker", *arguments])
    if done.returncode != 0:
        raise StartFailed(f"docker {arguments[0]} failed: {done.stdout.strip()}")
    return done.stdout.strip()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _remove_orphans() -> None:
    """Remove the containers of starters that were killed: the engine, not the starter, is their parent."""
    columns = f'{{{{.ID}}}} {{{{.Label "{_LABEL}"}}}}'
    for line in _docker("ps", "-a", "--filter", f"label={_LABEL}", "--format", columns).splitlines():
        container, pid = line.split()
        if not _alive(int(pid)):
            _docker("rm", "-f", "-v", container)


class DockerBroker:
    """One container; its data stays in it, so start() after stop() or kill() keeps the port and the data."""

    def __init__(self, port: int | None) -> None:
        self._port = port or free_port()
        self._container: str | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self._port}"

    def running(self) -> bool:
        if self._container is None:
            return False
        return _docker("inspect", "-f", "{{.State.Running}}", self._container) == "true"

    def start(self) -> None:
        """Start the container; does not wait until the broker is ready. Raises StartFailed."""
        if self._container is not None:
            _docker("start", self._container)
            return
        _remove_orphans()
        image = f"apache/kafka:{version()}"
        # Pulling by `run` would mix what it prints into the container id.
        if run(["docker", "image", "inspect", image]).returncode != 0:
            _docker("pull", image)
        # The container's own loopback cannot be published; the published port is on loopback only.
        everywhere = "0.0.0.0"  # noqa: S104
        broker = settings(self._port, controller_port=9093 if self._port != 9093 else 9094, bind=everywhere)
        command = ["run", "-d", "--label", f"{_LABEL}={os.getpid()}"]
        command += ["-p", f"127.0.0.1:{self._port}:{self._port}", "-e", "KAFKA_HEAP_OPTS=-Xms256m -Xmx512m"]
        for key, value in broker.items():  # the image turns KAFKA_A_B=c into a.b=c
            command += ["-e", f"KAFKA_{key.upper().replace('.', '_')}={value}"]
        self._container = _docker(*command, image).splitlines()[-1]  # warnings may come before the id
        atexit.register(self.remove)

    def stop(self) -> None:
        if self.running() and self._container is not None:
            _docker("stop", "-t", "20", self._container)

    def kill(self) -> None:
        if self.running() and self._container is not None:
            _docker("kill", self._container)

    def remove(self) -> None:
        if self._container is not None:
            _docker("rm", "-f", "-v", self._container)
            self._container = None
            atexit.unregister(self.remove)

    def last_lines(self) -> str:
        if self._container is None:
            return ""
        return run(["docker", "logs", "--tail", "20", self._container]).stdout
