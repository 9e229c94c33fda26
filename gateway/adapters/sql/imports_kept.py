"""What imports left behind: how far each one is, to be found again by a part of its id."""

from __future__ import annotations

from sqlalchemy import select

from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.imports import PROGRESS
from gateway.adapters.sql.tables_register import imports
from gateway.ports import Progress


async def imports_of(database: Database, tenant_id: str, begin: str = "", limit: int = 100) -> list[Progress]:
    """The imports of a tenant whose ids ``begin`` so: first those that are not done, then the newest."""
    wanted = (
        select(imports.c.import_id, imports.c.tenant_id, imports.c.kind, *[imports.c[name] for name in PROGRESS])
        .where(imports.c.tenant_id == tenant_id, imports.c.import_id.startswith(begin, autoescape=True))
        .order_by(imports.c.done_ms.is_not(None), imports.c.done_ms.desc(), imports.c.import_id)
        .limit(limit)
    )
    async with database.reading("imports") as connection:
        return [Progress(*row) for row in await connection.execute(wanted)]
