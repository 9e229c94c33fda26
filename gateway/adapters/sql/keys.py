"""Looking up idempotency keys: on the hot path, so the look-ups of many callers share one statement."""

from __future__ import annotations

from typing import Final, NamedTuple

import orjson
from sqlalchemy import ARRAY, Text, bindparam, text

from gateway import metrics
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.group import Group
from gateway.adapters.sql.outage import Outage
from gateway.adapters.sql.writes import check_text
from gateway.ports import Fault, StoreUnavailable

_POSTGRES: Final = text("""
SELECT k.tenant_id, k.key, k.message_id FROM unnest(:tenants, :keys) AS n (tenant_id, key)
JOIN idempotency_keys AS k ON k.tenant_id = n.tenant_id AND k.key = n.key
""").bindparams(bindparam("tenants", type_=ARRAY(Text)), bindparam("keys", type_=ARRAY(Text)))

_SQLITE: Final = text("""
SELECT k.tenant_id, k.key, k.message_id FROM json_each(:pairs) AS n
JOIN idempotency_keys AS k ON k.tenant_id = n.value ->> 0 AND k.key = n.value ->> 1
""")


class _Key(NamedTuple):
    tenant_id: str
    key: str
    size: int = 0


class Keys:
    """Finds the message that was written under a key."""

    def __init__(self, database: Database, limit: int, queue: int) -> None:
        self._database = database
        self._outage = Outage("idempotency keys")
        self._group: Group[_Key, str | None] = Group(self._read, limit=limit, queue=queue, sizes=metrics.LOOKUP_BATCH)

    async def message_id(self, tenant_id: str, key: str) -> str | None:
        """The id of the message, None while the key is free. Raises `StoreUnavailable`."""
        check_text(tenant_id, key)
        return await self._group.put(_Key(tenant_id, key))

    async def close(self) -> None:
        """Answer those who wait, and no more."""
        await self._group.close()

    async def _read(self, wanted: list[_Key]) -> list[str | Fault | None]:
        try:
            async with self._database.reading("keys") as connection:
                if self._database.sqlite:
                    pairs = orjson.dumps([(key.tenant_id, key.key) for key in wanted]).decode()
                    rows = await connection.execute(_SQLITE, {"pairs": pairs})
                else:
                    values = {"tenants": [key.tenant_id for key in wanted], "keys": [key.key for key in wanted]}
                    rows = await connection.execute(_POSTGRES, values)
                found = {(tenant_id, key): message_id for tenant_id, key, message_id in rows}
        except StoreUnavailable as fault:
            self._outage.failed(str(fault))
            return [StoreUnavailable(str(fault)) for _ in wanted]
        self._outage.works()
        return [found.get((key.tenant_id, key.key)) for key in wanted]
