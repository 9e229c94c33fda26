"""An HTTP server on the loopback that answers with the very bytes it is told, and keeps the bytes it got."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from types import TracebackType
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@dataclass(frozen=True)
class Play:
    """What to do with one request: send this, then ``close`` the connection, or stop listening as well."""

    data: bytes = OK
    close: bool = False
    leave: bool = False


class Peer:
    """Plays ``plays`` one request after the other, and `OK` when none is left."""

    def __init__(self) -> None:
        self.plays: list[Play] = []
        self.requests: list[bytes] = []
        self.connections = 0
        self.arrived = asyncio.Event()
        """Set once a request is there."""
        self.closed = asyncio.Event()
        """Set once a connection has ended on both sides."""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def netloc(self) -> str:
        """Host and port."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            self.closed.set()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
        assert b"\r\ntransfer-encoding:" not in head.lower()
        self.requests.append(head + await reader.readexactly(int(length[1]) if length else 0))
        self.arrived.set()
        play = self.plays.pop(0) if self.plays else Play()
        if play.leave and self._server is not None:
            self._server.close()
        writer.write(play.data)
        await writer.drain()
        return not (play.close or play.leave)
