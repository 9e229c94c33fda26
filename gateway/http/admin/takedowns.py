"""Taking down what was published, and putting it back, as reviewers ask for it."""

from __future__ import annotations

from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, JsonValue

from gateway.core.policy import VIOLATIONS
from gateway.core.registration import By
from gateway.core.takedown_problems import Obstacle
from gateway.core.takedowns import WORDING, Takedown, TakedownRefused, TakedownState, told
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    ByReviewer,
    ByViewer,
    Limit,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import ReasonBody
from gateway.http.problems import bad_fields

router = APIRouter(prefix=PREFIX)

MessageId = Annotated[str, Path(max_length=64, pattern=ID)]
After = Annotated[str, Query(max_length=64, pattern=ID + "|^$", description="`next` of the page before.")]


_CATEGORIES: Final[list[JsonValue]] = [str(each) for each in sorted(VIOLATIONS)]


class TakeDownBody(ReasonBody):
    """Why a message is taken down; the app is told the ``category``."""

    category: str = Field(json_schema_extra={"enum": _CATEGORIES})


class TakedownOut(BaseModel):
    """How far a message's being taken down, or restored, has come. ``problem`` says what went wrong last, and in the
    states that end in ``failed`` what a person has to do; ``asked_ms`` when it was asked for, ``at_ms`` when the state
    was reached."""

    message_id: str
    account_id: str
    state: TakedownState
    category: str | None
    source: str
    attempts: int
    asked_ms: int
    at_ms: int
    problem: str | None
    problem_code: Obstacle | None

    @classmethod
    def of(cls, takedown: Takedown) -> Self:
        """One as an answer."""
        return cls(
            message_id=takedown.message_id,
            account_id=takedown.account_id,
            state=takedown.state,
            category=takedown.category or None,
            source=takedown.source,
            attempts=takedown.attempts,
            asked_ms=takedown.asked_ms,
            at_ms=takedown.at_ms,
            problem=told(takedown),
            problem_code=takedown.problem.code if takedown.problem is not None else None,
        )


class TakedownsOut(BaseModel):
    """A page of them, by message id; ``next`` is where to go on (``after``), null at the end."""

    takedowns: list[TakedownOut]
    next: str | None


TakingDown = Annotated[TakeDownBody, Depends(body_of(TakeDownBody))]
Reason = Annotated[ReasonBody, Depends(body_of(ReasonBody))]

_CONFLICT: Responses = {409: {"description": "It was not published, or not taken down; `code` says which"}}


@router.post(
    "/messages/{message_id}:take_down",
    summary="Remove a message that was published",
    response_model=TakedownOut,
    responses={**_CONFLICT, 422: {"description": "There is no such category"}},
)
async def take_down(
    by: ByReviewer, tenant_id: TenantId, message_id: MessageId, body: TakingDown, desk: Served
) -> Response:
    """The platform or the app is told at once, and again for 72 hours; asked for again, what failed is tried anew."""
    if body.category not in VIOLATIONS:
        raise bad_fields([("category", f"give one of: {', '.join(sorted(VIOLATIONS))}")], 422, "category")
    result = await desk.takedowns.take_down(
        tenant_id, message_id, body.category, By(by.name, body.reason), desk.clock.now_ms()
    )
    return _answer(result)


@router.post(
    "/messages/{message_id}:restore",
    summary="Put back a message that was taken down",
    response_model=TakedownOut,
    responses=_CONFLICT,
)
async def restore(by: ByReviewer, tenant_id: TenantId, message_id: MessageId, body: Reason, desk: Served) -> Response:
    """An app is told so; no platform can put back what was deleted, and `problem` says what is left to do."""
    return _answer(await desk.takedowns.restore(tenant_id, message_id, By(by.name, body.reason), desk.clock.now_ms()))


@router.get("/takedowns", summary="What was taken down, or is to be", response_model=TakedownsOut)
async def listing(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    failed: Annotated[bool, Query(description="Only those that a person has to do.")] = False,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """By message id, in pages."""
    found = await desk.takedowns.takedowns(tenant_id, after, limit, failed)
    following = found[-1].message_id if len(found) == limit else None
    return answered(TakedownsOut(takedowns=[TakedownOut.of(one) for one in found], next=following))


def _answer(result: Takedown | TakedownRefused) -> Response:
    if isinstance(result, Takedown):
        return answered(TakedownOut.of(result))
    name, _, message = WORDING[result].partition(": ")
    status = 404 if result is TakedownRefused.MESSAGE_UNKNOWN else 409
    raise bad_fields([(name, message)], status, result)
