"""Errors as problem details (RFC 9457), and every refusal's status in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, assert_never

import orjson

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


def refusal(reason: Refusal) -> Problem:
    """The problem that a refused request is answered with."""
    match reason:
        case Refusal.OVERLOADED:
            return Problem(429, reason, "Too many requests are being worked on; try again.", headers=RETRY_SOON)
        case Refusal.STORE_UNAVAILABLE:
            detail = "The decision may not be recorded, and nothing was forwarded; try again under the same key."
            return Problem(503, reason, detail, headers=RETRY_SOON)
        case Refusal.ACCOUNT_ELSEWHERE:
            return Problem(404, reason, "account_id: this application has no such account.")
        case Refusal.KEY_REUSED:
            detail = "Idempotency-Key: it was used for another request; use a new key for a new request."
            return Problem(422, reason, detail)
        case Refusal.KEY_IN_FLIGHT:
            detail = "Idempotency-Key: the first request with it is still being worked on; try again."
            return Problem(409, reason, detail, headers=RETRY_SOON)
        case _:
            assert_never(reason)
