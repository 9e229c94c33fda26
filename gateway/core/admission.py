"""Which rows of a file are taken into the register, and what they make of it: the rules of
`gateway.core.registration`, for many rows at once. Pure: the register looks up what is around, and writes.

Rows are judged in their order, each as if those before it were written already, so it does not matter how a file is
cut into chunks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from classifiers.contract import Value
from gateway.core.model import STANDARD, AccountState, VerificationState
from gateway.core.personal import IDENTIFIERS, PROVEN
from gateway.core.policy import Registration
from gateway.core.register_rows import AccountRow, Problem, RegistrantRow
from gateway.core.registration import WORDING, Refused, name_digest

# Plain text, which compares and hashes sooner than members of an enumeration: millions of rows pass here.
_ACTIVE: Final = AccountState.ACTIVE.value
_CLOSED: Final = AccountState.CLOSED.value
_CREATED: Final = VerificationState.CREATED.value
_REDACTED: Final = VerificationState.REDACTED.value


Mark = tuple[str, str]
"""A field of personal data, and the digest of its value."""


class Allowed(Value, frozen=True):
    """What lines of accounts may say: by the ``rules`` of registration, with ``classes`` that the policy has, and,
    where they may ``move`` accounts, that another registrant stands behind one than before."""

    rules: Registration
    classes: tuple[str, ...] = (STANDARD,)
    move: bool = False


class AccountNow(NamedTuple):
    """An account as it is in the register."""

    account_id: str
    registrant_id: str | None
    name: str | None
    state: str
    account_class: str
    term_ends_at: int | None
    private: bool


class RegistrantNow(NamedTuple):
    """A registrant as it is in the register."""

    registrant_id: str
    kind: str
    state: str
    framework: str | None
    level: str | None
    expires_at: int | None


@dataclass(slots=True)
class Known:
    """What the register has of all that a chunk names, at one moment, kept up to date with what is admitted.

    ``open_accounts`` counts those of a registrant; ``barred_names`` are digests, ``barred`` ids of registrants.
    ``kept`` are the marks of registrants' personal data, ``holders`` says whose an identifier's mark is.
    """

    accounts: dict[str, AccountNow] = field(default_factory=dict)
    registrants: dict[str, RegistrantNow] = field(default_factory=dict)
    open_accounts: dict[str, int] = field(default_factory=dict)
    barred_names: set[str] = field(default_factory=set)
    barred: set[str] = field(default_factory=set)
    kept: dict[str, set[Mark]] = field(default_factory=dict)
    holders: dict[Mark, str] = field(default_factory=dict)
    barred_marks: set[Mark] = field(default_factory=set)


@dataclass(slots=True)
class Admitted:
    """What is to be written.

    ``new`` are accounts that were not there, ``moved`` those that another registrant had, ``closed`` those with
    names that these rows closed. ``refreshed`` are registrants that were there, and are not as they were; what was
    known of those ``restarted`` proves nothing any more. Of the ``taken`` lines so many ``added`` what was not there,
    ``changed`` something, or gave an account another registrant (``moves``); the others say what is there already.
    """

    accounts: dict[str, AccountNow] = field(default_factory=dict)
    new: set[str] = field(default_factory=set)
    moved: set[str] = field(default_factory=set)
    registrants: dict[str, RegistrantNow] = field(default_factory=dict)
    refreshed: set[str] = field(default_factory=set)
    restarted: set[str] = field(default_factory=set)
    closed: dict[str, str] = field(default_factory=dict)
    taken: int = 0
    added: int = 0
    changed: int = 0
    moves: int = 0
    rejected: list[Problem] = field(default_factory=list)


def admit_accounts(rows: Iterable[AccountRow], known: Known, allowed: Allowed) -> Admitted:
    """Judge rows of accounts. An account that is there already is changed by its row, whatever was closed excepted."""
    result = Admitted()
    most = {kind.value: number for kind, number in allowed.rules.max_accounts.items()}
    for row in rows:
        before = known.accounts.get(row.account_id)
        now = _account(row, before)
        refused = _refused_line(row, before, allowed) or _refused(row, before, now, known, most)
        if refused is not None:
            result.rejected.append(refused)
            continue
        result.taken += 1
        differs = False
        if row.registrant_id is not None and row.has_facts:
            differs = _take_registrant(row.registrant_id, row, known, result)
        if now == before:
            result.changed += differs
            continue
        if before is None:
            result.new.add(row.account_id)
            result.added += 1
        elif before.registrant_id not in (None, now.registrant_id):
            result.moved.add(row.account_id)
            result.moves += 1
        else:
            result.changed += 1
        _count(before, known, -1)
        _count(now, known, 1)
        known.accounts[now.account_id] = result.accounts[now.account_id] = now
        if now.state == _CLOSED and now.name is not None and (before is None or before.state != _CLOSED):
            result.closed[now.account_id] = now.name
            known.barred_names.add(name_digest(now.name))
    return result


def admit_registrants(rows: Iterable[RegistrantRow], known: Known, marks: Mapping[int, Collection[Mark]]) -> Admitted:
    """Judge rows of registrants; ``marks`` are those of their personal data, by line.

    Who has another name or number than is kept, and no new verification, has to be verified again.
    """
    result = Admitted()
    for row in rows:
        before, given = known.registrants.get(row.registrant_id), set(marks.get(row.line, ()))
        refused = _refused_facts(row.line, "", before, row.kind) or _refused_marks(row, before, given, known)
        if refused is not None:
            result.rejected.append(refused)
            continue
        result.taken += 1
        if given:
            kept = known.kept.get(row.registrant_id)
            if before is not None and kept is not None and _proven(kept) != _proven(given):
                result.restarted.add(row.registrant_id)
                known.registrants[row.registrant_id] = RegistrantNow(
                    before.registrant_id, before.kind, _CREATED, None, None, None
                )
                result.refreshed.add(row.registrant_id)
                result.registrants[row.registrant_id] = known.registrants[row.registrant_id]
            known.kept[row.registrant_id] = given
            known.holders.update(dict.fromkeys(_identifiers(given), row.registrant_id))
        differs = _take_registrant(row.registrant_id, row, known, result)
        if before is None:
            result.added += 1
        elif differs or row.fields:  # what was kept is replaced; it is not opened to see whether it was the same
            result.changed += 1
    return result


def _refused_marks(row: RegistrantRow, before: RegistrantNow | None, given: set[Mark], known: Known) -> Problem | None:
    new = _identifiers(given) - known.kept.get(row.registrant_id, set())
    if (before is None and row.registrant_id in known.barred) or new & known.barred_marks:
        return _problem(row.line, Refused.REGISTRANT_BARRED)
    for mark in new:
        if known.holders.get(mark, row.registrant_id) != row.registrant_id:
            return Problem(row.line, mark[0], "is another registrant's")
    return None


def _identifiers(marks: Iterable[Mark]) -> set[Mark]:
    return {mark for mark in marks if mark[0] in IDENTIFIERS}


def _proven(marks: Iterable[Mark]) -> set[Mark]:
    return {mark for mark in marks if mark[0] in PROVEN}


def _account(row: AccountRow, before: AccountNow | None) -> AccountNow:
    """The account that a row makes of the one that is there."""
    if before is None:
        return AccountNow(
            row.account_id,
            row.registrant_id,
            row.name,
            row.state or _ACTIVE,
            row.account_class or STANDARD,
            row.term_ends_at,
            row.private or False,
        )
    return AccountNow(
        row.account_id,
        row.registrant_id or before.registrant_id,
        row.name or before.name,
        row.state or before.state,
        row.account_class or before.account_class,
        before.term_ends_at if row.term_ends_at is None else row.term_ends_at,
        before.private if row.private is None else row.private,
    )


def _refused_line(row: AccountRow, before: AccountNow | None, allowed: Allowed) -> Problem | None:
    """Why a line may not say what it says, whatever the rules of registration are."""
    if row.account_class is not None and row.account_class not in allowed.classes:
        return Problem(row.line, "class", f"is none of {', '.join(allowed.classes)}")
    if row.private and not (before is not None and before.private):
        return Problem(row.line, "private", "takes two people; leave it out, have one propose it and another agree")
    if (
        not allowed.move
        and before is not None
        and before.registrant_id is not None
        and row.registrant_id not in (None, before.registrant_id)
    ):
        return Problem(row.line, "registrant_id", "another registrant stands behind the account; --move allows it")
    return None


def _refused(
    row: AccountRow, before: AccountNow | None, now: AccountNow, known: Known, most: dict[str, int]
) -> Problem | None:
    if before is not None and before.state == _CLOSED and now.state != _CLOSED:
        return _problem(row.line, Refused.ACCOUNT_CLOSED)
    if (
        known.barred_names
        and now.name is not None
        and (before is None or before.name != now.name)
        and name_digest(now.name) in known.barred_names
    ):
        return _problem(row.line, Refused.NAME_BARRED)
    if (registrant_id := row.registrant_id) is None:
        return None
    registrant = known.registrants.get(registrant_id)
    if registrant is None and not row.has_facts:
        return _problem(row.line, Refused.REGISTRANT_UNKNOWN)
    if (refused := _refused_facts(row.line, "registrant_", registrant, row.kind)) is not None:
        return refused
    if now.state == _CLOSED or (
        before is not None and before.state != _CLOSED and before.registrant_id == registrant_id
    ):
        return None  # no further open account
    if registrant_id in known.barred:
        return _problem(row.line, Refused.REGISTRANT_BARRED)
    kind = row.kind or (registrant.kind if registrant is not None else "")
    if known.open_accounts.get(registrant_id, 0) >= most[kind]:
        return _problem(row.line, Refused.TOO_MANY_ACCOUNTS)
    return None


def _refused_facts(line: int, prefix: str, before: RegistrantNow | None, kind: str | None) -> Problem | None:
    if before is None and kind is None:
        return Problem(line, f"{prefix}kind", "is missing, and the registrant is new")
    if before is not None and before.state == _REDACTED:
        return Problem(line, "registrant_id", "was erased")
    return None


def _take_registrant(registrant_id: str, row: AccountRow | RegistrantRow, known: Known, result: Admitted) -> bool:
    """Take what a line says of a registrant; whether that is anything new."""
    before = known.registrants.get(registrant_id)
    if before is None:
        kind, state = row.kind or "", row.verification or _CREATED
        now = RegistrantNow(registrant_id, kind, state, row.framework, row.level, row.expires_at)
    else:
        now = RegistrantNow(
            registrant_id,
            row.kind or before.kind,
            row.verification or before.state,
            row.framework or before.framework,
            row.level or before.level,
            before.expires_at if row.expires_at is None else row.expires_at,
        )
        if now == before:
            return False
        result.refreshed.add(registrant_id)
    known.registrants[registrant_id] = result.registrants[registrant_id] = now
    return True


def _count(account: AccountNow | None, known: Known, more: int) -> None:
    if account is not None and account.registrant_id is not None and account.state != _CLOSED:
        known.open_accounts[account.registrant_id] = known.open_accounts.get(account.registrant_id, 0) + more


def _problem(line: int, refused: Refused) -> Problem:
    column, _, reason = WORDING[refused].partition(": ")
    return Problem(line, column, reason)
