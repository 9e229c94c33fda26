"""A request head that is too long or too slow ends its connection; others are served as ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvicorn
from uvicorn.server import ServerState

from gateway.http import bounded
from gateway.http.bounded import HEAD_BYTES, BoundedHttp
from gateway.http.budget import Budget
from gateway.http.requests import Receive, Scope, Send, read_body

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(_scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive, None, 10**7, 5.0, Budget(10**7))
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(length))]})
    await send({"type": "http.response.body", "body": length})


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A connection to a server with these bounds."""
    config = uvicorn.Config(application, log_config=None, lifespan="off")
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    yield reader, writer
    writer.close()
    server.close()
    await server.wait_closed()


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
