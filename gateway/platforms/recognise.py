"""Which route a request belongs to; whether anybody might see it differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast
from urllib.parse import unquote_plus

from gateway.platforms.call import Ambiguous, Headers
from gateway.platforms.paths import folded, plain
from gateway.platforms.schema import Platform, Route

_OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
_REWRITES = frozenset({b"x-original-url", b"x-rewrite-url"})
_METHOD_PARAMETER = b"_method"
_KNOWN_PATHS = 4096
"""Paths whose route is remembered, for each platform."""
_KNOWN_LENGTH = 512
_UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Match:
    """A request that a route of the platform is about. ``variables`` are those of the path, decoded once."""

    route: Route
    variables: Mapping[str, str]


def recognise(platform: Platform, method: str, raw_path: bytes, query: bytes, headers: Headers = ()) -> Match | None:
    """The route of a request, or None if it is none of the platform's.

    What the plain reading of the path matches is a match, whatever the query. Raises `Ambiguous` for a request that
    only some reading of its path, its method or its headers makes a publish request, and for one whose route says
    that it goes nowhere.
    """
    overrides = tuple(_overrides(query, headers))
    rewrites = tuple([value.strip().partition(b"?")[0] for name, value in headers if name.lower() in _REWRITES])
    if overrides or rewrites or len(raw_path) > _KNOWN_LENGTH:
        return _recognise(platform, method, raw_path, overrides, rewrites)
    # Method and path alone decide, and clients ask for the same paths again and again.
    known = platform.index.known
    found = known.get((method, raw_path), _UNKNOWN)
    if found is _UNKNOWN:
        found = _recognise(platform, method, raw_path)
        if len(known) >= _KNOWN_PATHS:
            known.clear()
        known[method, raw_path] = found
    return cast("Match | None", found)


def _recognise(
    platform: Platform, method: str, raw_path: bytes, overrides: Sequence[str] = (), rewrites: Sequence[bytes] = ()
) -> Match | None:
    if not raw_path.startswith(b"/"):
        if raw_path == b"*":
            return None
        raise Ambiguous("the path does not start with /")
    parts = plain(raw_path)
    found = next((Match(*item) for item in platform.index.find(parts) if item[0].takes(method)), None)
    if found is not None and found.route.kind == "publish":
        return found
    if found is not None and found.route.kind == "refuse":
        raise Ambiguous(f"{found.route.id}: what is published here cannot be judged")
    _check_readings(platform, {method, method.strip().upper(), *overrides}, [raw_path, *rewrites], parts)
    return found if found is not None and found.route.kind == "watch" else None


def websocket_passes(platform: Platform, raw_path: bytes) -> bool:
    """Whether a WebSocket may be opened on this path."""
    if platform.websockets == "refuse":
        return False
    if not platform.websocket_paths:
        return True
    parts = plain(raw_path)
    return any(template.match(parts) is not None for template in platform.websocket_paths)


def _check_readings(platform: Platform, methods: set[str], paths: Sequence[bytes], parts: Sequence[str]) -> None:
    """Raise `Ambiguous` if some reading of a path, of which the first is the request's own with its plain ``parts``,
    belongs to a route that is judged or refused."""
    for path in paths:
        for segments in (parts if path is paths[0] else plain(path), *folded(path)):
            for read in methods:
                route = _first(platform, segments, read)
                if route is not None and route.kind in ("publish", "refuse"):
                    raise Ambiguous(f"may be read as {route.id}")


def _first(platform: Platform, segments: Sequence[str], method: str) -> Route | None:
    found = platform.index.find(segments, fold=True, empty=True)
    return next((route for route, _ in found if route.takes(method) or route.any_method), None)


def _overrides(query: bytes, headers: Headers) -> Iterator[str]:
    """The methods that a server which heeds overrides would take instead."""
    for name, value in headers:
        if name.lower() in _OVERRIDES:
            yield from [word.strip().upper() for word in value.decode("latin-1").split(",")]
    if _METHOD_PARAMETER in query.lower() or b"%" in query:
        for piece in query.replace(b";", b"&").split(b"&"):
            key, _, value = piece.partition(b"=")
            if unquote_plus(key.decode("latin-1")).strip().lower() == _METHOD_PARAMETER.decode():
                yield unquote_plus(value.decode("latin-1")).strip().upper()
