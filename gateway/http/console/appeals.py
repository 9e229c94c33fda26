"""Appeals: what waits, what an author says and against what, and the decision of somebody who had no part in that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import orjson
from fastapi import Depends, Path, Query, Response
from pydantic import Field

from gateway.core.appeals import NOTE_LIMIT, Appeal, AppealState, Undecidable, may_decide
from gateway.core.audit import subject
from gateway.core.model import Outcome
from gateway.core.operators import Operator, Role
from gateway.core.records import AuditRow, Stored
from gateway.core.registration import By
from gateway.core.sanction_records import SanctionRecord
from gateway.core.statement import Restriction, Statement
from gateway.core.wordings import worded
from gateway.http.console.audit import shown
from gateway.http.console.forms import EMPTY, Fields, Form, Lines, Reason, form_of
from gateway.http.console.message import Due, due, history_of
from gateway.http.console.part import Part
from gateway.http.console.passages import Passages, passages_of
from gateway.http.console.route import pages
from gateway.http.console.shell import ByReviewer, ByViewer, Shell, Shown, TenantId, served
from gateway.http.console.statements import stated_of
from gateway.http.console.which import tenant_of
from gateway.http.problems import Problem

router = pages("/appeals")
PATH: Final = "/console/appeals"
_PAGE: Final = 50
_HISTORY: Final = 50
_OF_ACCOUNT: Final = 200
"""Newest rows of an account among which those of an appeal are looked for."""

AppealId = Annotated[str, Path(max_length=64, pattern="^[0-9a-z-]+$")]
Which = Literal["open", "decided"]
Place = Annotated[str, Query(max_length=80, pattern=r"^([0-9]{1,15}\.[0-9a-z-]{1,64})?$")]
Text = Annotated[str, Query(max_length=255)]


class DecideFields(Fields):
    """What is decided, why (for the audit chain), and what the author is told of it. ``tenant`` is whose appeals are
    gone through."""

    outcome: Literal["upheld", "reversed"]
    reason: Reason
    note: Annotated[Lines, Field(max_length=NOTE_LIMIT)] = ""
    tenant: str = ""


DecideForm = Annotated[Form[DecideFields], Depends(form_of(DecideFields))]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    appeal: Appeal
    statement: Statement | None
    due: Due


@dataclass(frozen=True, slots=True)
class Against:
    """What an appeal is against: a message with its marked texts, or a sanction; neither where it is not kept any
    more."""

    message: Stored | None = None
    passages: Passages | None = None
    sanction: SanctionRecord | None = None


@router.get("")
async def show_list(
    by: ByViewer, shell: Shown, tenant: Text = "", which: Which = "open", after: Place = ""
) -> Response:
    """Open appeals, what is due first in front; or decided ones, the newest decision first."""
    chosen = await tenant_of(shell, by, tenant)
    appealing, now_ms = shell.console.desk.appealing, shell.now_ms
    at_ms, _, last = after.partition(".")
    if which == "open":
        found = await appealing.appeals.open(chosen, (int(at_ms or -1), last), _PAGE + 1)
    else:
        found = await appealing.appeals.decided(chosen, (int(at_ms), last) if after else None, _PAGE + 1)
    page, more = found[:_PAGE], len(found) > _PAGE
    stated = await appealing.statements.many([each.statement_id for each in page])
    total, late = await appealing.appeals.count_open(now_ms, chosen)
    return await shell.page(
        "appeals.html",
        rows=[Row(each, stated.get(each.statement_id), due(each.due_ms, now_ms)) for each in page],
        onward=_place_of(page[-1]) if more else "",
        after=after,
        total=total,
        late=late,
        asked={"tenant": chosen or "", "which": which},
        tenants=await shell.console.tenants_of(by),
        may_read=by.may(Role.REVIEWER),
    )


@router.get("/{tenant_id}/{appeal_id}")
async def show(by: ByReviewer, shell: Shown, tenant_id: TenantId, appeal_id: AppealId, of: Text = "") -> Response:
    """What the author says, what it is against, who had a part in that, and the decision."""
    return await _page(shell, by, tenant_id, appeal_id, of=of)


@router.post("/{tenant_id}/{appeal_id}/decide")
async def decide(by: ByReviewer, shell: Shown, tenant_id: TenantId, appeal_id: AppealId, form: DecideForm) -> Response:
    """Uphold what was decided, or reverse it; once."""
    if form.value is None:
        return await _page(shell, by, tenant_id, appeal_id, form, 422, of=form.given.get("tenant", ""))
    given = form.value
    decided = await shell.console.desk.appealing.decide(
        tenant_id, appeal_id, AppealState(given.outcome), By(by.name, given.reason), given.note or None
    )
    if isinstance(decided, Undecidable):
        raise Problem(404 if decided is Undecidable.APPEAL_UNKNOWN else 409, decided, "see the page's words")
    path = appeal_path(tenant_id, appeal_id) + (f"?of={quote(given.tenant, safe='')}" if given.tenant else "")
    return shell.go(path, f"appeal_{given.outcome}")


async def waiting(state: Any, operator: Operator) -> int:
    """How many appeals are open."""
    total, _ = await served(state).desk.appealing.appeals.count_open(0, operator.tenant_id)
    return total


PART: Final = Part("appeals", router, PATH, Role.VIEWER, count=waiting)


def appeal_path(tenant_id: str, appeal_id: str) -> str:
    """Where an appeal's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(appeal_id, safe='')}"


