"""Sanctions as they are kept: what was proposed, imposed, declined or lifted, by whom; and who may do which of it.

`gateway.core.sanctions` judges what those in force mean for a publish request.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec.structs import replace

from classifiers.contract import Value
from gateway.core.ladder import ends_ms
from gateway.core.ladder_rules import Ladder, Step
from gateway.core.model import Account, AccountState, Degree, Suspension
from gateway.core.registration import is_same_person


class SanctionState(StrEnum):
    """Where a sanction is."""

    PROPOSED = "proposed"
    """It waits for people's agreement, and has no effect."""
    IN_FORCE = "in_force"
    DECLINED = "declined"
    LIFTED = "lifted"
    ENDED = "ended"
    """Its time is over."""


class Phase(StrEnum):
    """What people look for sanctions by."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    OVER = "over"
    """Declined, lifted, or ended by time."""


class Why(StrEnum):
    """Where a sanction comes from."""

    LADDER = "ladder"
    PERSON = "person"
    APPEAL = "appeal"
    """It stands in the place of a stricter one that fell."""


class Waits(StrEnum):
    """Why a sanction was only proposed."""

    DEGREE = "degree"
    """Its degree is never automatic, or takes more than one person."""
    QUOTA = "quota"
    """The tenant's daily quota of automatic sanctions was used up."""
    PEOPLE = "people"
    """A person proposed it, and its degree takes more than one."""


class SanctionRecord(Value, frozen=True):
    """A sanction, or the proposal of one. Times are unix milliseconds.

    ``also`` are degrees that go with it for the same time. ``starts_ms`` is None until it is in force, ``ends_ms`` None
    for no end. ``incident_id`` is what it comes of, where it is the ladder's. ``agreed`` are those who agreed to it, in
    order; ``decided_by`` who declined or lifted it. ``reason`` is a person's. ``account_before`` is the state that its
    closing found the account in. ``fell``: it fell because another incident turned out to be none.
    """

    sanction_id: str
    tenant_id: str
    account_id: str
    degree: Degree
    state: SanctionState
    created_ms: int
    why: Why
    also: tuple[Degree, ...] = ()
    days: int | None = None
    starts_ms: int | None = None
    ends_ms: int | None = None
    category: str | None = None
    incident_id: str | None = None
    message_id: str | None = None
    automatic: bool = False
    waits: Waits | None = None
    reason: str = ""
    agreed: tuple[str, ...] = ()
    decided_by: str | None = None
    decided_ms: int | None = None
    policy_version: str = ""
    account_before: AccountState | None = None
    fell: bool = False


class Order(Value, frozen=True):
    """What a person wants to impose. Without ``days`` a warning stands as long as an incident of its category counts,
    anything else until it is lifted."""

    account_id: str
    degree: Degree
    days: int | None = None
    category: str | None = None
    message_id: str | None = None


class SanctionRefused(StrEnum):
    """Why an act on a sanction was not carried out; nothing was changed."""

    SANCTION_UNKNOWN = "sanction_unknown"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_CLOSED = "account_closed"
    MESSAGE_UNKNOWN = "message_unknown"
    DAYS_IMPOSSIBLE = "days_impossible"
    CLOSE_WAITS = "close_waits"
    NOT_PROPOSED = "not_proposed"
    NOT_IN_FORCE = "not_in_force"
    SAME_PERSON = "same_person"


REFUSED_WORDING: Final[dict[SanctionRefused, str]] = {
    SanctionRefused.SANCTION_UNKNOWN: "sanction_id: there is no such sanction",
    SanctionRefused.ACCOUNT_UNKNOWN: "account_id: there is no such account",
    SanctionRefused.ACCOUNT_CLOSED: "account_id: the account is closed; nothing but close can be imposed on it",
    SanctionRefused.MESSAGE_UNKNOWN: "message_id: there is no such message of this account",
    SanctionRefused.DAYS_IMPOSSIBLE: "days: a closed account stays closed; leave the days out",
    SanctionRefused.CLOSE_WAITS: "account_id: its closing is proposed or in force already; agree to it, or lift it",
    SanctionRefused.NOT_PROPOSED: "sanction_id: it waits for nobody's agreement; it was decided on before",
    SanctionRefused.NOT_IN_FORCE: "sanction_id: it is not in force, so there is nothing to lift",
    SanctionRefused.SAME_PERSON: "sanction_id: you agreed to it before; another person has to",
}
"""What each refusal says: the field, and what to do."""


def waits_for(step: Step, used: int, rules: Ladder) -> Waits | None:
    """Why the ladder's step is only proposed; None where it is imposed at once. ``used`` is how many sanctions of the
    tenant were imposed automatically in the last 24 hours."""
    if not rules.is_automatic(step) or rules.needed(step.degree) > 1:
        return Waits.DEGREE
    return Waits.QUOTA if used >= rules.daily_quota else None


