"""Web addresses as sources are known by: the host that a browser would ask, and one form for all spellings."""

from __future__ import annotations

import hashlib
import re
from typing import Final
from urllib.parse import SplitResult, parse_qsl, quote, unquote, unquote_plus, urlencode, urlsplit, urlunsplit

import idna

_LONGEST: Final = 2_000
_LONGEST_HOST: Final = 253
# A browser reads a backslash as a slash, and drops tabs and line ends; whoever reads otherwise is misled.
_STRANGE = re.compile(r"[\x00-\x20\x7f\\]|\s")
_NUMBER = re.compile(r"(?:\d+|0x[0-9a-f]*)\Z")
_PORTS: Final = {"http": 80, "https": 443}
_TRACKING = re.compile(r"(?:utm_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_cid|mc_eid|spm|share_token)\Z")
_KEPT: Final = "/~!$&'()*+,;=:@-._"


def domain(name: str) -> str | None:
    """A domain name in the form in which names are compared (lower-case, IDNA, no trailing dot); None if it is none: an
    IP address, a name without a dot, or what no browser would ask for."""
    name = name.strip().removesuffix(".")
    if not name or len(name) > _LONGEST_HOST or "%" in name:
        return None
    try:
        plain = idna.encode(name, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return None
    plain = plain.removesuffix(".")
    last = plain.rpartition(".")
    if not last[0] or _NUMBER.match(last[2]):
        return None
    return plain


def host(url: str) -> str | None:
    """The host of an http or https address, as `domain` gives it.

    None for what is no such address, and for one that is made to be misread: with a user name before the host, a
    backslash, or a space in it.
    """
    parts = _parts(url)
    return domain(parts.hostname or "") if parts is not None else None


def within(name: str, domains: tuple[str, ...]) -> bool:
    """Whether a host is one of these domains, or below one."""
    return any(name == each or name.endswith(f".{each}") for each in domains)


def page_key(url: str) -> str | None:
    """A digest (SHA-256, hex) that is the same for all addresses of one page: with http or https, with "www." or not,
    with a fragment or an advertiser's tracking in it. None where `host` is None."""
    parts = _parts(url)
    name = domain(parts.hostname or "") if parts is not None else None
    if parts is None or name is None:
        return None
    port = "" if parts.port in (None, _PORTS[parts.scheme]) else f":{parts.port}"
    path = quote(unquote(parts.path), safe=_KEPT).rstrip("/")
    fields = [(key, value) for key, value in parse_qsl(parts.query, True) if not _TRACKING.match(key)]
    query = f"?{urlencode(fields)}" if fields else ""
    return hashlib.sha256(f"{name.removeprefix('www.')}{port}{path}{query}".encode(errors="replace")).hexdigest()


def bare(url: str) -> str:
    """An address without what `page_key` passes over and anybody can write anything in: fragment and tracking."""
    scheme, netloc, path, query, _ = urlsplit(url.strip())
    fields = [field for field in query.split("&") if not _TRACKING.match(unquote_plus(field.partition("=")[0]))]
    return urlunsplit((scheme, netloc, path, "&".join(fields), ""))


def _parts(url: str) -> SplitResult | None:
    url = url.strip()
    if len(url) > _LONGEST or _STRANGE.search(url):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018  raises for a port that is none
    except ValueError:
        return None
    if parts.scheme not in _PORTS or "@" in parts.netloc or "[" in parts.netloc:
        return None
    return parts
