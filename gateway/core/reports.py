"""Reports by the public about what was published: what is asked, what state a report is in, and who is heard.

A *report* is about one content (a message, or what an address or id stands for that no message is known of) and is
decided once, however many people reported it: their number alone decides nothing. Each of them has a *receipt*.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from classifiers.contract import CATEGORIES, Value
from gateway.core.model import MessageState
from gateway.core.report_rules import OTHER, REPORTED, WAIVED, Reports

EXPLANATION: Final = 5000
"""Characters of an explanation, and of all that one reporter says of one content."""
REFERENCES: Final = 20
"""Addresses and ids in one report."""
ADDRESS: Final = 2000
"""Characters of an address."""
NAME: Final = 200
"""Characters of a name; an id may have `ID` of them, an e-mail address `EMAIL`."""
ID: Final = 255
EMAIL: Final = 254
NOTE: Final = 2000
"""Characters of what reporters are told with an outcome."""

_DAY_MS: Final = 86_400_000
_EMAIL: Final = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_CANDIDATES: Final = 16
"""Parts of an address that are tried as ids of messages."""


class State(StrEnum):
    """Where a report is, as its reporters are told."""

    RECEIVED = "received"
    UNDER_REVIEW = "under_review"
    """Somebody has it before them."""
    ACTIONED = "actioned"
    NOT_ACTIONED = "not_actioned"
    DUPLICATE = "duplicate"
    """Somebody else reported the same before, and it is not decided yet; this reporter is told the outcome too."""
    APPEAL_OPEN = "appeal_open"
    """Decided, and complained of: by the author of what was reported, or by a reporter."""


class Redress(StrEnum):
    """What a reporter can do here about an outcome (article 20)."""

    COMPLAIN = "complain"
    ACTIONED = "actioned"
    """Nothing: what they wanted was done."""
    COMPLAINED = "complained"
    """Nothing more: they complained, or the author did."""
    OVER = "over"
    """Nothing any more: what it was about has been erased."""


def redress_of(state: State, complained: bool, erased: bool) -> Redress | None:
    """What can be done about a report in this state; None where nobody has decided it yet."""
    match state:
        case State.ACTIONED:
            return Redress.ACTIONED
        case State.APPEAL_OPEN:
            return Redress.COMPLAINED
        case State.NOT_ACTIONED if complained:
            return Redress.COMPLAINED
        case State.NOT_ACTIONED:
            return Redress.OVER if erased else Redress.COMPLAIN
        case _:
            return None


class Channel(StrEnum):
    """How a report came."""

    FORM = "form"
    """The page ``/report``."""
    API = "api"
    """``POST /v1/reports`` without a key."""
    APP = "app"
    """By a chat app for one of its users."""
    TRUSTED = "trusted"
    """By a trusted flagger (article 22)."""


class Draft(Value, frozen=True):
    """What somebody reports. ``urls`` and ``message_ids`` may be the platform's as well as the gateway's."""

    tenant_id: str
    explanation: str
    category: str
    urls: tuple[str, ...] = ()
    message_ids: tuple[str, ...] = ()
    name: str = ""
    email: str = ""
    bona_fide: bool = False

    @property
    def references(self) -> tuple[str, ...]:
        """All that was named, each once."""
        return tuple(dict.fromkeys([each.strip() for each in (*self.urls, *self.message_ids)]))


class Why(StrEnum):
    """What is wrong with a field."""

    MISSING = "missing"
    TOO_LONG = "too_long"
    CHARACTERS = "characters"
    """Control characters, or halves of characters."""
    NO_CONTENT = "no_content"
    """Neither an address nor an id."""
    TOO_MANY = "too_many"
    NO_ADDRESS = "no_address"
    """Not an address of the web."""
    NO_CATEGORY = "no_category"
    NO_EMAIL = "no_email"
    NOT_CONFIRMED = "not_confirmed"


class Wrong(Value, frozen=True):
    """A field that cannot be as it is given. ``limit`` is the number that it is held against, if there is one."""

    field: str
    why: Why
    limit: int | None = None


def wrong(draft: Draft, *, known: bool = False) -> tuple[Wrong, ...]:
    """What must be put right before a report is taken; nothing when it is complete (article 16(2)).

    Of a reporter who is ``known`` by a key of their own, name and e-mail address are not asked; nor are they where the
    report is of child abuse.
    """
    return (*_content(draft), *_reporter(draft, required=not known and draft.category != WAIVED))


def _content(draft: Draft) -> Iterator[Wrong]:
    if not draft.urls and not draft.message_ids:
        yield Wrong("urls", Why.NO_CONTENT)
    if len(draft.references) > REFERENCES:
        yield Wrong("urls" if draft.urls else "message_ids", Why.TOO_MANY, REFERENCES)
    for name, given, limit in (("urls", draft.urls, ADDRESS), ("message_ids", draft.message_ids, ID)):
        if given and (why := next(filter(None, [_reference(name, each, limit) for each in given]), None)):
            yield why
    if draft.category not in REPORTED:
        yield Wrong("category", Why.NO_CATEGORY)
    yield from _text("explanation", draft.explanation, EXPLANATION, required=True, lines=True)


def _reference(name: str, given: str, limit: int) -> Wrong | None:
    if not given.strip():
        return Wrong(name, Why.NO_CONTENT)
    if len(given) > limit:
        return Wrong(name, Why.TOO_LONG, limit)
    if _unprintable(given):
        return Wrong(name, Why.CHARACTERS)
    if name == "urls" and not _is_address(given.strip()):
        return Wrong(name, Why.NO_ADDRESS)
    return None


def _reporter(draft: Draft, *, required: bool) -> Iterator[Wrong]:
    yield from _text("name", draft.name, NAME, required=required)
    mail = list(_text("email", draft.email, EMAIL, required=required))
    if not mail and draft.email.strip() and not _EMAIL.fullmatch(draft.email.strip()):
        mail = [Wrong("email", Why.NO_EMAIL)]
    yield from mail
    if not draft.bona_fide:
        yield Wrong("bona_fide", Why.NOT_CONFIRMED)


def _text(name: str, given: str, limit: int, *, required: bool, lines: bool = False) -> Iterator[Wrong]:
    if not given.strip():
        if required:
            yield Wrong(name, Why.MISSING)
    elif len(given) > limit:
        yield Wrong(name, Why.TOO_LONG, limit)
    elif _unprintable(given, "\n\r\t" if lines else ""):
        yield Wrong(name, Why.CHARACTERS)


def _unprintable(given: str, but: str = "") -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cs") and sign not in but for sign in given)


def _is_address(given: str) -> bool:
    try:
        parts = urlsplit(given)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", given)
    except ValueError:
        return False


def candidates(reference: str) -> tuple[str, ...]:
    """The ids that what was named may stand for: itself, and of an address the parts of its path from the last one,
    then the values of its query and what is behind its ``#``."""
    found = [reference]
    if _is_address(reference):
        parts = urlsplit(reference)
        for path, query in ((parts.path, parts.query), (parts.fragment, "")):
            found += [unquote(part) for part in reversed(path.split("/"))]
            found += [value for _, value in parse_qsl(query, max_num_fields=None)]
    return tuple([each for each in dict.fromkeys(found) if each and len(each) <= ID and not _unprintable(each)])[
        :_CANDIDATES
    ]


