"""An upstream on a real socket that reads requests with a parser of its own (h11) and keeps what it read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import h11

Fields = list[tuple[bytes, bytes]]


@dataclass
class Got:
    """One request as it arrived; header names in lower case."""

    method: str
    target: str
    headers: Fields
    body: bytes = b""
    raw_headers: Fields = field(default_factory=list)
    """The same with names as they came."""

    def values(self, name: bytes) -> list[bytes]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


@dataclass
class Answer:
    """What to answer, byte for byte, and whether to close then."""

    data: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    close: bool = False


@dataclass
class Recorder:
    """See the module. ``answer`` chooses what a request is answered with."""

    answer: Callable[[Got], Answer] = lambda _got: Answer()
    got: list[Got] = field(default_factory=list)
    raw: bytearray = field(default_factory=bytearray)
    faults: list[h11.RemoteProtocolError] = field(default_factory=list)
    """What arrived that was no HTTP."""
    connections: int = 0
    netloc: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.connections += 1
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=200_000)
        try:
            while (got := await self._read(reader, parser)) is not None:
                answer = self.answer(got)
                writer.write(answer.data)
                await writer.drain()
                if answer.close:
                    return
                # h11 wants to see an answer before the next request.
                parser.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                parser.send(h11.EndOfMessage())
                if parser.our_state is h11.MUST_CLOSE:
                    return
                parser.start_next_cycle()
        except h11.RemoteProtocolError as error:
            self.faults.append(error)
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, parser: h11.Connection) -> Got | None:
        got: Got | None = None
        body = bytearray()
        while True:
            match parser.next_event():
                case h11.NEED_DATA:
                    data = await reader.read(65_536)
                    self.raw += data
                    parser.receive_data(data)
                case h11.Request() as head:
                    got = Got(head.method.decode(), head.target.decode("latin-1"), list(head.headers))
                    got.raw_headers = list(head.headers.raw_items())
                case h11.Data() as piece:
                    body += piece.data
                case h11.EndOfMessage():
                    assert got is not None
                    got.body = bytes(body)
                    self.got.append(got)
                    return got
                case _:
                    return None


@contextlib.asynccontextmanager
async def recorder(answer: Callable[[Got], Answer] = lambda _got: Answer()) -> AsyncIterator[Recorder]:
    """An upstream that records."""
    made = Recorder(answer)
    async with served(made.serve) as netloc:
        made.netloc = netloc
        yield made


@contextlib.asynccontextmanager
async def served(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server on the loopback; yields its address. What is still under way when the block ends is cut off."""
    tasks: set[asyncio.Task[None]] = set()
    writers: set[asyncio.StreamWriter] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handle(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1 << 20)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
