"""The console over a register in a database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.http.console import reported
from tests.http.console.visiting import ADMIN, House, Visitor, console_of
from tests.http.keeping import Keeping, punished


@pytest.fixture(scope="session")
def filled(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same register, with sanctions, see `punish`, and with reports by the public, see `reported`."""
    directory = tmp_path_factory.mktemp("console")
    asyncio.run(punished(filled, directory))
    asyncio.run(reported.fill(directory))
    return directory


@pytest.fixture
def house(desk: Keeping) -> House:
    """A gateway with its console."""
    console = console_of(desk)
    desk.app.state.console = console
    return House(desk, console)


@pytest.fixture
async def visitor(house: House) -> AsyncIterator[Visitor]:
    """Somebody who has not signed in."""
    async with house.visitor() as visitor:
        yield visitor


@pytest.fixture
async def admin(house: House) -> AsyncIterator[Visitor]:
    """An administrator of all tenants, signed in."""
    async with await house.signed_in(ADMIN) as visitor:
        yield visitor
