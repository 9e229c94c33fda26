"""The rows of reports: read back, and what is sealed in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables_reports import report_items, report_receipts, reports
from gateway.core.audit import REPORT, act_body, subject
from gateway.core.personal import normalised
from gateway.core.registration import By
from gateway.core.reports import REFERENCES, Draft, State
from gateway.ports import Fault, Sealer, Unopened
from gateway.ports.reports import Report

REPORTER: Final = "reporter"
AUTHOR: Final = "author"
"""Whose complaint made a report `State.APPEAL_OPEN`."""
SAID: Final = 100
"""Reporters of one report who are shown, or told apart: the first ones."""


class Seal:
    """What reporters say, sealed; each for its receipt and its field only. ``sealer`` is of this purpose alone."""

    def __init__(self, sealer: Sealer | None) -> None:
        self._sealer = sealer

    @property
    def there(self) -> bool:
        """Whether there are keys."""
        return self._sealer is not None

    def seal(self, receipt_id: str, field: str, text: str) -> bytes:
        """Raises `Fault` without keys."""
        return self._keys().seal(text.encode(), f"{field}:{receipt_id}")

    def open(self, receipt_id: str, field: str, sealed: bytes) -> str:
        """The inverse of `seal`. Raises `Unopened`, and `Fault` without keys."""
        return self._keys().open(sealed, f"{field}:{receipt_id}").decode()

    def person(self, receipt_id: str, sealed: bytes | None) -> tuple[str, str]:
        """Name and e-mail address, empty where they were not given. Raises as `open` does."""
        if sealed is None:
            return "", ""
        name, email = orjson.loads(self.open(receipt_id, "person", sealed))
        return name, email

    def reporter(self, draft: Draft, vouched: bool) -> str | None:
        """By what the same reporter is known at this tenant; None for one without an address.

        Whom an app vouches for is somebody else than whoever types in the same address: what strangers do is not held
        against an app's users.
        """
        address = normalised("email", draft.email) if draft.email else ""
        who = "user" if vouched else "stranger"
        return self._digest("reporter", draft.tenant_id, who, address) if address else None

    def repeats(self, tenant_id: str, *parts: str) -> str:
        """By what the same report is known."""
        return self._digest("repeats", tenant_id, *parts)

    def token(self, receipt_id: str) -> str:
        """The secret of a receipt. It is made anew for who sends the same again, so only its hash has to be kept."""
        return self._digest("token", receipt_id)

    def _digest(self, *parts: str) -> str:
        return self._keys().index(orjson.dumps(parts).decode())

    def _keys(self) -> Sealer:
        if self._sealer is None:
            raise Fault("there are no keys to seal with what reporters say; set GATEWAY_KEYS_FILE")
        return self._sealer


def report_of(row: AnyRow, references: Sequence[str]) -> Report:
    """The report in a row."""
    return Report(
        report_id=row.report_id,
        tenant_id=row.tenant_id,
        state=State(row.state),
        is_open=row.is_open,
        category=row.category,
        reporters=row.reporters,
        trusted=row.trusted,
        created_ms=row.created_ms,
        due_ms=row.due_ms,
        message_id=row.message_id,
        account_id=row.account_id,
        references=tuple(references),
        claimed_by=row.claimed_by,
        claimed_until_ms=row.claimed_until_ms,
        complaint=row.complaint == REPORTER and row.is_open,
        decided_by=row.decided_by,
        decided_ms=row.decided_ms,
        unfounded=row.unfounded,
        note=row.note,
    )


async def row_of(connection: AsyncConnection, tenant_id: str, report_id: str) -> AnyRow | None:
    """The row of a report."""
    found = await connection.execute(
        select(reports).where(reports.c.report_id == report_id, reports.c.tenant_id == tenant_id)
    )
    return found.first()


async def references_of(connection: AsyncConnection, report_ids: Sequence[str]) -> dict[str, list[str]]:
    """What each of these reports' contents was called, some of it where it is much."""
    named: dict[str, list[str]] = {report_id: [] for report_id in report_ids}
    wanted = (
        select(report_items.c.report_id, report_items.c.reference)
        .where(report_items.c.report_id.in_(report_ids))
        .group_by(report_items.c.report_id, report_items.c.reference)
        .order_by(report_items.c.report_id, report_items.c.reference)
        .limit(REFERENCES * max(1, len(report_ids)))
    )
    for row in await connection.execute(wanted):
        if len(named[row.report_id]) < REFERENCES:
            named[row.report_id].append(row.reference)
    return named


async def receipts_of(connection: AsyncConnection, report_id: str) -> Sequence[AnyRow]:
    """The first receipts of a report."""
    mine = select(report_items.c.receipt_id).where(report_items.c.report_id == report_id)
    wanted = (
        select(report_receipts)
        .where(report_receipts.c.receipt_id.in_(mine))
        .order_by(report_receipts.c.created_ms, report_receipts.c.receipt_id)
        .limit(SAID)
    )
    return (await connection.execute(wanted)).all()


async def tell(
    connection: AsyncConnection, row: AnyRow, act: str, by: By, now_ms: int, kind: str = REPORT, **more: Any
) -> None:
    """Leave the audit row of something that was done about a report: ids, category and state; no word of anybody's. It
    stands in the report's history, and in that of its message unless it may come as often as there are reporters."""
    body = act_body(
        by,
        0,
        row.tenant_id,
        act,
        **{
            "report_id": row.report_id,
            "message_id": row.message_id,
            "account_id": row.account_id,
            "category": row.category,
            "state": row.state,
            "trusted": row.trusted,
            **more,
        },
    )
    about = [subject("report", row.report_id)]
    about += [subject("message", row.message_id)] if row.message_id is not None and act != "MakeReport" else []
    await record(connection, row.tenant_id, body, now_ms, about, kind)


def opened(seal: Seal, receipt_id: str, sealed: bytes) -> str | None:
    """An explanation, None where no key here opens it."""
    try:
        return seal.open(receipt_id, "explanation", sealed)
    except Unopened:
        return None
    except Fault:  # there are no keys here at all
        return None
