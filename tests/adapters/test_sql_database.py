"""Databases that are locked, cut off, killed or made by two at once."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from msgspec.structs import replace
from prometheus_client import REGISTRY
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

from deploy.local.postgres import Postgres
from gateway.adapters.sql import SqlStore, open_store, upgrade
from gateway.adapters.sql.engine import create_engine, pragmas
from gateway.adapters.sql.tables import metadata
from gateway.core.audit import breaks
from gateway.core.model import MessageState
from gateway.ports import LeaseLost, StoreUnavailable
from tests.contract.samples import TENANT, change, entry, owner_of

_names = count(1)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A new database without tables."""
    if request.param == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = f"adapter_{next(_names)}"
    yield server.create_database(name)
    server.drop_database(name)


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[tuple[str, str]]:
    """The name and the URL of a new PostgreSQL database."""
    name = f"adapter_{next(_names)}"
    yield name, postgres.create_database(name)
    postgres.drop_database(name)


async def in_database(url: str, act: Callable[[Connection], object]) -> object:
    engine: AsyncEngine = create_engine(url, 10.0, pool_size=0)
    async with engine.begin() as connection:
        result = await connection.run_sync(act)
    await engine.dispose()
    return result


async def modes(file: Path) -> dict[str, int]:
    """The modes of a database's files while it is open."""
    async with open_store(f"sqlite+aiosqlite:///{file}") as (store, _), store.database.writing("test"):
        return {each.name: each.stat().st_mode & 0o777 for each in file.parent.iterdir()}


async def test_a_file_that_the_gateway_makes_is_for_its_owner_alone(tmp_path: Path) -> None:
    made = await modes(tmp_path / "gateway.db")
    assert made == {"gateway.db": 0o600, "gateway.db-wal": 0o600, "gateway.db-shm": 0o600}


async def test_a_file_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "gateway.db"
    file.touch()
    file.chmod(0o640)
    assert set((await modes(file)).values()) == {0o640}


def test_every_sqlite_connection_overwrites_what_it_deletes() -> None:
    """Whatever the default of this build is: what was kept of a registrant is in the file otherwise."""
    connection = sqlite3.connect(":memory:")
    connection.execute("PRAGMA secure_delete = OFF")
    for pragma in pragmas(1.0):
        connection.execute(pragma)
    assert connection.execute("PRAGMA secure_delete").fetchall() == [(1,)]
    connection.close()


async def test_migrations_make_the_tables_that_queries_use(url: str) -> None:
    await upgrade(url)
    await upgrade(url)

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, metadata)

    assert await in_database(url, differences) == []


async def test_two_processes_may_upgrade_at_once(url: str) -> None:
    code = "import asyncio, sys; from gateway.adapters.sql import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code, url) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
    async with SqlStore.open(url) as store:
        await store.ping()


async def test_a_failed_upgrade_leaves_the_database_as_it_was(url: str) -> None:
    await in_database(url, lambda connection: connection.execute(text("CREATE TABLE sanctions (a int)")))
    with pytest.raises(StoreUnavailable):
        await upgrade(url)

    def tables(connection: Connection) -> object:
        return sorted(connection.dialect.get_table_names(connection))

    assert await in_database(url, tables) == ["sanctions"]


async def test_a_lock_held_by_others_is_waited_for_only_so_long(url: str) -> None:
    await upgrade(url)
    # Only what is blocked has so little time: what must succeed may take longer on a busy machine.
    async with SqlStore.open(url) as patient, SqlStore.open(url, timeout_s=0.3) as store:
        owner = await owner_of(patient)
        engine = create_engine(url, 10.0, pool_size=0)
        async with engine.begin() as other:
            await other.execute(text("UPDATE chains SET holder = holder"))
            new = entry()
            results = await asyncio.gather(
                store.commit(owner, new),
                store.append_audit("x", "{}", 0),
                store.renew(owner, 1, 1),
                return_exceptions=True,
            )
            assert [type(result) for result in results] == [StoreUnavailable] * 3
        await engine.dispose()
        assert await patient.message(new.message_id) is None
        assert await patient.commit(owner, new) is None


