"""What the platforms' requests need remembered, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.adapters.memory.leases import MemoryLeases


class MemoryPlatformRecords(MemoryLeases):
    """The part of the store in memory that knows credentials and references."""

    def __init__(self) -> None:
        super().__init__()
        self._credentials: dict[tuple[str, str, str], tuple[str, int | None]] = {}
        self._references: dict[tuple[str, str, str], list[str]] = {}

    async def account_by_credential(self, tenant_id: str, platform: str, index: str, now_ms: int) -> str | None:
        """See `gateway.ports.Credentials`."""
        self._check()
        account_id, expires_ms = self._credentials.get((tenant_id, platform, index), ("", 0))
        return account_id if expires_ms is None or expires_ms > now_ms else None

    async def put_credential(
        self, tenant_id: str, platform: str, index: str, account_id: str, expires_ms: int | None
    ) -> None:
        """See `gateway.ports.Credentials`."""
        self._check()
        self._credentials[tenant_id, platform, index] = (account_id, expires_ms)

    async def remember(self, tenant_id: str, platform: str, references: Sequence[str], message_id: str) -> None:
        """See `gateway.ports.References`."""
        self._check()
        for reference in references:
            known = self._references.setdefault((tenant_id, platform, reference), [])
            if message_id not in known:
                known.append(message_id)
