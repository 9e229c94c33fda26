"""Audit chains in memory."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.audit import GENESIS, link
from gateway.core.records import AuditRow


class Chains:
    """All audit chains, in the order their rows were written."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.heads: dict[int, tuple[int, str]] = {}

    def append(self, chain: int, at_ms: int, kind: str, message_id: str, body: str) -> None:
        """Link one row to the end of a chain."""
        seq, prev = self.heads.get(chain, (0, GENESIS))
        row = link(prev, chain, seq + 1, at_ms, kind, message_id, body)
        self.rows.append(row)
        self.heads[chain] = (row.seq, row.hash)

    def of(self, chain: int) -> Iterator[AuditRow]:
        """The rows of one chain, oldest first."""
        return (row for row in self.rows if row.chain == chain)
