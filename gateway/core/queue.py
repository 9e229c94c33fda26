"""The queue of held messages: in which order they wait for people, and what people make of them. Pure.

An entry is claimed for a while, resolved by one person or by two, and may be escalated. What was decided is carried out
after a short time in which it can be undone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from classifiers.contract import Value
from gateway.core.holds import Holds
from gateway.core.model import Case, Outcome

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
MOST_COUNTED: Final = 10_000
"""How many of those that wait are counted for a page: it shall not cost more the more there are."""


class Resolution(Value, frozen=True):
    """What a person decided on a held message: ALLOW to release, BLOCK to reject.

    ``code`` is one of the policy's ``release_codes`` or ``reject_codes``, ``at_ms`` unix time in milliseconds. The note
    is for other people here, and kept in the audit chain.
    """

    actor: str
    outcome: Outcome
    code: str
    note: str
    at_ms: int


class Entry(Value, frozen=True):
    """A held message in the queue. Times are unix milliseconds.

    ``category`` is the most urgent one that was found, empty for none; ``due_ms`` is until when somebody should have
    decided. ``eyes`` is how many people must agree to a release. ``first`` is what the first of two decided,
    ``waiting`` a decision that is carried out from ``waiting_ms`` on; since ``taken_ms`` that is under way. ``problem``
    says why the last one could not be.
    """

    message_id: str
    tenant_id: str
    account_id: str
    category: str
    due_ms: int
    eyes: int = 1
    claimed_by: str | None = None
    claimed_until_ms: int = 0
    escalated_by: str | None = None
    escalated_note: str | None = None
    first: Resolution | None = None
    waiting: Resolution | None = None
    waiting_ms: int | None = None
    taken_ms: int | None = None
    problem: str | None = None

    def claimed(self, now_ms: int) -> str | None:
        """Who has it at this moment."""
        return self.claimed_by if now_ms < self.claimed_until_ms else None


class Unresolved(StrEnum):
    """Why something was not done with an entry; nothing was changed."""

    NOT_HELD = "not_held"
    CLAIMED = "claimed"
    DECIDED = "decided"
    SAME_PERSON = "same_person"
    ESCALATED = "escalated"
    NOT_DECIDED = "not_decided"
    CODE = "code"


UNRESOLVED: Final[dict[Unresolved, str]] = {
    Unresolved.NOT_HELD: "message_id: the message is not held, or not any more",
    Unresolved.CLAIMED: "message_id: somebody else is looking at it; take another, or wait until the claim ends",
    Unresolved.DECIDED: "message_id: it was decided on a moment ago",
    Unresolved.SAME_PERSON: "message_id: you were the first to decide on it; somebody else has to be the second",
    Unresolved.ESCALATED: "message_id: it was escalated already; somebody else than who did that decides",
    Unresolved.NOT_DECIDED: "message_id: there is no decision of yours to undo, or it was carried out already",
    Unresolved.CODE: "code: give one of the policy's codes for this decision",
}
"""What each says: the field, and what to do."""


def wrong_code(outcome: Outcome, rules: Holds) -> str:
    """What to do about a code that the policy does not know for this outcome."""
    part = "release_codes" if outcome is Outcome.ALLOW else "reject_codes"
    return f"give one of the policy's holds.{part}: {', '.join(rules.codes(outcome))}"


def enter(message_id: str, tenant_id: str, account_id: str, case: Case, created_ms: int, rules: Holds) -> Entry:
    """The entry of a message that is held.

    It is due when the shortest of its categories' ``hours`` is over, counted from when it came; sooner for a class of
    accounts that many read (``reach``).
    """
    found = [reason.category or "" for reason in case.decision.reasons if reason.outcome is not Outcome.ALLOW] or [""]
    category = min(found, key=rules.hours_of)
    account = case.facts.account
    hours = rules.hours_of(category) * (rules.reach.get(account.account_class, 1.0) if account is not None else 1.0)
    eyes = 2 if takes_two(case, rules) else 1
    return Entry(message_id, tenant_id, account_id, category, created_ms + round(hours * HOUR_MS), eyes)


def takes_two(case: Case, rules: Holds) -> bool:
    """Whether to release a message that is held so takes two people."""
    held = [reason.category for reason in case.decision.reasons if reason.outcome is not Outcome.ALLOW]
    return any(each in rules.four_eyes for each in held)


def claim(entry: Entry, actor: str, rules: Holds, now_ms: int) -> Entry | Unresolved:
    """Let this person have it for the policy's ``claim_minutes``; claimed again, it begins anew."""
    if entry.claimed(now_ms) not in (None, actor):
        return Unresolved.CLAIMED
    return replace(entry, claimed_by=actor, claimed_until_ms=now_ms + round(rules.claim_minutes * MINUTE_MS))


