"""uvicorn's HTTP/1.1 protocol, strict and bounded in what it takes before anything of the gateway sees it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, cast
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from gateway.http import strict
from gateway.http.crowd import Crowd
from gateway.http.cycle import DRAIN_SECONDS, Cycle
from gateway.http.rate import client_of

HEAD_BYTES: Final = 64 * 1024
"""A request's line and headers, or its trailers. What arrives in one piece with their start or end may be more."""
HEAD_SECONDS: Final = 10.0
"""From a connection's begin, or a later request's first byte, to the end of the request's headers."""
LINGER_SECONDS: Final = 5.0
"""How long the rest of a request is read and thrown away after its answer, so that the client gets to see that."""
PIPELINE: Final = 64
"""Requests that a client may send before the answer to the first."""
MAX_CONNECTIONS: Final = 4096
"""Clients' connections of a process, unless uvicorn's ``limit_concurrency`` says another number; beyond it the oldest
that is idle is closed, and the new one where none is."""
PER_ADDRESS: Final = 1024
"""Of these, from one address."""

_Field = tuple[bytes, bytes]
_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding"})
_OFFER: Final = frozenset({b"upgrade", b"http2-settings"})
"""Headers by which a client offers another protocol. Any but WebSocket is never taken up, and dropped."""
_crowds: WeakKeyDictionary[ServerState, Crowd] = WeakKeyDictionary()


