"""Veriff's decision webhook (https://devdocs.veriff.com/docs/decision-webhook, and there
/docs/hmac-authentication-and-endpoint-security).

``x-hmac-signature`` is the HMAC-SHA-256 of the body under the shared secret, ``x-auth-client`` our API key. The
signature has no time, so an event's own time bounds its age; Veriff repeats a delivery for up to a week. It has no id
either: one is made of what tells one decision from another.

The event webhook (started, submitted) has no time at all and decides nothing: ignored.
"""

from __future__ import annotations

import hmac
from typing import Any, Final

from gateway.core.verification import VerificationEvent
from gateway.providers.webhooks import (
    Endpoint,
    Headers,
    Malformed,
    ProviderEvent,
    Rejection,
    at,
    identifier,
    is_fresh,
    moment,
    object_of,
    signed,
)

_EXPIRED: Final = 9104
_EVENTS: Final = {
    9001: VerificationEvent.APPROVE,
    9102: VerificationEvent.DECLINE,
    9103: VerificationEvent.ASK,
    _EXPIRED: VerificationEvent.EXPIRE,
    9121: VerificationEvent.REVIEW,
}
_SESSION_MS: Final = 7 * 24 * 3600 * 1000
"""The life of a session that nobody finishes."""


def read(headers: Headers, body: bytes, now_ms: int, endpoint: Endpoint) -> ProviderEvent | Rejection:
    """See `gateway.providers.webhooks.Reader`."""
    if not signed(headers.get("x-hmac-signature"), body, endpoint.secrets):
        return Rejection.FORGED
    if endpoint.client is not None and not hmac.compare_digest(
        endpoint.client.encode(), headers.get("x-auth-client", "").encode()
    ):
        return Rejection.FORGED
    try:
        verification = at(object_of(body), "verification")
        code = at(verification, "code")
        if not isinstance(code, int) or code not in _EVENTS:
            return Rejection.IGNORED
        at_ms = _time(verification, code, now_ms)
        if not is_fresh(at_ms, now_ms, endpoint.tolerance_ms):
            return Rejection.STALE
        session = identifier(verification, "id")
        attempt = identifier(verification, "attemptId") if at(verification, "attemptId") is not None else ""
        decided = at(verification, "decisionTime") or at(verification, "acceptanceTime")
        event_id = f"{session}:{attempt}:{code}:{decided}"
        return ProviderEvent(endpoint.provider, event_id, session, _EVENTS[code], at_ms)
    except Malformed:
        return Rejection.MALFORMED


def _time(verification: Any, code: int, now_ms: int) -> int:
    """When it was decided. A session that ran out was not decided; it ended a week after it was made."""
    decided = at(verification, "decisionTime")
    if decided is None and code == _EXPIRED:
        return min(now_ms, moment(at(verification, "acceptanceTime"), "acceptanceTime") + _SESSION_MS)
    return moment(decided, "decisionTime")
