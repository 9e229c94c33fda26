"""What the public has reported to the console's house: ``r-1`` and the tenant's id, which two people say of ``p-1``."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import text

from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import open_store
from gateway.adapters.sql.reports import PURPOSE, SqlReports
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import Channel, Draft
from gateway.ports.reports import Taken
from tests.fakes import NOW_MS
from tests.world import OTHER, TENANT

SAID, NAME, MAIL = "It insults my whole village", "Canary Wvutsr", "wvutsr@canary.example"
_DRAFT = Draft("t1", SAID, "hate", name=NAME, email=MAIL, bona_fide=True)


async def fill(directory: Path) -> None:
    """Add the reports to a register that is there."""
    async with open_store(f"sqlite+aiosqlite:///{directory}/gateway.db") as (store, _):
        for tenant in (TENANT, OTHER):
            ids = iter([f"receipt-a-{tenant.tenant_id}", f"r-1-{tenant.tenant_id}", f"receipt-b-{tenant.tenant_id}"])
            reports = SqlReports(store.database, FileSealer(directory / "keys.json", PURPOSE), ids.__next__)
            this = replace(_DRAFT, tenant_id=tenant.tenant_id, message_ids=(f"p-1-{tenant.tenant_id}",))
            also = replace(this, explanation="Mine, too", name="Somebody", email="else@one.example")
            for draft in (this, also):
                assert isinstance(await reports.take(draft, Channel.FORM, None, Rules(), NOW_MS), Taken)
        async with store.database.reading("test") as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
