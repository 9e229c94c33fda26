"""A request head that is too long or too slow ends its connection; others are served as ever."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import cast

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.http import bounded
from gateway.http.bounded import HEAD_BYTES, BoundedHttp
from gateway.http.budget import Budget
from gateway.http.requests import Receive, Scope, Send, read_body

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive, None, 10**7, 5.0, Budget(10**7))
    length = b"x" * int(scope["path"][1:]) if len(scope["path"]) > 1 else str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(length))]})
    await send({"type": "http.response.body", "body": length})


async def until(holds: Callable[[], bool]) -> None:
    """Wait for something of the server's that has no event."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0)


@dataclass
class Site:
    """A server with these bounds."""

    address: tuple[str, int]
    config: uvicorn.Config
    connections: set[object]

    async def connect(self) -> Peer:
        """A client's connection."""
        return await asyncio.open_connection(*self.address)

    async def empty(self) -> None:
        """Wait until no connection is left."""
        await until(lambda: not self.connections)


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """The server, with small buffers towards its clients."""
    config = uvicorn.Config(application, log_config=None, lifespan="off")
    state = ServerState()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), sock=listening
    )
    yield Site(listening.getsockname(), config, cast(set[object], state.connections))
    server.close()
    for connection in list(state.connections):
        connection.transport.abort()
    await server.wait_closed()


@pytest.fixture
async def peer(site: Site) -> AsyncIterator[Peer]:
    """A connection to it."""
    reader, writer = await site.connect()
    yield reader, writer
    writer.close()


def one_that_reads_nothing(site: Site) -> socket.socket:
    """A client that asks for more than the buffers take, and reads none of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(site.address)
    client.sendall(b"GET /4000000 HTTP/1.1\r\nHost: gateway\r\n\r\n")
    return client


def bounds(site: Site) -> list[BoundedHttp]:
    """The server's side of its connections."""
    return cast(list[BoundedHttp], list(site.connections))


async def served(peer: Peer) -> None:
    """Ask, and see the answer."""
    reader, writer = peer
    writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n")
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    assert await reader.readexactly(1) == b"0"


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of the connection, in order or not; True if it came without an answer."""
    try:
        return await reader.read() == b""
    except ConnectionResetError:
        return True


async def test_a_long_head_ends_the_connection(peer: Peer) -> None:
    reader, writer = peer
    writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\nX-Long: ")
    for _ in range(HEAD_BYTES // 1024 + 300):
        writer.write(b"x" * 1024)
    assert await ended(reader)


async def test_many_headers_end_the_connection(peer: Peer) -> None:
    reader, writer = peer
    writer.write(b"GET / HTTP/1.1\r\nHost: gateway\r\n")
    for number in range(400):
        writer.write(b"X-%d: " % number + b"x" * 1000 + b"\r\n")
    assert await ended(reader)


async def test_a_slow_head_ends_the_connection(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 0.01)
    reader, writer = peer
    writer.write(b"GET / HTTP/1.1\r\nHost: ga")
    assert await ended(reader)


async def test_a_long_body_and_a_next_request_are_served(peer: Peer) -> None:
    reader, writer = peer
    body = b"x" * (10 * HEAD_BYTES)
    for _ in range(2):
        writer.write(b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(6) == str(len(body)).encode()


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"\r\n\r\nG"])
async def test_a_connection_that_asks_for_nothing_ends(
    site: Site, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr(bounded, "HEAD_SECONDS", 0.05)
    reader, writer = await site.connect()
    writer.write(sent)
    async with asyncio.timeout(5):
        assert await ended(reader)
        await site.empty()
    writer.close()


async def test_empty_lines_do_not_keep_a_connection_after_an_answer(site: Site) -> None:
    site.config.timeout_keep_alive = 1
    reader, writer = peer = await site.connect()
    await served(peer)
    writer.write(b"\r\n")
    async with asyncio.timeout(5):
        assert await ended(reader)
    writer.close()


async def test_one_connection_too_many_ends_the_oldest_idle_and_the_others_stay(site: Site) -> None:
    site.config.limit_concurrency = 2
    oldest, other = [await site.connect() for _ in range(2)]
    for peer in (oldest, other):
        await served(peer)
    new = await site.connect()
    async with asyncio.timeout(5):
        assert await ended(oldest[0])
    for peer in (other, new):
        await served(peer)
    for peer in (oldest, other, new):
        peer[1].close()
    async with asyncio.timeout(5):
        await site.empty()
    again = await site.connect()
    await served(again)
    again[1].close()


async def test_an_idle_connection_whose_client_takes_no_answer_gives_up_its_place_at_once(site: Site) -> None:
    site.config.limit_concurrency = 1
    client = one_that_reads_nothing(site)
    async with asyncio.timeout(5):
        await until(lambda: any(each.cycle is not None and each.cycle.response_complete for each in bounds(site)))
        new = await site.connect()
        await until(lambda: not any(each.transport.get_write_buffer_size() for each in bounds(site)))
    await served(new)
    new[1].close()
    client.close()


async def test_endless_trailers_end_the_connection(peer: Peer) -> None:
    reader, writer = peer
    writer.write(b"POST / HTTP/1.1\r\nHost: gateway\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX: ")
    writer.write(b"x" * 1_000_000)
    async with asyncio.timeout(4):  # less than a body may take
        assert await ended(reader)


async def test_a_client_that_takes_no_answer_does_not_keep_its_connection(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "DRAIN_SECONDS", 0.01)
    site.config.timeout_keep_alive = 1
    client = one_that_reads_nothing(site)
    async with asyncio.timeout(10):
        await until(lambda: bool(site.connections))
        await site.empty()
    client.close()
