"""Acts on accounts: what each needs, and what comes of it. Pure: the register looks up what is around, and writes.

A closed account's name may not be registered again for a time; nor its registrant, where it was closed for a violation.
"""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum
from typing import Final, assert_never

import msgspec
from msgspec.structs import replace

from classifiers.contract import Value
from gateway.core.lookalikes import INVISIBLE, LATIN
from gateway.core.model import (
    STANDARD,
    STRANGER,
    Account,
    AccountState,
    Degree,
    Registrant,
    Suspension,
    VerificationState,
)
from gateway.core.policy import Registration
from gateway.core.shown import written

DAY_MS: Final = 86_400_000


class By(Value, frozen=True):
    """Who does something, and why; both are kept in the audit chain, so neither may name a registrant."""

    actor: str
    reason: str = ""


class CreateAccount(Value, frozen=True):
    """Register an account for a registrant that is there. ``term_ends_at`` as in `gateway.core.model.Account`. With
    ``private`` it is public, and proposed to become private."""

    account_id: str
    registrant_id: str
    name: str | None = None
    account_class: str = STANDARD
    term_ends_at: int | None = None
    private: bool = False


class CloseAccount(Value, frozen=True):
    """Close it for good. After a ``violation`` its registrant may not register another either; that may be said of an
    account that is closed already, so that nobody has to reopen it for what was forgotten."""

    account_id: str
    violation: bool = False


class SuspendAccount(Value, frozen=True):
    """Suspend it until it is reopened."""

    account_id: str


class ReopenAccount(Value, frozen=True):
    """Make a suspended or closed account active again, and lift the bars that its closing made. Not where a sanction
    that was imposed here closed it: who lifts that reopens it."""

    account_id: str


class RenewAccount(Value, frozen=True):
    """Let its term end later. Not while its renewal is suspended."""

    account_id: str
    term_ends_at: int


class ChangeAccount(Value, frozen=True):
    """Give it another name, class, or privacy; None leaves what is. A private account is not moderated, so that it
    becomes private is only proposed by it, until somebody else agrees; that it is public again takes one person, who
    thereby withdraws a proposal too."""

    account_id: str
    name: str | None = None
    account_class: str | None = None
    private: bool | None = None


class AgreePrivate(Value, frozen=True):
    """Agree that an account becomes private, as somebody else proposed."""

    account_id: str


Act = CreateAccount | CloseAccount | SuspendAccount | ReopenAccount | RenewAccount | ChangeAccount | AgreePrivate


class PrivateProposal(Value, frozen=True):
    """Who wants an account to be private, why, and since when (unix ms)."""

    actor: str
    reason: str
    at_ms: int


