"""The queue of held messages: what waits, a message with all that is known of it, and what people decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Depends, Path, Query, Response
from fastapi.responses import RedirectResponse

from classifiers.contract import CATEGORIES, Opinion, Unanswered
from gateway.core.audit import subject
from gateway.core.model import Account, Case, Message, MessageState, Outcome, Sanction
from gateway.core.operators import Operator, Role
from gateway.core.queue import MOST_COUNTED, Entry, Unresolved
from gateway.core.records import AuditRow, Stored
from gateway.core.similar import similar
from gateway.core.wording import ID
from gateway.core.wordings import fact
from gateway.http.console.audit import shown
from gateway.http.console.forms import EMPTY, Fields, Form, Note, form_of
from gateway.http.console.marks import Mark
from gateway.http.console.part import Part
from gateway.http.console.removal import removal_of
from gateway.http.console.route import pages
from gateway.http.console.shell import ByReviewer, ByViewer, Shell, Shown, TenantId, served
from gateway.http.console.statements import stated_of
from gateway.http.problems import Problem
from gateway.review import ReleaseForbidden

router = pages("/queue")
PATH: Final = "/console/queue"
_PAGE: Final = 50
_HISTORY: Final = 50
_ALIKE: Final = 5
_COMPARED: Final = 100
"""Messages of the same account that are compared with the one shown."""
_EXCERPT: Final = 160

MessageId = Annotated[str, Path(max_length=255, pattern=ID)]
Text = Annotated[str, Query(max_length=255)]
Place = Annotated[str, Query(pattern=r"^(\d{1,16}\.[A-Za-z0-9_-]{1,255})?$")]


class NextFields(Fields):
    """Of which tenant; of all without."""

    tenant: str = ""


class DecideFields(Fields):
    """What is decided. Each verdict has a code of its own in the form; the note may be left out."""

    verdict: Literal["release", "reject", "escalate"]
    release_code: str = ""
    reject_code: str = ""
    note: Note = ""
    tenant: str = ""


class NoFields(Fields):
    """A button says it all."""


NextForm = Annotated[Form[NextFields], Depends(form_of(NextFields))]
DecideForm = Annotated[Form[DecideFields], Depends(form_of(DecideFields))]
NoForm = Annotated[Form[NoFields], Depends(form_of(NoFields))]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the queue."""

    entry: Entry
    excerpt: str
    claimed_by: str | None
    due: Due


@dataclass(frozen=True, slots=True)
class Due:
    """How long until something is due, or since when it is overdue, in a unit that people read."""

    late: bool
    n: int
    unit: Literal["minutes", "hours", "days"]

    @property
    def key(self) -> str:
        """The text that says so."""
        return f"due.{'late' if self.late else 'in'}.{self.unit}"


@dataclass(frozen=True, slots=True)
class Scored:
    """What a classifier said of a category, with the policy's thresholds for it."""

    classifier: str
    category: str
    value: float
    hold: float | None


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
    chosen = await tenant_of(shell, by, tenant)
    queue = shell.console.desk.held.queue
    found = await queue.page(chosen, _place(after), _PAGE + 1, category or None, True if escalated else None)
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
        asked={"tenant": chosen or "", "category": category, "escalated": escalated},
        tenants=await shell.console.tenants_of(by),
        categories=sorted(CATEGORIES),
        may_decide=by.may(Role.REVIEWER),
        was=await _was(shell, by, was_tenant, was),
    )


@router.post("/next")
async def take_next(by: ByReviewer, shell: Shown, form: NextForm) -> RedirectResponse:
    """Take the message that is due first of those that nobody has."""
    tenant = await tenant_of(shell, by, form.value.tenant if form.value is not None else "")
    return await _onward(shell, by, tenant)


@router.get("/{tenant_id}/{message_id}")
async def show_message(
    by: ByViewer,
    shell: Shown,
    tenant_id: TenantId,
    message_id: MessageId,
    was: Text = "",
    was_tenant: Text = "",
    of: Text = "",
) -> Response:
    """A message, held or not, with all that is known of it."""
    return await message_page(shell, by, tenant_id, message_id, was=(was_tenant, was), of=of)


@router.post("/{tenant_id}/{message_id}/claim")
async def claim(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: NoForm) -> Response:
    """Take this message."""
    desk = shell.console.desk
    rules = desk.policy().policy.holds
    _done(await desk.held.queue.claim(message_id, tenant_id, by.name, rules, shell.now_ms))
    return shell.go(message_path(tenant_id, message_id), "claimed")


@router.post("/{tenant_id}/{message_id}/let-go")
async def let_go(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: NoForm) -> Response:
    """Give this message back."""
    _done(await shell.console.desk.held.queue.let_go(message_id, tenant_id, by.name, shell.now_ms))
    return shell.go(PATH, "let_go")


