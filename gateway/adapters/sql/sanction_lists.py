"""Sanctions and incidents as people look through them: by phase, over all tenants, newest first."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true, tuple_

from gateway.adapters.sql import sanction_rows as rows
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_sanctions import AUTOMATIC, PROPOSED, incidents, sanction_records
from gateway.core.ladder import DAY_MS
from gateway.core.sanction_records import Phase, SanctionState

_table = sanction_records.c


def page(
    tenant_id: str | None,
    behind: tuple[str, str] | None,
    limit: int,
    now_ms: int,
    phase: Phase | None,
    account_id: str | None,
) -> Select[Any]:
    """See `gateway.ports.Sanctions.listed`."""
    wanted = select(*rows.RECORD).where(_in_phase(phase, now_ms)).limit(limit)
    if tenant_id is not None:
        wanted = wanted.where(_table.tenant_id == tenant_id)
    if account_id is not None:
        wanted = wanted.where(_table.account_id == account_id)
    place = tuple_(_table.sanction_id, _table.tenant_id)
    if phase is Phase.PROPOSED:
        wanted = wanted.order_by(_table.sanction_id, _table.tenant_id)
        return wanted if behind is None else wanted.where(place > behind)
    wanted = wanted.order_by(_table.sanction_id.desc(), _table.tenant_id.desc())
    return wanted if behind is None else wanted.where(place < behind)


def latest_incidents(tenant_id: str, account_id: str, behind: tuple[int, str] | None, limit: int) -> Select[Any]:
    """See `gateway.ports.Sanctions.latest_incidents`."""
    wanted = (
        select(*rows.STRIKE, incidents.c.removed_ms)
        .where(incidents.c.tenant_id == tenant_id, incidents.c.account_id == account_id)
        .order_by(incidents.c.at_ms.desc(), incidents.c.incident_id.desc())
        .limit(limit)
    )
    return wanted if behind is None else wanted.where(tuple_(incidents.c.at_ms, incidents.c.incident_id) < behind)


def waiting(tenant_id: str | None) -> Select[Any]:
    """How many proposals wait."""
    found = select(func.count()).select_from(sanction_records).where(PROPOSED)
    return found if tenant_id is None else found.where(_table.tenant_id == tenant_id)


def used_up(quota: int, now_ms: int) -> ColumnElement[bool]:
    """The condition for tenants whose quota of automatic sanctions is used up."""
    used = (
        select(func.count())
        .select_from(sanction_records)
        .where(AUTOMATIC, _table.tenant_id == tenants.c.tenant_id, _table.created_ms > now_ms - DAY_MS)
        .scalar_subquery()
    )
    return used >= quota


def _in_phase(phase: Phase | None, now_ms: int) -> ColumnElement[bool]:
    # One whose time is over stays in force in the table.
    match phase:
        case None:
            return true()
        case Phase.PROPOSED:
            return PROPOSED  # type: ignore[return-value]
        case Phase.IN_FORCE:
            lasting = or_(_table.ends_ms.is_(None), _table.ends_ms > now_ms)
            return and_(_table.state == SanctionState.IN_FORCE, lasting)
        case Phase.OVER:
            over = and_(_table.state == SanctionState.IN_FORCE, _table.ends_ms <= now_ms)
            return or_(_table.state.in_((SanctionState.DECLINED, SanctionState.LIFTED)), over)
