"""A thousand generated requests and their answers are the same at both ends, to the byte."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import dataclass

import h11

from tests.http.proxying import Front, front, listener
from tests.http.recorder import Answer, Got, recorder

COUNT = 1000
CLIENTS = 8
SEED = 20

Fields = list[tuple[bytes, bytes]]

SEGMENTS = (
    "a",
    "b%2Fc",
    "%2e%2e",
    "",
    "..",
    "%E4%BD%A0%E5%A5%BD",
    "x;y=1",
    "~u",
    "a+b",
    "%00",
    "@me",
    "(1)",
    "'q'",
    "%zz",
    "!",
)
QUERIES = ("", "?", "?a=1&a=2", "?a=%2F%26", "?b=c?d=e", "?&&", "?x[]=1", "?q=%F0%9F%98%80", "?a=b=c", "?%")
NAMES = (
    "X-One",
    "x-two",
    "ACCEPT",
    "Cookie",
    "X-Trace-ID",
    "If-None-Match",
    "Range",
    "Authorization",
    "x-ONE",
    "Accept-Language",
)
VALUES = (
    b"",
    b"a",
    b"a, b",
    b'W/"x\\y"',
    b"bytes=0-9",
    "grüße".encode(),
    b"\xff\xfe",
    b"a\tb",
    b"x" * 3000,
    b"k=v; l=m",
)
METHODS = ("GET", "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "PROPFIND")
SIZES = (0, 0, 1, 2, 100, 1000, 4096, 65_535, 65_536, 65_537, 200_000, 1_000_000)
WEIGHTS = (6, 6, 6, 6, 12, 12, 12, 2, 2, 2, 2, 1)


@dataclass
class Case:
    """A request and the answer to it, as made."""

    method: str
    target: str
    headers: Fields
    body: bytes
    chunked: bool
    status: int
    answer_headers: Fields
    answer_body: bytes
    framing: str


def some_headers(dice: random.Random) -> Fields:
    """Header fields, some of them repeated."""
    return [(dice.choice(NAMES).encode(), dice.choice(VALUES)) for _ in range(dice.randrange(8))]


def case(number: int) -> Case:
    """The case of this number, always the same."""
    dice = random.Random(SEED * 1_000_000 + number)  # noqa: S311
    method = dice.choice(METHODS)
    has_body = method in ("POST", "PUT", "PATCH") or (method in ("DELETE", "PROPFIND") and dice.random() < 0.3)
    target = "/" + "/".join(dice.choice(SEGMENTS) for _ in range(dice.randrange(5))) + dice.choice(QUERIES)
    status = dice.choice((200, 200, 200, 201, 204, 206, 302, 304, 400, 404, 429, 500, 503))
    bodiless = method == "HEAD" or status in (204, 304)
    answer_headers = [
        *some_headers(dice),
        (b"Set-Cookie", b"a=1"),
        (b"set-COOKIE", b"b=2"),
        (b"Date", b"then"),
        (b"Server", b"s"),
    ]
    dice.shuffle(answer_headers)
    return Case(
        method=method,
        target=target,
        headers=[*some_headers(dice), (b"X-Number", b"%d" % number)],
        body=dice.randbytes(dice.choices(SIZES, WEIGHTS)[0]) if has_body else b"",
        chunked=has_body and dice.random() < 0.3,
        status=status,
        answer_headers=answer_headers,
        answer_body=b"" if bodiless else dice.randbytes(dice.choices(SIZES, WEIGHTS)[0]),
        framing="none" if status == 204 else dice.choice(("length", "length", "chunked", "close")),
    )


def digest(*parts: object, headers: Fields, body: bytes, without: frozenset[bytes]) -> str:
    """SHA-256 of a request or answer; header names count with their case, and their order counts."""
    found = hashlib.sha256()
    kept = [field for field in headers if field[0].lower() not in without]
    for part in (*parts, *[part for field in kept for part in field], body):
        data = part if isinstance(part, bytes) else str(part).encode("latin-1")
        found.update(len(data).to_bytes(8, "big") + data)
    return found.hexdigest()


OURS = frozenset({b"host", b"x-forwarded-for", b"content-length", b"transfer-encoding", b"connection"})
"""What the gateway may set on the way, and the framing, which tests of its own look at."""


def answer(got: Got) -> Answer:
    """The upstream's answer to a request, as its number says."""
    made = case(int(got.values(b"x-number")[0]))
    body = made.answer_body
    lines = [b"HTTP/1.1 %d Reason" % made.status, *[b"%b: %b" % field for field in made.answer_headers]]
    bodiless = made.method == "HEAD" or made.status in (204, 304)
    if made.framing == "close":
        lines.append(b"Connection: close")
    if made.framing == "length" or (bodiless and made.framing == "close"):
        lines.append(b"Content-Length: %d" % (len(body) if not bodiless else 12345))
    elif made.framing == "chunked":
        lines.append(b"Transfer-Encoding: chunked")
        if not bodiless:
            half = len(body) // 2
            body = (
                b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:half], body[half:]) if part)
                + b"0\r\n\r\n"
            )
    return Answer(b"\r\n".join([*lines, b"", body]), close=made.framing == "close")


