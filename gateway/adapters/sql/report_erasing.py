"""Erasing what was reported, by whom and why, when its time is over; and what keys it is sealed under till then."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.report_rows import Seal
from gateway.adapters.sql.tables_reports import report_items, report_receipts, report_strikes, reports
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import State
from gateway.ports import Sealer, Unopened

_DAY_MS: Final = 86_400_000
_PAGE: Final = 500
"""Receipts sealed anew in one transaction."""


async def erase(connection: AsyncConnection, now_ms: int, rules: Rules, limit: int) -> int:
    """See `gateway.ports.reports.Reports.erase`. A receipt that names several contents goes with the last of them."""
    over = (
        select(reports.c.report_id)
        .where(
            ~reports.c.is_open,
            ~reports.c.erased,
            reports.c.state != State.APPEAL_OPEN,
            reports.c.decided_ms <= now_ms - rules.keep_days * _DAY_MS,
        )
        .order_by(reports.c.decided_ms)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    gone = [row.report_id for row in await connection.execute(over)]
    if gone:
        await connection.execute(update(reports).where(reports.c.report_id.in_(gone)).values(erased=True, note=""))
        of_these = select(report_items.c.receipt_id).where(report_items.c.report_id.in_(gone))
        others = report_items.alias()
        waits = (
            exists()
            .where(others.c.receipt_id == report_receipts.c.receipt_id)
            .where(others.c.report_id == reports.c.report_id, ~reports.c.erased)
        )
        done = delete(report_receipts).where(report_receipts.c.receipt_id.in_(of_these), ~waits)
        receipts = [row.receipt_id for row in await connection.execute(done.returning(report_receipts.c.receipt_id))]
        await connection.execute(delete(report_items).where(report_items.c.receipt_id.in_(receipts)))
    # Strikes count for so long at most, see `gateway.core.reports.standing`.
    since = now_ms - (rules.within_days + rules.mute_days) * _DAY_MS
    await connection.execute(delete(report_strikes).where(report_strikes.c.at_ms <= since))
    return len(gone)


async def reports_under(database: Database, mark: bytes) -> int:
    """How many reports are sealed under the key with this mark, see `gateway.adapters.keys.mark_of`."""
    receipts = report_receipts.c
    under = [func.substr(column, 1, len(mark)) == mark for column in (receipts.person, receipts.explanation)]
    async with database.reading("reports under") as connection:
        return (await connection.execute(select(func.count()).where(or_(*under)))).scalar_one()


async def reseal(database: Database, sealer: Sealer, mark: bytes) -> tuple[int, int]:
    """Seal under the newest key, whose mark this is, what is sealed under others: how much, and how much none opens."""
    seal, done, lost, after = Seal(sealer), 0, 0, ""
    receipts = report_receipts.c
    while True:
        async with database.writing("reseal reports") as connection:
            page = select(receipts.receipt_id, receipts.person, receipts.explanation)
            wanted = page.where(receipts.receipt_id > after).order_by(receipts.receipt_id).limit(_PAGE)
            rows = (await connection.execute(wanted.with_for_update())).all()
            for row in rows:
                changed = {}
                for field in ("person", "explanation"):
                    sealed = getattr(row, field)
                    if sealed is None or sealed.startswith(mark):
                        continue
                    try:
                        changed[field] = seal.seal(row.receipt_id, field, seal.open(row.receipt_id, field, sealed))
                        done += 1
                    except Unopened:
                        lost += 1
                if changed:
                    this = receipts.receipt_id == row.receipt_id
                    await connection.execute(update(report_receipts).where(this).values(**changed))
        if len(rows) < _PAGE:
            return done, lost
        after = rows[-1].receipt_id
