"""Fetches a picture from an address that a stranger chose, without being led to anything else.

Connections are those of `gateway.adapters.pinned`. There is no redirect, cookie, proxy or compressed answer: the
request goes over `gateway.adapters.http1`, which knows none.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httptools

from gateway.adapters.http1 import Connection
from gateway.adapters.pinned import Pinned, Resolve
from gateway.core.fetchable import Missing, Unfetchable, Wanted, public, wanted


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds on fetching. ``seconds`` is for one picture from its name to its last byte, ``size`` in bytes; at most
    ``at_once`` are fetched at once, and ``per_host`` of these from one host."""

    http: bool = False
    ports: Collection[int] = (80, 443)
    private_hosts: Collection[str] = ()
    seconds: float = 2.0
    size: int = 8 * 1024 * 1024
    at_once: int = 16
    per_host: int = 4


@dataclass(slots=True)
class _Host:
    free: asyncio.Semaphore
    users: int = field(default=0)


class Fetcher:
    """``resolve`` and ``allowed`` (which addresses may be connected to) are for tests; so is ``tls``, what servers'
    certificates are checked against."""

    def __init__(
        self,
        limits: FetchLimits,
        *,
        resolve: Resolve | None = None,
        allowed: Callable[[str], bool] = public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._pinned = Pinned("picture-names", limits.at_once, resolve=resolve, allowed=allowed, tls=tls)
        self._free = asyncio.Semaphore(limits.at_once)
        self._hosts: dict[str, _Host] = {}

    def close(self) -> None:
        """Let go of the threads, those that wait for a name server too."""
        self._pinned.close()

    async def fetch(self, url: str, seconds: float, room: Callable[[int], None]) -> tuple[str, bytes]:
        """The content type and bytes of a picture, within so many seconds and those of the limits.

        ``room`` is told of each number of bytes before they are kept, and raises when there are too many. Raises
        `Unfetchable`, and nothing else.
        """
        limits = self._limits
        asked = wanted(url, http=limits.http, ports=limits.ports, private_hosts=limits.private_hosts)
        try:
            async with asyncio.timeout(min(seconds, limits.seconds)), self._turn(asked.host):
                connection = await self._pinned.connect(asked)
                try:
                    return await self._exchange(connection, asked, room)
                finally:
                    connection.close()
        except TimeoutError as error:
            raise Unfetchable(Missing.SLOW) from error
        except (OSError, httptools.HttpParserError, ValueError) as error:  # the last for names no certificate can have
            raise Unfetchable(Missing.UNREACHABLE) from error

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        host = self._hosts.setdefault(name, _Host(asyncio.Semaphore(self._limits.per_host)))
        host.users += 1
        try:
            async with host.free, self._free:
                yield
        finally:
            host.users -= 1
            if not host.users:
                del self._hosts[name]

    async def _exchange(self, connection: Connection, asked: Wanted, room: Callable[[int], None]) -> tuple[str, bytes]:
        connection.start(
            f"GET {asked.target} HTTP/1.1\r\nHost: {asked.authority}\r\nAccept: image/*\r\n"
            "Accept-Encoding: identity\r\nUser-Agent: moderation-gateway\r\nConnection: close\r\n\r\n".encode("ascii")
        )
        await connection.head()
        content_type = _checked(connection, self._limits.size)
        pieces: list[bytes] = []
        size = 0
        while piece := await connection.piece():
            size += len(piece)
            if size > self._limits.size:
                raise Unfetchable(Missing.LARGE)
            room(len(piece))
            pieces.append(piece)
        return content_type, b"".join(pieces)


def _checked(connection: Connection, most: int) -> str:
    """The content type of a response whose body may be read. Raises `Unfetchable`."""
    if connection.status != 200:
        raise Unfetchable(Missing.REDIRECT if 300 <= connection.status < 400 else Missing.STATUS)
    named: Counter[bytes] = Counter()
    content_type = ""
    for name, value in connection.headers:
        key, text = name.lower(), value.decode("latin-1").strip()
        named[key] += 1
        if key == b"content-encoding" and text.lower() != "identity":
            raise Unfetchable(Missing.ENCODED)
        if key == b"content-length" and int(text) > most:  # the parser let only digits through
            raise Unfetchable(Missing.LARGE)
        if key == b"content-type":
            content_type = text.partition(";")[0].rstrip().lower()
    if named[b"content-type"] != 1 or not is_picture(content_type):
        raise Unfetchable(Missing.NO_PICTURE)
    return content_type


def is_picture(content_type: str) -> bool:
    """Whether something is declared to be a picture."""
    return content_type.lower().startswith("image/")
