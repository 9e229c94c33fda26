"""Connections to PostgreSQL without SQLAlchemy: on the hot path a statement of theirs costs more than a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from gateway.adapters.sql.engine import settings, watch


async def connect(url: str, timeout_s: float, more: Mapping[str, str] | None = None) -> Any:
    """A new connection to the database of a SQLAlchemy URL, set as every session of the hot path is, and with ``more``
    server settings. ``timeout_s`` bounds each statement, here and on the server. Raises what the driver raises."""
    dialect: Any = PGDialect_asyncpg  # untyped
    arguments: dict[str, Any] = dialect().create_connect_args(make_url(url))[1]
    connection = await asyncpg.connect(
        **arguments,
        timeout=timeout_s,
        command_timeout=timeout_s,
        server_settings={**settings(timeout_s), **(more or {})},
    )
    watch(connection)
    return connection
