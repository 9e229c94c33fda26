"""Sends requests to the listeners' upstreams and streams the answers, each listener with connections of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httptools

from gateway.adapters.http1 import BUFFER, ClosedEarly, Connection
from gateway.adapters.pool import Address, Pool
from gateway.core.hops import end_to_end
from gateway.platforms.listeners import Listener
from gateway.ports import OriginHead, OriginResponse, UpstreamNotReached, UpstreamUnknown

_CONTINUE_SECONDS = 1.0
"""How long to wait for the upstream to ask for a body (``Expect: 100-continue``) before it is sent anyway."""
_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS"})


class HttpOrigin:
    """See `gateway.ports.Origin`. A quarter of a listener's connections, at least one if it has more, is for reserved
    requests only. WebSockets have slots of their own, as many as ``listener.connections``: they last, and must not
    leave a listener without connections for requests."""

    def __init__(self) -> None:
        self._pools: dict[tuple[str, bool], Pool] = {}

    async def send(
        self, listener: Listener, head: OriginHead, body: bytes | AsyncIterator[bytes], *, reserved: bool = False
    ) -> OriginResponse:
        """See `gateway.ports.Origin`."""
        pool = self._pool(listener, head.upgrade)
        await pool.take(reserved=reserved)
        exchange: _Exchange | None = None
        try:
            connection = await pool.connection()
            exchange = _Exchange(pool, connection, listener, reserved=reserved)
            try:
                await exchange.begin(head, body)
            except ClosedEarly:
                if not connection.used or connection.status or body != b"" or head.method not in _REPEATABLE:
                    raise
                connection.close()
                connection = await pool.connection(fresh=True)
                exchange = _Exchange(pool, connection, listener, reserved=reserved)
                await exchange.begin(head, body)
        except BaseException as error:
            if exchange is None:
                pool.release(reserved=reserved)
            else:
                exchange.close()
            _raise_as_fault(error)
            raise
        if connection.drained:
            exchange.close()
        return exchange

    def in_use(self, listener: Listener) -> int:
        """How many connections to the listener's upstream are taken."""
        pools = (self._pools.get((listener.name, False)), self._pools.get((listener.name, True)))
        return sum(pool.taken for pool in pools if pool is not None)

    async def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools.values():
            pool.close()

    def _pool(self, listener: Listener, upgrade: bool) -> Pool:
        pool = self._pools.get((listener.name, upgrade))
        if pool is None:
            address = Address.of(listener.upstream)
            reserve = 0 if upgrade else max(1, listener.connections // 4)
            pool = Pool(address, listener.connections, listener.connect_seconds, reserve=reserve)
            self._pools[listener.name, upgrade] = pool
        return pool


class _Exchange:
    """One request on one connection, and the response to it: see `gateway.ports.OriginResponse`."""

    def __init__(self, pool: Pool, connection: Connection, listener: Listener, *, reserved: bool) -> None:
        self._pool = pool
        self._reserved = reserved
        self._connection = connection
        self._listener = listener
        self._upload: asyncio.Task[None] | None = None
        self._whole = True
        self.done = False
        self.status = 0
        self.headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def ready(self) -> bool:
        """See `gateway.ports.OriginResponse`."""
        return self.done or self._connection.ready

    async def begin(self, head: OriginHead, body: bytes | AsyncIterator[bytes]) -> None:
        """Send, and wait for the response's head. Raises what `Connection` does, `TimeoutError`, and what ``body``
        does."""
        connection = self._connection
        bodiless = head.method == "HEAD"
        if isinstance(body, bytes):
            rendered = _render(head, len(body))
            data = (rendered, body) if len(body) > BUFFER else (rendered + body,)
            connection.start(*data, bodiless=bodiless, upgrade=head.upgrade)
        else:
            connection.start(_render(head, None), bodiless=bodiless)
            self._upload = asyncio.ensure_future(self._send(head, body))
            await self._head_or_sent(self._upload)
        if not connection.status:
            await connection.head(self._listener.answer_seconds)
        self.status = connection.status
        self.headers = end_to_end(connection.headers)

    async def piece(self) -> bytes:
        """See `gateway.ports.OriginResponse`."""
        if self.done:
            return b""
        connection = self._connection
        try:
            data = await connection.piece(self._listener.idle_seconds if self.status != 101 else None)
        except BaseException as error:
            _raise_as_fault(error)
            raise
        if connection.drained:
            self.close()
        return data

    async def read(self, limit: int) -> bytes:
        """See `gateway.ports.OriginResponse`."""
        body = bytearray()
        try:
            while piece := await self.piece():
                body += piece
                if len(body) > limit:
                    raise UpstreamUnknown(f"the upstream's answer is longer than {limit} bytes")
        finally:
            self.close()
        return bytes(body)

    async def write(self, data: bytes) -> None:
        """See `gateway.ports.OriginResponse`."""
        try:
            await self._connection.write(data)
        except ClosedEarly as error:
            raise UpstreamUnknown(f"the upstream closed: {error}") from error

    def close(self) -> None:
        """See `gateway.ports.OriginResponse`."""
        if self.done:
            return
        self.done = True
        if self._upload is not None:
            self._whole = self._whole and self._upload.done()
            self._upload.add_done_callback(_heard)
            self._upload.cancel()
        if self.status == 101:
            self._connection.end()
            self._pool.release(reserved=self._reserved)
            return
        if not (self._whole and self._connection.drained):
            self._connection.close()
        self._pool.give_back(self._connection)
        self._pool.release(reserved=self._reserved)

    async def _head_or_sent(self, upload: asyncio.Task[None]) -> None:
        """Wait until the response's head is there or the request has been sent, whatever comes first."""
        answered = asyncio.ensure_future(self._connection.head())
        try:
            await asyncio.wait((answered, upload), return_when=asyncio.FIRST_COMPLETED)
            if not self._connection.status:
                for task in (upload, answered):
                    if task.done():
                        task.result()
        finally:
            answered.add_done_callback(_heard)
            answered.cancel()

    async def _send(self, head: OriginHead, body: AsyncIterator[bytes]) -> None:
        """Send the body as it comes; when it breaks off, so does the connection."""
        connection, idle = self._connection, self._listener.idle_seconds
        chunked = not any(name.lower() == b"content-length" for name, _ in head.headers)
        try:
            if any(name.lower() == b"expect" for name, _ in head.headers):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_CONTINUE_SECONDS):
                        await connection.asked()
                if connection.status:
                    self._whole = False  # it does not want the body
                    return
            async for data in body:
                async with asyncio.timeout(idle):
                    await connection.write(b"%x\r\n%b\r\n" % (len(data), data) if chunked else data)
            if chunked:
                await connection.write(b"0\r\n\r\n")
        except BaseException:
            connection.close()
            raise


