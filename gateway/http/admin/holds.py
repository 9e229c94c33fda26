"""Held messages, as reviewers work on them: the queue, a message with what was found in it, and what they decide."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

import msgspec
import orjson
from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from gateway.core.holds import CODE_TEXTS
from gateway.core.model import MessageState, Outcome
from gateway.core.policy import VIOLATIONS
from gateway.core.queue import MOST_COUNTED, UNRESOLVED, Entry, Resolution, Unresolved, wrong_code
from gateway.core.records import Stored
from gateway.core.wordings import words
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    ByReviewer,
    ByViewer,
    Desk,
    Limit,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import ReasonBody
from gateway.http.answers import reasons_body
from gateway.http.problems import Problem, bad_fields
from gateway.review import ReleaseForbidden

router = APIRouter(prefix=PREFIX + "/holds")

MessageId = Annotated[str, Path(max_length=255, pattern=ID)]
Place = Annotated[str, Query(pattern=r"^\d{1,16}\.[A-Za-z0-9_-]{1,255}$", description="`next` of the page before.")]

_CONFLICT: Responses = {409: {"description": "Somebody else has it, or has decided; `code` says which"}}
_CODE: Responses = {**_CONFLICT, 422: {"description": "A code that the policy does not know"}}


class DecideBody(ReasonBody):
    """What is decided, and why. ``code`` is one of the policy's, which `GET .../holds:codes` lists; with ``undo`` it is
    carried out only after the time in which it can be taken back."""

    code: Annotated[str, Field(max_length=64)]
    undo: bool = False


class ResolutionOut(BaseModel):
    """What a person decided."""

    actor: str
    outcome: Literal["release", "reject"]
    code: str
    note: str
    at_ms: int

    @classmethod
    def of(cls, one: Resolution | None) -> Self | None:
        """A decision as an answer."""
        if one is None:
            return None
        outcome: Literal["release", "reject"] = "release" if one.outcome is Outcome.ALLOW else "reject"
        return cls(actor=one.actor, outcome=outcome, code=one.code, note=one.note, at_ms=one.at_ms)


class HoldOut(BaseModel):
    """A message in the queue. ``people`` is how many must agree to a release; ``first`` is what the first of two
    decided, ``waiting`` what is carried out from ``waiting_ms`` on."""

    message_id: str
    account_id: str
    category: str | None
    due_ms: int
    people: int
    claimed_by: str | None
    claimed_until_ms: int | None
    escalated_by: str | None
    escalated_note: str | None
    first: ResolutionOut | None
    waiting: ResolutionOut | None
    waiting_ms: int | None
    problem: str | None

    @classmethod
    def of(cls, entry: Entry, now_ms: int) -> Self:
        """An entry as an answer; a claim that is over is none."""
        claimed = entry.claimed(now_ms)
        return cls(
            message_id=entry.message_id,
            account_id=entry.account_id,
            category=entry.category or None,
            due_ms=entry.due_ms,
            people=entry.eyes,
            claimed_by=claimed,
            claimed_until_ms=entry.claimed_until_ms if claimed else None,
            escalated_by=entry.escalated_by,
            escalated_note=entry.escalated_note,
            first=ResolutionOut.of(entry.first),
            waiting=ResolutionOut.of(entry.waiting),
            waiting_ms=entry.waiting_ms,
            problem=entry.problem,
        )


class HoldsOut(BaseModel):
    """A page of the queue, what is due first in front; ``next`` is where to go on (``after``), null at the end. The
    numbers are of the 10,001 messages that are due first: a ``total`` of 10,001 says that more than 10,000 wait."""

    holds: list[HoldOut]
    next: str | None
    total: int
    overdue: int
    escalated: int


class HeldOut(BaseModel):
    """A held message, or one that was, with what it says and what was found in it. ``hold`` is null when nobody need
    look at it any more. ``reasons`` are of the newest decision."""

    hold: HoldOut | None
    message_id: str
    account_id: str
    platform: str
    state: MessageState
    texts: list[str]
    media: list[dict[str, Any]]
    target: str | None
    created_ms: int
    reasons: list[dict[str, Any]]


class CodeOut(BaseModel):
    """A code that a decision may name. ``text`` says what it means, null for one of the operator's own; a ``violation``
    is a category, which the message is then found to violate."""

    code: str
    text: str | None
    violation: bool

    @classmethod
    def of(cls, code: str) -> Self:
        """A code of the policy as an answer."""
        if code in VIOLATIONS:
            return cls(code=code, text=words("en")["categories"].get(code), violation=True)
        return cls(code=code, text=CODE_TEXTS.get(code), violation=False)


class CodesOut(BaseModel):
    """The codes of the policy in force, by what is decided."""

    release: list[CodeOut]
    reject: list[CodeOut]


Deciding = Annotated[DecideBody, Depends(body_of(DecideBody))]
Noting = Annotated[ReasonBody, Depends(body_of(ReasonBody))]


@router.get("", summary="The queue of held messages", response_model=HoldsOut)
async def queue(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    after: Place | None = None,
    limit: Limit = 50,
    category: Annotated[str | None, Query(max_length=64)] = None,
    escalated: bool | None = None,
) -> Response:
    """What is due first in front, in pages."""
    now_ms = desk.clock.now_ms()
    place = None
    if after is not None:
        due, _, message_id = after.partition(".")
        place = (int(due), message_id)
    found = await desk.held.queue.page(tenant_id, place, limit, category, escalated)
    total, overdue, raised = await desk.held.queue.count(tenant_id, now_ms, MOST_COUNTED)
    following = f"{found[-1].due_ms}.{found[-1].message_id}" if len(found) == limit else None
    holds = [HoldOut.of(entry, now_ms) for entry in found]
    return answered(HoldsOut(holds=holds, next=following, total=total, overdue=overdue, escalated=raised))


@router.get(":codes", summary="The codes that decisions name", response_model=CodesOut)
async def codes(by: ByViewer, tenant_id: TenantId, desk: Served) -> Response:
    """`code` of a release or a rejection is one of these."""
    rules = desk.policy().policy.holds
    release, reject = [[CodeOut.of(code) for code in rules.codes(each)] for each in (Outcome.ALLOW, Outcome.BLOCK)]
    return answered(CodesOut(release=release, reject=reject))


@router.get("/{message_id}", summary="A held message", response_model=HeldOut)
async def show(by: ByViewer, tenant_id: TenantId, message_id: MessageId, desk: Served) -> Response:
    """All that it says, and what was found in it."""
    stored = await desk.store.message(message_id, tenant_id)
    if stored is None:
        raise unresolved(Unresolved.NOT_HELD, 404)
    entry = await desk.held.queue.entry(message_id, tenant_id)
    return answered(await _held(desk, stored, entry))


@router.post(":claim_next", summary="Take the message that is due first", response_model=HoldOut | None)
async def claim_next(by: ByReviewer, tenant_id: TenantId, desk: Served) -> Response:
    """Of those that nobody has; null when there is none. Claimed ones come back when the claim ends."""
    now_ms = desk.clock.now_ms()
    entry = await desk.held.queue.claim_next(tenant_id, by.name, desk.policy().policy.holds, now_ms)
    if entry is None:
        return Response(b"null", media_type="application/json", headers={"Cache-Control": "no-store"})
    return answered(HoldOut.of(entry, now_ms))


@router.post("/{message_id}:claim", summary="Take a message", response_model=HoldOut, responses=_CONFLICT)
async def claim(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, desk: Served) -> Response:
    """For the policy's `claim_minutes`; meanwhile nobody else decides on it."""
    now_ms = desk.clock.now_ms()
    return _answer(
        await desk.held.queue.claim(message_id, tenant_id, by.name, desk.policy().policy.holds, now_ms), now_ms
    )


