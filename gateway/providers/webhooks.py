"""What every provider's webhook is read with: who signed it, how old it is, and what is left of it then.

A reader takes the headers and the body as they came, and returns a `ProviderEvent`, or says why there is none.
Signatures are checked before anything is parsed, in constant time, against every secret of the endpoint, so a secret
can be replaced while both are in use.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from classifiers.contract import Value
from gateway.core.verification import VerificationEvent
from gateway.platforms.strict_json import BadJson, loads

AHEAD_MS: Final = 300_000
"""How far a provider's clock may be ahead of ours."""
_SIGNATURES: Final = 16
"""Signatures looked at in one header."""
_ID: Final = re.compile(r"[\x21-\x7e]{1,200}")


class Rejection(StrEnum):
    """Why a webhook says nothing to us."""

    FORGED = "forged"
    """No signature, or none by a secret of ours."""
    STALE = "stale"
    """Signed by the provider, but not of now: perhaps recorded and sent again."""
    MALFORMED = "malformed"
    """Signed by the provider, but not as its documentation says."""
    IGNORED = "ignored"
    """Of a kind that changes no verification."""


class ProviderEvent(Value, frozen=True):
    """What a provider says of one verification. ``reference`` is the provider's id for it; ``event_id`` is the same
    whenever the same event is delivered again. ``at_ms`` is the provider's time of the event (unix milliseconds), not
    that of its delivery. No personal data is in it."""

    provider: str
    event_id: str
    reference: str
    event: VerificationEvent
    at_ms: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one configured provider's webhooks are checked. ``tolerance_ms`` bounds their age; ``client`` is the name
    that the provider knows us by, where it sends that too (Veriff's API key)."""

    provider: str
    secrets: tuple[bytes, ...]
    tolerance_ms: int
    client: str | None = None

    def __repr__(self) -> str:
        return f"Endpoint({self.provider!r}, {len(self.secrets)} secrets, {self.tolerance_ms})"


Headers = Mapping[str, str]
"""By their name in lower case; one that was given twice is not there."""

Reader = Callable[[Headers, bytes, int, Endpoint], ProviderEvent | Rejection]
"""Reads a webhook: headers, body, the time it is now (unix milliseconds), endpoint."""


class Malformed(ValueError):
    """A signed body that is not as documented; the text names the field."""


def signed(header: str | None, body: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether a header is the HMAC-SHA-256 (hexadecimal) of the body under one of the secrets."""
    return header is not None and _matches([header.strip().lower()], body, secrets)


def check_timed(stamps: Sequence[str], body: bytes, now_ms: int, endpoint: Endpoint) -> Rejection | None:
    """What is wrong with the stamps ``t=SECONDS,v1=HEX``, of which one must hold: the HMAC-SHA-256 of the time, a dot
    and the body under one of the secrets, not longer ago than the tolerance. None when nothing is."""
    found: Rejection | None = Rejection.FORGED
    for stamp in stamps[:_SIGNATURES]:
        pairs = [pair.strip().partition("=") for pair in stamp.split(",")][: _SIGNATURES + 1]
        times = [value for name, _, value in pairs if name == "t"]
        signatures = [value.lower() for name, _, value in pairs if name == "v1"]
        if len(times) != 1 or not (times[0].isascii() and times[0].isdigit() and len(times[0]) <= 12):
            continue
        if _matches(signatures, times[0].encode() + b"." + body, endpoint.secrets):
            if is_fresh(int(times[0]) * 1000, now_ms, endpoint.tolerance_ms):
                return None
            found = Rejection.STALE
    return found


def is_fresh(at_ms: int, now_ms: int, tolerance_ms: int) -> bool:
    """Whether a time is not longer ago than tolerated, and not further ahead than clocks differ."""
    return now_ms - tolerance_ms <= at_ms <= now_ms + min(AHEAD_MS, tolerance_ms)


def object_of(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises `Malformed`."""
    try:
        value = loads(body)
    except BadJson as error:
        raise Malformed("body: not JSON with one reading") from error
    if not isinstance(value, dict):
        raise Malformed("body: not an object")
    return value


def at(value: Any, *path: str) -> Any:
    """What stands at a path of objects; None if anything on the way is missing or no object."""
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def identifier(value: Any, *path: str) -> str:
    """The identifier at a path. Raises `Malformed` unless it is 1 to 200 visible ASCII characters."""
    found = at(value, *path)
    if isinstance(found, str) and _ID.fullmatch(found):
        return found
    raise Malformed(f"{'.'.join(path)}: not an identifier")


def moment(text: Any, field: str) -> int:
    """A time of ISO 8601 with its offset, in unix milliseconds. Raises `Malformed`."""
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise Malformed(f"{field}: not a time") from error
    if parsed.tzinfo is None:
        raise Malformed(f"{field}: a time without its offset from UTC")
    return int(parsed.timestamp() * 1000)


def _matches(signatures: Sequence[str], data: bytes, secrets: Sequence[bytes]) -> bool:
    """Whether any of these is the HMAC under any of the secrets; all are compared, whatever the first ones give."""
    found = False
    for secret in secrets:
        expected = hmac.new(secret, data, hashlib.sha256).hexdigest().encode()
        for signature in signatures:
            found |= hmac.compare_digest(expected, signature.encode())
    return found
