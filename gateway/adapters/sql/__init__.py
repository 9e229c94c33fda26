"""Store and registry in SQLite or PostgreSQL: `open_store` gives both."""

from gateway.adapters.sql.engine import is_sqlite
from gateway.adapters.sql.following import SqlFollower
from gateway.adapters.sql.imports import SqlImports
from gateway.adapters.sql.listening import ChangeListener
from gateway.adapters.sql.operators import SqlOperators
from gateway.adapters.sql.queue import QueuePart, SqlQueue
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.adapters.sql.registry import SqlRegister
from gateway.adapters.sql.reports import SqlReports
from gateway.adapters.sql.sanctions import SqlSanctions
from gateway.adapters.sql.store import SqlStore, open_store
from gateway.adapters.sql.takedown_orders import SqlOrders
from gateway.adapters.sql.takedown_part import TakedownPart
from gateway.adapters.sql.takedowns import SqlTakedowns
from gateway.adapters.sql.upgrade import check_schema, upgrade

__all__ = [
    "ChangeListener",
    "QueuePart",
    "SqlFollower",
    "SqlImports",
    "SqlOperators",
    "SqlOrders",
    "SqlQueue",
    "SqlRegister",
    "SqlRegistrar",
    "SqlReports",
    "SqlSanctions",
    "SqlStore",
    "SqlTakedowns",
    "TakedownPart",
    "check_schema",
    "is_sqlite",
    "open_store",
    "upgrade",
]
