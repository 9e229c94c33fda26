"""Incidents and sanctions in tables: what follows from what happened, and what people do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec.structs import replace
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import sanction_lists as lists
from gateway.adapters.sql import sanction_rows as rows
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import next_change
from gateway.adapters.sql.sanction_writes import SanctionWrites
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_sanctions import incidents, sanction_records
from gateway.adapters.sql.writes import check_text
from gateway.core.happened import Happened
from gateway.core.ladder import Strike, points, step_of
from gateway.core.model import Degree
from gateway.core.policy import PolicyInForce
from gateway.core.registration import By
from gateway.core.sanction_records import (
    Order,
    Phase,
    SanctionRecord,
    SanctionRefused,
    SanctionState,
    Waits,
    Why,
    agree,
    check_order,
    decline,
    in_force,
    lift,
    same_order,
    seen_at,
)
from gateway.core.strikes import Reversal, reversal_of, strike_of
from gateway.ports.sanctions import Foreseen, Incident, Rung

_Result = SanctionRecord | SanctionRefused


class _Undone(Exception):
    """Ends a transaction without writing anything."""

    def __init__(self, result: _Result) -> None:
        super().__init__()
        self.result = result


class SqlSanctions:
    """See `gateway.ports.Sanctions`; and one of the parts of `gateway.adapters.sql.following`. ``new_id`` gives ids in
    order of time."""

    def __init__(
        self, database: Database, policy: Callable[[], PolicyInForce], new_id: Callable[[], str] | None = None
    ) -> None:
        self._database = database
        self._policy = policy
        self._draw = new_id or SystemClock().new_id
        self._last = ""

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """See `gateway.adapters.sql.following.Part`: hold violations against accounts, and take back what was none."""
        rules = self._policy().policy.ladder
        found = [strike_of(each, self._new_id(), rules) or reversal_of(each) for each in happened]
        if not any(found):
            return
        # The counter's row is locked first, so that of two violations at once each knows the other.
        writes = self._writes(connection, await next_change(connection), now_ms)
        for each in found:
            if isinstance(each, Reversal):
                await writes.reverse(each, By(each.actor))
            elif each is not None:
                await writes.hold_against(each)

    async def page(
        self,
        tenant_id: str,
        after: str,
        limit: int,
        now_ms: int,
        state: SanctionState | None = None,
        account_id: str | None = None,
    ) -> list[SanctionRecord]:
        """See `gateway.ports.Sanctions`, as for every method below."""
        table = sanction_records.c
        wanted = and_(table.tenant_id == tenant_id, table.sanction_id > after)
        if account_id is not None:
            wanted = and_(wanted, table.account_id == account_id)
        over = and_(table.ends_ms.is_not(None), table.ends_ms <= now_ms)
        match state:
            case None:
                pass
            case SanctionState.ENDED:
                wanted = and_(wanted, table.state == SanctionState.IN_FORCE, over)
            case SanctionState.IN_FORCE:
                lasting = or_(table.ends_ms.is_(None), table.ends_ms > now_ms)
                wanted = and_(wanted, table.state == state, lasting)
            case _:
                wanted = and_(wanted, table.state == state)
        query = select(*rows.RECORD).where(wanted).order_by(table.sanction_id).limit(limit)
        async with self._database.reading("sanctions") as connection:
            return [seen_at(rows.sanction(row), now_ms) for row in await connection.execute(query)]

    async def listed(
        self,
        tenant_id: str | None,
        behind: tuple[str, str] | None,
        limit: int,
        now_ms: int,
        phase: Phase | None = None,
        account_id: str | None = None,
    ) -> list[SanctionRecord]:
        query = lists.page(tenant_id, behind, limit, now_ms, phase, account_id)
        async with self._database.reading("sanctions") as connection:
            return [seen_at(rows.sanction(row), now_ms) for row in await connection.execute(query)]

    async def sanction(self, tenant_id: str, sanction_id: str, now_ms: int) -> SanctionRecord | None:
        async with self._database.reading("sanction") as connection:
            found = await rows.one_record(connection, tenant_id, sanction_id)
        return None if found is None else seen_at(found, now_ms)

    async def incidents(self, tenant_id: str, account_id: str, after: str, limit: int) -> list[Incident]:
        wanted = and_(
            incidents.c.tenant_id == tenant_id, incidents.c.account_id == account_id, incidents.c.incident_id > after
        )
        query = (
            select(*rows.STRIKE, incidents.c.removed_ms).where(wanted).order_by(incidents.c.incident_id).limit(limit)
        )
        async with self._database.reading("incidents") as connection:
            return [Incident(rows.strike(row), row.removed_ms) for row in await connection.execute(query)]

    async def latest_incidents(
        self, tenant_id: str, account_id: str, behind: tuple[int, str] | None, limit: int
    ) -> list[Incident]:
        query = lists.latest_incidents(tenant_id, account_id, behind, limit)
        async with self._database.reading("incidents") as connection:
            return [Incident(rows.strike(row), row.removed_ms) for row in await connection.execute(query)]

    async def rung(self, tenant_id: str, account_id: str, now_ms: int) -> Rung:
        rules = self._policy().policy.ladder
        async with self._database.reading("incidents") as connection:
            history = await rows.strikes(connection, rows.of_account(tenant_id, account_id))
        reached = points(history, rules, now_ms)
        return Rung(reached, step_of(reached, rules), step_of(reached + 1, rules))

    async def foresee(self, strike: Strike, categories: Sequence[str], now_ms: int) -> dict[str, Foreseen | None]:
        if strike.happening not in self._policy().policy.ladder.strikes:
            return dict.fromkeys(categories)
        async with self._database.reading("incidents") as connection:
            writes = self._writes(connection, 0, now_ms)
            return {each: await writes.foresee(replace(strike, category=each)) for each in categories}

    async def impose(self, tenant_id: str, order: Order, by: By, now_ms: int) -> _Result:
        async def act(writes: SanctionWrites) -> _Result:
            connection, rules = writes.connection, writes.policy.policy.ladder
            state = await rows.account_state(connection, tenant_id, order.account_id)
            table = sanction_records.c
            mine = and_(table.tenant_id == tenant_id, table.account_id == order.account_id)
            for known in await rows.records(connection, and_(mine, table.why == Why.PERSON)):
                if same_order(seen_at(known, now_ms), order, by.actor, by.reason):
                    raise _Undone(known)
            close_stands = order.degree is Degree.CLOSE and await rows.close_stands(
                connection, tenant_id, order.account_id
            )
            if (refused := check_order(order, state, close_stands=close_stands)) is not None:
                return refused
            if order.message_id is not None and not await writes.is_message_of(
                tenant_id, order.account_id, order.message_id
            ):
                return SanctionRefused.MESSAGE_UNKNOWN
            record = SanctionRecord(
                sanction_id=self._new_id(),
                tenant_id=tenant_id,
                account_id=order.account_id,
                degree=order.degree,
                state=SanctionState.PROPOSED,
                created_ms=now_ms,
                why=Why.PERSON,
                days=order.days,
                category=order.category,
                message_id=order.message_id,
                waits=Waits.PEOPLE,
                reason=by.reason,
                agreed=(by.actor,),
                policy_version=writes.policy.version,
            )
            if rules.needed(order.degree) <= 1:
                record = replace(in_force(record, rules, now_ms), waits=None)
            await writes.write(record, by)
            return record

        texts = [text for text in (order.account_id, order.category, order.message_id) if text is not None]
        return await self._act(act, by, now_ms, tenant_id, *texts)

    async def agree(self, tenant_id: str, sanction_id: str, by: By, now_ms: int) -> _Result:
        async def act(writes: SanctionWrites) -> _Result:
            found = await rows.one_record(writes.connection, tenant_id, sanction_id)
            if found is None:
                return SanctionRefused.SANCTION_UNKNOWN
            agreed = agree(found, by.actor, writes.policy.policy.ladder, now_ms)
            if agreed == found:
                raise _Undone(found)
            if isinstance(agreed, SanctionRefused):
                return agreed
            if agreed.state is SanctionState.IN_FORCE:
                order = Order(found.account_id, found.degree)
                state = await rows.account_state(writes.connection, tenant_id, found.account_id)
                if (refused := check_order(order, state, close_stands=False)) is not None:
                    return refused
                if found.degree is Degree.CLOSE:
                    closed = await writes.close(agreed, by)
                    if isinstance(closed, SanctionRefused):
                        return closed
                    agreed = closed
            await writes.write(agreed, by)
            return agreed

        return await self._act(act, by, now_ms, tenant_id, sanction_id)

    async def decline(self, tenant_id: str, sanction_id: str, by: By, now_ms: int) -> _Result:
        async def act(writes: SanctionWrites) -> _Result:
            found = await rows.one_record(writes.connection, tenant_id, sanction_id)
            if found is None:
                return SanctionRefused.SANCTION_UNKNOWN
            declined = decline(found, by.actor, now_ms)
            if declined == found:
                raise _Undone(found)
            if isinstance(declined, SanctionRecord):
                await writes.write(declined, by)
            return declined

        return await self._act(act, by, now_ms, tenant_id, sanction_id)

    async def lift(self, tenant_id: str, sanction_id: str, by: By, now_ms: int, *, mistaken: bool = False) -> _Result:
        async def act(writes: SanctionWrites) -> _Result:
            found = await rows.one_record(writes.connection, tenant_id, sanction_id)
            if found is None:
                return SanctionRefused.SANCTION_UNKNOWN
            lifted = lift(seen_at(found, now_ms), by.actor, now_ms)
            if lifted == found:
                raise _Undone(found)
            if isinstance(lifted, SanctionRefused):
                return lifted
            await writes.write(lifted, by, Why.PERSON)
            if mistaken and found.why is not Why.PERSON and found.message_id is not None:
                await writes.forget(tenant_id, found.account_id, found.message_id, by)
            return lifted

        return await self._act(act, by, now_ms, tenant_id, sanction_id)

    async def waiting(self, tenant_id: str | None = None) -> int:
        async with self._database.reading("sanctions") as connection:
            found: int = (await connection.execute(lists.waiting(tenant_id))).scalar_one()
            return found

    async def stopped(self, now_ms: int) -> int:
        quota = self._policy().policy.ladder.daily_quota
        if not quota:
            return 0  # nothing is automatic, and so nothing was stopped
        query = select(func.count()).select_from(tenants).where(lists.used_up(quota, now_ms))
        async with self._database.reading("sanctions") as connection:
            found: int = (await connection.execute(query)).scalar_one()
            return found

    async def stopped_tenants(self, tenant_id: str | None, now_ms: int, limit: int) -> list[str]:
        quota = self._policy().policy.ladder.daily_quota
        if not quota:
            return []
        query = select(tenants.c.tenant_id).where(lists.used_up(quota, now_ms)).order_by(tenants.c.tenant_id)
        if tenant_id is not None:
            query = query.where(tenants.c.tenant_id == tenant_id)
        async with self._database.reading("sanctions") as connection:
            return list(await connection.scalars(query.limit(limit)))

    async def _act(
        self, act: Callable[[SanctionWrites], Awaitable[_Result]], by: By, now_ms: int, *texts: str
    ) -> _Result:
        check_text(by.actor, by.reason, *texts)
        try:
            async with self._database.writing("sanction") as connection:
                result = await act(self._writes(connection, await next_change(connection), now_ms))
                if isinstance(result, SanctionRefused):
                    raise _Undone(result)
                return result
        except _Undone as undone:
            return undone.result

    def _new_id(self) -> str:
        # Those of one millisecond come in any order, and lists are in the order of ids.
        drawn = self._draw()
        self._last = drawn if drawn > self._last else f"{int(self._last, 16) + 1:032x}"
        return self._last

    def _writes(self, connection: AsyncConnection, change: int, now_ms: int) -> SanctionWrites:
        return SanctionWrites(self._database, connection, self._policy(), self._new_id, change, now_ms)
