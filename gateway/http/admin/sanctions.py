"""Sanctions and what they come of, as reviewers work with them."""

from __future__ import annotations

from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field

from classifiers.contract import Category
from gateway.core.ladder_rules import Happening, Step
from gateway.core.model import Degree
from gateway.core.registration import By
from gateway.core.sanction_records import (
    REFUSED_WORDING,
    Order,
    SanctionRecord,
    SanctionRefused,
    SanctionState,
    Waits,
    Why,
)
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    AccountId,
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
from gateway.http.admin.models import Given, Id, ReasonBody, ReasonText
from gateway.http.problems import Problem, bad_fields
from gateway.ports import Incident

router = APIRouter(prefix=PREFIX)

SanctionId = Annotated[str, Path(max_length=255, pattern=ID)]
After = Annotated[str, Query(max_length=255, pattern=ID + "|^$", description="`next` of the page before.")]
Account = Annotated[str | None, Query(max_length=255, pattern=ID, description="Of this account only.")]

_CONFLICT: Responses = {409: {"description": "Not as things are; `code` says why, `errors` names the field"}}
_REFUSED: Responses = {**_CONFLICT, 422: {"description": "A value that cannot be; `errors` names the field"}}


class ImposeBody(ReasonBody):
    """A sanction to impose. Without ``days`` a warning stands as long as an incident of its ``category`` counts,
    anything else until it is lifted; a closing has none. ``message_id`` is what it is about, if that is one message of
    this account."""

    account_id: Id
    degree: Annotated[Degree, Field(strict=False)]
    days: Annotated[int, Field(ge=1, le=3660)] | None = None
    category: Category | None = None
    message_id: Id | None = None


class LiftBody(Given):
    """Why it is lifted. ``mistaken``: what it came of was no violation, and is held against nobody any more."""

    reason: ReasonText
    mistaken: bool = False


class RungOut(BaseModel):
    """A step of the ladder: a degree for so many days, and what goes with it. ``days`` is null for no end; a warning
    then stands until its incident decays."""

    degree: Degree
    days: int | None
    also: list[Degree]

    @classmethod
    def of(cls, step: Step | None) -> Self | None:
        """A step as an answer."""
        return None if step is None else cls(degree=step.degree, days=step.days, also=list(step.also))


class ImposedOut(BaseModel):
    """A sanction, or the proposal of one. ``starts_ms`` is null until it is in force, ``ends_ms`` null for no end;
    ``waits`` says why it was only proposed, ``why`` what it comes of. ``agreed`` are those who agreed to it,
    ``needed`` how many must."""

    sanction_id: str
    account_id: str
    degree: Degree
    also: list[Degree]
    state: SanctionState
    created_ms: int
    days: int | None
    starts_ms: int | None
    ends_ms: int | None
    why: Why
    waits: Waits | None
    automatic: bool
    category: str | None
    incident_id: str | None
    message_id: str | None
    reason: str | None
    agreed: list[str]
    needed: int
    decided_by: str | None
    decided_ms: int | None

    @classmethod
    def of(cls, record: SanctionRecord, desk: Desk) -> Self:
        """A sanction as an answer."""
        plain = {name: getattr(record, name) for name in cls.model_fields if name != "needed"}
        needed = desk.policy().policy.ladder.needed(record.degree)
        lists = {"also": list(record.also), "agreed": list(record.agreed), "reason": record.reason or None}
        return cls(**{**plain, **lists, "needed": needed})


class ImposedPageOut(BaseModel):
    """A page of sanctions, oldest first; ``next`` is where to go on (``after``), null at the end."""

    sanctions: list[ImposedOut]
    next: str | None


class IncidentOut(BaseModel):
    """A violation that was held against an account; ``removed_ms`` is when it turned out to be none."""

    incident_id: str
    at_ms: int
    happening: Happening
    category: str
    message_id: str
    removed_ms: int | None

    @classmethod
    def of(cls, incident: Incident) -> Self:
        """An incident as an answer."""
        named = ("incident_id", "at_ms", "happening", "category", "message_id")
        plain = {name: getattr(incident.strike, name) for name in named}
        return cls(**plain, removed_ms=incident.removed_ms)


class IncidentsOut(BaseModel):
    """A page of what was held against an account, oldest first, and where it is on the ladder: its points, the step
    that they are, and the step that another incident of weight 1 would be. ``next`` is where to go on (``after``)."""

    incidents: list[IncidentOut]
    next: str | None
    points: int
    step: RungOut | None
    following: RungOut | None


Imposing = Annotated[ImposeBody, Depends(body_of(ImposeBody))]
Lifting = Annotated[LiftBody, Depends(body_of(LiftBody))]
Reason = Annotated[ReasonBody, Depends(body_of(ReasonBody))]


