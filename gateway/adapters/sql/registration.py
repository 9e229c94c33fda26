"""The register as its keepers work with it, in tables."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.accounts import ACCOUNTS, account_of
from gateway.adapters.sql.dialect import AnyRow, AnySelect, insert_new, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import next_change, record
from gateway.adapters.sql.proposals import keep_proposal, proposals_of
from gateway.adapters.sql.registry import registrant_row
from gateway.adapters.sql.tables import accounts, audit, registrants, tenants
from gateway.adapters.sql.tables_register import audit_subjects, bars, personal_index
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import ADMINISTRATORS, account_fields, act_body, subject
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind, VerificationState
from gateway.core.personal import IDENTIFIERS
from gateway.core.policy import Registration
from gateway.core.records import AuditRow
from gateway.core.registration import (
    Act,
    Around,
    Bars,
    By,
    ChangeAccount,
    CloseAccount,
    CreateAccount,
    Privacy,
    PrivateProposal,
    Refused,
    ReopenAccount,
    carry_out,
    given,
    is_same_person,
    name_digest,
)
from gateway.ports import Registered, StoreUnavailable


class _Undone(Exception):
    """Ends a transaction without writing anything."""

    def __init__(self, result: Registered | Refused) -> None:
        super().__init__()
        self.result = result


class SqlRegistrar:
    """See `gateway.ports.Registrar`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def carry_out(
        self, tenant_id: str, act: Act, by: By, rules: Registration, now_ms: int
    ) -> Registered | Refused:
        """See `gateway.ports.Registrar`, as for every method below."""
        check_text(tenant_id, act.account_id, by.actor, by.reason)
        try:
            async with self._database.writing("act") as connection:
                # The counter's row is locked first, so acts follow one another: what is looked up stays true.
                change = await next_change(connection)
                result, changed = await act_within(
                    self._database, connection, tenant_id, act, by, rules, change, now_ms
                )
                if isinstance(result, Refused) or not changed:
                    raise _Undone(result)
                return result
        except _Undone as undone:
            return undone.result

    async def create_registrant(
        self, tenant_id: str, registrant_id: str, kind: RegistrantKind, by: By, now_ms: int
    ) -> bool:
        check_text(tenant_id, registrant_id, by.actor, by.reason)
        async with self._database.writing("registrant") as connection:
            if await connection.scalar(select(tenants.c.change).where(tenants.c.tenant_id == tenant_id)) is None:
                raise StoreUnavailable(f"there is no tenant {tenant_id!r}")
            return await add_registrant(self._database, connection, tenant_id, registrant_id, kind, by, now_ms)

    async def registered(self, tenant_id: str, account_id: str) -> Registered | None:
        async with self._database.reading("account") as connection:
            return await registered(connection, tenant_id, account_id)

    async def registrant(self, tenant_id: str, registrant_id: str) -> Registrant | None:
        async with self._database.reading("registrant") as connection:
            return await registrant_row(connection, tenant_id, registrant_id)

    async def accounts_of(self, tenant_id: str, registrant_id: str, after: str, limit: int) -> list[Registered]:
        return await self._page(tenant_id, accounts.c.registrant_id == registrant_id, after, limit)

    async def accounts_from(self, tenant_id: str, prefix: str, after: str, limit: int) -> list[Registered]:
        check_text(prefix, after)
        # An upper bound, lest all that follows the last one is looked at; ids are compared byte by byte.
        begins = and_(accounts.c.account_id >= prefix, accounts.c.account_id < f"{prefix}\U0010ffff")
        return await self._page(tenant_id, begins, after, limit)

    async def _page(self, tenant_id: str, wanted: ColumnElement[bool], after: str, limit: int) -> list[Registered]:
        page = (
            select(accounts.c.account_id)
            .where(accounts.c.tenant_id == tenant_id, wanted, accounts.c.account_id > after)
            .order_by(accounts.c.account_id)
            .limit(limit)
        )
        async with self._database.reading("accounts") as connection:
            found = await connection.execute(
                ACCOUNTS.add_columns(accounts.c.name).where(
                    accounts.c.tenant_id == tenant_id, accounts.c.account_id.in_(page.scalar_subquery())
                )
            )
            groups: dict[str, list[AnyRow]] = {}
            for row in found.all():
                groups.setdefault(row.account_id, []).append(row)
            proposals = await proposals_of(connection, tenant_id, groups)
        return [Registered(account_of(rows), rows[0].name, proposals.get(key)) for key, rows in groups.items()]

    async def barred_until(self, tenant_id: str, registrant_id: str, now_ms: int) -> int | None:
        async with self._database.reading("bars") as connection:
            marks = await _marks(connection, tenant_id, registrant_id)
            return await _barred_until(connection, tenant_id, now_ms, marks)

    async def bars_by(self, tenant_id: str, account_id: str, now_ms: int) -> list[tuple[str, int]]:
        """What an account's closing bars at this moment ("name", "registrant"), and until when."""
        mine = and_(bars.c.tenant_id == tenant_id, bars.c.account_id == account_id, bars.c.until_ms > now_ms)
        wanted = (
            select(bars.c.what, func.max(bars.c.until_ms))
            .where(mine, bars.c.what.in_(("name", "registrant")))
            .group_by(bars.c.what)
            .order_by(bars.c.what)
        )
        async with self._database.reading("bars") as connection:
            return [(row[0], row[1]) for row in await connection.execute(wanted)]

    async def history(self, tenant_id: str, subject: str, after: int, limit: int) -> list[AuditRow]:
        columns = [audit.c[name] for name in AuditRow.__struct_fields__]
        wanted = (
            select(*columns)
            .join(audit_subjects, and_(audit.c.chain == audit_subjects.c.chain, audit.c.seq == audit_subjects.c.seq))
            .where(
                audit_subjects.c.tenant_id == tenant_id,
                audit_subjects.c.subject == subject,
                audit_subjects.c.chain == ADMINISTRATORS,
                audit_subjects.c.seq > after,
            )
            .order_by(audit_subjects.c.seq)
            .limit(limit)
        )
        async with self._database.reading("history") as connection:
            return [AuditRow(*row) for row in await connection.execute(wanted)]


