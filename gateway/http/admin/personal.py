"""Registrants' personal data: kept, found, told to an administrator who says why, and erased.

It stands in the bodies of these requests and answers and nowhere else: in no address, log, metric, trace or error.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from gateway.core.check_digits import problem_of
from gateway.core.personal import FIELDS, problems, quoted
from gateway.core.personal_acts import Unkept
from gateway.core.registration import By
from gateway.http.admin.desk import (
    PREFIX,
    ByAdmin,
    ByRegistrar,
    Desk,
    RegistrantId,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import (
    EraseBody,
    ErasedOut,
    FoundOut,
    KeptOut,
    PersonalBody,
    PersonalOut,
    RevealBody,
    SearchBody,
)
from gateway.http.problems import RETRY_SOON, Problem, bad_fields, unkept
from gateway.ports import Personal

router = APIRouter(prefix=PREFIX + "/registrants")

Keeping = Annotated[PersonalBody, Depends(body_of(PersonalBody))]
Searching = Annotated[SearchBody, Depends(body_of(SearchBody))]
Revealing = Annotated[RevealBody, Depends(body_of(RevealBody))]
Erasing = Annotated[EraseBody, Depends(body_of(EraseBody))]

_VALUE: Responses = {422: {"description": "What cannot be kept or compared; `errors` names the field, quoting nothing"}}
_KEPT: Responses = {**_VALUE, 409: {"description": "It was erased, or an identifier is barred"}}
_QUOTES: Responses = {422: {"description": "The reason quotes what it is about"}}
_OPEN: Responses = {**_QUOTES, 409: {"description": "It was erased before, or has accounts that are not closed"}}


@router.put(
    "/{registrant_id}/personal", summary="Keep a registrant's personal data", response_model=KeptOut, responses=_KEPT
)
async def keep(
    by: ByRegistrar, tenant_id: TenantId, registrant_id: RegistrantId, body: Keeping, desk: Served
) -> Response:
    """In place of all that was kept. Where it changes what was verified, it has to be verified again."""
    reason = By(by.name, body.reason)
    check(body.personal, reason)
    kept = await personal_of(desk).put(tenant_id, registrant_id, body.personal, reason, desk.clock.now_ms())
    if isinstance(kept, Unkept):
        raise unkept(kept)
    return answered(KeptOut(fields=sorted(body.personal), restarted=kept.restarted))


@router.post(":search", summary="Find registrants by a field", response_model=FoundOut, responses=_VALUE)
async def search(by: ByRegistrar, tenant_id: TenantId, body: Searching, desk: Served) -> Response:
    """By the digest of a value, so without opening anything. That it was looked for is in the audit chain."""
    reason = By(by.name, body.reason)
    check({body.field: body.personal}, reason)
    now_ms = desk.clock.now_ms()
    found = await personal_of(desk).find(tenant_id, body.field, body.personal, reason, now_ms)
    if isinstance(found, Unkept):
        raise unkept(found)
    return answered(FoundOut(registrant_ids=found))


@router.post(
    "/{registrant_id}:reveal",
    summary="A registrant's personal data",
    response_model=PersonalOut,
    responses=_QUOTES,
)
async def reveal(
    by: ByAdmin, tenant_id: TenantId, registrant_id: RegistrantId, body: Revealing, desk: Served
) -> Response:
    """Who asked, why and for what is in the audit chain before it is told."""
    reason = By(by.name, body.reason)
    told = await personal_of(desk).reveal(tenant_id, registrant_id, body.fields, reason, desk.clock.now_ms())
    if isinstance(told, Unkept):
        raise unkept(told)
    return answered(PersonalOut(personal=told))


@router.post("/{registrant_id}:erase", summary="Erase a registrant", response_model=ErasedOut, responses=_OPEN)
async def erase(by: ByAdmin, tenant_id: TenantId, registrant_id: RegistrantId, body: Erasing, desk: Served) -> Response:
    """For good: its key is destroyed. Where something was held against it, a mark of its identifiers stays a while."""
    rules = desk.policy().policy.registration
    reason = By(by.name, body.reason)
    erased = await personal_of(desk).erase(
        tenant_id, registrant_id, rules, reason, desk.clock.now_ms(), close=body.close
    )
    if isinstance(erased, Unkept):
        raise unkept(erased)
    return answered(
        ErasedOut(closed=list(erased.closed), barred_until_ms=erased.barred_until_ms, messages=erased.messages)
    )


def personal_of(desk: Desk) -> Personal:
    """Where personal data is kept. Raises `Problem` where this gateway has no master key."""
    if desk.personal is None:
        detail = "This gateway has no master key; whoever runs it sets GATEWAY_KEYS_FILE or GATEWAY_KMS__URL."
        raise Problem(503, "keys_unavailable", detail, headers=RETRY_SOON)
    return desk.personal


def check(fields: Mapping[str, str], by: By) -> None:
    """Raise `Problem` for values that cannot be, and for a reason that quotes one."""
    if wrong := problems(fields, problem_of):
        raise bad_fields([_named(sentence) for sentence in wrong], 422, "personal")
    if quoted(f"{by.actor} {by.reason}", fields):
        raise unkept(Unkept.REASON_QUOTES)


def _named(sentence: str) -> tuple[str, str]:
    name, _, text = sentence.partition(": ")
    return (f"personal.{name}", text) if name in FIELDS else ("personal", sentence)
