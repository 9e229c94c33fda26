"""Who may keep the register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.core.operators import Operator
from gateway.core.registration import By


@dataclass(frozen=True, slots=True)
class Appointed:
    """An operator, since when (unix ms), and the SHA-256 (hex) of the key."""

    operator: Operator
    key_hash: str
    created_ms: int


class Operators(Protocol):
    """The keepers of the register. Every write is audited in the administrators' chain, and committed on return. All
    raise `StoreUnavailable`."""

    async def by_key(self, key_hash: str) -> Operator | None:
        """The operator whose key has this SHA-256 (hex). It is looked up each time: who was revoked a moment ago is
        nobody."""

    async def add(self, operator: Operator, key_hash: str, by: By, now_ms: int) -> bool:
        """Appoint one; False, and nothing is written, when there is one of that name. Raises `StoreUnavailable` for a
        tenant that is not there."""

    async def operators(self) -> list[Appointed]:
        """Every operator, by name: they are few."""

    async def revoke(self, name: str, by: By, now_ms: int) -> bool:
        """Let nobody act under this name, its key, its password and its sessions; False when there is none."""
