"""Verifications of registrants: begun by a registrar, judged by reviewers where people judge."""

from __future__ import annotations

from typing import Annotated, assert_never

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from gateway.core.model import VerificationState
from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.verification import Verification
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    ByRegistrar,
    ByReviewer,
    ByViewer,
    Desk,
    RegistrantId,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import Id, ReasonBody
from gateway.http.admin.registrants import registrant_unknown
from gateway.http.problems import Problem, bad_fields
from gateway.ports import Applied, Begun
from gateway.verify import Unstarted, Verify

router = APIRouter(prefix=PREFIX)

VerificationId = Annotated[str, Path(max_length=255, pattern=ID)]


class StartBody(ReasonBody):
    """Whom to ask. ``reference`` is the provider's id of the session, for providers that tell by webhook."""

    provider: Id
    reference: Id | None = None


class ReviewBody(ReasonBody):
    """A verdict: one approval verifies a person, those of two different reviewers an organisation; one refusal
    declines either."""

    approve: bool


class VerdictOut(BaseModel):
    """What one reviewer said."""

    reviewer: str
    approve: bool
    at_ms: int


class VerificationOut(BaseModel):
    """One attempt to prove who a registrant is. ``expires_at`` is when what it proved ends, null for never."""

    verification_id: str
    registrant_id: str
    provider: str
    state: VerificationState
    framework: str | None
    level: str | None
    created_ms: int
    expires_at: int | None
    verdicts: list[VerdictOut]


class VerificationsOut(BaseModel):
    """A registrant's verifications, oldest first."""

    verifications: list[VerificationOut]


Starting = Annotated[StartBody, Depends(body_of(StartBody))]
Reviewing = Annotated[ReviewBody, Depends(body_of(ReviewBody))]
Reasoned = Annotated[ReasonBody, Depends(body_of(ReasonBody))]

_STARTED: Responses = {
    200: {"description": "It was begun before with this reference, or is open with this provider"},
    201: {"model": VerificationOut, "description": "Begun"},
    409: {"description": "The registrant was erased, or the reference is another's"},
    422: {"description": "No such provider, or a reference that is needed or not taken"},
}
_STATE: Responses = {409: {"description": "Not in its state, or not by this reviewer once more"}}


@router.post(
    "/registrants/{registrant_id}/verifications",
    summary="Begin a verification",
    response_model=VerificationOut,
    responses=_STARTED,
)
async def start(
    by: ByRegistrar, tenant_id: TenantId, registrant_id: RegistrantId, body: Starting, desk: Served
) -> Response:
    """With a provider of the providers file; one that answers at once is asked at once."""
    if await desk.registrar.registrant(tenant_id, registrant_id) is None:
        raise registrant_unknown()
    if desk.verify is None:
        raise _problem(Unstarted.PROVIDER_UNKNOWN, 422)
    begun = await desk.verify.start(tenant_id, registrant_id, body.provider, body.reference, By(by.name, body.reason))
    if isinstance(begun, Begun):
        return answered(_out(begun.verification), 201 if begun.new else 200)
    match begun:
        case Unstarted.PROVIDER_UNKNOWN | Unstarted.REFERENCE_NEEDED | Unstarted.REFERENCE_NOT_TAKEN:
            raise _problem(begun, 422)
        case Unstarted.REGISTRANT_UNKNOWN:
            raise _problem(begun, 409)
        case _:
            assert_never(begun)


@router.get(
    "/registrants/{registrant_id}/verifications",
    summary="A registrant's verifications",
    response_model=VerificationsOut,
)
async def of_registrant(by: ByViewer, tenant_id: TenantId, registrant_id: RegistrantId, desk: Served) -> Response:
    """Oldest first, with the verdicts on them."""
    if await desk.registrar.registrant(tenant_id, registrant_id) is None:
        raise registrant_unknown()
    found = await desk.verifications.of_registrant(tenant_id, registrant_id)
    return answered(VerificationsOut(verifications=[_out(one) for one in found]))


@router.post(
    "/verifications/{verification_id}:submit",
    summary="What was missing has been sent",
    response_model=VerificationOut,
    responses=_STATE,
)
async def submit(
    by: ByRegistrar, tenant_id: TenantId, verification_id: VerificationId, body: Reasoned, desk: Served
) -> Response:
    """A provider that answers at once is asked once more."""
    return _told(await _verify(desk).submit_again(tenant_id, verification_id, By(by.name, body.reason)))


@router.post(
    "/verifications/{verification_id}:cancel",
    summary="Give up a verification that has not ended",
    response_model=VerificationOut,
    responses=_STATE,
)
async def cancel(
    by: ByRegistrar, tenant_id: TenantId, verification_id: VerificationId, body: Reasoned, desk: Served
) -> Response:
    """What was proved before stands; what its provider says of it later changes nothing."""
    return _told(await _verify(desk).cancel(tenant_id, verification_id, By(by.name, body.reason)))


@router.post(
    "/verifications/{verification_id}:review",
    summary="A verdict on a verification in review",
    response_model=VerificationOut,
    responses=_STATE,
)
async def review(
    by: ByReviewer, tenant_id: TenantId, verification_id: VerificationId, body: Reviewing, desk: Served
) -> Response:
    """In the name of the operator who calls: two different ones are needed for an organisation."""
    result = await _verify(desk).judge(tenant_id, verification_id, by.name, body.approve, body.reason)
    if isinstance(result, Verification):
        return answered(_out(result))
    if isinstance(result, Applied):
        raise _not_applied(result)
    match result:
        case Uncounted.NOBODY | Uncounted.TWICE:
            told = "you have approved it already; another reviewer has to"
            raise bad_fields([("approve", told)], 409, "verdict_twice")
        case _:
            assert_never(result)


def _verify(desk: Desk) -> Verify:
    if desk.verify is None:  # no providers, so no verification by one of them
        raise _not_applied(Applied.UNKNOWN)
    return desk.verify


def _told(result: Verification | Applied) -> Response:
    if isinstance(result, Applied):
        raise _not_applied(result)
    return answered(_out(result))


def _problem(reason: Unstarted, status: int) -> Problem:
    name, _, message = reason.value.partition(": ")
    return bad_fields([(name, message)], status, reason.name.lower())


def _not_applied(result: Applied) -> Problem:
    if result is Applied.UNKNOWN:
        return bad_fields([("verification_id", "there is no such verification")], 404, "verification_unknown")
    told = "it is not in a state in which this can happen; look at the registrant's verifications"
    return bad_fields([("verification_id", told)], 409, "verification_state")


def _out(one: Verification) -> VerificationOut:
    """Without the provider's reference, which leads to the person there."""
    return VerificationOut(
        verification_id=one.verification_id,
        registrant_id=one.registrant_id,
        provider=one.provider,
        state=one.state,
        framework=one.framework,
        level=one.level,
        created_ms=one.created_ms,
        expires_at=one.expires_at,
        verdicts=[VerdictOut(reviewer=each.reviewer, approve=each.approve, at_ms=each.at_ms) for each in one.verdicts],
    )
