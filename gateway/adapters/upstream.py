"""Forwards allowed requests to the chat apps' upstreams: one bounded pool for each, so a slow one slows only itself."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httptools

from gateway import tracing
from gateway.adapters.http1 import ClosedEarly, Connection
from gateway.adapters.pool import IDLE_SECONDS, Address, Pool
from gateway.core.records import Request, Tenant, UpstreamAnswer
from gateway.ports import UpstreamNotReached, UpstreamUnknown


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Bounds on one upstream. Times in seconds, ``body`` in bytes."""

    connections: int = 128
    connect: float = 2.0
    total: float = 10.0
    idle: float = IDLE_SECONDS
    body: int = 65_536


class HttpUpstream:
    """See `gateway.ports.Upstream`. A request goes out with the headers ``Idempotency-Key`` (the message id),
    ``Content-Type`` as the client gave it, ``traceparent``, and the tenant's bearer token."""

    def __init__(self, limits: UpstreamLimits) -> None:
        self._limits = limits
        self._pools: dict[tuple[str, str], Pool] = {}

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """See `gateway.ports.Upstream`. An idempotent upstream that closed without an answer is asked once more."""
        url, data = _prepare(tenant, message_id, request, content_hash)
        pool = self._pools.get((url.scheme, url.netloc))
        if pool is None:
            pool = self._pools[url.scheme, url.netloc] = Pool(
                Address.of(tenant.upstream_url), self._limits.connections, self._limits.connect, self._limits.idle
            )
        sent = False
        try:
            async with asyncio.timeout(self._limits.total), pool.free:
                connection = await pool.connection()
                sent = True
                try:
                    return await self._exchange(pool, connection, data)
                except ClosedEarly:
                    if not tenant.upstream_idempotent:
                        raise
                connection = await pool.connection()
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
            pool.close()

    async def _exchange(self, pool: Pool, connection: Connection, data: bytes) -> UpstreamAnswer:
        try:
            answer = await connection.exchange(data, self._limits.body)
        except BaseException:
            connection.close()
            raise
        pool.give_back(connection)
        return answer


def _prepare(tenant: Tenant, message_id: str, request: Request, content_hash: str) -> tuple[SplitResult, bytes]:
    """Address, and the bytes to send there. Raises `UpstreamNotReached` when there is no such address, or when these
    are not the bytes that were judged."""
    if hashlib.sha256(request.body).hexdigest() != content_hash:
        raise UpstreamNotReached("the stored request is not the one that was judged")
    try:
        url = urlsplit(tenant.upstream_url)
        _ = url.port
        return url, _render(tenant, message_id, request)
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
