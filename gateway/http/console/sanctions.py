"""Sanctions: what waits for people's agreement, what is in force, what is over; and one with what it comes of."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Depends, Path, Query, Response

from gateway.core.audit import subject
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.core.sanction_records import Phase, SanctionRecord, SanctionRefused, SanctionState, Why, has_agreed
from gateway.core.wording import ID
from gateway.http.console.audit import shown
from gateway.http.console.forms import EMPTY, Fields, Form, Reason, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByReviewer, ByViewer, Shell, Shown, TenantId, served
from gateway.http.console.strikes import Held, held_before
from gateway.http.problems import Problem

router = pages("/sanctions")
PATH: Final = "/console/sanctions"
_PAGE: Final = 50
_HISTORY: Final = 50
_TENANTS: Final = 5
"""Tenants whose circuit breaker is open that are named."""

SanctionId = Annotated[str, Path(max_length=255, pattern=ID)]
Text = Annotated[str, Query(max_length=255)]
Place = Annotated[str, Query(max_length=511, pattern=r"^([^\x00-\x1f\x7f-\x9f/]+/[^\x00-\x1f\x7f-\x9f/]+)?$")]
Which = Literal["proposed", "in_force", "over", "all"]


class ReasonFields(Fields):
    """Why."""

    reason: Reason


class LiftFields(Fields):
    """Why it is lifted, and whether what it came of was no violation."""

    reason: Reason
    mistaken: Literal["yes"] | None = None


ReasonForm = Annotated[Form[ReasonFields], Depends(form_of(ReasonFields))]
LiftForm = Annotated[Form[LiftFields], Depends(form_of(LiftFields))]


@router.get("")
async def show_sanctions(
    by: ByViewer, shell: Shown, tenant: Text = "", account: Text = "", which: Which = "proposed", after: Place = ""
) -> Response:
    """What waits for people, oldest first; or what is in force or over, newest first."""
    tenants = await shell.console.tenants_of(by)
    if tenant and tenant not in tenants:
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    chosen, desk = tenant or by.tenant_id, shell.console.desk
    kept, ladder = desk.sanctions, desk.policy().policy.ladder
    found: list[SanctionRecord] = []
    if account.isprintable():
        phase = None if which == "all" else Phase(which)
        found = await kept.listed(chosen, _place(after), _PAGE + 1, shell.now_ms, phase, account.strip() or None)
    page, more = found[:_PAGE], len(found) > _PAGE
    return await shell.page(
        "sanctions.html",
        records=page,
        needed={record.degree: ladder.needed(record.degree) for record in page},
        onward=f"{page[-1].sanction_id}/{page[-1].tenant_id}" if more else "",
        after=after,
        asked={"tenant": tenant, "account": account, "which": which},
        whiches=[*Phase, "all"],
        waiting=await kept.waiting(chosen),
        stopped=await kept.stopped_tenants(chosen, shell.now_ms, _TENANTS),
        quota=ladder.daily_quota,
        tenants=tenants,
    )


@router.get("/{tenant_id}/{sanction_id}")
async def show_sanction(by: ByViewer, shell: Shown, tenant_id: TenantId, sanction_id: SanctionId) -> Response:
    """A sanction: until when, why, what it comes of, who agreed."""
    return await _page(shell, by, tenant_id, sanction_id)


@router.post("/{tenant_id}/{sanction_id}/agree")
async def agree(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, sanction_id: SanctionId, form: ReasonForm
) -> Response:
    """Agree to a proposal; it is in force once enough people did."""
    if form.value is None:
        return await _page(shell, by, tenant_id, sanction_id, form, 422)
    why = By(by.name, form.value.reason)
    result = await shell.console.desk.sanctions.agree(tenant_id, sanction_id, why, shell.now_ms)
    return await _done(shell, by, tenant_id, sanction_id, form, result)


@router.post("/{tenant_id}/{sanction_id}/decline")
async def decline(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, sanction_id: SanctionId, form: ReasonForm
) -> Response:
    """Decline a proposal."""
    if form.value is None:
        return await _page(shell, by, tenant_id, sanction_id, form, 422)
    why = By(by.name, form.value.reason)
    result = await shell.console.desk.sanctions.decline(tenant_id, sanction_id, why, shell.now_ms)
    return await _done(shell, by, tenant_id, sanction_id, form, result)


@router.post("/{tenant_id}/{sanction_id}/lift")
async def lift(by: ByReviewer, shell: Shown, tenant_id: TenantId, sanction_id: SanctionId, form: LiftForm) -> Response:
    """Lift a sanction before its time."""
    if form.value is None:
        return await _page(shell, by, tenant_id, sanction_id, form, 422)
    why, mistaken = By(by.name, form.value.reason), form.value.mistaken is not None
    kept = shell.console.desk.sanctions
    result = await kept.lift(tenant_id, sanction_id, why, shell.now_ms, mistaken=mistaken)
    return await _done(shell, by, tenant_id, sanction_id, form, result)


async def waiting(state: Any, operator: Operator) -> int | None:
    """How many proposals wait for people."""
    return await served(state).desk.sanctions.waiting(operator.tenant_id) or None


PART: Final = Part("sanctions", router, PATH, count=waiting)


def sanction_path(tenant_id: str, sanction_id: str) -> str:
    """Where a sanction's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(sanction_id, safe='')}"


def done_of(record: SanctionRecord) -> str:
    """The text (``done.KEY``) that says what became of a sanction."""
    match record.state:
        case SanctionState.PROPOSED:
            return "sanction_waits"
        case SanctionState.DECLINED:
            return "sanction_declined"
        case SanctionState.LIFTED:
            return "sanction_lifted"
        case _:
            return "sanction_in_force"


def _place(after: str) -> tuple[str, str] | None:
    sanction_id, _, tenant_id = after.partition("/")
    return (sanction_id, tenant_id) if after else None


async def _done(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    sanction_id: str,
    form: Form[Any],
    result: SanctionRecord | SanctionRefused,
) -> Response:
    """What became of an act; a refusal stands on the sanction's own page."""
    if isinstance(result, SanctionRefused):
        refused = form.wrong("", shell.say(f"refused.{result}"))
        return await _page(shell, by, tenant_id, sanction_id, refused, 409)
    return shell.go(sanction_path(tenant_id, sanction_id), done_of(result))


async def _page(
    shell: Shell, by: Operator, tenant_id: str, sanction_id: str, form: Form[Any] = EMPTY, status: int = 200
) -> Response:
    desk = shell.console.desk
    record = await desk.sanctions.sanction(tenant_id, sanction_id, shell.now_ms)
    if record is None:
        raise Problem(404, SanctionRefused.SANCTION_UNKNOWN, "there is no such sanction.")
    rules = desk.policy().policy
    rows = await shell.console.audit.about(tenant_id, subject("sanction", sanction_id), None, _HISTORY)
    held: list[Held] = []
    if record.why is not Why.PERSON:
        held = await held_before(shell, tenant_id, record.account_id, record.created_ms, record.policy_version)
    return await shell.page(
        "sanction.html",
        status=status,
        tenant_id=tenant_id,
        record=record,
        needed=rules.ladder.needed(record.degree),
        has_agreed=has_agreed(record, by.name),
        held=held,
        bar_days=rules.registration.registrant_bar_days,
        may_decide=by.may(Role.REVIEWER),
        can_be_mistaken=record.why is not Why.PERSON and record.message_id is not None,
        rows=shown(rows),
        form=form,
        now_ms=shell.now_ms,
    )
