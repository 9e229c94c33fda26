"""Webhooks as the four vendors send them, signed as their documentation says."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.core.verification import VerificationEvent as Event

SECRET, OLD_SECRET = "whsec_new", "whsec_old"
CLIENT = "veriff-api-key"
CANARY = "Canary Holder Quetzal"
"""A name that vendors send, and that must not get any further."""


@dataclass(frozen=True)
class Webhook:
    """What goes over the wire."""

    headers: dict[str, str]
    body: bytes


def mac(secret: str, data: bytes) -> str:
    """HMAC-SHA-256, hexadecimal."""
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def iso(at_ms: int) -> str:
    """The form of times of Veriff, Persona and Onfido."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stripe_body(reference: str, what: str, at_ms: int, event_id: str = "evt_1") -> bytes:
    """``what`` is the last word of the event's type."""
    return json.dumps(
        {
            "id": event_id,
            "object": "event",
            "created": at_ms // 1000,
            "type": f"identity.verification_session.{what}",
            "data": {"object": {"id": reference, "status": what, "verified_outputs": {"first_name": CANARY}}},
        }
    ).encode()


def persona_body(reference: str, what: str, at_ms: int, event_id: str = "evt_1", created: str = "created-at") -> bytes:
    """``what`` is the last word of the event's name."""
    inquiry = {"type": "inquiry", "id": reference, "attributes": {"status": what, "name-first": CANARY}}
    attributes = {"name": f"inquiry.{what}", created: iso(at_ms), "payload": {"data": inquiry}}
    return json.dumps({"data": {"type": "event", "id": event_id, "attributes": attributes}}).encode()


def veriff_body(reference: str, code: int, at_ms: int, event_id: str = "attempt-1", **more: object) -> bytes:
    """``code`` as in the documentation's table; ``event_id`` is the attempt's."""
    verification = {
        "id": reference,
        "attemptId": event_id,
        "code": code,
        "status": "as the code",
        "person": {"firstName": CANARY},
        "decisionTime": iso(at_ms),
        "acceptanceTime": iso(at_ms),
        **more,
    }
    return json.dumps({"status": "success", "verification": verification, "technicalData": {"ip": "::1"}}).encode()


def onfido_body(
    reference: str, status: str, at_ms: int, action: str = "workflow_run.completed", result: str | None = None
) -> bytes:
    """``status`` is that of the object."""
    resource = {"id": reference, "output": {"name": CANARY}} | ({"result": result} if result else {})
    payload = {
        "resource_type": action.partition(".")[0],
        "action": action,
        "object": {
            "id": reference,
            "status": status,
            "started_at_iso8601": iso(at_ms),
            "completed_at_iso8601": iso(at_ms),
            "href": "https://api.example/v3.6/1",
        },
        "resource": resource,
    }
    return json.dumps({"payload": payload}).encode()


def stripe(body: bytes, sent_ms: int, secret: str = SECRET) -> Webhook:
    """Signed and sent at that time."""
    stamp = f"{sent_ms // 1000}"
    return Webhook({"Stripe-Signature": f"t={stamp},v1={mac(secret, stamp.encode() + b'.' + body)},v0=00"}, body)


def persona(body: bytes, sent_ms: int, secret: str = SECRET) -> Webhook:
    """Signed and sent at that time."""
    stamp = f"{sent_ms // 1000}"
    return Webhook({"Persona-Signature": f"t={stamp},v1={mac(secret, stamp.encode() + b'.' + body)}"}, body)


def veriff(body: bytes, _sent_ms: int, secret: str = SECRET) -> Webhook:
    """Signed; the signature has no time."""
    return Webhook({"x-hmac-signature": mac(secret, body), "x-auth-client": CLIENT}, body)


def onfido(body: bytes, _sent_ms: int, secret: str = SECRET) -> Webhook:
    """Signed; the signature has no time."""
    return Webhook({"X-SHA2-Signature": mac(secret, body)}, body)


@dataclass(frozen=True)
class Vendor:
    """One vendor: how it says what, and how it signs. ``wait_ms`` is how old its webhooks may be."""

    name: str
    sign: Callable[..., Webhook]
    words: dict[Event, Any]
    body: Callable[..., bytes]
    wait_ms: int

    def says(self, reference: str, event: Event, at_ms: int, *event_id: str) -> bytes:
        """The body that says that this happened then. Onfido's has no id of its own."""
        more = event_id if self.name != "onfido" else ()
        return self.body(reference, self.words[event], at_ms, *more)


WEEK_MS = 7 * 86_400_000
VENDORS = (
    Vendor(
        "stripe",
        stripe,
        {Event.APPROVE: "verified", Event.ASK: "requires_input", Event.PROCESS: "processing", Event.CANCEL: "canceled"},
        stripe_body,
        300_000,
    ),
    Vendor(
        "persona",
        persona,
        {
            Event.APPROVE: "approved",
            Event.DECLINE: "declined",
            Event.REVIEW: "marked-for-review",
            Event.EXPIRE: "expired",
            Event.PROCESS: "started",
        },
        persona_body,
        300_000,
    ),
    Vendor(
        "veriff",
        veriff,
        {Event.APPROVE: 9001, Event.DECLINE: 9102, Event.ASK: 9103, Event.EXPIRE: 9104, Event.REVIEW: 9121},
        veriff_body,
        WEEK_MS + 86_400_000,
    ),
    Vendor(
        "onfido",
        onfido,
        {Event.APPROVE: "approved", Event.DECLINE: "declined", Event.REVIEW: "review", Event.EXPIRE: "abandoned"},
        onfido_body,
        WEEK_MS + 86_400_000,
    ),
)
