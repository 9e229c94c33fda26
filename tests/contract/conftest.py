"""The places that the suites of store and registry run in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.postgres import Postgres
from gateway.adapters.sql import upgrade
from gateway.ports import Register, Store
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
