"""What happened, as statements of reasons: which restriction begins, and which ends. Pure.

A restriction has one statement, whose id is made of what it is about; so what is read twice is stated once. Ids begin
with the time at which the restriction began, so they sort by it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from classifiers.contract import CATEGORIES, Value
from gateway.core.audit import APPEAL as APPEAL_KIND
from gateway.core.audit import SANCTION, TAKEDOWN
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.model import Case, Degree, Message, MessageState, Outcome, Suspension
from gateway.core.rules import APPEAL, EXPIRED, PERSON, REVIEWED
from gateway.core.statement import IMPOSED, UPDATES, Automation, Lifted, Restriction, Source, Statement

VIOLATIONS: Final = CATEGORIES - {"news"}
_OF_A_MESSAGE: Final = frozenset({Restriction.HOLD, Restriction.BLOCK})
_CAUSES: Final = frozenset({Restriction.BLOCK, Restriction.TAKEDOWN})
_MEDIA: Final = ("image", "video", "audio")
_LATEST: Final = 2**48 - 1


class Content(Value, frozen=True):
    """What a statement says of a message: the kinds of its content, and when it came (unix ms)."""

    types: tuple[str, ...]
    created_ms: int


class Stated(Value, frozen=True):
    """What comes of it: statements that are new, and others that have ended meanwhile."""

    made: tuple[Statement, ...]
    ended: tuple[Statement, ...]


def content_types(message: Message) -> tuple[str, ...]:
    """The kinds of a message's content: ``text``, ``image``, ``video``, ``audio``, ``other``."""
    kinds = ["text"] if message.texts else []
    for medium in message.media:
        kind = medium.content_type.partition("/")[0].lower()
        kinds.append(kind if kind in _MEDIA else "other")
    return tuple(dict.fromkeys(kinds))


def statement_id(starts_ms: int, *about: str) -> str:
    """The id of the statement of a restriction: 32 hexadecimal digits, the first 12 the time that it began at."""
    digest = hashlib.sha256("\x00".join(about).encode(errors="surrogatepass")).hexdigest()
    return f"{_in_range(starts_ms):012x}{digest[:20]}"


def first_id(from_ms: int) -> str:
    """What the ids of all restrictions that began at or after a moment are not less than."""
    return f"{_in_range(from_ms):012x}"


def id_of(happened: Happened) -> str | None:
    """The id of the statement that this makes, if it makes one; it need not, where the same was stated before."""
    if isinstance(happened, MessageStep):
        if happened.after is MessageState.HELD and happened.decision_id is not None:
            return statement_id(happened.at_ms, "hold", happened.message_id, happened.decision_id)
        if happened.after in (MessageState.BLOCKED, MessageState.REJECTED):
            return statement_id(happened.at_ms, "block", happened.message_id, happened.decision_id or "")
        return None
    body = happened.body
    if happened.kind == SANCTION and happened.act == "ImposeSanction" and _text(body, "degree") in set(Degree):
        return statement_id(_starts_ms(happened), "sanction", happened.tenant_id, _text(body, "sanction_id") or "")
    if happened.kind == TAKEDOWN and happened.act == "TakeDown" and (message_id := _text(body, "message_id")):
        return statement_id(happened.at_ms, "takedown", happened.tenant_id, message_id)
    return None


def stated(
    known: Iterable[Statement],
    steps: Iterable[MessageStep],
    acts: Iterable[Act] = (),
    contents: Mapping[str, Content] | None = None,
) -> Stated:
    """What comes of these. ``known`` are the statements there are of all that they are about; ``contents`` is what
    there is to say of messages that were taken down, by id.

    ``steps`` are all there were of each message, in their order: those of one message may lie in several audit chains,
    which are followed each for itself, so the next one alone may be one that came later.
    """
    before = {each.statement_id: each for each in known}
    fresh = _Book()
    for step in steps:
        _step(fresh, step)
    book = _Book()
    for each in before.values():
        book.add(each)
    for each in fresh.all():
        book.add(each)
        book.end([book.named(each.statement_id)], each.lifted, each.lifted_ms)
    for act in acts:
        if act.kind == SANCTION:
            _sanction(book, act)
        elif act.kind == TAKEDOWN:
            _takedown(book, act, contents or {})
        elif act.kind == APPEAL_KIND:
            _appeal(book, act)
    made = [each for each in book.all() if each.statement_id not in before]
    ended = [each for each in book.all() if before.get(each.statement_id, each) != each]
    return Stated(tuple(made), tuple(ended))


