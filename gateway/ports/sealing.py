"""What must not be read at rest, and whose a credential is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Sealer(Protocol):
    """Encrypts what must not be read at rest."""

    def seal(self, data: bytes, context: str) -> bytes:
        """Encrypt for this context: it opens under the same one only."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """The inverse of `seal`. Raises `Fault` for what cannot be opened."""

    def index(self, text: str) -> str:
        """The same short text (64 hexadecimal digits) for the same text, and nothing of it without the key."""


@runtime_checkable
class Credentials(Protocol):
    """Which account of a tenant calls with a credential of a platform, by the credential's `Sealer.index`."""

    async def account_by_credential(self, tenant_id: str, platform: str, index: str, now_ms: int) -> str | None:
        """The account id. Raises `StoreUnavailable`."""

    async def put_credential(
        self, tenant_id: str, platform: str, index: str, account_id: str, expires_ms: int | None
    ) -> None:
        """Remember whose a credential is, until it expires. Raises `StoreUnavailable`."""