async def act_within(
    database: Database,
    connection: AsyncConnection,
    tenant_id: str,
    act: Act,
    by: By,
    rules: Registration,
    change: int,
    now_ms: int,
) -> tuple[Registered | Refused, bool]:
    """See `gateway.ports.Registrar.carry_out`, as a part of a transaction that has the next ``change`` number; and
    whether anything was written."""
    around = await _around(connection, tenant_id, act, by, now_ms)
    result = carry_out(act, around, rules, now_ms)
    if isinstance(result, Refused):
        return result, False
    unchanged = (around.account, around.name, Bars(), None)
    proposal = around.proposal
    if (result.account, result.name, result.bars, result.privacy) == unchanged:
        return Registered(result.account, result.name, proposal), False
    if result.privacy is not None:
        proposal = PrivateProposal(by.actor, by.reason, now_ms) if result.privacy is Privacy.PROPOSED else None
    await _write(connection, tenant_id, result.account, result.name, change)
    await _bar(database, connection, tenant_id, result.account, result.name, result.bars, now_ms)
    fields: dict[str, object] = {"account": account_fields(result.account)}
    if said := given(act):
        fields["given"] = said
    if result.privacy is not None:
        fields["privacy"] = result.privacy
        await keep_proposal(database, connection, tenant_id, act.account_id, proposal)
    body = act_body(by, change, tenant_id, type(act).__name__, **fields)
    await record(connection, tenant_id, body, now_ms, _subjects(result.account))
    return Registered(result.account, result.name, proposal), True