async def test_a_database_that_is_gone_makes_faults_and_works_again_when_it_is_back(
    postgres: Postgres, postgres_url: tuple[str, str]
) -> None:
    name, url = postgres_url

    async def administer(statement: str) -> None:
        engine = create_engine(postgres.url, 10.0, pool_size=0).execution_options(isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(statement))
        await engine.dispose()

    async with open_store(url, timeout_s=2.0) as (store, register):
        owner = await owner_of(store)
        await register.put_tenant(TENANT, "h", "Ann", 0)
        before = entry()
        await store.commit(owner, before)
        await administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        await administer(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")  # noqa: S608
        lost = [entry() for _ in range(5)]
        results = await asyncio.gather(
            *[store.commit(owner, new) for new in lost],
            store.ping(),
            store.move(owner, change(before, MessageState.FORWARDING, MessageState.PUBLISHED)),
            store.message(before.message_id),
            store.claim_queued(owner, 1, 1),
            store.recover(1),
            store.lease("two", 8, 1, 1),
            store.append_audit("x", "{}", 1),
            register.tenant("t1"),
            register.put_tenant(TENANT, "h", "Ann", 1),
            return_exceptions=True,
        )
        assert [type(result) for result in results] == [StoreUnavailable] * 14
        await administer(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        await store.ping()
        assert await store.move(owner, change(before, MessageState.FORWARDING, MessageState.PUBLISHED))
        assert await asyncio.gather(*[store.commit(owner, new) for new in lost]) == [None] * 5
        rows = [row async for row in store.audit()]
        assert list(breaks(rows, await store.heads())) == []


async def test_a_batch_waits_for_whoever_ends_its_lease_and_is_then_refused(postgres_url: tuple[str, str]) -> None:
    name, url = postgres_url
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        await store.ping()
        engine = create_engine(url, 10.0, pool_size=0)
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE datname = :name AND wait_event_type = 'Lock'")
        async with engine.begin() as other:
            await other.execute(text("UPDATE chains SET expires_ms = 0"))
            commit = asyncio.ensure_future(store.commit(owner, entry()))
            while not await other.scalar(waiting, {"name": name}):
                assert not commit.done()
        with pytest.raises(LeaseLost):
            await commit
        assert await store.count(MessageState.FORWARDING) == (0, None)
        await engine.dispose()


async def test_look_ups_do_not_count_as_commits(url: str) -> None:
    names = ("gateway_group_commit_count", "gateway_lookup_batch_count")
    async with open_store(url) as (store, register):
        before = [REGISTRY.get_sample_value(name) or 0.0 for name in names]
        await register.account(TENANT.tenant_id, "nobody")
        await store.by_key(TENANT.tenant_id, "free")
        assert [REGISTRY.get_sample_value(name) for name in names] == [before[0], before[1] + 2]


async def test_a_fault_does_not_quote_the_row(url: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        new = entry(fingerprint="secret")
        await store.commit(owner, new)
        with pytest.raises(StoreUnavailable) as caught:
            await store.commit(owner, new)
        assert "secret" not in str(caught.value)
        assert new.message_id not in str(caught.value)


@pytest.mark.parametrize("text_", ["a\x00b", "\ud800"])
async def test_text_that_no_database_takes_costs_its_own_caller_only(url: str, text_: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        bad = entry()
        bad_account = replace(bad, message=replace(bad.message, account_id=text_))
        good = entry(key="a")
        results = await asyncio.gather(
            store.by_key("t1", text_),
            store.by_key("t1", "free"),
            store.commit(owner, entry(key=text_)),
            store.commit(owner, bad_account),
            store.commit(owner, good),
            return_exceptions=True,
        )
        fault, fine = StoreUnavailable, type(None)
        assert [type(result) for result in results] == [fault, fine, fault, fault, fine]
        assert (await store.count(MessageState.FORWARDING))[0] == 1


async def test_what_still_queues_is_written_when_the_store_closes(url: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        entries = [entry() for _ in range(20)]
        tasks = [asyncio.ensure_future(store.commit(owner, new)) for new in entries]
        await asyncio.sleep(0)
    assert await asyncio.gather(*tasks) == [None] * 20
    with pytest.raises(StoreUnavailable):
        await store.commit(owner, entry())
    async with SqlStore.open(url) as again:
        assert (await again.count(MessageState.FORWARDING))[0] == 20


async def test_the_write_queue_is_bounded(url: str) -> None:
    await upgrade(url)
    async with SqlStore.open(url, queue=10) as store:
        owner = await owner_of(store)
        results = await asyncio.gather(*[store.commit(owner, entry()) for _ in range(30)], return_exceptions=True)
        assert [type(result) for result in results] == [type(None)] * 10 + [StoreUnavailable] * 20


_WRITER = """
import asyncio, sys
from msgspec.structs import replace
from gateway.adapters.sql import open_store
from gateway.core.model import MessageState
from tests.contract.samples import change, entry, owner_of

async def write(store, owner):
    while True:
        new = entry(idempotent=False)
        new = replace(new, key=new.message_id)
        if await store.commit(owner, new) is None:
            print(new.message_id, flush=True)
            await store.move(owner, change(new, MessageState.FORWARDING, MessageState.PUBLISHED))

async def main():
    async with open_store(sys.argv[1]) as (store, _):
        owner = await owner_of(store)
        await asyncio.gather(*[write(store, owner) for _ in range(8)])

asyncio.run(main())
"""


async def test_what_a_killed_process_acknowledged_is_there(url: str) -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _WRITER, url, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        acknowledged = [(await process.stdout.readline()).decode().strip() for _ in range(200)]
    finally:
        process.send_signal(signal.SIGKILL)
    acknowledged += (await process.stdout.read()).decode().split("\n")[:-1]
    await process.wait()
    async with SqlStore.open(url) as store:
        for message_id in acknowledged:
            found = await store.message(message_id)
            assert found is not None
            assert len(await store.history(message_id)) == (2 if found.state is MessageState.PUBLISHED else 1)
        rows = [row async for row in store.audit()]
        assert list(breaks(rows, await store.heads())) == []
        await owner_of(store)
        queued, unknown = await store.recover(0)
        assert (queued, (await store.count(MessageState.FORWARDING))[0]) == (0, 0)
        published, _ = await store.count(MessageState.PUBLISHED)
        assert published + unknown >= len(acknowledged)


async def test_an_audit_row_changed_in_the_database_shows(url: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        for _ in range(3):
            await store.commit(owner, entry())
        statement = text("UPDATE audit SET body = replace(body, 'allow', 'block') WHERE seq = 2")
        await in_database(url, lambda connection: connection.execute(statement))
        rows = [row async for row in store.audit()]
        assert list(breaks(rows, await store.heads())) == ["chain 0, row 2: was changed after it was written"]


async def test_a_stored_row_that_cannot_be_read_is_a_fault(url: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        new = entry()
        await store.commit(owner, new)
        await in_database(url, lambda c: c.execute(text("UPDATE decisions SET case_json = '[\"secret\"]'")))
        for read in (store.message(new.message_id), store.cases(new.message_id)):
            with pytest.raises(StoreUnavailable) as caught:
                await read
            assert "secret" not in str(caught.value)


async def test_sqlite_is_durable_and_checks_keys(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    await upgrade(url)

    def read(connection: Connection) -> object:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await in_database(url, read) == ["wal", 2, 1, 10_000]
    other = sqlite3.connect(tmp_path / "gateway.db")
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


async def test_keys_are_found_though_upkeep_has_all_connections(url: str) -> None:
    async with open_store(url) as (store, _), AsyncExitStack() as upkeep:
        owner = await owner_of(store)
        new = entry(key="k1")
        await store.commit(owner, new)
        for _ in range(4):
            await upkeep.enter_async_context(store.database.reading("upkeep"))
        found = await store.by_key(TENANT.tenant_id, "k1")
        assert found is not None
        assert found.message_id == new.message_id
        assert await store.by_key(TENANT.tenant_id, "k2") is None


async def test_one_line_when_keys_cannot_be_looked_up_and_one_when_they_can(
    postgres_url: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    _, url = postgres_url

    async def rename(old: str, new: str) -> None:
        await in_database(url, lambda connection: connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}")))

    async with open_store(url) as (store, _):
        await store.by_key(TENANT.tenant_id, "k1")
        await rename("idempotency_keys", "gone")
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await store.by_key(TENANT.tenant_id, "k1")
        await rename("gone", "idempotency_keys")
        for _ in range(3):
            assert await store.by_key(TENANT.tenant_id, "k1") is None
    lines = [record.msg for record in caplog.records if record.name.endswith("outage")]
    assert lines == ["look-up fails; requests are answered 503", "look-up works again"]


async def test_a_store_that_is_warm_has_changed_nothing(url: str) -> None:
    async with open_store(url) as (store, _):
        owner = await owner_of(store)
        for _ in range(2):
            await store.warm()
        assert await store.heads() == {}
        new = entry()
        assert await store.commit(owner, new) is None
        await store.warm()
        assert await store.move(owner, change(new, MessageState.FORWARDING, MessageState.PUBLISHED))
        assert [found.message_id for found in await store.in_state(MessageState.PUBLISHED, 9)] == [new.message_id]
        assert list(breaks([row async for row in store.audit()], await store.heads())) == []
