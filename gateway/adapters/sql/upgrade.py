"""Bring a database's tables to the newest version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from gateway.adapters.sql.engine import create_engine, edge
from gateway.ports import SchemaNewer

MIGRATIONS: Final = Path(__file__).parent / "migrations"

_LOCK: Final = 7_036_874_417_766_400
"""Any number, the same for every version of the gateway: who migrates a PostgreSQL database holds this lock."""


async def upgrade(url: str, timeout_s: float = 60.0) -> None:
    """Run the migrations that are missing, all in one transaction; safe when several processes do so at once.

    On SQLite the transaction holds the write lock from its beginning; on PostgreSQL an advisory lock does the same.
    Raises `StoreUnavailable`, and `SchemaNewer` where a later version was here; the database is then as it was.
    """
    engine = create_engine(url, timeout_s, pool_size=0)
    try:
        with edge("upgrade"):
            async with engine.begin() as connection:
                if engine.dialect.name == "postgresql":
                    await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                await connection.run_sync(_run)
    finally:
        await engine.dispose()


async def check_schema(url: str, timeout_s: float = 5.0) -> None:
    """Raise `SchemaNewer` where a later version of the gateway was at this database, and `StoreUnavailable` where that
    cannot be found out."""
    engine = create_engine(url, timeout_s, pool_size=0).execution_options(reads=True)
    try:
        with edge("schema"):
            async with engine.connect() as connection:
                await connection.run_sync(_refuse_newer)
    finally:
        await engine.dispose()


def _run(connection: Connection) -> None:
    _refuse_newer(connection)
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_newer(connection: Connection) -> None:
    scripts = ScriptDirectory.from_config(_config())
    ours = {each.revision for each in scripts.walk_revisions()}
    for found in MigrationContext.configure(connection).get_current_heads():
        if found not in ours:
            raise SchemaNewer(found, ", ".join(scripts.get_heads()))


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