def _render(head: OriginHead, length: int | None) -> bytes:
    """The request's head on the wire; ``length`` is the body's, if it is known."""
    out = [head.method.encode("ascii"), b" ", head.target, b" HTTP/1.1\r\n"]
    framed = False
    for name, value in head.headers:
        if name.lower() == b"content-length":
            framed = True
            if length is not None and int(value) != length:
                raise UpstreamNotReached("the request's Content-Length is not that of its body")
        out += (name, b": ", value, b"\r\n")
    if head.upgrade:
        out.append(b"Connection: Upgrade\r\nUpgrade: websocket\r\n")
    if not framed:
        if length is None:
            out.append(b"Transfer-Encoding: chunked\r\n")
        elif length or head.method in ("POST", "PUT", "PATCH"):
            out.append(b"Content-Length: %d\r\n" % length)
    out.append(b"\r\n")
    return b"".join(out)


def _heard(task: asyncio.Task[None]) -> None:
    """What became of it is known by other ways."""
    if not task.cancelled():
        task.exception()


def _raise_as_fault(error: BaseException) -> None:
    """Raise the fault that a foreign exception stands for, if it stands for one."""
    match error:
        case ClosedEarly():
            raise UpstreamUnknown(f"the upstream closed before its answer was whole: {error}") from error
        case TimeoutError():
            raise UpstreamUnknown("the upstream did not answer in time") from error
        case httptools.HttpParserError():
            raise UpstreamUnknown(f"the upstream did not answer in HTTP/1.1: {error}") from error
