"""Files taken into the tables of the register."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

from gateway.adapters.sql.bulk import Bulk, open_bulk
from gateway.adapters.sql.imports_known import Lookups
from gateway.adapters.sql.index_key import PERSONAL, is_ours
from gateway.adapters.sql.plan import Heads
from gateway.adapters.sql.tables import accounts, audit, registrants
from gateway.adapters.sql.tables_register import audit_subjects, bars, imports, index_keys, personal, personal_index
from gateway.core.admission import Admitted, Allowed, admit_accounts, admit_registrants
from gateway.core.audit import ADMINISTRATORS, REGISTRY, act_body, subject
from gateway.core.personal import IDENTIFIERS
from gateway.core.register_rows import AccountRow, RegistrantRow
from gateway.core.registration import DAY_MS, By, name_digest
from gateway.ports import Chunk, Progress, SealedPerson, StoreUnavailable
from gateway.ports.imports import Keep

_ACCOUNT: Final = ("account_id", "registrant_id", "name", "state", "account_class", "term_ends_at", "private")
_REGISTRANT: Final = ("registrant_id", "kind", "state", "framework", "level", "expires_at")
PROGRESS: Final = ("lines", "written", "rejected", "rejects_bytes", "done_ms", "added", "changed", "moved")
_LINK: Final = ("chain", "seq", "at_ms", "kind", "message_id", "body", "prev_hash", "hash", "step")

_HOW_FAR: Final = f"SELECT {', '.join(PROGRESS)} FROM imports WHERE import_id = $1"  # noqa: S608
_CHANGE: Final = "UPDATE counters SET value = value + 1 WHERE name = 'registry' RETURNING value"
_LEAVE_LICENCES: Final = """
DELETE FROM authorisations WHERE tenant_id = $1 AND account_id IN each($2) AND NOT EXISTS (
    SELECT 1 FROM licences AS l JOIN accounts AS a ON a.tenant_id = l.tenant_id AND a.registrant_id = l.holder
    WHERE l.tenant_id = $1 AND l.licence_id = authorisations.licence_id AND a.account_id = authorisations.account_id
)
"""
"""A licence is its holder's: an account that another registrant has now may not go on under it, nor under what was
given to it without one."""
_TOUCH: Final = """
UPDATE accounts SET change = $1
WHERE tenant_id = $2 AND registrant_id IN each($3)
"""
_CANCEL: Final = """
UPDATE verifications SET state = 'canceled'
WHERE tenant_id = $1 AND registrant_id IN each($2)
    AND state IN ('created', 'pending', 'processing', 'needs_input', 'review', 'verified')