class _Book:
    """The statements as they become."""

    def __init__(self) -> None:
        self._now: dict[str, Statement] = {}

    def add(self, statement: Statement) -> None:
        self._now.setdefault(statement.statement_id, statement)

    def named(self, statement_id: str) -> Statement:
        return self._now[statement_id]

    def of_message(self, message_id: str) -> list[Statement]:
        """The holds and blocks of a message, in the order in which they were added."""
        found = [each for each in self._now.values() if each.message_id == message_id]
        return [each for each in found if each.restriction in _OF_A_MESSAGE]

    def cause(self, account_id: str, message_id: str | None) -> Statement | None:
        """What was done last with a message for which its account is sanctioned. It is stated by then: an incident is
        written in one transaction with the statement of what it came of."""
        about = [each for each in self._now.values() if (each.account_id, each.message_id) == (account_id, message_id)]
        found = [each for each in about if each.restriction in _CAUSES]
        return max(found, key=lambda each: each.starts_ms, default=None)

    def all(self) -> list[Statement]:
        return list(self._now.values())

    def end(self, statements: Iterable[Statement], why: Lifted | None, at_ms: int | None) -> None:
        for each in statements:
            if each.lifted_ms is None and at_ms is not None:
                self._now[each.statement_id] = replace(each, lifted=why, lifted_ms=at_ms)


def _step(book: _Book, step: MessageStep) -> None:
    before = book.of_message(step.message_id)
    name = id_of(step)
    appealed = step.case is not None and step.case.decision.rule == APPEAL
    if name is None:
        # Allowed after all. One that failed before it was answered was never shown to be restricted either.
        book.end(before, Lifted.REVERSED if appealed else Lifted.RELEASED, step.at_ms)
        return
    made = _of_step(name, step, before)
    if step.after is MessageState.HELD:
        last = next((each for each in reversed(before) if each.lifted_ms is None), None)
        if last is not None and (last.category, last.codes) == (made.category, made.codes):
            return  # looked at again, and held for the same
    book.end(before, Lifted.SUPERSEDED, step.at_ms)
    book.add(made)


def _of_step(name: str, step: MessageStep, before: Sequence[Statement]) -> Statement:
    restriction = Restriction.HOLD if step.after is MessageState.HELD else Restriction.BLOCK
    category, codes = _grounds(step.case)
    rule = step.case.decision.rule if step.case is not None else ""
    held = next((each for each in reversed(before) if each.restriction is Restriction.HOLD), None)
    if held is not None and (rule == EXPIRED or (rule == PERSON and codes == (REVIEWED,))):
        # Nobody named another ground, so it is the one that the message was held on.
        category, codes = held.category, tuple(dict.fromkeys([*codes, *held.codes]))
    return Statement(
        statement_id=name,
        tenant_id=step.tenant_id,
        account_id=step.message.account_id,
        restriction=restriction,
        category=category,
        codes=codes,
        source=Source.OWN,
        automated_detection=True,  # every message is looked at by the gateway before a person does
        automation=Automation.NOT if rule == PERSON else Automation.FULLY,
        starts_ms=step.at_ms,
        policy_version=step.case.decision.policy_version if step.case is not None else "",
        message_id=step.message_id,
        content_types=content_types(step.message),
        content_ms=step.created_ms,
    )


def _grounds(case: Case | None) -> tuple[str | None, tuple[str, ...]]:
    """The violation that a decision rests on, the surest one, and the codes of all reasons that decided."""
    if case is None:
        return None, ()
    decision = case.decision
    reasons = [reason for reason in decision.reasons if reason.outcome is decision.outcome is not Outcome.ALLOW]
    found = [reason for reason in reasons if reason.category in VIOLATIONS]
    surest = max(found, key=lambda reason: reason.score or 0.0, default=None)
    return surest.category if surest else None, tuple(dict.fromkeys([reason.code for reason in reasons]))


