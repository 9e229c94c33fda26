"""The index key that the digests of personal data are made with: the database remembers which one it was.

A digest under another key meets none that is there, so an identifier would be taken twice and nothing found again.
It is remembered with the first personal data, in its transaction, and looked at before any more is kept or sought. Once
everybody is erased, and no identifier barred, no digest is left and another key may begin: keys can be lost.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables_register import bars, index_keys, personal
from gateway.core.personal import IDENTIFIERS
from gateway.ports import OtherIndexKey

PERSONAL: Final = "personal"
"""The name of the one row."""


def is_ours(kept: str | None, ours: str) -> bool:
    """Whether the key is known to be that of the database, and not the first one. Raises `OtherIndexKey`."""
    if kept not in (None, ours):
        raise OtherIndexKey(
            "these are not the keys that the personal data in this database was kept with, and nothing of it would be "
            "found under them; let GATEWAY_KEYS_FILE, or GATEWAY_KMS__URL, __MOUNT and __KEY, name those again"
        )
    return kept is not None


async def check(connection: AsyncConnection, ours: str) -> bool:
    """See `is_ours`."""
    digests = or_(
        exists(select(personal.c.tenant_id)), exists(select(bars.c.digest).where(bars.c.what.in_(IDENTIFIERS)))
    )
    wanted = select(index_keys.c.digest).where(index_keys.c.name == PERSONAL, digests)
    return is_ours(await connection.scalar(wanted), ours)


async def remember(database: Database, connection: AsyncConnection, ours: str) -> None:
    """Remember the key, if it is the first. The caller holds the lock of a change. Raises `OtherIndexKey`."""
    if not await check(connection, ours):
        await connection.execute(put(database, index_keys, {"name": PERSONAL, "digest": ours}))