def subject_of(reference: str, message_id: str | None = None) -> str:
    """By what two reports are found to be about the same content."""
    if message_id is not None:
        return f"message:{message_id}"
    if _is_address(reference):
        parts = urlsplit(reference)
        reference = parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()
    return f"named:{hashlib.sha256(reference.encode()).hexdigest()}"


SHOWN: Final = frozenset(
    {
        MessageState.DECIDED,
        MessageState.QUEUED,
        MessageState.FORWARDING,
        MessageState.PUBLISHED,
        MessageState.UNKNOWN,
        MessageState.RELEASED,
    }
)
"""States of a message that readers see, may see, or are about to see: it has to be taken down."""


class Verdict(Value, frozen=True):
    """What a person decides on a report. ``category`` is what the content is, None for what was reported; ``note`` is
    told to the reporters. ``unfounded``: manifestly so, which is held against them. ``message_id`` says which message
    an address is of that nobody but a person could find."""

    actioned: bool
    unfounded: bool = False
    category: str | None = None
    note: str = ""
    message_id: str | None = None


class Undecided(StrEnum):
    """Why a report was not decided, or not taken to be looked at. Nothing was written."""

    REPORT_UNKNOWN = "report_unknown"
    DECIDED = "decided"
    CLAIMED = "claimed"
    SAME_PERSON = "same_person"
    CATEGORY = "category"
    CONTRADICTION = "contradiction"
    MESSAGE = "message"
    REASON_QUOTES = "reason_quotes"


