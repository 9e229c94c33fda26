"""Reading a publish request off the wire: headers that must be plain, and a body of bounded size."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from gateway.core.records import Tenant
from gateway.http.budget import RATE, Budget, Patience
from gateway.http.problems import RETRY_SOON, Problem
from gateway.ports import Registry, StoreUnavailable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_SINGLE = frozenset(
    (
        *b"authorization content-type content-length content-encoding host".split(),
        *b"idempotency-key traceparent transfer-encoding".split(),
    )
)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


APPLICATION_KEY: Final = "application key"


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers that a publish request is read by."""

    key_hash: str
    idempotency_key: str | None
    traceparent: str | None
    content_length: int | None


class Disconnected(Exception):
    """The client went away before its request was whole; nothing was decided."""


def read_headers(scope: Scope, asked: str = APPLICATION_KEY, *, needed: bool = True) -> Headers:
    """Check and pick the headers. Raises `Problem`: a header given twice could be read differently behind us. ``asked``
    is what is asked of a client that sends none; where a key is not ``needed``, its hash is then that of no key."""
    found: dict[bytes, str] = {}
    for name, value in scope["headers"]:
        if name in _SINGLE:
            if name in found:
                raise Problem(400, "header_repeated", f"{name.decode()}: give this header once.")
            found[name] = value.decode("latin-1").strip()
    scheme, _, app_key = found.get(b"authorization", "").partition(" ")
    if (needed or b"authorization" in found) and (scheme.lower() != "bearer" or not app_key):
        raise unauthorised(asked)
    media_type, _, parameters = found.get(b"content-type", "application/json").partition(";")
    if media_type.strip().lower() != "application/json":
        raise Problem(415, "content_type", "Content-Type: send application/json.")
    if parameters and parameters.strip().lower().replace('"', "") != "charset=utf-8":
        raise Problem(415, "content_type", "Content-Type: the only charset is utf-8.")
    if found.get(b"content-encoding", "identity").lower() != "identity":
        raise Problem(415, "content_encoding", "Content-Encoding: send the body as it is.")
    if found.get(b"transfer-encoding", "chunked").lower() != "chunked":
        raise Problem(501, "transfer_encoding", "Transfer-Encoding: only chunked is spoken.")
    key = found.get(b"idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(400, "idempotency_key", "Idempotency-Key: give 1 to 255 visible ASCII characters.")
    traceparent = found.get(b"traceparent")
    length = found.get(b"content-length")
    return Headers(
        hash_key(app_key),
        key,
        traceparent if traceparent and _TRACEPARENT.fullmatch(traceparent) else None,
        int(length) if length is not None else None,
    )


def target_of(scope: Scope) -> bytes:
    """Path and query as on the wire."""
    target: bytes | None = scope.get("target")
    if target is not None:
        return target
    query: bytes = scope["query_string"]
    path: bytes = scope["raw_path"]
    return path + b"?" + query if query else path


def hash_key(app_key: str) -> str:
    """The form in which an application key is stored and looked up: SHA-256 in hexadecimal. Keys are long and random,
    so no slow hash is needed."""
    return hashlib.sha256(app_key.strip().encode()).hexdigest()


def unauthorised(key: str = APPLICATION_KEY) -> Problem:
    """The problem of a request without a known ``key``."""
    detail = f"Authorization: send 'Bearer' and a known {key}."
    return Problem(401, "unauthorised", detail, headers=(("WWW-Authenticate", "Bearer"),))


async def authenticate(registry: Registry, key_hash: str) -> Tenant:
    """The tenant that calls. Raises `Problem`."""
    try:
        tenant = await registry.tenant_by_key(key_hash)
    except StoreUnavailable as fault:
        detail = "The registry cannot be read, so nothing was forwarded; try again."
        raise Problem(503, "store_unavailable", detail, headers=RETRY_SOON) from fault
    if tenant is None:
        raise unauthorised()
    return tenant


async def read_body(receive: Receive, content_length: int | None, limit: int, seconds: float, budget: Budget) -> bytes:
    """The whole body; who gets it gives its bytes back to ``budget``.

    Raises `Problem` beyond ``limit`` bytes, the budget or what `Patience` allows, `Disconnected` when the client went
    away; then the budget is as it was.
    """
    if content_length is not None:
        if content_length > limit:
            raise too_large(limit)
        budget.check(content_length)
    patience = Patience(asyncio.get_running_loop().time(), seconds)
    try:
        async with asyncio.timeout_at(patience.until) as timer:
            return await _read(receive, limit, budget, patience, timer)
    except TimeoutError as error:
        detail = f"body: it came too slowly; send it within {seconds} s, and at {RATE} bytes a second at least."
        raise Problem(408, "body_too_slow", detail) from error


@asynccontextmanager
async def whole_body(
    receive: Receive, content_length: int | None, limit: int, seconds: float, budget: Budget
) -> AsyncIterator[bytes]:
    """As `read_body`; the bytes are given back to ``budget`` when the block ends."""
    body = await read_body(receive, content_length, limit, seconds, budget)
    try:
        yield body
    finally:
        budget.give(len(body))


async def _read(receive: Receive, limit: int, budget: Budget, patience: Patience, timer: asyncio.Timeout) -> bytes:
    event = await receive()
    if event["type"] == "http.request" and not event.get("more_body"):
        body: bytes = event.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        budget.take(len(body))
        return body
    whole = bytearray()  # and no list of pieces: many small ones would take many times their size
    try:
        while event["type"] == "http.request":
            piece = event.get("body", b"")
            if len(whole) + len(piece) > limit:
                raise too_large(limit)
            budget.take(len(piece))
            whole += piece
            if not event.get("more_body"):
                return bytes(whole)
            timer.reschedule(patience.fed(len(piece), asyncio.get_running_loop().time()))
            event = await receive()
        raise Disconnected
    except BaseException:
        budget.give(len(whole))
        raise


def too_large(limit: int) -> Problem:
    """The problem of a body beyond the limit."""
    return Problem(413, "body_too_large", f"body: larger than {limit} bytes; send media by url.")
