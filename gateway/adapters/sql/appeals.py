"""Appeals in a table: made, and decided in one transaction with what becomes of the message."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

import orjson
from sqlalchemy import and_, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.claims import append, lock_heads
from gateway.adapters.sql.dialect import AnyRow, AnySelect, insert_new
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record
from gateway.adapters.sql.statements import of_the_message, of_the_sanction
from gateway.adapters.sql.tables import audit, decisions, messages
from gateway.adapters.sql.tables_register import audit_subjects
from gateway.adapters.sql.tables_statements import DECIDED, OPEN, TOLD, appeals, involved
from gateway.adapters.sql.writes import check_text, recheck_limit
from gateway.core import codec
from gateway.core.appeals import Appeal, AppealState, Restored, Unappealable, Undecidable, persons
from gateway.core.audit import ADMINISTRATORS, APPEAL, TRANSITION, act_body, subject, transition_body
from gateway.core.model import MessageState
from gateway.core.records import Transition
from gateway.core.registration import By
from gateway.ports import Fault, Judged, Sealer, Stale, StoreUnavailable

AUTHOR: Final = By("author")
"""Who makes an appeal, in the audit chain: nobody's name."""

_BRIEF: Final = [column for column in appeals.c if column.name not in ("text", "note")]


class SqlAppeals:
    """See `gateway.ports.Appeals`. Without a ``sealer`` texts are kept as they are, as the messages beside them."""

    def __init__(self, database: Database, sealer: Sealer | None) -> None:
        self._database = database
        self._sealer = sealer

    async def make(self, appeal: Appeal) -> Unappealable | None:
        """See `gateway.ports.Appeals`, as for every method below."""
        check_text(appeal.language, appeal.appeal_id)
        text = _encoded(appeal.text or "")
        values = {
            "id": appeal.appeal_id,
            "sealed": self._sealer is not None,
            "text": text if self._sealer is None else self._sealer.seal(text, _context(appeal, "text")),
        }
        for name in (
            *("tenant_id", "account_id", "statement_id", "message_id", "sanction_id"),
            *("state", "language", "made_ms", "due_ms"),
        ):
            values[name] = getattr(appeal, name)
        async with self._database.writing("make appeal") as connection:
            if (await connection.execute(insert_new(self._database, appeals).values(**values))).rowcount == 0:
                return Unappealable.EXISTS
            body = act_body(AUTHOR, 0, appeal.tenant_id, "MakeAppeal", **_fields(appeal))
            await _record(connection, appeal, body, appeal.made_ms)
            return None

    async def appeal(self, tenant_id: str, appeal_id: str) -> Appeal | None:
        return await self._one(select(appeals).where(appeals.c.id == appeal_id, appeals.c.tenant_id == tenant_id))

    async def against(self, statement_ids: Collection[str]) -> dict[str, Appeal]:
        wanted = select(appeals).where(appeals.c.statement_id.in_(sorted(statement_ids)))
        async with self._database.reading("appeals") as connection:
            return {row.statement_id: _of_row(row, self._opened) for row in await connection.execute(wanted)}

    async def open(self, tenant_id: str | None, after: tuple[int, str], limit: int) -> list[Appeal]:
        wanted = select(*_BRIEF).where(OPEN, tuple_(appeals.c.due_ms, appeals.c.id) > tuple_(*after))
        wanted = wanted if tenant_id is None else wanted.where(appeals.c.tenant_id == tenant_id)
        async with self._database.reading("appeals") as connection:
            rows = await connection.execute(wanted.order_by(appeals.c.due_ms, appeals.c.id).limit(limit))
            return [_of_row(row) for row in rows]

    async def decided(self, tenant_id: str | None, before: tuple[int, str] | None, limit: int) -> list[Appeal]:
        async with self._database.reading("decided appeals") as connection:
            return [_of_row(row) for row in await connection.execute(decided_page(tenant_id, before, limit))]

    async def involved(self, appeal: Appeal) -> set[str]:
        names = [of_the_message(appeal.message_id)] if appeal.message_id else []
        names += [of_the_sanction(appeal.sanction_id)] if appeal.sanction_id else []
        acted = select(involved.c.actor).where(involved.c.tenant_id == appeal.tenant_id, involved.c.subject.in_(names))
        async with self._database.reading("involved") as connection:
            found = set((await connection.scalars(acted)).all())
            if appeal.message_id:
                steps = select(audit.c.body).where(audit.c.message_id == appeal.message_id)
                rows = [*await connection.scalars(steps), *await connection.scalars(self._reviewed(appeal))]
                found |= {str(orjson.loads(body).get("actor", "gateway")) for body in rows}
        return persons(found)

    def _reviewed(self, appeal: Appeal) -> AnySelect:
        """The rows of what people did with the message while it was held."""
        theirs = and_(audit_subjects.c.chain == audit.c.chain, audit_subjects.c.seq == audit.c.seq)
        about = audit_subjects.c.subject == subject("message", appeal.message_id or "")
        return (
            select(audit.c.body)
            .join(audit_subjects, theirs)
            .where(audit_subjects.c.tenant_id == appeal.tenant_id, about)
        )

    async def decide(self, appeal: Appeal, judged: Judged) -> Undecidable | None:
        check_text(judged.by.actor, judged.by.reason)
        note = None if judged.note is None else _encoded(judged.note)
        async with self._database.writing("decide appeal") as connection:
            # The chain first: whoever writes acts locks it before any row.
            await lock_heads(connection, ADMINISTRATORS)
            values: dict[str, Any] = {
                "state": judged.outcome,
                "decided_ms": judged.at_ms,
                "decided_by": judged.by.actor,
                "restored": judged.restored,
                "note": self._sealed(note, appeal, "note"),
            }
            this = update(appeals).where(appeals.c.id == appeal.appeal_id, appeals.c.state == AppealState.OPEN)
            if (await connection.execute(this.values(**values))).rowcount == 0:
                return Undecidable.DECIDED
            if judged.move is not None:
                await _move(connection, judged.move)
            told = {**_fields(appeal), "outcome": judged.outcome.value, "restored": judged.restored.value}
            await _record(
                connection, appeal, act_body(judged.by, 0, appeal.tenant_id, "DecideAppeal", **told), judged.at_ms
            )
            return None

    async def count_open(self, now_ms: int, tenant_id: str | None = None) -> tuple[int, int]:
        late = func.count().filter(appeals.c.due_ms < now_ms)
        wanted = select(func.count(), late).select_from(appeals).where(OPEN)
        wanted = wanted if tenant_id is None else wanted.where(appeals.c.tenant_id == tenant_id)
        async with self._database.reading("open appeals") as connection:
            row = (await connection.execute(wanted)).one()
            return row[0], row[1]

    async def forget_texts(self, decided_ms: int, limit: int) -> int:
        told = (
            select(appeals.c.id)
            .where(TOLD, appeals.c.decided_ms <= decided_ms)
            .order_by(appeals.c.decided_ms)
            .limit(limit)
        )
        async with self._database.reading("told appeals") as connection:
            if (await connection.execute(told.limit(1))).first() is None:
                return 0  # nearly always: nobody's write lock is taken for it
        async with self._database.writing("forget texts") as connection:
            ids = (await connection.scalars(told.with_for_update(skip_locked=True))).all()
            await connection.execute(update(appeals).where(appeals.c.id.in_(ids)).values(text=b"", note=None))
            return len(ids)

    def _sealed(self, text: bytes | None, appeal: Appeal, what: str) -> bytes | None:
        """As the appeal's own text is: a row is sealed as a whole, or not at all."""
        if text is None or not appeal.sealed:
            return text
        if self._sealer is None:
            raise StoreUnavailable("the appeal is sealed, and there is no key file; set GATEWAY_KEYS_FILE")
        return self._sealer.seal(text, _context(appeal, what))

    async def _one(self, query: AnySelect) -> Appeal | None:
        async with self._database.reading("appeal") as connection:
            row = (await connection.execute(query)).first()
        return None if row is None else _of_row(row, self._opened)

    def _opened(self, data: bytes | None, row: AnyRow, what: str) -> str | None:
        if not data:
            return None
        try:
            if row.sealed:
                if self._sealer is None:
                    return None
                data = self._sealer.open(bytes(data), f"{row.id}/{what}")
            return bytes(data).decode()
        except (Fault, UnicodeDecodeError):  # under a key that was dropped
            return None


