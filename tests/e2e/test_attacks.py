"""Strangers attack a real gateway process on the loopback, and the messages of a tenant with a key are unharmed."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.keys import new_keys
from gateway.demo import TENANT
from tests.e2e.support import PATIENT, TEXTS, Connection, body_of, published, shipped

LIMIT, BUDGET = 256 * 1024, 512 * 1024
EACH, ASKS = 40, 5
PUBLISHED = 12
"""Messages that are sent during each attack."""


async def close(writers: Sequence[asyncio.StreamWriter]) -> None:
    """Close connections."""
    for writer in writers:
        writer.close()
    for writer in writers:
        with suppress(OSError):
            await writer.wait_closed()


@dataclass
class Platform:
    """A homeserver that knows no credential."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer 401 to everything."""
        body = b'{"errcode":"M_UNKNOWN_TOKEN","error":"Unrecognised access token."}'
        self.writers.append(writer)
        head = b"HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(head + body)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass


@asynccontextmanager
async def platform(port: int) -> AsyncIterator[Platform]:
    """A platform that listens."""
    made = Platform(port)
    server = await asyncio.start_server(made.answer, "127.0.0.1", port)
    async with server:
        yield made
    await close(made.writers)


@dataclass
class Site:
    """A gateway process, embedded, with a listener before a platform and a management listener."""

    stack: Stack
    listener: int
    management: int
    upstream: int


@contextmanager
def serving(directory: Path) -> Iterator[Site]:
    """A site with little room, so that few bytes fill it."""
    listener, management, upstream = free_port(), free_port(), free_port()
    entry = {"name": "chat", "platform": "matrix", "tenant": TENANT, "port": listener}
    entry["upstream"] = f"http://127.0.0.1:{upstream}"
    (directory / "listeners.yaml").write_text(json.dumps({"listeners": [entry]}))
    (directory / "policy.yaml").write_text(shipped(PATIENT))
    new_keys(directory / "keys.json")
    settings = {
        "GATEWAY_POLICY_FILE": str(directory / "policy.yaml"),
        "GATEWAY_LISTENERS_FILE": str(directory / "listeners.yaml"),
        "GATEWAY_KEYS_FILE": str(directory / "keys.json"),
        "GATEWAY_MANAGEMENT_PORT": str(management),
        "GATEWAY_CONNECTIONS_PER_ADDRESS": str(EACH),
        "GATEWAY_STRANGERS__ASKS": str(ASKS),
        "GATEWAY_BODY_LIMIT": str(LIMIT),
        "GATEWAY_BODY_BUDGET": str(BUDGET),
    }
    with Stack(f"sqlite+aiosqlite:///{directory}/gateway.db", "", directory, settings=settings) as stack:
        stack.seed(idempotent=False)
        stack.start_load_upstream(log=True)
        stack.start_gateway(workers=1)
        yield Site(stack, listener, management, upstream)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One process for all attacks, one after another."""
    with serving(tmp_path_factory.mktemp("attacked")) as site:
        yield site


def stored(site: Site) -> int:
    """How many messages the gateway has in its database."""
    with closing(sqlite3.connect(site.stack.database_url.partition("///")[2])) as connection:
        number: int = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    return number


async def publish_all(site: Site) -> None:
    """Publish as a tenant with a key, on a new connection: every message is forwarded, and nothing else is stored."""
    before, there = len(published(site.stack)), stored(site)
    async with Connection(site.stack.port) as connection:
        statuses = Counter([(await connection.publish(body_of(TEXTS["allow"][0]))).status for _ in range(PUBLISHED)])
    assert statuses == {200: PUBLISHED}
    assert len(published(site.stack)) - before == stored(site) - there == PUBLISHED


class Flood:
    """Connections of strangers, from addresses of their own."""

    def __init__(self) -> None:
        self.peers: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, port: int, address: str, data: bytes) -> None:
        """Open one more, and send this."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        self.peers.append((reader, writer))
        writer.write(data)
        await asyncio.sleep(0)

    async def answered(self) -> int:
        """How many are answered, or closed, in the end: none is waited for longer than a body may take."""
        async with asyncio.timeout(20):
            for reader, _ in self.peers:
                try:
                    await reader.read(1)
                except ConnectionError:
                    continue
        return len(self.peers)


