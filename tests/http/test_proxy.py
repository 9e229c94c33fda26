"""What a listener does with an ordinary request: which fields go on, how lengths are stated, what is answered."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.http.requests import Receive, Scope
from gateway.platforms.listeners import Listener
from gateway.platforms.mapping import Match
from tests.http.proxying import Front, front, listener
from tests.http.recorder import Answer, Got, recorder, served

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def ask(gateway: Front, data: bytes) -> bytes:
    """Send a request that closes, and return everything that comes back."""
    reader, writer = await gateway.connect()
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


def request(*lines: str, method: str = "GET", target: str = "/x", body: bytes = b"") -> bytes:
    """A request that closes its connection."""
    head = [f"{method} {target} HTTP/1.1", "Host: front.example", *lines, "Connection: close", "", ""]
    return "\r\n".join(head).encode("latin-1") + body


async def forwarded(data: bytes, **fields: Any) -> Got:
    """What an upstream gets of a request."""
    async with recorder() as upstream, front(listener(upstream.netloc, **fields)) as gateway:
        assert (await ask(gateway, data)).startswith(b"HTTP/1.1 200")
        (got,) = upstream.got
        got.headers = [(name, value.replace(upstream.netloc.encode(), b"UPSTREAM")) for name, value in got.headers]
        return got


async def answered(answer: bytes, data: bytes | None = None, *, close: bool = False) -> bytes:
    """What a client gets of an upstream's answer."""
    async with recorder(lambda _got: Answer(answer, close)) as upstream, front(listener(upstream.netloc)) as gateway:
        return await ask(gateway, data or request())


async def test_the_fields_of_one_connection_end_there() -> None:
    got = await forwarded(
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close, TE, keep-alive\r\nKeep-Alive: timeout=5\r\n"
        b"Proxy-Authorization: x\r\nProxy-Connection: close\r\nTE: trailers\r\nTrailer: X-T\r\nX-Kept: 1\r\n\r\n"
    )
    assert got.headers == [(b"host", b"UPSTREAM"), (b"x-kept", b"1"), (b"x-forwarded-for", b"127.0.0.1")]


async def test_the_fields_of_the_upstreams_connection_end_there_too() -> None:
    answer = await answered(
        b"HTTP/1.1 200 OK\r\nX-Kept: 1\r\nConnection: X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2\r\n"
        b"Proxy-Authenticate: Basic\r\nDate: then\r\nContent-Length: 2\r\n\r\nok"
    )
    assert answer == (b"HTTP/1.1 200 OK\r\nX-Kept: 1\r\nDate: then\r\nContent-Length: 2\r\nconnection: close\r\n\r\nok")


async def test_an_answer_without_a_date_gets_one_and_no_other_field() -> None:
    head, _, body = (await answered(OK)).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines[1:]] == [b"Content-Length", b"date", b"connection"]
    assert body == b"ok"


@pytest.mark.parametrize(
    ("policy", "sent"),
    [("upstream", b"UPSTREAM"), ("client", b"front.example"), ("named.example:81", b"named.example:81")],
)
async def test_the_host_is_as_the_listener_says(policy: str, sent: bytes) -> None:
    assert (await forwarded(request(), host=policy)).values(b"host") == [sent]


CLAIMS = (
    "X-Forwarded-For: 10.9.9.9",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: h",
    "X-Forwarded-Port: 1",
    "X-Forwarded: x",
    "Forwarded: for=10.9.9.9",
    "X-Real-IP: 10.9.9.9",
    "X-Client-IP: 10.9.9.9",
    "True-Client-IP: 10.9.9.9",
    "CF-Connecting-IP: 10.9.9.9",
)


async def test_what_a_client_says_about_itself_is_not_believed() -> None:
    got = await forwarded(request(*CLAIMS))
    assert got.headers == [(b"host", b"UPSTREAM"), (b"x-forwarded-for", b"127.0.0.1")]


async def test_what_a_trusted_peer_says_about_a_client_is_passed_on() -> None:
    got = await forwarded(request(*CLAIMS), trusted_peers=["127.0.0.0/8"])
    names = [line.partition(":")[0].lower().encode() for line in CLAIMS[1:]]
    assert [name for name, _ in got.headers] == [b"host", *names, b"x-forwarded-for"]
    assert got.values(b"x-forwarded-for") == [b"10.9.9.9, 127.0.0.1"]


async def test_another_peer_is_not_trusted() -> None:
    got = await forwarded(request(*CLAIMS), trusted_peers=["10.0.0.0/8"])
    assert got.values(b"forwarded") == []


async def test_a_publish_request_is_judged_and_not_passed() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        data = request("Content-Length: 2", method="POST", target="/publish/room", body=b"{}")
        assert (await ask(gateway, data)).endswith(b"\r\n\r\nsend 2")
        assert upstream.got == []


