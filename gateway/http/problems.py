"""Errors as problem details (RFC 9457), and every refusal's status in one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, assert_never

import orjson

from gateway.core.personal_acts import UNKEPT_WORDING, Unkept
from gateway.core.registration import Refused, worded
from gateway.publish import Refusal

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, before anything of ASGI."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(eq=False)
class Problem(Exception):
    """A problem that ends a request. ``code`` is stable and for programs, ``detail`` for people."""

    status: int
    code: str
    detail: str
    extra: dict[str, Any] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self) -> Answer:
        """The problem as a response."""
        return Answer(self.status, orjson.dumps(self.body()), CONTENT_TYPE, self.headers)

    def body(self) -> dict[str, Any]:
        """The members of the problem details object."""
        return {
            "type": f"urn:moderation-gateway:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }


RETRY_SOON = (("Retry-After", "1"),)


def bad_fields(problems: Sequence[tuple[str, str]], status: int = 400, code: str = "bad_body") -> Problem:
    """The problem of fields that cannot be as they are given: each with what to do about it."""
    detail = "; ".join([f"{name}: {message}" for name, message in problems])
    errors = [{"field": name, "message": message} for name, message in problems]
    return Problem(status, code, detail, {"errors": errors})


def refused(reason: Refused, until_ms: int | None = None) -> Problem:
    """The problem that a refused act on an account is answered with; ``until_ms`` is how long it stands, if it ends."""
    name, _, message = worded(reason, until_ms).partition(": ")
    named = [(name, message)]
    match reason:
        case Refused.ACCOUNT_UNKNOWN:
            return bad_fields(named, 404, reason)
        case Refused.ACCOUNT_ID | Refused.REGISTRANT_UNKNOWN | Refused.TERM_NOT_LATER:
            return bad_fields(named, 422, reason)
        case (
            Refused.ACCOUNT_EXISTS
            | Refused.ACCOUNT_CLOSED
            | Refused.ACCOUNT_ACTIVE
            | Refused.CLOSED_BY_SANCTION
            | Refused.REGISTRANT_ERASED
            | Refused.REGISTRANT_BARRED
            | Refused.NAME_BARRED
            | Refused.TOO_MANY_ACCOUNTS
            | Refused.RENEWAL_SUSPENDED
            | Refused.TERM_ENDLESS
            | Refused.NOT_PROPOSED
            | Refused.SAME_PERSON
        ):
            return bad_fields(named, 409, reason)
        case _:
            assert_never(reason)


def unkept(reason: Unkept) -> Problem:
    """The problem that a refused act on personal data is answered with."""
    name, colon, message = UNKEPT_WORDING[reason].partition(": ")
    named = [(name, message) if colon else ("personal", name)]
    match reason:
        case Unkept.REGISTRANT_UNKNOWN | Unkept.NOTHING_KEPT:
            return bad_fields(named, 404, reason)
        case Unkept.REASON_MISSING | Unkept.REASON_QUOTES:
            return bad_fields(named, 422, reason)
        case (
            Unkept.REGISTRANT_EXISTS
            | Unkept.REGISTRANT_ERASED
            | Unkept.REGISTRANT_BARRED
            | Unkept.IDENTIFIER_TAKEN
            | Unkept.ACCOUNTS_OPEN
            | Unkept.MESSAGES_WAIT
        ):
            return bad_fields(named, 409, reason)
        case _:
            assert_never(reason)


def refusal(reason: Refusal) -> Problem:
    """The problem that a refused request is answered with."""
    match reason:
        case Refusal.OVERLOADED:
            return Problem(429, reason, "Too many requests are being worked on; try again.", headers=RETRY_SOON)
        case Refusal.STORE_UNAVAILABLE:
            detail = "The decision may not be recorded, and nothing was forwarded; try again under the same key."
            return Problem(503, reason, detail, headers=RETRY_SOON)
        case Refusal.KEY_REUSED:
            detail = "Idempotency-Key: it was used for another request; use a new key for a new request."
            return Problem(422, reason, detail)
        case Refusal.KEY_IN_FLIGHT:
            detail = "Idempotency-Key: the first request with it is still being worked on; try again."
            return Problem(409, reason, detail, headers=RETRY_SOON)
        case Refusal.HOLDS_FULL:
            detail = (
                "This message would be held, and too many of this application's wait already, so nothing was recorded; "
                "have people decide on some, or raise GATEWAY_HOLDS__NUMBER or GATEWAY_HOLDS__BYTES."
            )
            return Problem(429, reason, detail, headers=(("Retry-After", "60"),))
        case _:
            assert_never(reason)
