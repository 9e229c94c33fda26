"""The queue of held messages: what waits, and what people decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Response
from fastapi.responses import RedirectResponse

from classifiers.contract import CATEGORIES
from gateway.core.ladder_rules import Happening
from gateway.core.model import Message, MessageState, Outcome
from gateway.core.operators import Operator, Role
from gateway.core.policy import VIOLATIONS
from gateway.core.queue import MOST_COUNTED, Entry, Unresolved
from gateway.http.console.consequences import Consequences, consequences_of
from gateway.http.console.forms import Fields, Form, Note, form_of
from gateway.http.console.message import (
    PATH,
    Due,
    MessageId,
    decided_before,
    due,
    excerpt,
    message_page,
    message_path,
)
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByReviewer, ByViewer, Shell, Shown, TenantId, served
from gateway.http.console.which import Which, which_of
from gateway.http.passages import own_texts
from gateway.http.problems import Problem
from gateway.review import ReleaseForbidden

router = pages("/queue")
_PAGE: Final = 50

Text = Annotated[str, Query(max_length=255)]
Place = Annotated[str, Query(pattern=r"^(\d{1,16}\.[A-Za-z0-9_-]{1,255})?$")]


class WhichFields(Fields):
    """Which part of the queue is gone through, see `Which`; a button says the rest."""

    tenant: str = ""
    category: str = ""
    escalated: str = ""


class DecideFields(WhichFields):
    """What is decided. Each verdict has a code of its own in the form; the note may be left out. ``consequence`` is
    what a rejection brings the account, as far as this person has read it."""

    verdict: Literal["release", "reject", "escalate"]
    release_code: str = ""
    reject_code: str = ""
    note: Note = ""
    consequence: str = ""


WhichForm = Annotated[Form[WhichFields], Depends(form_of(WhichFields))]
DecideForm = Annotated[Form[DecideFields], Depends(form_of(DecideFields))]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the queue."""

    entry: Entry
    excerpt: str
    claimed_by: str | None
    due: Due


@router.get("")
async def show_queue(
    by: ByViewer,
    shell: Shown,
    tenant: Text = "",
    category: Text = "",
    escalated: Text = "",
    after: Place = "",
    was: Text = "",
    was_tenant: Text = "",
) -> Response:
    """What waits, what is due first in front."""
    which = await which_of(shell, by, tenant, category, escalated)
    chosen = which.tenant or by.tenant_id
    queue = shell.console.desk.held.queue
    escalated_only = True if which.escalated else None
    found = await queue.page(chosen, _place(after), _PAGE + 1, which.category or None, escalated_only)
    page, more = found[:_PAGE], len(found) > _PAGE
    texts = await queue.messages([entry.message_id for entry in page])
    total, overdue, raised = await queue.count(chosen, shell.now_ms, MOST_COUNTED)
    return await shell.page(
        "queue.html",
        rows=[_row(entry, texts.get(entry.message_id), shell.now_ms) for entry in page],
        onward=f"{page[-1].due_ms}.{page[-1].message_id}" if more else "",
        after=after,
        total=total,
        overdue=overdue,
        raised=raised,
        which=which,
        asked=which.asked,
        tenants=await shell.console.tenants_of(by),
        categories=sorted(CATEGORIES),
        may_decide=by.may(Role.REVIEWER),
        was=await decided_before(shell, by, was_tenant, was),
    )


@router.post("/next")
async def take_next(by: ByReviewer, shell: Shown, form: WhichForm) -> RedirectResponse:
    """Take the message that is due first of those that nobody has."""
    return await _onward(shell, by, await _which(shell, by, form))


@router.get("/{tenant_id}/{message_id}")
async def show_message(
    by: ByViewer,
    shell: Shown,
    tenant_id: TenantId,
    message_id: MessageId,
    was: Text = "",
    was_tenant: Text = "",
    of: Text = "",
    category: Text = "",
    escalated: Text = "",
) -> Response:
    """A message, held or not, with all that is known of it."""
    which = await which_of(shell, by, of, category, escalated)
    return await message_page(shell, by, tenant_id, message_id, was=(was_tenant, was), which=which)


@router.post("/{tenant_id}/{message_id}/claim")
async def claim(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: WhichForm) -> Response:
    """Take this message."""
    desk = shell.console.desk
    rules = desk.policy().policy.holds
    _done(await desk.held.queue.claim(message_id, tenant_id, by.name, rules, shell.now_ms))
    which = await _which(shell, by, form)
    return shell.go(which.address(message_path(tenant_id, message_id)), "claimed")


@router.post("/{tenant_id}/{message_id}/let-go")
async def let_go(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: WhichForm) -> Response:
    """Give this message back."""
    _done(await shell.console.desk.held.queue.let_go(message_id, tenant_id, by.name, shell.now_ms))
    return shell.go((await _which(shell, by, form)).listed(PATH), "let_go")