class Passes:
    """Moderation that leaves a request alone, having read its body or not."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body

    async def __call__(self, _listener: Listener, _match: Match, _scope: Scope, receive: Receive) -> Passes:
        if self.body is not None:
            self.body = (await receive())["body"]
        return self


@pytest.mark.parametrize("body", [None, b""])
async def test_a_publish_request_that_is_not_to_be_judged_passes(body: bytes | None) -> None:
    async with recorder() as upstream, front(listener(upstream.netloc), Passes(body)) as gateway:
        data = request("Content-Length: 2", method="POST", target="/publish/room", body=b"{}")
        assert (await ask(gateway, data)).startswith(b"HTTP/1.1 200")
        assert [(got.target, got.body) for got in upstream.got] == [("/publish/room", b"{}")]


async def test_what_only_some_servers_take_for_a_publish_request_is_refused_in_the_platforms_words() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        answer = await ask(gateway, request("Content-Length: 2", method="POST", target="/x/../publish/r", body=b"{}"))
        assert answer.startswith(b"HTTP/1.1 400")
        assert b'"kind":"malformed"' in answer
        assert upstream.got == []


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body(status: int) -> None:
    answer = await answered(b"HTTP/1.1 %d X\r\nETag: x\r\nDate: then\r\n\r\n" % status)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[1:] == [b"ETag: x", b"Date: then", b"connection: close"]
    assert body == b""


async def test_the_answer_to_head_keeps_its_length_and_has_no_body() -> None:
    data = request(method="HEAD")
    answer = await answered(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nDate: then\r\n\r\n", data)
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\nDate: then\r\nconnection: close\r\n\r\n"


async def test_interim_answers_are_not_answers() -> None:
    answer = await answered(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK)
    assert answer.count(b"HTTP/1.1") == 1
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Link" not in answer


async def test_trailers_of_an_answer_are_dropped() -> None:
    answer = await answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n")
    assert answer.endswith(b"transfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert b"X-T" not in answer


async def test_http_1_0_gets_a_body_that_ends_with_the_connection() -> None:
    data = b"GET /x HTTP/1.0\r\n\r\n"
    answer = await answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", data)
    assert b"transfer-encoding" not in answer
    assert answer.endswith(b"\r\nconnection: close\r\n\r\nok")


async def test_a_body_in_pieces_stays_chunked_when_its_length_is_not_known() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        while b"abc" not in upstream.raw:  # noqa: ASYNC110 - what has arrived has no event
            await asyncio.sleep(0.001)
        writer.write(b"3\r\ndef\r\n0\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.close()
        (got,) = upstream.got
        assert got.values(b"transfer-encoding") == [b"chunked"]
        assert got.body == b"abcdef"


async def test_the_head_of_an_answer_does_not_wait_for_its_body() -> None:
    more = asyncio.Event()

    async def handle(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
        await more.wait()
        writer.write(b"ab")
        await reader.read()

    async with served(handle) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(request())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
        more.set()
        assert await reader.readexactly(2) == b"ab"
        writer.close()
        await gateway.free()


async def test_a_body_is_asked_for_only_when_the_upstream_asks_for_it() -> None:
    async def handle(reader: Reader, writer: Writer) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"Expect: 100-continue\r\n" in head
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await reader.readexactly(3) == b"abc"
        writer.write(OK)
        await reader.read()

    async with served(handle) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(request("Content-Length: 3", "Expect: 100-continue", method="PUT"))
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"abc")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
        writer.close()


async def test_a_body_that_the_upstream_does_not_want_is_not_asked_for() -> None:
    async def handle(reader: Reader, writer: Writer) -> None:
        connections.append(1)
        await reader.readuntil(b"\r\n\r\n")
        if len(connections) > 1:
            writer.write(OK)
        else:
            writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 2\r\n\r\nno")
        assert await reader.read() == b"", "no body, and no other request"

    connections: list[int] = []
    async with served(handle) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 417 ")
        assert b"connection: close\r\n" in answer, "whether a body follows cannot be known"
        writer.close()
        await gateway.free()
        assert (await ask(gateway, request())).startswith(b"HTTP/1.1 200 ")
        assert len(connections) == 2, "the first waits for a body that will not come"


async def test_an_answer_to_an_unfinished_upload_reaches_the_client() -> None:
    async def handle(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        await writer.drain()

    async with served(handle) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 100_000)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 413 ")
        assert await reader.readexactly(2) == b"no"
        writer.close()
        await gateway.free()


async def test_an_answer_may_begin_while_the_request_is_still_being_sent() -> None:
    async def handle(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for _ in range(3):
            writer.write(await reader.readexactly(2))

    async with served(handle) as netloc, front(listener(netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nConnection: close\r\n\r\nab")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(2) == b"ab"
        for piece in (b"cd", b"ef"):
            writer.write(piece)
            assert await reader.readexactly(2) == piece
        writer.close()
        await gateway.free()


async def test_connections_to_the_upstream_are_used_again() -> None:
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        for _ in range(3):
            await ask(gateway, request())
        assert upstream.connections == 1
        assert len(upstream.got) == 3