@pytest.fixture
async def flood() -> AsyncIterator[Flood]:
    """Strangers."""
    flood = Flood()
    yield flood
    await close([writer for _, writer in flood.peers])


def head(method: str, path: str, length: int, *more: str) -> bytes:
    """The head of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"Content-Length: {length}", *more]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token"])
async def test_stalled_bodies_of_strangers(site: Site, flood: Flood, path: str) -> None:
    """Smaller and smaller ones, so that as good as nothing of a budget would be left."""
    for number, size in enumerate([60_000] * 10 + [1000] * EACH + [100] * EACH + [10] * EACH):
        data = f"POST {path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode()
        await flood.send(site.stack.port, f"127.0.1.{number % 4 + 1}", data + b"x" * size)
    await publish_all(site)
    assert await flood.answered() == len(flood.peers)


async def test_large_bodies_on_a_listener(site: Site, flood: Flood) -> None:
    """The platform cannot be asked, so whose they are is not known."""
    for number in range(16):
        more = (f"Authorization: Bearer unknown-{number}", "Content-Type: application/json")
        data = head("PUT", f"/_matrix/client/v3/rooms/!r:s/send/m.room.message/{number}", LIMIT, *more)
        await flood.send(site.listener, f"127.0.2.{number % 4 + 1}", data + b" " * (LIMIT - 1))
    await publish_all(site)
    assert await flood.answered() == 16


async def test_made_up_credentials_on_a_listener(site: Site) -> None:
    there = stored(site)
    async with platform(site.upstream) as upstream, httpx.AsyncClient() as stranger:
        answers: Counter[tuple[int, str]] = Counter()
        for number in range(40):
            answer = await stranger.put(
                f"http://127.0.0.1:{site.listener}/_matrix/client/v3/rooms/!r:s/send/m.room.message/{number}",
                headers={"Authorization": f"Bearer made-up-{number}"},
                json={"msgtype": "m.text", "body": "hello"},
            )
            answers[answer.status_code, answer.json()["errcode"]] += 1
        assert stored(site) == there
        await publish_all(site)
    assert answers == {(401, "M_UNKNOWN_TOKEN"): ASKS, (503, "M_UNKNOWN"): 40 - ASKS}
    assert len(upstream.requests) == ASKS


async def test_idle_connections_of_one_address(site: Site, flood: Flood) -> None:
    for _ in range(5 * EACH):
        await flood.send(site.stack.port, "127.0.3.1", b"")
    await publish_all(site)
    async with asyncio.timeout(5):
        for reader, _ in flood.peers[:EACH]:
            assert await reader.read(1) == b""


async def test_costly_pages_and_long_paths(site: Site) -> None:
    main, listener = f"http://127.0.0.1:{site.stack.port}", f"http://127.0.0.1:{site.listener}"
    long = "/" + "a/" * 20_000
    async with httpx.AsyncClient() as stranger:
        asked = [
            f"{main}/openapi.json",
            f"{main}/metrics",
            f"{main}/console/",
            f"{main}{long}",
            f"{listener}{long}",
        ] * 6
        statuses, _ = await asyncio.gather(
            asyncio.gather(*((stranger.get(address)) for address in asked)), publish_all(site)
        )
        assert [answer.status_code for answer in statuses] == [404, 404, 404, 414, 400] * 6
        inside = [
            (await stranger.get(f"http://127.0.0.1:{site.management}{path}")).status_code
            for path in ("/openapi.json", "/metrics", "/healthz", "/console/sign-in", "/v1/messages")
        ]
    assert inside == [200, 200, 200, 200, 404]
