"""The life of one verification, as a table, and what the verifications of a registrant amount to.

A verification is one attempt to prove who a registrant is. It ends verified, declined, expired or canceled; what is
done afterwards (a renewal, a new name) is another verification. "Not found" asks for better particulars, it does not
say that they are wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from classifiers.contract import Value
from gateway.core.model import VerificationState as State


class VerificationEvent(StrEnum):
    """What can happen to a verification."""

    SUBMIT = "submit"
    """The particulars went to the verifier."""
    PROCESS = "process"
    """The verifier works on them."""
    APPROVE = "approve"
    """They match, or a person confirmed them."""
    DECLINE = "decline"
    """They do not match, or a person refused them."""
    ASK = "ask"
    """Not found, unreadable, incomplete: the registrant has to send more."""
    REVIEW = "review"
    """The verifier leaves it to a person."""
    EXPIRE = "expire"
    """Time ran out, for the attempt or for what it had proved."""
    CANCEL = "cancel"
    """Given up, or overtaken by a change of name, owner or document."""
    REDACT = "redact"
    """The registrant was erased."""


_OPEN: Final = (State.CREATED, State.PENDING, State.PROCESSING, State.NEEDS_INPUT, State.REVIEW)
_WITH_VERIFIER: Final = (State.PENDING, State.PROCESSING, State.NEEDS_INPUT, State.REVIEW)

OPEN: Final = frozenset(_OPEN)
"""The states of a verification that has not ended."""

TABLE: Final[dict[tuple[State, VerificationEvent], State]] = {
    (State.CREATED, VerificationEvent.SUBMIT): State.PENDING,
    (State.NEEDS_INPUT, VerificationEvent.SUBMIT): State.PENDING,
    (State.PENDING, VerificationEvent.PROCESS): State.PROCESSING,
    (State.NEEDS_INPUT, VerificationEvent.PROCESS): State.PROCESSING,
    (State.PENDING, VerificationEvent.REVIEW): State.REVIEW,
    (State.PROCESSING, VerificationEvent.REVIEW): State.REVIEW,
    (State.NEEDS_INPUT, VerificationEvent.REVIEW): State.REVIEW,
    (State.PENDING, VerificationEvent.ASK): State.NEEDS_INPUT,
    (State.PROCESSING, VerificationEvent.ASK): State.NEEDS_INPUT,
    (State.REVIEW, VerificationEvent.ASK): State.NEEDS_INPUT,
    **{(state, VerificationEvent.APPROVE): State.VERIFIED for state in _WITH_VERIFIER},
    **{(state, VerificationEvent.DECLINE): State.DECLINED for state in _WITH_VERIFIER},
    **{(state, VerificationEvent.EXPIRE): State.EXPIRED for state in (*_OPEN, State.VERIFIED)},
    **{(state, VerificationEvent.CANCEL): State.CANCELED for state in (*_OPEN, State.VERIFIED)},
    **{(state, VerificationEvent.REDACT): State.REDACTED for state in State if state is not State.REDACTED},
}
"""Which state an event leads to. What is not in the table is impossible, and changes nothing."""


def after(state: State, event: VerificationEvent) -> State | None:
    """The state that follows; None when this event is impossible in this state."""
    return TABLE.get((state, event))


class Verdict(Value, frozen=True):
    """What one reviewer said of a verification; ``at_ms`` is unix time in milliseconds."""

    reviewer: str
    approve: bool
    at_ms: int


class Verification(Value, frozen=True):
    """One attempt to prove who a registrant is, without personal data.

    ``reference`` is the provider's id for it. ``framework`` and ``level`` are as the verifier gives them, never
    converted. ``event_ms`` is the time of the newest event that was applied, by the clock of who sent it; what is older
    is late, and changes nothing. ``expires_at`` is when what it proved ends, None for never. Times are unix
    milliseconds.
    """

    verification_id: str
    registrant_id: str
    provider: str
    state: State
    created_ms: int
    event_ms: int
    reference: str | None = None
    framework: str | None = None
    level: str | None = None
    expires_at: int | None = None
    verdicts: tuple[Verdict, ...] = ()


class Proof(Value, frozen=True):
    """What a registrant's verifications amount to: the fields of `gateway.core.model.Registrant`."""

    state: State
    framework: str | None = None
    level: str | None = None
    expires_at: int | None = None


def proof(verifications: Sequence[Verification], at_ms: int) -> Proof:
    """What these verifications of one registrant amount to at a moment.

    A verification that holds stands while the next one is under way, so that renewing ahead of time interrupts
    nothing; one that was declined after it ends it. Otherwise the newest says how far the review has come.
    """
    if not verifications:
        return Proof(State.CREATED)
    settled = [one for one in verifications if one.state in (State.VERIFIED, State.DECLINED)]
    last = max(settled, key=lambda one: (one.event_ms, one.created_ms), default=None)
    if last is not None and last.state is State.VERIFIED and (last.expires_at is None or at_ms < last.expires_at):
        return Proof(State.VERIFIED, last.framework, last.level, last.expires_at)
    newest = max(verifications, key=lambda one: (one.created_ms, one.verification_id))
    if newest.state is State.VERIFIED:
        return Proof(State.EXPIRED, newest.framework, newest.level, newest.expires_at)
    return Proof(newest.state)