def check_order(order: Order, account: AccountState | None, *, close_stands: bool) -> SanctionRefused | None:
    """Why a person's sanction cannot be, if it cannot. ``close_stands``: a closing is proposed or in force."""
    if account is None:
        return SanctionRefused.ACCOUNT_UNKNOWN
    if order.degree is not Degree.CLOSE:
        return SanctionRefused.ACCOUNT_CLOSED if account is AccountState.CLOSED else None
    if order.days is not None:
        return SanctionRefused.DAYS_IMPOSSIBLE
    return SanctionRefused.CLOSE_WAITS if close_stands else None


def same_order(record: SanctionRecord, order: Order, actor: str, reason: str) -> bool:
    """Whether a sanction is what a person asks for again, because the first answer was lost."""
    asked = (order.account_id, order.degree, order.days, order.category, order.message_id)
    had = (record.account_id, record.degree, record.days, record.category, record.message_id)
    stands = record.state in (SanctionState.PROPOSED, SanctionState.IN_FORCE)
    return (
        stands
        and record.why is Why.PERSON
        and had == asked
        and record.agreed[:1] == (actor,)
        and record.reason == reason
    )


def agree(record: SanctionRecord, actor: str, rules: Ladder, at_ms: int) -> SanctionRecord | SanctionRefused:
    """The sanction when one more person agrees: in force once they are enough. One that is in force already because
    this person agreed stays as it is."""
    known = has_agreed(record, actor)
    if record.state is SanctionState.IN_FORCE and known:
        return record
    if record.state is not SanctionState.PROPOSED:
        return SanctionRefused.NOT_PROPOSED
    if known:
        return SanctionRefused.SAME_PERSON
    agreed = replace(record, agreed=(*record.agreed, actor))
    return in_force(agreed, rules, at_ms) if len(agreed.agreed) >= rules.needed(record.degree) else agreed


def has_agreed(record: SanctionRecord, actor: str) -> bool:
    """Whether a person agreed to a sanction before. People are compared without regard to case and spaces around their
    names."""
    return any(is_same_person(actor, each) for each in record.agreed)


def in_force(record: SanctionRecord, rules: Ladder, at_ms: int) -> SanctionRecord:
    """The sanction as it is in force from a moment on."""
    ends = ends_ms(record.degree, record.days, at_ms, rules.decay_ms(record.category or ""))
    return replace(record, state=SanctionState.IN_FORCE, starts_ms=at_ms, ends_ms=ends)


def decline(record: SanctionRecord, actor: str, at_ms: int) -> SanctionRecord | SanctionRefused:
    """The proposal when a person declines it."""
    if record.state is SanctionState.DECLINED and record.decided_by == actor:
        return record
    if record.state is not SanctionState.PROPOSED:
        return SanctionRefused.NOT_PROPOSED
    return replace(record, state=SanctionState.DECLINED, decided_by=actor, decided_ms=at_ms)


def lift(record: SanctionRecord, actor: str, at_ms: int) -> SanctionRecord | SanctionRefused:
    """The sanction when a person lifts it."""
    if record.state is SanctionState.LIFTED and record.decided_by == actor:
        return record
    if record.state is not SanctionState.IN_FORCE:
        return SanctionRefused.NOT_IN_FORCE
    return replace(record, state=SanctionState.LIFTED, decided_by=actor, decided_ms=at_ms)


def seen_at(record: SanctionRecord, at_ms: int) -> SanctionRecord:
    """The sanction as it is at a moment: one whose time is over has ended, without anybody's doing."""
    over = record.state is SanctionState.IN_FORCE and record.ends_ms is not None and record.ends_ms <= at_ms
    return replace(record, state=SanctionState.ENDED) if over else record


def act_fields(record: SanctionRecord, meaning: Suspension, why: Why | None = None) -> dict[str, object]:
    """What the audit row of an act says of a sanction. ``why`` is the act's own ground, where that is another;
    ``meaning`` is what the degree ``suspend_renewal`` suspends, and told where that is not the renewal."""
    fields: dict[str, object] = {
        "account_id": record.account_id,
        "sanction_id": record.sanction_id,
        "degree": record.degree,
        "also": record.also,
        "days": record.days,
        "starts_ms": record.starts_ms,
        "ends_ms": record.ends_ms,
        "category": record.category,
        "incident_id": record.incident_id,
        "message_id": record.message_id,
        "automatic": record.automatic,
        "why": why or record.why,
        "waits": record.waits,
        "policy_version": record.policy_version,
    }
    if meaning is Suspension.UPDATES and Degree.SUSPEND_RENEWAL in (record.degree, *record.also):
        fields["suspends"] = meaning
    return fields


def state_after_lift(record: SanctionRecord, account: Account) -> AccountState | None:
    """The state that an account goes back to when its closing is lifted; None where it stays as it is: somebody
    reopened it meanwhile, or it was closed before, or its registrant was erased, and nobody would stand behind it."""
    if record.account_before is None or account.state is not AccountState.CLOSED:
        return None
    erased = account.registrant is not None and account.registrant.state == "redacted"
    return None if erased or record.account_before is AccountState.CLOSED else record.account_before
