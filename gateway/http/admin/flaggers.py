"""Trusted flaggers (article 22): their reports come first, and their errors are counted."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel

from gateway.core.registration import By
from gateway.http.admin.desk import ID, PREFIX, ByAdmin, ByViewer, Responses, Served, TenantId, answered, body_of
from gateway.http.admin.models import Id, ReasonBody
from gateway.http.admin.reports import reports_of
from gateway.http.problems import bad_fields
from gateway.http.requests import hash_key
from gateway.ports.reports import Flagger

router = APIRouter(prefix=PREFIX + "/flaggers")

Name = Annotated[str, Path(max_length=255, pattern=ID)]


class FlaggerBody(ReasonBody):
    """Whom to trust: the organisation's name, by which it stands in the audit chain."""

    name: Id


class FlaggerKeyOut(BaseModel):
    """Its key, which is not shown again."""

    name: str
    key: str


class FlaggerOut(BaseModel):
    """A trusted flagger, and how right it has been: of the reports ``decided``, how many were acted on (``actioned``),
    were not (``errors``), and were without any ground (``manifestly_unfounded``). Many errors are a reason to tell
    whoever certified it (article 22(6))."""

    name: str
    created_ms: int
    revoked_ms: int | None
    decided: int
    actioned: int
    errors: int
    manifestly_unfounded: int


class FlaggersOut(BaseModel):
    """All, by name."""

    flaggers: list[FlaggerOut]


Adding = Annotated[FlaggerBody, Depends(body_of(FlaggerBody))]
Revoking = Annotated[ReasonBody, Depends(body_of(ReasonBody))]

_ADDED: Responses = {
    201: {"model": FlaggerKeyOut, "description": "Trusted from now on"},
    409: {"description": "There is one of this name"},
}


@router.get("", summary="The trusted flaggers", response_model=FlaggersOut)
async def flaggers(by: ByViewer, tenant_id: TenantId, desk: Served) -> Response:
    """Revoked ones, too."""
    return answered(FlaggersOut(flaggers=[_out(one) for one in await reports_of(desk).flaggers(tenant_id)]))


@router.post("", summary="Trust a flagger", response_model=FlaggerKeyOut, status_code=201, responses=_ADDED)
async def add(by: ByAdmin, tenant_id: TenantId, body: Adding, desk: Served) -> Response:
    """One that was revoked gets another key, and keeps its numbers."""
    key, reason = secrets.token_urlsafe(32), By(by.name, body.reason)
    if not await reports_of(desk).add_flagger(tenant_id, body.name, hash_key(key), reason, desk.clock.now_ms()):
        told = "there is one of this name; revoke it first, or give another name"
        raise bad_fields([("name", told)], 409, "flagger_exists")
    return answered(FlaggerKeyOut(name=body.name, key=key), 201)


@router.post("/{name}:revoke", summary="Trust a flagger no more", response_model=FlaggersOut)
async def revoke(by: ByAdmin, tenant_id: TenantId, name: Name, body: Revoking, desk: Served) -> Response:
    """Its next report is refused; those that it made are decided like any other's."""
    reports = reports_of(desk)
    if not await reports.revoke_flagger(tenant_id, name, By(by.name, body.reason), desk.clock.now_ms()):
        raise bad_fields([("name", "there is no flagger of this name whose key is good")], 404, "flagger_unknown")
    return answered(FlaggersOut(flaggers=[_out(one) for one in await reports.flaggers(tenant_id)]))


def _out(one: Flagger) -> FlaggerOut:
    return FlaggerOut(
        name=one.name,
        created_ms=one.created_ms,
        revoked_ms=one.revoked_ms,
        decided=one.decided,
        actioned=one.actioned,
        errors=one.errors,
        manifestly_unfounded=one.unfounded,
    )
