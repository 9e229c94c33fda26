"""Where the yearly report's figures on reports and appeals come from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from gateway.core.happened import Act


class Figures(Protocol):
    """The acts on reports and appeals, as the audit chain has them: times, codes and ids, and nothing personal."""

    def acts(self, tenant_id: str, from_ms: int, to_ms: int) -> AsyncIterator[Act]:
        """A tenant's acts of the kinds ``report`` and ``appeal`` in ``[from_ms, to_ms)``, in the order in which they
        were written, read in pages. Raises `StoreUnavailable`."""
