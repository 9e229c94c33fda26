"""Taking in a report: what it is about, whether it was reported before, and whether its reporter is heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import orjson
from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.report_rows import Seal, row_of, tell
from gateway.adapters.sql.tables import messages, remembered
from gateway.adapters.sql.tables_reports import report_items, report_receipts, report_strikes, reports
from gateway.core.registration import By
from gateway.core.report_rules import WAIVED, due
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import (
    EXPLANATION,
    Channel,
    Draft,
    Standing,
    State,
    Strike,
    candidates,
    hash_token,
    standing,
    subject_of,
)
from gateway.ports.reports import Muted, Taken

_DAY_MS: Final = 86_400_000
_MEANT: Final = 200
"""Messages looked at that the parts of one address may stand for, the newest ones."""

Message = tuple[str, str]
"""The id of a message, and of the account that published it."""


class Taking:
    """One report on its way in. ``platforms`` are those whose ids for messages are remembered."""

    def __init__(
        self,
        connection: AsyncConnection,
        seal: Seal,
        draft: Draft,
        channel: Channel,
        flagger: str | None,
        rules: Rules,
        now_ms: int,
        platforms: Sequence[str],
    ) -> None:
        self._connection = connection
        self._seal = seal
        self._draft = draft
        self._channel = channel
        self._flagger = flagger
        self._rules = rules
        self._now_ms = now_ms
        self._platforms = platforms
        self._reporter = seal.reporter(draft, channel is Channel.APP) if flagger is None else None
        self._due_ms = due(now_ms, draft.category, rules, trusted=flagger is not None)
        self._by = By(f"flagger:{flagger}" if flagger else "public" if channel is not Channel.APP else "app")

    async def take(self, new_id: Callable[[], str]) -> Taken | Muted:
        """Write it, unless it was taken before, or its reporter is not heard."""
        stands = await self._standing()
        if (again := await self._repeated(stands)) is not None:
            return again
        if stands.muted_until_ms is not None and self._draft.category != WAIVED:
            return Muted(stands.muted_until_ms)
        receipt_id = new_id()
        token = self._seal.token(receipt_id)
        draft, person = self._draft, None
        if draft.name or draft.email:
            written = orjson.dumps([draft.name.strip(), draft.email.strip()]).decode()
            person = self._seal.seal(receipt_id, "person", written)
        await self._connection.execute(
            insert(report_receipts).values(
                receipt_id=receipt_id,
                tenant_id=draft.tenant_id,
                token_hash=hash_token(token),
                channel=self._channel,
                category=draft.category,
                reporter=self._reporter,
                repeats=self._repeats(),
                flagger=self._flagger,
                created_ms=self._now_ms,
                person=person,
                explanation=self._seal.seal(receipt_id, "explanation", draft.explanation.strip()),
            )
        )
        there: list[str] = []
        for position, reference in enumerate(draft.references):
            report_id = await self._about(receipt_id, position, reference, new_id)
            there += [report_id] if report_id not in there else []
        for report_id in there:
            await self._count(receipt_id, report_id)
        return Taken(receipt_id, token, True, stands.warned, self._due_ms, tuple(there))

    async def _standing(self) -> Standing:
        if self._reporter is None:
            return Standing()
        since = self._now_ms - (self._rules.within_days + self._rules.mute_days) * _DAY_MS
        found = await self._connection.execute(
            select(report_strikes.c.made_ms, report_strikes.c.at_ms).where(
                report_strikes.c.tenant_id == self._draft.tenant_id,
                report_strikes.c.reporter == self._reporter,
                report_strikes.c.at_ms > since,
            )
        )
        return standing([Strike(row.made_ms, row.at_ms) for row in found], self._now_ms, self._rules)

    def _repeats(self) -> str:
        draft = self._draft
        references = orjson.dumps(sorted(draft.references)).decode()
        if self._flagger is not None:
            return self._seal.repeats(draft.tenant_id, "flagger", self._flagger, references)
        if self._channel is Channel.APP and self._reporter is not None:
            return self._seal.repeats(draft.tenant_id, "app", self._reporter, references)
        said = (draft.category, draft.name.strip(), draft.email.strip(), draft.explanation.strip())
        return self._seal.repeats(draft.tenant_id, "all", *said, references)

    async def _repeated(self, stands: Standing) -> Taken | None:
        """The receipt of the same report, as long as nothing of it is decided."""
        receipts, items = report_receipts.c, report_items.c
        wanted = (
            select(receipts.receipt_id, receipts.explanation)
            .where(receipts.tenant_id == self._draft.tenant_id, receipts.repeats == self._repeats())
            .order_by(receipts.created_ms.desc(), receipts.receipt_id.desc())
            .limit(1)
        )
        row = (await self._connection.execute(wanted)).first()
        if row is None:
            return None
        mine = await self._connection.execute(
            select(items.report_id, items.due_ms, reports.c.is_open)
            .join(reports, reports.c.report_id == items.report_id)
            .where(items.receipt_id == row.receipt_id)
            .order_by(items.position)
        )
        about = mine.all()
        if not about or not all(each.is_open for each in about):
            return None
        await self._add(row)
        due_ms = max(each.due_ms for each in about)
        ids = tuple(dict.fromkeys([each.report_id for each in about]))
        return Taken(row.receipt_id, self._seal.token(row.receipt_id), False, stands.warned, due_ms, ids)

    async def _add(self, row: AnyRow) -> None:
        """What the same reporter says beside what was said before, as far as there is room."""
        before = self._seal.open(row.receipt_id, "explanation", row.explanation)
        said = self._draft.explanation.strip()
        if said not in before:
            more = f"{before}\n\n{said}"[:EXPLANATION]
            sealed = self._seal.seal(row.receipt_id, "explanation", more)
            this = report_receipts.c.receipt_id == row.receipt_id
            await self._connection.execute(update(report_receipts).where(this).values(explanation=sealed))

    async def _about(self, receipt_id: str, position: int, reference: str, new_id: Callable[[], str]) -> str:
        """Join the open report about what is named, or begin one; its id."""
        draft, now_ms = self._draft, self._now_ms
        message = await self._message(reference)
        subject = subject_of(reference, message[0] if message else None)
        found = await self._connection.execute(
            select(reports.c.report_id).where(
                reports.c.tenant_id == draft.tenant_id, reports.c.subject == subject, reports.c.is_open
            )
        )
        row = found.first()
        report_id: str = row.report_id if row else new_id()
        if row is None:
            await self._connection.execute(
                insert(reports).values(
                    report_id=report_id,
                    tenant_id=draft.tenant_id,
                    subject=subject,
                    state=State.RECEIVED,
                    is_open=True,
                    category=draft.category,
                    due_ms=self._due_ms,
                    created_ms=now_ms,
                    message_id=message[0] if message else None,
                    account_id=message[1] if message else None,
                )
            )
        # Of another name for the same nobody is told: it would show that a message of that name is there.
        others = select(func.count()).where(
            report_items.c.report_id == report_id,
            report_items.c.reference == reference,
            report_items.c.receipt_id != receipt_id,
        )
        await self._connection.execute(
            insert(report_items).values(
                receipt_id=receipt_id,
                position=position,
                report_id=report_id,
                reference=reference,
                duplicate=bool(await self._connection.scalar(others)),
                due_ms=self._due_ms,
            )
        )
        return report_id

    async def _count(self, receipt_id: str, report_id: str) -> None:
        """Let the report be as urgent as the most urgent of its reporters has it, and count each of them once."""
        row = await row_of(self._connection, self._draft.tenant_id, report_id)
        if row is None:
            return
        same = report_receipts.c.flagger == self._flagger
        if self._flagger is None:
            same = report_receipts.c.reporter == self._reporter
        before = (
            select(func.count())
            .select_from(report_items)
            .join(report_receipts, report_receipts.c.receipt_id == report_items.c.receipt_id)
            .where(report_items.c.report_id == report_id, report_items.c.receipt_id != receipt_id, same)
        )
        trusted = self._flagger is not None
        nobody = self._flagger is None and self._reporter is None
        known = not nobody and bool(await self._connection.scalar(before))
        await self._connection.execute(
            update(reports)
            .where(reports.c.report_id == report_id)
            .values(
                reporters=row.reporters + (0 if known else 1),
                trusted=row.trusted or trusted,
                category=self._rules.more_urgent(row.category, self._draft.category),
                due_ms=min(row.due_ms, self._due_ms),
            )
        )
        changed = await row_of(self._connection, self._draft.tenant_id, report_id)
        assert changed is not None  # noqa: S101 - it was there a moment ago, and is locked
        more = {"channel": self._channel, "reporters": changed.reporters}
        await tell(self._connection, changed, "MakeReport", self._by, self._now_ms, **more)

    async def _message(self, reference: str) -> Message | None:
        """The message that an address or id stands for. One that stands for messages of several accounts is a person's
        to look at."""
        tenant_id, tried = self._draft.tenant_id, candidates(reference)
        wanted = select(messages.c.id, messages.c.account_id).where(
            messages.c.tenant_id == tenant_id, messages.c.id.in_(tried)
        )
        own = {row.id: row.account_id for row in await self._connection.execute(wanted)}
        if first := next((each for each in tried if each in own), None):
            return first, own[first]
        if not self._platforms:
            return None
        found = await self._connection.execute(
            select(remembered.c.reference, messages.c.id, messages.c.account_id)
            .join(messages, messages.c.id == remembered.c.message_id)
            .where(
                remembered.c.tenant_id == tenant_id,
                remembered.c.platform.in_(self._platforms),
                remembered.c.reference.in_(tried),
            )
            .order_by(messages.c.created_ms.desc(), messages.c.id.desc())
            .limit(_MEANT)
        )
        by_reference: dict[str, list[Message]] = {}
        for row in found:
            by_reference.setdefault(row.reference, []).append((row.id, row.account_id))
        for each in tried:
            meant = by_reference.get(each, [])
            if len({account_id for _, account_id in meant}) == 1:
                return meant[0]
        return None