def let_go(entry: Entry, actor: str, now_ms: int) -> Entry | Unresolved:
    """End a claim of this person's, if there is one."""
    if entry.claimed(now_ms) not in (None, actor):
        return Unresolved.CLAIMED
    return replace(entry, claimed_by=None, claimed_until_ms=0)


def escalate(entry: Entry, actor: str, note: str, now_ms: int) -> Entry | Unresolved:
    """Leave it to others: whoever escalates does not decide."""
    if entry.escalated_by is not None:
        return Unresolved.ESCALATED
    if entry.claimed(now_ms) not in (None, actor):
        return Unresolved.CLAIMED
    if _decided(entry, actor):
        return Unresolved.DECIDED
    return replace(
        entry,
        escalated_by=actor,
        escalated_note=note,
        claimed_by=None,
        claimed_until_ms=0,
        waiting=None,
        waiting_ms=None,
        first=None if entry.first is not None and entry.first.actor == actor else entry.first,
    )


def resolve(entry: Entry, resolution: Resolution, rules: Holds, undo_ms: int) -> Entry | Unresolved:
    """What a person's decision makes of an entry: it waits to be carried out, or for a second person.

    A second one who decides otherwise than the first escalates it: then it takes a third. While a decision can still be
    undone, the same person may decide anew; with ``undo_ms`` 0 there is no such while.
    """
    actor, now_ms = resolution.actor, resolution.at_ms
    if resolution.code not in rules.codes(resolution.outcome):
        return Unresolved.CODE
    if entry.claimed(now_ms) not in (None, actor):
        return Unresolved.CLAIMED
    if _decided(entry, actor):
        return Unresolved.DECIDED
    first = entry.first
    if first is not None and first.actor == actor:
        return Unresolved.SAME_PERSON
    if entry.escalated_by == actor:
        return Unresolved.ESCALATED
    fresh = replace(entry, waiting=None, waiting_ms=None, claimed_by=None, claimed_until_ms=0, problem=None)
    if first is None and entry.eyes > 1 and resolution.outcome is Outcome.ALLOW:
        return replace(fresh, first=resolution)
    if first is not None and first.outcome is not resolution.outcome and entry.escalated_by is None:
        return replace(fresh, escalated_by=actor, escalated_note=resolution.note)
    return replace(fresh, waiting=resolution, waiting_ms=now_ms + undo_ms)


def undo(entry: Entry, actor: str) -> Entry | Unresolved:
    """Take back this person's decision that was not carried out yet, be it as the first of two."""
    if entry.waiting is not None and not _decided(entry, actor):
        return replace(entry, waiting=None, waiting_ms=None)
    if entry.first is not None and entry.first.actor == actor and entry.waiting is None:
        return replace(entry, first=None)
    return Unresolved.NOT_DECIDED


def could_not(entry: Entry, problem: str) -> Entry:
    """The entry after its decision could not be carried out; people see why."""
    return replace(entry, waiting=None, waiting_ms=None, taken_ms=None, problem=problem)


def _decided(entry: Entry, actor: str) -> bool:
    """Whether a decision stands that this person cannot change any more."""
    waiting = entry.waiting
    if waiting is None:
        return False
    had_no_undo = entry.waiting_ms is None or entry.waiting_ms <= waiting.at_ms  # it is carried out at this moment
    return waiting.actor != actor or entry.taken_ms is not None or had_no_undo


class Step(StrEnum):
    """What became of an entry, as its audit row names it. Claims leave no row."""

    ESCALATE = "EscalateHold"
    FIRST = "AgreeFirst"
    DECIDE = "DecideHold"
    DISAGREE = "DisagreeHold"
    UNDO = "UndoHold"


def step_of(after: Entry, resolution: Resolution) -> Step:
    """What a decision has made of an entry."""
    if after.waiting == resolution:
        return Step.DECIDE
    return Step.FIRST if after.first == resolution else Step.DISAGREE


def noted(entry: Entry) -> str:
    """The note under which the waiting decision is carried out: the first person's part in it is told, too."""
    waiting, first = entry.waiting, entry.first
    if waiting is None or first is None:
        return waiting.note if waiting is not None else ""
    how = "agreed with" if first.outcome is waiting.outcome else "otherwise than"
    return f"{waiting.note} ({how} {first.actor}: {first.note})"
