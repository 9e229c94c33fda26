"""Looking for rows of the audit chains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.core.audit_search import AuditQuery
from gateway.core.records import AuditRow


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, newest first. ``place`` is where the search goes on, None at the end; ``reached_ms`` is how far back it has
    looked (unix ms), None when nothing older is left."""

    rows: list[AuditRow]
    place: dict[int, int] | None
    reached_ms: int | None


class AuditSearch(Protocol):
    """The audit chains, searched by a person. All raise `StoreUnavailable`."""

    async def search(self, query: AuditQuery, place: Mapping[int, int] | None, limit: int) -> Page:
        """At most ``limit`` rows in order of time, over all chains.

        The chains have no index by account or actor, which every message would have to pay for. So a search looks at a
        bounded number of rows, and a page may have few rows, or none, and yet be followed by others.
        """

    async def about(self, tenant_id: str, subject: str, before: int | None, limit: int) -> list[AuditRow]:
        """What was done about a subject (see `gateway.core.audit.subject`), newest first, before this row of the
        administrators' chain."""
