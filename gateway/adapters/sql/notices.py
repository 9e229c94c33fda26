"""The outbox of notices to tenants: each is taken by one process at a time, which has it for a while."""

from __future__ import annotations

from sqlalchemy import select, update

from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_register import notices
from gateway.core.audit import NOTICE, act_body
from gateway.core.news import Notice
from gateway.core.registration import By
from gateway.ports import Delivery


class SqlNotices:
    """See `gateway.ports.Notices`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, now_ms: int, lease_ms: int, limit: int) -> list[Delivery]:
        """See `gateway.ports.Notices`, as for every method below."""
        due = (
            select(
                notices.c.id,
                notices.c.tenant_id,
                notices.c.kind,
                notices.c.subject,
                notices.c.body,
                notices.c.created_ms,
                notices.c.attempts,
                tenants.c.notify_url,
                tenants.c.notify_secret_env,
            )
            .join(tenants, tenants.c.tenant_id == notices.c.tenant_id)
            .where(notices.c.done_ms.is_(None), notices.c.due_ms <= now_ms, tenants.c.notify_url.is_not(None))
            .order_by(notices.c.due_ms, notices.c.id)
            .limit(limit)
        )
        async with self._database.reading("notices") as connection:
            if (await connection.execute(due.limit(1))).first() is None:
                return []  # nearly always: nobody's write lock is taken for it
        async with self._database.writing("claim notices") as connection:
            rows = (await connection.execute(due.with_for_update(of=notices, skip_locked=True))).all()
            if rows:
                await connection.execute(
                    update(notices)
                    .where(notices.c.id.in_([row.id for row in rows]))
                    .values(attempts=notices.c.attempts + 1, due_ms=now_ms + lease_ms)
                )
        return [
            Delivery(
                Notice(row.id, row.tenant_id, row.kind, row.subject, row.body, row.created_ms, row.attempts + 1),
                row.notify_url,
                row.notify_secret_env,
            )
            for row in rows
        ]

    async def delivered(self, notice: Notice, now_ms: int) -> None:
        async with self._database.writing("notice") as connection:
            # Whoever took it meanwhile need not send it again. The row stays, so that it is not told anew; it is small.
            await connection.execute(
                update(notices).where(notices.c.id == notice.notice_id).values(done_ms=now_ms, body="")
            )

    async def put_off(self, notice: Notice, due_ms: int) -> None:
        async with self._database.writing("notice") as connection:
            await connection.execute(
                update(notices)
                .where(
                    notices.c.id == notice.notice_id,
                    notices.c.attempts == notice.attempts,
                    notices.c.done_ms.is_(None),
                )
                .values(due_ms=due_ms)
            )

    async def given_up(self, notice: Notice, now_ms: int) -> None:
        async with self._database.writing("notice") as connection:
            done = await connection.execute(
                update(notices)
                .where(notices.c.id == notice.notice_id, notices.c.done_ms.is_(None))
                .values(done_ms=now_ms, body="")
            )
            if done.rowcount:
                body = act_body(
                    By("gateway"),
                    0,
                    notice.tenant_id,
                    "GiveUpNotice",
                    notice_id=notice.notice_id,
                    kind=notice.kind,
                    attempts=notice.attempts,
                )
                await record(connection, notice.tenant_id, body, now_ms, kind=NOTICE)
