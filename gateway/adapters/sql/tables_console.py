"""The tables of the console: sessions, passwords, and tries to sign in."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from gateway.adapters.sql.tables import Key, metadata

sessions: Final = Table(
    "console_sessions",
    metadata,
    Column("token_hash", Key, nullable=False),
    # The operator's; a session whose operator is gone goes with it.
    Column("name", Key, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("token_hash"),
    Index("console_sessions_by_name", "name", "created_ms"),
    Index("console_sessions_by_use", "seen_ms"),
)

passwords: Final = Table(
    "console_passwords",
    metadata,
    Column("name", Key, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("name"),
)

tries: Final = Table(
    "console_tries",
    metadata,
    # How often it was tried to sign in since ``since_ms``, under the hash of a name, and from an address.
    Column("what", Key, nullable=False),
    Column("tried", Integer, nullable=False),
    Column("since_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("what"),
    Index("console_tries_by_age", "since_ms"),
)
