"""Licences in tables, and the rows beside each account that let the hot path see them."""

from __future__ import annotations

import json
from typing import Final

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, insert_new, put
from gateway.adapters.sql.history import next_change, record
from gateway.adapters.sql.sources import SqlSources
from gateway.adapters.sql.tables import accounts, authorisations, registrants, tenants
from gateway.adapters.sql.tables_register import licences, notices
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import LICENCE, act_body, subject
from gateway.core.model import NewsKind
from gateway.core.news import ENDED, ENDING, Evidence, Licence, LicenceStatus, licence_fields, licence_notice
from gateway.core.registration import By
from gateway.ports import LicenceRefused

GATEWAY: Final = By("gateway")
FIRST_POSITION: Final = 1_000
"""The authorisations of licences stand behind those that were given with the account itself."""


class _Undone(Exception):
    """Ends a transaction without writing anything."""

    def __init__(self, refused: LicenceRefused | None = None) -> None:
        super().__init__()
        self.refused = refused


class SqlNews(SqlSources):
    """See `gateway.ports.NewsRegister`."""

    async def put_licence(self, tenant_id: str, licence: Licence, by: By, now_ms: int) -> LicenceRefused | None:
        """See `gateway.ports.NewsRegister`, as for every method below."""
        check_text(tenant_id, by.actor, by.reason, *_texts(licence))
        try:
            async with self._database.writing("licence") as connection:
                change = await next_change(connection)
                if (refused := await _refused(connection, tenant_id, licence)) is not None:
                    raise _Undone(refused)
                given = replace(licence, accounts=tuple(sorted(licence.accounts)))
                if await _read(connection, _named(tenant_id, licence.licence_id)) == [given]:
                    raise _Undone
                await self._write(connection, tenant_id, licence, change)
                body = act_body(by, change, tenant_id, "PutLicence", **licence_fields(licence))
                await record(connection, tenant_id, body, now_ms, _subjects(licence))
        except _Undone as undone:
            return undone.refused
        return None

    async def add_evidence(self, tenant_id: str, licence_id: str, evidence: Evidence, by: By, now_ms: int) -> bool:
        check_text(by.actor, by.reason, *_evidence_texts(evidence))
        async with self._database.writing("evidence") as connection:
            change = await next_change(connection)
            found = await _read(connection, _named(tenant_id, licence_id))
            if not found:
                return False
            if evidence not in found[0].evidence:
                licence = replace(found[0], evidence=(*found[0].evidence, evidence))
                await self._write(connection, tenant_id, licence, change)
                body = act_body(by, change, tenant_id, "PutLicence", **licence_fields(licence))
                await record(connection, tenant_id, body, now_ms, _subjects(licence))
            return True

    async def set_licence_status(
        self, tenant_id: str, licence_id: str, status: LicenceStatus, by: By, now_ms: int
    ) -> LicenceRefused | None:
        check_text(by.actor, by.reason)
        try:
            async with self._database.writing("licence") as connection:
                change = await next_change(connection)
                found = await _read(connection, _named(tenant_id, licence_id))
                if not found:
                    raise _Undone(LicenceRefused.LICENCE_UNKNOWN)
                if found[0].status is status:
                    raise _Undone
                if found[0].status is LicenceStatus.REVOKED:
                    raise _Undone(LicenceRefused.LICENCE_REVOKED)
                licence = replace(found[0], status=status)
                await self._write(connection, tenant_id, licence, change)
                body = act_body(by, change, tenant_id, "SetLicenceStatus", licence_id=licence_id, status=status)
                await record(connection, tenant_id, body, now_ms, _subjects(licence))
        except _Undone as undone:
            return undone.refused
        return None

    async def licence(self, tenant_id: str, licence_id: str) -> Licence | None:
        async with self._database.reading("licence") as connection:
            found = await _read(connection, _named(tenant_id, licence_id))
        return found[0] if found else None

    async def licences(
        self, tenant_id: str, after: str, limit: int, holder: str | None = None, account: str | None = None
    ) -> list[Licence]:
        wanted = and_(licences.c.tenant_id == tenant_id, licences.c.licence_id > after)
        if holder is not None:
            wanted = and_(wanted, licences.c.holder == holder)
        if account is not None:
            used = select(authorisations.c.licence_id).where(
                authorisations.c.tenant_id == tenant_id,
                authorisations.c.account_id == account,
                authorisations.c.licence_id.is_not(None),
            )
            wanted = and_(wanted, licences.c.licence_id.in_(used))
        async with self._database.reading("licences") as connection:
            return await _read(connection, wanted, limit)

    async def end_licences(self, now_ms: int, warn_ms: int, limit: int) -> int:
        active = licences.c.status == LicenceStatus.ACTIVE
        due_warning = and_(
            active,
            licences.c.warned_ms.is_(None),
            licences.c.valid_to > now_ms,
            licences.c.valid_to <= now_ms + warn_ms,
        )
        due_end = and_(active, licences.c.valid_to <= now_ms)
        done = 0
        for act, due, values in (
            ("WarnLicence", due_warning, {"warned_ms": now_ms}),
            ("EndLicence", due_end, {"status": LicenceStatus.ENDED}),
        ):
            wanted = select(licences.c.tenant_id, licences.c.licence_id).where(due).order_by(licences.c.valid_to)
            async with self._database.reading("licences") as connection:
                if (await connection.execute(wanted.limit(1))).first() is None:
                    continue  # nearly always: nobody's write lock is taken for it
            async with self._database.writing("licences") as connection:
                # Whoever comes second waits here, and then finds nothing due.
                await next_change(connection)
                for row in (await connection.execute(wanted.limit(limit))).all():
                    mine = _named(row.tenant_id, row.licence_id)
                    [licence] = await _read(connection, mine)
                    await connection.execute(update(licences).where(mine).values(**values))
                    body = act_body(GATEWAY, 0, row.tenant_id, act, **licence_fields(licence))
                    await record(connection, row.tenant_id, body, now_ms, _subjects(licence), LICENCE)
                    await self._notice(connection, row.tenant_id, licence, act, now_ms)
                    done += 1
        return done

    async def _notice(
        self, connection: AsyncConnection, tenant_id: str, licence: Licence, act: str, now_ms: int
    ) -> None:
        url = await connection.scalar(select(tenants.c.notify_url).where(tenants.c.tenant_id == tenant_id))
        if url is None:
            return
        kind = ENDING if act == "WarnLicence" else ENDED
        notice = licence_notice(tenant_id, licence, kind, now_ms)
        values = {
            "id": notice.notice_id,
            "tenant_id": tenant_id,
            "kind": kind,
            "subject": notice.subject,
            "body": notice.body,
            "created_ms": now_ms,
            "due_ms": now_ms,
        }
        await connection.execute(insert_new(self._database, notices).values(**values))

    async def _write(self, connection: AsyncConnection, tenant_id: str, licence: Licence, change: int) -> None:
        mine = _named(tenant_id, licence.licence_id)
        before = (await connection.execute(select(licences.c.valid_to, licences.c.warned_ms).where(mine))).first()
        values = {
            "tenant_id": tenant_id,
            "licence_id": licence.licence_id,
            "holder": licence.holder,
            "scheme": licence.scheme,
            "kind": licence.kind,
            "licence_no": licence.licence_no,
            "issuer": licence.issuer,
            "jurisdiction": licence.jurisdiction,
            "valid_from": licence.valid_from,
            "valid_to": licence.valid_to,
            "domains": json.dumps(licence.domains),
            "evidence": json.dumps(msgspec.to_builtins(licence.evidence), ensure_ascii=False),
            "status": licence.status,
            # A renewed licence is warned of again.
            "warned_ms": before.warned_ms if before is not None and before.valid_to == licence.valid_to else None,
        }
        await connection.execute(put(self._database, licences, values))
        used = and_(authorisations.c.tenant_id == tenant_id, authorisations.c.licence_id == licence.licence_id)
        users = list((await connection.scalars(select(authorisations.c.account_id).where(used))).all())
        await connection.execute(delete(authorisations).where(used))
        given = () if licence.status is LicenceStatus.REVOKED else licence.accounts
        for account_id in given:
            position = await _free_position(connection, tenant_id, account_id)
            row = {
                "tenant_id": tenant_id,
                "account_id": account_id,
                "position": position,
                "scheme": licence.scheme,
                "kind": licence.kind,
                "valid_from": licence.valid_from,
                "valid_to": licence.valid_to,
                "active": licence.status is not LicenceStatus.SUSPENDED,
                "licence_id": licence.licence_id,
                "domains": json.dumps(licence.domains),
            }
            await connection.execute(insert(authorisations), [row])
        for account_id in {*users, *given}:
            await connection.execute(
                update(accounts)
                .where(accounts.c.tenant_id == tenant_id, accounts.c.account_id == account_id)
                .values(change=change)
            )


