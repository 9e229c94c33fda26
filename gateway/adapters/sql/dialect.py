"""Statements that SQLAlchemy spells differently for each database, and names for its widest types."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, Table
from sqlalchemy.dialects import postgresql, sqlite

from gateway.adapters.sql.engine import Database

AnyRow = Row[*tuple[Any, ...]]
AnySelect = Select[*tuple[Any, ...]]
Insert = postgresql.Insert | sqlite.Insert


def insert_or(database: Database, table: Table) -> Insert:
    """An insert that can say what to do when the row is there already."""
    return sqlite.insert(table) if database.sqlite else postgresql.insert(table)


def insert_new(database: Database, table: Table) -> Insert:
    """An insert that leaves a row alone that is there already."""
    return insert_or(database, table).on_conflict_do_nothing()


def put(database: Database, table: Table, values: dict[str, Any]) -> Insert:
    """An insert that replaces the row with the same primary key, in the columns given."""
    keys = [column.name for column in table.primary_key.columns]
    statement = insert_or(database, table).values(**values)
    others = {name: statement.excluded[name] for name in values if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)
