"""Acts on reports and appeals, read from the administrators' chain."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import orjson
from sqlalchemy import select

from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import audit, chains
from gateway.core.audit import ADMINISTRATORS, APPEAL, REPORT
from gateway.core.happened import Act

_STRETCH: Final = 10_000
"""Rows of the chain that one statement passes over: so each is done in time, however rare such acts are."""
_KINDS: Final = (APPEAL, REPORT)


class SqlFigures:
    """See `gateway.ports.transparency.Figures`.

    The chain is read from its beginning, in the order of its primary key: some seconds for millions of rows, once a
    year. An index over kinds would have to be written all year long.
    """

    def __init__(self, database: Database, stretch: int = _STRETCH) -> None:
        self._database = database
        self._stretch = stretch

    async def acts(self, tenant_id: str, from_ms: int, to_ms: int) -> AsyncIterator[Act]:
        """See `gateway.ports.transparency.Figures`."""
        async with self._database.reading("figures") as connection:
            head: int = await connection.scalar(select(chains.c.seq).where(chains.c.slot == ADMINISTRATORS)) or 0
        for seq in range(0, head, self._stretch):
            query = select(audit.c.at_ms, audit.c.kind, audit.c.body).where(
                audit.c.chain == ADMINISTRATORS,
                audit.c.seq > seq,
                audit.c.seq <= min(seq + self._stretch, head),
                audit.c.kind.in_(_KINDS),
                audit.c.at_ms >= from_ms,
                audit.c.at_ms < to_ms,
            )
            async with self._database.reading("figures") as connection:
                rows = (await connection.execute(query.order_by(audit.c.seq))).all()
            for row in rows:
                body = orjson.loads(row.body)
                if body.get("tenant_id") == tenant_id:
                    yield Act(row.at_ms, row.kind, body.get("act", ""), body.get("actor", ""), tenant_id, body)
