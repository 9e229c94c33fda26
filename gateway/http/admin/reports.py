"""Reports by the public, as reviewers decide them: the soonest due first. Who reported is told to an administrator
only, who says why."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, Field, field_validator

from gateway.core.registration import By
from gateway.core.reports import NOTE, UNDECIDED_WORDING, Channel, State, Undecided, Verdict
from gateway.http.admin.desk import (
    ID,
    PREFIX,
    ByAdmin,
    ByReviewer,
    ByViewer,
    Desk,
    Limit,
    Responses,
    Served,
    TenantId,
    answered,
    body_of,
)
from gateway.http.admin.models import Id, ReasonBody
from gateway.http.problems import Problem, bad_fields
from gateway.http.reporting import closed
from gateway.ports import Reports
from gateway.ports.reports import Report, Said

router = APIRouter(prefix=PREFIX + "/reports")

ReportId = Annotated[str, Path(max_length=255, pattern=ID)]
_PLACE: Final = r"^([0-9]{1,16}:[^\x00-\x1f\x7f-\x9f/]{1,255})?$"
_MINUTE_MS: Final = 60_000


class ReportOut(BaseModel):
    """One reported content. ``references`` are what reporters called it, ``reporters`` how many they are: their number
    decides nothing. ``message_id`` is null where no message is known of it, and somebody has to look at the address.
    ``complaint``: it was decided before, and somebody else has to decide it now."""

    report_id: str
    state: State
    category: str
    urgency: str
    reporters: int
    trusted: bool
    created_ms: int
    due_ms: int
    overdue: bool
    message_id: str | None
    account_id: str | None
    references: list[str]
    claimed_by: str | None
    claimed_until_ms: int | None
    complaint: bool
    decided_by: str | None
    decided_ms: int | None
    manifestly_unfounded: bool
    note: str


class ReportsOut(BaseModel):
    """A page of the open reports, the soonest due first; ``next`` is where to go on (``after``), null at the end."""

    reports: list[ReportOut]
    next: str | None


class SaidOut(BaseModel):
    """What one reporter says. ``explanation`` is null where no key here opens it; ``flagger`` names a trusted one."""

    receipt_id: str
    channel: Channel
    category: str
    created_ms: int
    explanation: str | None
    flagger: str | None


class ReportShownOut(ReportOut):
    """A report with what its first hundred reporters say."""

    said: list[SaidOut]


class DecisionBody(ReasonBody):
    """A decision on a report. ``actioned`` takes a published message down; it needs a ``category`` of the gateway's
    own, which is the reported one if none is given. ``manifestly_unfounded`` is held against the reporters. They are
    told the ``note``. ``message_id`` says which message an address is of, where the report has none."""

    actioned: bool
    manifestly_unfounded: bool = False
    category: str | None = Field(None, max_length=100)
    message_id: Id | None = None
    note: str = Field("", max_length=NOTE, description="Told to the reporters; kept in the open, so it names none.")

    @field_validator("note")
    @classmethod
    def _plain(cls, note: str) -> str:
        if any(sign != "\n" and not sign.isprintable() for sign in note):
            raise ValueError("give text without control characters")
        return note.strip()


class ReportDecisionOut(ReportOut):
    """A decided report. ``takedown``: the message is being taken down; false where readers do not see it."""

    takedown: bool


class ReporterOut(BaseModel):
    """Who reported; empty where it was not said."""

    receipt_id: str
    name: str
    email: str


class ReportersOut(BaseModel):
    """The first hundred."""

    reporters: list[ReporterOut]


Deciding = Annotated[DecisionBody, Depends(body_of(DecisionBody))]
Revealing = Annotated[ReasonBody, Depends(body_of(ReasonBody))]

_CLAIMED: Responses = {
    409: {"description": "It is decided, somebody else has it, or it is a complaint against your own decision"},
}
_TAKEN: Responses = {
    **_CLAIMED,
    422: {"description": "A category is needed, there is no such message, or its words name a reporter"},
}
_QUOTES: Responses = {422: {"description": "The reason quotes what it is about"}}


@router.get("", summary="The open reports by deadline", response_model=ReportsOut)
async def queue(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    after: Annotated[str, Query(pattern=_PLACE, description="`next` of the page before.")] = "",
    limit: Limit = 50,
) -> Response:
    """What is due, by whom it is looked at, and how many reported it."""
    due_ms, _, report_id = after.partition(":")
    found = await reports_of(desk).queue(tenant_id, (int(due_ms or 0), report_id), limit)
    following = f"{found[-1].due_ms}:{found[-1].report_id}" if len(found) == limit else None
    return answered(ReportsOut(reports=[ReportOut(**_fields(desk, one)) for one in found], next=following))


@router.get("/{report_id}", summary="A report and what is said", response_model=ReportShownOut)
async def show(by: ByReviewer, tenant_id: TenantId, report_id: ReportId, desk: Served) -> Response:
    """With the explanations, without who gave them."""
    reports = reports_of(desk)
    found = await reports.report(tenant_id, report_id)
    if found is None:
        raise undecided(Undecided.REPORT_UNKNOWN)
    said = [_said(each) for each in await reports.said(tenant_id, report_id)]
    return answered(ReportShownOut(**_fields(desk, found), said=said))


@router.post("/{report_id}:claim", summary="Take a report", response_model=ReportOut, responses=_CLAIMED)
async def claim(by: ByReviewer, tenant_id: TenantId, report_id: ReportId, desk: Served) -> Response:
    """For the policy's `claim_minutes`; nobody else decides it then. Its reporters are told that it is looked at."""
    now_ms = desk.clock.now_ms()
    until_ms = now_ms + desk.policy().policy.reports.claim_minutes * _MINUTE_MS
    return _claimed(desk, await reports_of(desk).claim(tenant_id, report_id, by.name, until_ms, now_ms))


