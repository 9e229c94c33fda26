"""Looking up accounts: on the hot path, so the look-ups of many callers share one statement of the bare driver.

With millions of accounts most look-ups miss the cache. Through SQLAlchemy each cost as much as judging a message.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple, Protocol

import orjson
from sqlalchemy import make_url

from gateway import metrics
from gateway.adapters.sql.engine import FOREIGN, name_of, pragmas
from gateway.adapters.sql.group import Group
from gateway.adapters.sql.outage import Outage
from gateway.adapters.sql.postgres_connection import connect
from gateway.adapters.sql.writes import check_text
from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)
from gateway.ports import Fault, StoreUnavailable

_PLANNED_ONCE: Final = {"plan_cache_mode": "force_generic_plan"}
"""Planning this statement takes longer than running it for one account, and the server would do it each time."""

_COLUMNS: Final = """
    a.state, a.private, a.account_class, a.term_ends_at,
    r.registrant_id, r.kind, r.state, r.framework, r.level, r.expires_at
"""
_REGISTRANT: Final = """
LEFT JOIN registrants AS r ON r.tenant_id = a.tenant_id AND r.registrant_id = a.registrant_id
"""
_NEWS: Final = "scheme, kind, valid_from, valid_to, active, licence_id, domains"
_SANCTION: Final = "degree, starts_at, ends_at, sanction_id"

# One statement sees one moment: an account, its registrant and all its parts belong together. OFFSET keeps the planner
# from joining the other way round, all accounts with each one wanted, while its statistics are of a smaller table.
_POSTGRES: Final = f"""
SELECT n.place::int, {_COLUMNS},
    (SELECT json_agg(json_build_array({_NEWS}) ORDER BY position)::text FROM authorisations AS p
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id),
    (SELECT json_agg(json_build_array({_SANCTION}) ORDER BY position)::text FROM sanctions AS p
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id)
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (tenant_id, account_id, place)
CROSS JOIN LATERAL (
    SELECT * FROM accounts AS a WHERE a.tenant_id = n.tenant_id AND a.account_id = n.account_id OFFSET 0
) AS a
{_REGISTRANT}
"""  # noqa: S608 - the names are constants

# All rows as one value: the driver gives up the interpreter lock at every row, see `session_sqlite`.
_SQLITE: Final = f"""
SELECT json_group_array(json_array(n.key + 1, {_COLUMNS},
    json((SELECT json_group_array(json_array({_NEWS})) FROM (SELECT * FROM authorisations AS p
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id ORDER BY position))),
    json((SELECT json_group_array(json_array({_SANCTION})) FROM (SELECT * FROM sanctions AS p
        WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id ORDER BY position)))
)) FROM json_each(?) AS n
JOIN accounts AS a ON a.tenant_id = n.value ->> 0 AND a.account_id = n.value ->> 1
{_REGISTRANT}
"""  # noqa: S608 - the names are constants


class Wanted(NamedTuple):
    """Whose account is looked up."""

    tenant_id: str
    account_id: str
    size: int = 0


Rows = Iterable[Sequence[Any]]
"""For each account found: its place among those wanted, counted from 1, and its columns."""


class Reader(Protocol):
    """The one connection that accounts are looked up on. It opens by itself, and again after a failure."""

    async def read(self, wanted: list[Wanted]) -> Rows:
        """What is there, of one moment. Raises `StoreUnavailable`."""

    async def close(self) -> None:
        """Close the connection."""


class Lookup:
    """Finds accounts: what was asked for while the last statement ran is asked in the next."""

    def __init__(self, reader: Reader, limit: int, queue: int) -> None:
        self._reader = reader
        self._outage = Outage("accounts")
        self._group: Group[Wanted, Account | None] = Group(
            self._read, limit=limit, queue=queue, sizes=metrics.LOOKUP_BATCH
        )

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        """The account, or None if this tenant has none of that id. Raises `StoreUnavailable`."""
        check_text(tenant_id, account_id)
        return await self._group.put(Wanted(tenant_id, account_id))

    async def close(self) -> None:
        """Answer those who wait, and no more."""
        await self._group.close()
        await self._reader.close()

    async def _read(self, wanted: list[Wanted]) -> list[Account | Fault | None]:
        found: list[Account | Fault | None] = [None] * len(wanted)
        try:
            for row in await self._reader.read(wanted):
                found[row[0] - 1] = account_of(wanted[row[0] - 1].account_id, row)
        except StoreUnavailable as fault:
            self._outage.failed(str(fault))
            return [StoreUnavailable(str(fault)) for _ in wanted]
        self._outage.works()
        return found


def account_of(account_id: str, row: Sequence[Any]) -> Account:
    """The account of a row. Ids, and words that many share, are kept in memory once."""
    _, state, private, account_class, term_ends_at, registrant_id, kind, verification, framework, level, *rest = row
    expires_at, news, sanctions = rest
    return Account(
        account_id=account_id,
        state=AccountState(state),
        registrant=None
        if registrant_id is None
        else Registrant(
            registrant_id,
            RegistrantKind(kind),
            VerificationState(verification),
            framework and sys.intern(framework),
            level and sys.intern(level),
            expires_at,
        ),
        news=tuple(
            NewsAuthorisation(
                sys.intern(scheme), NewsKind(kind), start, end, bool(active), licence_id, tuple(_parts(domains))
            )
            for scheme, kind, start, end, active, licence_id, domains in _parts(news)
        ),
        sanctions=tuple([Sanction(Degree(degree), *rest) for degree, *rest in _parts(sanctions)]),
        private=bool(private),
        account_class=sys.intern(account_class),
        term_ends_at=term_ends_at,
    )


def _parts(packed: str | list[Any] | None) -> list[Any]:
    """PostgreSQL gives a list as text, and None for none; SQLite a list inside the list of all rows."""
    if isinstance(packed, str):
        packed = [] if packed == "[]" else orjson.loads(packed)
    return packed or []


class PostgresReader:
    """A `Reader` on PostgreSQL. ``timeout_s`` bounds each statement, here and on the server."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._timeout_s = timeout_s
        self._connection: Any = None

    async def read(self, wanted: list[Wanted]) -> Rows:
        """See `Reader`."""
        try:
            if self._connection is None or self._connection.is_closed():
                self._connection = await connect(self._url, self._timeout_s, _PLANNED_ONCE)
            found: Rows = await self._connection.fetch(
                _POSTGRES, [one.tenant_id for one in wanted], [one.account_id for one in wanted]
            )
            return found
        except FOREIGN as error:
            self._drop()
            raise StoreUnavailable(f"account: {name_of(error)}") from error
        except BaseException:
            self._drop()  # a statement cut short may still be under way
            raise

    async def close(self) -> None:
        """See `Reader`."""
        self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.terminate()


class SqliteReader:
    """A `Reader` on a SQLite file, in a thread of its own. ``timeout_s`` bounds the wait for the file's lock."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._path = make_url(url).database or ""
        self._timeout_s = timeout_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite-reader")
        self._connection: sqlite3.Connection | None = None

    async def read(self, wanted: list[Wanted]) -> Rows:
        """See `Reader`."""
        pairs = orjson.dumps([(one.tenant_id, one.account_id) for one in wanted]).decode()
        try:
            packed = await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, pairs)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"account: {name_of(error)}") from error
        found: Rows = orjson.loads(packed)
        return found

    async def close(self) -> None:
        """See `Reader`."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _ask(self, pairs: str) -> str:
        if self._connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None)
            for pragma in pragmas(self._timeout_s):
                connection.execute(pragma)
            self._connection = connection
        (packed,) = self._connection.execute(_SQLITE, (pairs,)).fetchone()
        return str(packed)

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
