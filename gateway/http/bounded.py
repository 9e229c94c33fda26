"""uvicorn's HTTP/1.1 protocol, with bounds on what a client may send before anything of the gateway sees it."""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024
"""A request's line and headers. What arrives in one piece with their end may be a little more."""
HEAD_SECONDS: Final = 10.0
"""From a request's first byte to the end of its headers."""


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose request head is too long or too slow: memory and time for it cost no key."""

    _in_head = False
    _head = 0
    _timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse, and count while a head is not whole."""
        super().data_received(data)
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES:
                self._refuse()
            elif self._timer is None:  # most heads come in one piece, and need none
                self._timer = self.loop.call_later(HEAD_SECONDS, self._refuse)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True
        self._head = 0

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._stop_timer()
        super().connection_lost(exc)

    def _refuse(self) -> None:
        self._stop_timer()
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
