"""What is for those who run the gateway (console, admin API, metrics, OpenAPI), and on which listener it is answered.

With a management listener of its own nothing of this is on the main port, where anybody may call. Without one they
share the port.
"""

from __future__ import annotations

from typing import Final

from gateway.http.problems import Problem
from gateway.http.requests import Scope

_PATHS: Final = frozenset({"/console", "/metrics", "/openapi.json"})
_BELOW: Final = ("/console/", "/v1/admin/")
_EVERYWHERE: Final = frozenset({"/livez", "/readyz", "/healthz"})

PATH_BYTES: Final = 4 * 1024
"""The longest path that is looked at, on any listener: to recognise a path costs work with each segment, before
anybody has shown a key."""
TARGET_BYTES: Final = 40 * 1024
"""The longest path and query. A platform may take a text of 4096 characters in the query, of nine bytes each."""


def is_management(scope: Scope, port: int | None) -> bool:
    """Whether a request has come in on the management listener, if there is one."""
    server = scope.get("server")
    return port is not None and server is not None and server[1] == port


def elsewhere(scope: Scope, port: int | None) -> Problem | None:
    """The problem of a request that has come in on the other listener than the one that answers it."""
    path: str = scope["path"]
    if port is None or path in _EVERYWHERE:
        return None
    wanted = path in _PATHS or path.startswith(_BELOW)
    if wanted == is_management(scope, port):
        return None
    return Problem(404, "path", "path: there is nothing here; this listener does not answer it.")


def too_long(scope: Scope) -> str | None:
    """What is wrong with a request's target that is too long to be looked at."""
    path: bytes = scope["raw_path"]
    if len(path) > PATH_BYTES:
        return f"path: longer than {PATH_BYTES} bytes."
    if len(path) + len(scope["query_string"]) > TARGET_BYTES:
        return f"query: with the path longer than {TARGET_BYTES} bytes; send it in the body."
    return None
