"""Malformed and smuggling requests as raw bytes, through the real server to an upstream that records: each is refused,
or is exactly what the gateway saw, and nothing hides behind it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from tests.http.proxying import Front, front, listener
from tests.http.recorder import Recorder, recorder

pytestmark = pytest.mark.asyncio(loop_scope="module")

HIDDEN = b"POST /publish/hidden HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"
"""A publish request that would be judged if it were seen."""
AFTER = b"GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def get(*lines: bytes, target: bytes = b"/") -> bytes:
    """A GET with these header lines."""
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", *lines, b"", b""])


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """A POST with these header lines."""
    return b"\r\n".join([b"POST /p HTTP/1.1", *lines, b"", b""]) + body


def chunked(body: bytes) -> bytes:
    """A POST with this chunked body."""
    return post(b"Host: a", b"Transfer-Encoding: chunked", body=body)


REFUSED = {
    "length and coding": post(b"Host: a", b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "coding and length": post(b"Host: a", b"Transfer-Encoding: chunked", b"Content-Length: 4", body=b"0\r\n\r\n"),
    "two lengths": post(b"Host: a", b"Content-Length: 0", b"Content-Length: 62", body=HIDDEN),
    "the same length twice": post(b"Host: a", b"Content-Length: 2", b"Content-Length: 2", body=b"ab"),
    "a list of lengths": post(b"Host: a", b"Content-Length: 2, 2", body=b"ab"),
    "a signed length": post(b"Host: a", b"Content-Length: +2", body=b"ab"),
    "a negative length": post(b"Host: a", b"Content-Length: -1"),
    "a hexadecimal length": post(b"Host: a", b"Content-Length: 0x2", body=b"ab"),
    "a length with a space": post(b"Host: a", b"Content-Length: 1 0", body=b"0123456789"),
    "an empty length": post(b"Host: a", b"Content-Length:", body=b""),
    "an endless length": post(b"Host: a", b"Content-Length: " + b"9" * 40),
    "a coding before chunked": post(b"Host: a", b"Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "a coding after chunked": post(b"Host: a", b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"),
    "identity": post(b"Host: a", b"Transfer-Encoding: identity", body=b"ab"),
    "an unknown coding": post(b"Host: a", b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "chunked twice": post(b"Host: a", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
    "chunked in quotes": post(b"Host: a", b'Transfer-Encoding: "chunked"', body=b"0\r\n\r\n"),
    "chunked with a parameter": post(b"Host: a", b"Transfer-Encoding: chunked;q=1", body=b"0\r\n\r\n"),
    "chunked with a vertical tab": post(b"Host: a", b"Transfer-Encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "an empty coding": post(b"Host: a", b"Transfer-Encoding:", body=b"0\r\n\r\n"),
    "coding in HTTP/1.0": b"POST /p HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "bare line feeds": b"GET / HTTP/1.1\nHost: a\n\n",
    "a bare line feed in the head": b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    "a bare line feed at the head's end": b"GET / HTTP/1.1\r\nHost: a\r\n\n",
    "a bare carriage return": get(b"Host: a\rX: b"),
    "a folded header": get(b"Host: a", b"X-Folded: b", b" c"),
    "a folded coding": post(b"Host: a", b"Transfer-Encoding:", b" chunked", body=b"0\r\n\r\n"),
    "a folded first header": get(b" Host: a", b"Host: b"),
    "a space before the colon": get(b"Host : a"),
    "a tab before the colon": post(b"Host: a", b"Content-Length\t: 2", body=b"ab"),
    "a header without a colon": get(b"Host: a", b"Nonsense"),
    "a header without a name": get(b"Host: a", b": b"),
    "a name of other letters": get(b"Host: a", "Contënt-Length: 2".encode()),
    "NUL in a value": get(b"Host: a", b"X: a\x00b"),
    "NUL in a name": get(b"Host: a", b"X\x00: a"),
    "a control character in a value": get(b"Host: a", b"X: a\x01b"),
    "DEL in a value": get(b"Host: a", b"X: a\x7fb"),
    "underscore length": post(b"Host: a", b"Content-Length: 0", b"Content_Length: 62", body=HIDDEN),
    "underscore coding": post(b"Host: a", b"Content-Length: 0", b"Transfer_Encoding: chunked", body=HIDDEN),
    "any underscore": get(b"Host: a", b"X_Forwarded_For: 10.0.0.1"),
    "no host": get(b"X: a"),
    "two hosts": get(b"Host: a", b"Host: b"),
    "the same host twice": get(b"Host: a", b"Host: a"),
    "two hosts in one": get(b"Host: a, b"),
    "a host with a path": get(b"Host: a/b"),
    "a host with a user": get(b"Host: user@a"),
    "an empty host": get(b"Host:"),
    "a host with a space": get(b"Host: a b"),
    "an absolute target": get(b"Host: a", target=b"http://a/p"),
    "an absolute target for another host": get(b"Host: a", target=b"http://b/p"),
    "a target of another scheme": get(b"Host: a", target=b"file:///etc/passwd"),
    "an authority as target": get(b"Host: a", target=b"a:80"),
    "no slash": get(b"Host: a", target=b"p"),
    "a fragment": get(b"Host: a", target=b"/p#/publish/x"),
    "a star": get(b"Host: a", target=b"*"),
    "other letters in the target": get(b"Host: a", target="/ü".encode()),
    "a tab in the target": get(b"Host: a", target=b"/a\tb"),
    "a space in the target": get(b"Host: a", target=b"/a b"),
    "NUL in the target": get(b"Host: a", target=b"/a\x00"),
    "HTTP/0.9": b"GET /\r\n\r\n",
    "HTTP/0.9 in words": b"GET / HTTP/0.9\r\nHost: a\r\n\r\n",
    "HTTP/1.2": b"GET / HTTP/1.2\r\nHost: a\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"GET / ICE/1.0\r\nHost: a\r\n\r\n",
    "a lower case method": b"get / HTTP/1.1\r\nHost: a\r\n\r\n",
    "an unknown method": b"PUBLISH / HTTP/1.1\r\nHost: a\r\n\r\n",
    "CONNECT": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "a WebSocket without a host": b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "TRACE": b"TRACE / HTTP/1.1\r\nHost: a\r\n\r\n",
    "two upgrades": get(b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c"),
    "a WebSocket with a body": post(
        b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 2", body=b"ab"
    ),
    "a WebSocket by POST": post(b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket"),
    "a WebSocket where none may be": get(b"Host: a", b"Connection: Upgrade", b"Upgrade: websocket"),
    "a length named by Connection": post(b"Host: a", b"Connection: Content-Length", b"Content-Length: 62", body=HIDDEN),
    "a type named by Connection": post(b"Host: a", b"Connection: close, content-type", b"Content-Type: text/plain"),
    "a credential of a platform's own named by Connection": get(
        b"Host: a", b"Connection: keep-alive, x-auth-token", b"X-Auth-Token: a"
    ),
    "any other header named by Connection": get(b"Host: a", b"Connection: X-Any"),
    "the framing named by Connection": chunked(b"0\r\n\r\n").replace(
        b"Host: a", b"Host: a\r\nConnection: transfer-encoding"
    ),
    "a chunk of no size": chunked(b"\r\nab\r\n0\r\n\r\n"),
    "a chunk size of other letters": chunked(b"xy\r\nab\r\n0\r\n\r\n"),
    "a chunk size with a prefix": chunked(b"0x2\r\nab\r\n0\r\n\r\n"),
    "a chunk size with a sign": chunked(b"+2\r\nab\r\n0\r\n\r\n"),
    "a chunk size with a space": chunked(b"2 \r\nab\r\n0\r\n\r\n"),
    "a chunk size beyond all bounds": chunked(b"ffffffffffffffffff\r\nab\r\n0\r\n\r\n"),
    "a chunk size behind a line feed": chunked(b"2\nab\r\n0\r\n\r\n"),
    "a chunk extension behind a line feed": chunked(b"2;a\nab\r\n0\r\n\r\n"),
    "a chunk that ends in a line feed": chunked(b"2\r\nab\n0\r\n\r\n"),
    "a chunk that is too short": chunked(b"5\r\nab\r\n0\r\n\r\n" + b"x" * 8),
    "a chunk that is too long": chunked(b"1\r\nab\r\n0\r\n\r\n"),
    "a length as a trailer": chunked(b"2\r\nab\r\n0\r\nContent-Length: 62\r\n\r\n" + HIDDEN),
    "a coding as a trailer": chunked(b"2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n" + HIDDEN),
    "a head beyond all bounds": get(b"Host: a", b"X: " + b"x" * 400_000),
    "a target beyond all bounds": get(b"Host: a", target=b"/" + b"x" * 400_000),
    "nothing": b"\r\n\r\n\x00\x01\x02\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(32),
}


@dataclass(frozen=True)
class Seen:
    """A request as the upstream must see it."""

    method: str
    target: str
    body: bytes = b""


ACCEPTED = {
    "plain": (get(b"Host: a"), Seen("GET", "/")),
    # Java's client offers it with every request. It is not taken up, and goes no further.
    "an offer of HTTP/2": (
        get(b"Host: a", b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQ"),
        Seen("GET", "/"),
    ),
    "an offer of HTTP/2 with a body": (
        post(b"Host: a", b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 2", body=b"ab"),
        Seen("POST", "/p", b"ab"),
    ),
    "an offer without its option": (get(b"Host: a", b"Upgrade: h2c"), Seen("GET", "/")),
    "a chunk extension": (chunked(b"2;name=value\r\nab\r\n0\r\n\r\n"), Seen("POST", "/p", b"ab")),
    "chunked in capitals": (
        post(b"Host: a", b"Transfer-Encoding: CHUNKED", body=b"2\r\nab\r\n0\r\n\r\n"),
        Seen("POST", "/p", b"ab"),
    ),
    "leading zeros of a chunk": (chunked(b"0002\r\nab\r\n000\r\n\r\n"), Seen("POST", "/p", b"ab")),
    "a chunk that looks like a request": (
        chunked(b"%x\r\n%b\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        Seen("POST", "/p", HIDDEN),
    ),
    "a body that looks like a request": (
        post(b"Host: a", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
        Seen("POST", "/p", HIDDEN),
    ),
    "a GET with a body": (
        get(b"Host: a", b"Content-Length: %d" % len(HIDDEN)) + HIDDEN,
        Seen("GET", "/", HIDDEN),
    ),
    "trailers": (chunked(b"2\r\nab\r\n0\r\nX-Trailer: 1\r\nAuthorization: x\r\n\r\n"), Seen("POST", "/p", b"ab")),
    "space around values": (get(b"Host: \t a \t", b"X:  b  "), Seen("GET", "/")),
    "empty lines first": (b"\r\n\r\n" + get(b"Host: a"), Seen("GET", "/")),
    "a path of dots": (get(b"Host: a", target=b"/a/../b/%2e%2e//c?d=/../e"), Seen("GET", "/a/../b/%2e%2e//c?d=/../e")),
    "all of ASCII": (
        get(b"Host: a", target=b"/!\"$&'()*+,-.:;<=>@[\\]^_`{|}~?%00??"),
        Seen("GET", "/!\"$&'()*+,-.:;<=>@[\\]^_`{|}~?%00??"),
    ),
    "options of the connection": (
        get(
            b"Host: a",
            b"Connection: keep-alive, TE,, HTTP2-Settings, Proxy-Authorization, Trailer, Upgrade",
            b"Keep-Alive: timeout=5",
            b"TE: trailers",
            b"Proxy-Authorization: x",
        ),
        Seen("GET", "/"),
    ),
    "OPTIONS of everything": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Seen("OPTIONS", "*")),
}


LAST = {
    "an offer of HTTP/2 for one request": (
        get(b"Host: a", b"Connection: close, Upgrade", b"Upgrade: h2c"),
        Seen("GET", "/"),
    ),
    "an offer of HTTP/2 for one request with a body": (
        post(b"Host: a", b"Connection: close, Upgrade", b"Upgrade: h2c", b"Content-Length: 2", body=b"ab"),
        Seen("POST", "/p", b"ab"),
    ),
    "an offer of HTTP/2 in HTTP/1.0": (
        b"GET / HTTP/1.0\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        Seen("GET", "/"),
    ),
}
"""Requests whose answer ends the connection."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[tuple[Recorder, Front]]:
    """One server for all rows."""
    async with recorder() as upstream, front(listener(upstream.netloc)) as gateway:
        yield upstream, gateway


