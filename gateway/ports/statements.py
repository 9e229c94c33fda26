"""Statements of reasons, as they are kept."""

from __future__ import annotations

from typing import Protocol

from gateway.core.statement import Statement


class StatementReader(Protocol):
    """The statements of all restrictions. Raises `StoreUnavailable`."""

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        """Statements of a tenant (None: of all) whose restriction began in ``[from_ms, to_ms)``, ordered by id,
        beginning behind the id ``after``."""
