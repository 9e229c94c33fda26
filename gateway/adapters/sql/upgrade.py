"""Bring a database's tables to the newest version."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from gateway.adapters.sql.engine import create_engine, edge

MIGRATIONS: Final = Path(__file__).parent / "migrations"

_LOCK: Final = 7_036_874_417_766_400
"""Any number, the same for every version of the gateway: who migrates a PostgreSQL database holds this lock."""


async def upgrade(url: str, timeout_s: float = 60.0) -> None:
    """Run the migrations that are missing, all in one transaction; safe when several processes do so at once.

    On SQLite the transaction holds the write lock from its beginning; on PostgreSQL an advisory lock does the same.
    Raises `StoreUnavailable`; the database is then as it was.
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


def _run(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
