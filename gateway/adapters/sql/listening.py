"""Hearing of changes to the registry as they are committed, on PostgreSQL.

It only makes the change feed be read sooner. Who hears nothing, because the connection is lost or the database is
another, reads it as often as ever, and trusts no cache when it cannot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import func
from sqlalchemy.sql.functions import Function

from gateway.adapters.sql.engine import edge
from gateway.adapters.sql.postgres_connection import connect

CHANNEL: Final = "registry_changed"

_APART_S: Final = 0.02
"""Many commits in a row are told of fifty times a second at most."""


def notify() -> Function[None]:
    """What a transaction selects to tell the listeners, once it is committed."""
    return func.pg_notify(CHANNEL, "")


class ChangeListener:
    """Calls ``heard`` soon after a change was committed, as long as its connection lasts."""

    def __init__(self, url: str, heard: Callable[[], None], timeout_s: float = 5.0) -> None:
        self._url = url
        self._heard = heard
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._told: asyncio.TimerHandle | None = None

    async def keep(self) -> None:
        """Listen, unless it does already; what was missed in between is told of as one. To be repeated. Raises
        `StoreUnavailable` while there is no connection."""
        if self._connection is not None and not self._connection.is_closed():
            return
        with edge("listen"):
            self._connection = await connect(self._url, self._timeout_s)
            await self._connection.add_listener(CHANNEL, self._notified)
        self._notified()

    async def close(self) -> None:
        """Hear no more."""
        if self._told is not None:
            self._told.cancel()
        if self._connection is not None:
            self._connection.terminate()

    def _notified(self, *_: object) -> None:
        if self._told is None:
            self._told = asyncio.get_running_loop().call_later(_APART_S, self._tell)

    def _tell(self) -> None:
        self._told = None
        self._heard()
