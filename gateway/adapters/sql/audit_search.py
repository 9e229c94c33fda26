"""Looking for rows of the audit chains: all chains side by side, backwards, a bounded stretch at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import JSON, ColumnElement, and_, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnySelect
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import audit, chains
from gateway.adapters.sql.tables_register import audit_subjects
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import ADMINISTRATORS
from gateway.core.audit_search import AuditQuery, member
from gateway.core.records import AuditRow
from gateway.ports.audit_search import Page

_STRETCH: Final = 20_000
"""Rows looked at for one page, all chains together."""
_LEAST: Final = 200
"""Rows looked at in each chain, however many chains there are."""
_OF_MESSAGE: Final = 200
"""Rows of one message that are shown at once."""

_COLUMNS: Final = [audit.c[name] for name in AuditRow.__struct_fields__]


@dataclass(slots=True)
class _Stretch:
    """What was found between two rows of one chain. ``horizon_ms`` is the time of the oldest row looked at, None when
    the chain has none that is older."""

    chain: int
    found: list[AuditRow]
    low: int
    horizon_ms: int | None

    def goes_on(self, shown: set[int]) -> int:
        """Before which row the search goes on, when these rows (by seq) are shown."""
        return next((row.seq + 1 for row in self.found if row.seq not in shown), self.low)


class SqlAuditSearch:
    """See `gateway.ports.audit_search.AuditSearch`."""

    def __init__(self, database: Database, stretch: int = _STRETCH, least: int = _LEAST) -> None:
        self._database = database
        self._stretch, self._least = stretch, least

    async def search(self, query: AuditQuery, place: Mapping[int, int] | None, limit: int) -> Page:
        """See `gateway.ports.audit_search.AuditSearch`, as for every method below.

        Rows of a chain are in order of time, or nearly so: two processes' clocks may differ.
        """
        check_text(*[each for each in (query.account_id, query.message_id, query.actor, query.kind) if each])
        wanted = self._wanted(query)
        async with self._database.reading("search audit") as connection:
            starts = await self._starts(connection, query, place)
            step = max(self._least, self._stretch // max(len(starts), 1))
            stretches = [
                await self._look(connection, chain, before, wanted, query, step, limit)
                for chain, before in sorted(starts.items())
                if before > 1
            ]
            own = [] if place is not None else await self._of_message(connection, query, wanted)
        # What is older than this, another chain may have something newer than, where nobody has looked yet.
        reached = max([each.horizon_ms for each in stretches if each.horizon_ms is not None], default=None)
        sure = [row for each in stretches for row in each.found if reached is None or row.at_ms >= reached]
        sure.sort(key=lambda row: (row.at_ms, row.chain, row.seq), reverse=True)
        shown = sure[:limit]
        left: dict[int, int] = {}
        for each in stretches:
            on = each.goes_on({row.seq for row in shown if row.chain == each.chain})
            if on > 1:
                left[each.chain] = on
        if left and query.since_ms is not None and reached is not None and reached < query.since_ms:
            left = {} if len(shown) == sum(len(each.found) for each in stretches) else left
        rows = sorted([*shown, *own], key=lambda row: (row.at_ms, row.chain, row.seq), reverse=True)
        return Page(rows, left or None, reached if left else None)

    async def about(self, tenant_id: str, subject: str, before: int | None, limit: int) -> list[AuditRow]:
        mine = and_(
            audit_subjects.c.tenant_id == tenant_id,
            audit_subjects.c.subject == subject,
            audit_subjects.c.chain == ADMINISTRATORS,
        )
        wanted = (
            select(*_COLUMNS)
            .join(audit_subjects, and_(audit.c.chain == audit_subjects.c.chain, audit.c.seq == audit_subjects.c.seq))
            .where(mine)
            .order_by(audit_subjects.c.seq.desc())
            .limit(limit)
        )
        if before is not None:
            wanted = wanted.where(audit_subjects.c.seq < before)
        async with self._database.reading("history") as connection:
            return [AuditRow(*row) for row in await connection.execute(wanted)]

    async def _starts(
        self, connection: AsyncConnection, query: AuditQuery, place: Mapping[int, int] | None
    ) -> dict[int, int]:
        """Before which row of each chain the search begins."""
        heads = await connection.execute(select(chains.c.slot, chains.c.seq).where(chains.c.seq > 0))
        starts = {row.slot: row.seq + 1 for row in heads}
        if place is not None:
            # An address may name any number of chains, and rows that nobody wrote yet.
            return {chain: min(place[chain], end) for chain, end in starts.items() if chain in place}
        if query.message_id is not None:
            # Its own rows are found by their index; what else was done about it stands in this chain.
            starts = {chain: before for chain, before in starts.items() if chain == ADMINISTRATORS}
        if query.until_ms is not None:
            starts = {
                chain: await self._before(connection, chain, before, query.until_ms) for chain, before in starts.items()
            }
        return starts

    async def _before(self, connection: AsyncConnection, chain: int, end: int, until_ms: int) -> int:
        """The first row of a chain that is as late as this, by halves: there is no index by time."""
        low, high = 1, end
        while low < high:
            middle = (low + high) // 2
            at_ms = await connection.scalar(select(audit.c.at_ms).where(audit.c.chain == chain, audit.c.seq == middle))
            if at_ms is None or at_ms >= until_ms:
                high = middle
            else:
                low = middle + 1
        return low

    async def _look(
        self,
        connection: AsyncConnection,
        chain: int,
        before: int,
        wanted: list[ColumnElement[bool]],
        query: AuditQuery,
        step: int,
        limit: int,
    ) -> _Stretch:
        low = max(1, before - step)
        here = and_(audit.c.chain == chain, audit.c.seq >= low, audit.c.seq < before)
        conditions = [*wanted]
        if query.message_id is not None:
            conditions.append(self._contains(member("message_id", query.message_id)))
        rows = await connection.execute(_newest(here, conditions, limit))
        found = [AuditRow(*row) for row in rows]
        if len(found) == limit:
            low = found[-1].seq
        if low == 1:
            return _Stretch(chain, found, low, None)
        at_ms = await connection.scalar(select(audit.c.at_ms).where(audit.c.chain == chain, audit.c.seq == low))
        return _Stretch(chain, found, low, at_ms)

    async def _of_message(
        self, connection: AsyncConnection, query: AuditQuery, wanted: list[ColumnElement[bool]]
    ) -> list[AuditRow]:
        if query.message_id is None:
            return []
        mine = audit.c.message_id == query.message_id
        conditions = wanted if query.until_ms is None else [*wanted, audit.c.at_ms < query.until_ms]
        newest = select(*_COLUMNS).where(mine, *conditions).order_by(audit.c.step.desc()).limit(_OF_MESSAGE)
        return [AuditRow(*row) for row in await connection.execute(newest)]

    def _wanted(self, query: AuditQuery) -> list[ColumnElement[bool]]:
        conditions = [self._contains(fragment) for fragment in query.fragments()]
        if query.tenant_id is not None:
            # Whose a row is, is read and not searched for: nobody shall see another tenant's.
            whose = (
                func.json_extract(audit.c.body, "$.tenant_id")
                if self._database.sqlite
                else cast(audit.c.body, JSON)["tenant_id"].as_string()
            )
            conditions.append(whose == query.tenant_id)
        if query.kind is not None:
            conditions.append(audit.c.kind == query.kind)
        if query.since_ms is not None:
            conditions.append(audit.c.at_ms >= query.since_ms)
        if query.until_ms is not None:
            conditions.append(audit.c.at_ms < query.until_ms)
        return conditions

    def _contains(self, fragment: str) -> ColumnElement[bool]:
        find = func.instr if self._database.sqlite else func.strpos
        return find(audit.c.body, fragment) > 0


def _newest(here: ColumnElement[bool], conditions: list[ColumnElement[bool]], limit: int) -> AnySelect:
    return select(*_COLUMNS).where(here, *conditions).order_by(audit.c.seq.desc()).limit(limit)
