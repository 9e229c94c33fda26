"""Reports by the public in tables.

Every write locks the head of the administrators' chain first, so writes about reports follow one another, and what is
looked up stays true: two who report the same at once join one report, and two who decide it are told apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sqlalchemy import and_, delete, exists, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.dialect import AnyRow, AnySelect, insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.report_erasing import erase
from gateway.adapters.sql.report_flaggers import Flaggers, score
from gateway.adapters.sql.report_rows import (
    REPORTER,
    Seal,
    opened,
    receipts_of,
    references_of,
    report_of,
    row_of,
    tell,
)
from gateway.adapters.sql.report_taking import Taking
from gateway.adapters.sql.tables import messages
from gateway.adapters.sql.tables_reports import report_items, report_receipts, report_strikes, reports
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import ADMINISTRATORS, REGISTRY, TAKEDOWN, act_body, subject
from gateway.core.model import MessageState
from gateway.core.personal import quoted
from gateway.core.registration import By
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import SHOWN, Channel, Draft, State, Undecided, Verdict, category_of, redress_of
from gateway.ports import Sealer, Unopened
from gateway.ports.reports import Decided, Item, Muted, Report, Reporter, Said, Taken, Told

PURPOSE: Final = "reports"
"""What the keys are derived for that seal what reporters say, see `gateway.adapters.keys`."""


class SqlReports(Flaggers):
    """See `gateway.ports.reports.Reports`. ``sealer`` is of the purpose `PURPOSE`, None where there are no keys;
    ``platforms`` are those whose ids for messages are remembered."""

    def __init__(
        self, database: Database, sealer: Sealer | None, new_id: Callable[[], str], platforms: Sequence[str] = ()
    ) -> None:
        super().__init__(database)
        self._seal = Seal(sealer)
        self._new_id = new_id
        self._platforms = platforms

    @property
    def sealed(self) -> bool:
        """See `gateway.ports.reports.Reports`, as for every method below."""
        return self._seal.there

    async def take(
        self, draft: Draft, channel: Channel, flagger: str | None, rules: Rules, now_ms: int
    ) -> Taken | Muted:
        check_text(draft.tenant_id, draft.explanation, draft.category, draft.name, draft.email, *draft.references)
        async with self._database.writing("report") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            taking = Taking(connection, self._seal, draft, channel, flagger, rules, now_ms, self._platforms)
            return await taking.take(self._new_id)

    async def told(self, receipt_id: str, token_hash: str) -> Told | None:
        check_text(receipt_id)
        async with self._database.reading_for_strangers("receipt") as connection:
            return await _told(connection, receipt_id, token_hash)

    async def complain(self, receipt_id: str, token_hash: str, rules: Rules, now_ms: int) -> Told | None:
        check_text(receipt_id)
        async with self._database.reading_for_strangers("receipt") as connection:
            told = await _told(connection, receipt_id, token_hash)
        if told is None or not any(item.may_complain for item in told.items):
            return told  # nobody's lock is taken for it
        async with self._database.writing("complaint") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            due_ms = now_ms + round(rules.appeal_hours * 3_600_000)
            found = await connection.execute(
                select(reports)
                .where(reports.c.report_id.in_(_reports_of(receipt_id)), *_COMPLAINABLE)
                .order_by(reports.c.report_id)
            )
            for row in found.all():
                await _reopen(connection, row, due_ms, now_ms)
            return await _told(connection, receipt_id, token_hash)

    async def queue(self, tenant_id: str | None, after: tuple[int, str], limit: int) -> Sequence[Report]:
        async with self._database.reading("reports") as connection:
            return await _reports(connection, _open(tenant_id, after).limit(limit))

    async def report(self, tenant_id: str, report_id: str) -> Report | None:
        check_text(report_id)
        wanted = select(reports).where(reports.c.report_id == report_id, reports.c.tenant_id == tenant_id)
        async with self._database.reading("report") as connection:
            found = await _reports(connection, wanted)
        return found[0] if found else None

    async def said(self, tenant_id: str, report_id: str) -> Sequence[Said]:
        check_text(report_id)
        async with self._database.reading("receipts") as connection:
            rows = await receipts_of(connection, report_id)
        return [
            Said(
                receipt_id=row.receipt_id,
                channel=Channel(row.channel),
                category=row.category,
                created_ms=row.created_ms,
                explanation=opened(self._seal, row.receipt_id, row.explanation),
                flagger=row.flagger,
            )
            for row in rows
            if row.tenant_id == tenant_id
        ]

    async def claim(self, tenant_id: str, report_id: str, who: str, until_ms: int, now_ms: int) -> Report | Undecided:
        return await self._claimed(tenant_id, report_id, who, until_ms, now_ms)

    async def claim_next(self, tenant_id: str | None, who: str, until_ms: int, now_ms: int) -> Report | None:
        place = (0, "")
        async with self._database.writing("claim next report") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            while True:
                free = _open(tenant_id, place).where(reports.c.claimed_until_ms <= now_ms)
                rows = (await connection.execute(free.limit(_LOOKED_AT))).all()
                for row in rows:
                    if _kept_from(row, who, now_ms) is None:
                        return await _claim(connection, row, who, until_ms)
                if len(rows) < _LOOKED_AT:
                    return None
                place = (rows[-1].due_ms, rows[-1].report_id)

    async def let_go(self, tenant_id: str, report_id: str, who: str, now_ms: int) -> Report | Undecided:
        return await self._claimed(tenant_id, report_id, who, now_ms, now_ms)

    async def decide(
        self, tenant_id: str, report_id: str, verdict: Verdict, by: By, now_ms: int
    ) -> Decided | Undecided:
        check_text(report_id, verdict.note, verdict.message_id or "", by.actor, by.reason)
        async with self._database.writing("decide report") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            row = await row_of(connection, tenant_id, report_id)
            if row is None:
                return Undecided.REPORT_UNKNOWN
            if (why := _kept_from(row, by.actor, now_ms)) is not None:
                return why
            category = category_of(verdict, row.category)
            if isinstance(category, Undecided):
                return category
            if verdict.actioned and verdict.category is None and await _differ(connection, report_id):
                return Undecided.CATEGORY  # sanctions rest on it: it is not for whoever reported the worst to say
            if await self._quotes(connection, report_id, by, verdict.note):
                return Undecided.REASON_QUOTES
            message = await _about(connection, row, verdict.message_id)
            if message is None and verdict.message_id is not None:
                return Undecided.MESSAGE
            await self._hold_against(connection, row, verdict, now_ms)
            values = {
                "state": State.ACTIONED if verdict.actioned else State.NOT_ACTIONED,
                "is_open": False,
                "category": category,
                "message_id": message.id if message is not None else row.message_id,
                "account_id": message.account_id if message is not None else row.account_id,
                "claimed_by": None,
                "claimed_until_ms": 0,
                "decided_by": by.actor,
                "decided_ms": now_ms,
                "unfounded": verdict.unfounded,
                "note": verdict.note,
            }
            changed = await _set(connection, row, values)
            await tell(connection, changed, "DecideReport", by, now_ms)
            report = await _report(connection, changed)
            if message is None or not verdict.actioned or MessageState(message.state) not in SHOWN:
                return Decided(report, takedown=False)
            await _take_down(connection, report, message, by, now_ms)
            return Decided(report, takedown=True)

    async def reveal(self, tenant_id: str, report_id: str, by: By, now_ms: int) -> Sequence[Reporter] | Undecided:
        check_text(report_id, by.actor, by.reason)
        async with self._database.writing("reveal reporters") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            row = await row_of(connection, tenant_id, report_id)
            if row is None:
                return Undecided.REPORT_UNKNOWN
            found = []
            for receipt in await receipts_of(connection, report_id):
                name, email = self._seal.person(receipt.receipt_id, receipt.person)
                if _quotes(f"{by.actor} {by.reason}", name, email):
                    return Undecided.REASON_QUOTES
                found.append(Reporter(receipt.receipt_id, name, email))
            # It changes nothing, so nobody who follows the chain has to know of it.
            await tell(connection, row, "RevealReporters", by, now_ms, REGISTRY)
            return found

    async def erase(self, now_ms: int, rules: Rules, limit: int) -> int:
        async with self._database.writing("erase reports") as connection:
            return await erase(connection, now_ms, rules, limit)

    async def overdue(self, now_ms: int, tenant_id: str | None = None) -> tuple[int, int, int | None]:
        late = func.count().filter(reports.c.due_ms < now_ms)
        wanted = select(func.count(), late, func.min(reports.c.created_ms)).where(reports.c.is_open)
        if tenant_id is not None:
            wanted = wanted.where(reports.c.tenant_id == tenant_id)
        async with self._database.reading("overdue reports") as connection:
            row = (await connection.execute(wanted)).one()
        return row[0], row[1], row[2]

    async def _claimed(
        self, tenant_id: str, report_id: str, who: str, until_ms: int, now_ms: int
    ) -> Report | Undecided:
        check_text(report_id, who)
        async with self._database.writing("claim report") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            row = await row_of(connection, tenant_id, report_id)
            if row is None:
                return Undecided.REPORT_UNKNOWN
            if (why := _kept_from(row, who, now_ms)) is not None:
                return why
            return await _claim(connection, row, who, until_ms)

    async def _quotes(self, connection: AsyncConnection, report_id: str, by: By, note: str) -> bool:
        """Whether what is kept in the open names a reporter, as far as it can be read who they are: that no key opens
        it keeps nobody from deciding."""
        if not self._seal.there:
            return False
        for receipt in await receipts_of(connection, report_id):
            try:
                person = self._seal.person(receipt.receipt_id, receipt.person)
            except Unopened:
                continue
            if _quotes(f"{by.actor} {by.reason} {note}", *person):
                return True
        return False

    async def _hold_against(self, connection: AsyncConnection, row: AnyRow, verdict: Verdict, now_ms: int) -> None:
        """Count the outcome for its reporters, in place of an earlier one that was complained of."""
        mine = await connection.execute(
            select(report_receipts.c.reporter, report_receipts.c.flagger, func.min(report_receipts.c.created_ms))
            .join(report_items, report_items.c.receipt_id == report_receipts.c.receipt_id)
            .where(report_items.c.report_id == row.report_id)
            .group_by(report_receipts.c.reporter, report_receipts.c.flagger)
        )
        people = mine.all()
        names = sorted({flagger for _, flagger, _ in people if flagger is not None})
        before = Verdict(False, row.unfounded) if row.decided_ms is not None else None
        await score(connection, row.tenant_id, names, verdict, before)
        await connection.execute(delete(report_strikes).where(report_strikes.c.report_id == row.report_id))
        for reporter, _, made_ms in people:
            if verdict.unfounded and reporter is not None:
                strike = {"tenant_id": row.tenant_id, "reporter": reporter, "report_id": row.report_id}
                new = insert_new(self._database, report_strikes).values(**strike, made_ms=made_ms, at_ms=now_ms)
                await connection.execute(new)


_COMPLAINABLE: Final = (
    reports.c.state == State.NOT_ACTIONED,
    ~reports.c.is_open,
    ~reports.c.erased,
    reports.c.complaint == "",
)


_LOOKED_AT: Final = 50
"""Reports that are read at once to find one that somebody may decide."""


def _open(tenant_id: str | None, after: tuple[int, str]) -> AnySelect:
    """The open reports behind this deadline and id, in their order."""
    place = (reports.c.due_ms, reports.c.report_id)
    wanted = select(reports).where(reports.c.is_open, tuple_(*place) > tuple_(*after)).order_by(*place)
    return wanted if tenant_id is None else wanted.where(reports.c.tenant_id == tenant_id)


async def _claim(connection: AsyncConnection, row: AnyRow, who: str, until_ms: int) -> Report:
    state = State.UNDER_REVIEW if row.state == State.RECEIVED else row.state
    values = {"claimed_by": who, "claimed_until_ms": until_ms, "state": state}
    return await _report(connection, await _set(connection, row, values))


def _reports_of(receipt_id: str) -> AnySelect:
    return select(report_items.c.report_id).where(report_items.c.receipt_id == receipt_id)


async def _reports(connection: AsyncConnection, wanted: AnySelect) -> list[Report]:
    rows = (await connection.execute(wanted)).all()
    named = await references_of(connection, [row.report_id for row in rows])
    return [report_of(row, named[row.report_id]) for row in rows]


async def _told(connection: AsyncConnection, receipt_id: str, token_hash: str) -> Told | None:
    this = and_(report_receipts.c.receipt_id == receipt_id, report_receipts.c.token_hash == token_hash)
    receipt = (await connection.execute(select(report_receipts).where(this))).first()
    if receipt is None:
        return None
    rows = await connection.execute(
        select(report_items.c.reference, report_items.c.duplicate, report_items.c.due_ms.label("promised_ms"), reports)
        .join(reports, reports.c.report_id == report_items.c.report_id)
        .where(report_items.c.receipt_id == receipt_id)
        .order_by(report_items.c.position)
    )
    items = tuple([_item(row) for row in rows])
    return Told(receipt.receipt_id, receipt.tenant_id, receipt.category, receipt.created_ms, items)


def _item(row: AnyRow) -> Item:
    state, complaint = State(row.state), row.complaint == REPORTER and row.is_open
    if row.duplicate and row.is_open and not complaint:
        state = State.DUPLICATE
    decided = not row.is_open
    return Item(
        reference=row.reference,
        state=state,
        due_ms=row.due_ms if complaint else row.promised_ms,
        decided_ms=row.decided_ms if decided else None,
        note=row.note if decided else "",
        unfounded=row.unfounded and decided,
        redress=redress_of(state, row.complaint != "", row.erased),
    )


async def _reopen(connection: AsyncConnection, row: AnyRow, due_ms: int, now_ms: int) -> None:
    """Open a report again, to be decided by somebody else."""
    again = exists().where(reports.c.tenant_id == row.tenant_id, reports.c.subject == row.subject, reports.c.is_open)
    there = await connection.scalar(select(again))
    # Beside one that is open about the same, it is decided for itself: nobody who reports the same joins it.
    subject_now = f"{row.subject}:{row.report_id}" if there else row.subject
    values = {"state": State.APPEAL_OPEN, "is_open": True, "complaint": REPORTER, "due_ms": due_ms}
    free = {"subject": subject_now, "claimed_by": None, "claimed_until_ms": 0}
    await tell(connection, await _set(connection, row, {**values, **free}), "AppealReport", By("public"), now_ms)


async def _set(connection: AsyncConnection, row: AnyRow, values: Mapping[str, object]) -> AnyRow:
    this = reports.c.report_id == row.report_id
    done = await connection.execute(update(reports).where(this).values(**values).returning(reports))
    changed: AnyRow = done.one()
    return changed


async def _report(connection: AsyncConnection, row: AnyRow) -> Report:
    return report_of(row, (await references_of(connection, [row.report_id]))[row.report_id])


def _kept_from(row: AnyRow, who: str, now_ms: int) -> Undecided | None:
    """Why this person may not decide a report now."""
    if not row.is_open:
        return Undecided.DECIDED
    if row.claimed_by not in (None, who) and row.claimed_until_ms > now_ms:
        return Undecided.CLAIMED
    if row.decided_by is not None and _folded(row.decided_by) == _folded(who):
        return Undecided.SAME_PERSON
    return None


def _folded(name: str) -> str:
    return name.strip().casefold()


def _quotes(text: str, name: str, email: str) -> bool:
    fields = {field: value for field, value in (("legal_name", name), ("email", email)) if value}
    return quoted(text, fields) is not None


async def _differ(connection: AsyncConnection, report_id: str) -> bool:
    """Whether its reporters say different things of one content."""
    said = (
        select(func.min(report_receipts.c.category), func.max(report_receipts.c.category))
        .join(report_items, report_items.c.receipt_id == report_receipts.c.receipt_id)
        .where(report_items.c.report_id == report_id)
    )
    first, last = (await connection.execute(said)).one()
    return bool(first != last)


async def _about(connection: AsyncConnection, row: AnyRow, said: str | None) -> AnyRow | None:
    """The reported message; where nothing was known of it, the one that a person says it is."""
    message_id = row.message_id or said
    if message_id is None or said not in (None, message_id):
        return None
    columns = (messages.c.id, messages.c.account_id, messages.c.state, messages.c.content_hash)
    this = and_(messages.c.id == message_id, messages.c.tenant_id == row.tenant_id)
    return (await connection.execute(select(*columns).where(this))).first()


async def _take_down(connection: AsyncConnection, report: Report, message: AnyRow, by: By, now_ms: int) -> None:
    body = act_body(
        by,
        0,
        report.tenant_id,
        "TakeDown",
        account_id=report.account_id,
        message_id=message.id,
        content_hash=message.content_hash,
        category=report.category,
        source="trusted_flagger" if report.trusted else "report",
        report_id=report.report_id,
        automatic=False,
    )
    about = [subject("message", message.id), subject("report", report.report_id)]
    about += [subject("account", report.account_id)] if report.account_id is not None else []
    await record(connection, report.tenant_id, body, now_ms, about, TAKEDOWN)
