"""Runs the gateway in this process: uvicorn, with an end that no client notices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import uvicorn
from fastapi import FastAPI

from gateway.http.bounded import PER_ADDRESS, BoundedHttp
from gateway.ports import Fault

log = logging.getLogger(__name__)

Application = Callable[..., Awaitable[Any]]

BACKLOG: Final = 2048
_GRACE_SECONDS: Final = 3.0
"""How long an idle connection may stay once draining began; a busy one closes with its next answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a process is tied to the supervisor that started it: its death is seen on ``life``, and one byte to
    ``ready`` says that requests are admitted. Both are file descriptors."""

    life: int
    ready: int


def _address(listening: socket.socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Drains before it stops: takes no new connection, lets each client finish and go elsewhere, then ends with 0."""

    def __init__(self, config: uvicorn.Config, app: FastAPI, line: Line | None) -> None:
        super().__init__(config)
        self._app = app
        self._line = line
        self._reloading: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and to hear signals and the supervisor."""
        await self._app.state.document.read()  # later it would cost those who publish
        await super().startup(sockets)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        if self._line is not None:
            loop.add_reader(self._line.life, self._orphaned)
            os.write(self._line.ready, b"+")
        addresses = [_address(listening) for listening in sockets or []]
        log.info("ready", {"addresses": addresses, "pid": os.getpid()})

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, then stop."""
        self._app.state.draining = True
        if self._line is not None:
            asyncio.get_running_loop().remove_reader(self._line.life)
        for server in self.servers:
            server.close()
        for listening in sockets or []:
            listening.close()
        # Closing idle connections now would race with the requests that clients are just sending on them.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn's set of them has no event
                    await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are handled in the loop; the inherited way ends the process by the signal instead of with 0."""
        yield

    def _end(self) -> None:
        if self.should_exit and self._line is None:
            self.force_exit = True  # asked twice from a terminal: do not wait for clients
        self.should_exit = True

    def _orphaned(self) -> None:
        if self._line is not None:
            asyncio.get_running_loop().remove_reader(self._line.life)
        self.should_exit = True

    def _reload(self) -> None:
        task = asyncio.ensure_future(_reload_policy(self._app))
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)


async def _reload_policy(app: FastAPI) -> None:
    with contextlib.suppress(Fault):  # the file is looked at every second anyway
        await app.state.reload_policy()


def configuration(app: Application, drain_seconds: float, connections_per_address: int = PER_ADDRESS) -> uvicorn.Config:
    """How uvicorn serves the gateway. Which sockets is up to `listen`."""

    class Http(BoundedHttp):
        per_address = connections_per_address

    return uvicorn.Config(
        app,
        loop="uvloop",
        http=Http,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=int(drain_seconds),
        backlog=BACKLOG,
    )


def listen(host: str, ports: Sequence[int]) -> list[socket.socket]:
    """A listening socket on each port, the main one first. Raises `OSError`, naming the port, when one is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened: list[socket.socket] = []
    for port in ports:
        try:
            opened.append(socket.create_server((host, port), family=family, backlog=BACKLOG))
        except OSError as error:
            for other in opened:
                other.close()
            # The system's own words: the library's have the address in them once more.
            number = None if isinstance(error, socket.gaierror) else error.errno
            why = error.strerror if number is None else os.strerror(number)
            raise OSError(f"cannot listen on {host} port {port}: {why}") from error
    return opened


def run(
    app: FastAPI, sockets: list[socket.socket], line: Line | None, drain_seconds: float, connections_per_address: int
) -> bool:
    """Serve on these listening sockets until a signal; True when it ended in order. They are closed."""
    server = Server(configuration(app, drain_seconds, connections_per_address), app, line)
    server.run(sockets)
    return server.started