async def undo_close(
    connection: AsyncConnection, tenant_id: str, account_id: str, state: AccountState | None, by: By, now_ms: int
) -> None:
    """Take back that an account was closed for a violation, as a part of a transaction that has a change number: what
    its closing barred is barred no more, and the account is in this ``state`` again; None leaves it closed, and its
    name barred."""
    mine = and_(bars.c.tenant_id == tenant_id, bars.c.account_id == account_id)
    if state is None:
        await connection.execute(delete(bars).where(mine, bars.c.what != "name"))
        return
    await connection.execute(delete(bars).where(mine))
    this = and_(accounts.c.tenant_id == tenant_id, accounts.c.account_id == account_id)
    await connection.execute(update(accounts).where(this).values(state=state))
    if (found := await registered(connection, tenant_id, account_id)) is not None:
        body = act_body(by, 0, tenant_id, "ReopenAccount", account=account_fields(found.account))
        await record(connection, tenant_id, body, now_ms, _subjects(found.account))


async def _bar(
    database: Database,
    connection: AsyncConnection,
    tenant_id: str,
    account: Account,
    name: str | None,
    until: Bars,
    now_ms: int,
) -> None:
    """Bar what may not be registered again, or lift what this account's closing had barred."""
    if until.registrant_until_ms == 0 or until.name_until_ms == 0:
        mine = and_(bars.c.tenant_id == tenant_id, bars.c.account_id == account.account_id)
        await connection.execute(delete(bars).where(mine))
    found: list[tuple[str, str, int]] = []
    if until.name_until_ms and name is not None:
        found.append(("name", name_digest(name), until.name_until_ms))
    if until.registrant_until_ms and account.registrant is not None:
        registrant_id = account.registrant.registrant_id
        found.append(("registrant", registrant_id, until.registrant_until_ms))
        for row in await connection.execute(_identifiers(tenant_id, registrant_id)):
            found.append((row.field, row.digest, until.registrant_until_ms))
    for what, digest, until_ms in found:
        values = {
            "tenant_id": tenant_id,
            "what": what,
            "digest": digest,
            "since_ms": now_ms,
            "until_ms": until_ms,
            "account_id": account.account_id,
        }
        await connection.execute(put(database, bars, values))


async def add_registrant(
    database: Database,
    connection: AsyncConnection,
    tenant_id: str,
    registrant_id: str,
    kind: RegistrantKind,
    by: By,
    now_ms: int,
) -> bool:
    """See `gateway.ports.Registrar.create_registrant`, as a part of a transaction."""
    values = {
        "tenant_id": tenant_id,
        "registrant_id": registrant_id,
        "kind": kind,
        "state": VerificationState.CREATED,
    }
    if (await connection.execute(insert_new(database, registrants).values(**values))).rowcount == 0:
        return False
    body = act_body(by, 0, tenant_id, "CreateRegistrant", kind=kind)
    await record(connection, tenant_id, body, now_ms, [subject("registrant", registrant_id)])
    return True


def _identifiers(tenant_id: str, registrant_id: str) -> AnySelect:
    return select(personal_index.c.field, personal_index.c.digest).where(
        personal_index.c.tenant_id == tenant_id,
        personal_index.c.registrant_id == registrant_id,
        personal_index.c.field.in_(IDENTIFIERS),
    )


