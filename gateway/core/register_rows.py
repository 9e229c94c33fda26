"""Rows of files of accounts and of registrants: from texts to values, or to what is wrong with them.

An empty field says nothing: what is there stays, and what is new gets the default. Nothing made here quotes a value.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from gateway.core.model import STRANGER, AccountState, RegistrantKind, VerificationState
from gateway.core.personal import FIELDS, Check, problems

ACCOUNT_COLUMNS: Final = (
    "account_id",
    "registrant_id",
    "name",
    "state",
    "class",
    "term_ends_at",
    "private",
    "registrant_kind",
    "verification",
    "framework",
    "level",
    "verified_until",
)
"""The columns of a file of accounts. From ``registrant_kind`` on they are facts about the account's registrant."""

REGISTRANT_COLUMNS: Final = ("registrant_id", "kind", "verification", "framework", "level", "verified_until", *FIELDS)
"""The columns of a file of registrants: what is known of one, then its personal data."""

ID_LIMIT: Final = 255
"""Characters of an id."""
_TEXT_LIMIT: Final = 300
"""Characters of any other text that is not personal data."""
_LATEST_MS: Final = 253_402_300_800_000
"""The end of the year 9999: whoever gives more has given another unit than milliseconds."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MS: Final = timedelta(milliseconds=1)

_STATES: Final[Mapping[str, str | None]] = {"": None, **{state.value: state.value for state in AccountState}}
_KINDS: Final[Mapping[str, str | None]] = {"": None, **{kind.value: kind.value for kind in RegistrantKind}}
_VERIFICATIONS: Final[Mapping[str, str | None]] = {
    "": None,
    **{state.value: state.value for state in VerificationState if state is not VerificationState.REDACTED},
}
_FLAGS: Final[Mapping[str, bool | None]] = {"": None, "true": True, "false": False, "1": True, "0": False}


class Problem(NamedTuple):
    """Why a line is rejected: the column, empty where it is about the whole line, and a reason without any value."""

    line: int
    field: str
    reason: str


class AccountRow(NamedTuple):
    """An account as a line gives it; None where it says nothing. Times are unix milliseconds."""

    line: int
    account_id: str
    registrant_id: str | None
    name: str | None
    state: str | None
    account_class: str | None
    term_ends_at: int | None
    private: bool | None
    kind: str | None
    verification: str | None
    framework: str | None
    level: str | None
    expires_at: int | None

    @property
    def has_facts(self) -> bool:
        """Whether the line says something about the registrant."""
        return self[8:] != _NO_FACTS


_NO_FACTS: Final = (None,) * 5


class RegistrantRow(NamedTuple):
    """A registrant as a line gives it, with its personal data."""

    line: int
    registrant_id: str
    kind: str | None
    verification: str | None
    framework: str | None
    level: str | None
    expires_at: int | None
    fields: Mapping[str, str]


def account_row(line: int, values: Sequence[str]) -> AccountRow | Problem:
    """The account of a line whose values are in the order of `ACCOUNT_COLUMNS`."""
    account_id, registrant_id, name, state, account_class, term, private, kind, verification, *proof, until = values
    together = "".join(values)
    if (len(together) > ID_LIMIT or not together.isprintable()) and (
        problem := _bad_text(line, ACCOUNT_COLUMNS, values)
    ) is not None:
        return problem
    if not account_id:
        return Problem(line, "account_id", "is missing")
    if account_id.startswith(STRANGER):
        return Problem(line, "account_id", f"begins with {STRANGER}, which stands for accounts nobody knows")
    try:
        row = AccountRow(
            line,
            account_id,
            registrant_id or None,
            name or None,
            _STATES[state],
            account_class or None,
            _time("term_ends_at", term) if term else None,
            _FLAGS[private],
            _KINDS[kind],
            _VERIFICATIONS[verification],
            proof[0] or None,
            proof[1] or None,
            _time("verified_until", until) if until else None,
        )
    except _BadTime as bad:
        return Problem(line, bad.field, _TIME)
    except KeyError:
        return _bad_word(line, (("state", state), ("private", private), ("registrant_kind", kind)), verification)
    if registrant_id == "" and row.has_facts:
        return Problem(line, "registrant_id", "is missing, but the line has facts about a registrant")
    return row


def registrant_row(
    check: Check = lambda _field, _value: None,
) -> Callable[[int, Sequence[str]], RegistrantRow | Problem]:
    """What reads a line whose values are in the order of `REGISTRANT_COLUMNS`; ``check`` sees each personal value that
    is well-formed otherwise."""

    def read(line: int, values: Sequence[str]) -> RegistrantRow | Problem:
        registrant_id, kind, verification, framework, level, until, *personal = values
        if (problem := _bad_text(line, REGISTRANT_COLUMNS, values[:6])) is not None:
            return problem
        if not registrant_id:
            return Problem(line, "registrant_id", "is missing")
        fields = {name: value for name, value in zip(FIELDS, personal, strict=True) if value}
        for text in problems(fields, check) if fields else ():
            field, _, reason = text.partition(": ")
            return Problem(line, field, reason)
        try:
            return RegistrantRow(
                line,
                registrant_id,
                _KINDS[kind],
                _VERIFICATIONS[verification],
                framework or None,
                level or None,
                _time("verified_until", until) if until else None,
                fields,
            )
        except _BadTime as bad:
            return Problem(line, bad.field, _TIME)
        except KeyError:
            return _bad_word(line, (("kind", kind),), verification)

    return read


_TIME: Final = "is not a time; give unix milliseconds, or ISO 8601 (in UTC unless it has an offset)"

_Row = TypeVar("_Row", AccountRow, RegistrantRow)


class _BadTime(Exception):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def _time(field: str, text: str) -> int:
    number = _milliseconds(text)
    if number is None:
        raise _BadTime(field)
    return number


@lru_cache(maxsize=4096)  # many lines have the same
def _milliseconds(text: str) -> int | None:
    if text.isascii() and text.isdigit() and len(text) > 8:  # eight digits are a date
        return number if (number := int(text)) < _LATEST_MS else None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    number = (moment - _EPOCH) // _MS
    return number if number >= 0 else None


def _bad_text(line: int, columns: Sequence[str], values: Sequence[str]) -> Problem | None:
    for column, value in zip(columns, values, strict=False):
        limit = ID_LIMIT if column.endswith("_id") else _TEXT_LIMIT
        if len(value) > limit:
            return Problem(line, column, f"has more than {limit} characters")
        if not value.isprintable() and any(unicodedata.category(sign) in ("Cc", "Cs") for sign in value):
            return Problem(line, column, "holds control characters or halves of characters")
    return None


def _bad_word(line: int, given: Sequence[tuple[str, str]], verification: str) -> Problem:
    known = {"state": _STATES, "private": _FLAGS, "registrant_kind": _KINDS, "kind": _KINDS}
    for column, value in given:
        if value not in known[column]:
            return Problem(line, column, f"is none of {', '.join(word for word in known[column] if word)}")
    assert verification not in _VERIFICATIONS  # noqa: S101 - or no word was wrong
    return Problem(line, "verification", f"is none of {', '.join(word for word in _VERIFICATIONS if word)}")