@router.post("/{tenant_id}/{message_id}/decide")
async def decide(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: DecideForm
) -> Response:
    """Release, reject or escalate, and on to the next message; for a while it can be undone there."""
    if form.value is None:
        return await message_page(shell, by, tenant_id, message_id, form=form, status=422)
    held, given = shell.console.desk.held, form.value
    onward = await tenant_of(shell, by, given.tenant)  # what is refused has done nothing
    code = given.release_code if given.verdict == "release" else given.reject_code
    note = given.note or code or given.verdict
    if given.verdict == "escalate":
        _done(await held.queue.escalate(message_id, tenant_id, by.name, note, shell.now_ms))
    else:
        outcome = Outcome.ALLOW if given.verdict == "release" else Outcome.BLOCK
        try:
            _done(await held.decide(message_id, tenant_id, by.name, outcome, code, note))
        except ReleaseForbidden as error:
            refused = form.wrong("", shell.say("message.forbidden", why=str(error)))
            return await message_page(shell, by, tenant_id, message_id, form=refused, status=409)
    return await _onward(shell, by, onward, (tenant_id, message_id))


@router.post("/{tenant_id}/{message_id}/undo")
async def undo(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: NoForm) -> Response:
    """Take a decision back that is not carried out yet."""
    _done(await shell.console.desk.held.queue.undo(message_id, tenant_id, by.name, shell.now_ms))
    return shell.go(message_path(tenant_id, message_id), "undone")


async def waiting(state: Any, operator: Operator) -> int:
    """How many messages wait in the queue, as far as they are counted."""
    total, _, _ = await served(state).desk.held.queue.count(operator.tenant_id, 0, MOST_COUNTED)
    return total


PART: Final = Part("queue", router, PATH, Role.VIEWER, count=waiting)


