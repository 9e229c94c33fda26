"""One HTTP/1.1 client connection: bytes out as given, one response in as it comes, parsed by httptools.

General clients rewrite what they send (header case and order, transfer coding, the path) and cost several times what
the rest of a publish request does. A proxy needs neither, so this speaks HTTP/1.1 to the letter of what it is given.
Nothing is buffered beyond a bound: reading stops while nobody takes the body, writing waits for the peer.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools

from gateway.core.records import UpstreamAnswer

BUFFER: Final = 65_536
"""Bytes of a body kept for the reader before the peer is made to wait; one read more may come on top."""
HEAD_LIMIT: Final = 65_536
"""Bytes of a response's head, and of its trailers: of what the parser keeps for itself until it is whole."""
END_SECONDS: Final = 5.0
"""How long the peer may take to read what was sent before an end in order."""


class ClosedEarly(ConnectionError):
    """The peer closed before the response was whole."""


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time: `start`, perhaps `write`, then `head`, then `piece` until it
    returns nothing. All of them raise `ClosedEarly` when the peer closed first, and `httptools.HttpParserError`, on
    reading, when it did not answer in HTTP."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._bodiless = self._upgrading = self._until_close = self._paused = False
        self._keeps = self._asked = False
        self._asking: asyncio.Future[None] | None = None
        self._pieces: list[bytes] = []
        self._buffered = self._head_size = self._unfinished = 0
        self._error: Exception | None = None
        self.status = 0
        """Of the response; 0 while its head is not whole."""
        self.headers: list[tuple[bytes, bytes]] = []
        """Of the response, names as they came."""
        self.complete = True
        """Whether the response has arrived to its end. Pieces of it may still have to be taken."""
        self.usable = False
        """Whether another request may be sent."""
        self.used = False
        """Whether it has carried a request before, so that the peer may be closing it as we write."""
        self.idle_since = 0.0
        """Loop time at which the last response ended."""

    @property
    def ready(self) -> bool:
        """Whether `piece` returns at once."""
        return bool(self._pieces) or self.complete

    @property
    def drained(self) -> bool:
        """Whether the response is complete and was taken to its end."""
        return self.complete and not self._pieces

    def start(self, *data: bytes, bodiless: bool = False, upgrade: bool = False) -> None:
        """Send a request, or its head. ``bodiless``: the response has no body whatever its head says (HEAD).
        ``upgrade``: the request asks for another protocol."""
        if self._transport is None or not self.usable:
            raise ClosedEarly("the connection is not open, or busy")
        self._parser = httptools.HttpResponseParser(self)
        self._bodiless, self._upgrading, self._until_close = bodiless, upgrade, False
        self.status, self.complete, self.usable = 0, False, False
        self._asked, self._unfinished = False, 0
        if len(data) == 1:
            self._transport.write(data[0])
        else:
            self._transport.writelines(data)

    async def write(self, data: bytes) -> None:
        """Send more of a request, or of the other protocol, once the peer has taken enough of what was sent before."""
        if self._transport is None or self._transport.is_closing():
            raise ClosedEarly("closed by the peer")
        self._transport.write(data)
        if self._writable is not None:
            await self._writable
            if self._error is not None:
                raise ClosedEarly(str(self._error))

    async def asked(self) -> None:
        """Wait until the peer asks for the body (100 Continue), answers without it, or is gone."""
        if not self._asked:
            self._asking = self._loop.create_future()
            await self._asking

    async def head(self, seconds: float | None = None) -> None:
        """Wait until `status` and `headers` are those of the response, for so long; then `TimeoutError` ends the
        connection, and is raised."""
        while not self.status:
            await self._wait(seconds)

    async def piece(self, seconds: float | None = None) -> bytes:
        """What has arrived of the body; nothing at its end. ``seconds``: see `head`."""
        while not self._pieces:
            if self.complete:
                return b""
            await self._wait(seconds)
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces, self._buffered = [], 0
        if self._paused and self._transport is not None:
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()
        return data

    async def exchange(self, data: bytes, body_limit: int) -> UpstreamAnswer:
        """Send a whole request and return its response. A body of more than ``body_limit`` bytes is cut, and the
        connection is not used again."""
        self.start(data)
        await self.head()
        body = await self.piece()
        while len(body) <= body_limit and (more := await self.piece()):
            body += more
        if len(body) > body_limit:
            self.close()
        content_type = next(
            (v.decode("latin-1") for n, v in reversed(self.headers) if n.lower() == b"content-type"), ""
        )
        return UpstreamAnswer(self.status, body[:body_limit], content_type)

    def close(self) -> None:
        """Close at once; whoever waits for something gets `ClosedEarly`."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def end(self) -> None:
        """Close once everything that was written has been sent."""
        self.usable = False
        if self._transport is not None:
            self._transport.close()
            self._loop.call_later(END_SECONDS, self._transport.abort)

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it
        self.usable = True

    def data_received(self, data: bytes) -> None:
        if self.complete or self._parser is None:
            if self.status != 101:
                self.close()  # a response nobody asked for: whose it is cannot be known
                return
            self.on_body(data)
            return
        self._unfinished += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._switch(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._fail(error)
        if self._unfinished > HEAD_LIMIT and not self.complete and self.status != 101:
            self._fail(httptools.HttpParserError("the head, or the trailers, are too long"))

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if exc is None and self._until_close:
            self._finish()
        self._fail(ClosedEarly(str(exc or "closed by the peer")))
        self.resume_writing()

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("more than was asked for")
        self.headers, self._head_size = [], 0

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status:
            return  # a trailer
        self._head_size += len(name) + len(value)
        if self._head_size > HEAD_LIMIT:
            raise ValueError("the head is too long")
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        assert self._parser is not None  # noqa: S101
        status = self._parser.get_status_code()
        if status < 200:
            if status == 101 and not self._parser.should_upgrade():
                raise ValueError("it changes to another protocol without a name")
            self._ask()
            return
        framed = False
        self._keeps = self._parser.get_http_version() == "1.1"
        for name, value in self.headers:
            match name.lower():
                case b"content-length":
                    framed = True
                case b"transfer-encoding":
                    framed = True
                    if value.strip().lower() != b"chunked":
                        raise ValueError("an unknown transfer coding")
                case b"connection":
                    self._keeps = self._keeps and b"close" not in value.lower()
        self.status, self._unfinished = status, 0
        self._ask()
        if self._bodiless or status in (204, 304):
            self._finish()
        else:
            # A response of no stated length ends with its connection (RFC 9112 section 6.3).
            self._until_close = not framed
            self._wake()

    def on_body(self, body: bytes) -> None:
        if self.complete and self.status != 101:
            self.close()  # a body where there can be none
            return
        self._unfinished = 0
        self._pieces.append(body)
        self._buffered += len(body)
        if self._buffered > BUFFER and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if self.status:  # after an interim response the real one follows
            self._finish()

    # -- the rest

    def _switch(self, data: bytes) -> None:
        """The peer speaks the other protocol from here on, until it closes."""
        if not self._upgrading:
            self._fail(httptools.HttpParserError("it changes to another protocol"))
            return
        self._parser, self._keeps, self._until_close, self.status = None, False, True, 101
        if data:
            self.on_body(data)
        self._wake()

    def _finish(self) -> None:
        if self.complete:
            return
        self.complete = True
        self.idle_since = self._loop.time()
        self.usable = self._keeps and not self._until_close
        if not self.usable:
            self.close()
        self._wake()

    def _fail(self, error: Exception) -> None:
        if self._error is None:
            self._error = error
        self._ask()
        self._wake()
        self.close()

    async def _wait(self, seconds: float | None) -> None:
        if self._error is not None:
            raise self._error
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(seconds, self._fail, TimeoutError()) if seconds is not None else None
        try:
            await waiter
        finally:
            if timer is not None:
                timer.cancel()
            if self._waiter is waiter:  # one that was cancelled must not take the place of the next
                self._waiter = None

    def _ask(self) -> None:
        self._asked = True
        if self._asking is not None and not self._asking.done():
            self._asking.set_result(None)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
