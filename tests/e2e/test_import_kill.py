"""An import that is killed, interrupted, and started again ends with exactly what the file says, once each."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from deploy.local.postgres import Postgres
from deploy.local.processes import spawn, tail
from gateway.adapters.sql import open_store
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.tables import accounts, registrants
from gateway.adapters.sql.tables_register import imports
from gateway.core.audit import breaks
from tests.contract.samples import TENANT
from tests.e2e.support import tell, until

LINES = 150_000
BAD_EVERY = 997
LIMIT_S = 120

Account = tuple[str, str, str]


class File:
    """A file of accounts with bad lines of several kinds, and what should become of it."""

    def __init__(self, path: Path, *, as_json: bool) -> None:
        self.path = path
        self.accounts: set[Account] = set()
        self.rejects: list[tuple[int, str]] = []
        header = [] if as_json else [b"account_id,registrant_id,name,registrant_kind,state"]
        lines = [self._line(number, as_json) for number in range(len(header) + 1, LINES + 1)]
        content = b"\n".join([*header, *lines]) + b"\n"
        path.write_bytes(gzip.compress(content, 1) if as_json else content)

    def _line(self, number: int, as_json: bool) -> bytes:
        account, holder, name = f"acc-{number}", f"o-{number // 3}", f"Account {number}"
        bad = number // BAD_EVERY % 4 if number % BAD_EVERY == 0 else None
        values = {
            "account_id": "" if bad == 0 else account,
            "registrant_id": "unknown" if bad == 1 else holder,
            "name": name,
            "registrant_kind": "" if bad == 1 else "organisation",
            "state": "frozen" if bad == 2 else "",
        }
        match bad:
            case None:
                self.accounts.add((account, holder, name))
            case 3:
                self.rejects.append((number, ""))
                return b"{" if as_json else b"\xff,x,x,x,x"
            case _:
                self.rejects.append((number, ("account_id", "registrant_id", "state")[bad]))
        return json.dumps(values).encode() if as_json else ",".join(values.values()).encode()


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Each database, without tables."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    name = f"kill_{uuid.uuid4().hex[:12]}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


async def done(database: Database) -> int:
    """How many lines of the file are in the register."""
    async with database.reading("imports") as connection:
        return await connection.scalar(select(imports.c.lines)) or 0


async def more_is_done(database: Database, before: int, process: subprocess.Popen[bytes]) -> None:
    """Return when a chunk was committed behind line ``before``, or the process has ended."""
    while await done(database) == before and process.poll() is None:  # noqa: ASYNC110 - no event to wait for
        await asyncio.sleep(0.002)


def rejected(path: Path) -> list[tuple[int, str]]:
    """The lines and fields in a file of rejects."""
    header, *lines = path.read_text().splitlines()
    assert header == "line,field,reason"
    return [(int(number), field) for number, field, _ in (line.split(",", 2) for line in lines)]


async def test_killed_three_times_it_ends_with_the_file_s_accounts(url: str, tmp_path: Path) -> None:
    file = File(tmp_path / "accounts", as_json="postgres" in url)
    async with open_store(url) as (_, register):
        await register.put_tenant(TENANT, "h1", "Ann", 0)
    command = [sys.executable, "-m", "gateway", "accounts", "import", "t1", str(file.path), "--actor", "Ann"]
    environment = {**os.environ, "GATEWAY_DATABASE_URL": url}
    database, log = Database(url, timeout_s=10.0, pool_size=1), tmp_path / "import.log"
    chance = random.Random()  # noqa: S311 - any moment will do
    for _ in range(3):
        before = await done(database)
        process = spawn(command, output=log, environment=environment)
        await more_is_done(database, before, process)
        await asyncio.sleep(chance.uniform(0, 0.15))  # the moment, and not a wait for anything
        process.send_signal(signal.SIGKILL)
        assert process.wait(LIMIT_S) == -signal.SIGKILL, tail(log)
        tell(f"killed behind line {await done(database)}")
    assert before < LINES

    before = await done(database)
    process = spawn(command, output=log, environment=environment)
    await more_is_done(database, before, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT_S) == 1, tail(log)
    told = f"line {await done(database)} is done; the same command goes on there"
    assert tail(log, 3).splitlines()[-1] == "Aborted!"
    assert told in tail(log, 3)

    before = await done(database)
    process = spawn(command, output=log, environment=environment)
    await until(lambda: process.poll() is not None, LIMIT_S, "the import ended")
    assert process.returncode == 1, tail(log)
    assert f"going on behind line {before}" in log.read_text().splitlines()
    rejects = Path(f"{file.path}.rejects.csv")
    counts = f"{len(file.accounts)} new, 0 changed, 0 moved to another registrant, 0 unchanged"
    said = f"{len(file.accounts)} accounts ({counts}), {len(file.rejects)} rejected (see {rejects})"
    assert tail(log, 1) == said

    async with database.reading("accounts") as connection:
        rows = await connection.execute(select(accounts.c.account_id, accounts.c.registrant_id, accounts.c.name))
        assert {(row[0], row[1], row[2]) for row in rows} == file.accounts
        holders = await connection.scalars(select(registrants.c.registrant_id))
        assert set(holders) == {holder for _, holder, _ in file.accounts}
    await database.close()
    assert rejected(rejects) == file.rejects
    async with open_store(url) as (store, _):
        assert list(breaks([row async for row in store.audit()], await store.heads())) == []

    process = spawn(command, output=log, environment=environment)
    await until(lambda: process.poll() is not None, LIMIT_S, "the second run ended")
    assert tail(log, 1) == f"{said}: this file was taken in before; --again does it once more"
