"""Tenants and accounts in tables.

Change numbers come from one row that every write updates, so they are committed in their order. A tenant and an
account keep the number of their last change: that is the whole log of changes, and it never grows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.accounts import ACCOUNTS, account_of
from gateway.adapters.sql.dialect import AnyRow, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import next_change, record, touch_accounts
from gateway.adapters.sql.lookup import Lookup
from gateway.adapters.sql.tables import accounts, app_keys, authorisations, counters, registrants, sanctions, tenants
from gateway.adapters.sql.tables_register import licences
from gateway.core.audit import registry_body, subject
from gateway.core.model import Account, NewsAuthorisation, Registrant, RegistrantKind, Sanction, VerificationState
from gateway.core.records import Tenant
from gateway.ports import CHANGES, EVERYTHING, RegistrantErased, RegistrantShared, StoreUnavailable, erased, shared

_TENANT: Final = (
    tenants.c.tenant_id,
    tenants.c.name,
    tenants.c.upstream_url,
    tenants.c.upstream_idempotent,
    tenants.c.upstream_token_env,
    tenants.c.notify_url,
    tenants.c.notify_secret_env,
    tenants.c.takedown_url,
)

# Accounts read by one statement. With the statistics of a table that was analysed while an import was still filling it,
# PostgreSQL takes it for empty and goes through all of it for each account; so few are asked for at once.
_SLICE: Final = 500


class SqlRegister:
    """`gateway.ports.Register` on the database of a `SqlStore`."""

    def __init__(self, database: Database, lookup: Lookup) -> None:
        self._database = database
        self._lookup = lookup

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        """See `gateway.ports.Register`, as for every method below."""
        mine = and_(tenants.c.tenant_id == app_keys.c.tenant_id, app_keys.c.key_hash == key_hash)
        async with self._database.reading_for_strangers("tenant") as connection:
            return await _tenant(connection, mine)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        async with self._database.reading("tenant") as connection:
            return await _tenant(connection, tenants.c.tenant_id == tenant_id)

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        return await self._lookup.account(tenant_id, account_id)

    async def accounts(self, tenant_id: str, after: str, limit: int) -> list[Account]:
        found: list[Account] = []
        while len(found) < limit:
            asked = min(limit - len(found), _SLICE)
            some = await self._some_accounts(tenant_id, found[-1].account_id if found else after, asked)
            found += some
            if len(some) < asked:
                break
        return found

    async def changes(self, after: int) -> tuple[int, list[tuple[str, str]]]:
        async with self._database.reading("changes") as connection:
            # The number first: what is committed between the two statements is then reported twice, never missed.
            newest = await connection.scalar(select(counters.c.value).where(counters.c.name == "registry"))
            if not newest or newest <= after:
                return newest or 0, []
            # Few rows are read, however many changed: each half ends by itself.
            changed = [
                select(tenants.c.change, tenants.c.tenant_id, literal("").label("account_id"))
                .where(tenants.c.change > after)
                .limit(CHANGES + 1),
                select(accounts.c.change, accounts.c.tenant_id, accounts.c.account_id)
                .where(accounts.c.change > after)
                .limit(CHANGES + 1),
            ]
            both = union_all(*[select(half.subquery()) for half in changed]).order_by("change")
            rows = (await connection.execute(both)).all()
            if len(rows) > CHANGES:
                return newest, [EVERYTHING]
            return newest, [(row[1], row[2]) for row in rows]

    async def put_tenant(self, tenant: Tenant, key_hash: str | None, actor: str, now_ms: int) -> None:
        async with self._database.writing("put tenant") as connection:
            change = await next_change(connection)
            values = {
                "tenant_id": tenant.tenant_id,
                "name": tenant.name,
                "upstream_url": tenant.upstream_url,
                "upstream_idempotent": tenant.upstream_idempotent,
                "upstream_token_env": tenant.upstream_token_env,
                "notify_url": tenant.notify_url,
                "notify_secret_env": tenant.notify_secret_env,
                "takedown_url": tenant.takedown_url,
                "change": change,
            }
            await connection.execute(put(self._database, tenants, values))
            if key_hash is not None:
                key = {"key_hash": key_hash, "tenant_id": tenant.tenant_id}
                await connection.execute(put(self._database, app_keys, key))
            body = registry_body(
                actor,
                change,
                tenant.tenant_id,
                upstream_url=tenant.upstream_url,
                takedown_url=tenant.takedown_url,
            )
            await record(connection, tenant.tenant_id, body, now_ms)

    async def put_account(self, tenant_id: str, account: Account, actor: str, now_ms: int) -> None:
        async with self._database.writing("put account") as connection:
            change = await next_change(connection)
            if await connection.scalar(select(tenants.c.change).where(tenants.c.tenant_id == tenant_id)) is None:
                raise StoreUnavailable(f"there is no tenant {tenant_id!r}")
            if account.registrant is not None:
                await _check_shared(connection, tenant_id, account.account_id, account.registrant)
                await self._put_registrant(connection, tenant_id, account.registrant, change)
            values = {
                "tenant_id": tenant_id,
                "account_id": account.account_id,
                "state": account.state,
                "registrant_id": account.registrant.registrant_id if account.registrant else None,
                "change": change,
                "private": account.private,
                "account_class": account.account_class,
                "term_ends_at": account.term_ends_at,
            }
            await connection.execute(put(self._database, accounts, values))
            await _replace_parts(connection, tenant_id, account)
            subjects = [subject("account", account.account_id)]
            if account.registrant is not None:
                subjects.append(subject("registrant", account.registrant.registrant_id))
            body = registry_body(actor, change, tenant_id, account)
            await record(connection, tenant_id, body, now_ms, subjects)

    async def put_registrant(self, tenant_id: str, registrant: Registrant, actor: str, now_ms: int) -> list[str]:
        async with self._database.writing("put registrant") as connection:
            change = await next_change(connection)
            known = await registrant_row(connection, tenant_id, registrant.registrant_id)
            if known is None:
                raise StoreUnavailable(f"tenant {tenant_id!r} has no registrant {registrant.registrant_id!r}")
            _check_erased(known, registrant)
            await self._put_registrant(connection, tenant_id, registrant, change)
            found = await connection.scalars(_behind(tenant_id, registrant.registrant_id))
            behind = list(found.all())
            body = registry_body(actor, change, tenant_id, registrant=(registrant, behind))
            subjects = [subject("registrant", registrant.registrant_id), *[subject("account", each) for each in behind]]
            await record(connection, tenant_id, body, now_ms, subjects)
            return behind

    async def revoke_key(self, tenant_id: str, key_hash: str, actor: str, now_ms: int) -> bool:
        async with self._database.writing("revoke key") as connection:
            mine = and_(app_keys.c.tenant_id == tenant_id, app_keys.c.key_hash == key_hash)
            if (await connection.execute(delete(app_keys).where(mine))).rowcount == 0:
                return False
            change = await next_change(connection)
            await connection.execute(update(tenants).where(tenants.c.tenant_id == tenant_id).values(change=change))
            body = registry_body(actor, change, tenant_id, revoked_key=key_hash)
            await record(connection, tenant_id, body, now_ms)
            return True

    async def tenants(self) -> list[Tenant]:
        async with self._database.reading("tenants") as connection:
            rows = await connection.execute(select(*_TENANT).order_by(tenants.c.tenant_id))
            return [Tenant(*row) for row in rows]

    async def keys(self, tenant_id: str) -> list[str]:
        async with self._database.reading("keys") as connection:
            mine = select(app_keys.c.key_hash).where(app_keys.c.tenant_id == tenant_id)
            return list((await connection.scalars(mine.order_by(app_keys.c.key_hash))).all())

    async def _put_registrant(
        self, connection: AsyncConnection, tenant_id: str, registrant: Registrant, change: int
    ) -> None:
        values = {
            "tenant_id": tenant_id,
            "registrant_id": registrant.registrant_id,
            "kind": registrant.kind,
            "state": registrant.state,
            "framework": registrant.framework,
            "level": registrant.level,
            "expires_at": registrant.expires_at,
        }
        await connection.execute(put(self._database, registrants, values))
        await touch_accounts(connection, tenant_id, registrant.registrant_id, change)

    async def _some_accounts(self, tenant_id: str, after: str, limit: int) -> list[Account]:
        later = and_(accounts.c.tenant_id == tenant_id, accounts.c.account_id > after)
        some = select(accounts.c.account_id).where(later).order_by(accounts.c.account_id).limit(limit).subquery()
        last = select(func.max(some.c.account_id)).scalar_subquery()
        async with self._database.reading("account") as connection:
            rows = (await connection.execute(ACCOUNTS.where(later, accounts.c.account_id <= last))).all()
        groups: dict[str, list[AnyRow]] = {}
        for row in rows:
            groups.setdefault(row.account_id, []).append(row)
        return [account_of(group) for group in groups.values()]


async def _tenant(connection: AsyncConnection, condition: ColumnElement[bool]) -> Tenant | None:
    row = (await connection.execute(select(*_TENANT).where(condition))).first()
    return None if row is None else Tenant(*row)


def _behind(tenant_id: str, registrant_id: str) -> Select[str]:
    return (
        select(accounts.c.account_id)
        .where(accounts.c.tenant_id == tenant_id, accounts.c.registrant_id == registrant_id)
        .order_by(accounts.c.account_id)
    )


async def registrant_row(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> Registrant | None:
    found = await connection.execute(
        select(*[registrants.c[name] for name in Registrant.__struct_fields__]).where(
            registrants.c.tenant_id == tenant_id, registrants.c.registrant_id == registrant_id
        )
    )
    row = found.first()
    return None if row is None else Registrant(row[0], RegistrantKind(row[1]), VerificationState(row[2]), *row[3:])


async def _check_shared(connection: AsyncConnection, tenant_id: str, account_id: str, given: Registrant) -> None:
    """Raise `RegistrantShared` when another account stands on this registrant, and on other facts about it."""
    known = await registrant_row(connection, tenant_id, given.registrant_id)
    if known is None or known == given:
        return
    _check_erased(known, given)
    others = _behind(tenant_id, given.registrant_id).where(accounts.c.account_id != account_id).limit(1)
    if (other := await connection.scalar(others)) is not None:
        raise RegistrantShared(shared(given.registrant_id, other))


def _check_erased(known: Registrant, given: Registrant) -> None:
    if known.state is VerificationState.REDACTED and known != given:
        raise RegistrantErased(erased(given.registrant_id))


async def _replace_parts(connection: AsyncConnection, tenant_id: str, account: Account) -> None:
    whose = {"tenant_id": tenant_id, "account_id": account.account_id}
    await _leave_licences(connection, tenant_id, account)
    # What a licence of the register gives is the licence's to say: it is neither deleted nor written here.
    own = [news for news in account.news if news.licence_id is None]
    # So is what was imposed here: it outlives what a chat app's records say of the account.
    given = [sanction for sanction in account.sanctions if sanction.sanction_id is None]
    for table, parts, mine in (
        (
            authorisations,
            [_fields(news, authorisations.c.keys()) for news in own],
            authorisations.c.licence_id.is_(None),
        ),
        (sanctions, [_fields(sanction, sanctions.c.keys()) for sanction in given], sanctions.c.sanction_id.is_(None)),
    ):
        await connection.execute(
            delete(table).where(table.c.tenant_id == tenant_id, table.c.account_id == account.account_id, mine)
        )
        if parts:
            await connection.execute(
                insert(table), [{**whose, "position": position, **part} for position, part in enumerate(parts)]
            )


async def _leave_licences(connection: AsyncConnection, tenant_id: str, account: Account) -> None:
    """Take the licences from an account whose registrant does not hold them."""
    holder = account.registrant.registrant_id if account.registrant is not None else ""
    held = select(licences.c.licence_id).where(licences.c.tenant_id == tenant_id, licences.c.holder == holder)
    await connection.execute(
        delete(authorisations).where(
            authorisations.c.tenant_id == tenant_id,
            authorisations.c.account_id == account.account_id,
            authorisations.c.licence_id.is_not(None),
            authorisations.c.licence_id.not_in(held),
        )
    )


def _fields(part: NewsAuthorisation | Sanction, columns: Iterable[str]) -> Mapping[str, Any]:
    values = {name: getattr(part, name) for name in columns if name not in ("tenant_id", "account_id", "position")}
    return {**values, "domains": json.dumps(values["domains"])} if "domains" in values else values
