"""From rows to incidents and sanctions, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import accounts, sanctions
from gateway.adapters.sql.tables_sanctions import AUTOMATIC, incidents, sanction_records
from gateway.core.ladder import Strike
from gateway.core.ladder_rules import Happening
from gateway.core.model import AccountState, Degree
from gateway.core.sanction_records import SanctionRecord, SanctionState, Waits, Why

FIRST_POSITION: Final = 1_000
"""What is imposed here stands behind what was given with the account itself."""

MOST_STRIKES: Final = 1_000
"""How many of an account's violations are looked at, the newest. More than are kept of as many bursts as a ladder has
steps, twice: beyond, the account is at the last step anyway."""

STRIKE: Final = [incidents.c[name] for name in Strike.__struct_fields__]
RECORD: Final = [sanction_records.c[name] for name in SanctionRecord.__struct_fields__]


def strike(row: AnyRow) -> Strike:
    """The violation in a row of `STRIKE`."""
    values = {name: getattr(row, name) for name in Strike.__struct_fields__}
    return Strike(**{**values, "happening": Happening(row.happening)})


def sanction(row: AnyRow) -> SanctionRecord:
    """The sanction in a row of `RECORD`."""
    return SanctionRecord(
        **{
            **row._mapping,
            "degree": Degree(row.degree),
            "also": tuple([Degree(each) for each in json.loads(row.also)]),
            "state": SanctionState(row.state),
            "why": Why(row.why),
            "waits": None if row.waits is None else Waits(row.waits),
            "agreed": tuple(json.loads(row.agreed)),
            "account_before": None if row.account_before is None else AccountState(row.account_before),
        }
    )


def of_account(tenant_id: str, account_id: str) -> ColumnElement[bool]:
    """The condition for what was ever held against an account, and still is."""
    return and_(
        incidents.c.tenant_id == tenant_id, incidents.c.account_id == account_id, incidents.c.removed_ms.is_(None)
    )


async def strikes(connection: AsyncConnection, wanted: ColumnElement[bool]) -> list[Strike]:
    """The newest of these violations, oldest first."""
    newest = select(*STRIKE).where(wanted).order_by(incidents.c.at_ms.desc()).limit(MOST_STRIKES)
    return [strike(row) for row in reversed((await connection.execute(newest)).all())]


async def records(connection: AsyncConnection, wanted: ColumnElement[bool]) -> list[SanctionRecord]:
    """These sanctions, oldest first."""
    found = await connection.execute(select(*RECORD).where(wanted).order_by(sanction_records.c.sanction_id))
    return [sanction(row) for row in found]


async def one_record(connection: AsyncConnection, tenant_id: str, sanction_id: str) -> SanctionRecord | None:
    """One sanction."""
    mine = and_(sanction_records.c.tenant_id == tenant_id, sanction_records.c.sanction_id == sanction_id)
    found = await records(connection, mine)
    return found[0] if found else None


async def keep(database: Database, connection: AsyncConnection, record: SanctionRecord) -> None:
    """Write a sanction, new or changed."""
    values: dict[str, Any] = {name: getattr(record, name) for name in SanctionRecord.__struct_fields__}
    values["also"], values["agreed"] = json.dumps(record.also), json.dumps(record.agreed, ensure_ascii=False)
    await connection.execute(put(database, sanction_records, values))


async def put_in_force(connection: AsyncConnection, record: SanctionRecord, change: int, now_ms: int) -> None:
    """Let the hot path see it, in every process: as the account's parts, without those whose time is over."""
    mine = _parts(record)
    over = and_(sanctions.c.sanction_id.is_not(None), sanctions.c.ends_at <= now_ms)
    await connection.execute(delete(sanctions).where(mine, over))
    highest: int | None = await connection.scalar(select(func.max(sanctions.c.position)).where(mine))
    first = max(FIRST_POSITION, (highest or 0) + 1)
    rows = [
        {
            "tenant_id": record.tenant_id,
            "account_id": record.account_id,
            "position": position,
            "degree": degree,
            "starts_at": record.starts_ms,
            "ends_at": record.ends_ms,
            "sanction_id": record.sanction_id,
        }
        for position, degree in enumerate((record.degree, *record.also), start=first)
    ]
    await connection.execute(insert(sanctions), rows)
    await _touch(connection, record, change)


async def take_away(connection: AsyncConnection, record: SanctionRecord, change: int) -> None:
    """Let the hot path see it no more."""
    await connection.execute(delete(sanctions).where(_parts(record), sanctions.c.sanction_id == record.sanction_id))
    await _touch(connection, record, change)


async def account_state(connection: AsyncConnection, tenant_id: str, account_id: str) -> AccountState | None:
    """The state of an account; None where there is none."""
    found: str | None = await connection.scalar(
        select(accounts.c.state).where(accounts.c.tenant_id == tenant_id, accounts.c.account_id == account_id)
    )
    return None if found is None else AccountState(found)


async def close_stands(connection: AsyncConnection, tenant_id: str, account_id: str) -> bool:
    """Whether the closing of an account is proposed, or in force."""
    wanted = select(sanction_records.c.sanction_id).where(
        sanction_records.c.tenant_id == tenant_id,
        sanction_records.c.account_id == account_id,
        sanction_records.c.degree == Degree.CLOSE,
        sanction_records.c.state.in_((SanctionState.PROPOSED, SanctionState.IN_FORCE)),
    )
    return await connection.scalar(wanted.limit(1)) is not None


async def automatic_since(connection: AsyncConnection, tenant_id: str, since_ms: int, most: int) -> int:
    """How many sanctions of a tenant were imposed automatically after a moment, counted up to ``most``."""
    some = (
        select(sanction_records.c.sanction_id)
        .where(AUTOMATIC, sanction_records.c.tenant_id == tenant_id, sanction_records.c.created_ms > since_ms)
        .limit(most)
        .subquery()
    )
    found: int = (await connection.execute(select(func.count()).select_from(some))).scalar_one()
    return found


def strike_values(one: Strike) -> dict[str, Any]:
    """The row of a violation."""
    return {name: getattr(one, name) for name in Strike.__struct_fields__}


async def remove(connection: AsyncConnection, tenant_id: str, incident_ids: Sequence[str], now_ms: int) -> None:
    """Hold these violations against nobody any more."""
    these = and_(incidents.c.tenant_id == tenant_id, incidents.c.incident_id.in_(incident_ids))
    await connection.execute(update(incidents).where(these).values(removed_ms=now_ms))


def _parts(record: SanctionRecord) -> ColumnElement[bool]:
    return and_(sanctions.c.tenant_id == record.tenant_id, sanctions.c.account_id == record.account_id)


async def _touch(connection: AsyncConnection, record: SanctionRecord, change: int) -> None:
    mine = and_(accounts.c.tenant_id == record.tenant_id, accounts.c.account_id == record.account_id)
    await connection.execute(update(accounts).where(mine).values(change=change))
