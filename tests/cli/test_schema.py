"""A program that is older than the database's tables says so in one sentence, whatever it was asked to do."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gateway
from gateway.adapters.sql import upgrade
from tests.cli.conftest import Office

HOME = Path(gateway.__file__).parents[1]


@pytest.fixture
def later(office: Office) -> Office:
    """A database that a later version has changed."""
    asyncio.run(upgrade(office.url))
    office.sql("UPDATE alembic_version SET version_num = '9999'")
    return office


@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "show", "t1", "acc-1"),
        ("holds", "list"),
        ("audit", "verify"),
        ("tenants", "list"),
        ("messages", "list", "unknown"),
        ("serve",),
        ("serve", "--workers", "2"),
    ],
)
def test_an_old_program_on_a_newer_database_ends_with_one_sentence(later: Office, words: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *words],
        env={**os.environ, "GATEWAY_DATABASE_URL": later.url},
        cwd=HOME,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    (ours,) = later.sql("SELECT version_num FROM alembic_version")
    assert ours == ("9999",), "it leaves the database alone"
    newest = sorted((HOME / "gateway/adapters/sql/migrations/versions").glob("[0-9]*.py"))[-1].name[:4]
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == (
        f"Error: The database has schema 9999, newer than this program's {newest}; upgrade the program, or set "
        "GATEWAY_DATABASE_URL to another database.\n"
    )
