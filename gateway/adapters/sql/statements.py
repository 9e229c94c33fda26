"""Statements of reasons in tables: written as the audit chains are followed, and read."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import metrics
from gateway.adapters.sql.dialect import AnyRow, AnySelect, insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.following import TELLING, happened_in
from gateway.adapters.sql.tables import audit, messages
from gateway.adapters.sql.tables_statements import involved, statements
from gateway.core import codec
from gateway.core.appeals import persons
from gateway.core.audit import APPEAL
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.stated import Content, content_types, first_id, stated
from gateway.core.statement import Automation, Lifted, Restriction, Source, Statement
from gateway.ports import StoreUnavailable

_COLUMNS: Final[AnySelect] = select(*statements.c)


class StatementsPart:
    """Writes a statement for each restriction, ends those that are lifted, and remembers who had a part in an act; a
    `gateway.adapters.sql.following.Part`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, connection: AsyncConnection, happened: Sequence[Happened], now_ms: int) -> None:
        """See `gateway.adapters.sql.following.Part`."""
        result = stated(
            await _known(connection, happened),
            await _steps(connection, happened),
            [each for each in happened if isinstance(each, Act)],
            await _contents(connection, happened),
        )
        if result.made:
            await connection.execute(insert_new(self._database, statements), [_values(each) for each in result.made])
            for each in result.made:
                metrics.child(metrics.STATEMENTS, each.restriction.value).inc()
        if result.ended:
            await connection.execute(
                update(statements)
                .where(statements.c.id == bindparam("this"))
                .values(lifted=bindparam("why"), lifted_ms=bindparam("at_ms")),
                [{"this": each.statement_id, "why": each.lifted, "at_ms": each.lifted_ms} for each in result.ended],
            )
        if parts := list(_parts(happened)):
            await connection.execute(insert_new(self._database, involved), parts)


