"""Leases on slots. A lease ends when it is released, broken, taken after its time, or found expired by `recover`;
each of these changes the row that every write of its owner checks, so no clock has to be trusted for that."""

from __future__ import annotations

from sqlalchemy import and_, case, or_, select, update

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
            or_(chains.c.expires_ms <= now_ms, and_(chains.c.holder == holder, chains.c.epoch > 0)),
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
            )
            for slot, epoch in candidates.all():
                taken = await connection.execute(
                    update(chains)
                    .where(chains.c.slot == slot, chains.c.epoch == epoch, free)
                    .values(epoch=epoch + 1, holder=holder, expires_ms=now_ms + ttl_ms)
                )
                if taken.rowcount:
                    return Lease(Owner(slot, epoch + 1), now_ms + ttl_ms)
        return None

    async def renew(self, owner: Owner, ttl_ms: int, now_ms: int) -> Lease | None:
        return Lease(owner, now_ms + ttl_ms) if await self._set_end(owner, now_ms + ttl_ms) else None

    async def release(self, owner: Owner) -> None:
        await self._set_end(owner, 0)

    async def break_lease(self, owner: Owner) -> None:
        await self._set_end(owner, 0)

    async def holders(self, now_ms: int) -> list[tuple[Owner, str]]:
        async with self._database.reading("holders") as connection:
            rows = await connection.execute(
                select(chains.c.slot, chains.c.epoch, chains.c.holder)
                .where(chains.c.slot >= 0, chains.c.expires_ms > now_ms)
                .order_by(chains.c.slot)
            )
            return [(Owner(slot, epoch), holder) for slot, epoch, holder in rows]

    async def _set_end(self, owner: Owner, expires_ms: int) -> bool:
        async with self._database.writing("lease") as connection:
            done = await connection.execute(
                update(chains)
                .where(chains.c.slot == owner.slot, chains.c.epoch == owner.epoch, chains.c.expires_ms > 0)
                .values(expires_ms=expires_ms)
            )
            return done.rowcount > 0
