"""Stripe Identity (https://docs.stripe.com/webhooks#verify-manually, https://docs.stripe.com/identity).

``Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX]``: several while a secret is being replaced. A delivery that is repeated
is signed anew, so its age is that of the delivery, not of the event.
"""

from __future__ import annotations

from typing import Final

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
    object_of,
)

_EVENTS: Final = {
    "identity.verification_session.processing": VerificationEvent.PROCESS,
    "identity.verification_session.verified": VerificationEvent.APPROVE,
    "identity.verification_session.requires_input": VerificationEvent.ASK,
    "identity.verification_session.canceled": VerificationEvent.CANCEL,
}
"""Not here: ``created``, which we caused, and ``redacted``: what Stripe has forgotten was proved all the same."""


def read(headers: Headers, body: bytes, now_ms: int, endpoint: Endpoint) -> ProviderEvent | Rejection:
    """See `gateway.providers.webhooks.Reader`."""
    if wrong := check_timed([headers.get("stripe-signature", "")], body, now_ms, endpoint):
        return wrong
    try:
        whole = object_of(body)
        event = _EVENTS.get(str(whole.get("type")))
        if event is None:
            return Rejection.IGNORED
        created = whole.get("created")
        if not isinstance(created, int) or isinstance(created, bool) or not 0 < created < 10**11:
            return Rejection.MALFORMED
        reference = identifier(at(whole, "data", "object"), "id")
        return ProviderEvent(endpoint.provider, identifier(whole, "id"), reference, event, created * 1000)
    except Malformed:
        return Rejection.MALFORMED