@router.post("/{tenant_id}/{message_id}/decide")
async def decide(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: DecideForm
) -> Response:
    """Release, reject or escalate, and on to the next message; for a while it can be undone there."""
    which = await _which(shell, by, form)  # what is refused has done nothing
    if form.value is None:
        return await message_page(shell, by, tenant_id, message_id, form=form, status=422, which=which)
    held, given = shell.console.desk.held, form.value
    code = given.release_code if given.verdict == "release" else given.reject_code
    note = given.note or code or given.verdict
    if given.verdict == "escalate":
        _done(await held.queue.escalate(message_id, tenant_id, by.name, note, shell.now_ms))
    else:
        foreseen = await _consequences(shell, tenant_id, message_id, given)
        if foreseen is not None and foreseen.code(code) not in ("", given.consequence):
            return await message_page(shell, by, tenant_id, message_id, form=form, which=which, asking=foreseen)
        outcome = Outcome.ALLOW if given.verdict == "release" else Outcome.BLOCK
        try:
            _done(await held.decide(message_id, tenant_id, by.name, outcome, code, note))
        except ReleaseForbidden as error:
            refused = form.wrong("", shell.say("message.forbidden", why=str(error)))
            return await message_page(shell, by, tenant_id, message_id, form=refused, status=409, which=which)
    return await _onward(shell, by, which, (tenant_id, message_id))


@router.post("/{tenant_id}/{message_id}/undo")
async def undo(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: WhichForm) -> Response:
    """Take a decision back that is not carried out yet."""
    _done(await shell.console.desk.held.queue.undo(message_id, tenant_id, by.name, shell.now_ms))
    which = await _which(shell, by, form)
    return shell.go(which.address(message_path(tenant_id, message_id)), "undone")


async def waiting(state: Any, operator: Operator) -> int:
    """How many messages wait in the queue, as far as they are counted."""
    total, _, _ = await served(state).desk.held.queue.count(operator.tenant_id, 0, MOST_COUNTED)
    return total


PART: Final = Part("queue", router, PATH, Role.VIEWER, count=waiting)


def _done(result: Entry | Unresolved) -> None:
    if isinstance(result, Unresolved):
        raise Problem(422 if result is Unresolved.CODE else 409, result, "see the page's words")


def _place(after: str) -> tuple[int, str] | None:
    due_ms, _, message_id = after.partition(".")
    return (int(due_ms), message_id) if after else None


def _row(entry: Entry, message: Message | None, now_ms: int) -> Row:
    return Row(
        entry,
        excerpt(own_texts(message) if message is not None else ()),
        entry.claimed(now_ms),
        due(entry.due_ms, now_ms),
    )


async def tenant_of(shell: Shell, by: Operator, tenant: str) -> str | None:
    """The tenant that was asked for, or the operator's own; None for all. Raises `Problem` for another's."""
    if tenant and tenant not in await shell.console.tenants_of(by):
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    return tenant or by.tenant_id


async def _which(shell: Shell, by: Operator, form: Form[Any]) -> Which:
    """The part of the queue that a form carries on, also one with something wrong in it."""
    given = form.given
    return await which_of(shell, by, given.get("tenant", ""), given.get("category", ""), given.get("escalated", ""))


async def _consequences(shell: Shell, tenant_id: str, message_id: str, given: DecideFields) -> Consequences | None:
    """What a rejection brings the account; None where this decision rejects nothing by itself."""
    if given.verdict != "reject":
        return None
    desk = shell.console.desk
    stored = await desk.store.message(message_id, tenant_id)
    entry = await desk.held.queue.entry(message_id, tenant_id)
    if stored is None or stored.state is not MessageState.HELD or entry is None:
        return None
    if entry.first is not None and entry.first.outcome is Outcome.ALLOW and entry.escalated_by is None:
        return None  # two who differ leave it to a third
    named = [given.reject_code] if given.reject_code in VIOLATIONS else []
    return await consequences_of(shell, stored, Happening.REJECTED, named)


async def _onward(shell: Shell, by: Operator, which: Which, was: tuple[str, str] | None = None) -> RedirectResponse:
    """To the next message of those that are gone through, or to the list when there is none; ``was`` is what was
    decided on."""
    desk = shell.console.desk
    entry = await desk.held.queue.claim_next(
        which.tenant or by.tenant_id,
        by.name,
        desk.policy().policy.holds,
        shell.now_ms,
        which.category or None,
        True if which.escalated else None,
    )
    before = {"was_tenant": was[0], "was": was[1]} if was is not None else {}
    if entry is not None:
        return shell.go(which.address(message_path(entry.tenant_id, entry.message_id), **before))
    return shell.go(which.listed(PATH, **before), "nothing_left" if was is None else "")
