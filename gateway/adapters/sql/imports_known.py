"""What the tables have of all that a chunk of an import names, a statement for each kind of thing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from gateway.adapters.sql.bulk import Bulk
from gateway.core.admission import AccountNow, Known, RegistrantNow
from gateway.core.personal import IDENTIFIERS
from gateway.core.register_rows import AccountRow
from gateway.core.registration import name_digest
from gateway.ports import SealedPerson

_ACCOUNTS: Final = """
SELECT account_id, registrant_id, name, state, account_class, term_ends_at, private
FROM accounts WHERE tenant_id = $1 AND account_id IN each($2)
"""
_REGISTRANTS: Final = """
SELECT registrant_id, kind, state, framework, level, expires_at
FROM registrants WHERE tenant_id = $1 AND registrant_id IN each($2)
"""
_OPEN: Final = """
SELECT registrant_id, count(*) FROM accounts
WHERE tenant_id = $1 AND registrant_id IN each($2) AND state <> 'closed' GROUP BY registrant_id
"""
_ANY_BARS: Final = "SELECT 1 FROM bars WHERE tenant_id = $1 AND what IN each($3) AND until_ms > $2 LIMIT 1"
_BARS: Final = "SELECT digest FROM bars WHERE tenant_id = $1 AND what = $4 AND digest IN each($3) AND until_ms > $2"
_BARRED_BY_IDENTIFIER: Final = """
SELECT p.registrant_id FROM personal_index AS p
JOIN bars AS b ON b.tenant_id = p.tenant_id AND b.what = p.field AND b.digest = p.digest AND b.until_ms > $2
WHERE p.tenant_id = $1 AND p.registrant_id IN each($3)
"""
_MARKS: Final = """
SELECT registrant_id, field, digest FROM personal_index WHERE tenant_id = $1 AND registrant_id IN each($2)
"""
_HOLDERS: Final = """
SELECT registrant_id, digest FROM personal_index WHERE tenant_id = $1 AND field = $2 AND digest IN each($3)
"""


class Lookups:
    """Looks up what is around the rows of one tenant, in the transaction that is open."""

    def __init__(self, bulk: Bulk, tenant_id: str, now_ms: int) -> None:
        self._bulk = bulk
        self._tenant_id = tenant_id
        self._now_ms = now_ms

    async def around_accounts(self, rows: Iterable[AccountRow]) -> Known:
        """What these rows of accounts meet."""
        rows = list(rows)
        known = await self.around_registrants({row.registrant_id for row in rows if row.registrant_id is not None})
        ids = list({row.account_id for row in rows})
        found = await self._bulk.ask(_ACCOUNTS, self._tenant_id, ids)
        known.accounts = {row[0]: AccountNow(*row) for row in found}
        if known.registrants:
            counted = await self._bulk.ask(_OPEN, self._tenant_id, list(known.registrants))
            known.open_accounts = {row[0]: row[1] for row in counted}
        if await self._any_bars("name"):
            digests = {name_digest(row.name) for row in rows if row.name is not None}
            known.barred_names = await self._bars("name", digests)
        return known

    async def around_registrants(self, ids: set[str]) -> Known:
        """These registrants, and which of them are barred: by their ids, or by identifiers that are kept of them."""
        found = await self._bulk.ask(_REGISTRANTS, self._tenant_id, list(ids))
        known = Known(registrants={row[0]: RegistrantNow(*row) for row in found})
        if await self._any_bars("registrant", *IDENTIFIERS):
            by_identifier = await self._bulk.ask(_BARRED_BY_IDENTIFIER, self._tenant_id, self._now_ms, list(ids))
            known.barred = await self._bars("registrant", ids) | {row[0] for row in by_identifier}
        return known

    async def around_people(self, known: Known, people: Iterable[SealedPerson]) -> None:
        """What the personal data that a file gives meets: what is kept of the same registrants, whose the identifiers
        are, and which of them are barred."""
        people = list(people)
        ids = list({person.registrant_id for person in people} & known.registrants.keys())
        for registrant_id, field, digest in await self._bulk.ask(_MARKS, self._tenant_id, ids) if ids else ():
            known.kept.setdefault(registrant_id, set()).add((field, digest))
        identifiers = {mark for person in people for mark in person.index if mark[0] in IDENTIFIERS}
        for field in sorted({name for name, _ in identifiers}):
            digests = [digest for name, digest in identifiers if name == field]
            for registrant_id, digest in await self._bulk.ask(_HOLDERS, self._tenant_id, field, digests):
                known.holders[field, digest] = registrant_id
            if await self._any_bars(field):
                known.barred_marks |= {(field, digest) for digest in await self._bars(field, set(digests))}

    async def _any_bars(self, *what: str) -> bool:
        return bool(await self._bulk.ask(_ANY_BARS, self._tenant_id, self._now_ms, list(what)))

    async def _bars(self, what: str, digests: set[str]) -> set[str]:
        found = await self._bulk.ask(_BARS, self._tenant_id, self._now_ms, list(digests), what)
        return {row[0] for row in found}
