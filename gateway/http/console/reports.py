"""Reports by the public: what waits, the soonest due in front, what is said of each, and the decision on it.

What reporters say is for who decides. Who they are is told to an administrator only, for a reason that is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Depends, Path, Query, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from classifiers.contract import CATEGORIES
from gateway.core.audit import subject
from gateway.core.ladder_rules import Happening
from gateway.core.model import Message
from gateway.core.operators import Operator, Role
from gateway.core.policy import VIOLATIONS
from gateway.core.records import Stored
from gateway.core.registration import By
from gateway.core.reports import NOTE, SHOWN, Undecided, Verdict
from gateway.core.takedowns import down
from gateway.core.wording import ID
from gateway.http.console.audit import shown
from gateway.http.console.consequences import Consequences, consequences_of
from gateway.http.console.forms import EMPTY, Fields, Form, Lines, Note, Reason, form_of
from gateway.http.console.message import Due, due, excerpt
from gateway.http.console.part import Part
from gateway.http.console.passages import passages_of
from gateway.http.console.queue import Text
from gateway.http.console.route import pages
from gateway.http.console.shell import ByAdmin, ByReviewer, ByViewer, Shell, Shown, TenantId, served
from gateway.http.console.which import tenant_of
from gateway.http.passages import own_texts
from gateway.http.problems import Problem
from gateway.ports import Reports, Unopened
from gateway.ports.reports import Report, Reporter, Said

router = pages("/reports")
PATH: Final = "/console/reports"
_PAGE: Final = 50
_HISTORY: Final = 50
_MINUTE_MS: Final = 60_000

ReportId = Annotated[str, Path(max_length=255, pattern=ID)]
Place = Annotated[str, Query(pattern=r"^(\d{1,16}\.[^\x00-\x1f\x7f-\x9f/]{1,255})?$")]


class NextFields(Fields):
    """Of which tenant; of all without."""

    tenant: str = ""


class DecideFields(Fields):
    """What is decided. ``note`` is told to the reporters, ``reason`` stands in the audit chain; ``message_id`` says
    which message an address is of. ``consequence`` is what a takedown brings the account, as far as this person has
    read it. ``tenant`` is whose reports are gone through."""

    verdict: Literal["actioned", "not_actioned", "unfounded"]
    category: str = ""
    note: Annotated[Lines, Field(max_length=NOTE)] = ""
    reason: Note = ""
    message_id: Annotated[Note, Field(max_length=255)] = ""
    consequence: str = ""
    tenant: str = ""


class RevealFields(Fields):
    """Why somebody asks who made a report."""

    reason: Reason


NextForm = Annotated[Form[NextFields], Depends(form_of(NextFields))]
DecideForm = Annotated[Form[DecideFields], Depends(form_of(DecideFields))]
RevealForm = Annotated[Form[RevealFields], Depends(form_of(RevealFields))]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list. ``excerpt`` is how the message begins, or what else was reported."""

    report: Report
    excerpt: str
    claimed_by: str | None
    due: Due


@router.get("")
async def show_reports(by: ByViewer, shell: Shown, tenant: Text = "", after: Place = "") -> Response:
    """What waits, what is due first in front."""
    chosen = await tenant_of(shell, by, tenant)
    reports = shell.console.desk.reports
    found: Sequence[Report] = ()
    total, overdue = 0, 0
    if reports is not None:
        due_ms, _, report_id = after.partition(".")
        found = await reports.queue(chosen, (int(due_ms or 0), report_id), _PAGE + 1)
        total, overdue, _ = await reports.overdue(shell.now_ms, chosen)
    page, more = found[:_PAGE], len(found) > _PAGE
    known = [one.message_id for one in page if one.message_id is not None]
    texts = await shell.console.desk.held.queue.messages(known)
    return await shell.page(
        "reports.html",
        rows=[_row(one, texts.get(one.message_id or ""), shell.now_ms) for one in page],
        onward=f"{page[-1].due_ms}.{page[-1].report_id}" if more else "",
        after=after,
        total=total,
        overdue=overdue,
        taken=reports is not None and reports.sealed,
        asked={"tenant": chosen or ""},
        tenants=await shell.console.tenants_of(by),
        may_decide=by.may(Role.REVIEWER),
    )


@router.post("/next")
async def take_next(by: ByReviewer, shell: Shown, form: NextForm) -> RedirectResponse:
    """Take the report that is due first of those that nobody has."""
    tenant = await _tenant(shell, by, form)
    one = await _reports(shell).claim_next(tenant, by.name, _until(shell), shell.now_ms)
    if one is None:
        listed = PATH + _of(by, tenant, "tenant")
        return shell.go(listed, "no_report_left")
    return shell.go(report_path(one.tenant_id, one.report_id) + _of(by, tenant))


