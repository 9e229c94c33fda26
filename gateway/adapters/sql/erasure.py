"""Erasing a registrant: its key first of all, since without it nothing that was sealed can be read; then what its
accounts published or wanted to publish."""

from __future__ import annotations

from sqlalchemy import and_, delete, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.accounts import ACCOUNTS, account_of
from gateway.adapters.sql.dialect import AnyRow, insert_or
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.erased_messages import any_wait, erase_messages
from gateway.adapters.sql.history import next_change, record, touch_accounts
from gateway.adapters.sql.registry import registrant_row
from gateway.adapters.sql.restart import redact
from gateway.adapters.sql.tables import accounts
from gateway.adapters.sql.tables_register import bars, personal, personal_index
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import act_body, subject
from gateway.core.model import Account, AccountState, VerificationState
from gateway.core.personal import IDENTIFIERS
from gateway.core.personal_acts import Erased, Unkept, leaves_mark
from gateway.core.policy import Registration
from gateway.core.registration import DAY_MS, By, name_digest

Marks = list[tuple[str, str]]
"""What may be barred, and its digest: see the table of bars."""


async def erase(
    database: Database,
    tenant_id: str,
    registrant_id: str,
    rules: Registration,
    by: By,
    now_ms: int,
    *,
    close: bool,
) -> Erased | Unkept:
    """See `gateway.ports.Personal.erase`.

    The register is changed at once, and messages follow in batches: where that was interrupted, erasing the same
    registrant again erases what is left of them.

    A SQLite file keeps what was deleted until something is written over it: that is done at once, see
    `gateway.adapters.sql.engine.pragmas`, and here in its log too. PostgreSQL does it when it vacuums. Copies made
    before know the wrapped key; they are closed by dropping the master key that it was wrapped under (`gateway keys
    add`, `gateway registrants rewrap`, `gateway keys drop`).
    """
    check_text(by.actor, by.reason)
    if not by.reason.strip():
        return Unkept.REASON_MISSING
    async with database.writing("erase") as connection:
        change = await next_change(connection)
        registrant = await registrant_row(connection, tenant_id, registrant_id)
        if registrant is None:
            return Unkept.REGISTRANT_UNKNOWN
        held = await _accounts(connection, tenant_id, registrant_id)
        open_ones = [account for account, _ in held if account.state is not AccountState.CLOSED]
        again = registrant.state is VerificationState.REDACTED
        if open_ones and not close and not again:
            return Unkept.ACCOUNTS_OPEN
        account_ids = [account.account_id for account, _ in held]
        if await any_wait(connection, tenant_id, account_ids):
            return Unkept.MESSAGES_WAIT
        closed: tuple[str, ...] = ()
        until = None
        if not again:
            closed = tuple([account.account_id for account in open_ones])
            until = await _leave_marks(database, connection, tenant_id, registrant_id, held, rules, now_ms)
            redacted = await _from_register(connection, tenant_id, registrant_id, change)
            body = act_body(
                by, change, tenant_id, "EraseRegistrant", closed=closed, verifications=redacted, barred_until_ms=until
            )
            subjects = [subject("registrant", registrant_id), *[subject("account", each) for each in account_ids]]
            await record(connection, tenant_id, body, now_ms, subjects)
    erased = await erase_messages(database, tenant_id, account_ids, by, now_ms)
    if database.sqlite:
        async with database.reading("erase") as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    return Unkept.REGISTRANT_ERASED if again and not erased else Erased(closed, until, erased)


async def _leave_marks(
    database: Database,
    connection: AsyncConnection,
    tenant_id: str,
    registrant_id: str,
    held: list[tuple[Account, str | None]],
    rules: Registration,
    now_ms: int,
) -> int | None:
    """Bar what must not be registered again; until when its identifiers are."""
    marks: Marks = [("registrant", registrant_id), *await _identifiers(connection, tenant_id, registrant_id)]
    barred = await _barred(connection, tenant_id, marks, now_ms)
    until = None
    if leaves_mark([account for account, _ in held], barred=barred, at_ms=now_ms):
        until = now_ms + rules.erased_days * DAY_MS
        await _bar(database, connection, tenant_id, marks, now_ms, until)
    names: Marks = [
        ("name", name_digest(name))
        for account, name in held
        if name is not None and account.state is not AccountState.CLOSED
    ]
    await _bar(database, connection, tenant_id, names, now_ms, now_ms + rules.name_bar_days * DAY_MS)
    return until


async def _from_register(connection: AsyncConnection, tenant_id: str, registrant_id: str, change: int) -> int:
    """Close its accounts, and delete what is known of it; how many verifications were redacted."""
    mine = and_(accounts.c.tenant_id == tenant_id, accounts.c.registrant_id == registrant_id)
    await connection.execute(update(accounts).where(mine).values(state=AccountState.CLOSED))
    for table in (personal, personal_index):
        this = and_(table.c.tenant_id == tenant_id, table.c.registrant_id == registrant_id)
        await connection.execute(delete(table).where(this))
    redacted = await redact(connection, tenant_id, registrant_id)
    await touch_accounts(connection, tenant_id, registrant_id, change)
    return redacted


async def _accounts(
    connection: AsyncConnection, tenant_id: str, registrant_id: str
) -> list[tuple[Account, str | None]]:
    mine = and_(accounts.c.tenant_id == tenant_id, accounts.c.registrant_id == registrant_id)
    groups: dict[str, list[AnyRow]] = {}
    for row in (await connection.execute(ACCOUNTS.add_columns(accounts.c.name).where(mine))).all():
        groups.setdefault(row.account_id, []).append(row)
    return [(account_of(rows), rows[0].name) for rows in groups.values()]


async def _identifiers(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> Marks:
    wanted = select(personal_index.c.field, personal_index.c.digest).where(
        personal_index.c.tenant_id == tenant_id,
        personal_index.c.registrant_id == registrant_id,
        personal_index.c.field.in_(IDENTIFIERS),
    )
    return [(row[0], row[1]) for row in await connection.execute(wanted)]


async def _barred(connection: AsyncConnection, tenant_id: str, marks: Marks, now_ms: int) -> bool:
    any_of = or_(*[and_(bars.c.what == what, bars.c.digest == digest) for what, digest in marks])
    wanted = select(bars.c.until_ms).where(bars.c.tenant_id == tenant_id, bars.c.until_ms > now_ms, any_of).limit(1)
    return await connection.scalar(wanted) is not None


async def _bar(
    database: Database, connection: AsyncConnection, tenant_id: str, marks: Marks, now_ms: int, until_ms: int
) -> None:
    """Bar these until a moment; one that is barred for longer stays so. No act on an account lifts them."""
    furthest = func.max if database.sqlite else func.greatest
    for what, digest in marks:
        values = {
            "tenant_id": tenant_id,
            "what": what,
            "digest": digest,
            "since_ms": now_ms,
            "until_ms": until_ms,
            "account_id": "",
        }
        statement = insert_or(database, bars).values(**values)
        await connection.execute(
            statement.on_conflict_do_update(
                index_elements=["tenant_id", "what", "digest", "account_id"],
                set_={"until_ms": furthest(bars.c.until_ms, statement.excluded.until_ms)},
            )
        )
