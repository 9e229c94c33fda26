"""Licences to publish, re-publish or host news, as the register's keepers work with them."""

from __future__ import annotations

from typing import Annotated, Final, Self, assert_never

from fastapi import APIRouter, Depends, Path, Query, Response
from msgspec.structs import replace
from pydantic import BaseModel, Field

from gateway.core.audit import subject
from gateway.core.model import NewsKind
from gateway.core.news import SCHEMES, BadLicence, Licence, LicenceStatus, check_licence
from gateway.core.registration import By
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    AfterRow,
    ByRegistrar,
    ByViewer,
    Limit,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import HistoryOut, Id, Name, ReasonBody, Time
from gateway.http.problems import Problem, bad_fields
from gateway.ports import LicenceRefused

router = APIRouter(prefix=PREFIX + "/licences")

LicenceId = Annotated[str, Path(max_length=255, pattern=ID)]
Site = Annotated[str, Field(max_length=253)]
_MOST: Final = 1000
"""Accounts, and sites, of one licence."""


class LicenceBody(ReasonBody):
    """A licence. The end is exclusive; with ``domains`` it holds for what stands on these sites only. A ``suspended``
    one does not count for now."""

    holder: Id
    scheme: Annotated[str, Field(json_schema_extra={"enum": list(SCHEMES)})]
    kind: Annotated[NewsKind, Field(strict=False)]
    valid_from: Time
    valid_to: Time
    accounts: Annotated[tuple[Id, ...], Field(max_length=_MOST, strict=False)] = ()
    licence_no: Name | None = None
    issuer: Name | None = None
    jurisdiction: Name | None = None
    domains: Annotated[tuple[Site, ...], Field(max_length=_MOST, strict=False)] = ()
    suspended: bool = False

    def licence(self, licence_id: str) -> Licence:
        """The licence, checked. Raises `BadLicence`."""
        return check_licence(
            Licence(
                licence_id=licence_id,
                holder=self.holder,
                scheme=self.scheme,
                kind=self.kind,
                valid_from=self.valid_from,
                valid_to=self.valid_to,
                accounts=self.accounts,
                licence_no=self.licence_no,
                issuer=self.issuer,
                jurisdiction=self.jurisdiction,
                domains=self.domains,
                status=LicenceStatus.SUSPENDED if self.suspended else LicenceStatus.ACTIVE,
            )
        )


class EvidenceOut(BaseModel):
    """A record that speaks for a licence, and the SHA-256 (hex) of what was read."""

    kind: str
    place: str
    sha256: str


class LicenceOut(BaseModel):
    """A licence; ``accounts`` are those of the holder's accounts that use it."""

    licence_id: str
    holder: str
    scheme: str
    kind: NewsKind
    valid_from: int
    valid_to: int
    accounts: list[str]
    licence_no: str | None
    issuer: str | None
    jurisdiction: str | None
    domains: list[str]
    evidence: list[EvidenceOut]
    status: LicenceStatus

    @classmethod
    def of(cls, licence: Licence) -> Self:
        """A licence as an answer."""
        evidence = [EvidenceOut(kind=one.kind, place=one.place, sha256=one.sha256) for one in licence.evidence]
        plain = {name: getattr(licence, name) for name in Licence.__struct_fields__}
        lists = {"accounts": list(licence.accounts), "domains": list(licence.domains), "evidence": evidence}
        return cls(**{**plain, **lists})


class LicencesOut(BaseModel):
    """A page of licences, by id; ``next`` is where to go on (``after``), null at the end."""

    licences: list[LicenceOut]
    next: str | None


Putting = Annotated[LicenceBody, Depends(body_of(LicenceBody))]
Reason = Annotated[ReasonBody, Depends(body_of(ReasonBody))]
_VALUE: Responses = {422: {"description": "A value that cannot be; `errors` names the field"}}