@router.get("/sanctions", summary="Sanctions, and what is proposed", response_model=ImposedPageOut)
async def sanctions(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    state: Annotated[SanctionState | None, Query(description="In this state only.")] = None,
    account_id: Account = None,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """Oldest first, in pages."""
    found = await desk.sanctions.page(tenant_id, after, limit, desk.clock.now_ms(), state, account_id)
    following = found[-1].sanction_id if len(found) == limit else None
    return answered(ImposedPageOut(sanctions=[ImposedOut.of(one, desk) for one in found], next=following))


@router.get("/sanctions/{sanction_id}", summary="A sanction", response_model=ImposedOut)
async def show(by: ByViewer, tenant_id: TenantId, sanction_id: SanctionId, desk: Served) -> Response:
    """With who agreed to it, and what it comes of."""
    found = await desk.sanctions.sanction(tenant_id, sanction_id, desk.clock.now_ms())
    return _answer(SanctionRefused.SANCTION_UNKNOWN if found is None else found, desk)


@router.get("/accounts/{account_id}/incidents", summary="What is held against an account", response_model=IncidentsOut)
async def incidents(
    by: ByViewer, tenant_id: TenantId, account_id: AccountId, desk: Served, after: After = "", limit: Limit = 50
) -> Response:
    """Violations, oldest first, in pages, and where the account is on the ladder."""
    found = await desk.sanctions.incidents(tenant_id, account_id, after, limit)
    if not found and await desk.registrar.registered(tenant_id, account_id) is None:
        raise refused(SanctionRefused.ACCOUNT_UNKNOWN)
    rung = await desk.sanctions.rung(tenant_id, account_id, desk.clock.now_ms())
    return answered(
        IncidentsOut(
            incidents=[IncidentOut.of(one) for one in found],
            next=found[-1].strike.incident_id if len(found) == limit else None,
            points=rung.points,
            step=RungOut.of(rung.step),
            following=RungOut.of(rung.next),
        )
    )


@router.post("/sanctions", summary="Impose a sanction", response_model=ImposedOut, responses=_REFUSED)
async def impose(by: ByReviewer, tenant_id: TenantId, body: Imposing, desk: Served) -> Response:
    """A closing is only proposed by it: somebody else has to agree. Sent twice it is imposed once."""
    order = Order(body.account_id, body.degree, body.days, body.category, body.message_id)
    result = await desk.sanctions.impose(tenant_id, order, By(by.name, body.reason), desk.clock.now_ms())
    return _answer(result, desk)


@router.post(
    "/sanctions/{sanction_id}:agree", summary="Agree to a proposal", response_model=ImposedOut, responses=_CONFLICT
)
async def agree(by: ByReviewer, tenant_id: TenantId, sanction_id: SanctionId, body: Reason, desk: Served) -> Response:
    """It is in force once enough people did. The second who agrees to a closing closes the account."""
    result = await desk.sanctions.agree(tenant_id, sanction_id, By(by.name, body.reason), desk.clock.now_ms())
    return _answer(result, desk)


@router.post(
    "/sanctions/{sanction_id}:decline", summary="Decline a proposal", response_model=ImposedOut, responses=_CONFLICT
)
async def decline(by: ByReviewer, tenant_id: TenantId, sanction_id: SanctionId, body: Reason, desk: Served) -> Response:
    """One person's word is enough. What was held against the account stays so."""
    result = await desk.sanctions.decline(tenant_id, sanction_id, By(by.name, body.reason), desk.clock.now_ms())
    return _answer(result, desk)


@router.post("/sanctions/{sanction_id}:lift", summary="Lift a sanction", response_model=ImposedOut, responses=_CONFLICT)
async def lift(by: ByReviewer, tenant_id: TenantId, sanction_id: SanctionId, body: Lifting, desk: Served) -> Response:
    """Before its time. Lifting a closing reopens the account."""
    reason, now_ms = By(by.name, body.reason), desk.clock.now_ms()
    result = await desk.sanctions.lift(tenant_id, sanction_id, reason, now_ms, mistaken=body.mistaken)
    return _answer(result, desk)


def _answer(result: SanctionRecord | SanctionRefused, desk: Desk) -> Response:
    if isinstance(result, SanctionRefused):
        raise refused(result)
    return answered(ImposedOut.of(result, desk))


_STATUS: Final = {
    SanctionRefused.SANCTION_UNKNOWN: 404,
    SanctionRefused.ACCOUNT_UNKNOWN: 404,
    SanctionRefused.MESSAGE_UNKNOWN: 404,
    SanctionRefused.DAYS_IMPOSSIBLE: 422,
}


def refused(reason: SanctionRefused) -> Problem:
    """The problem that a refused act on a sanction is answered with."""
    name, _, message = REFUSED_WORDING[reason].partition(": ")
    return bad_fields([(name, message)], _STATUS.get(reason, 409), reason)