@pytest.fixture
def upstream(server: tuple[Recorder, Front]) -> Recorder:
    """An upstream that has seen nothing."""
    server[0].got.clear()
    server[0].raw.clear()
    server[0].faults.clear()
    return server[0]


async def answer_to(server: tuple[Recorder, Front], data: bytes) -> tuple[bytes, list[bytes]]:
    """Send these bytes; what comes until the connection ends, and the status of each answer in it."""
    reader, writer = await server[1].connect()
    writer.write(data)
    answer = await everything(reader)
    writer.close()
    return answer, re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What comes until the connection ends, in order or not."""
    got = b""
    try:
        while data := await reader.read(65_536):
            got += data
    except ConnectionError:
        pass
    return got


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_that_could_be_read_differently_reaches_nobody(
    server: tuple[Recorder, Front], upstream: Recorder, request_bytes: bytes
) -> None:
    answer, statuses = await answer_to(server, request_bytes + HIDDEN + AFTER)
    await server[1].free()
    assert upstream.got == []
    assert bytes(upstream.raw).count(b"HTTP/1.1\r\n") <= 1, "a head may have been sent on before its body broke off"
    assert b"/publish/hidden" not in upstream.raw
    assert b"/after" not in upstream.raw
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400 ")
    assert len(statuses) <= 1, "nothing behind it is answered either"


@pytest.mark.parametrize(("request_bytes", "seen"), ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_any_other_is_seen_once_and_as_it_was(
    server: tuple[Recorder, Front], upstream: Recorder, request_bytes: bytes, seen: Seen
) -> None:
    _, statuses = await answer_to(server, request_bytes + AFTER)
    assert [Seen(got.method, got.target, got.body) for got in upstream.got] == [seen, Seen("GET", "/after")]
    assert upstream.faults == []
    assert statuses == [b"200"] * 2
    assert all(got.values(b"transfer-encoding") == [] for got in upstream.got), "it came at once"
    assert all(not got.values(b"x-trailer") and not got.values(b"authorization") for got in upstream.got)


@pytest.mark.parametrize(("request_bytes", "seen"), LAST.values(), ids=LAST.keys())
async def test_what_ends_its_connection_is_seen_once_and_nothing_behind_it(
    server: tuple[Recorder, Front], upstream: Recorder, request_bytes: bytes, seen: Seen
) -> None:
    _, statuses = await answer_to(server, request_bytes + AFTER)
    assert [Seen(got.method, got.target, got.body) for got in upstream.got] == [seen]
    assert statuses == [b"200"]


@pytest.mark.parametrize("name", ["CONNECT", "a WebSocket without a host", "two upgrades"])
async def test_a_refused_upgrade_is_no_fault(server: tuple[Recorder, Front], upstream: Recorder, name: str) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    answer, _ = await answer_to(server, REFUSED[name])
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert faults == []


@pytest.mark.parametrize("size", [1, 7, 61])
async def test_however_the_network_cuts_it(server: tuple[Recorder, Front], upstream: Recorder, size: int) -> None:
    data = b"".join(request_bytes for request_bytes, _ in ACCEPTED.values()) + AFTER
    reader, writer = await server[1].connect()
    for start in range(0, len(data), size):
        writer.write(data[start : start + size])
        await writer.drain()
        await asyncio.sleep(0)
    await everything(reader)
    writer.close()
    assert [Seen(got.method, got.target, got.body) for got in upstream.got] == [
        *[seen for _, seen in ACCEPTED.values()],
        Seen("GET", "/after"),
    ]


async def test_what_follows_a_refused_request_is_not_answered_and_what_came_before_is(
    server: tuple[Recorder, Front], upstream: Recorder
) -> None:
    data = get(b"Host: a") + get(b"Host: a", target=b"/second") + REFUSED["two hosts"] + HIDDEN
    _, statuses = await answer_to(server, data)
    assert [got.target for got in upstream.got] == ["/", "/second"]
    assert statuses == [b"200", b"200"]


async def test_a_pipeline_beyond_all_bounds_ends(server: tuple[Recorder, Front], upstream: Recorder) -> None:
    await answer_to(server, get(b"Host: a") * 1000)
    assert 1 <= len(upstream.got) <= 100
