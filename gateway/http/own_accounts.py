"""What a chat app is told of its own accounts: how each stands, what readers are shown, and what is missing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from gateway.core.decide import of_account
from gateway.core.label import news_label
from gateway.core.model import Account, AccountState, Degree, Facts, NewsKind, Outcome, Registrant, VerificationState
from gateway.core.registration import Refused
from gateway.http.admin.desk import AccountId, Desk, Served, answered
from gateway.http.admin.models import SanctionOut
from gateway.http.answers import reasons_body
from gateway.http.api import Caller
from gateway.http.problems import refused

router = APIRouter()


class LabelOut(BaseModel):
    """What readers are shown of an account that may publish news, or only re-publish it."""

    news: Annotated[NewsKind, Field(description="`originate` or `republish`")]
    scheme: str
    licence_no: str | None
    issuer: str | None
    domains: list[str] = Field(description="The sites that it holds for; empty for all")
    until: int


class VerifiedOut(BaseModel):
    """How well the registrant is verified. ``framework`` and ``level`` are as the verifier gave them; ``until`` is null
    for no end."""

    verified: bool
    state: VerificationState
    framework: str | None
    level: str | None
    until: int | None


class AccountReasonOut(BaseModel):
    """What stands against publishing, whatever the content, and what to do about it."""

    code: str
    category: str | None
    message: str
    source: str
    policy_version: str


class OwnAccountOut(BaseModel):
    """An account as it stands now. Times are unix milliseconds; ``registrant`` is null where nobody is registered.

    ``decision`` is what ``reasons`` amount to for any message: `allow` leaves it to the content.
    """

    account_id: str
    state: AccountState
    account_class: str
    term_ends_at: int | None
    private: bool
    registrant: VerifiedOut | None
    label: LabelOut | None
    sanctions: list[SanctionOut]
    decision: Outcome
    reasons: list[AccountReasonOut]


@router.get("/v1/accounts/{account_id}", summary="How an account stands", response_model=OwnAccountOut)
async def get_account(account_id: AccountId, tenant: Caller, desk: Served) -> Response:
    """State, verification, news label, sanctions in force, and what is missing."""
    account = await desk.registry.account(tenant.tenant_id, account_id)
    if account is None:
        raise refused(Refused.ACCOUNT_UNKNOWN)
    now_ms = desk.clock.now_ms()
    decision = of_account(Facts(now_ms, account), desk.policy())
    return answered(
        OwnAccountOut(
            account_id=account.account_id,
            state=account.state,
            account_class=account.account_class,
            term_ends_at=account.term_ends_at,
            private=account.private,
            registrant=_verified(account.registrant, now_ms) if account.registrant else None,
            label=await _label(desk, tenant.tenant_id, account, now_ms),
            sanctions=_in_force(account, now_ms),
            decision=decision.outcome,
            reasons=[AccountReasonOut(**reason) for reason in reasons_body(decision)],
        )
    )


def _verified(registrant: Registrant, now_ms: int) -> VerifiedOut:
    ends = registrant.expires_at
    holds = registrant.state is VerificationState.VERIFIED and (ends is None or now_ms < ends)
    return VerifiedOut(
        verified=holds,
        state=registrant.state,
        framework=registrant.framework,
        level=registrant.level,
        until=ends,
    )


async def _label(desk: Desk, tenant_id: str, account: Account, now_ms: int) -> LabelOut | None:
    found = news_label(account, now_ms)
    if found is None:
        return None
    licence = await desk.news.licence(tenant_id, found.licence_id) if found.licence_id is not None else None
    return LabelOut(
        news=found.kind,
        scheme=found.scheme,
        licence_no=licence and licence.licence_no,
        issuer=licence and licence.issuer,
        domains=list(found.domains),
        until=found.valid_to,
    )


def _in_force(account: Account, now_ms: int) -> list[SanctionOut]:
    return [
        SanctionOut(
            degree=Degree(one.degree), starts_at=one.starts_at, ends_at=one.ends_at, sanction_id=one.sanction_id
        )
        for one in account.sanctions
        if one.starts_at <= now_ms and (one.ends_at is None or now_ms < one.ends_at)
    ]
