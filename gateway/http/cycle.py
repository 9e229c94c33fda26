"""One request and its response on a client's connection, as ASGI, with what a proxy needs beyond it.

Beyond ASGI: the head is written together with the first piece of the body; header names are written as given; a
response that its application leaves unfinished is cut off, so that the client sees it; after a response 101 the body
events carry the bytes of the other protocol, both ways.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Iterable, MutableMapping
from typing import Any, Final, cast

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HEADER_RE, HEADER_VALUE_RE, STATUS_LINE, RequestResponseCycle

DRAIN_SECONDS: Final = 60.0
"""How long a client may take none of what is sent to it."""

Event = MutableMapping[str, Any]


class Cycle(RequestResponseCycle):
    """See the module. ``switching``: the request asks for another protocol."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._head: bytes | None = None
        self._bodiless = False
        self._until_close = False
        self.switching = False
        self.tunnel = False
        self.task: asyncio.Task[None] | None = None
        self.cancel_when_gone = False
        """Whether the application is cancelled when the client goes away: its work is for nobody else."""

    async def run_asgi(self, app: Any) -> None:
        """Run the application to the end of the response."""
        try:
            await app(self.scope, self.receive, self.send)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.logger.error("Exception in ASGI application", exc_info=error)
            if not self.response_started:
                await self.send_500_response()
        finally:
            self.on_response = lambda: None
            self.task = None
            cast(dict[str, Any], self.scope).pop("cycle", None)  # or only a collection would free both
            if not self.response_complete and not self.disconnected:
                self._cut_off()

    def gone(self) -> None:
        """The client's connection is lost."""
        if not self.response_complete:
            self.disconnected = True
            if self.task is not None and self.cancel_when_gone:
                self.task.cancel()
        self.message_event.set()

    def fed(self, data: bytes) -> None:
        """More of the request's body, or of the other protocol."""
        if self.response_complete:
            return
        self.body += data
        if len(self.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        self.message_event.set()

    async def receive(self) -> Any:
        """The next event."""
        if self.waiting_for_100_continue and not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.waiting_for_100_continue = False
        if self.switching and not self.tunnel:
            return {"type": "http.request", "body": b"", "more_body": False}
        while not (self.disconnected or self.response_complete or (self.tunnel and self.body)):
            self.flow.resume_reading()
            await self.message_event.wait()
            self.message_event.clear()
            if not self.tunnel:
                break
        if self.response_complete or (self.disconnected and not (self.tunnel and self.body)):
            return {"type": "http.disconnect"}
        body, self.body = bytes(self.body), bytearray()
        return {"type": "http.request", "body": body, "more_body": self.more_body or self.tunnel}

    async def send(self, message: Any) -> None:
        """Take an event of the response."""
        if self.flow.write_paused and not self.disconnected:
            await self._drain()
        if self.disconnected:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.response_started:
            self.response_started = True
            self._start(message)
        elif kind == "http.response.body" and self.response_started and not self.response_complete:
            self._body(message.get("body", b""), message.get("more_body", False))
        else:
            raise RuntimeError(f"Unexpected ASGI message '{kind}'.")

    def _start(self, message: Event) -> None:
        status: int = message["status"]
        if self.switching or self.waiting_for_100_continue:
            # What the client sends next may be a body, or another protocol; nobody shall take it for a request.
            self.keep_alive = False
        content = [STATUS_LINE[status]]
        closing = self._add_fields(content, message.get("headers", ()))
        if status == 101:
            self.tunnel, self.more_body = True, True
            content.append(b"\r\n")
            self.transport.write(b"".join(content))
            return
        self.keep_alive = self.keep_alive and not closing
        self._bodiless = self.scope["method"] == "HEAD" or status in (204, 304)
        if self._bodiless:
            self.expected_content_length = 0
        elif self.chunked_encoding is None:
            if self.scope["http_version"] == "1.0":
                self.keep_alive, self._until_close = False, True
            else:
                self.chunked_encoding = True
                content.append(b"transfer-encoding: chunked\r\n")
        if not self.keep_alive and not closing:
            content.append(b"connection: close\r\n")
        content.append(b"\r\n")
        self._head = b"".join(content)

    def _add_fields(self, content: list[bytes], fields: Iterable[tuple[bytes, bytes]]) -> bool:
        """Add a response's header fields, and Date unless it is there; whether they say that the connection closes."""
        dated = closing = False
        for name, value in fields:
            if HEADER_RE.search(name) or HEADER_VALUE_RE.search(value):
                raise RuntimeError("Invalid HTTP header.")
            match name.lower():
                case b"content-length":
                    self.expected_content_length = int(value)
                    self.chunked_encoding = False
                case b"date":
                    dated = True
                case b"connection":
                    closing = closing or b"close" in value.lower()
            content += (name, b": ", value, b"\r\n")
        if not dated:
            for name, value in self.default_headers:
                content += (name, b": ", value, b"\r\n")
        return closing

    def _body(self, body: bytes, more: bool) -> None:
        head, self._head = self._head or b"", None
        if self.tunnel:
            self.transport.write(body)
        elif self._bodiless:
            self.transport.write(head)
        elif self.chunked_encoding:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            self.transport.write(head + chunk + (b"" if more else b"0\r\n\r\n"))
        else:
            if not self._until_close:
                self.expected_content_length -= len(body)
                if self.expected_content_length < 0:
                    raise RuntimeError("Response content longer than Content-Length")
            self.transport.write(head + body if head else body)
        if more:
            return
        if self.expected_content_length:
            raise RuntimeError("Response content shorter than Content-Length")
        self.response_complete = True
        self.message_event.set()
        if self.tunnel or (not self.keep_alive and not self.more_body):
            self._close()
        self.on_response()

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.flow.drain()
        except TimeoutError:
            self.transport.abort()
            self.disconnected = True

    def _cut_off(self) -> None:
        """End the connection where it is: what was sent is all that there is."""
        self.disconnected = True
        if self._head is not None and self.response_started:
            self.transport.write(self._head)
        if self._until_close:
            self._reset()
        elif self.flow.write_paused:
            self.transport.abort()  # the end in order would have to wait for a client who takes nothing
        else:
            self._close()

    def _close(self) -> None:
        """Close once the client has taken everything, or if it takes too long."""
        self.transport.close()
        if self.transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(DRAIN_SECONDS, self.transport.abort)

    def _reset(self) -> None:
        """End the connection by a reset, since an end in order would look like the end of the body."""
        with socket.socket(fileno=os.dup(self.transport.get_extra_info("socket").fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()
