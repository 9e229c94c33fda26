"""Upstreams and clients that die, stall or talk nonsense: what the other side sees, and that everything is freed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from pathlib import Path

import pytest

from gateway.http import proxy
from tests.http.moderated import site
from tests.http.proxying import Front, front, listener
from tests.http.recorder import recorder, served
from tests.world import ACCOUNT

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter

GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def reset(writer: Writer) -> None:
    """End a connection by a reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class Upstream:
    """Plays one script for each connection: answers to its requests in order, then closes. None resets it."""

    def __init__(self, *connections: list[bytes | None]) -> None:
        self._connections = list(connections)
        self.heads: list[bytes] = []

    async def __call__(self, reader: Reader, writer: Writer) -> None:
        for answer in self._connections.pop(0):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"Content-Length: 2" in head:
                await reader.readexactly(2)
            self.heads.append(head)
            if answer is None:
                reset(writer)
                return
            writer.write(answer)
            await writer.drain()


async def unavailable(gateway: Front, data: bytes) -> None:
    """Ask; the answer must be the platform's own for an upstream that is away, on a connection that goes on."""
    reader, writer = await gateway.connect()
    writer.write(data)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b'"kind":"unavailable"' in await reader.readuntil(b"}")
    writer.close()
    await gateway.free()


@pytest.mark.parametrize("answer", [b"", None, b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b"SSH-2.0-x\r\n"])
@pytest.mark.parametrize("data", [GET, POST], ids=["GET", "POST"])
async def test_an_upstream_without_an_answer(answer: bytes | None, data: bytes) -> None:
    upstream = Upstream([answer], [OK])
    async with served(upstream) as netloc, front(listener(netloc)) as gateway:
        await unavailable(gateway, data)
        assert len(upstream.heads) == 1, "a new connection that fails says nothing about another"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=[
        "lengths",
        "length and coding",
        "coding",
        "line feeds",
        "folded",
        "NUL",
        "switch",
        "switch to nothing",
        "long",
    ],
)
async def test_an_answer_that_could_be_read_differently_is_none(answer: bytes) -> None:
    async with served(Upstream([answer])) as netloc, front(listener(netloc)) as gateway:
        await unavailable(gateway, GET)


async def test_an_upstream_that_is_not_there() -> None:
    async with front(listener("127.0.0.1:1")) as gateway:
        await unavailable(gateway, GET)


async def test_an_upstream_that_does_not_answer_in_time() -> None:
    async def silent(reader: Reader, _writer: Writer) -> None:
        await reader.read()
        ended.set()

    ended = asyncio.Event()
    async with served(silent) as netloc, front(listener(netloc, answer_seconds=0.1)) as gateway:
        await unavailable(gateway, POST)
        await ended.wait()


async def test_a_request_whose_idle_connection_was_just_closed_is_repeated_if_that_is_safe() -> None:
    upstream = Upstream([OK, b""], [OK])
    async with served(upstream) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        for _ in range(2):
            writer.write(GET)
            assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert len(upstream.heads) == 3


async def test_and_not_more_than_once() -> None:
    upstream = Upstream([OK, b""], [b""], [OK])
    async with served(upstream) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(GET)
        await reader.readuntil(b"ok")
        writer.close()
        await unavailable(gateway, GET)
        assert len(upstream.heads) == 3


@pytest.mark.parametrize(
    "data",
    [POST, POST.replace(b"POST", b"GET"), GET.replace(b"GET", b"DELETE"), GET.replace(b"GET", b"POST")],
    ids=["POST", "GET with a body", "DELETE", "POST without a body"],
)
async def test_and_otherwise_not(data: bytes) -> None:
    upstream = Upstream([OK, b""], [OK])
    async with served(upstream) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(GET)
        await reader.readuntil(b"ok")
        writer.close()
        await unavailable(gateway, data)
        assert len(upstream.heads) == 2


@pytest.mark.parametrize(
    "part",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nnonsense\r\n",
    ],
    ids=["length", "chunk", "no last chunk", "nonsense"],
)
async def test_a_body_that_is_cut_off_is_cut_off_for_the_client(part: bytes) -> None:
    async with served(Upstream([part])) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(GET)
        answer = await reader.read()
        writer.close()
        await gateway.free()
    assert answer.startswith(b"HTTP/1.1 200 ")
    if b"Content-Length" in part:
        assert answer.endswith(b"\r\n\r\nabc"), "nine were announced"
    else:
        assert b"abc" in answer
        assert not answer.endswith(b"0\r\n\r\n"), "no end of the body"