class BoundedHttp(HttpToolsProtocol):
    """Closes a connection whose request head is too long or too slow, one that says nothing, and one too many, and
    refuses a request that others might read differently: memory and time for it cost no key.

    Beyond ASGI the scope has ``target``, the request target as on the wire, ``raw_headers``, with names as they came,
    and ``cycle``, the `Cycle`.
    """

    _unfinished = 0
    _timer: asyncio.TimerHandle | None = None
    _linger: asyncio.TimerHandle | None = None
    _deaf = False
    _running: Cycle | None = None
    _declined = False
    """Whether the request's head offers another protocol, which is not taken up, and the parser is about to stop."""
    _resuming = False
    """Whether the parser reads a head that is only there for it to go on."""
    _framing = b""
    """The header that says how long the body of a request is whose offer is not taken up."""
    per_address = PER_ADDRESS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=False)
        self._fields: list[tuple[bytes, bytes]] | None = None
        crowd = _crowds.get(self.server_state)
        if crowd is None:
            crowd = _crowds[self.server_state] = Crowd(self.limit_concurrency or MAX_CONNECTIONS, self.per_address)
        self._crowd = crowd

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client has connected, and should say what it wants."""
        peer = transport.get_extra_info("peername")
        address = client_of({"client": peer, "headers": ()}, ()) if isinstance(peer, tuple) else ""
        if not self._crowd.join(self, address):
            self._deaf, self.transport = True, transport
            transport.abort()
            return
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Parse, and count what the parser keeps for itself until it is whole."""
        if self._deaf:
            return
        if self._running is not None and self._running.switching:
            self._running.fed(data)
            return
        self._unfinished += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError:
            self.refuse("The request is not valid HTTP/1.1.")
        self._check_unfinished()

    def _parse(self, data: bytes) -> None:
        while data:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                if self._deaf:
                    return
                data = data[upgrade.args[0] :]
                if self._current.switching:
                    if data:
                        self._current.fed(data)
                    return
                # Another protocol was offered, and is not taken up. The parser stops all the same, before the body:
                # another goes on behind a head that says how long that is, whether more may follow, and nothing else.
                self._resuming = True
                self.parser = httptools.HttpRequestParser(self)
                more = b"" if self.cycle.keep_alive else b"Connection: close\r\n"
                data = b"POST / HTTP/1.1\r\n" + more + self._framing + b"\r\n\r\n" + data
            else:
                return

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        """A request begins. Empty lines before it are none, and keep no connection open."""
        if self._resuming:
            return
        self._unset_keepalive_if_required()
        self.url = b""
        self.expect_100_continue = False
        self._fields = []
        self._unfinished = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header field; those after the body (trailers) are dropped."""
        if self._fields is not None and not self._resuming:
            self._fields.append((name, value))

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        if not self._resuming:
            super().on_url(url)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        if self._resuming:
            self._resuming = False
            return
        self._stop_timer()
        self._crowd.busy(self)
        self._unset_keepalive_if_required()  # the answer to the request before may have come in between
        self._unfinished = 0
        fields, self._fields = self._fields or [], None
        headers = [(name.lower(), value) for name, value in fields]
        names = [name for name, _ in headers]
        switching = b"upgrade" in names and _offers_websocket(headers)
        if b"upgrade" in names and not switching:
            self._declined = bool(self.parser.should_upgrade())
            self._framing = next((b": ".join(field) for field in headers if field[0] in _FRAMING), b"content-length: 0")
            fields = [field for field in fields if field[0].lower() not in _OFFER]
            headers = [field for field in headers if field[0] not in _OFFER]
            names = [name for name, _ in headers]
        method, version = self.parser.get_method(), self.parser.get_http_version()
        if self._deaf or self.transport.is_closing():
            self._deaf = True
            return
        if (fault := strict.fault(method, self.url, version, names, headers)) or len(self.pipeline) >= PIPELINE:
            self.refuse(fault or "Too many requests before an answer.")
            return
        self.headers = headers
        scope = self._scope(method, version, headers, fields)
        cycle = Cycle(
            scope=cast(Any, scope),
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=b"expect" in names and version == "1.1" and _expects(headers),
            keep_alive=version != "1.0" and self.parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        scope["cycle"] = cycle
        cycle.switching = switching and bool(self.parser.should_upgrade())
        previous, self.cycle = self.cycle, cycle
        if previous is None or previous.response_complete:
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _scope(self, method: bytes, version: str, headers: list[_Field], fields: list[_Field]) -> dict[str, Any]:
        path, _, query = self.url.partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": self.asgi_version, "spec_version": "2.3"},
            "http_version": version,
            "server": self.server,
            "client": self.client,
            "scheme": self.scheme,
            "root_path": "",
            "method": method.decode("ascii"),
            "path": unquote(path.decode("ascii")) if b"%" in path else path.decode("ascii"),
            "raw_path": path,
            "query_string": query,
            "headers": headers,
            "state": self.app_state.copy(),
            "target": self.url,
            "raw_headers": fields,
        }

    def on_body(self, body: bytes) -> None:
        """More of a request's body; nobody wants it once the request is answered."""
        self._unfinished = 0
        if not self._deaf and not self.cycle.response_complete:
            self._current.fed(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if self._declined:  # only its head is
            self._declined = False
            return
        self._unfinished = 0
        if self._deaf:
            return
        self.cycle.more_body = False
        self.cycle.message_event.set()
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
            if self.cycle.keep_alive:
                self._crowd.idle(self)
                self.timeout_keep_alive_task = self.loop.call_later(
                    self.timeout_keep_alive, self.timeout_keep_alive_handler
                )
            else:
                self._give_up()

    # -- the connection

    def on_response_complete(self) -> None:
        """A request is answered; if it is not whole yet, its rest is read for a while and thrown away."""
        super().on_response_complete()
        cycle = self.cycle
        if cycle.response_complete and not cycle.more_body:
            self._crowd.idle(self)
        if self.transport.is_closing() or not (cycle.more_body and cycle.response_complete):
            return
        self._unset_keepalive_if_required()
        self._close_soon(say_so=not cycle.keep_alive)

    def refuse(self, why: str) -> None:
        """Answer 400 and close; requests that came before on this connection are answered first."""
        self._stop_timer()
        if self._deaf:
            return
        self._deaf = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False
                return
            self._current.gone()  # the fault is in this request's body
            if self._running is not cycle:  # it waits for others to be answered
                self.pipeline.popleft()
                if self._running is not None:
                    self._running.keep_alive = False
                return
            if cycle.response_started:
                self.transport.abort()
                return
        lines = [b"%b: %b" % field for field in self.server_state.default_headers]
        head = [b"HTTP/1.1 400 Bad Request", *lines, b"content-type: text/plain", b"content-length: %d" % len(why)]
        self.transport.write(b"\r\n".join([*head, b"connection: close", b"", why.encode("ascii")]))
        self._close_soon(say_so=True)

    def shed(self) -> None:
        """Close it: it is idle, and another needs its place."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()  # its client does not read what it asked for
        else:
            self._give_up()

    def timeout_keep_alive_handler(self) -> None:
        """No next request has come."""
        self._give_up()

    def eof_received(self) -> None:
        """The client sends no more, and the connection closes."""
        self._bound_close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes."""
        self._crowd.leave(self)
        self._stop_timer()
        self._unset_keepalive_if_required()
        if self._linger is not None:
            self._linger.cancel()
        if self._running is not None:
            self._running.gone()
        super().connection_lost(exc)
        self.pipeline.clear()

    def shutdown(self) -> None:
        """The server ends: a connection that is used for another protocol has no next answer to close with."""
        if self._running is not None and self._running.tunnel:
            self.transport.close()
        else:
            super().shutdown()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        self._running = cycle
        task = cycle.task = self.loop.create_task(cycle.run_asgi(app))
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _close_soon(self, *, say_so: bool) -> None:
        """Close after a while. To close at once, with something of the client still unread, would make its system
        throw away the answer before it is read."""
        if say_so:
            with contextlib.suppress(OSError, RuntimeError):
                self.transport.write_eof()
        self._linger = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    @property
    def _current(self) -> Cycle:
        return cast(Cycle, self.cycle)

    def _check_unfinished(self) -> None:
        if self._deaf:
            return
        if self._unfinished > HEAD_BYTES:
            self._give_up()
        elif self._fields is not None and self._timer is None:  # most heads come in one piece, and need none
            self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self._stop_timer()
        self._deaf = True
        self.transport.close()
        self._bound_close()

    def _bound_close(self) -> None:
        """A close waits until the client has taken everything that was sent to it; not for ever."""
        if self.transport.get_write_buffer_size():
            self.loop.call_later(DRAIN_SECONDS, self.transport.abort)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _expects(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)


def _offers_websocket(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"upgrade" and b"websocket" in value.lower() for name, value in headers)
