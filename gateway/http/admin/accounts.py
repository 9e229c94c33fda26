"""The accounts of a tenant, as the register's keepers work with them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from gateway.core.audit import subject
from gateway.core.operators import Operator
from gateway.core.registration import (
    Act,
    AgreePrivate,
    By,
    ChangeAccount,
    CloseAccount,
    CreateAccount,
    Refused,
    RenewAccount,
    ReopenAccount,
    SuspendAccount,
    fulfilled,
    waits,
)
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    AccountId,
    AfterRow,
    ByRegistrar,
    ByViewer,
    Desk,
    Limit,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import (
    AccountOut,
    AccountsOut,
    ChangeAccountBody,
    CloseBody,
    CreateAccountBody,
    HistoryOut,
    ReasonBody,
    RenewBody,
)
from gateway.http.problems import bad_fields, refused
from gateway.ports import Registered

router = APIRouter(prefix=PREFIX + "/accounts")

After = Annotated[str, Query(max_length=255, pattern=ID + "|^$", description="`next` of the page before.")]
Creating = Annotated[CreateAccountBody, Depends(body_of(CreateAccountBody))]
Renewing = Annotated[RenewBody, Depends(body_of(RenewBody))]
Closing = Annotated[CloseBody, Depends(body_of(CloseBody))]
Changing = Annotated[ChangeAccountBody, Depends(body_of(ChangeAccountBody))]
Reason = Annotated[ReasonBody, Depends(body_of(ReasonBody))]

_CONFLICT: Responses = {409: {"description": "Not as things are; `code` says why, `errors` names the field"}}
_REFUSED: Responses = {**_CONFLICT, 422: {"description": "A value that cannot be; `errors` names the field"}}
_WAITS: Responses = {
    202: {"model": AccountOut, "description": "Privacy waits for another person: `private_proposal`; all else is done"}
}
_CREATED: Responses = {
    **_WAITS,
    200: {"description": "It is registered so already"},
    201: {"model": AccountOut, "description": "Registered"},
    **_REFUSED,
}


@router.post("", summary="Register an account", response_model=AccountOut, responses=_CREATED)
async def create(by: ByRegistrar, tenant_id: TenantId, body: Creating, desk: Served) -> Response:
    """Sent twice it is registered once."""
    _check_class(desk, body.account_class)
    act = CreateAccount(
        body.account_id, body.registrant_id, body.name, body.account_class, body.term_ends_at, body.private
    )
    return await _carry_out(desk, tenant_id, act, by, body, created=201)


@router.get("", summary="The accounts of a registrant", response_model=AccountsOut)
async def of_registrant(
    by: ByViewer,
    tenant_id: TenantId,
    registrant_id: Annotated[str, Query(max_length=255, pattern=ID)],
    desk: Served,
    after: After = "",
    limit: Limit = 50,
) -> Response:
    """By id, in pages."""
    found = await desk.registrar.accounts_of(tenant_id, registrant_id, after, limit)
    following = found[-1].account.account_id if len(found) == limit else None
    return answered(AccountsOut(accounts=[AccountOut.of(one) for one in found], next=following))


@router.get("/{account_id}", summary="An account", response_model=AccountOut)
async def show(by: ByViewer, tenant_id: TenantId, account_id: AccountId, desk: Served) -> Response:
    """With its registrant, authorisations and sanctions."""
    found = await desk.registrar.registered(tenant_id, account_id)
    if found is None:
        raise refused(Refused.ACCOUNT_UNKNOWN)
    return answered(AccountOut.of(found))


@router.get("/{account_id}/history", summary="What was done with an account", response_model=HistoryOut)
async def history(
    by: ByViewer, tenant_id: TenantId, account_id: AccountId, desk: Served, after: AfterRow = 0, limit: Limit = 50
) -> Response:
    """Oldest first, in pages: when, by whom, and why."""
    rows = await desk.registrar.history(tenant_id, subject("account", account_id), after, limit)
    if not rows and await desk.registrar.registered(tenant_id, account_id) is None:
        raise refused(Refused.ACCOUNT_UNKNOWN)
    return answered(HistoryOut.of(rows, limit))


@router.patch(
    "/{account_id}",
    summary="Change name, class or privacy",
    response_model=AccountOut,
    responses={**_WAITS, **_REFUSED},
)
async def change(by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Changing, desk: Served) -> Response:
    """What is left out stays as it is."""
    account_class = body.given("account_class")
    if account_class is not None:
        _check_class(desk, account_class)
    act = ChangeAccount(account_id, body.given("name"), account_class, body.given("private"))
    return await _carry_out(desk, tenant_id, act, by, body)


@router.post(
    "/{account_id}:renew",
    summary="Let its term end later",
    response_model=AccountOut,
    responses=_REFUSED,
)
async def renew(by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Renewing, desk: Served) -> Response:
    """Not while a sanction suspends its renewal."""
    return await _carry_out(desk, tenant_id, RenewAccount(account_id, body.term_ends_at), by, body)


@router.post("/{account_id}:close", summary="Close an account", response_model=AccountOut, responses=_CONFLICT)
async def close(by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Closing, desk: Served) -> Response:
    """Its name may not be registered again for a time. A violation may be said of one that is closed already."""
    return await _carry_out(desk, tenant_id, CloseAccount(account_id, body.violation), by, body)


@router.post("/{account_id}:suspend", summary="Suspend an account", response_model=AccountOut, responses=_CONFLICT)
async def suspend(by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Reason, desk: Served) -> Response:
    """Until it is reopened."""
    return await _carry_out(desk, tenant_id, SuspendAccount(account_id), by, body)


@router.post("/{account_id}:reopen", summary="Reopen an account", response_model=AccountOut, responses=_CONFLICT)
async def reopen(by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Reason, desk: Served) -> Response:
    """A suspended or a closed one; what its closing barred may be registered again."""
    return await _carry_out(desk, tenant_id, ReopenAccount(account_id), by, body)


@router.post(
    "/{account_id}:agree_private",
    summary="Agree that an account becomes private",
    response_model=AccountOut,
    responses=_CONFLICT,
)
async def agree_private(
    by: ByRegistrar, tenant_id: TenantId, account_id: AccountId, body: Reason, desk: Served
) -> Response:
    """What it publishes is then not moderated, so who proposed it cannot agree. To withdraw it, change `private` to
    false."""
    return await _carry_out(desk, tenant_id, AgreePrivate(account_id), by, body)


async def _carry_out(
    desk: Desk, tenant_id: str, act: Act, operator: Operator, body: ReasonBody, created: int = 200
) -> Response:
    rules = desk.policy().policy.registering()
    by = By(operator.name, body.reason)
    result = await desk.registrar.carry_out(tenant_id, act, by, rules, desk.clock.now_ms())
    if isinstance(result, Registered):
        return answered(AccountOut.of(result), 202 if waits(act, result.account) else created)
    found = await desk.registrar.registered(tenant_id, act.account_id)
    if found is not None and fulfilled(act, found.account, found.name, found.proposal):
        return answered(AccountOut.of(found), 202 if waits(act, found.account) else 200)
    until_ms = None
    if isinstance(act, CreateAccount) and result is Refused.REGISTRANT_BARRED:
        until_ms = await desk.registrar.barred_until(tenant_id, act.registrant_id, desk.clock.now_ms())
    raise refused(result, until_ms)


def _check_class(desk: Desk, account_class: str) -> None:
    """Raise `Problem` for a class that the policy does not know: a misspelt one would fall back to what is asked of
    accounts without a class."""
    known = desk.policy().policy.identity.known_classes()
    if account_class not in known:
        raise bad_fields([("account_class", f"give one of: {', '.join(known)}")], 422, "account_class")