def _place_of(appeal: Appeal) -> str:
    """Where a list goes on behind an appeal."""
    at_ms = appeal.due_ms if appeal.decided_ms is None else appeal.decided_ms
    return f"{at_ms}.{appeal.appeal_id}"


async def _page(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    appeal_id: str,
    form: Form[DecideFields] = EMPTY,
    status: int = 200,
    of: str = "",
) -> Response:
    chosen, tenant = await tenant_of(shell, by, of), await shell.console.desk.registry.tenant(tenant_id)
    appealing, now_ms = shell.console.desk.appealing, shell.now_ms
    appeal = await appealing.appeals.appeal(tenant_id, appeal_id)
    if appeal is None:
        raise Problem(404, Undecidable.APPEAL_UNKNOWN, "there is no such appeal.")
    statement = await appealing.statements.statement(appeal.statement_id, tenant_id)
    told = None
    if statement is not None:
        until_ms = (await appealing.standing(statement)).until_ms
        told = worded(statement, shell.language, appeal_until_ms=until_ms, now_ms=now_ms, appeal=appeal)
    # Whoever decided had no part before; what that did to the message is theirs, too.
    involved = await appealing.appeals.involved(appeal) - {appeal.decided_by or ""}
    is_open = appeal.state is AppealState.OPEN
    following = await appealing.appeals.open(chosen, (appeal.due_ms, appeal_id) if is_open else (-1, ""), 1)
    return await shell.page(
        "appeal.html",
        status=status,
        tenant_id=tenant_id,
        appeal=appeal,
        is_open=is_open,
        due=due(appeal.due_ms, now_ms),
        stated=(await stated_of(shell, [statement]))[0] if statement is not None else None,
        told=told,
        against=await _against(shell, appeal),
        did=_did(appeal, statement),
        involved=sorted(involved),
        refused=may_decide(by.name, involved) if is_open else None,
        rows=shown(await _history(shell, appeal)),
        following=following[0] if following else None,
        form=form,
        of=of,
        has_webhook=tenant is not None and tenant.notify_url is not None,
        note_limit=NOTE_LIMIT,
    )


async def _against(shell: Shell, appeal: Appeal) -> Against:
    desk = shell.console.desk
    if appeal.sanction_id is not None:
        return Against(sanction=await desk.sanctions.sanction(appeal.tenant_id, appeal.sanction_id, shell.now_ms))
    message_id = appeal.message_id or ""
    stored = await desk.store.message(message_id, appeal.tenant_id)
    if stored is None:
        return Against()
    cases = [case for _, case in await desk.store.cases(message_id)]
    against = [case for case in cases if case.decision.outcome is not Outcome.ALLOW] or cases
    return Against(message=stored, passages=passages_of(stored.message, against[-1]))


def _did(appeal: Appeal, statement: Statement | None) -> str:
    """What a reversal did, as the key of a text; empty for none."""
    if appeal.state is not AppealState.REVERSED:
        return ""
    if appeal.sanction_id is not None:
        return "appeal.did.sanction"
    if statement is not None and statement.restriction is Restriction.TAKEDOWN:
        return "appeal.did.takedown"
    return f"appeal.did.{appeal.restored.value}" if appeal.restored is not None else ""


async def _history(shell: Shell, appeal: Appeal) -> list[AuditRow]:
    """The rows of the message or the sanction, and those of the appeal, oldest first."""
    about, tenant_id = shell.console.audit.about, appeal.tenant_id
    of_account = await about(tenant_id, subject("account", appeal.account_id), None, _OF_ACCOUNT)
    rows = [row for row in of_account if orjson.loads(row.body).get("appeal_id") == appeal.appeal_id]
    if appeal.message_id is not None:
        rows += await history_of(shell, tenant_id, appeal.message_id)
    if appeal.sanction_id is not None:
        rows += await about(tenant_id, subject("sanction", appeal.sanction_id), None, _HISTORY)
    return sorted(rows, key=lambda row: (row.at_ms, row.chain, row.seq))
