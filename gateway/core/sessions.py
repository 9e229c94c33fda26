"""Who has signed in to the console: how long that lasts, and how often one may try.

Sessions end after a time without use, and after a time in all (OWASP ASVS 5.0, section 7.3), and when whoever began
them is no operator any more.
"""

from __future__ import annotations

import hashlib
import unicodedata
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from classifiers.contract import Value

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 200
"""In characters, so that nobody lets megabytes be hashed."""

TOUCH_MS: Final = 60_000
"""A session's last use is written down this often at most, in milliseconds."""

SESSIONS: Final = 20
"""Sessions that one operator may have at once; beyond it the oldest ends."""


class Session(Value, frozen=True):
    """Somebody signed in: the operator's name, when, and when it was last used (unix ms)."""

    name: str
    created_ms: int
    seen_ms: int


class Lifetimes(Value, frozen=True):
    """How long a session lasts unused, and in all, in milliseconds."""

    idle_ms: int
    absolute_ms: int

    def stands(self, session: Session, now_ms: int) -> bool:
        """Whether a session still counts."""
        return now_ms - session.seen_ms < self.idle_ms and now_ms - session.created_ms < self.absolute_ms

    def ends_ms(self, session: Session) -> int:
        """When a session ends if it is not used again (unix ms)."""
        return min(session.seen_ms + self.idle_ms, session.created_ms + self.absolute_ms)


class Tries(Value, frozen=True):
    """How often one may try to sign in under one name from one address, from one address, and under one name from
    wherever, in ``window_ms`` milliseconds. The last is more, or ten wrong words of a stranger would lock a name for
    its owner everywhere."""

    name: int = 10
    address: int = 50
    name_anywhere: int = 100
    window_ms: int = 15 * 60_000

    def of(self, name: str, address: str) -> tuple[tuple[str, int], ...]:
        """What a try counts for, each with its limit, the address first and the name last: one that may not try any
        more locks no names. Names are hashed: what is typed there may be a password."""
        digest, network = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest(), _network(address)
        return (
            (f"address:{network}", self.address),
            (f"name:{digest} {network}", self.name),
            (f"name:{digest}", self.name_anywhere),
        )


def normal_password(password: str) -> str:
    """The form in which a password is hashed and compared: keyboards compose letters differently (RFC 8265, section
    4.2)."""
    return unicodedata.normalize("NFC", password)


def problem_of(password: str) -> str | None:
    """What is wrong with a new password; None when nothing is."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"give {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in password):
        return "give characters that can be typed"
    if len(set(password)) < 5:
        return "give at least five different characters"
    return None


def _network(address: str) -> str:
    """Who has one IPv6 address has its whole /64."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ip_network((int(found), 64), strict=False))
