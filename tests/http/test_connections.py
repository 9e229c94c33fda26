"""Publish requests over a real connection: the same answers, and the manners of HTTP/1.1."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import orjson
import pytest
import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from gateway.http.bounded import BoundedHttp
from gateway.http.budget import Budget
from tests.http.conftest import BODY_LIMIT
from tests.world import ACCOUNT, CLOSED, KEY, World

Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def body(text: str = "hello", account_id: str = ACCOUNT.account_id) -> bytes:
    return orjson.dumps({"account_id": account_id, "text": text})


def request(content: bytes, path: str = "/v1/messages", version: str = "1.1", more: str = "") -> bytes:
    head = f"POST {path} HTTP/{version}\r\nHost: gateway\r\nAuthorization: Bearer {KEY}\r\n"
    return f"{head}Content-Length: {len(content)}\r\n{more}\r\n".encode() + content


@pytest.fixture
async def peer(app: FastAPI) -> AsyncIterator[Peer]:
    """A connection to the application, as it is served."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", ws="none", proxy_headers=False, server_header=False)
    state = ServerState()
    state.default_headers = [(b"date", b"today")]
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    yield reader, writer
    writer.close()
    server.close()
    await server.wait_closed()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """The next answer on a connection."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status, *lines = head.strip().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    assert len(headers) == len(lines)
    return int(status.split()[1]), headers, await reader.readexactly(int(headers["content-length"]))


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions"])
@pytest.mark.parametrize("content", [body(), body(account_id=CLOSED.account_id), b"{}", b"x" * (BODY_LIMIT + 1)])
async def test_the_answer_is_that_of_the_application(
    peer: Peer, client: httpx.AsyncClient, path: str, content: bytes
) -> None:
    reader, writer = peer
    writer.write(request(content, path))
    status, headers, got = await answer(reader)
    usual = await client.post(path, content=content)
    assert status == usual.status_code
    assert headers.pop("date") == "today"
    assert headers.keys() == usual.headers.keys()
    assert headers["content-type"] == usual.headers["content-type"]
    assert orjson.loads(got).keys() == usual.json().keys()


async def test_requests_sent_ahead_are_answered_in_order(peer: Peer, world: World) -> None:
    reader, writer = peer
    texts = [f"text {number}" for number in range(5)]
    writer.write(b"".join([request(body(text)) for text in texts]) + b"GET /livez HTTP/1.1\r\nHost: gateway\r\n\r\n")
    for text in texts:
        status, _, got = await answer(reader)
        assert status == 200
        assert (await world.stored(orjson.loads(got)["message_id"])).message.texts == (text,)
    assert (await answer(reader))[0] == 200


async def test_a_body_in_pieces_is_waited_for(peer: Peer) -> None:
    reader, writer = peer
    whole = request(body("in pieces"))
    for start in range(0, len(whole), 40):
        writer.write(whole[start : start + 40])
        await writer.drain()
        await asyncio.sleep(0.001)
    assert (await answer(reader))[0] == 200


async def test_long_bodies_leave_the_connection_readable(peer: Peer, app: FastAPI) -> None:
    app.state.service.body_limit = 10**6
    app.state.service.budget = Budget(10**6)
    reader, writer = peer
    for _ in range(3):
        writer.write(request(body("long " * 60_000)))
        assert (await answer(reader))[0] == 400  # longer than a text may be
        writer.write(request(body("long " * 18_000)))
        assert (await answer(reader))[0] == 200


async def test_who_expects_to_be_asked_for_the_body_is_asked(peer: Peer) -> None:
    reader, writer = peer
    whole = request(body(), more="Expect: 100-continue\r\n")
    head, content = whole.split(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(content)
    assert (await answer(reader))[0] == 200


@pytest.mark.parametrize(
    "ending", [request(body(), version="1.0"), request(body(), more="Connection: close\r\n")], ids=["1.0", "close"]
)
async def test_a_connection_that_shall_end_ends_after_the_answer(peer: Peer, ending: bytes) -> None:
    reader, writer = peer
    writer.write(ending)
    status, headers, _ = await answer(reader)
    assert (status, headers["connection"]) == (200, "close")
    assert await reader.read() == b""


async def test_while_draining_the_connection_ends_with_its_answer(peer: Peer, app: FastAPI) -> None:
    reader, writer = peer
    writer.write(request(body()))
    assert "connection" not in (await answer(reader))[1]
    app.state.draining = True
    writer.write(request(body()))
    assert (await answer(reader))[1]["connection"] == "close"
    assert await reader.read() == b""


async def test_an_offer_of_another_protocol_is_not_taken_up(peer: Peer) -> None:
    reader, writer = peer
    for _ in range(2):
        writer.write(request(body(), more="Upgrade: h2c\r\nConnection: Upgrade\r\n"))
        status, headers, _ = await answer(reader)
        assert (status, headers.get("connection")) == (200, None)


async def test_a_request_for_a_websocket_is_refused(peer: Peer) -> None:
    reader, writer = peer
    writer.write(request(b"", more="Upgrade: websocket\r\nConnection: Upgrade\r\n"))
    status, headers, _ = await answer(reader)
    assert (status, headers["connection"]) == (400, "close")
    assert await reader.read() == b""


async def test_a_client_that_goes_away_leaves_the_server_well(peer: Peer, app: FastAPI) -> None:
    reader, writer = peer
    writer.write(request(body())[:-3])
    writer.write_eof()
    assert await reader.read() == b""
    assert not app.state.draining


async def test_a_defect_is_answered_500(peer: Peer, app: FastAPI) -> None:
    app.state.service = None
    reader, writer = peer
    writer.write(request(body()))
    status, headers, _ = await answer(reader)
    assert (status, headers["connection"]) == (500, "close")
