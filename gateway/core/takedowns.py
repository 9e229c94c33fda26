"""Taking down what was published, and putting it back: the states of one message's, and what each wish makes of them.

due -> done -> restore_due -> restored
   |-> failed ---^        '-> restore_failed
   '-> cancelled          (and due again, from each but due and done)
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from classifiers.contract import Value
from gateway.core.model import MessageState
from gateway.core.takedown_problems import COMPLETE, TakedownProblem, said


class TakedownState(StrEnum):
    """How far a message's being taken down, or restored, has come."""

    DUE = "due"
    """The platform, or the app, is to be told to remove it."""
    DONE = "done"
    """It confirmed that it is not there any more."""
    FAILED = "failed"
    """Given up: a person has to remove it."""
    CANCELLED = "cancelled"
    """The wish ended before anybody was told; it was never taken down."""
    RESTORE_DUE = "restore_due"
    """The app is to be told to put it back."""
    RESTORED = "restored"
    """It confirmed that it is there again."""
    RESTORE_FAILED = "restore_failed"
    """Given up: a person, or its author, has to put it back."""


WAITING: Final = frozenset({TakedownState.DUE, TakedownState.RESTORE_DUE})
"""The states in which something is still to be done by the gateway."""

FAILED: Final = frozenset({TakedownState.FAILED, TakedownState.RESTORE_FAILED})
"""The states in which a person has to do what the gateway could not."""

WISHED_DOWN: Final = frozenset({TakedownState.DUE, TakedownState.DONE, TakedownState.FAILED})
"""The states that a wish to take it down leads to; to the others, one to put it back."""

PUBLIC: Final = frozenset({MessageState.PUBLISHED, MessageState.UNKNOWN, MessageState.DECIDED, MessageState.RELEASED})
"""Where readers may see a message: the upstream has it, may have it, or the app publishes by itself what it was allowed
to."""


UNDER_WAY: Final = frozenset({MessageState.QUEUED, MessageState.FORWARDING})
"""Where readers are about to see a message: it is taken down once it is there."""


class TakedownRefused(StrEnum):
    """Why nothing is taken down, or put back."""

    MESSAGE_UNKNOWN = "message_unknown"
    NOT_PUBLIC = "message_not_published"
    NOT_TAKEN_DOWN = "message_not_taken_down"


WORDING: Final[dict[TakedownRefused, str]] = {
    TakedownRefused.MESSAGE_UNKNOWN: "message_id: this tenant has no such message.",
    TakedownRefused.NOT_PUBLIC: (
        "message_id: only what was published can be taken down, or what may have been; a message on hold is rejected "
        "instead, and of any other nothing is public."
    ),
    TakedownRefused.NOT_TAKEN_DOWN: "message_id: it was not taken down, so there is nothing to put back.",
}
"""What a person is told of each."""


class Takedown(Value, frozen=True):
    """One message's. ``category`` is empty where none was named; ``source`` says whose wish it was (report,
    trusted_flagger, own; appeal for a restoring); ``reason`` is what the app is told. ``asked_ms`` is when the present
    wish was made and ``at_ms`` when the state was reached (unix ms); ``problem`` what went wrong last."""

    message_id: str
    tenant_id: str
    account_id: str
    content_hash: str
    state: TakedownState
    category: str
    source: str
    reason: str
    attempts: int
    asked_ms: int
    at_ms: int
    problem: TakedownProblem | None = None

    @property
    def by_hand(self) -> bool:
        """Whether it has to be said beside the problem that a person does it."""
        return self.problem is not None and self.state in FAILED and self.problem.code not in COMPLETE


def told(takedown: Takedown) -> str | None:
    """What went wrong last and, where the gateway has given up, what a person has to do, in English."""
    if takedown.problem is None:
        return None
    act = "remove it" if takedown.state is TakedownState.FAILED else "put it back"
    return f"{act} by hand: {said(takedown.problem)}" if takedown.by_hand else said(takedown.problem)


def down(state: TakedownState | None) -> TakedownState | None:
    """Where a wish to take it down leads from here; None when it changes nothing."""
    return None if state in (TakedownState.DUE, TakedownState.DONE) else TakedownState.DUE


def back(state: TakedownState, attempts: int) -> TakedownState | None:
    """Where a wish to put it back leads from here; None when it changes nothing.

    After an attempt nobody can say that it is still there, so the app is told, whatever came of the attempt.
    """
    match state:
        case TakedownState.DUE if attempts == 0:
            return TakedownState.CANCELLED
        case TakedownState.DUE | TakedownState.DONE | TakedownState.FAILED | TakedownState.RESTORE_FAILED:
            return TakedownState.RESTORE_DUE
        case TakedownState.CANCELLED | TakedownState.RESTORE_DUE | TakedownState.RESTORED:
            return None
