"""A request on a listener: judged if it publishes something, refused if that cannot be told, else streamed through."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Final, Protocol

from gateway import metrics
from gateway.http import forwarding, tunnel
from gateway.http.management import too_long
from gateway.http.requests import Disconnected, Receive, Scope, Send, target_of
from gateway.platforms import mapping
from gateway.platforms.listeners import Listener
from gateway.platforms.mapping import Ambiguous, AnswerKind, Match, NativeAnswer
from gateway.ports import Fault, Origin, OriginHead, OriginResponse

log = logging.getLogger(__name__)

UPLOAD_SECONDS: Final = 10.0
"""How long a client may be waited for, in all, before `UPLOAD_RATE` counts."""
UPLOAD_RATE: Final = 1024
"""Bytes per second at which a request's body must come: while it does, it has one of the upstream's connections."""


class Passing(Protocol):
    """What says that a request is not for the gateway to judge; ``body`` if it was read already."""

    @property
    def body(self) -> bytes | None: ...


Moderate = Callable[[Listener, Match, Scope, Receive], Awaitable["NativeAnswer | Passing"]]
Note = Callable[[Listener, Scope], None]


class _Slow(Exception):
    """The client did not send, or take, anything in time."""


class Proxy:
    """Answers the requests of all listeners. ``moderate`` judges those that a route map knows; ``note`` is called for
    those that passed unjudged, if the platform did what they ask.

    Streams are bounded in memory both ways. A body that the upstream does not finish is cut off for the client too.
    """

    def __init__(self, origin: Origin, moderate: Moderate, note: Note) -> None:
        self._origin = origin
        self._moderate = moderate
        self._note = note

    async def __call__(self, listener: Listener, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, ASGI's way."""
        started = perf_counter()
        kind = "passed"
        try:
            try:
                kind = await self._answer(listener, scope, receive, send)
            except (Ambiguous, forwarding.Refused) as error:
                kind = "refused"
                await _refuse(listener, error, send)
            except Fault as fault:
                log.info("an upstream did not answer", {"listener": listener.name, "fault": str(fault)})
                message = "The platform cannot be reached; try again."
                await _native(listener, AnswerKind.UNAVAILABLE, message, "upstream", send)
        except (Disconnected, _Slow):
            pass
        finally:
            metrics.child(metrics.PROXIED, listener.name, kind).inc()
            metrics.child(metrics.PROXIED_SECONDS, listener.name, kind).observe(perf_counter() - started)

    async def _answer(self, listener: Listener, scope: Scope, receive: Receive, send: Send) -> str:
        """Answer, and return what kind of request it was."""
        headers = scope["headers"]
        if (why := too_long(scope)) is not None:
            raise forwarding.Refused(why)
        forwarding.check(headers)
        path = listener.inner_path(scope["raw_path"])
        match = mapping.recognise(
            listener.map, scope["method"], path, scope["query_string"], headers, scope["raw_path"]
        )
        body: bytes | AsyncIterator[bytes] | None = None
        if not match.passes:
            if any(name == b"upgrade" for name, _ in headers):
                raise Ambiguous("Upgrade: nothing is published by another protocol.")
            answer = await self._moderate(listener, match, scope, receive)
            if isinstance(answer, NativeAnswer):
                await _send(send, answer)
                return "moderated"
            body = answer.body
        if body is None:
            body = await _body(listener, scope, receive)
        upgrade = tunnel.wanted(listener, scope)
        head = OriginHead(
            scope["method"],
            target_of(scope),
            forwarding.forwarded_headers(listener, scope),
            upgrade,
        )
        cycle = scope.get("cycle")
        if cycle is not None:
            cycle.cancel_when_gone = True  # nobody else wants the answer
        response = await self._origin.send(listener, head, body)
        if match.passes and response.status < 400:
            self._note(listener, scope)
        try:
            if response.status == 101:
                if cycle is not None:
                    cycle.cancel_when_gone = False  # what the client sent before it went is still sent on
                await tunnel.run(listener, response, receive, send)
                return "tunnel"
            await _stream(listener, response, send)
        finally:
            response.close()
        return "passed"


