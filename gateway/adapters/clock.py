"""The real clock."""

from __future__ import annotations

import secrets
import time


class SystemClock:
    """See `gateway.ports.Clock`."""

    def now_ms(self) -> int:
        """See `gateway.ports.Clock`."""
        return time.time_ns() // 1_000_000

    def new_id(self) -> str:
        """See `gateway.ports.Clock`: 48 bits of time, then 80 random bits."""
        return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"
