"""A bounded pool of connections to one upstream, so a slow one slows only itself."""

from __future__ import annotations

import asyncio
import functools
import ssl
from collections import deque
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from gateway.adapters.http1 import Connection
from gateway.ports import UpstreamNotReached

IDLE_SECONDS = 3.0
"""How long a connection is kept for the next request: less than the usual keep-alive time of servers (5 s), so that
one is seldom used just as the peer closes it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an upstream is."""

    host: str
    port: int
    tls: bool

    @classmethod
    def of(cls, url: str) -> Self:
        """The address in a URL. Raises `ValueError` when there is none."""
        parts = urlsplit(url)
        return cls(
            parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80), parts.scheme == "https"
        )


class Pool:
    """At most ``connections`` at once, each for who holds one of the slots in ``free``. Of these, ``reserve`` (but
    never all) are only for who takes one as ``reserved``."""

    def __init__(
        self,
        address: Address,
        connections: int,
        connect_seconds: float,
        idle_seconds: float = IDLE_SECONDS,
        reserve: int = 0,
    ) -> None:
        self._address = address
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._loop = asyncio.get_running_loop()
        self.free = asyncio.Semaphore(connections)
        self._common = asyncio.Semaphore(max(1, connections - reserve))
        self.idle: deque[Connection] = deque()
        self.taken = 0
        """Slots that `take` gave and that were not released."""

    async def take(self, *, reserved: bool = False) -> None:
        """Take a slot. Raises `UpstreamNotReached` when none becomes free within the time to connect."""
        if self.free.locked() or (self._common.locked() and not reserved):
            try:
                async with asyncio.timeout(self._connect_seconds):
                    await self._acquire(reserved=reserved)
            except TimeoutError as error:
                raise UpstreamNotReached(f"no connection became free within {self._connect_seconds} s") from error
        else:
            await self._acquire(reserved=reserved)  # at once
        self.taken += 1

    def release(self, *, reserved: bool = False) -> None:
        """Give a slot back, taken in the same way."""
        self.taken -= 1
        self.free.release()
        if not reserved:
            self._common.release()

    async def _acquire(self, *, reserved: bool) -> None:
        if reserved:
            await self.free.acquire()
            return
        await self._common.acquire()
        try:
            await self.free.acquire()
        except BaseException:
            self._common.release()
            raise

    async def connection(self, *, fresh: bool = False) -> Connection:
        """One that is idle, or (always if ``fresh``) a new one. Raises `UpstreamNotReached`."""
        while self.idle and not fresh:
            connection = self.idle.pop()
            if connection.usable and self._loop.time() - connection.idle_since < self._idle_seconds:
                return connection
            connection.close()
        tls = verifying() if self._address.tls else None
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await self._loop.create_connection(
                    Connection, self._address.host, self._address.port, ssl=tls
                )
                return connection
        except TimeoutError as error:
            raise UpstreamNotReached(f"no connection within {self._connect_seconds} s") from error
        except (OSError, UnicodeError) as error:  # the latter for a host name that cannot be one
            raise UpstreamNotReached(f"no connection: {error}") from error

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next request, if it can carry one."""
        if connection.usable:
            connection.used = True
            self.idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self.idle:
            self.idle.pop().close()


@functools.cache
def verifying() -> ssl.SSLContext:
    """TLS as a client that verifies the server's certificate and name."""
    return ssl.create_default_context()
