"""The registrants of a tenant, as the register's keepers work with them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.core.audit import subject
from gateway.core.model import VerificationState
from gateway.core.personal_acts import Unkept
from gateway.core.registration import By
from gateway.http.admin.desk import (
    PREFIX,
    AfterRow,
    ByRegistrar,
    ByViewer,
    Limit,
    RegistrantId,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import CreateRegistrantBody, HistoryOut, KnownRegistrantOut, RegistrantOut
from gateway.http.admin.personal import check, personal_of
from gateway.http.problems import Problem, bad_fields, unkept

router = APIRouter(prefix=PREFIX + "/registrants")

Creating = Annotated[CreateRegistrantBody, Depends(body_of(CreateRegistrantBody))]

_CREATED: Responses = {
    200: {"description": "It is registered so already"},
    201: {"model": RegistrantOut, "description": "Registered"},
    409: {"description": "There is another of that id, it was erased, or an identifier is barred"},
    422: {"description": "Personal data that cannot be; `errors` names the field, and quotes nothing"},
}


@router.post("", summary="Register a person or organisation", response_model=RegistrantOut, responses=_CREATED)
async def create(by: ByRegistrar, tenant_id: TenantId, body: Creating, desk: Served) -> Response:
    """Nothing of it is verified. Sent twice it is registered once; with personal data, the second time is a conflict,
    since what is kept is not opened to compare it."""
    reason, now_ms = By(by.name, body.reason), desk.clock.now_ms()
    if body.personal is None:
        added = await desk.registrar.create_registrant(tenant_id, body.registrant_id, body.kind, reason, now_ms)
    else:
        check(body.personal, reason)
        refused = await personal_of(desk).register(
            tenant_id, body.registrant_id, body.kind, body.personal, reason, now_ms
        )
        if refused is not None:
            raise unkept(refused)
        added = True
    found = await desk.registrar.registrant(tenant_id, body.registrant_id)
    if found is None or found.kind is not body.kind or found.state is VerificationState.REDACTED:
        told = "there is such a registrant already, or it was erased; give another"
        raise bad_fields([("registrant_id", told)], 409, Unkept.REGISTRANT_EXISTS)
    return answered(RegistrantOut.of(found), 201 if added else 200)


@router.get("/{registrant_id}", summary="A registrant, without personal data", response_model=KnownRegistrantOut)
async def show(by: ByViewer, tenant_id: TenantId, registrant_id: RegistrantId, desk: Served) -> Response:
    """How far its verification has come, and which fields of personal data are kept."""
    found = await desk.registrar.registrant(tenant_id, registrant_id)
    if found is None:
        raise registrant_unknown()
    known = KnownRegistrantOut.of(found)
    if desk.personal is not None:
        known.kept = await desk.personal.held(tenant_id, registrant_id)
    return answered(known)


@router.get("/{registrant_id}/history", summary="What was done with a registrant", response_model=HistoryOut)
async def history(
    by: ByViewer, tenant_id: TenantId, registrant_id: RegistrantId, desk: Served, after: AfterRow = 0, limit: Limit = 50
) -> Response:
    """Oldest first, in pages: when, by whom, and why. What was done with its accounts is part of it."""
    rows = await desk.registrar.history(tenant_id, subject("registrant", registrant_id), after, limit)
    if not rows and await desk.registrar.registrant(tenant_id, registrant_id) is None:
        raise registrant_unknown()
    return answered(HistoryOut.of(rows, limit))


def registrant_unknown() -> Problem:
    """The problem of a path that names no registrant of this tenant."""
    return unkept(Unkept.REGISTRANT_UNKNOWN)