@router.get("/{tenant_id}/{report_id}")
async def show_report(by: ByViewer, shell: Shown, tenant_id: TenantId, report_id: ReportId, of: Text = "") -> Response:
    """A report with all that is known of it; what its reporters say is for reviewers."""
    return await _page(shell, by, tenant_id, report_id, of=of)


@router.post("/{tenant_id}/{report_id}/claim")
async def claim(by: ByReviewer, shell: Shown, tenant_id: TenantId, report_id: ReportId, form: NextForm) -> Response:
    """Take this report."""
    claimed = await _reports(shell).claim(tenant_id, report_id, by.name, _until(shell), shell.now_ms)
    if isinstance(claimed, Undecided):
        return await _refused(shell, by, tenant_id, report_id, claimed)
    return shell.go(report_path(tenant_id, report_id) + _of(by, await _tenant(shell, by, form)), "report_claimed")


@router.post("/{tenant_id}/{report_id}/let-go")
async def let_go(by: ByReviewer, shell: Shown, tenant_id: TenantId, report_id: ReportId, form: NextForm) -> Response:
    """Give this report back."""
    given_back = await _reports(shell).let_go(tenant_id, report_id, by.name, shell.now_ms)
    if isinstance(given_back, Undecided):
        return await _refused(shell, by, tenant_id, report_id, given_back)
    return shell.go(PATH + _of(by, await _tenant(shell, by, form), "tenant"), "report_let_go")


@router.post("/{tenant_id}/{report_id}/decide")
async def decide(by: ByReviewer, shell: Shown, tenant_id: TenantId, report_id: ReportId, form: DecideForm) -> Response:
    """Decide it, for good; what was decided, and what comes of it, is on its page then."""
    if form.value is None:
        return await _page(shell, by, tenant_id, report_id, form=form, of=form.given.get("tenant", ""), status=422)
    given = form.value
    acts = given.verdict == "actioned"
    # Only what is acted on becomes something else than it was reported as: sanctions rest on it.
    category = given.category if acts else ""
    verdict = Verdict(acts, given.verdict == "unfounded", category or None, given.note, given.message_id or None)
    why = By(by.name, given.reason or given.verdict)
    foreseen = await _consequences(shell, tenant_id, report_id, verdict) if acts else None
    if foreseen is not None and foreseen.code(category) not in ("", given.consequence):
        return await _page(shell, by, tenant_id, report_id, form=form, of=given.tenant, asking=foreseen)
    decided = await _reports(shell).decide(tenant_id, report_id, verdict, why, shell.now_ms)
    if isinstance(decided, Undecided):
        return await _refused(shell, by, tenant_id, report_id, decided, form)
    done = "report_takedown" if decided.takedown else "report_actioned" if acts else "report_dismissed"
    return shell.go(report_path(tenant_id, report_id) + _of(by, await tenant_of(shell, by, given.tenant)), done)


@router.post("/{tenant_id}/{report_id}/reveal")
async def reveal(by: ByAdmin, shell: Shown, tenant_id: TenantId, report_id: ReportId, form: RevealForm) -> Response:
    """Who made it, once, for a reason that is in the audit chain before they are told."""
    if form.value is None:
        return await _page(shell, by, tenant_id, report_id, asked=form, status=422)
    reports = _reports(shell)
    if not reports.sealed:
        raise _closed()
    try:
        told = await reports.reveal(tenant_id, report_id, By(by.name, form.value.reason), shell.now_ms)
    except Unopened:
        unopened = form.wrong("", shell.say("reporters.unopened"))
        return await _page(shell, by, tenant_id, report_id, asked=unopened, status=422)
    if told is Undecided.REASON_QUOTES:
        quoting = form.wrong("reason", shell.say("reporters.quotes"))
        return await _page(shell, by, tenant_id, report_id, asked=quoting, status=422)
    if isinstance(told, Undecided):
        raise _unknown()
    return await _page(shell, by, tenant_id, report_id, told=told)


async def waiting(state: Any, operator: Operator) -> int | None:
    """How many reports are open."""
    desk = served(state).desk
    if desk.reports is None:
        return None
    total, _, _ = await desk.reports.overdue(desk.clock.now_ms(), operator.tenant_id)
    return total


PART: Final = Part("reports", router, PATH, Role.VIEWER, count=waiting)