def _sanction(book: _Book, act: Act) -> None:
    sanction_id, body = _text(act.body, "sanction_id"), act.body
    if act.act == "LiftSanction":
        whys = {"appeal": Lifted.REVERSED, "ladder": Lifted.SUPERSEDED}
        why = whys.get(_text(body, "why") or "", Lifted.RELEASED)
        book.end([each for each in book.all() if sanction_id and each.sanction_id == sanction_id], why, act.at_ms)
    elif act.act == "ImposeSanction" and (name := id_of(act)) is not None:
        account_id, message_id = _text(body, "account_id") or "", _text(body, "message_id")
        why_code, cause = _text(body, "why"), book.cause(account_id, message_id)
        automation = _of_sanction(body, cause)
        codes = [why_code] if why_code else []
        if automation is Automation.PARTIALLY and not _agreed(body):
            codes.append(IMPOSED)
        if body["degree"] == Degree.SUSPEND_RENEWAL and _text(body, "suspends") == Suspension.UPDATES:
            codes.append(UPDATES)
        book.add(
            Statement(
                statement_id=name,
                tenant_id=act.tenant_id,
                account_id=account_id,
                restriction=Restriction(body["degree"]),
                category=_violation(body),
                codes=tuple(codes),
                source=cause.source if cause else Source.OWN,
                automated_detection=cause.automated_detection if cause else why_code != "person",
                automation=automation,
                starts_ms=_starts_ms(act),
                policy_version=_text(body, "policy_version") or "",
                message_id=message_id,
                sanction_id=sanction_id,
                ends_ms=_number(body, "ends_ms"),
            )
        )


def _of_sanction(body: Mapping[str, Any], cause: Statement | None) -> Automation:
    """Who decided that a sanction follows: a person alone, the ladder alone, or the one upon the other's decision."""
    why = _text(body, "why")
    if why == "person":
        return Automation.NOT
    decided_by_person = why == "appeal" or (cause is not None and cause.automation is not Automation.FULLY)
    return Automation.PARTIALLY if decided_by_person or _agreed(body) else Automation.FULLY


def _agreed(body: Mapping[str, Any]) -> bool:
    """Whether a sanction that the ladder named was imposed only once people had agreed to it."""
    return body.get("automatic") is not True and (_text(body, "why") != "appeal" or _text(body, "waits") is not None)


def _takedown(book: _Book, act: Act, contents: Mapping[str, Content]) -> None:
    message_id, body = _text(act.body, "message_id"), act.body
    # One that an appeal reversed is restored without a wish of its own.
    if act.act in ("Restore", "Restored"):
        down = [each for each in book.all() if message_id and each.message_id == message_id]
        book.end([each for each in down if each.restriction is Restriction.TAKEDOWN], Lifted.REVERSED, act.at_ms)
    elif act.act == "TakeDown" and message_id and (name := id_of(act)) is not None:
        given, content = _text(body, "source"), contents.get(message_id)
        source = Source(given) if given in set(Source) else Source.OWN
        automatic = body.get("automatic") is True
        book.add(
            Statement(
                statement_id=name,
                tenant_id=act.tenant_id,
                account_id=_text(body, "account_id") or "",
                restriction=Restriction.TAKEDOWN,
                category=_violation(body),
                codes=("taken_down",),
                source=source,
                automated_detection=automatic and source is Source.OWN,
                automation=Automation.FULLY if automatic else Automation.NOT,
                starts_ms=act.at_ms,
                policy_version=_text(body, "policy_version") or "",
                message_id=message_id,
                content_types=content.types if content else (),
                content_ms=content.created_ms if content else None,
            )
        )


def _appeal(book: _Book, act: Act) -> None:
    """What an appeal reverses. The message's other restrictions go with the one that was appealed against."""
    if act.act != "DecideAppeal" or _text(act.body, "outcome") != "reversed":
        return
    named, message_id = _text(act.body, "statement_id"), _text(act.body, "message_id")
    sanction_id = _text(act.body, "sanction_id")
    for each in book.all():
        of_message = message_id is not None and each.message_id == message_id and each.sanction_id is None
        # What began later is another matter, such as a block by facts when the message was to be sent.
        of_message = of_message and each.starts_ms < act.at_ms
        of_sanction = sanction_id is not None and each.sanction_id == sanction_id
        if each.statement_id == named or of_message or of_sanction:
            book.end([each], Lifted.REVERSED, act.at_ms)


def _violation(body: Mapping[str, Any]) -> str | None:
    category = _text(body, "category")
    return category if category in VIOLATIONS else None


def _starts_ms(act: Act) -> int:
    found = _number(act.body, "starts_ms")
    return act.at_ms if found is None else found


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def _number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _in_range(at_ms: int) -> int:
    return min(max(at_ms, 0), _LATEST)
