"""The keepers of the register in a table."""

from __future__ import annotations

from typing import Final

from sqlalchemy import delete, select

from gateway.adapters.sql.dialect import insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.sessions import forget_operator
from gateway.adapters.sql.tables import tenants
from gateway.adapters.sql.tables_register import operators
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import KEY_ID, act_body
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.ports import Appointed, StoreUnavailable

_OPERATOR: Final = (operators.c.name, operators.c.role, operators.c.tenant_id)


class SqlOperators:
    """See `gateway.ports.Operators`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_key(self, key_hash: str) -> Operator | None:
        """See `gateway.ports.Operators`, as for every method below."""
        async with self._database.reading_for_strangers("operator") as connection:
            row = (await connection.execute(select(*_OPERATOR).where(operators.c.key_hash == key_hash))).first()
        return None if row is None else Operator(row[0], Role(row[1]), row[2])

    async def add(self, operator: Operator, key_hash: str, by: By, now_ms: int) -> bool:
        check_text(operator.name, operator.tenant_id or "", by.actor, by.reason)
        async with self._database.writing("add operator") as connection:
            if operator.tenant_id is not None:
                known = select(tenants.c.tenant_id).where(tenants.c.tenant_id == operator.tenant_id)
                if await connection.scalar(known) is None:
                    raise StoreUnavailable(f"there is no tenant {operator.tenant_id!r}")
            values = {
                "name": operator.name,
                "key_hash": key_hash,
                "role": operator.role,
                "tenant_id": operator.tenant_id,
                "created_ms": now_ms,
            }
            if (await connection.execute(insert_new(self._database, operators).values(**values))).rowcount == 0:
                return False
            body = _body(by, "AddOperator", operator, key_hash)
            await record(connection, operator.tenant_id or "", body, now_ms)
            return True

    async def operators(self) -> list[Appointed]:
        wanted = select(*_OPERATOR, operators.c.key_hash, operators.c.created_ms).order_by(operators.c.name)
        async with self._database.reading("operators") as connection:
            rows = await connection.execute(wanted)
            return [Appointed(Operator(row[0], Role(row[1]), row[2]), row[3], row[4]) for row in rows]

    async def revoke(self, name: str, by: By, now_ms: int) -> bool:
        check_text(name, by.actor, by.reason)
        async with self._database.writing("revoke operator") as connection:
            mine = operators.c.name == name
            gone = delete(operators).where(mine).returning(*_OPERATOR, operators.c.key_hash)
            row = (await connection.execute(gone)).first()
            if row is None:
                return False
            await forget_operator(connection, name)
            body = _body(by, "RevokeOperator", Operator(row[0], Role(row[1]), row[2]), row[3])
            await record(connection, row[2] or "", body, now_ms)
            return True


def _body(by: By, act: str, operator: Operator, key_hash: str) -> str:
    """The key's id tells apart those who had the same name one after the other."""
    return act_body(
        by, 0, operator.tenant_id or "", act, operator=operator.name, role=operator.role, key=key_hash[:KEY_ID]
    )
