"""The master key from the key file. `gateway.adapters.transit` has one that never leaves a key management system."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from gateway.adapters.key_file import NotOpened
from gateway.adapters.keys import FileSealer

PURPOSE = "moderation-gateway registrants 1"
"""What the keys of the file are derived for here, so that none of them seals anything else."""


class FileMasterKey:
    """See `gateway.ports.MasterKey`. Who has the key file and the database can read every registrant: keep the two
    apart, and their backups."""

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        """Read the file; ``now`` is a clock in seconds. Raises `KeysError`, as every method below."""
        self._sealer = FileSealer(path, PURPOSE, now)

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """See `gateway.ports.MasterKey`, as for every method below."""
        return [self._sealer.seal(key, context) for key, context in keys]

    async def unwrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes]:
        return [self._sealer.open(key, context) for key, context in wrapped]

    async def rewrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes | None]:
        return [self._rewrapped(key, context) for key, context in wrapped]

    async def mark(self) -> bytes:
        return self._sealer.mark()

    async def digests(self, texts: Sequence[str]) -> list[str]:
        return [self._sealer.index(text) for text in texts]

    def _rewrapped(self, key: bytes, context: str) -> bytes | None:
        try:
            return self._sealer.seal(self._sealer.open(key, context), context)
        except NotOpened:
            return None
