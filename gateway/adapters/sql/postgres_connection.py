"""Connections to PostgreSQL without SQLAlchemy: on the hot path a statement of theirs costs more than a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from gateway.adapters.sql.engine import settings

IN_ORDER: Final = {"join_collapse_limit": "1"}
"""For statements that begin with a list of what is wanted: tables are joined in the order they are written in. While
statistics are of a time when a table was small, it would be read as a whole for each thing wanted."""


async def connect(url: str, timeout_s: float, more: Mapping[str, str] | None = None) -> Any:
    """A new connection to the database of a SQLAlchemy URL, set as every session of the hot path is, and with ``more``
    server settings. ``timeout_s`` bounds each statement, here and on the server. Raises what the driver raises."""
    dialect: Any = PGDialect_asyncpg  # untyped
    arguments: dict[str, Any] = dialect().create_connect_args(make_url(url))[1]
    return await asyncpg.connect(
        **arguments,
        timeout=timeout_s,
        command_timeout=timeout_s,
        server_settings={**settings(timeout_s), **(more or {})},
    )