class Privacy(StrEnum):
    """What an act does to the proposal that an account become private."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    WITHDRAWN = "withdrawn"


class Refused(StrEnum):
    """Why an act was not carried out; nothing was changed."""

    ACCOUNT_EXISTS = "account_exists"
    ACCOUNT_UNKNOWN = "account_unknown"
    ACCOUNT_ID = "account_id"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_ACTIVE = "account_active"
    CLOSED_BY_SANCTION = "closed_by_sanction"
    REGISTRANT_UNKNOWN = "registrant_unknown"
    REGISTRANT_ERASED = "registrant_erased"
    REGISTRANT_BARRED = "registrant_barred"
    NAME_BARRED = "name_barred"
    TOO_MANY_ACCOUNTS = "too_many_accounts"
    RENEWAL_SUSPENDED = "renewal_suspended"
    TERM_NOT_LATER = "term_not_later"
    TERM_ENDLESS = "term_endless"
    NOT_PROPOSED = "not_proposed"
    SAME_PERSON = "same_person"


WORDING: Final[dict[Refused, str]] = {
    Refused.ACCOUNT_EXISTS: "account_id: there is such an account already",
    Refused.ACCOUNT_UNKNOWN: "account_id: there is no such account",
    Refused.ACCOUNT_ID: f"account_id: ids that begin with {STRANGER} stand for accounts nobody knows; give another",
    Refused.ACCOUNT_CLOSED: "account_id: the account is closed; reopen it first",
    Refused.ACCOUNT_ACTIVE: "account_id: the account is active",
    Refused.CLOSED_BY_SANCTION: "account_id: a sanction closed it, to which two people agreed; lift the sanction",
    Refused.REGISTRANT_UNKNOWN: "registrant_id: there is no such registrant; register it first",
    Refused.REGISTRANT_ERASED: "registrant_id: was erased, and cannot come back; register another",
    Refused.REGISTRANT_BARRED: "registrant_id: may not register accounts, because one of its accounts was closed",
    Refused.NAME_BARRED: "name: belonged to an account that was closed; give another",
    Refused.TOO_MANY_ACCOUNTS: "registrant_id: has as many accounts as the policy's registration.max_accounts allows",
    Refused.RENEWAL_SUSPENDED: "account_id: a sanction suspends its renewal",
    Refused.TERM_NOT_LATER: "term_ends_at: give a later end than the present one, and one that is not past",
    Refused.TERM_ENDLESS: "term_ends_at: the account has no end, so there is nothing to renew",
    Refused.NOT_PROPOSED: "account_id: nobody proposes that it become private; propose it first",
    Refused.SAME_PERSON: "account_id: you proposed that it become private; another person has to agree",
}
"""What each refusal says: the field, and what to do."""


def worded(refused: Refused, until_ms: int | None = None) -> str:
    """What a refusal says, with the moment (unix ms) until which it stands, if there is one."""
    return WORDING[refused] + ("" if until_ms is None else f"; it may again from {written(until_ms)} on")


class Around(Value, frozen=True):
    """What an act needs to know. ``account`` and ``name`` are as they are; ``registrant`` is that of a new account;
    ``open_accounts`` the number of those of the registrant whose account is created or reopened; ``barred`` says what
    may not be registered at this moment; ``bar_stands``, that its registrant was barred by the account's closing.
    ``proposal`` is that it become private, ``by_proposer``, that who made it acts now."""

    account: Account | None = None
    name: str | None = None
    registrant: Registrant | None = None
    open_accounts: int = 0
    name_barred: bool = False
    registrant_barred: bool = False
    bar_stands: bool = False
    proposal: PrivateProposal | None = None
    by_proposer: bool = False


class Bars(Value, frozen=True):
    """Until when (unix ms) what may not be registered again; None leaves it as it is, 0 lifts it."""

    name_until_ms: int | None = None
    registrant_until_ms: int | None = None


class Change(Value, frozen=True):
    """What comes of an act; ``privacy`` is None where it leaves the proposal, or that there is none, as it is."""

    account: Account
    name: str | None
    bars: Bars = Bars()
    privacy: Privacy | None = None


def carry_out(act: Act, around: Around, rules: Registration, at_ms: int) -> Change | Refused:
    """What comes of an act at a moment (unix ms), which may be that everything stays as it is; or why it is refused."""
    if isinstance(act, CreateAccount):
        return _create(act, around, rules)
    account = around.account
    if account is None:
        return Refused.ACCOUNT_UNKNOWN
    if isinstance(act, ReopenAccount):
        return _reopen(account, around, rules)
    if account.state is AccountState.CLOSED:
        return _violated(act, account, around, rules, at_ms)
    match act:
        case CloseAccount():
            bars = Bars(
                at_ms + rules.name_bar_days * DAY_MS if around.name is not None else None,
                at_ms + rules.registrant_bar_days * DAY_MS if act.violation else None,
            )
            return Change(replace(account, state=AccountState.CLOSED), around.name, bars)
        case SuspendAccount():
            return Change(replace(account, state=AccountState.SUSPENDED), around.name)
        case RenewAccount():
            return _renew(act, account, around.name, rules, at_ms)
        case ChangeAccount():
            return _change(act, account, around)
        case AgreePrivate():
            return _agree(account, around)
        case _:
            assert_never(act)


def given(act: Act) -> dict[str, object]:
    """What an act says by itself, for its audit row: not whom it is about, nor what is as by default. Of a name it says
    that there is one: the audit chain keeps it for ever, and a person may be called so."""
    said: dict[str, object] = msgspec.to_builtins(act)
    told = {name: value for name, value in said.items() if name not in ("account_id", "registrant_id", "name")}
    if said.get("name") is not None:
        told["named"] = True
    return {name: value for name, value in told.items() if value is not None}


def fulfilled(act: Act, account: Account, name: str | None, proposal: PrivateProposal | None) -> bool:
    """Whether the account is already as this act would leave it: one that comes twice, because its first answer was
    lost, is then not refused."""
    match act:
        case CreateAccount():
            registrant_id = account.registrant and account.registrant.registrant_id
            given = (act.registrant_id, act.name, act.account_class, act.term_ends_at, act.private)
            private = account.private or proposal is not None
            kept = (registrant_id, name, account.account_class, account.term_ends_at, private)
            return account.state is AccountState.ACTIVE and given == kept
        case CloseAccount():
            return account.state is AccountState.CLOSED and not act.violation  # where it is one, it is not refused
        case SuspendAccount():
            return account.state is AccountState.SUSPENDED
        case ReopenAccount():
            return account.state is AccountState.ACTIVE
        case RenewAccount():
            return account.state is not AccountState.CLOSED and account.term_ends_at == act.term_ends_at
        case ChangeAccount():
            return False
        case AgreePrivate():
            return account.private
        case _:
            assert_never(act)


def waits(act: Act, account: Account) -> bool:
    """Whether what an act asks of an account waits for another person."""
    return isinstance(act, CreateAccount | ChangeAccount) and bool(act.private) and not account.private


def is_same_person(one: str, other: str) -> bool:
    """Whether two names of operators are one person's. Case, and spaces around them, make no other."""
    return one.strip().casefold() == other.strip().casefold()


