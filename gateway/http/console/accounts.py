"""Accounts: found by id, and shown with all that is known of them, without personal data."""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Depends, Query, Response
from pydantic import field_validator
from pydantic_core import PydanticCustomError

from gateway.core.audit import subject
from gateway.core.operators import Operator, Role
from gateway.core.personal import FIELDS
from gateway.core.personal_acts import Unkept
from gateway.core.registration import By
from gateway.http.admin.personal import personal_of
from gateway.http.console.audit import shown
from gateway.http.console.forms import EMPTY, Fields, Form, Reason, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import AccountId, ByAdmin, ByViewer, Shell, Shown, TenantId
from gateway.http.problems import Problem
from gateway.ports import Registered

router = pages("/accounts")
PATH: Final = "/console/accounts"
PART: Final = Part("accounts", router, PATH)
_PAGE: Final = 50

Text = Annotated[str, Query(max_length=255)]


class RevealFields(Fields):
    """Why personal data is to be told, and which: the fields' names, with spaces between; all without."""

    reason: Reason
    fields: str = ""

    @field_validator("fields")
    @classmethod
    def _known(cls, given: str) -> str:
        if not set(given.split()) <= set(FIELDS):
            raise PydanticCustomError("fields_unknown", "give names of fields")
        return given


RevealForm = Annotated[Form[RevealFields], Depends(form_of(RevealFields))]


@router.get("")
async def search(by: ByViewer, shell: Shown, tenant: Text = "", q: Text = "", after: Text = "") -> Response:
    """The accounts of a tenant whose ids begin so."""
    tenants = await shell.console.tenants_of(by)
    if tenant and tenant not in tenants:
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    chosen = tenant or (tenants[0] if len(tenants) == 1 else "")
    wanted = q.strip()
    found: list[Registered] = []
    if chosen and wanted.isprintable() and after.isprintable():
        found = await shell.console.desk.registrar.accounts_from(chosen, wanted, after, _PAGE + 1)
    more = len(found) > _PAGE
    return await shell.page(
        "accounts.html",
        accounts=found[:_PAGE],
        tenants=tenants,
        tenant=chosen,
        q=wanted,
        onward=found[_PAGE - 1].account.account_id if more else None,
        first=not after,
    )


@router.get("/{tenant_id}/{account_id}")
async def show(
    by: ByViewer,
    shell: Shown,
    tenant_id: TenantId,
    account_id: AccountId,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> Response:
    """State, registrant, sanctions, licences, history."""
    return await _page(shell, by, tenant_id, account_id, EMPTY, before=before)


@router.post("/{tenant_id}/{account_id}/reveal")
async def reveal(by: ByAdmin, shell: Shown, tenant_id: TenantId, account_id: AccountId, form: RevealForm) -> Response:
    """The registrant's personal data, once, for a reason that is in the audit chain before they are told."""
    if form.value is None:
        return await _page(shell, by, tenant_id, account_id, form, status=422)
    account = (await _registered(shell, tenant_id, account_id)).account
    if account.registrant is None:
        raise Problem(404, "registrant_unknown", "the account has no registrant.")
    why = By(by.name, form.value.reason)
    told = await personal_of(shell.console.desk).reveal(
        tenant_id, account.registrant.registrant_id, form.value.fields.split() or None, why, shell.now_ms
    )
    if isinstance(told, Unkept):
        named = "reason" if told in (Unkept.REASON_MISSING, Unkept.REASON_QUOTES) else ""
        return await _page(shell, by, tenant_id, account_id, form.wrong(named, shell.say(f"unkept.{told}")), status=422)
    return await _page(shell, by, tenant_id, account_id, EMPTY, told=told)


def account_path(tenant_id: str, account_id: str) -> str:
    """Where an account's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(account_id, safe='')}"


async def _registered(shell: Shell, tenant_id: str, account_id: str) -> Registered:
    found = await shell.console.desk.registrar.registered(tenant_id, account_id)
    if found is None:
        raise Problem(404, "account_unknown", "there is no such account.")
    return found


async def _page(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    account_id: str,
    form: Form[RevealFields],
    *,
    status: int = 200,
    before: int | None = None,
    told: dict[str, str] | None = None,
) -> Response:
    found = await _registered(shell, tenant_id, account_id)
    account, desk = found.account, shell.console.desk
    history = await shell.console.audit.about(tenant_id, subject("account", account_id), before, _PAGE + 1)
    held: list[str] | None = None
    if account.registrant is not None and desk.personal is not None and by.may(Role.ADMIN):
        held = await desk.personal.held(tenant_id, account.registrant.registrant_id)
    return await shell.page(
        "account.html",
        status=status,
        tenant_id=tenant_id,
        account=account,
        name=found.name,
        rows=shown(history[:_PAGE]),
        onward=history[_PAGE - 1].seq if len(history) > _PAGE else None,
        before=before,
        held=held,
        told=told,
        form=form,
        now_ms=shell.now_ms,
    )
