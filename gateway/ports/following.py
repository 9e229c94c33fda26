"""What follows from what was decided."""

from __future__ import annotations

from typing import Protocol


class Follower(Protocol):
    """Reads audit chains behind those who write them, and writes what follows, each row's aftermath exactly once:
    with it, in one transaction, the place up to which the chain was read is moved on."""

    async def follow(self, chain: int, now_ms: int) -> bool:
        """Go on with a chain; True if more is left. Several processes may follow one chain: they take turns.
        Raises `StoreUnavailable`; then nothing was written."""
