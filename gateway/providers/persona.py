"""Persona (https://docs.withpersona.com/webhooks, /docs/best-practices on signatures).

``Persona-Signature: t=SECONDS,v1=HEX``; while a secret is being replaced, two of them with a space between. Only
``approved`` approves: ``completed`` says that somebody came to the end, and a decision follows.
"""

from __future__ import annotations

from typing import Any, Final

from gateway.core.verification import VerificationEvent
from gateway.providers.webhooks import (
    Endpoint,
    Headers,
    Malformed,
    ProviderEvent,
    Rejection,
    at,
    check_timed,
    identifier,
    moment,
    object_of,
)

_EVENTS: Final = {
    "inquiry.started": VerificationEvent.PROCESS,
    "inquiry.approved": VerificationEvent.APPROVE,
    "inquiry.declined": VerificationEvent.DECLINE,
    "inquiry.failed": VerificationEvent.DECLINE,
    "inquiry.marked-for-review": VerificationEvent.REVIEW,
    "inquiry.expired": VerificationEvent.EXPIRE,
}
"""Not here: ``redacted``, because what Persona has forgotten was proved all the same."""
_CREATED: Final = ("created-at", "created_at", "createdAt")
"""How the field is written; which of them, an account of Persona can choose."""


def read(headers: Headers, body: bytes, now_ms: int, endpoint: Endpoint) -> ProviderEvent | Rejection:
    """See `gateway.providers.webhooks.Reader`."""
    if wrong := check_timed(headers.get("persona-signature", "").split(), body, now_ms, endpoint):
        return wrong
    try:
        data = at(object_of(body), "data")
        event = _EVENTS.get(str(at(data, "attributes", "name")))
        inquiry = at(data, "attributes", "payload", "data")
        if event is None or at(inquiry, "type") != "inquiry":
            return Rejection.IGNORED
        return ProviderEvent(
            endpoint.provider,
            identifier(data, "id"),
            identifier(inquiry, "id"),
            event,
            moment(_created(at(data, "attributes")), "created-at"),
        )
    except Malformed:
        return Rejection.MALFORMED


def _created(attributes: Any) -> Any:
    return next((attributes[name] for name in _CREATED if name in attributes), None)
