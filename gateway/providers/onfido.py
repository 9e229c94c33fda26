"""Onfido, now Entrust (https://documentation.identity.entrust.com/api/manual-webhook-signature-verification/ and the
webhook schemas of its API 3.6).

``X-SHA2-Signature`` is the HMAC-SHA-256 of the body under the webhook's token. It has no time, so an event's own time
bounds its age, and no id: one is made of what tells one event from another. ``check.completed`` says that a check has
ended; where it does not say how, a person has to look.
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
    identifier,
    is_fresh,
    moment,
    object_of,
    signed,
)

_RUN: Final = {
    "approved": VerificationEvent.APPROVE,
    "declined": VerificationEvent.DECLINE,
    "review": VerificationEvent.REVIEW,
    "error": VerificationEvent.REVIEW,
    "abandoned": VerificationEvent.EXPIRE,
}
"""What the status of a workflow run that has ended means."""


def read(headers: Headers, body: bytes, now_ms: int, endpoint: Endpoint) -> ProviderEvent | Rejection:
    """See `gateway.providers.webhooks.Reader`."""
    if not signed(headers.get("x-sha2-signature"), body, endpoint.secrets):
        return Rejection.FORGED
    try:
        payload = at(object_of(body), "payload")
        action, status = at(payload, "action"), at(payload, "object", "status")
        event = _event(action, status, at(payload, "resource", "result"))
        if event is None:
            return Rejection.IGNORED
        field = "completed_at_iso8601" if action != "check.started" else "started_at_iso8601"
        time = at(payload, "object", field)
        at_ms = moment(time, field)
        if not is_fresh(at_ms, now_ms, endpoint.tolerance_ms):
            return Rejection.STALE
        reference = identifier(payload, "object", "id")
        return ProviderEvent(endpoint.provider, f"{reference}:{action}:{status}:{time}", reference, event, at_ms)
    except Malformed:
        return Rejection.MALFORMED


def _event(action: Any, status: Any, result: Any) -> VerificationEvent | None:
    match action:
        case "workflow_run.completed":
            return _RUN.get(str(status))
        case "check.started":
            return VerificationEvent.PROCESS
        case "check.completed":
            return VerificationEvent.APPROVE if result == "clear" else VerificationEvent.REVIEW
        case _:
            return None