"""
_UNMARK: Final = """
DELETE FROM personal_index WHERE tenant_id = $1 AND registrant_id IN each($2)
"""
_INDEX_KEY: Final = """
SELECT digest FROM index_keys
WHERE name = $1 AND (EXISTS (SELECT 1 FROM personal) OR EXISTS (SELECT 1 FROM bars WHERE what IN each($2)))
"""
_HEAD: Final = "SELECT slot, epoch, expires_ms, seq, hash FROM chains WHERE slot = $1 FOR UPDATE"
_NEW_HEAD: Final = "UPDATE chains SET seq = $2, hash = $3 WHERE slot = $1"


class SqlImports:
    """See `gateway.ports.Imports`."""

    def __init__(self, bulk: Bulk, audit_key: bytes | None = None) -> None:
        self._bulk = bulk
        self._audit_key = audit_key
        self._ours = False

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, audit_key: bytes | None = None) -> AsyncIterator[Self]:
        """Connect to a database whose tables are up to date; on leaving, undo what is not committed. ``audit_key`` as
        for `SqlStore.open`."""
        bulk = await open_bulk(url)
        try:
            yield cls(bulk, audit_key)
        finally:
            await bulk.close()

    async def progress(self, import_id: str, tenant_id: str, kind: str, *, again: bool = False) -> Progress:
        """See `gateway.ports.Imports`, as for every method below."""
        if not await self._bulk.ask("SELECT 1 FROM tenants WHERE tenant_id = $1", tenant_id):
            raise StoreUnavailable(f"there is no tenant {tenant_id!r}")
        if again:
            await self._bulk.ask("DELETE FROM imports WHERE import_id = $1", import_id)
        rows = await self._bulk.ask(_HOW_FAR, import_id)
        return Progress(import_id, tenant_id, kind, *rows[0]) if rows else Progress(import_id, tenant_id, kind)

    async def accounts(
        self,
        progress: Progress,
        chunk: Chunk,
        rows: Sequence[AccountRow],
        allowed: Allowed,
        by: By,
        keep: Keep,
        now_ms: int,
    ) -> Progress:
        tenant_id = progress.tenant_id
        async with self._whole(progress) as change:
            result = admit_accounts(rows, await Lookups(self._bulk, tenant_id, now_ms).around_accounts(rows), allowed)
            await self._put_registrants(tenant_id, result, change)
            rows_of = [(tenant_id, *account, change) for account in result.accounts.values()]
            columns = ("tenant_id", *_ACCOUNT, "change")
            # Nobody else can add an account now, so those that were not there are not there.
            for new in (True, False):
                some = [row for row in rows_of if (row[1] in result.new) is new]
                await self._bulk.put(accounts, columns, some, new=new)
            if result.moved:
                await self._bulk.ask(_LEAVE_LICENCES, tenant_id, sorted(result.moved))
            until_ms = now_ms + allowed.rules.name_bar_days * DAY_MS
            await self._bulk.put(
                bars,
                ("tenant_id", "what", "digest", "since_ms", "until_ms", "account_id"),
                [
                    (tenant_id, "name", name_digest(name), now_ms, until_ms, account_id)
                    for account_id, name in result.closed.items()
                ],
            )
            return await self._finish(progress, chunk, result, change, by, keep, now_ms)

    async def registrants(
        self,
        progress: Progress,
        chunk: Chunk,
        rows: Sequence[RegistrantRow],
        people: Mapping[int, SealedPerson],
        by: By,
        keep: Keep,
        now_ms: int,
    ) -> Progress:
        tenant_id = progress.tenant_id
        async with self._whole(progress) as change:
            if people:
                await self._check_keys(next(iter(people.values())))
            lookups = Lookups(self._bulk, tenant_id, now_ms)
            known = await lookups.around_registrants({row.registrant_id for row in rows})
            await lookups.around_people(known, people.values())
            result = admit_registrants(rows, known, {line: person.index for line, person in people.items()})
            await self._put_registrants(tenant_id, result, change)
            if result.restarted:
                await self._bulk.ask(_CANCEL, tenant_id, sorted(result.restarted))
            refused = {problem.line for problem in result.rejected}
            await self._put_people(tenant_id, [person for line, person in people.items() if line not in refused])
            return await self._finish(progress, chunk, result, change, by, keep, now_ms)

    @asynccontextmanager
    async def _whole(self, progress: Progress) -> AsyncIterator[int]:
        """A transaction for a chunk, undone if it fails; yields its change number. The counter's row is locked by it,
        so nobody else writes to the register until it is committed, and what is looked up stays true."""
        await self._bulk.begin()
        try:
            [(change,)] = await self._bulk.ask(_CHANGE)
            rows = await self._bulk.ask(_HOW_FAR, progress.import_id)
            if progress.lines != (rows[0][0] if rows else 0):
                raise StoreUnavailable("this file is being taken in by another command too")
            yield int(change)
        except BaseException:
            await self._bulk.undo()
            raise

    async def _put_registrants(self, tenant_id: str, result: Admitted, change: int) -> None:
        rows = [(tenant_id, *registrant) for registrant in result.registrants.values()]
        await self._bulk.put(registrants, ("tenant_id", *_REGISTRANT), rows)
        if result.refreshed:  # all accounts of one registrant stand on the same proof
            await self._bulk.ask(_TOUCH, change, tenant_id, sorted(result.refreshed))

    async def _check_keys(self, person: SealedPerson) -> None:
        """Look, until it is known, whether it was sealed with the keys of what is kept. Raises `OtherIndexKey`."""
        if not self._ours:
            rows = await self._bulk.ask(_INDEX_KEY, PERSONAL, list(IDENTIFIERS))
            self._ours = is_ours(rows[0][0] if rows else None, person.index_key)

    async def _put_people(self, tenant_id: str, people: Sequence[SealedPerson]) -> None:
        newest = {person.registrant_id: person for person in people}
        if not newest:
            return
        if not self._ours:
            await self._bulk.put(index_keys, ("name", "digest"), [(PERSONAL, people[0].index_key)])
        await self._bulk.ask(_UNMARK, tenant_id, list(newest))
        rows = [(tenant_id, person.registrant_id, person.wrapped, person.fields) for person in newest.values()]
        await self._bulk.put(personal, ("tenant_id", "registrant_id", "wrapped", "fields"), rows)
        marks = [(tenant_id, *mark, person.registrant_id) for person in newest.values() for mark in person.index]
        await self._bulk.put(personal_index, ("tenant_id", "field", "digest", "registrant_id"), marks)

    async def _finish(
        self, progress: Progress, chunk: Chunk, result: Admitted, change: int, by: By, keep: Keep, now_ms: int
    ) -> Progress:
        rejected = sorted([*chunk.problems, *result.rejected])
        now = Progress(
            progress.import_id,
            progress.tenant_id,
            progress.kind,
            chunk.lines,
            progress.taken + result.taken,
            progress.rejected + len(rejected),
            keep(rejected) if rejected else progress.rejects_bytes,
            now_ms if chunk.last else None,
            progress.added + result.added,
            progress.changed + result.changed,
            progress.moved + result.moves,
        )
        done = (now.lines, now.taken, now.rejected, now.rejects_bytes, now.done_ms, now.added, now.changed, now.moved)
        columns = ("import_id", "tenant_id", "kind", *PROGRESS)
        await self._bulk.put(imports, columns, [(now.import_id, now.tenant_id, now.kind, *done)])
        body = act_body(
            by,
            change,
            now.tenant_id,
            "Import",
            kind=now.kind,
            file=now.import_id,
            lines=[progress.lines + 1, now.lines],
            taken=result.taken,
            rejected=len(rejected),
            new=result.added,
            changed=result.changed,
            moved=result.moves,
        )
        await self._record(now, body, result.moved, now_ms)
        await self._bulk.tell()
        await self._bulk.commit()
        return now

    async def _record(self, progress: Progress, body: str, moved: set[str], now_ms: int) -> None:
        """One audit row for the chunk, in the histories of the accounts that have another registrant now. The chain is
        locked last: it is others' too."""
        [head] = await self._bulk.ask(_HEAD, ADMINISTRATORS)
        heads = Heads([(head[0], head[1], head[2], head[3], head[4])], self._audit_key)
        heads.append(ADMINISTRATORS, now_ms, REGISTRY, "", body, 0)
        [(slot, seq, last)] = heads.moved()
        await self._bulk.put(audit, _LINK, heads.links)
        await self._bulk.ask(_NEW_HEAD, slot, seq, last)
        subjects = [subject("import", progress.import_id), *[subject("account", each) for each in sorted(moved)]]
        about = [(progress.tenant_id, each, slot, seq) for each in subjects]
        await self._bulk.put(audit_subjects, ("tenant_id", "subject", "chain", "seq"), about)