class SqlStatements:
    """See `gateway.ports.Statements`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def statement(self, statement_id: str, tenant_id: str | None = None) -> Statement | None:
        """See `gateway.ports.Statements`, as for every method below."""
        found = await self._read(_of(tenant_id, _COLUMNS.where(statements.c.id == statement_id)))
        return found[0] if found else None

    async def many(self, statement_ids: Collection[str]) -> dict[str, Statement]:
        found = await self._read(_COLUMNS.where(statements.c.id.in_(sorted(statement_ids))))
        return {each.statement_id: each for each in found}

    async def of_message(self, message_id: str, tenant_id: str) -> list[Statement]:
        this = _COLUMNS.where(statements.c.message_id == message_id, statements.c.sanction_id.is_(None))
        found = await self._read(_of(tenant_id, this))
        # A restriction that took another's place may have begun in the same millisecond.
        return sorted(found, key=lambda each: (each.starts_ms, each.lifted_ms is None, each.statement_id))

    async def of_account(self, tenant_id: str, account_id: str, before: str, limit: int) -> list[Statement]:
        this = _of(tenant_id, _COLUMNS.where(statements.c.account_id == account_id))
        this = this.where(statements.c.id < before) if before else this
        return await self._read(this.order_by(statements.c.id.desc()).limit(limit))

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        begun = _COLUMNS.where(
            statements.c.id >= first_id(from_ms), statements.c.id < first_id(to_ms), statements.c.id > after
        )
        return await self._read(_of(tenant_id, begun).order_by(statements.c.id).limit(limit))

    async def _read(self, query: AnySelect) -> list[Statement]:
        async with self._database.reading("statements") as connection:
            return [of_row(row) for row in await connection.execute(query)]


def of_row(row: AnyRow) -> Statement:
    """The statement in a row of `statements`. Raises `StoreUnavailable` for one that cannot be read back."""
    try:
        return Statement(
            statement_id=row.id,
            tenant_id=row.tenant_id,
            account_id=row.account_id,
            restriction=Restriction(row.restriction),
            category=row.category,
            codes=tuple(orjson.loads(row.codes)),
            source=Source(row.source),
            automated_detection=row.automated_detection,
            automation=Automation(row.automation),
            starts_ms=row.starts_ms,
            policy_version=row.policy_version,
            message_id=row.message_id,
            sanction_id=row.sanction_id,
            content_types=tuple(orjson.loads(row.content_types)),
            content_ms=row.content_ms,
            ends_ms=row.ends_ms,
            lifted_ms=row.lifted_ms,
            lifted=Lifted(row.lifted) if row.lifted is not None else None,
        )
    except ValueError as error:
        raise StoreUnavailable(f"statement {row.id} cannot be read back") from error


def of_the_message(message_id: str) -> str:
    """What `involved` calls a message."""
    return f"message:{message_id}"


def of_the_sanction(sanction_id: str) -> str:
    """What `involved` calls a sanction."""
    return f"sanction:{sanction_id}"


async def _known(connection: AsyncConnection, happened: Sequence[Happened]) -> list[Statement]:
    about_messages, about_sanctions, named = set[str](), set[str](), set[str]()
    for each in happened:
        if isinstance(each, MessageStep):
            about_messages.add(each.message_id)
        else:
            about_messages.update(_named(each, "message_id"))
            about_sanctions.update(_named(each, "sanction_id"))
            named.update(_named(each, "statement_id"))
    wanted = [
        column.in_(sorted(ids))
        for column, ids in (
            (statements.c.message_id, about_messages),
            (statements.c.sanction_id, about_sanctions),
            (statements.c.id, named),
        )
        if ids
    ]
    return [of_row(row) for row in await connection.execute(_COLUMNS.where(or_(*wanted)))] if wanted else []


async def _steps(connection: AsyncConnection, happened: Iterable[Happened]) -> list[MessageStep]:
    """All steps of the messages that these are steps of: see `stated`."""
    ids = sorted({each.message_id for each in happened if isinstance(each, MessageStep)})
    if not ids:
        return []
    columns = (audit.c.at_ms, audit.c.kind, audit.c.message_id, audit.c.body, audit.c.step)
    rows = await connection.execute(
        select(*columns).where(audit.c.message_id.in_(ids), TELLING).order_by(audit.c.message_id, audit.c.step)
    )
    return [each for each in await happened_in(connection, rows.all()) if isinstance(each, MessageStep)]


async def _contents(connection: AsyncConnection, happened: Iterable[Happened]) -> dict[str, Content]:
    """What there is to say of messages that acts are about; a step brings its own."""
    ids = {name for each in happened if isinstance(each, Act) for name in _named(each, "message_id")}
    if not ids:
        return {}
    rows = await connection.execute(
        select(messages.c.id, messages.c.message, messages.c.created_ms).where(messages.c.id.in_(sorted(ids)))
    )
    try:
        return {row.id: Content(content_types(codec.decode_message(row.message)), row.created_ms) for row in rows}
    except ValueError as error:
        raise StoreUnavailable("a message that was taken down cannot be read back") from error


def _parts(happened: Iterable[Happened]) -> Iterable[dict[str, str]]:
    for each in happened:
        # Who makes or decides an appeal had no part in what it is against.
        if isinstance(each, Act) and each.kind != APPEAL and each.body.get("automatic") is not True:
            subjects = [of_the_message(name) for name in _named(each, "message_id")]
            subjects += [of_the_sanction(name) for name in _named(each, "sanction_id")]
            for actor in persons([each.actor] if each.actor else []):
                yield from [{"tenant_id": each.tenant_id, "subject": name, "actor": actor} for name in subjects]


def _named(act: Act, field: str) -> list[str]:
    value = act.body.get(field)
    return [value] if isinstance(value, str) and value else []


def _of(tenant_id: str | None, query: AnySelect) -> AnySelect:
    return query if tenant_id is None else query.where(statements.c.tenant_id == tenant_id)


def _values(statement: Statement) -> dict[str, Any]:
    values = {name: getattr(statement, name) for name in Statement.__struct_fields__ if name != "statement_id"}
    codes, types = orjson.dumps(statement.codes).decode(), orjson.dumps(statement.content_types).decode()
    return {**values, "id": statement.statement_id, "codes": codes, "content_types": types}