def _texts(licence: Licence) -> list[str]:
    given = [licence.licence_id, licence.scheme, licence.licence_no, licence.issuer, licence.jurisdiction]
    for each in licence.evidence:
        given += _evidence_texts(each)
    return [text for text in [*given, *licence.domains, *licence.accounts, licence.holder] if text]


def _evidence_texts(evidence: Evidence) -> list[str]:
    return [evidence.kind, evidence.place, *[text for fact in evidence.says for text in fact]]


def _named(tenant_id: str, licence_id: str) -> ColumnElement[bool]:
    return and_(licences.c.tenant_id == tenant_id, licences.c.licence_id == licence_id)


async def _refused(connection: AsyncConnection, tenant_id: str, licence: Licence) -> LicenceRefused | None:
    holder = select(registrants.c.kind).where(
        registrants.c.tenant_id == tenant_id, registrants.c.registrant_id == licence.holder
    )
    if await connection.scalar(holder) is None:
        return LicenceRefused.HOLDER_UNKNOWN
    for account_id in licence.accounts:
        behind = select(accounts.c.registrant_id).where(
            accounts.c.tenant_id == tenant_id, accounts.c.account_id == account_id
        )
        if await connection.scalar(behind) != licence.holder:
            return LicenceRefused.ACCOUNT_NOT_HOLDERS
    return None