class Client:
    """Sends cases over one connection, and reads the answers with a parser of its own (h11)."""

    def __init__(self, gateway: Front) -> None:
        self._gateway = gateway

    async def run(self, numbers: range) -> dict[int, str]:
        """The digest of the answer to each."""
        found: dict[int, str] = {}
        reader, writer = await self._gateway.connect()
        parser = h11.Connection(h11.CLIENT)
        for number in numbers:
            made = case(number)
            self._tell(parser, made)
            writer.write(wire(made))
            response, body = await read(parser, reader)
            if made.framing == "length":
                lengths = [value for name, value in response.headers if name == b"content-length"]
                bodiless = made.method == "HEAD" or made.status == 304
                assert lengths == [b"%d" % (12345 if bodiless else len(made.answer_body))]
            headers = list(response.headers.raw_items())
            found[number] = digest(response.status_code, headers=headers, body=body, without=OURS)
            parser.start_next_cycle()
        writer.close()
        return found

    def _tell(self, parser: h11.Connection, made: Case) -> None:
        """Let the parser know what was asked, for the answer's framing depends on it."""
        parser.send(h11.Request(method=made.method, target="/", headers=[("Host", "a")]))
        parser.send(h11.EndOfMessage())


def wire(made: Case) -> bytes:
    """A request as bytes."""
    lines = [
        f"{made.method} {made.target} HTTP/1.1".encode(),
        b"Host: front",
        *[b"%b: %b" % field for field in made.headers],
    ]
    if made.chunked:
        lines.append(b"Transfer-Encoding: chunked")
        body = b"%x\r\n%b\r\n" % (len(made.body), made.body) if made.body else b""
        return b"\r\n".join([*lines, b"", body + b"0\r\n\r\n"])
    if made.body or made.method in ("POST", "PUT", "PATCH"):
        lines.append(b"Content-Length: %d" % len(made.body))
    return b"\r\n".join([*lines, b"", made.body])


async def read(parser: h11.Connection, reader: asyncio.StreamReader) -> tuple[h11.Response, bytes]:
    """One answer."""
    response: h11.Response | None = None
    body = bytearray()
    while True:
        match parser.next_event():
            case h11.NEED_DATA:
                parser.receive_data(await reader.read(65_536))
            case h11.Response() as head:
                response = head
            case h11.Data() as piece:
                body += piece.data
            case h11.EndOfMessage():
                assert response is not None
                return response, bytes(body)


async def test_a_thousand_requests_and_answers_are_the_same_at_both_ends() -> None:
    async with recorder(answer) as upstream, front(listener(upstream.netloc)) as gateway:
        parts = [range(first, COUNT, CLIENTS) for first in range(CLIENTS)]
        found: dict[int, str] = {}
        for part in await asyncio.gather(*[Client(gateway).run(part) for part in parts]):
            found |= part
        await gateway.free()
    assert upstream.faults == []
    assert len(upstream.got) == len(found) == COUNT
    for got in upstream.got:
        made = case(int(got.values(b"x-number")[0]))
        sent = digest(made.method, made.target, headers=made.headers, body=made.body, without=OURS)
        assert digest(got.method, got.target, headers=got.raw_headers, body=got.body, without=OURS) == sent
        lengths, codings = got.values(b"content-length"), got.values(b"transfer-encoding")
        assert (lengths, codings) == ([], [b"chunked"]) or lengths == (
            [b"%d" % len(made.body)] if made.body or lengths else []
        )
        assert made.chunked or codings == [], "a length stays a length"
    for number, answered in found.items():
        made = case(number)
        expected = digest(made.status, headers=made.answer_headers, body=made.answer_body, without=OURS)
        assert answered == expected
