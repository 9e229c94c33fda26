"""What an author's appeal means to those who reported the message: their report is open again until it is decided."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import lock_heads
from gateway.adapters.sql.report_rows import AUTHOR
from gateway.adapters.sql.tables import counters
from gateway.adapters.sql.tables_reports import reports
from gateway.core.audit import ADMINISTRATORS, APPEAL
from gateway.core.happened import Act, Happened
from gateway.core.reports import State


class ReportAppeals:
    """A part of `gateway.adapters.sql.following.SqlFollower`."""

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """See `gateway.adapters.sql.following.Part`."""
        about = [act for act in happened if isinstance(act, Act) and act.kind == APPEAL and act.body.get("message_id")]
        if about:
            # In the order in which every transaction takes these locks, before any of the rows.
            await connection.execute(select(counters.c.value).where(counters.c.name == "registry").with_for_update())
            await lock_heads(connection, ADMINISTRATORS)
        for act in about:
            mine = (reports.c.tenant_id == act.tenant_id, reports.c.message_id == act.body["message_id"])
            if act.act == "MakeAppeal":
                acted = (*mine, reports.c.state == State.ACTIONED, ~reports.c.is_open)
                values = {"state": State.APPEAL_OPEN, "complaint": AUTHOR}
                await connection.execute(update(reports).where(*acted).values(**values))
            elif act.act == "DecideAppeal":
                asked = (*mine, reports.c.state == State.APPEAL_OPEN, reports.c.complaint == AUTHOR)
                reversed_ = act.body.get("outcome") == "reversed"
                state = State.NOT_ACTIONED if reversed_ else State.ACTIONED
                # It is kept for as long as after any outcome, counted from this one.
                await connection.execute(update(reports).where(*asked).values(state=state, decided_ms=act.at_ms))