def decided_page(tenant_id: str | None, before: tuple[int, str] | None, limit: int) -> AnySelect:
    """See `gateway.ports.Appeals.decided`."""
    place = (appeals.c.decided_ms, appeals.c.id)
    wanted = select(*_BRIEF).where(DECIDED).order_by(*[column.desc() for column in place]).limit(limit)
    wanted = wanted if tenant_id is None else wanted.where(appeals.c.tenant_id == tenant_id)
    return wanted if before is None else wanted.where(tuple_(*place) < tuple_(*before))


def _of_row(row: AnyRow, opened: Any = None) -> Appeal:
    return Appeal(
        appeal_id=row.id,
        tenant_id=row.tenant_id,
        account_id=row.account_id,
        statement_id=row.statement_id,
        state=AppealState(row.state),
        language=row.language,
        made_ms=row.made_ms,
        due_ms=row.due_ms,
        message_id=row.message_id,
        sanction_id=row.sanction_id,
        text=opened(row.text, row, "text") if opened else None,
        decided_ms=row.decided_ms,
        decided_by=row.decided_by,
        note=opened(row.note, row, "note") if opened else None,
        restored=Restored(row.restored) if row.restored is not None else None,
        sealed=row.sealed,
    )


async def _move(connection: AsyncConnection, move: Transition) -> None:
    """Change the state of a message that stands as it was read, with its decision and its audit row. Raises `Stale`."""
    case, decision_id = move.case, move.decision_id
    assert case is not None  # noqa: S101 - an appeal always decides anew
    moved = await connection.execute(
        update(messages)
        .where(messages.c.id == move.message_id, messages.c.state == move.expect, messages.c.steps == move.step)
        .values(
            state=move.state,
            body=b"" if move.state is MessageState.RELEASED else messages.c.body,
            updated_ms=move.at_ms,
            steps=messages.c.steps + 1,
            recheck_limit=recheck_limit(case),
        )
        .returning(
            messages.c.steps,
            messages.c.tenant_id,
            messages.c.account_id,
            messages.c.platform,
            messages.c.content_hash,
        )
    )
    row = moved.first()
    if row is None:
        raise Stale
    try:
        case_json = codec.encode_case(case)
    except ValueError as error:
        raise StoreUnavailable("a decision that cannot be written") from error
    await connection.execute(
        insert(decisions).values(
            message_id=move.message_id,
            step=row.steps,
            id=decision_id,
            at_ms=move.at_ms,
            outcome=case.decision.outcome,
            policy_version=case.decision.policy_version,
            case_json=case_json.decode(),
        )
    )
    body = transition_body(move, row.tenant_id, row.account_id, row.platform, row.content_hash, case_json)
    heads = await lock_heads(connection, ADMINISTRATORS)
    heads.append(ADMINISTRATORS, move.at_ms, TRANSITION, move.message_id, body, row.steps)
    await append(connection, heads)


def _fields(appeal: Appeal) -> dict[str, object]:
    names = ("account_id", "appeal_id", "statement_id", "message_id", "sanction_id")
    return {name: getattr(appeal, name) for name in names}


async def _record(connection: AsyncConnection, appeal: Appeal, body: str, now_ms: int) -> None:
    await record(connection, appeal.tenant_id, body, now_ms, (subject("account", appeal.account_id),), APPEAL)


def _context(appeal: Appeal, what: str) -> str:
    return f"{appeal.appeal_id}/{what}"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise StoreUnavailable("half a character in an appeal") from error
