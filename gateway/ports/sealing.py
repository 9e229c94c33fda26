"""What must not be read at rest, and whose a credential is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable


class Sealer(Protocol):
    """Encrypts what must not be read at rest."""

    def seal(self, data: bytes, context: str) -> bytes:
        """Encrypt for this context: it opens under the same one only."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """The inverse of `seal`. Raises `Fault` for what cannot be opened."""

    def index(self, text: str) -> str:
        """The same short text (64 hexadecimal digits) for the same text, and nothing of it without the key."""


class MasterKey(Protocol):
    """Wraps the keys of registrants' data, many at once, and makes the digests they are found by.

    The context of a wrapped key is whose it is: it unwraps under the same one only. What is in hand when the master
    key is gone, or was never there, opens nothing. Every method raises `Fault` when the key cannot be used.
    """

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """Wrap data keys, each with its context, under the newest version of the master key."""

    async def unwrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """The inverse of `wrap`, each with its context. Raises `Unopened` if no key here unwraps one of them."""

    async def rewrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes | None]:
        """Wrap under the newest version what may be wrapped under an older one, each with its context; None for what
        no key here unwraps."""

    async def mark(self) -> bytes:
        """How everything begins that is wrapped under the newest version, and nothing that is under an older one."""

    async def digests(self, texts: Sequence[str]) -> list[str]:
        """For each the same short text (64 hexadecimal digits) for ever, and nothing of it without the key."""


@runtime_checkable
class Credentials(Protocol):
    """Which account of a tenant calls with a credential of a platform, by the credential's `Sealer.index`."""

    async def account_by_credential(self, tenant_id: str, platform: str, index: str, now_ms: int) -> str | None:
        """The account id. Raises `StoreUnavailable`."""

    async def put_credential(
        self, tenant_id: str, platform: str, index: str, account_id: str, expires_ms: int | None
    ) -> None:
        """Remember whose a credential is, until it expires. Raises `StoreUnavailable`."""
