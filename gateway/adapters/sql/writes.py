"""What the writer is given: new messages and changes of state, encoded by their callers before they queue."""

from __future__ import annotations

from typing import Final, NamedTuple

from classifiers.contract import Silence, Unanswered
from gateway.adapters.sql.tables import FOR_EVER
from gateway.core import audit, codec
from gateway.core.model import Case
from gateway.core.records import Entry, Owner, Transition
from gateway.ports import StoreUnavailable

FEW_TIMES: Final = 5
"""How often a classifier is asked again about a message that it failed on, or that lacked a picture."""


class Insert(NamedTuple):
    """A new message."""

    owner: Owner
    entry: Entry
    message_id: str
    message_json: str
    case_json: str
    audit_body: str
    recheck_limit: int
    size: int


class Update(NamedTuple):
    """A change of state. ``recheck_limit`` is None where there is no new case; ``audit_body`` is there where it needs
    nothing of the stored row."""

    owner: Owner
    transition: Transition
    message_id: str
    case_json: bytes | None
    recheck_limit: int | None
    audit_body: str | None
    size: int


class Probe(NamedTuple):
    """A write of no consequence, to see whether one would be taken."""

    message_id: str = ""
    size: int = 0


Write = Insert | Update | Probe


def check_text(*texts: str) -> None:
    """Raise `StoreUnavailable` for text that no database takes: with NUL, or a lone surrogate.

    Found here it costs its own caller only; found by the database, it would undo the batch for all.
    """
    for text in texts:
        if "\x00" in text:
            raise StoreUnavailable("a NUL character in a key, a name or a type")
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise StoreUnavailable("half a character in a key, a name or a type") from error


def insert(owner: Owner, entry: Entry) -> Insert:
    """The write of a new message. Raises `StoreUnavailable` for one that cannot be encoded."""
    message = entry.message
    check_text(message.tenant_id, message.account_id, message.platform, entry.request.content_type, entry.key or "")
    try:
        message_json = codec.encode_message(entry.message)
        case_json = codec.encode_case(entry.case)
        body = audit.decision_body(
            entry.message_id, entry.message, entry.state, entry.decision_id, entry.case, case_json, message_json
        )
    except ValueError as error:
        raise StoreUnavailable("a message that cannot be written") from error
    return Insert(
        owner,
        entry,
        entry.message_id,
        message_json.decode(),
        case_json.decode(),
        body,
        recheck_limit(entry.case),
        len(entry.request.body) + len(message_json) + len(case_json),
    )


def update(owner: Owner, transition: Transition) -> Update:
    """The write of a change of state. Raises `StoreUnavailable` for one that cannot be encoded."""
    case, upstream = transition.case, transition.upstream
    size = len(upstream.body) if upstream else 0
    try:
        if case is None:
            return Update(owner, transition, transition.message_id, None, None, _body(transition), size)
        case_json = codec.encode_case(case)
    except ValueError as error:
        raise StoreUnavailable("a change that cannot be written") from error
    return Update(owner, transition, transition.message_id, case_json, recheck_limit(case), None, size + len(case_json))


def _body(transition: Transition) -> str | None:
    message = transition.message
    if message is None or transition.step is not None:  # the one statement of PostgreSQL does not look at steps
        return None
    return audit.transition_body(
        transition, message.tenant_id, message.account_id, message.platform, message.content_hash
    )


def recheck_limit(case: Case) -> int:
    """How often a hold with this newest case is asked about again: never, some times, or until there is an opinion."""
    limit = 0
    for answer in case.answers:
        if isinstance(answer, Unanswered):
            if answer.silence in (Silence.TIMEOUT, Silence.UNAVAILABLE):
                return FOR_EVER
            if answer.silence in (Silence.FAILED, Silence.INCOMPLETE):
                limit = FEW_TIMES
    return limit


def runs(writes: list[Write]) -> list[list[Write]]:
    """Cut a batch so that no message occurs twice in one run: a statement sees each row once, whatever the order."""
    result: list[list[Write]] = [[]]
    seen: set[str] = set()
    for write in writes:
        if write.message_id in seen:
            result.append([])
            seen.clear()
        if write.message_id:
            seen.add(write.message_id)
        result[-1].append(write)
    return result
