"""The ops endpoint: /livez, /readyz, /metrics and more pages, in a thread of its own so that a stalled loop is seen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import make_wsgi_app

from classifiers.health import Health

Page = Callable[[WSGIEnvironment, StartResponse], list[bytes]]
"""A WSGI application that answers at one path."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Silent(WSGIRequestHandler):
    timeout = 5

    def log_message(self, *_: Any) -> None:
        """Probes are no news."""


def ops_app(health: Health, pages: Mapping[str, Page] | None = None) -> Page:
    """The WSGI application: 200 for yes, 503 for no, the metrics in Prometheus' text format, and what ``pages`` has at
    other paths."""
    exposition = make_wsgi_app()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            return list(exposition(environ, start_response))
        if pages and path in pages:
            return pages[path](environ, start_response)
        if path not in ("/livez", "/readyz"):
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"not found\n"]
        yes = health.alive if path == "/livez" else health.ready and health.alive
        start_response("200 OK" if yes else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"ok\n" if yes else b"no\n"]

    return app


@contextmanager
def serve_ops(host: str, port: int, health: Health, pages: Mapping[str, Page] | None = None) -> Iterator[int]:
    """Serves while the block runs and yields the port. Raises `OSError` if the port is taken."""
    with make_server(host, port, ops_app(health, pages), _Server, _Silent) as server:
        thread = threading.Thread(target=server.serve_forever, name="ops", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