async def test_a_body_without_a_length_that_ends_by_a_reset_does_not_look_whole() -> None:
    async def resetting(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nabc")
        await sent.wait()
        reset(writer)

    sent = asyncio.Event()
    async with served(resetting) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"GET /x HTTP/1.0\r\n\r\n")
        await reader.readuntil(b"abc")
        sent.set()
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_a_body_that_stalls_is_cut_off() -> None:
    async def stalling(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        await reader.read()

    async with served(stalling) as netloc, front(listener(netloc, idle_seconds=0.1)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(GET)
        assert (await reader.read()).endswith(b"abc")
        writer.close()
        await gateway.free()


async def test_a_client_that_goes_during_a_long_poll_frees_the_upstream() -> None:
    async def polling(reader: Reader, _writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        polled.set()
        assert await reader.read() == b""
        freed.set()

    polled, freed = asyncio.Event(), asyncio.Event()
    async with served(polling) as netloc, front(listener(netloc)) as gateway:
        _, writer = await gateway.connect()
        writer.write(GET)
        await polled.wait()
        assert gateway.origin.in_use(gateway.listener) == 1
        writer.transport.abort()
        await freed.wait()
        await gateway.free()


async def test_a_client_that_goes_during_an_upload_frees_the_upstream() -> None:
    async def taking(reader: Reader, _writer: Writer) -> None:
        await reader.readuntil(b"abc")
        begun.set()
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1000)
        freed.set()

    begun, freed = asyncio.Event(), asyncio.Event()
    async with served(taking) as netloc, front(listener(netloc)) as gateway:
        _, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        await begun.wait()
        writer.transport.abort()
        await freed.wait()
        await gateway.free()


async def test_a_client_that_goes_during_a_download_frees_the_upstream() -> None:
    async def giving(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(bytes(100_000))
                await writer.drain()
        freed.set()

    freed = asyncio.Event()
    async with served(giving) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(GET)
        await reader.readexactly(1_000_000)
        writer.transport.abort()
        await freed.wait()
        await gateway.free()


async def test_a_client_that_stops_sending_or_taking_is_given_up() -> None:
    async def endless(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
            while True:
                writer.write(bytes(1_000_000))
                await writer.drain()
        await reader.read()

    async with served(endless) as netloc, front(listener(netloc, idle_seconds=0.2)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc")
        assert await reader.read() == b""
        writer.close()
        await gateway.free()
        _, writer = await gateway.connect()
        writer.write(GET)
        while not gateway.origin.in_use(gateway.listener):  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.001)
        await gateway.free()
        writer.transport.abort()


async def test_one_stuck_upstream_does_not_stop_another() -> None:
    async def stuck(reader: Reader, _writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.append(1)
        await reader.read()

    arrived: list[int] = []
    async with served(stuck) as netloc, recorder() as upstream:
        slow = listener(netloc, name="slow", connections=4, connect_seconds=0.1)
        async with front(slow) as gateway, front(listener(upstream.netloc), origin=gateway.origin) as other:
            clients = [await gateway.connect() for _ in range(3)]
            for _, writer in clients:
                writer.write(GET)
            while len(arrived) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await_more = await gateway.connect()
            await_more[1].write(GET)
            for _ in range(20):
                reader, writer = await other.connect()
                writer.write(GET)
                assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
                writer.close()
            assert (await await_more[0].readuntil(b"}")).startswith(b"HTTP/1.1 503 "), "none became free in time"
            assert len(arrived) == 3
            for _, writer in (*clients, await_more):
                writer.close()
            await gateway.free()


@pytest.mark.parametrize("first", [b"a", b""], ids=["with its head", "on demand"])
async def test_an_upload_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch, first: bytes) -> None:
    async def taking(reader: Reader, _writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        begun.set()
        await reader.read()

    async def drip() -> None:
        with contextlib.suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"a")
                await asyncio.sleep(0.01)

    monkeypatch.setattr(proxy, "UPLOAD_SECONDS", 0.2)
    begun = asyncio.Event()
    async with served(taking) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        expect = b"" if first else b"Expect: 100-continue\r\n"
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n" + expect + b"\r\n" + first)
        await begun.wait()
        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(5):
            assert await reader.read() in (b"", b"HTTP/1.1 100 Continue\r\n\r\n")
            await gateway.free()
        dripping.cancel()
        writer.close()


async def test_an_upload_that_comes_fast_enough_may_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "UPLOAD_SECONDS", 0.5)
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000\r\n\r\n")
        began = asyncio.get_running_loop().time()
        for _ in range(20):
            writer.write(bytes(1000))
            await asyncio.sleep(0.05)
        assert asyncio.get_running_loop().time() - began > 2 * proxy.UPLOAD_SECONDS - 0.1
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        assert len(upstream.got[0].body) == 20_000
        writer.close()


async def test_no_upstream_connection_is_taken_for_a_body_that_has_not_begun() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc, connections=1)) as gateway:
        waiting = [await gateway.connect() for _ in range(3)]
        for _, writer in waiting:
            writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
        reader, another = await gateway.connect()
        another.write(POST)
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 ")
        for _, writer in (*waiting, (reader, another)):
            writer.close()


async def test_uploads_that_pass_through_leave_a_way_for_what_is_judged(tmp_path: Path) -> None:
    async with site(tmp_path, connections=2, connect_seconds=0.2) as chatty:
        uploads = [await chatty.front.connect() for _ in range(4)]
        for _, writer in uploads:
            writer.write(b"PUT /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na")
        refused = await uploads[-1][0].readuntil(b"\r\n\r\n")
        assert refused.startswith(b"HTTP/1.1 503 "), "there is none for more of them"

        chatty.me(ACCOUNT.account_id)
        chatty.plays()
        assert (await chatty.post()).status_code == 200
        chatty.plays(b'{"token":"new","app":"acc-1","seconds":60}')
        answer = await chatty.client.post("/token", json={"app": ACCOUNT.account_id})
        assert answer.json().get("token") == "new", answer.text

        for _, writer in uploads:
            writer.close()
