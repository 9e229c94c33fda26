"""Trusted flaggers in a table: who they are, and how right they have been."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.dialect import AnyRow
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_reports import report_flaggers as flaggers
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import ADMINISTRATORS, KEY_ID, act_body
from gateway.core.registration import By
from gateway.core.reports import Verdict
from gateway.ports import StoreUnavailable
from gateway.ports.reports import Flagger


class Flaggers:
    """The part of `gateway.ports.reports.Reports` that knows the flaggers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_flagger(self, tenant_id: str, name: str, key_hash: str, by: By, now_ms: int) -> bool:
        """See `gateway.ports.reports.Reports`, as for every method below."""
        check_text(tenant_id, name, by.actor, by.reason)
        async with self._database.writing("add flagger") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            known = select(tenants.c.tenant_id).where(tenants.c.tenant_id == tenant_id)
            if await connection.scalar(known) is None:
                raise StoreUnavailable(f"there is no tenant {tenant_id!r}")
            this = _is(tenant_id, name)
            row = (await connection.execute(select(flaggers.c.revoked_ms).where(this))).first()
            if row is not None and row.revoked_ms is None:
                return False
            values = {"key_hash": key_hash, "created_ms": now_ms, "revoked_ms": None}
            await connection.execute(
                insert(flaggers).values(tenant_id=tenant_id, name=name, **values)
                if row is None
                else update(flaggers).where(this).values(**values)
            )
            await _record(connection, tenant_id, "AddFlagger", name, key_hash, by, now_ms)
            return True

    async def flaggers(self, tenant_id: str) -> Sequence[Flagger]:
        wanted = select(flaggers).where(flaggers.c.tenant_id == tenant_id).order_by(flaggers.c.name)
        async with self._database.reading("flaggers") as connection:
            return [_flagger(row) for row in await connection.execute(wanted)]

    async def flagger_by_key(self, key_hash: str) -> Flagger | None:
        wanted = select(flaggers).where(flaggers.c.key_hash == key_hash, flaggers.c.revoked_ms.is_(None))
        async with self._database.reading_for_strangers("flagger") as connection:
            row = (await connection.execute(wanted)).first()
        return None if row is None else _flagger(row)

    async def revoke_flagger(self, tenant_id: str, name: str, by: By, now_ms: int) -> bool:
        check_text(name, by.actor, by.reason)
        async with self._database.writing("revoke flagger") as connection:
            await lock_heads(connection, ADMINISTRATORS)
            good = and_(_is(tenant_id, name), flaggers.c.revoked_ms.is_(None))
            gone = update(flaggers).where(good).values(revoked_ms=now_ms).returning(flaggers.c.key_hash)
            row = (await connection.execute(gone)).first()
            if row is None:
                return False
            await _record(connection, tenant_id, "RevokeFlagger", name, row.key_hash, by, now_ms)
            return True


async def score(
    connection: AsyncConnection, tenant_id: str, names: Sequence[str], verdict: Verdict, before: Verdict | None
) -> None:
    """Count a decision for the flaggers whose report it was, in place of the one ``before`` it, if there was one."""
    if not names:
        return
    counts = _counts(verdict)
    if before is not None:
        counts = {name: number - _counts(before)[name] for name, number in counts.items()}
    mine = and_(flaggers.c.tenant_id == tenant_id, flaggers.c.name.in_(names))
    values = {name: flaggers.c[name] + number for name, number in counts.items()}
    await connection.execute(update(flaggers).where(mine).values(**values))


def _counts(verdict: Verdict) -> dict[str, int]:
    return {
        "decided": 1,
        "actioned": int(verdict.actioned),
        "errors": int(not verdict.actioned),
        "unfounded": int(verdict.unfounded),
    }


def _is(tenant_id: str, name: str) -> ColumnElement[bool]:
    return and_(flaggers.c.tenant_id == tenant_id, flaggers.c.name == name)


def _flagger(row: AnyRow) -> Flagger:
    return Flagger(
        tenant_id=row.tenant_id,
        name=row.name,
        key_hash=row.key_hash,
        created_ms=row.created_ms,
        revoked_ms=row.revoked_ms,
        decided=row.decided,
        actioned=row.actioned,
        errors=row.errors,
        unfounded=row.unfounded,
    )


async def _record(
    connection: AsyncConnection, tenant_id: str, act: str, name: str, key_hash: str, by: By, now_ms: int
) -> None:
    """The key's id tells apart those that one flagger had one after the other. An organisation's name is no secret:
    trusted flaggers are published (article 22(4))."""
    body = act_body(by, 0, tenant_id, act, flagger=name, key=key_hash[:KEY_ID])
    await record(connection, tenant_id, body, now_ms)
