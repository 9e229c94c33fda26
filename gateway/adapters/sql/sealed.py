"""What in the database is still sealed under a key of the key file, before the key is dropped."""

from __future__ import annotations

from sqlalchemy import and_, func, or_, select, tuple_, update

from gateway.adapters.sql.dialect import AnySelect
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.reads import in_this_state
from gateway.adapters.sql.tables import KEPT, messages
from gateway.adapters.sql.tables_register import personal
from gateway.adapters.sql.tables_statements import appeals
from gateway.core.appeals import AppealState
from gateway.core.model import TERMINAL, MessageState
from gateway.core.records import SEALED

_SCAN = 10_000
"""Rows looked at in one statement, when all of them have to be."""
_AT_ONCE = 500
"""Requests erased in one transaction."""


async def wrapped_under(database: Database, mark: bytes) -> bool:
    """See `gateway.ports.Personal.wrapped_under`."""
    begin = func.substr(personal.c.wrapped, 1, len(mark))
    page = select(personal.c.tenant_id, personal.c.registrant_id, begin == mark)
    after: tuple[str, str] = ("", "")
    while True:
        async with database.reading("wrapped under") as connection:
            rows = (await connection.execute(behind(page, after).limit(_SCAN))).all()
        if any(row[2] for row in rows):
            return True
        if len(rows) < _SCAN:
            return False
        after = (rows[-1][0], rows[-1][1])


async def forget_under(database: Database, mark: bytes) -> int:
    """Erase the requests of blocked and rejected messages that are sealed under this key, and return how many."""
    this = and_(KEPT, messages.c.content_type == SEALED, func.substr(messages.c.body, 1, len(mark)) == mark)
    forgotten = 0
    while True:
        async with database.writing("forget under") as connection:
            ids = (await connection.scalars(select(messages.c.id).where(this).limit(_AT_ONCE))).all()
            await connection.execute(update(messages).where(messages.c.id.in_(ids)).values(body=b""))
        forgotten += len(ids)
        if len(ids) < _AT_ONCE:
            return forgotten


async def kept_under(database: Database, mark: bytes) -> int:
    """How many blocked and rejected messages have a request, kept for an appeal, that is sealed under this key."""
    under = func.substr(messages.c.body, 1, len(mark)) == mark
    wanted = select(func.count()).where(KEPT, messages.c.content_type == SEALED, under)
    async with database.reading("kept under") as connection:
        return (await connection.execute(wanted)).scalar_one()


async def appeals_under(database: Database, mark: bytes) -> int:
    """How many open appeals have a text that is sealed under this key."""
    under = func.substr(appeals.c.text, 1, len(mark)) == mark
    wanted = select(func.count()).where(appeals.c.state == AppealState.OPEN, appeals.c.sealed, under)
    async with database.reading("appeals under") as connection:
        return (await connection.execute(wanted)).scalar_one()


async def waiting_under(database: Database, mark: bytes) -> int:
    """How many messages that have not ended hold a request sealed under the key with this mark, see
    `gateway.adapters.keys.mark_of`."""
    waiting = or_(*[in_this_state(state) for state in MessageState if state not in TERMINAL])
    under = func.substr(messages.c.body, 1, len(mark)) == mark
    wanted = select(func.count()).where(waiting, messages.c.content_type == SEALED, under)
    async with database.reading("waiting under") as connection:
        return (await connection.execute(wanted)).scalar_one()


def behind(page: AnySelect, after: tuple[str, str]) -> AnySelect:
    """The rows of `personal` behind a tenant and registrant, in order."""
    place = (personal.c.tenant_id, personal.c.registrant_id)
    return page.where(tuple_(*place) > tuple_(*after)).order_by(*place)