@router.post("/{report_id}:let_go", summary="Let a report go", response_model=ReportOut, responses=_CLAIMED)
async def let_go(by: ByReviewer, tenant_id: TenantId, report_id: ReportId, desk: Served) -> Response:
    """Before the claim ends."""
    return _claimed(desk, await reports_of(desk).let_go(tenant_id, report_id, by.name, desk.clock.now_ms()))


@router.post("/{report_id}:decide", summary="Decide a report", response_model=ReportDecisionOut, responses=_TAKEN)
async def decide(by: ByReviewer, tenant_id: TenantId, report_id: ReportId, body: Deciding, desk: Served) -> Response:
    """Once; of two who decide at the same time one is answered 409. Every reporter is told the outcome."""
    verdict = Verdict(body.actioned, body.manifestly_unfounded, body.category, body.note, body.message_id)
    reason = By(by.name, body.reason)
    decided = await reports_of(desk).decide(tenant_id, report_id, verdict, reason, desk.clock.now_ms())
    if isinstance(decided, Undecided):
        raise undecided(decided)
    return answered(ReportDecisionOut(**_fields(desk, decided.report), takedown=decided.takedown))


@router.post("/{report_id}:reveal", summary="Who made a report", response_model=ReportersOut, responses=_QUOTES)
async def reveal(by: ByAdmin, tenant_id: TenantId, report_id: ReportId, body: Revealing, desk: Served) -> Response:
    """Who asked and why is in the audit chain before it is told."""
    reports = reports_of(desk)
    if not reports.sealed:
        raise closed()
    found = await reports.reveal(tenant_id, report_id, By(by.name, body.reason), desk.clock.now_ms())
    if isinstance(found, Undecided):
        raise undecided(found)
    told = [ReporterOut(receipt_id=each.receipt_id, name=each.name, email=each.email) for each in found]
    return answered(ReportersOut(reporters=told))


def reports_of(desk: Desk) -> Reports:
    """Where reports are kept."""
    if desk.reports is None:
        raise closed()
    return desk.reports


def _claimed(desk: Desk, claimed: Report | Undecided) -> Response:
    if isinstance(claimed, Undecided):
        raise undecided(claimed)
    return answered(ReportOut(**_fields(desk, claimed)))


def undecided(why: Undecided) -> Problem:
    """The problem that a refused act on a report is answered with."""
    name, _, message = UNDECIDED_WORDING[why].partition(": ")
    match why:
        case Undecided.REPORT_UNKNOWN:
            status = 404
        case Undecided.DECIDED | Undecided.CLAIMED | Undecided.SAME_PERSON:
            status = 409
        case Undecided.CATEGORY | Undecided.CONTRADICTION | Undecided.MESSAGE | Undecided.REASON_QUOTES:
            status = 422
    return bad_fields([(name, message)], status, why)


def _fields(desk: Desk, one: Report) -> dict[str, object]:
    now_ms = desk.clock.now_ms()
    claimed = one.claimed_until_ms > now_ms and one.is_open
    return {
        "report_id": one.report_id,
        "state": one.state,
        "category": one.category,
        "urgency": desk.policy().policy.reports.urgency_of(one.category),
        "reporters": one.reporters,
        "trusted": one.trusted,
        "created_ms": one.created_ms,
        "due_ms": one.due_ms,
        "overdue": one.is_open and one.due_ms < now_ms,
        "message_id": one.message_id,
        "account_id": one.account_id,
        "references": list(one.references),
        "claimed_by": one.claimed_by if claimed else None,
        "claimed_until_ms": one.claimed_until_ms if claimed else None,
        "complaint": one.complaint,
        "decided_by": one.decided_by,
        "decided_ms": one.decided_ms,
        "manifestly_unfounded": one.unfounded,
        "note": one.note,
    }


def _said(each: Said) -> SaidOut:
    return SaidOut(
        receipt_id=each.receipt_id,
        channel=each.channel,
        category=each.category,
        created_ms=each.created_ms,
        explanation=each.explanation,
        flagger=each.flagger,
    )