def report_path(tenant_id: str, report_id: str) -> str:
    """Where a report's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(report_id, safe='')}"


def _reports(shell: Shell) -> Reports:
    reports = shell.console.desk.reports
    if reports is None:
        raise _closed()
    return reports


def _closed() -> Problem:
    return Problem(503, "no_reports", "there are no keys to seal with what reporters say; set GATEWAY_KEYS_FILE.")


def _unknown() -> Problem:
    return Problem(404, "report_unknown", "there is no such report.")


def _until(shell: Shell) -> int:
    return shell.now_ms + shell.console.desk.policy().policy.reports.claim_minutes * _MINUTE_MS


async def _tenant(shell: Shell, by: Operator, form: Form[NextFields]) -> str | None:
    return await tenant_of(shell, by, form.value.tenant if form.value is not None else "")


async def _consequences(shell: Shell, tenant_id: str, report_id: str, verdict: Verdict) -> Consequences | None:
    """What acting on a report brings the account of its message; None where nothing is taken down by it."""
    report = await _reports(shell).report(tenant_id, report_id)
    message_id = (report.message_id or verdict.message_id) if report is not None and report.is_open else None
    stored = await shell.console.desk.store.message(message_id, tenant_id) if message_id is not None else None
    if stored is None or not await _is_seen(shell, stored):
        return None
    return await consequences_of(shell, stored, Happening.TAKEDOWN, [verdict.category] if verdict.category else [])


async def _is_seen(shell: Shell, stored: Stored) -> bool:
    """Whether readers see a message, so that acting on a report takes it down."""
    takedown = await shell.console.desk.takedowns.of_message(stored.message.tenant_id, stored.message_id)
    return stored.state in SHOWN and (takedown is None or down(takedown.state) is not None)


def _of(by: Operator, tenant: str | None, name: str = "of") -> str:
    """Whose reports are gone through, where that was chosen, as a query."""
    return f"?{name}={quote(tenant, safe='')}" if tenant and tenant != by.tenant_id else ""


def _claimed(one: Report, now_ms: int) -> str | None:
    return one.claimed_by if one.is_open and one.claimed_until_ms > now_ms else None


def _row(one: Report, message: Message | None, now_ms: int) -> Row:
    texts = own_texts(message) if message is not None else one.references[:1]
    return Row(one, excerpt(texts), _claimed(one, now_ms), due(one.due_ms, now_ms))


async def _refused(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    report_id: str,
    why: Undecided,
    form: Form[DecideFields] = EMPTY,
) -> Response:
    """The report's page as it is by now, with what kept this person from it; what was typed is still there."""
    match why:
        case Undecided.REPORT_UNKNOWN:
            raise _unknown()
        case Undecided.DECIDED | Undecided.CLAIMED | Undecided.SAME_PERSON:
            name, status = "", 409
        case Undecided.CATEGORY | Undecided.CONTRADICTION:
            name, status = "category", 422
        case Undecided.MESSAGE:
            name, status = "message_id", 422
        case Undecided.REASON_QUOTES:
            name, status = "note", 422
    refused = form.wrong(name, shell.say(f"undecided.{why}"))
    return await _page(shell, by, tenant_id, report_id, form=refused, of=form.given.get("tenant", ""), status=status)


async def _page(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    report_id: str,
    *,
    form: Form[DecideFields] = EMPTY,
    asked: Form[RevealFields] = EMPTY,
    told: Sequence[Reporter] | None = None,
    status: int = 200,
    of: str = "",
    asking: Consequences | None = None,
) -> Response:
    desk, now_ms = shell.console.desk, shell.now_ms
    reports = _reports(shell)
    report = await reports.report(tenant_id, report_id)
    if report is None:
        raise _unknown()
    stored = await desk.store.message(report.message_id, tenant_id) if report.message_id is not None else None
    takedown = await desk.takedowns.of_message(tenant_id, report.message_id) if report.message_id is not None else None
    is_down = takedown is not None and down(takedown.state) is None
    said: Sequence[Said] | None = None
    if by.may(Role.REVIEWER):
        said = await reports.said(tenant_id, report_id)
    mine = report.decided_by is not None and report.decided_by.strip().casefold() == by.name.strip().casefold()
    return await shell.page(
        "report.html",
        status=status,
        tenant_id=tenant_id,
        report=report,
        due=due(report.due_ms, now_ms),
        urgency=desk.policy().policy.reports.urgency_of(report.category),
        claimed_by=_claimed(report, now_ms),
        stored=stored,
        passages=passages_of(stored.message) if stored is not None else None,
        seen=stored is not None and await _is_seen(shell, stored),
        asking=asking,
        consequences=await consequences_of(shell, stored, Happening.TAKEDOWN, sorted(VIOLATIONS)) if stored else None,
        is_down=is_down,
        takedown=takedown,
        said=said,
        rows=shown(await shell.console.audit.about(tenant_id, subject("report", report_id), None, _HISTORY)),
        categories=sorted(CATEGORIES),
        # Where reporters differ, nothing is chosen before a person does.
        agreed=report.category in CATEGORIES and len({each.category for each in said or ()}) <= 1,
        may_review=by.may(Role.REVIEWER),
        mine=mine,
        sealed=reports.sealed,
        may_reveal=by.may(Role.ADMIN),
        form=form,
        asked=asked,
        told=told,
        of=of,
        me=by.name,
    )
