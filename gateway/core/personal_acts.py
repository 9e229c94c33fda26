"""What comes of acts on registrants' personal data: why one is refused, and what an erasure leaves behind."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from classifiers.contract import Value
from gateway.core.model import Account, AccountState, Degree


class Unkept(StrEnum):
    """Why an act on personal data was not carried out; nothing was changed, and nothing told."""

    REGISTRANT_UNKNOWN = "registrant_unknown"
    REGISTRANT_EXISTS = "registrant_exists"
    REGISTRANT_ERASED = "registrant_erased"
    REGISTRANT_BARRED = "registrant_barred"
    IDENTIFIER_TAKEN = "identifier_taken"
    NOTHING_KEPT = "nothing_kept"
    REASON_MISSING = "reason_missing"
    REASON_QUOTES = "reason_quotes"
    ACCOUNTS_OPEN = "accounts_open"
    MESSAGES_WAIT = "messages_wait"


UNKEPT_WORDING: Final[dict[Unkept, str]] = {
    Unkept.REGISTRANT_UNKNOWN: "registrant_id: there is no such registrant",
    Unkept.REGISTRANT_EXISTS: "registrant_id: there is such a registrant already; PUT its personal data to change it",
    Unkept.REGISTRANT_ERASED: "registrant_id: was erased, and cannot come back; register another",
    Unkept.REGISTRANT_BARRED: "an identifier belongs to a registrant who may not register at present",
    Unkept.IDENTIFIER_TAKEN: "an identifier belongs to another registrant; give its accounts to that one",
    Unkept.NOTHING_KEPT: "registrant_id: no personal data is kept of it",
    Unkept.REASON_MISSING: "reason: say why; it is kept in the audit chain",
    Unkept.REASON_QUOTES: "reason: it and the actor are kept for ever; say it without the registrant's data",
    Unkept.ACCOUNTS_OPEN: "registrant_id: has accounts that are not closed; close them first, or with the erasure",
    Unkept.MESSAGES_WAIT: "registrant_id: messages of its accounts are held or under way; release, reject or resolve "
    "them first",
}
"""What each refusal says: the field, and what to do."""

ESCAPED: Final = frozenset({Degree.RESTRICT, Degree.SUSPEND_RENEWAL, Degree.SUSPEND, Degree.CLOSE})
"""Sanctions that an erasure must not shake off. A warning limits nothing."""


class Kept(Value, frozen=True):
    """Personal data was kept; ``restarted`` says that what is proven changed, so the verification starts again."""

    restarted: bool


class Erased(Value, frozen=True):
    """A registrant was erased. ``closed`` are the accounts that were closed with it; ``barred_until_ms`` (unix) is when
    its identifiers may register again, None when they may now; ``messages`` is how many messages were erased."""

    closed: tuple[str, ...]
    barred_until_ms: int | None
    messages: int = 0


def leaves_mark(accounts: Iterable[Account], *, barred: bool, at_ms: int) -> bool:
    """Whether an erased registrant leaves a mark of its identifiers, so that erasing is no way to begin anew.

    It does when it is barred, when an account of it was closed or suspended before, or stands under a sanction in
    force: see `ESCAPED`. Accounts that are closed with the erasure, and nothing is held against, leave none.
    """
    return barred or any(
        account.state is not AccountState.ACTIVE
        or any(
            sanction.degree in ESCAPED
            and sanction.starts_at <= at_ms
            and (sanction.ends_at is None or at_ms < sanction.ends_at)
            for sanction in account.sanctions
        )
        for account in accounts
    )
