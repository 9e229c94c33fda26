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
_SETTLED: Final = (State.VERIFIED, State.DECLINED)

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


def repeats(new: Verification, there: Verification) -> bool:
    """Whether beginning ``new`` would repeat what is ``there`` for the same registrant: the same session of a provider,
    or, where there are no sessions, one that the same provider has not ended."""
    if new.provider != there.provider or new.reference != there.reference:
        return False
    return new.reference is not None or there.state in OPEN


def stands(one: Proof | Verification, at_ms: int) -> bool:
    """Whether it proves something at a moment."""
    return one.state is State.VERIFIED and (one.expires_at is None or at_ms < one.expires_at)


def proof(verifications: Sequence[Verification], at_ms: int) -> Proof:
    """What these verifications of one registrant amount to at a moment.

    A verification that holds stands while the next one is under way, so that renewing ahead of time interrupts
    nothing; one that was begun after it and declined ends it. Otherwise the newest says how far the review has come.
    """
    if not verifications:
        return Proof(State.CREATED)
    # Not before it was begun here, whatever the provider's clock says.
    proved_ms = max((max(one.event_ms, one.created_ms) for one in verifications if stands(one, at_ms)), default=0)
    settled = [one for one in verifications if one.state in _SETTLED and not _left_over(one, proved_ms)]
    last = max(settled, key=lambda one: (one.event_ms, one.created_ms), default=None)
    if last is not None and stands(last, at_ms):
        return _proof_of(last)
    newest = max(verifications, key=lambda one: (one.created_ms, one.verification_id))
    if newest.state is State.VERIFIED:
        return Proof(State.EXPIRED, newest.framework, newest.level, newest.expires_at)
    return Proof(newest.state)


def proof_after(
    held: Proof, was: Verification | None, now: Verification, others: Sequence[Verification], at_ms: int
) -> Proof:
    """What a registrant amounts to once one of its verifications, which ``was`` something else or not there, is as it
    is ``now``; ``others`` are its other verifications.

    ``held`` is what the registrant amounted to before, which may come from elsewhere (imported, or put by an
    administrator) and overrules what stands here. So only an approval raises it, a step that settles nothing leaves a
    proof that stands as it is, and a proof that ends ends what it had proved itself only.
    """
    if was is not None and was.state is State.VERIFIED and now.state is not State.VERIFIED:
        return proof([*others, now], at_ms) if held == _proof_of(was) else held
    if now.state is State.VERIFIED:
        return proof([*others, now], at_ms)
    if stands(held, at_ms):
        declined = proof([*others, now], at_ms) if now.state is State.DECLINED else held
        return held if stands(declined, at_ms) else declined
    counting = [one for one in others if not stands(one, at_ms)]
    if now.state is State.CANCELED and counting:  # as if it had never been begun
        return proof(counting, at_ms)
    return proof([*counting, now], at_ms)


def _left_over(one: Verification, proved_ms: int) -> bool:
    """Whether it was declined, but begun before what stands was proved: then another attempt has answered it."""
    return one.state is State.DECLINED and one.created_ms < proved_ms


def _proof_of(one: Verification) -> Proof:
    return Proof(one.state, one.framework, one.level, one.expires_at)
