"""Leases on slots. A lease ends when it is released, broken, or found expired by `end_expired`; each of these changes
the row that every write of its owner checks, so no clock has to be trusted for that.

On PostgreSQL, which many machines share, every end is written and judged by the server's clock. A SQLite file is one
machine's, whose processes have one clock already."""

from __future__ import annotations

from sqlalchemy import BigInteger, ColumnElement, and_, case, cast, extract, func, literal, or_, select, update

from gateway.adapters.sql.dialect import insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import chains
from gateway.core.audit import GENESIS
from gateway.core.records import Lease, Owner


class Leases:
    """The part of the store that says who owns which slot."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lease(self, holder: str, slots: int, ttl_ms: int, now_ms: int) -> Lease | None:
        """See `gateway.ports.Store`, as for every method below."""
        free = and_(
            chains.c.slot >= 0,
            chains.c.slot < slots,
            or_(chains.c.expires_ms == 0, and_(chains.c.holder == holder, chains.c.epoch > 0)),
        )
        async with self._database.writing("lease") as connection:
            known = set((await connection.scalars(select(chains.c.slot))).all())
            if missing := [slot for slot in range(slots) if slot not in known]:
                rows = [
                    {"slot": slot, "epoch": 0, "holder": "", "expires_ms": 0, "seq": 0, "hash": GENESIS}
                    for slot in missing
                ]
                await connection.execute(insert_new(self._database, chains), rows)
            candidates = await connection.execute(
                select(chains.c.slot, chains.c.epoch)
                .where(free)
                .order_by(case((chains.c.holder == holder, 0), else_=1), chains.c.slot)
                .limit(1)
                .with_for_update(skip_locked=True)  # a host that vanished may have one locked; any other will do
            )
            if (found := candidates.first()) is None:
                return None
            slot, epoch = found
            end = await connection.scalar(
                update(chains)
                .where(chains.c.slot == slot)
                .values(epoch=epoch + 1, holder=holder, expires_ms=self._now(now_ms) + ttl_ms)
                .returning(chains.c.expires_ms)
            )
            return Lease(Owner(slot, epoch + 1), end)

    async def renew(self, owner: Owner, ttl_ms: int, now_ms: int) -> Lease | None:
        end = await self._set_end(owner, self._now(now_ms) + ttl_ms)
        return None if end is None else Lease(owner, end)

    async def end_expired(self, now_ms: int, longest_ms: int) -> None:
        now = self._now(now_ms)
        over, far = chains.c.expires_ms <= now, chains.c.expires_ms > now + longest_ms
        wrong = select(chains.c.slot, over).where(chains.c.slot >= 0, chains.c.expires_ms > 0, or_(over, far))
        async with self._database.reading("leases") as connection:
            if (await connection.execute(wrong.limit(1))).first() is None:
                return  # nearly always: no lock is taken for it
        async with self._database.writing("end leases") as connection:
            found = (await connection.execute(wrong.order_by(chains.c.slot).with_for_update(skip_locked=True))).all()
            for is_over, end in ((True, literal(0)), (False, now + longest_ms)):
                slots = [slot for slot, each in found if bool(each) is is_over]
                await connection.execute(update(chains).where(chains.c.slot.in_(slots)).values(expires_ms=end))

    async def release(self, owner: Owner) -> None:
        await self._set_end(owner, literal(0))

    async def break_lease(self, owner: Owner) -> None:
        await self._set_end(owner, literal(0))

    async def holders(self) -> list[tuple[Owner, str]]:
        async with self._database.reading("holders") as connection:
            rows = await connection.execute(
                select(chains.c.slot, chains.c.epoch, chains.c.holder)
                .where(chains.c.slot >= 0, chains.c.expires_ms > 0)
                .order_by(chains.c.slot)
            )
            return [(Owner(slot, epoch), holder) for slot, epoch, holder in rows]

    def _now(self, now_ms: int) -> ColumnElement[int]:
        if not self._database.server_time:
            return literal(now_ms, BigInteger)
        return cast(func.floor(extract("epoch", func.clock_timestamp()) * 1000), BigInteger)

    async def _set_end(self, owner: Owner, expires_ms: ColumnElement[int]) -> int | None:
        async with self._database.writing("lease") as connection:
            end: int | None = await connection.scalar(
                update(chains)
                .where(chains.c.slot == owner.slot, chains.c.epoch == owner.epoch, chains.c.expires_ms > 0)
                .values(expires_ms=expires_ms)
                .returning(chains.c.expires_ms)
            )
            return end
