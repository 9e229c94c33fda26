"""Forwards allowed requests to the chat apps' upstreams: one bounded pool for each, so a slow one slows only itself."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

import httptools

from gateway import tracing
from gateway.adapters.http1 import ClosedEarly, Connection
from gateway.core.records import Request, Tenant, UpstreamAnswer
from gateway.ports import UpstreamNotReached, UpstreamUnknown


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Bounds on one upstream. Times in seconds, ``body`` in bytes.

    ``idle`` is kept below the usual keep-alive time of servers (5 s), so that a connection is seldom used just as
    the peer closes it.
    """

    connections: int = 128
    connect: float = 2.0
    total: float = 10.0
    idle: float = 3.0
    body: int = 65_536


@dataclass(slots=True)
class _Pool:
    free: asyncio.Semaphore
    idle: deque[Connection] = field(default_factory=deque)


class HttpUpstream:
    """See `gateway.ports.Upstream`. A request goes out with the headers ``Idempotency-Key`` (the message id),
    ``Content-Type`` as the client gave it, ``traceparent``, and the tenant's bearer token."""

    def __init__(self, limits: UpstreamLimits) -> None:
        self._limits = limits
        self._pools: dict[tuple[str, str], _Pool] = {}
        self._tls = ssl.create_default_context()
        self._failing: dict[str, str] = {}

    @property
    def failing(self) -> dict[str, str]:
        """The tenants whose newest forward failed on the upstream's side, and how."""
        return dict(self._failing)

    async def forward(self, tenant: Tenant, message_id: str, request: Request) -> UpstreamAnswer:
        """See `gateway.ports.Upstream`. An idempotent upstream that closed without an answer is asked once more."""
        try:
            answer = await self._forward(tenant, message_id, request)
        except (UpstreamNotReached, UpstreamUnknown) as fault:
            self._failing[tenant.tenant_id] = str(fault)
            raise
        if answer.status >= 500:
            self._failing[tenant.tenant_id] = f"the upstream answered {answer.status}"
        else:
            self._failing.pop(tenant.tenant_id, None)
        return answer

    async def _forward(self, tenant: Tenant, message_id: str, request: Request) -> UpstreamAnswer:
        url, port, data = _prepare(tenant, message_id, request)
        host = url.hostname or ""
        pool = self._pools.get((url.scheme, url.netloc))
        if pool is None:
            pool = self._pools[url.scheme, url.netloc] = _Pool(asyncio.Semaphore(self._limits.connections))
        tls = self._tls if url.scheme == "https" else None
        sent = False
        try:
            async with asyncio.timeout(self._limits.total), pool.free:
                connection = await self._connection(pool, host, port, tls)
                sent = True
                try:
                    return await self._exchange(pool, connection, data)
                except ClosedEarly:
                    if not tenant.upstream_idempotent:
                        raise
                connection = await self._connection(pool, host, port, tls)
                return await self._exchange(pool, connection, data)
        except ClosedEarly as error:
            raise UpstreamUnknown(f"the upstream closed without an answer: {error}") from error
        except UpstreamNotReached as error:
            if sent:
                raise UpstreamUnknown("the upstream closed without an answer and cannot be reached again") from error
            raise
        except TimeoutError as error:
            if sent:
                raise UpstreamUnknown(f"the upstream did not answer within {self._limits.total} s") from error
            raise UpstreamNotReached("no connection to the upstream became free in time") from error
        except httptools.HttpParserError as error:
            raise UpstreamUnknown(f"the upstream did not answer in HTTP/1.1: {error}") from error

    async def close(self) -> None:
        """Close the idle connections."""
        for pool in self._pools.values():
            while pool.idle:
                pool.idle.pop().close()

    async def _exchange(self, pool: _Pool, connection: Connection, data: bytes) -> UpstreamAnswer:
        try:
            answer = await connection.exchange(data)
        except BaseException:
            connection.close()
            raise
        if connection.usable:
            pool.idle.append(connection)
        return answer

    async def _connection(self, pool: _Pool, host: str, port: int, tls: ssl.SSLContext | None) -> Connection:
        loop = asyncio.get_running_loop()
        while pool.idle:
            connection = pool.idle.pop()
            if connection.usable and loop.time() - connection.idle_since < self._limits.idle:
                return connection
            connection.close()
        try:
            async with asyncio.timeout(self._limits.connect):
                _, connection = await loop.create_connection(lambda: Connection(self._limits.body), host, port, ssl=tls)
                return connection
        except TimeoutError as error:
            raise UpstreamNotReached(f"no connection within {self._limits.connect} s") from error
        except (OSError, UnicodeError) as error:  # the latter for a host name that cannot be one
            raise UpstreamNotReached(f"no connection: {error}") from error


def _prepare(tenant: Tenant, message_id: str, request: Request) -> tuple[SplitResult, int, bytes]:
    """Address, port, and the bytes to send there. Raises `UpstreamNotReached` when there is no such address."""
    try:
        url = urlsplit(tenant.upstream_url)
        return url, url.port or (443 if url.scheme == "https" else 80), _render(tenant, message_id, request)
    except ValueError as error:
        raise UpstreamNotReached("the tenant's upstream_url is not a valid address") from error


def _render(tenant: Tenant, message_id: str, request: Request) -> bytes:
    url = urlsplit(tenant.upstream_url)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    lines = [
        f"POST {target} HTTP/1.1",
        f"Host: {url.netloc}",
        f"Content-Type: {request.content_type}",
        f"Content-Length: {len(request.body)}",
        f"Idempotency-Key: {message_id}",
    ]
    if tenant.upstream_token_env:
        token = os.environ.get(tenant.upstream_token_env)
        if not token or not token.isascii() or not token.isprintable():
            raise UpstreamNotReached(f"the environment variable {tenant.upstream_token_env} holds no token")
        lines.append(f"Authorization: Bearer {token}")
    if traceparent := tracing.traceparent():
        lines.append(f"traceparent: {traceparent}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + request.body