@router.post("/{message_id}:let_go", summary="Give a message back", response_model=HoldOut, responses=_CONFLICT)
async def let_go(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, desk: Served) -> Response:
    """Before the claim ends."""
    now_ms = desk.clock.now_ms()
    return _answer(await desk.held.queue.let_go(message_id, tenant_id, by.name, now_ms), now_ms)


@router.post("/{message_id}:release", summary="Release a message", response_model=HoldOut, responses=_CODE)
async def release(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, body: Deciding, desk: Served) -> Response:
    """Its own request is forwarded, once; some categories take two people, and the first one's word then waits."""
    return await _decide(desk, message_id, tenant_id, by.name, Outcome.ALLOW, body)


@router.post("/{message_id}:reject", summary="Reject a message", response_model=HoldOut, responses=_CODE)
async def reject(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, body: Deciding, desk: Served) -> Response:
    """A code that is a category says that the message violates it."""
    return await _decide(desk, message_id, tenant_id, by.name, Outcome.BLOCK, body)


@router.post("/{message_id}:escalate", summary="Leave a message to others", response_model=HoldOut, responses=_CONFLICT)
async def escalate(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, body: Noting, desk: Served) -> Response:
    """Whoever escalates does not decide."""
    now_ms = desk.clock.now_ms()
    return _answer(await desk.held.queue.escalate(message_id, tenant_id, by.name, body.reason, now_ms), now_ms)


@router.post("/{message_id}:undo", summary="Take a decision back", response_model=HoldOut, responses=_CONFLICT)
async def undo(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, desk: Served) -> Response:
    """While it is not carried out."""
    now_ms = desk.clock.now_ms()
    return _answer(await desk.held.queue.undo(message_id, tenant_id, by.name, now_ms), now_ms)


async def _decide(
    desk: Desk, message_id: str, tenant_id: str, actor: str, outcome: Outcome, body: DecideBody
) -> Response:
    try:
        entry = await desk.held.decide(message_id, tenant_id, actor, outcome, body.code, body.reason, body.undo)
    except ReleaseForbidden as error:
        raise Problem(409, "release_forbidden", f"message_id: it cannot be released: {error}") from error
    if entry is Unresolved.CODE:
        told = wrong_code(outcome, desk.policy().policy.holds)
        raise bad_fields([("code", told)], _STATUS[Unresolved.CODE], Unresolved.CODE)
    return _answer(entry, desk.clock.now_ms())


def _answer(entry: Entry | Unresolved, now_ms: int) -> Response:
    if isinstance(entry, Unresolved):
        raise unresolved(entry)
    return answered(HoldOut.of(entry, now_ms))


_STATUS: Final = {Unresolved.NOT_HELD: 409, Unresolved.CODE: 422}


def unresolved(reason: Unresolved, status: int | None = None) -> Problem:
    """The problem that something was not done with a held message."""
    name, _, text = UNRESOLVED[reason].partition(": ")
    return bad_fields([(name, text)], status or _STATUS.get(reason, 409), reason)


async def _held(desk: Desk, stored: Stored, entry: Entry | None) -> HeldOut:
    _, newest = (await desk.store.cases(stored.message_id))[-1]
    message = stored.message
    return HeldOut(
        hold=HoldOut.of(entry, desk.clock.now_ms()) if entry is not None else None,
        message_id=stored.message_id,
        account_id=message.account_id,
        platform=message.platform,
        state=stored.state,
        texts=list(message.texts),
        media=msgspec.to_builtins(message.media),
        target=message.target,
        created_ms=stored.created_ms,
        reasons=orjson.loads(orjson.dumps(reasons_body(newest.decision))),
    )
