"""Which header fields belong to one connection only (RFC 9110 section 7.6.1), and end there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

Fields = tuple[tuple[bytes, bytes], ...]
"""Header fields in order, names as they came."""

HOP_BY_HOP: Final = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization proxy-authentication-info "
    b"te trailer transfer-encoding upgrade http2-settings".split()
)
"""Names that never pass a proxy, in lower case."""


def end_to_end(fields: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The fields that pass a proxy: neither hop-by-hop by nature nor named by ``Connection``."""
    kept = []
    options: tuple[bytes, ...] = ()
    for field in fields:
        name = field[0].lower()
        if name not in HOP_BY_HOP:
            kept.append(field)
        elif name == b"connection":
            options += named(field[1])
    if options and not HOP_BY_HOP.issuperset(options) and options != (b"close",):
        return tuple([field for field in kept if field[0].lower() not in options])
    return tuple(kept)


def named(connection: bytes) -> tuple[bytes, ...]:
    """The options of one ``Connection`` value, in lower case."""
    return tuple([option.strip() for option in connection.lower().split(b",")])