async def _around(connection: AsyncConnection, tenant_id: str, act: Act, by: By, now_ms: int) -> Around:
    found = await registered(connection, tenant_id, act.account_id)
    around = Around()
    if found is not None:
        by_proposer = found.proposal is not None and is_same_person(found.proposal.actor, by.actor)
        around = Around(found.account, found.name, proposal=found.proposal, by_proposer=by_proposer)
    account = around.account
    wanted = act.name if isinstance(act, CreateAccount | ChangeAccount) else None
    name_barred = (
        wanted is not None
        and await _barred_until(connection, tenant_id, now_ms, [("name", name_digest(wanted))]) is not None
    )
    if isinstance(act, ReopenAccount) and account is not None and account.registrant is not None:
        open_accounts = await _open_accounts(connection, tenant_id, account.registrant.registrant_id)
        return replace(around, open_accounts=open_accounts)
    if isinstance(act, CloseAccount) and account is not None and account.registrant is not None:
        stands = await _bar_stands(connection, tenant_id, act.account_id, account.registrant.registrant_id)
        return replace(around, bar_stands=stands)
    if not isinstance(act, CreateAccount):
        return replace(around, name_barred=name_barred)
    registrant = await registrant_row(connection, tenant_id, act.registrant_id)
    if registrant is None:
        return around
    marks = await _marks(connection, tenant_id, act.registrant_id)
    open_accounts = await _open_accounts(connection, tenant_id, act.registrant_id)
    registrant_barred = await _barred_until(connection, tenant_id, now_ms, marks) is not None
    return replace(
        around,
        registrant=registrant,
        open_accounts=open_accounts,
        name_barred=name_barred,
        registrant_barred=registrant_barred,
    )


async def _open_accounts(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> int:
    count = select(func.count()).where(
        accounts.c.tenant_id == tenant_id,
        accounts.c.registrant_id == registrant_id,
        accounts.c.state != AccountState.CLOSED,
    )
    found: int = (await connection.execute(count)).scalar_one()
    return found


async def _marks(connection: AsyncConnection, tenant_id: str, registrant_id: str) -> list[tuple[str, str]]:
    """What a registrant may be barred by."""
    known = await connection.execute(_identifiers(tenant_id, registrant_id))
    return [("registrant", registrant_id), *[(row.field, row.digest) for row in known]]


async def _barred_until(
    connection: AsyncConnection, tenant_id: str, now_ms: int, marks: Sequence[tuple[str, str]]
) -> int | None:
    """Until when one of these may not be registered; None where all may be at this moment."""
    any_of = or_(*[and_(bars.c.what == what, bars.c.digest == digest) for what, digest in marks])
    wanted = select(func.max(bars.c.until_ms)).where(bars.c.tenant_id == tenant_id, bars.c.until_ms > now_ms, any_of)
    until: int | None = await connection.scalar(wanted)
    return until


async def _bar_stands(connection: AsyncConnection, tenant_id: str, account_id: str, registrant_id: str) -> bool:
    """Whether this account's closing barred this registrant, be it for a time that is over."""
    mine = and_(bars.c.tenant_id == tenant_id, bars.c.what == "registrant", bars.c.digest == registrant_id)
    wanted = select(bars.c.until_ms).where(mine, bars.c.account_id == account_id)
    return await connection.scalar(wanted) is not None


async def registered(connection: AsyncConnection, tenant_id: str, account_id: str) -> Registered | None:
    found = await connection.execute(
        ACCOUNTS.add_columns(accounts.c.name).where(
            accounts.c.tenant_id == tenant_id, accounts.c.account_id == account_id
        )
    )
    rows = list(found.all())
    if not rows:
        return None
    proposals = await proposals_of(connection, tenant_id, [account_id])
    return Registered(account_of(rows), rows[0].name, proposals.get(account_id))


async def _write(connection: AsyncConnection, tenant_id: str, account: Account, name: str | None, change: int) -> None:
    values = {
        "state": account.state,
        "private": account.private,
        "name": name,
        "account_class": account.account_class,
        "term_ends_at": account.term_ends_at,
        "change": change,
    }
    mine = and_(accounts.c.tenant_id == tenant_id, accounts.c.account_id == account.account_id)
    if (await connection.execute(update(accounts).where(mine).values(**values))).rowcount == 0:
        whose = {
            "tenant_id": tenant_id,
            "account_id": account.account_id,
            "registrant_id": account.registrant and account.registrant.registrant_id,
        }
        await connection.execute(insert(accounts), {**whose, **values})


def _subjects(account: Account) -> list[str]:
    subjects = [subject("account", account.account_id)]
    if account.registrant is not None:
        subjects.append(subject("registrant", account.registrant.registrant_id))
    return subjects
