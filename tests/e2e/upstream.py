"""Servers in the test's own process, so that the test sees each request at the moment it arrives."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from deploy.local.stack import Stack
from tests.e2e.support import read_head

Look = Callable[[dict[str, str], bytes], Awaitable[None]]


class Server(ABC):
    """Answers each HTTP request with ``status`` and no body, once `take` has returned."""

    def __init__(self, port: int, status: str) -> None:
        self._port = port
        self._status = status
        self._serving: set[asyncio.Task[None]] = set()

    @abstractmethod
    async def take(self, headers: dict[str, str], body: bytes) -> None:
        """What to do with a request."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._answer(reader, writer))
        self._serving.add(task)
        await asyncio.wait((task,))
        self._serving.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, headers = read_head(await reader.readuntil(b"\r\n\r\n"))
                await self.take(headers, await reader.readexactly(int(headers["content-length"])))
                writer.write(f"HTTP/1.1 {self._status}\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


class Upstream(Server):
    """The stack's upstream: answers 201 after ``seconds`` and keeps what it was sent.

    ``look`` is awaited with each request's headers and body, before anything else is done with it.
    """

    def __init__(self, stack: Stack, seconds: float = 0.0, look: Look | None = None) -> None:
        super().__init__(stack.upstream_port, "201 Created")
        self.requests: list[tuple[dict[str, str], bytes]] = []
        """Headers and body of each request."""
        self._seconds = seconds
        self._look = look

    async def take(self, headers: dict[str, str], body: bytes) -> None:
        """Look, keep it, and take the time."""
        if self._look is not None:
            await self._look(headers, body)
        self.requests.append((headers, body))
        await asyncio.sleep(self._seconds)