async def _free_position(connection: AsyncConnection, tenant_id: str, account_id: str) -> int:
    highest = select(func.max(authorisations.c.position)).where(
        authorisations.c.tenant_id == tenant_id, authorisations.c.account_id == account_id
    )
    last: int | None = await connection.scalar(highest)
    return max(FIRST_POSITION, (last or 0) + 1)


async def _read(connection: AsyncConnection, wanted: ColumnElement[bool], limit: int | None = None) -> list[Licence]:
    found = await connection.execute(select(licences).where(wanted).order_by(licences.c.licence_id).limit(limit))
    rows = found.all()
    users: dict[tuple[str, str], list[str]] = {}
    if rows:
        used = await connection.execute(
            select(authorisations.c.tenant_id, authorisations.c.licence_id, authorisations.c.account_id)
            .where(
                authorisations.c.tenant_id.in_({row.tenant_id for row in rows}),
                authorisations.c.licence_id.in_([row.licence_id for row in rows]),
            )
            .order_by(authorisations.c.account_id)
        )
        for tenant_id, licence_id, account_id in used:
            users.setdefault((tenant_id, licence_id), []).append(account_id)
    return [_licence(row, tuple(users.get((row.tenant_id, row.licence_id), ()))) for row in rows]


def _licence(row: AnyRow, users: tuple[str, ...]) -> Licence:
    return Licence(
        licence_id=row.licence_id,
        holder=row.holder,
        scheme=row.scheme,
        kind=NewsKind(row.kind),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        accounts=users,
        licence_no=row.licence_no,
        issuer=row.issuer,
        jurisdiction=row.jurisdiction,
        domains=tuple(json.loads(row.domains)),
        evidence=msgspec.convert(json.loads(row.evidence), tuple[Evidence, ...]),
        status=LicenceStatus(row.status),
    )


def _subjects(licence: Licence) -> list[str]:
    return [
        subject("licence", licence.licence_id),
        subject("registrant", licence.holder),
        *[subject("account", each) for each in licence.accounts],
    ]
