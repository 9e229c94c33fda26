"""Puts what tenants are told of outcomes into the outbox, as the audit chains are followed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.statements import of_row
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_register import notices as outbox
from gateway.adapters.sql.tables_statements import statements
from gateway.core.appeals import AppealPolicy, until_ms
from gateway.core.happened import Happened
from gateway.core.notices import notices
from gateway.core.stated import id_of


class NoticesPart:
    """A `gateway.adapters.sql.following.Part`, after the one that writes statements. ``policy`` is that of the
    moment."""

    def __init__(self, database: Database, policy: Callable[[], AppealPolicy]) -> None:
        self._database = database
        self._policy = policy

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """See `gateway.adapters.sql.following.Part`."""
        about = sorted({each.tenant_id for each in happened})
        wanting = select(tenants.c.tenant_id).where(tenants.c.tenant_id.in_(about), tenants.c.notify_url.is_not(None))
        listening = set((await connection.scalars(wanting)).all())
        told = [each for each in happened if each.tenant_id in listening]
        if not told:
            return
        names = sorted({name for each in told if (name := id_of(each)) is not None})
        rows = await connection.execute(select(statements).where(statements.c.id.in_(names)))
        made = {row.id: of_row(row) for row in rows}
        policy = self._policy()
        until = {name: until_ms(statement, policy) for name, statement in made.items()}
        values = [
            {
                "id": notice.notice_id,
                "tenant_id": notice.tenant_id,
                "kind": notice.kind,
                "subject": notice.subject,
                "body": notice.body,
                "created_ms": now_ms,
                "due_ms": now_ms,
            }
            for notice in notices(told, made, until, now_ms)
        ]
        if values:
            await connection.execute(insert_new(self._database, outbox), values)