UNDECIDED_WORDING: Final[dict[Undecided, str]] = {
    Undecided.REPORT_UNKNOWN: "report_id: there is no such report",
    Undecided.DECIDED: "report_id: it is decided already; nothing was changed",
    Undecided.CLAIMED: "report_id: somebody else has it before them; take another, or wait until they let it go",
    Undecided.SAME_PERSON: "report_id: it is a complaint against your own decision; another reviewer has to decide it",
    Undecided.CATEGORY: f"category: say which of {', '.join(sorted(CATEGORIES))} it is; nothing else can be acted "
    "on, and where reporters differ a person says it",
    Undecided.CONTRADICTION: "unfounded: a report that is acted on is not unfounded",
    Undecided.MESSAGE: "message_id: there is no such message of this application, or the report is about another one",
    Undecided.REASON_QUOTES: "reason: it and the note are kept in the open; name no reporter and no address in them",
}
"""What each refusal says: the field, and what to do."""


def category_of(verdict: Verdict, reported: str) -> str | Undecided:
    """What the decided content is. Acting needs a category of the gateway's own: sanctions rest on it."""
    if verdict.actioned and verdict.unfounded:
        return Undecided.CONTRADICTION
    category = verdict.category or reported
    if category not in CATEGORIES and (verdict.actioned or category != OTHER):
        return Undecided.CATEGORY
    return category


class Strike(Value, frozen=True):
    """A manifestly unfounded report: when it was made, and when that was decided (unix milliseconds)."""

    made_ms: int
    at_ms: int


class Standing(Value, frozen=True):
    """How a reporter stands: warned, not heard until (unix milliseconds), or neither."""

    warned: bool = False
    muted_until_ms: int | None = None


def standing(strikes: Sequence[Strike], now_ms: int, rules: Reports) -> Standing:
    """How a reporter with these strikes stands.

    Only strikes whose report was made after the warning count against who was warned: nobody is muted for what could
    not be heeded (article 23(2): after a prior warning). A warning is forgotten when it is as old as strikes can be.
    """
    window, mute = rules.within_days * _DAY_MS, rules.mute_days * _DAY_MS
    warned_ms: int | None = None
    muted_ms: int | None = None
    told = [each for each in sorted(strikes, key=lambda each: (each.at_ms, each.made_ms)) if each.at_ms <= now_ms]
    for place, strike in enumerate(told, start=1):
        recent = [each for each in told[:place] if each.at_ms > strike.at_ms - window]
        if warned_ms is None or warned_ms <= strike.at_ms - window:
            warned_ms = strike.at_ms if len(recent) >= rules.warn_after else None
        elif sum(each.made_ms > warned_ms for each in recent) >= rules.mute_after:
            muted_ms = strike.at_ms + mute
    return Standing(
        warned=warned_ms is not None and now_ms < warned_ms + window,
        muted_until_ms=muted_ms if muted_ms is not None and now_ms < muted_ms else None,
    )


def hash_token(token: str) -> str:
    """The form in which a receipt's token is kept: SHA-256 in hexadecimal. Tokens are long, so no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def together(states: Sequence[State]) -> State:
    """The state of a receipt whose report names several contents: undecided while one of them is."""
    for state in (State.APPEAL_OPEN, State.UNDER_REVIEW, State.RECEIVED, State.DUPLICATE, State.ACTIONED):
        if state in states:
            return state
    return State.NOT_ACTIONED
