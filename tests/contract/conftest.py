"""The places that the suites of store and registry run in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from gateway.adapters.sql import open_store, upgrade
from gateway.core.model import Account, AccountState
from gateway.ports import Register, Store
from tests.contract.newsroom import HOLDER, OTHER, QUIET, TENANT, Office
from tests.contract.places import InDatabase, InMemory, Place, empty


@pytest.fixture(scope="session")
def contract_database(postgres: Postgres) -> str:
    """A PostgreSQL database, shared by the tests, each of which finds it empty."""
    return postgres.create_database("contract")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each kind of store, empty."""
    match request.param:
        case "memory":
            return InMemory()
        case "sqlite":
            return InDatabase(f"sqlite+aiosqlite:///{tmp_path}/gateway.db")
    url: str = request.getfixturevalue("contract_database")
    await upgrade(url)
    await empty(url)
    return InDatabase(url)


@pytest.fixture
async def opened(place: Place) -> AsyncIterator[tuple[Store, Register]]:
    """The place, opened by a first process."""
    async with place.open() as both:
        yield both


@pytest.fixture
def store(opened: tuple[Store, Register]) -> Store:
    """The store of the first process."""
    return opened[0]


@pytest.fixture
def register(opened: tuple[Store, Register]) -> Register:
    """The registry of the first process."""
    return opened[1]


@pytest.fixture
async def second(place: Place, opened: tuple[Store, Register]) -> AsyncIterator[tuple[Store, Register]]:
    """The same place, opened by a second process."""
    async with place.open() as both:
        yield both


@pytest.fixture(params=["sqlite", "postgres"])
async def office_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    found: str = request.getfixturevalue("contract_database")
    await upgrade(found)
    await empty(found)
    return found


@pytest.fixture
async def office(office_url: str) -> AsyncIterator[Office]:
    """The database with two tenants, two registrants and their accounts."""
    async with open_store(office_url) as (store, register):
        await register.put_tenant(TENANT, "h1", "test", 0)
        await register.put_tenant(QUIET, "h2", "test", 0)
        for account_id in ("acc-1", "acc-2", "acc-3"):
            await register.put_account("t1", Account(account_id, AccountState.ACTIVE, HOLDER), "test", 0)
        await register.put_account("t1", Account("acc-9", AccountState.ACTIVE, OTHER), "test", 0)
        await register.put_account("t2", Account("acc-1", AccountState.ACTIVE, HOLDER), "test", 0)
        yield Office(store, register)
