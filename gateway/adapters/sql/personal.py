"""The personal data of registrants in tables: sealed fields, and digests to find them by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.key_file import KeysError
from gateway.adapters.personal_keys import PersonalKeys, SealedPerson, names_of
from gateway.adapters.sql import index_key as index_key_
from gateway.adapters.sql.dialect import put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.erasure import erase
from gateway.adapters.sql.history import next_change, record, touch_accounts
from gateway.adapters.sql.registration import add_registrant
from gateway.adapters.sql.registry import registrant_row
from gateway.adapters.sql.restart import restart
from gateway.adapters.sql.sealed import behind, wrapped_under
from gateway.adapters.sql.tables_register import bars, personal, personal_index
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import act_body, subject
from gateway.core.model import RegistrantKind, VerificationState
from gateway.core.personal import IDENTIFIERS, is_changed, quoted
from gateway.core.personal_acts import Erased, Kept, Unkept
from gateway.core.policy import Registration
from gateway.core.registration import By
from gateway.ports import Rewrapped, StoreUnavailable

_TRIES = 3
"""How often a write is tried that another one came before."""


class SqlPersonal:
    """See `gateway.ports.Personal`."""

    def __init__(self, database: Database, keys: PersonalKeys) -> None:
        self._database = database
        self._keys = keys
        self._ours = False

    async def put(
        self, tenant_id: str, registrant_id: str, fields: Mapping[str, str], by: By, now_ms: int
    ) -> Kept | Unkept:
        """See `gateway.ports.Personal`, as for every method below."""
        check_text(tenant_id, registrant_id, by.actor, by.reason)
        if quoted(f"{by.actor} {by.reason}", fields):
            return Unkept.REASON_QUOTES
        await self._check_keys()
        for _ in range(_TRIES):
            before = await self._row(tenant_id, registrant_id)
            old = {} if before is None else await self._keys.open(tenant_id, registrant_id, *before)
            if before is not None and old == dict(fields):
                return Kept(False)
            changed = before is not None and is_changed(old, fields)
            [sealed] = await self._keys.seal(tenant_id, [(registrant_id, fields)])
            done = await self._put(tenant_id, sealed, before, sorted(fields), by, now_ms, changed=changed)
            if done is not None:
                return done
        raise StoreUnavailable("others keep changing this registrant; try again")

    async def register(
        self, tenant_id: str, registrant_id: str, kind: RegistrantKind, fields: Mapping[str, str], by: By, now_ms: int
    ) -> Unkept | None:
        check_text(tenant_id, registrant_id, by.actor, by.reason)
        if quoted(f"{by.actor} {by.reason}", fields):
            return Unkept.REASON_QUOTES
        await self._check_keys()
        [sealed] = await self._keys.seal(tenant_id, [(registrant_id, fields)])
        done = await self._put(tenant_id, sealed, None, sorted(fields), by, now_ms, changed=False, kind=kind)
        if done is None:
            return Unkept.REGISTRANT_EXISTS
        return done if isinstance(done, Unkept) else None

    async def put_claims(self, tenant_id: str, registrant_id: str, claims: str, by: By, now_ms: int) -> Kept | Unkept:
        await self._check_keys()
        for _ in range(_TRIES):
            before = await self._row(tenant_id, registrant_id)
            fields = {} if before is None else await self._keys.open(tenant_id, registrant_id, *before)
            fields["claims"] = claims
            [sealed] = await self._keys.seal(tenant_id, [(registrant_id, fields)])
            done = await self._put(tenant_id, sealed, before, ["claims"], by, now_ms, changed=False)
            if done is not None:
                return done
        raise StoreUnavailable("others keep changing this registrant; try again")

    async def held(self, tenant_id: str, registrant_id: str) -> list[str]:
        return await held_fields(self._database, tenant_id, registrant_id)

    async def reveal(
        self, tenant_id: str, registrant_id: str, wanted: Sequence[str] | None, by: By, now_ms: int
    ) -> dict[str, str] | Unkept:
        if not by.reason.strip():
            return Unkept.REASON_MISSING
        check_text(by.actor, by.reason)
        await self._check_keys()
        row = await self._row(tenant_id, registrant_id)
        if row is None:
            return Unkept.NOTHING_KEPT
        fields = await self._keys.open(tenant_id, registrant_id, *row)
        if quoted(f"{by.actor} {by.reason}", fields):
            return Unkept.REASON_QUOTES
        told = fields if wanted is None else {name: fields[name] for name in wanted if name in fields}
        async with self._database.writing("reveal") as connection:
            body = act_body(by, 0, tenant_id, "RevealPersonal", fields=sorted(told))
            await record(connection, tenant_id, body, now_ms, [subject("registrant", registrant_id)])
        return told

    async def find(
        self, tenant_id: str, field: str, value: str, by: By, now_ms: int, limit: int = 100
    ) -> list[str] | Unkept:
        if not by.reason.strip():
            return Unkept.REASON_MISSING
        if quoted(f"{by.actor} {by.reason}", {field: value}):
            return Unkept.REASON_QUOTES
        check_text(by.actor, by.reason)
        await self._check_keys()
        digests = [digest for _, digest in await self._keys.digests(tenant_id, {field: value})]
        async with self._database.writing("find") as connection:
            rows = await connection.scalars(
                select(personal_index.c.registrant_id)
                .where(
                    personal_index.c.tenant_id == tenant_id,
                    personal_index.c.field == field,
                    personal_index.c.digest.in_(digests),
                )
                .order_by(personal_index.c.registrant_id)
                .limit(limit)
            )
            found = list(rows.all())
            body = act_body(by, 0, tenant_id, "FindRegistrant", field=field, found=len(found))
            await record(connection, tenant_id, body, now_ms, [subject("registrant", each) for each in found])
        return found

    async def erase(
        self, tenant_id: str, registrant_id: str, rules: Registration, by: By, now_ms: int, *, close: bool
    ) -> Erased | Unkept:
        if (row := await self._row(tenant_id, registrant_id)) is not None:
            with suppress(KeysError):  # without a key nothing can be compared, and erasing needs none
                if quoted(f"{by.actor} {by.reason}", await self._keys.open(tenant_id, registrant_id, *row)):
                    return Unkept.REASON_QUOTES
        return await erase(self._database, tenant_id, registrant_id, rules, by, now_ms, close=close)

    async def rewrap(self, after: tuple[str, str], limit: int) -> Rewrapped:
        await self._check_keys()
        mark = await self._keys.master.mark()
        page = select(personal.c.tenant_id, personal.c.registrant_id, personal.c.wrapped)
        async with self._database.reading("rewrap") as connection:
            rows = (await connection.execute(behind(page, after).limit(limit))).all()
        old: dict[str, list[tuple[str, bytes]]] = {}
        for tenant_id, registrant_id, wrapped in rows:
            if not wrapped.startswith(mark):
                old.setdefault(tenant_id, []).append((registrant_id, wrapped))
        tried = [
            {"of_tenant": tenant_id, "of": registrant_id, "was": was, "to": to}
            for tenant_id, keys in old.items()
            for (registrant_id, was), to in zip(keys, await self._keys.rewrap(tenant_id, keys), strict=True)
        ]
        changes = [change for change in tried if change["to"] is not None]
        unopened = tuple([(str(each["of_tenant"]), str(each["of"])) for each in tried if each["to"] is None])
        if changes:
            # One that was replaced or erased meanwhile is left as it is now.
            unchanged = and_(
                personal.c.tenant_id == bindparam("of_tenant"),
                personal.c.registrant_id == bindparam("of"),
                personal.c.wrapped == bindparam("was"),
            )
            async with self._database.writing("rewrap") as connection:
                await connection.execute(update(personal).where(unchanged).values(wrapped=bindparam("to")), changes)
        after_it = (rows[-1].tenant_id, rows[-1].registrant_id) if len(rows) == limit else None
        return Rewrapped(len(changes), after_it, unopened)

    async def wrapped_under(self, mark: bytes) -> bool:
        return await wrapped_under(self._database, mark)

    async def _check_keys(self) -> None:
        """Look, until it is known, whether these are the keys of what is kept. Raises `OtherIndexKey`."""
        if not self._ours:
            index_key = await self._keys.index_key()
            async with self._database.reading("index key") as connection:
                self._ours = await index_key_.check(connection, index_key)

    async def _row(self, tenant_id: str, registrant_id: str) -> tuple[bytes, bytes] | None:
        async with self._database.reading("personal data") as connection:
            return await _kept(connection, tenant_id, registrant_id)

    async def _put(
        self,
        tenant_id: str,
        sealed: SealedPerson,
        before: tuple[bytes, bytes] | None,
        names: list[str],
        by: By,
        now_ms: int,
        *,
        changed: bool,
        kind: RegistrantKind | None = None,
    ) -> Kept | Unkept | None:
        """Write, unless refused; None if there is another row by now than ``before``. With a ``kind`` the registrant
        need not be there yet."""
        registrant_id = sealed.registrant_id
        async with self._database.writing("personal data") as connection:
            # The counter's row is locked first, as in every act: what is looked up stays true.
            change = await next_change(connection)
            registrant = await registrant_row(connection, tenant_id, registrant_id)
            if registrant is None and kind is None:
                return Unkept.REGISTRANT_UNKNOWN
            if registrant is not None and kind not in (None, registrant.kind):
                return Unkept.REGISTRANT_EXISTS
            if registrant is not None and registrant.state is VerificationState.REDACTED:
                return Unkept.REGISTRANT_ERASED
            now = await _kept(connection, tenant_id, registrant_id)
            if (now and now[1]) != (before and before[1]):
                return None
            if (refused := await _taken(connection, tenant_id, sealed, now_ms)) is not None:
                return refused
            if registrant is None and kind is not None:
                await add_registrant(self._database, connection, tenant_id, registrant_id, kind, by, now_ms)
            await index_key_.remember(self._database, connection, sealed.index_key)
            await self._write(connection, tenant_id, sealed)
            if changed:
                await restart(connection, tenant_id, registrant_id, now_ms)
                await touch_accounts(connection, tenant_id, registrant_id, change)
            body = act_body(by, change if changed else 0, tenant_id, "PutPersonal", fields=names, restarted=changed)
            await record(connection, tenant_id, body, now_ms, [subject("registrant", registrant_id)])
        return Kept(changed)

    async def _write(self, connection: AsyncConnection, tenant_id: str, sealed: SealedPerson) -> None:
        whose = {"tenant_id": tenant_id, "registrant_id": sealed.registrant_id}
        values = {**whose, "wrapped": sealed.wrapped, "fields": sealed.fields}
        await connection.execute(put(self._database, personal, values))
        mine = and_(personal_index.c.tenant_id == tenant_id, personal_index.c.registrant_id == sealed.registrant_id)
        await connection.execute(delete(personal_index).where(mine))
        if sealed.index:
            rows = [{**whose, "field": field, "digest": digest} for field, digest in sealed.index]
            await connection.execute(insert(personal_index), rows)


async def held_fields(database: Database, tenant_id: str, registrant_id: str) -> list[str]:
    """See `gateway.ports.Personal.held`; needs no key."""
    async with database.reading("personal data") as connection:
        row = await _kept(connection, tenant_id, registrant_id)
    return [] if row is None else names_of(row[1])


async def _kept(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> tuple[bytes, bytes] | None:
    mine = and_(personal.c.tenant_id == tenant_id, personal.c.registrant_id == registrant_id)
    row = (await connection.execute(select(personal.c.wrapped, personal.c.fields).where(mine))).first()
    return None if row is None else (row[0], row[1])


async def _taken(connection: AsyncConnection, tenant_id: str, sealed: SealedPerson, now_ms: int) -> Unkept | None:
    """Why it may not have an identifier that it did not have before; None when it may. One person is one registrant,
    or the cap on its accounts would be none."""
    given = {pair for pair in sealed.index if pair[0] in IDENTIFIERS}
    mine = select(personal_index.c.field, personal_index.c.digest).where(
        personal_index.c.tenant_id == tenant_id, personal_index.c.registrant_id == sealed.registrant_id
    )
    new = given - {(row[0], row[1]) for row in await connection.execute(mine)}
    if not new:
        return None
    barred = or_(*[and_(bars.c.what == field, bars.c.digest == digest) for field, digest in new])
    wanted = select(bars.c.until_ms).where(bars.c.tenant_id == tenant_id, bars.c.until_ms > now_ms, barred).limit(1)
    if await connection.scalar(wanted) is not None:
        return Unkept.REGISTRANT_BARRED
    same = or_(*[and_(personal_index.c.field == field, personal_index.c.digest == digest) for field, digest in new])
    others = select(personal_index.c.registrant_id).where(personal_index.c.tenant_id == tenant_id, same).limit(1)
    return None if await connection.scalar(others) is None else Unkept.IDENTIFIER_TAKEN
