"""Which header fields of a client's request go on to the upstream, and what they say about the client."""

from __future__ import annotations

import functools
from typing import Final
from urllib.parse import urlsplit

from gateway.core.hops import HOP_BY_HOP, Fields, end_to_end, named
from gateway.http.requests import Scope
from gateway.platforms.listeners import Listener

_ABOUT_CLIENT: Final = frozenset(
    b"forwarded x-real-ip x-client-ip x-cluster-client-ip true-client-ip cf-connecting-ip fastly-client-ip "
    b"x-original-host x-original-for x-original-proto".split()
)
"""Besides ``X-Forwarded-*``: what proxies say about a client. From a client itself it may be a lie."""
_OPTIONS: Final = (HOP_BY_HOP - {b"connection", b"transfer-encoding"}) | {b"close", b""}
"""What ``Connection`` may name. By naming any other header a client could have it dropped behind the judgement."""


_OURS: Final = _ABOUT_CLIENT | {b"host", b"content-length"}


class Refused(ValueError):
    """A request that cannot be sent on as it was judged; the text says why, for its sender."""


def check(headers: Fields) -> None:
    """Raise `Refused` for fields, names in lower case, that would make the upstream get less than what is judged."""
    for name, value in headers:
        if name == b"connection" and not _OPTIONS.issuperset(named(value)):
            raise Refused("Connection: it names a header that does not belong to the connection.")


def forwarded_headers(listener: Listener, scope: Scope, length: int | None = None) -> Fields:
    """The fields to send on, in order: end-to-end ones, ``Host`` by the listener's policy, and ``X-Forwarded-For``
    with the client's address as the last one. ``length``: the body's, where it is known from having been read.

    What the client says about itself is dropped unless the listener trusts its address.
    Raises `Refused` when ``Host`` is to be the client's and there is none.
    """
    peer: str = scope["client"][0] if scope.get("client") else ""
    trusted = bool(listener.trusted_peers) and listener.trusts(peer)
    kept: list[tuple[bytes, bytes]] = []
    host = _host(listener.host, listener.upstream)
    before: list[bytes] = []
    for name, value in end_to_end(scope.get("raw_headers") or scope["headers"]):
        lower = name.lower()
        if lower not in _OURS and not lower.startswith(b"x-forwarded"):
            kept.append((name, value))
        elif lower == b"host":
            kept.append((name, value if host is None else host))
            host = b""
        elif lower == b"content-length":
            kept.append((name, value if length is None else b"%d" % length))
        elif trusted and lower == b"x-forwarded-for":
            before.append(value)
        elif trusted:
            kept.append((name, value))
    if host is None:
        raise Refused("Host: it is missing.")
    if host:
        kept.insert(0, (b"Host", host))
    if peer:
        kept.append((b"X-Forwarded-For", b", ".join([*before, peer.encode("ascii")])))
    return tuple(kept)


@functools.lru_cache(maxsize=1024)
def _host(policy: str, upstream: str) -> bytes | None:
    """What ``Host`` shall be; None for the client's."""
    match policy:
        case "client":
            return None
        case "upstream":
            return urlsplit(upstream).netloc.encode("ascii")
        case name:
            return name.encode("ascii")