async def _stream(listener: Listener, response: OriginResponse, send: Send) -> None:
    """Send a response on, piece by piece. What goes wrong from here on can only be shown by cutting it off."""
    await send({"type": "http.response.start", "status": response.status, "headers": response.headers})
    size = 0
    try:
        if not response.done and not response.ready:
            await send({"type": "http.response.body", "more_body": True})  # the head need not wait
        while True:
            piece = b"" if response.done else await response.piece()
            size += len(piece)
            event = {"type": "http.response.body", "body": piece, "more_body": not response.done}
            if size == len(piece):
                await send(event)
            else:
                async with asyncio.timeout(listener.idle_seconds):
                    await send(event)
            if response.done:
                return
    except Fault as fault:
        log.info("an answer was cut off", {"listener": listener.name, "fault": str(fault)})
        raise _Slow from fault
    except TimeoutError as error:
        log.info("a client was too slow", {"listener": listener.name})
        raise _Slow from error
    finally:
        metrics.child(metrics.PROXIED_BYTES, listener.name, "down").inc(size)


async def _body(listener: Listener, scope: Scope, receive: Receive) -> bytes | AsyncIterator[bytes]:
    """A request's body: as a whole if it is there at once, else piece by piece."""
    expects = has_body = False
    for name, value in scope["headers"]:
        if name == b"expect":
            expects = True
        elif name == b"transfer-encoding" or (name == b"content-length" and value.strip(b" 0")):
            has_body = True
    if not has_body:
        return b""
    upload = _Upload(listener, receive)
    if expects:  # to ask for the first piece would tell the client to send it
        return upload.rest(b"")
    data, more = await upload.piece()
    return upload.rest(data) if more else data


class _Upload:
    """A request's body as it comes. The client has a stock of time to be waited for, which its bytes fill up again; the
    time that the upstream takes does not count."""

    def __init__(self, listener: Listener, receive: Receive) -> None:
        self._listener = listener
        self._receive = receive
        self._left = UPLOAD_SECONDS

    async def rest(self, first: bytes) -> AsyncIterator[bytes]:
        """``first``, and all further pieces."""
        if first:
            yield first
        more = True
        while more:
            data, more = await self.piece()
            if data:
                yield data

    async def piece(self) -> tuple[bytes, bool]:
        """A piece, and whether there is more. Raises `_Slow`, `Disconnected`."""
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            async with asyncio.timeout(min(self._listener.idle_seconds, self._left)):
                event = await self._receive()
        except TimeoutError as error:
            log.info("a client was too slow", {"listener": self._listener.name})
            raise _Slow from error
        if event["type"] != "http.request":
            raise Disconnected
        data: bytes = event.get("body", b"")
        self._left = min(UPLOAD_SECONDS, self._left - (clock() - began) + len(data) / UPLOAD_RATE)
        metrics.child(metrics.PROXIED_BYTES, self._listener.name, "up").inc(len(data))
        return data, event.get("more_body", False)


async def _native(listener: Listener, kind: AnswerKind, message: str, code: str, send: Send) -> None:
    values = {"message": message, "code": code, "retry_after": "1"}
    await _send(send, mapping.answer(listener.map, kind, values))


async def _refuse(listener: Listener, error: Exception, send: Send) -> None:
    """Answer that a request was refused, and close: others may see the next one elsewhere in what the client sends."""
    values = {"message": str(error), "code": "malformed"}
    answer = mapping.answer(listener.map, AnswerKind.MALFORMED, values)
    await _send(send, NativeAnswer(answer.status, (*answer.headers, (b"connection", b"close")), answer.body))


async def _send(send: Send, answer: NativeAnswer) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
