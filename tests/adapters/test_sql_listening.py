"""A change to the registry is heard of when it is committed, and again after the connection was lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from deploy.local.postgres import Postgres, execute
from deploy.local.processes import free_port
from gateway.adapters.sql import ChangeListener, open_store
from gateway.ports import Register, StoreUnavailable
from tests.contract.samples import ACCOUNT, TENANT

LIMIT_S = 10


@pytest.fixture(scope="module")
def url(postgres: Postgres) -> str:
    return postgres.create_database("listening")


@pytest.fixture
async def register(url: str) -> AsyncIterator[Register]:
    async with open_store(url) as (_, register):
        yield register


@pytest.fixture
def heard() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def listener(url: str, register: Register, heard: asyncio.Event) -> AsyncIterator[ChangeListener]:
    """A listener on tables that are there, told of the beginning already."""
    listener = ChangeListener(url, heard.set)
    await listener.keep()
    await told(heard)
    yield listener
    await listener.close()


async def told(heard: asyncio.Event) -> None:
    async with asyncio.timeout(LIMIT_S):
        await heard.wait()
    heard.clear()


@pytest.mark.usefixtures("listener")
async def test_every_write_is_heard_of(register: Register, heard: asyncio.Event) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await told(heard)
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    await told(heard)


async def test_listening_goes_on_after_the_connection_was_lost(
    url: str, register: Register, listener: ChangeListener, heard: asyncio.Event
) -> None:
    execute(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    async with asyncio.timeout(LIMIT_S):
        while not heard.is_set():  # what was missed is told of as one
            await listener.keep()
            await asyncio.sleep(0)
    heard.clear()
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await told(heard)


async def test_no_connection_is_a_fault() -> None:
    nowhere = ChangeListener(f"postgresql+asyncpg://postgres@127.0.0.1:{free_port()}/postgres", lambda: None)
    with pytest.raises(StoreUnavailable, match="listen"):
        await nowhere.keep()
