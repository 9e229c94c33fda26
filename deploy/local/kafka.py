"""A real Kafka broker for tests, `make cluster` and the benchmark."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from deploy.local.errors import ExternalService, StartFailed
from deploy.local.kafka_docker import DockerBroker, docker_answers
from deploy.local.kafka_java import JavaBroker
from deploy.local.kafka_probe import answers
from deploy.local.processes import is_free, wait_until

_START_LIMIT = 60.0  # seconds


class _Broker(Protocol):
    @property
    def bootstrap(self) -> str: ...
    def running(self) -> bool: ...
    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...
    def remove(self) -> None: ...
    def last_lines(self) -> str: ...


class Kafka:
    """One broker: the one KAFKA_BOOTSTRAP_SERVERS names, else one in Docker, else one run by Java.

    As a context manager it is ready inside the block and gone, with its temporary data, after it. An external
    broker is only waited for.
    """

    def __init__(self, directory: Path | None = None, port: int | None = None) -> None:
        """Choose the way to run it; nothing is started yet.

        `directory` holds data, settings and log and is kept (Java only: in Docker the container holds them);
        without it a temporary one is used. `port` is the clients' port, without it a free one.
        Raises Missing if there is no way.
        """
        self._external = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")
        self._broker: _Broker | None = None
        if not self._external:
            self._broker = DockerBroker(port) if docker_answers() else JavaBroker(directory, port)

    @property
    def bootstrap(self) -> str:
        """Addresses for clients, host:port, comma separated."""
        return self._broker.bootstrap if self._broker else self._external

    @property
    def external(self) -> bool:
        """Whether somebody else runs the broker, so that it cannot be started, stopped or killed here."""
        return self._broker is None

    def start(self) -> None:
        """Start the broker and return when it takes requests; again on the same port and data.

        Does nothing if it is running. Raises StartFailed if the port is taken, or with the last log lines if
        the broker ends or is not ready within 60 s; ExternalService if it is external.
        """
        broker = self._ours()
        if broker.running():
            return
        if not is_free(int(broker.bootstrap.rsplit(":", 1)[1])):  # the other server might answer for ours
            raise StartFailed(f"Kafka cannot be started: {broker.bootstrap} is in use by another process")
        broker.start()
        wait_until(lambda: answers(broker.bootstrap) or not broker.running(), _START_LIMIT)
        if not (broker.running() and answers(broker.bootstrap)):
            said = broker.last_lines()
            broker.kill()
            raise StartFailed(f"Kafka did not become ready at {broker.bootstrap}:\n{said}")

    def stop(self) -> None:
        """Shut the broker down in order (SIGTERM, after 20 s SIGKILL), keeping its data."""
        self._ours().stop()

    def kill(self) -> None:
        """End the broker at once (SIGKILL), keeping its data."""
        self._ours().kill()

    def close(self) -> None:
        """Stop the broker and remove temporary data; an external one is left alone."""
        if self._broker is not None:
            try:
                self._broker.stop()
            finally:
                self._broker.remove()

    def __enter__(self) -> Self:
        if self._broker is None:
            if not wait_until(lambda: answers(self._external), _START_LIMIT):
                raise StartFailed(f"No Kafka broker answers at KAFKA_BOOTSTRAP_SERVERS={self._external}")
            return self
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ours(self) -> _Broker:
        if self._broker is None:
            raise ExternalService(
                "Kafka is named by KAFKA_BOOTSTRAP_SERVERS and run by somebody else; "
                "unset it to start, stop or kill a broker here."
            )
        return self._broker