def message_path(tenant_id: str, message_id: str) -> str:
    """Where a message's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(message_id, safe='')}"


def due(due_ms: int, now_ms: int) -> Due:
    """How long until a moment, rounded down; a minute at least."""
    minutes = max(1, abs(due_ms - now_ms) // 60_000)
    late = due_ms < now_ms
    if minutes < 120:
        return Due(late, minutes, "minutes")
    return Due(late, minutes // 60, "hours") if minutes < 48 * 60 else Due(late, minutes // 1440, "days")


def marks_of(case: Case, part: int) -> list[Mark]:
    """What was found in one text of a message."""
    return [
        Mark(span.start, span.end, reason.category or reason.code)
        for reason in case.decision.reasons
        for span in reason.spans
        if span.part == part
    ]


def _done(result: Entry | Unresolved) -> None:
    if isinstance(result, Unresolved):
        raise Problem(422 if result is Unresolved.CODE else 409, result, "see the page's words")


def _place(after: str) -> tuple[int, str] | None:
    due_ms, _, message_id = after.partition(".")
    return (int(due_ms), message_id) if after else None


def excerpt(texts: Sequence[str]) -> str:
    """How the texts of a message begin, on one line."""
    text = " / ".join(texts)
    return text[:_EXCERPT] + ("..." if len(text) > _EXCERPT else "")


def _row(entry: Entry, message: Message | None, now_ms: int) -> Row:
    return Row(
        entry, excerpt(message.texts if message is not None else ()), entry.claimed(now_ms), due(entry.due_ms, now_ms)
    )


async def tenant_of(shell: Shell, by: Operator, tenant: str) -> str | None:
    """The tenant that was asked for, or the operator's own; None for all. Raises `Problem` for another's."""
    if tenant and tenant not in await shell.console.tenants_of(by):
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    return tenant or by.tenant_id


async def _onward(
    shell: Shell, by: Operator, tenant: str | None, was: tuple[str, str] | None = None
) -> RedirectResponse:
    """To the next message, or to the queue when there is none; ``was`` is what was decided on."""
    desk = shell.console.desk
    entry = await desk.held.queue.claim_next(tenant, by.name, desk.policy().policy.holds, shell.now_ms)
    path = message_path(entry.tenant_id, entry.message_id) if entry is not None else PATH
    query = [f"was_tenant={quote(was[0], safe='')}", f"was={quote(was[1], safe='')}"] if was is not None else []
    query += (
        [f"{'of' if entry is not None else 'tenant'}={quote(tenant, safe='')}"]
        if tenant and tenant != by.tenant_id
        else []
    )
    query += ["done=nothing_left"] if entry is None and was is None else []
    return shell.go(path + ("?" + "&".join(query) if query else ""))


async def _was(shell: Shell, by: Operator, tenant_id: str, message_id: str) -> Entry | None:
    """The message that this person decided on a moment ago, if that can still be undone."""
    if not message_id or not by.keeps(tenant_id):
        return None
    entry = await shell.console.desk.held.queue.entry(message_id, tenant_id)
    if entry is None or entry.taken_ms is not None:
        return None
    mine = [one for one in (entry.waiting, entry.first) if one is not None and one.actor == by.name]
    return entry if mine else None


async def message_page(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    message_id: str,
    *,
    form: Form[DecideFields] = EMPTY,
    status: int = 200,
    was: tuple[str, str] = ("", ""),
    of: str = "",
    removing: Form[Any] = EMPTY,
    restoring: Form[Any] = EMPTY,
) -> Response:
    """A message's page, with what is wrong with a form of it. ``was`` is what was decided on a moment ago, ``of`` whose
    queue is gone through. Raises `Problem` where there is no such message."""
    desk, now_ms = shell.console.desk, shell.now_ms
    stored = await desk.store.message(message_id, tenant_id)
    if stored is None:
        raise Problem(404, "message_unknown", "there is no such message.")
    _, newest = (await desk.store.cases(message_id))[-1]
    entry = await desk.held.queue.entry(message_id, tenant_id) if stored.state is MessageState.HELD else None
    account = await desk.registrar.registered(tenant_id, stored.message.account_id)
    rules = desk.policy().policy
    return await shell.page(
        "message.html",
        status=status,
        tenant_id=tenant_id,
        stored=stored,
        entry=entry,
        due=due(entry.due_ms, now_ms) if entry is not None else None,
        claimed_by=entry.claimed(now_ms) if entry is not None else None,
        texts=[(text, marks_of(newest, number)) for number, text in enumerate(stored.message.texts)],
        newest=newest,
        facts={reason.code: fact(reason.code, shell.language) for reason in newest.decision.reasons},
        scores=_scores(newest, shell),
        silent=[answer for answer in newest.answers if isinstance(answer, Unanswered)],
        account=account.account if account is not None else None,
        standing=_standing(account.account, now_ms) if account is not None else [],
        alike=await _similar(shell, stored),
        stated=await stated_of(shell, await desk.appealing.statements.of_message(message_id, tenant_id)),
        reviews=by.may(Role.REVIEWER),
        rows=shown(await history_of(shell, tenant_id, message_id)),
        release_codes=[(code, shell.named("code", code)) for code in rules.holds.release_codes],
        reject_codes=[(code, _code(shell, code)) for code in _reject_codes(rules.holds.reject_codes, entry)],
        may_decide=by.may(Role.REVIEWER) and stored.state is MessageState.HELD,
        removal=await removal_of(shell, by, stored, newest),
        removing=removing,
        restoring=restoring,
        form=form,
        of=of,
        was=await _was(shell, by, *was),
        me=by.name,
    )


def _scores(case: Case, shell: Shell) -> list[Scored]:
    """The highest score of each category, what is most of it in front."""
    categories = shell.console.desk.policy().policy.categories
    best: dict[str, Scored] = {}
    for opinion in [answer for answer in case.answers if isinstance(answer, Opinion)]:
        for score in opinion.scores:
            known = best.get(score.category)
            if known is None or score.value > known.value:
                threshold = categories.get(score.category)
                hold = threshold.hold if threshold is not None else None
                best[score.category] = Scored(opinion.classifier, score.category, score.value, hold)
    return sorted([one for one in best.values() if one.value >= 0.05], key=lambda one: -one.value)


def _standing(account: Account, now_ms: int) -> list[Sanction]:
    def in_force(one: Sanction) -> bool:
        return one.starts_at <= now_ms and (one.ends_at is None or now_ms < one.ends_at)

    return [one for one in account.sanctions if in_force(one)]


def _reject_codes(codes: Sequence[str], entry: Entry | None) -> list[str]:
    """The codes, with what the message was held for in front: it is what a reviewer mostly means."""
    first = entry.category if entry is not None and entry.category in codes else "other"
    return sorted(codes, key=lambda code: code != first)


def _code(shell: Shell, code: str) -> str:
    return shell.named("category" if code in CATEGORIES else "code", code)


async def _similar(shell: Shell, stored: Stored) -> list[tuple[str, float, str]]:
    """Other held messages of the account that look like this one: id, share, and how they begin."""
    queue, message = shell.console.desk.held.queue, stored.message
    entries = await queue.by_account(message.tenant_id, message.account_id, _COMPARED)
    others = await queue.messages([entry.message_id for entry in entries if entry.message_id != stored.message_id])
    found = similar(message.texts, {key: each.texts for key, each in others.items()}, _ALIKE)
    return [(key, share, " / ".join(others[key].texts)[:_EXCERPT]) for key, share in found]


async def history_of(shell: Shell, tenant_id: str, message_id: str) -> list[AuditRow]:
    """What became of a message, and what people did about it, oldest first."""
    steps = await shell.console.desk.store.history(message_id)
    acts = await shell.console.audit.about(tenant_id, subject("message", message_id), None, _HISTORY)
    return sorted([*steps, *acts], key=lambda row: row.at_ms)
