"""Which pictures a gateway may fetch: the web addresses it asks for, and the network addresses it connects to. Pure.

Whoever publishes chooses the address, so it must lead to nothing that only the gateway can reach (server-side request
forgery). What is allowed is listed rather than what is not: IPv4 that is routed on the Internet, and IPv6 in the range
that registries give out (2000::/3, RFC 4291), without what stands for another address (6to4, Teredo, NAT64, mapped).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

from gateway.core.addresses import domain

_LONGEST: Final = 2_000
_PORTS: Final = {"http": 80, "https": 443}
_KEPT: Final = "/~!$&'()*+,;=:@-._%?[]"
"""What stays as it is in a path or query; anything else is encoded (RFC 3986, and UTF-8 as browsers do)."""

_GIVEN_OUT: Final = ipaddress.IPv6Network("2000::/3")
_NEVER: Final = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24",  # protocols' own (RFC 6890), and some clouds' metadata
        "192.88.99.0/24",  # relays of 6to4 (RFC 7526)
        "168.63.129.16/32",  # a public address that inside one large cloud is its control plane
        "2001::/23",  # Teredo, ORCHID and other protocols' own (RFC 2928)
        "2002::/16",  # 6to4
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation (RFC 9637)
    )
]


class Missing(StrEnum):
    """Why a picture could not be brought to the classifiers."""

    ADDRESS = "address"
    """Its address can be read in two ways, has a user name in it, or is no web address but a platform's own id."""
    SCHEME = "scheme"
    """Its address is http, and only https is fetched."""
    PORT = "port"
    UNKNOWN_HOST = "unknown_host"
    PRIVATE = "private"
    """Its host has an address that is not on the public Internet."""
    UNREACHABLE = "unreachable"
    SLOW = "slow"
    REDIRECT = "redirect"
    STATUS = "status"
    ENCODED = "encoded"
    """It came compressed although it was asked for as it is."""
    NO_PICTURE = "no_picture"
    """It is declared to be something else, or came as something else."""
    LARGE = "large"
    """It, or all of the message together, has too many bytes."""
    MANY = "many"
    """The message has too many pictures."""
    CROWDED = "crowded"
    """This process works on too many bytes of pictures."""
    CHANGED = "changed"
    """It is not the one any more that was judged."""
    GONE = "gone"
    """Its bytes are not in the request: it came with an earlier one, or the request cannot be opened."""


class Unfetchable(Exception):
    """A picture that is missing, and why."""

    def __init__(self, why: Missing) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to ask for and where. ``target`` and ``authority`` are as they stand in the request."""

    tls: bool
    host: str
    port: int
    authority: str
    target: str
    trusted: bool
    """The operator named this very host and port: it may be private, with http, on any port."""


def public(address: str) -> bool:
    """Whether a network address is that of one host on the public Internet, and stands for no other."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if any(ip in network for network in _NEVER if network.version == ip.version):
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (ip not in _GIVEN_OUT or ip.scope_id is not None):
        return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def wanted(url: str, *, http: bool, ports: Collection[int], private_hosts: Collection[str] = ()) -> Wanted:
    """What an address asks for. ``private_hosts`` are trusted pairs, each ``host:port`` exactly.

    Raises `Unfetchable` for an address that two readers may understand in two ways, that has a user name or password
    in it, or another scheme or port than is allowed.
    """
    # White space and backslashes: some readers drop or turn them, so what is judged would not be what is shown.
    if len(url) > _LONGEST or "\\" in url or not url.isprintable() or any(char.isspace() for char in url):
        raise Unfetchable(Missing.ADDRESS)
    try:
        parts = urlsplit(url)
        given, name = parts.port, parts.hostname or ""
    except ValueError as error:
        raise Unfetchable(Missing.ADDRESS) from error
    if parts.scheme not in _PORTS or "@" in parts.netloc:
        raise Unfetchable(Missing.ADDRESS)
    port = _PORTS[parts.scheme] if given is None else given
    literal = name if _is_literal(name) else None
    bracketed = f"[{literal}]" if literal and ":" in literal else name
    trusted = f"{bracketed}:{port}" in private_hosts
    host = name if trusted else literal or domain(name)
    if not host or not host.isascii() or "%" in host:
        raise Unfetchable(Missing.ADDRESS)
    if not trusted and parts.scheme == "http" and not http:
        raise Unfetchable(Missing.SCHEME)
    if not trusted and port not in ports:
        raise Unfetchable(Missing.PORT)
    shown = f"[{host}]" if ":" in host else host
    authority = shown if port == _PORTS[parts.scheme] else f"{shown}:{port}"
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    target = (quote(parts.path, safe=_KEPT) or "/") + query
    return Wanted(parts.scheme == "https", host, port, authority, target, trusted)


def _is_literal(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