@router.put("/{licence_id}", summary="Add or replace a licence", response_model=LicenceOut, responses=_VALUE)
async def put(by: ByRegistrar, tenant_id: TenantId, licence_id: LicenceId, body: Putting, desk: Served) -> Response:
    """Its accounts may publish news by it from now on. Its evidence stays."""
    try:
        licence = body.licence(licence_id)
    except BadLicence as error:
        name, _, message = str(error).partition(": ")
        raise bad_fields([(name, message)], 422, "licence") from error
    before = await desk.news.licence(tenant_id, licence_id)
    if before is not None:
        licence = replace(licence, evidence=before.evidence)
    refused = await desk.news.put_licence(tenant_id, licence, By(by.name, body.reason), desk.clock.now_ms())
    if refused is not None:
        raise _refused(refused)
    return answered(LicenceOut.of(licence))


@router.get("", summary="Licences", response_model=LicencesOut)
async def listing(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    holder: Annotated[str | None, Query(max_length=255, pattern=ID)] = None,
    account: Annotated[str | None, Query(max_length=255, pattern=ID)] = None,
    after: Annotated[str, Query(max_length=255, pattern=ID + "|^$", description="`next` of the page before.")] = "",
    limit: Limit = 50,
) -> Response:
    """By id, in pages; of one holder, or used by one account, if they are given."""
    found = await desk.news.licences(tenant_id, after, limit, holder, account)
    following = found[-1].licence_id if len(found) == limit else None
    return answered(LicencesOut(licences=[LicenceOut.of(one) for one in found], next=following))


@router.get("/{licence_id}", summary="A licence", response_model=LicenceOut)
async def show(by: ByViewer, tenant_id: TenantId, licence_id: LicenceId, desk: Served) -> Response:
    """With what speaks for it, and the accounts that use it."""
    found = await desk.news.licence(tenant_id, licence_id)
    if found is None:
        raise _unknown()
    return answered(LicenceOut.of(found))


@router.get("/{licence_id}/history", summary="What was done with a licence", response_model=HistoryOut)
async def history(
    by: ByViewer, tenant_id: TenantId, licence_id: LicenceId, desk: Served, after: AfterRow = 0, limit: Limit = 50
) -> Response:
    """Oldest first, in pages: when, by whom, and why."""
    rows = await desk.registrar.history(tenant_id, subject("licence", licence_id), after, limit)
    if not rows and await desk.news.licence(tenant_id, licence_id) is None:
        raise _unknown()
    return answered(HistoryOut.of(rows, limit))


@router.post("/{licence_id}:revoke", summary="Revoke a licence", response_model=LicenceOut)
async def revoke(by: ByRegistrar, tenant_id: TenantId, licence_id: LicenceId, body: Reason, desk: Served) -> Response:
    """No account uses it any more. It is kept, and putting it again with its accounts restores it."""
    reason, now_ms = By(by.name, body.reason), desk.clock.now_ms()
    refused = await desk.news.set_licence_status(tenant_id, licence_id, LicenceStatus.REVOKED, reason, now_ms)
    found = await desk.news.licence(tenant_id, licence_id)
    if refused is not None or found is None:
        raise _refused(refused or LicenceRefused.LICENCE_UNKNOWN)
    return answered(LicenceOut.of(found))


def _unknown() -> Problem:
    return _refused(LicenceRefused.LICENCE_UNKNOWN)


def _refused(reason: LicenceRefused) -> Problem:
    match reason:
        case LicenceRefused.HOLDER_UNKNOWN:
            return bad_fields([("holder", "there is no such registrant; register it first")], 422, reason)
        case LicenceRefused.ACCOUNT_NOT_HOLDERS:
            told = "one is not there, or another registrant stands behind it"
            return bad_fields([("accounts", told)], 422, reason)
        case LicenceRefused.LICENCE_UNKNOWN:
            return bad_fields([("licence_id", "there is no such licence")], 404, reason)
        case LicenceRefused.LICENCE_REVOKED:
            return bad_fields([("licence_id", "it was revoked; put it again with its accounts")], 409, reason)
        case _:
            assert_never(reason)
