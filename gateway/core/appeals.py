"""Appeals against restrictions (Regulation (EU) 2022/2065, the Digital Services Act, article 20): who may make one,
until when, who may decide it, and what is said of it. Pure.

An appeal is free, may be made for at least six months, and is decided by a person, never by automated means alone; the
person is one who had no part in what is appealed against.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from pydantic import Field

from classifiers.contract import Value
from gateway.core.model import MessageState
from gateway.core.policy_part import Part
from gateway.core.statement import Lifted, Statement
from gateway.core.takedowns import WISHED_DOWN, Takedown, TakedownState

TEXT_LIMIT: Final = 5_000
"""Characters of an appeal."""
NOTE_LIMIT: Final = 2_000
"""Characters of what the author is told with the outcome."""

DAY_MS: Final = 86_400_000

MACHINES: Final = frozenset({"gateway", "queue", "recovery", "policy", "author", "app"})
"""Actors of audit rows that are no persons who decide."""


class AppealPolicy(Part):
    """Appeals: for how many ``days`` one may be made (article 20(1) asks for six months), within how many
    ``decide_days`` a person should decide it, and for how many ``text_days`` after that its text is kept. The request
    of a blocked message is kept for ``days`` too, so that it can still be published."""

    days: int = Field(184, ge=30, le=3_660)
    decide_days: int = Field(7, ge=1, le=366)
    text_days: int = Field(184, ge=1, le=3_660)


class AppealState(StrEnum):
    """Where an appeal is."""

    OPEN = "open"
    UPHELD = "upheld"
    """The restriction stays."""
    REVERSED = "reversed"
    """The appeal was granted: the restriction is lifted."""


class Restored(StrEnum):
    """What becomes of the message of a granted appeal."""

    QUEUED = "queued"
    """It is published by the gateway."""
    RELEASED = "released"
    """Its app, which forwards by itself, may publish it."""
    GONE = "gone"
    """Its request is not kept any more: the author has to publish it again."""
    NOTHING = "nothing"
    """There is no message to publish, or it is published, or others see to it (a message that was taken down)."""


class Became(StrEnum):
    """Where the message of a granted appeal is now, as its author is told."""

    PUBLISHING = "publishing"
    PUBLISHED = "published"
    RELEASED = "released"
    """Its app may publish it."""
    WAITS = "waits"
    """A person has to say whether it is published."""
    FAILED = "failed"
    """It was not published after all."""
    GONE = "gone"
    """See `Restored.GONE`."""
    REMOVED = "removed"
    """It was taken down after the decision."""


class Appeal(Value, frozen=True):
    """A complaint against one restriction. Times are unix milliseconds; by ``due_ms`` somebody should have decided.

    ``text`` is the author's, None where it was erased or cannot be opened; ``note`` is what the author is told with the
    outcome; both are kept ``sealed`` where there is a key for it. ``language`` is the author's. Both texts may be
    personal data, and stand in no audit row.
    """

    appeal_id: str
    tenant_id: str
    account_id: str
    statement_id: str
    state: AppealState
    language: str
    made_ms: int
    due_ms: int
    message_id: str | None = None
    sanction_id: str | None = None
    text: str | None = None
    decided_ms: int | None = None
    decided_by: str | None = None
    note: str | None = None
    restored: Restored | None = None
    sealed: bool = False


class Unappealable(StrEnum):
    """Why an appeal is not taken."""

    STATEMENT_UNKNOWN = "statement_unknown"
    TOO_LATE = "appeal_too_late"
    LIFTED = "restriction_lifted"
    SUPERSEDED = "restriction_superseded"
    EXISTS = "appeal_exists"


UNAPPEALABLE: Final = {
    Unappealable.STATEMENT_UNKNOWN: "statement_id: there is no such statement",
    Unappealable.TOO_LATE: "statement_id: the time for an appeal against this restriction is over",
    Unappealable.LIFTED: "statement_id: this restriction was lifted, so there is nothing to appeal against",
    Unappealable.SUPERSEDED: (
        "statement_id: another restriction took the place of this one; appeal against the message's newest statement"
    ),
    Unappealable.EXISTS: "statement_id: there is an appeal against this restriction; it is decided once",
}


class Undecidable(StrEnum):
    """Why a decision on an appeal is not taken."""

    APPEAL_UNKNOWN = "appeal_unknown"
    DECIDED = "appeal_decided"
    INVOLVED = "reviewer_involved"
    MACHINE = "reviewer_machine"
    TWO_PEOPLE = "two_people"


UNDECIDABLE: Final = {
    Undecidable.APPEAL_UNKNOWN: "appeal_id: there is no such appeal",
    Undecidable.DECIDED: "appeal_id: it was decided already",
    Undecidable.INVOLVED: "You had a part in what is appealed against; somebody else has to decide (article 20(6)).",
    Undecidable.TWO_PEOPLE: (
        "outcome: the message is held still, and its release takes two people; decide on it in the queue, and on the "
        "appeal then"
    ),
    Undecidable.MACHINE: "An appeal is decided by a person, who is named (article 20(6)).",
}


def until_ms(statement: Statement, policy: AppealPolicy) -> int:
    """Until when (unix ms, exclusive) an appeal may be made: it is counted from when the author could know."""
    return statement.starts_ms + policy.days * DAY_MS


def unappealable(statement: Statement, policy: AppealPolicy, now_ms: int) -> Unappealable | None:
    """Why nobody may appeal against this restriction now; None if one may. One that ended because its time was over can
    be appealed against: it may still count against the account."""
    if statement.lifted is Lifted.SUPERSEDED:
        return Unappealable.SUPERSEDED
    if statement.lifted_ms is not None:
        return Unappealable.LIFTED
    return Unappealable.TOO_LATE if now_ms >= until_ms(statement, policy) else None


def may_decide(reviewer: str, involved: Collection[str]) -> Undecidable | None:
    """Why this person may not decide an appeal; ``involved`` had a part in what is appealed against."""
    name = reviewer.strip().casefold()
    if name in MACHINES:
        return Undecidable.MACHINE
    return Undecidable.INVOLVED if name in {each.strip().casefold() for each in involved} else None


def persons(actors: Collection[str]) -> set[str]:
    """Those of these actors who are persons."""
    return {actor for actor in actors if actor.strip().casefold() not in MACHINES}


def restored_as(state: MessageState, forwards: bool, has_request: bool) -> Restored:
    """What a granted appeal makes of a message in this state."""
    if state not in (MessageState.HELD, MessageState.BLOCKED, MessageState.REJECTED):
        return Restored.NOTHING
    if not forwards:
        return Restored.RELEASED
    return Restored.QUEUED if has_request else Restored.GONE


def became(appeal: Appeal, state: MessageState | None, takedown: Takedown | None) -> Became | None:
    """Where the message of an appeal is now, by its state and by its takedown; None where there is nothing to say: the
    appeal was not granted, it is about no message, or the message is not kept."""
    if appeal.state is not AppealState.REVERSED or appeal.message_id is None or state is None:
        return None
    if appeal.restored is Restored.GONE:
        return Became.GONE
    if takedown is not None:
        if takedown.state in WISHED_DOWN:
            # What the appeal was against is put back a moment later.
            return Became.REMOVED if takedown.asked_ms > (appeal.decided_ms or 0) else Became.PUBLISHING
        if takedown.state in _PUT_BACK:
            return _PUT_BACK[takedown.state]
    return _BECAME[state]


_PUT_BACK: Final = {TakedownState.RESTORE_DUE: Became.PUBLISHING, TakedownState.RESTORE_FAILED: Became.FAILED}
_BECAME: Final = {
    MessageState.DECIDED: Became.RELEASED,
    MessageState.RELEASED: Became.RELEASED,
    MessageState.QUEUED: Became.PUBLISHING,
    MessageState.FORWARDING: Became.PUBLISHING,
    MessageState.PUBLISHED: Became.PUBLISHED,
    MessageState.UNKNOWN: Became.WAITS,
    MessageState.HELD: Became.WAITS,
    MessageState.REFUSED: Became.FAILED,
    MessageState.RELEASE_FAILED: Became.FAILED,
    MessageState.FAILED: Became.FAILED,
    MessageState.REJECTED: Became.FAILED,
    MessageState.BLOCKED: Became.FAILED,
}
