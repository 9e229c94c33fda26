"""Which route a request belongs to; whether anybody might see it differently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast
from urllib.parse import unquote_plus

from gateway.platforms.call import Ambiguous, Headers
from gateway.platforms.paths import folded, is_one_path, plain
from gateway.platforms.schema import PASSED, Platform, Route

_OVERRIDES = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
_REWRITES = frozenset(
    b"x-original-url x-original-uri x-original-path x-rewrite-url x-rewrite-uri x-envoy-original-path x-request-uri "
    b"x-proxy-url x-http-destinationurl".split()
)
"""Headers by which a request names another path than its own, to servers that heed them."""
_METHOD_PARAMETER = b"_method"
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods whose body most servers ignore, and some read."""
_NOTHING = frozenset({b"", b"1", b"2"})
"""Lengths of bodies that say nothing."""
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_KNOWN_PATHS = 4096
"""Paths whose route is remembered, for each platform."""
_KNOWN_LENGTH = 512


@dataclass(frozen=True, slots=True)
class Match:
    """The route of a request. ``variables`` are those of the path, decoded once. ``others`` are the routes that count
    in turn where this one's condition does not hold (`Route.when`); only a route with one has any."""

    route: Route
    variables: Mapping[str, str]
    others: tuple[Match, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether the request goes on unjudged."""
        return self.route.kind == "pass"


def recognise(
    platform: Platform, method: str, raw_path: bytes, query: bytes, headers: Headers = (), sent_path: bytes = b""
) -> Match:
    """The route of a request. What the map lists nowhere has the platform's ``unlisted`` one, and is judged.
    ``sent_path`` is the path as the client sent it, where that is another one, below a base path.

    What the plain reading of the path matches is a match, whatever the query. Raises `Ambiguous` for a request that
    only some reading of its path, its method or its headers makes a publish request, for one whose route says that it
    goes nowhere, and for one below a base path that the listener does not have.
    """
    _check_rewrites(sent_path or raw_path, headers)
    overrides = tuple(_overrides(query, headers))
    if overrides or len(raw_path) > _KNOWN_LENGTH:
        found = _recognise(platform, method, raw_path, overrides)
    else:
        # Method and path alone decide, and clients ask for the same paths again and again.
        known = platform.index.known
        remembered = known.get((method, raw_path))
        if remembered is None:
            remembered = _recognise(platform, method, raw_path)
            if len(known) >= _KNOWN_PATHS:
                known.clear()
            known[method, raw_path] = remembered
        found = cast(Match, remembered)
    if (found.passes or found.others) and method in _BODILESS and _has_body(headers):
        if found.passes:
            return _unlisted(platform, raw_path)
        return replace(found, others=tuple([other for other in found.others if not other.passes]))
    return found


def _recognise(platform: Platform, method: str, raw_path: bytes, overrides: Sequence[str] = ()) -> Match:
    if not raw_path.startswith(b"/"):
        if raw_path == b"*":
            return Match(PASSED, {})
        raise Ambiguous("the path does not start with /")
    parts = plain(raw_path)
    fitting = _fitting(platform, method, parts, overrides)
    first = fitting[0] if fitting else None
    if first is not None and not first.route.when:
        if first.route.kind == "publish":
            return first
        if first.route.kind == "refuse":
            raise Ambiguous(f"{first.route.id}: what is published here cannot be judged")
    known = {
        match.route.id for match in fitting if match.route.when or (match is first and match.route.kind == "bypass")
    }
    _check_readings(platform, {method, method.strip().upper(), *overrides}, raw_path, parts, known)
    if first is not None and first.route.when:
        return Match(first.route, first.variables, (*fitting[1:], _unlisted(platform, raw_path)))
    if first is not None:
        return first
    if method == "OPTIONS" and not overrides:
        return Match(PASSED, {})
    _check_base_path(platform, method, parts)
    if platform.default == "refuse":
        raise Ambiguous(f"{method} {platform.name}: the route map does not list this request")
    return _unlisted(platform, raw_path)


def _fitting(platform: Platform, method: str, parts: Sequence[str], overrides: Sequence[str]) -> list[Match]:
    """The routes with this path and method, in their order. Listed passes are among them only if every server reads the
    path alike, and whatever method it takes."""
    found = [Match(*item) for item in platform.index.find(parts)]
    passing = [match.route for match in found if match.passes]
    sure = is_one_path(parts) and all(any(route.takes(other) for route in passing) for other in overrides)
    return [match for match in found if match.route.takes(method) and (sure or not match.passes)]


def _unlisted(platform: Platform, raw_path: bytes) -> Match:
    return Match(platform.unlisted, {"rest": "/".join(plain(raw_path))})


def _has_body(headers: Headers) -> bool:
    """Whether a request has a body that could say anything: clients send ``{}`` with a GET."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip().lstrip(b"0") not in _NOTHING)
        for name, value in headers
    )


def unlisted_methods(platform: Platform) -> dict[str, list[str]]:
    """For each path that the map names, the methods that it leaves to its default."""
    left: dict[str, list[str]] = {}
    for template in dict.fromkeys(one for route in (*platform.routes, *platform.passes) for one in route.path):
        path = template.example().encode()
        for method in _METHODS:
            with suppress(Ambiguous):
                if recognise(platform, method, path, b"").route is platform.unlisted:
                    left.setdefault(template.source, []).append(method)
    return left


def websocket_passes(platform: Platform, raw_path: bytes) -> bool:
    """Whether a WebSocket may be opened on this path."""
    if platform.websockets == "refuse":
        return False
    parts = plain(raw_path)
    return any(template.match(parts) is not None for template in platform.websocket_paths)


def _check_rewrites(raw_path: bytes, headers: Headers) -> None:
    """Raise `Ambiguous` for a header that names another path than the request's."""
    for name, value in headers:
        if name in _REWRITES and value.strip().partition(b"?")[0] != raw_path:
            raise Ambiguous(f"header {name.decode()}: it names another path; send the request without it")


def _check_base_path(platform: Platform, method: str, parts: Sequence[str]) -> None:
    """Raise `Ambiguous` for what would be a publish request if the site were not below a path of its own."""
    for index in range(1, len(parts)):
        route = _first(platform, parts[index:], method)
        if route is not None and route.kind in _JUDGED:
            base = "/" + "/".join(parts[:index])
            raise Ambiguous(f"it is {route.id} below {base}; if the site is there, set the listener's base_path")


_JUDGED = frozenset({"publish", "refuse", "bypass"})


def _check_readings(
    platform: Platform, methods: set[str], raw_path: bytes, parts: Sequence[str], known: Set[str]
) -> None:
    """Raise `Ambiguous` if some reading of a path belongs to a route that is judged or refused, and is not ``known``
    by its plain reading, the one with these ``parts``, to be tried."""
    for segments in (parts, *folded(raw_path)):
        for read in methods:
            route = _first(platform, segments, read)
            if route is not None and route.kind in _JUDGED and route.id not in known:
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