_SAME: Final = {**INVISIBLE, **LATIN}


def fold_name(name: str) -> str:
    """What two names have in common that readers take for the same: compatibility forms (Unicode NFKC), case, letters
    that look alike, and all but letters and digits that show left out."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    if not folded.isascii():
        folded = folded.translate(_SAME)
    # What was kept apart by a sign may now belong together: the parts of a Hangul syllable.
    return unicodedata.normalize("NFKC", "".join([sign for sign in folded if sign.isalnum()])) or folded


def name_digest(name: str) -> str:
    """What stands for a name in a bar: SHA-256 (hex) of its folded form."""
    return hashlib.sha256(fold_name(name).encode()).hexdigest()


def _create(act: CreateAccount, around: Around, rules: Registration) -> Change | Refused:
    if act.account_id.startswith(STRANGER) or not act.account_id:
        return Refused.ACCOUNT_ID
    if around.account is not None:
        return Refused.ACCOUNT_EXISTS
    if around.registrant is None:
        return Refused.REGISTRANT_UNKNOWN
    if around.registrant.state is VerificationState.REDACTED:
        return Refused.REGISTRANT_ERASED
    if around.registrant_barred:
        return Refused.REGISTRANT_BARRED
    if around.name_barred:
        return Refused.NAME_BARRED
    if around.open_accounts >= rules.max_accounts[around.registrant.kind]:
        return Refused.TOO_MANY_ACCOUNTS
    account = Account(
        act.account_id,
        AccountState.ACTIVE,
        around.registrant,
        account_class=act.account_class,
        term_ends_at=act.term_ends_at,
    )
    return Change(account, act.name, privacy=Privacy.PROPOSED if act.private else None)


def _violated(act: Act, account: Account, around: Around, rules: Registration, at_ms: int) -> Change | Refused:
    """What comes of an act on a closed account: only that it was closed for a violation may still be said."""
    if not isinstance(act, CloseAccount) or not act.violation:
        return Refused.ACCOUNT_CLOSED
    if account.registrant is None or around.bar_stands:
        return Change(account, around.name)
    return Change(account, around.name, Bars(registrant_until_ms=at_ms + rules.registrant_bar_days * DAY_MS))


def _reopen(account: Account, around: Around, rules: Registration) -> Change | Refused:
    if any(each.degree is Degree.CLOSE and each.sanction_id is not None for each in account.sanctions):
        return Refused.CLOSED_BY_SANCTION
    holder = account.registrant
    if holder is not None and holder.state is VerificationState.REDACTED and account.state is not AccountState.ACTIVE:
        return Refused.REGISTRANT_ERASED  # or one that is private would publish again, with nobody behind it
    match account.state:
        case AccountState.ACTIVE:
            return Refused.ACCOUNT_ACTIVE
        case AccountState.SUSPENDED:
            return Change(replace(account, state=AccountState.ACTIVE), around.name)
        case AccountState.CLOSED:
            if holder and around.open_accounts >= rules.max_accounts[holder.kind]:
                return Refused.TOO_MANY_ACCOUNTS
            return Change(replace(account, state=AccountState.ACTIVE), around.name, Bars(0, 0))
        case _:
            assert_never(account.state)


def _renew(act: RenewAccount, account: Account, name: str | None, rules: Registration, at_ms: int) -> Change | Refused:
    for sanction in account.sanctions:
        in_force = sanction.starts_at <= at_ms and (sanction.ends_at is None or at_ms < sanction.ends_at)
        suspends = sanction.degree is Degree.SUSPEND_RENEWAL and rules.suspension is Suspension.RENEWAL
        if in_force and suspends:
            return Refused.RENEWAL_SUSPENDED
    if account.term_ends_at is None:
        return Refused.TERM_ENDLESS
    if act.term_ends_at <= max(account.term_ends_at, at_ms):
        return Refused.TERM_NOT_LATER
    return Change(replace(account, term_ends_at=act.term_ends_at), name)


def _change(act: ChangeAccount, account: Account, around: Around) -> Change | Refused:
    if act.name is not None and around.name_barred:
        return Refused.NAME_BARRED
    changed = replace(
        account,
        account_class=account.account_class if act.account_class is None else act.account_class,
        private=account.private and act.private is not False,
    )
    privacy = None
    if act.private and not account.private and around.proposal is None:
        privacy = Privacy.PROPOSED
    elif act.private is False and around.proposal is not None:
        privacy = Privacy.WITHDRAWN
    return Change(changed, around.name if act.name is None else act.name, privacy=privacy)


def _agree(account: Account, around: Around) -> Change | Refused:
    if around.proposal is None:
        return Refused.NOT_PROPOSED
    if around.by_proposer:
        return Refused.SAME_PERSON
    return Change(replace(account, private=True), around.name, privacy=Privacy.AGREED)
