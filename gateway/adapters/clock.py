"""The real clock."""

from __future__ import annotations

import os
import time

_POOL_BYTES = 4000
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Where there is one, the clock that counts the time in which the machine sleeps, too: leases end meanwhile."""


class SystemClock:
    """See `gateway.ports.Clock`."""

    def __init__(self) -> None:
        self._random = ""

    def now_ms(self) -> int:
        """See `gateway.ports.Clock`."""
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        """See `gateway.ports.Clock`."""
        return time.clock_gettime_ns(_STEADY) // 1_000_000

    def new_id(self) -> str:
        """See `gateway.ports.Clock`: 48 bits of time, then 80 random bits, drawn from the system many at a time."""
        if not self._random:
            self._random = os.urandom(_POOL_BYTES).hex()
        random, self._random = self._random[:20], self._random[20:]
        return f"{time.time_ns() // 1_000_000:012x}{random}"
