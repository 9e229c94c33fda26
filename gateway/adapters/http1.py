"""One HTTP/1.1 client connection: bytes out as given, one response in, parsed by httptools.

General clients rewrite what they send (header case and order, transfer coding, the path) and cost several times what
the rest of a publish request does. A proxy needs neither, so this speaks HTTP/1.1 to the letter of what it is given.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from gateway.core.records import UpstreamAnswer


class ClosedEarly(ConnectionError):
    """The peer closed before the response was whole."""


class Connection(asyncio.Protocol):
    """A connection that carries one request at a time. ``body_limit`` bounds what is kept of a response, in bytes;
    a longer one is cut and the connection is not used again."""

    def __init__(self, body_limit: int) -> None:
        self._body_limit = body_limit
        self._transport: asyncio.Transport | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._response: asyncio.Future[UpstreamAnswer] | None = None
        self._content_type = ""
        self._framed = False
        self._until_close = False
        self._body: list[bytes] = []
        self._size = 0
        self.usable = False
        """Whether another request may be sent."""
        self.idle_since = 0.0
        """Loop time at which the last response ended."""

    async def exchange(self, data: bytes) -> UpstreamAnswer:
        """Send a whole request and return its response.

        Raises `ClosedEarly` when the peer closed first, `httptools.HttpParserError` when it did not answer in HTTP.
        """
        if self._transport is None or self._response is not None:
            raise ClosedEarly("the connection is not open, or busy")
        self._parser = httptools.HttpResponseParser(self)
        self._body, self._size, self._until_close = [], 0, False
        self._response = asyncio.get_running_loop().create_future()
        self.usable = False
        self._transport.write(data)
        try:
            return await self._response
        finally:
            self._response = None

    def close(self) -> None:
        """Close at once; an exchange under way ends with `ClosedEarly`."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transports are no subclasses of it
        self.usable = True

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._response is None or self._response.done():
            self.close()  # a response nobody asked for: whose it is cannot be known
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(error)
        except httptools.HttpParserUpgrade:
            self._fail(httptools.HttpParserError("it changes to another protocol"))

    def connection_lost(self, exc: Exception | None) -> None:
        self.usable = False
        if exc is None and self._until_close:
            self._finish(usable=False)
        self._fail(ClosedEarly(str(exc or "closed by the peer")))

    # -- httptools callbacks

    def on_message_begin(self) -> None:
        self._content_type, self._framed = "", False
        if self._response is None or self._response.done():
            self.close()  # more than was asked for

    def on_header(self, name: bytes, value: bytes) -> None:
        match name.lower():
            case b"content-type":
                self._content_type = value.decode("latin-1")
            case b"content-length" | b"transfer-encoding":
                self._framed = True

    def on_headers_complete(self) -> None:
        # A response of no stated length ends with its connection (RFC 9112 section 6.3).
        self._until_close = not self._framed and self._parser is not None and self._parser.get_status_code() >= 200

    def on_body(self, body: bytes) -> None:
        room = self._body_limit - self._size
        self._body.append(body[:room])
        self._size += len(body)
        if self._size > self._body_limit:
            self._finish(usable=False)

    def on_message_complete(self) -> None:
        if self._parser is None or 100 <= self._parser.get_status_code() < 200:
            return  # after an interim response the real one follows
        self._finish(usable=self._parser.should_keep_alive())

    def _finish(self, usable: bool) -> None:
        if self._response is None or self._response.done() or self._parser is None:
            return
        body = b"".join(self._body)
        self.idle_since = asyncio.get_running_loop().time()
        self._response.set_result(UpstreamAnswer(self._parser.get_status_code(), body, self._content_type))
        self.usable = usable
        if not usable:
            self.close()

    def _fail(self, error: Exception) -> None:
        if self._response is not None and not self._response.done():
            self._response.set_exception(error)
        self.close()
