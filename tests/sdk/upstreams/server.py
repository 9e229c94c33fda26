"""A platform's server on the loopback: answers in the platform's documented format, and keeps what it was asked."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self, cast
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    """One request, byte for byte; header names in lower case, in order."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The header's value, empty without one."""
        return dict(self.headers).get(name, "")

    @property
    def path(self) -> str:
        """The target without its query, percent-encoding untouched."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters, the last of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}

    @property
    def sha256(self) -> str:
        """Of the body, in hex. A multipart body's boundary is random and counts as a fixed one of its length."""
        _, _, boundary = self.header("content-type").partition("boundary=")
        body = self.body.replace(boundary.encode(), b"-" * len(boundary)) if boundary else self.body
        return hashlib.sha256(body).hexdigest()

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """What a request is answered; ``value`` is sent as JSON, bytes as they are."""

    value: Any
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Platform(ABC):
    """One platform's server, in threads of this process. What it was asked to publish is in ``published``."""

    GOOD: ClassVar[tuple[str, str]]
    """Credential and id of an account in good standing."""
    RESTRICTED: ClassVar[tuple[str, str]]
    """Credential and id of an account whose publishing is restricted."""

    def __init__(self) -> None:
        self.published: list[Received] = []
        self.other: list[Received] = []
        self._revoked = False
        self._silent = False
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.platform = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def accounts(self) -> dict[str, str]:
        """Which credential belongs to which account."""
        return dict([self.RESTRICTED] if self._revoked else [self.GOOD, self.RESTRICTED])

    @contextmanager
    def revoked(self) -> Iterator[None]:
        """Inside, the credential of the account in good standing is none."""
        self._revoked = True
        try:
            yield
        finally:
            self._revoked = False

    def take(self) -> list[Received]:
        """The publish requests since the last time it was asked."""
        taken, self.published = self.published, []
        return taken

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Inside, it takes publish requests and ends the connection without an answer."""
        self._silent = True
        try:
            yield
        finally:
            self._silent = False

    def answers(self, request: Received) -> bool:
        """Keep the request; whether it is answered."""
        publishes = self.publishes(request)
        (self.published if publishes else self.other).append(request)
        return not (publishes and self._silent)

    @abstractmethod
    def publishes(self, request: Received) -> bool:
        """Whether this request makes something visible to readers."""

    @abstractmethod
    def answer(self, request: Received) -> Reply:
        """The platform's answer."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    platform: Platform
    daemon_threads = False  # they are waited for, so that none outlives the test

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Let the threads of connections that clients keep alive come to their end."""
        for connection in tuple(self._open):
            connection.shutdown(socket.SHUT_RD)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _serve(self) -> None:
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        length = self.headers.get("Content-Length")
        if length is None and self.headers.get("Transfer-Encoding"):
            self.send_error(411)  # as real platforms do
            return
        request = Received(self.command, self.path, headers, self.rfile.read(int(length or 0)))
        platform = cast("_Server", self.server).platform
        if not platform.answers(request):
            self.close_connection = True
            return
        reply = platform.answer(request)
        body = reply.value if isinstance(reply.value, bytes) else json.dumps(reply.value, ensure_ascii=False).encode()
        self.send_response(reply.status)
        for name, value in {"Content-Type": reply.content_type, **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
