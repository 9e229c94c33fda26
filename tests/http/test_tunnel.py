"""WebSockets through a listener, with a client and a server that nobody here wrote."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from gateway import metrics
from tests.http.proxying import Front, front, listener
from tests.http.recorder import recorder

MB = 1 << 20


async def echo(connection: ServerConnection) -> None:
    """Sends back what it gets; "bye" makes it close."""
    with contextlib.suppress(ConnectionClosed):
        async for message in connection:
            if message == "bye":
                await connection.close(4001, "as you wish")
            else:
                await connection.send(message)


@contextlib.asynccontextmanager
async def websockets(
    handler: Callable[[ServerConnection], Awaitable[None]] = echo, **options: object
) -> AsyncIterator[tuple[Server, Front]]:
    """A WebSocket server, and the gateway before it."""
    async with serve(handler, "127.0.0.1", 0, max_size=None, **options) as server:  # type: ignore[arg-type]
        host, port = next(iter(server.sockets)).getsockname()
        async with front(listener(f"{host}:{port}")) as gateway:
            yield server, gateway


def url(gateway: Front, path: str = "/socket/a%20b?x=1") -> str:
    """The address of a WebSocket behind the gateway."""
    return f"ws://127.0.0.1:{gateway.port}{path}"


def opened() -> float:
    """How many tunnels the metrics count as open."""
    value = metrics.TUNNELS.labels("testing")._value.get()
    assert isinstance(value, float)
    return value


async def test_messages_of_all_sizes_pass_both_ways() -> None:
    dice = random.Random(1)  # noqa: S311
    messages: list[str | bytes] = [
        "text",
        "",
        "ünï",
        *[dice.randbytes(size) for size in (0, 1, 125, 126, 65_535, 65_536, MB, 5 * MB)],
    ]
    async with websockets() as (_, gateway), connect(url(gateway), max_size=None) as client:
        assert opened() == 1
        for message in messages:
            await client.send(message)
            assert await client.recv() == message
        for message in messages:
            await client.send(message)
        assert [await client.recv() for _ in messages] == messages


async def test_subprotocols_extensions_and_the_path_are_negotiated_with_the_server_itself() -> None:
    seen: list[Request] = []

    async def keep(connection: ServerConnection, request: Request) -> None:
        seen.append(request)

    async with websockets(subprotocols=[Subprotocol("second"), Subprotocol("first")], process_request=keep) as (
        _,
        gateway,
    ):
        wanted = [Subprotocol("first"), Subprotocol("second")]
        headers = {"Authorization": "Bearer x"}
        async with connect(url(gateway), subprotocols=wanted, additional_headers=headers) as client:
            assert client.subprotocol == "second", "the server's choice"
            assert client.response is not None
            assert "permessage-deflate" in client.response.headers["Sec-WebSocket-Extensions"]
    (request,) = seen
    assert request.path == "/socket/a%20b?x=1"
    assert request.headers["Authorization"] == "Bearer x"
    assert request.headers["X-Forwarded-For"] == "127.0.0.1"


async def test_the_server_closes() -> None:
    async with websockets() as (_, gateway), connect(url(gateway)) as client:
        await client.send("bye")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as you wish")  # type: ignore[union-attr]
        await client.wait_closed()
        await gateway.free()
        assert opened() == 0


async def test_the_client_closes() -> None:
    codes: asyncio.Queue[tuple[int | None, str | None]] = asyncio.Queue()

    async def keep(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait((connection.close_code, connection.close_reason))

    async with websockets(keep) as (_, gateway):
        async with connect(url(gateway)) as client:
            await client.close(4002, "enough")
        assert await codes.get() == (4002, "enough")
        await gateway.free()


async def test_a_client_that_vanishes_is_a_broken_connection_to_the_server_too() -> None:
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def keep(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    async with websockets(keep) as (_, gateway):
        client = await connect(url(gateway))
        client.transport.abort()
        assert await codes.get() == 1006
        await gateway.free()


@pytest.mark.parametrize("status", [401, 403, 426, 500])
async def test_a_handshake_that_the_server_refuses_is_answered_as_it_is(status: int) -> None:
    async def refuse(connection: ServerConnection, _request: Request) -> Response:
        return connection.respond(status, "not you\n")

    async with websockets(process_request=refuse) as (_, gateway):
        with pytest.raises(InvalidStatus) as refused:
            await connect(url(gateway))
        assert refused.value.response.status_code == status
        assert refused.value.response.body == b"not you\n"
        await gateway.free()


async def test_a_websocket_that_the_platform_does_not_allow_reaches_nobody() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        with pytest.raises(InvalidStatus) as refused:
            await connect(url(gateway, "/elsewhere"))
        assert refused.value.response.status_code == 400
        assert upstream.got == []


async def test_what_the_client_says_before_the_server_agrees_is_not_lost() -> None:
    agreed = asyncio.Event()

    async def wait(_connection: ServerConnection, _request: Request) -> None:
        await agreed.wait()

    async with websockets(process_request=wait) as (_, gateway):
        reader, writer = await gateway.connect()
        writer.write(
            b"GET /socket/a HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
            b"\x81\x82\x00\x00\x00\x00hi"
        )
        agreed.set()
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 ")
        assert await reader.readexactly(4) == b"\x81\x02hi"
        writer.close()
        await gateway.free()


async def test_a_server_that_ends_closes_its_tunnels() -> None:
    async with websockets() as (_, gateway):
        async with connect(url(gateway)) as client:
            await client.send("there?")
            assert await client.recv() == "there?"
            assert gateway.server is not None
            gateway.server.should_exit = True
            with pytest.raises(ConnectionClosed):
                await client.recv()
        await gateway.free()


async def test_tunnels_do_not_take_the_connections_of_requests() -> None:
    async with websockets() as (server, _):
        host, port = next(iter(server.sockets)).getsockname()
        narrow = listener(f"{host}:{port}", connections=1, connect_seconds=0.1)
        async with front(narrow) as gateway, connect(url(gateway)):
            reader, writer = await gateway.connect()
            writer.write(b"GET /plain HTTP/1.1\r\nHost: a\r\n\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 426 "), "the server's own answer"
            writer.close()
            with pytest.raises(InvalidStatus) as refused:
                await connect(url(gateway))
            assert refused.value.response.status_code == 503


HANDSHAKE = b"GET /socket/a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
AGREED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


async def test_what_the_client_said_before_it_went_reaches_a_slow_server() -> None:
    size = 10 * MB

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(AGREED)
        await said.wait()
        heard.set_result(len(await reader.read()))
        writer.close()

    said = asyncio.Event()
    heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        netloc = f"127.0.0.1:{listening.getsockname()[1]}"
        async with await asyncio.start_server(slow, sock=listening), front(listener(netloc)) as gateway:
            reader, writer = await gateway.connect()
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            writer.write(bytes(size))
            writer.write_eof()
            said.set()
            assert await heard == size
            writer.close()
            await gateway.free()
