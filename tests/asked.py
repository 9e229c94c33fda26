"""What a database is asked, for tests of how often and with what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from gateway.adapters.sql.engine import Database


@contextmanager
def asked(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """The statements that are carried out within the block, with their parameters."""
    found: list[tuple[str, Any]] = []

    def look(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_given: Any) -> None:
        found.append((statement, parameters))

    event.listen(database.engine.sync_engine, "before_cursor_execute", look)
    try:
        yield found
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", look)
