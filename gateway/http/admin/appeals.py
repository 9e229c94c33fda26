"""Appeals, as reviewers work with them: in the order in which they should be decided."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self, assert_never

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from gateway.core.appeals import NOTE_LIMIT, UNDECIDABLE, Appeal, AppealState, Restored, Undecidable
from gateway.core.registration import By
from gateway.core.statement import Restriction
from gateway.core.wordings import worded
from gateway.http.admin.desk import (
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
from gateway.http.problems import Problem, bad_fields
from gateway.http.statement_words import SectionOut, sections

router = APIRouter(prefix=PREFIX + "/appeals")

AppealId = Annotated[str, Path(max_length=64, pattern="^[0-9a-z-]+$")]
_PLACE: Final = r"^([0-9]{1,15}\.[0-9a-z-]{1,64})?$"


class AppealDecisionBody(ReasonBody):
    """A decision. ``reason`` is kept in the audit chain; ``note`` is what the author is told, and kept apart."""

    outcome: Literal["upheld", "reversed"]
    note: Annotated[str, Field(max_length=NOTE_LIMIT)] | None = None


class OpenAppealOut(BaseModel):
    """An appeal that waits. Times are unix milliseconds."""

    appeal_id: str
    statement_id: str
    account_id: str
    message_id: str | None
    sanction_id: str | None
    language: str
    made_ms: int
    due_ms: int

    @classmethod
    def of(cls, appeal: Appeal) -> Self:
        """An appeal as an answer."""
        return cls(**{name: getattr(appeal, name) for name in cls.model_fields})


class OpenAppealsOut(BaseModel):
    """A page of appeals that wait, the most urgent first; ``next`` is where to go on (``after``), null at the end."""

    appeals: list[OpenAppealOut]
    next: str | None


class AppealShownOut(OpenAppealOut):
    """An appeal with what it is against. ``involved`` had a part in that, and do not decide; ``text`` is null where it
    was erased, or no key opens it. What became of the message of a granted appeal says ``restored``."""

    state: AppealState
    text: str | None
    restriction: Restriction | None
    category: str | None
    codes: list[str]
    sections: list[SectionOut]
    involved: list[str]
    decided_ms: int | None
    decided_by: str | None
    restored: Restored | None
    note: str | None


Deciding = Annotated[AppealDecisionBody, Depends(body_of(AppealDecisionBody))]
_DECIDED: Responses = {
    403: {"description": "The operator has another role, or had a part in what is appealed against"},
    409: {"description": "It was decided already"},
}


@router.get("", summary="Open appeals", response_model=OpenAppealsOut)
async def listing(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    after: Annotated[str, Query(max_length=80, pattern=_PLACE, description="`next` of the page before.")] = "",
    limit: Limit = 50,
) -> Response:
    """In the order of their deadlines, in pages."""
    due, _, last = after.partition(".")
    found = await desk.appealing.appeals.open(tenant_id, (int(due or -1), last), limit)
    following = f"{found[-1].due_ms}.{found[-1].appeal_id}" if len(found) == limit else None
    return answered(OpenAppealsOut(appeals=[OpenAppealOut.of(each) for each in found], next=following))


@router.get("/{appeal_id}", summary="An appeal", response_model=AppealShownOut)
async def show(by: ByReviewer, tenant_id: TenantId, appeal_id: AppealId, desk: Served) -> Response:
    """What the author says, what it is against, and who may not decide."""
    return answered(await _shown(desk, tenant_id, appeal_id))


@router.post("/{appeal_id}:decide", summary="Decide an appeal", response_model=AppealShownOut, responses=_DECIDED)
async def decide(by: ByReviewer, tenant_id: TenantId, appeal_id: AppealId, body: Deciding, desk: Served) -> Response:
    """`reversed` lifts the restriction and publishes a message that was held or blocked; `upheld` leaves it. Once."""
    decided = await desk.appealing.decide(
        tenant_id, appeal_id, AppealState(body.outcome), By(by.name, body.reason), body.note
    )
    if isinstance(decided, Undecidable):
        raise _refused(decided)
    return answered(await _shown(desk, tenant_id, appeal_id))


async def _shown(desk: Desk, tenant_id: str, appeal_id: str) -> AppealShownOut:
    appeal = await desk.appealing.appeals.appeal(tenant_id, appeal_id)
    if appeal is None:
        raise _refused(Undecidable.APPEAL_UNKNOWN)
    statement = await desk.appealing.statements.statement(appeal.statement_id, tenant_id)
    told: list[SectionOut] = []
    if statement is not None:
        standing = await desk.appealing.standing(statement)
        now_ms = desk.clock.now_ms()
        told = sections(worded(statement, "en", appeal_until_ms=standing.until_ms, now_ms=now_ms, appeal=appeal))
    names = [name for name in AppealShownOut.model_fields if name in Appeal.__struct_fields__]
    return AppealShownOut(
        **{name: getattr(appeal, name) for name in names},
        restriction=statement.restriction if statement is not None else None,
        category=statement.category if statement is not None else None,
        codes=list(statement.codes) if statement is not None else [],
        sections=told,
        involved=sorted(await desk.appealing.appeals.involved(appeal)),
    )


def _refused(why: Undecidable) -> Problem:
    name, _, message = UNDECIDABLE[why].partition(": ")
    match why:
        case Undecidable.APPEAL_UNKNOWN:
            return bad_fields([(name, message)], 404, why)
        case Undecidable.DECIDED | Undecidable.TWO_PEOPLE:
            return bad_fields([(name, message)], 409, why)
        case Undecidable.INVOLVED | Undecidable.MACHINE:
            return Problem(403, why, UNDECIDABLE[why])
        case _:
            assert_never(why)
