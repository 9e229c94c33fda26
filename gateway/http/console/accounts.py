"""Accounts: found by id, and shown with all that is known of them, without personal data."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import Depends, Query, Response
from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from classifiers.contract import CATEGORIES, Category
from gateway.core.audit import subject
from gateway.core.model import Account, AccountState, Degree
from gateway.core.operators import Operator, Role
from gateway.core.personal import FIELDS
from gateway.core.personal_acts import Unkept
from gateway.core.registration import AgreePrivate, By, ChangeAccount, Refused, is_same_person
from gateway.core.sanction_records import Order, SanctionRefused
from gateway.http.admin.personal import personal_of
from gateway.http.console.audit import shown
from gateway.http.console.forms import EMPTY, Fields, Form, Reason, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.sanctions import ReasonFields, ReasonForm, done_of, sanction_path
from gateway.http.console.shell import AccountId, ByAdmin, ByRegistrar, ByReviewer, ByViewer, Shell, Shown, TenantId
from gateway.http.console.strikes import SHOWN, following, held
from gateway.http.problems import Problem
from gateway.ports import Registered

router = pages("/accounts")
PATH: Final = "/console/accounts"
PART: Final = Part("accounts", router, PATH)
_PAGE: Final = 50
_SANCTIONS: Final = 20

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


class ImposeFields(Fields):
    """A sanction to impose. Without days a warning stands as long as an incident of its category counts, anything else
    until it is lifted; a closure has none."""

    degree: Degree
    days: Annotated[int, Field(ge=1, le=3660)] | None = None
    category: Category | None = None
    reason: Reason


RevealForm = Annotated[Form[RevealFields], Depends(form_of(RevealFields))]
ImposeForm = Annotated[Form[ImposeFields], Depends(form_of(ImposeFields))]


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


@router.post("/{tenant_id}/{account_id}/impose")
async def impose(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, account_id: AccountId, form: ImposeForm
) -> Response:
    """Impose a sanction, or propose one that takes more people, and on to its page."""
    if form.value is None:
        return await _page(shell, by, tenant_id, account_id, EMPTY, imposing=form, status=422)
    given, why = form.value, By(by.name, form.value.reason)
    order = Order(account_id, given.degree, given.days, given.category)
    made = await shell.console.desk.sanctions.impose(tenant_id, order, why, shell.now_ms)
    if isinstance(made, SanctionRefused):
        impossible = made is SanctionRefused.DAYS_IMPOSSIBLE
        refused = form.wrong("days" if impossible else "", shell.say(f"refused.{made}"))
        status = 422 if impossible else 409
        return await _page(shell, by, tenant_id, account_id, EMPTY, imposing=refused, status=status)
    return shell.go(sanction_path(tenant_id, made.sanction_id), done_of(made))


@router.post("/{tenant_id}/{account_id}/agree-private")
async def agree_private(
    by: ByRegistrar, shell: Shown, tenant_id: TenantId, account_id: AccountId, form: ReasonForm
) -> Response:
    """Agree that the account becomes private, as somebody else proposed."""
    return await _settle(shell, by, tenant_id, AgreePrivate(account_id), form, "private_agreed")


@router.post("/{tenant_id}/{account_id}/withdraw-private")
async def withdraw_private(
    by: ByRegistrar, shell: Shown, tenant_id: TenantId, account_id: AccountId, form: ReasonForm
) -> Response:
    """Withdraw the proposal that the account become private."""
    return await _settle(shell, by, tenant_id, ChangeAccount(account_id, private=False), form, "private_withdrawn")


async def _settle(
    shell: Shell, by: Operator, tenant_id: str, act: AgreePrivate | ChangeAccount, form: Form[ReasonFields], done: str
) -> Response:
    if form.value is None:
        return await _page(shell, by, tenant_id, act.account_id, EMPTY, agreeing=form, status=422)
    desk, why = shell.console.desk, By(by.name, form.value.reason)
    rules = desk.policy().policy.registration
    result = await desk.registrar.carry_out(tenant_id, act, why, rules, shell.now_ms)
    if isinstance(result, Refused):
        refused = form.wrong("", shell.say(f"refused.private_{result}"))
        return await _page(shell, by, tenant_id, act.account_id, EMPTY, agreeing=refused, status=409)
    return shell.go(account_path(tenant_id, act.account_id), done)


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
    imposing: Form[ImposeFields] = EMPTY,
    agreeing: Form[ReasonFields] = EMPTY,
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
        imposing=imposing,
        proposal=found.proposal,
        agreeing=agreeing,
        may_agree=by.may(Role.REGISTRAR) and account.state is not AccountState.CLOSED,
        is_proposer=found.proposal is not None and is_same_person(found.proposal.actor, by.name),
        may_impose=by.may(Role.REVIEWER),
        degrees=[(degree.value, shell.named("degree", degree.value)) for degree in Degree],
        categories=[(category, shell.named("category", category)) for category in sorted(CATEGORIES)],
        now_ms=shell.now_ms,
        **await _standing(shell, tenant_id, account),
    )


async def _standing(shell: Shell, tenant_id: str, account: Account) -> dict[str, Any]:
    """What was imposed on an account, what is held against it, and what the next violation would bring."""
    desk, now_ms = shell.console.desk, shell.now_ms
    kept, rules, account_id = desk.sanctions, desk.policy().policy.ladder, account.account_id
    found = await kept.listed(tenant_id, None, _SANCTIONS + 1, now_ms, account_id=account_id)
    incidents = await kept.latest_incidents(tenant_id, account_id, None, SHOWN + 1)
    rung = await kept.rung(tenant_id, account_id, now_ms)
    stopped = await kept.stopped_tenants(tenant_id, now_ms, 1)
    return {
        "records": found[:_SANCTIONS],
        "more_records": len(found) > _SANCTIONS,
        "given": [one for one in account.sanctions if one.sanction_id is None],
        "incidents": [held(each, rules, now_ms) for each in incidents[:SHOWN]],
        "more_incidents": len(incidents) > SHOWN,
        "rung": rung,
        "following": following(rung, rules, stopped=bool(stopped)),
        "stopped": stopped,
        "quota": rules.daily_quota,
    }
