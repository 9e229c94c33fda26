"""Store and registry in SQLite or PostgreSQL: `open_store` gives both."""

from gateway.adapters.sql.operators import SqlOperators
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.adapters.sql.registry import SqlRegister
from gateway.adapters.sql.store import SqlStore, open_store
from gateway.adapters.sql.upgrade import upgrade

__all__ = ["SqlOperators", "SqlRegister", "SqlRegistrar", "SqlStore", "open_store", "upgrade"]
