"""The bytes of request bodies that a process holds at once: counted as they arrive, until their request is answered."""

from __future__ import annotations

from typing import Final

from gateway.http.problems import RETRY_SOON, Problem

STRANGERS: Final = 4 * 1024 * 1024
"""Bytes of the bodies of all requests of strangers at one door (the sign-in form, WeChat's tokens) that one process
holds at once. Apart from publish requests', so that nobody crowds those out."""
GRACE_SECONDS: Final = 2.0
"""How long a client may send nothing of its body."""
RATE: Final = 4 * 1024
"""Bytes per second at which a body must come, from its first second on."""


class Budget:
    """At most ``limit`` bytes at once. A request takes what arrives of its body, and gives it back with its answer."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0

    @property
    def held(self) -> int:
        """Bytes taken and not yet given back."""
        return self._held

    def take(self, size: int) -> None:
        """Count ``size`` more bytes. Raises `Problem` (429), having counted nothing, beyond the limit."""
        self.check(size)
        self._held += size

    def check(self, size: int) -> None:
        """Raise `Problem` (429) unless ``size`` more bytes would be taken now: what a client announces is not counted,
        or it could fill the budget without sending anything."""
        if self._held + size > self._limit:
            detail = "The bodies of the requests being worked on are too large together; try again."
            raise Problem(429, "overloaded", detail, headers=RETRY_SOON)

    def give(self, size: int) -> None:
        """Give bytes back."""
        self._held -= size


class Patience:
    """Until when the next piece of a body is waited for. A client has `GRACE_SECONDS`, which run out while it sends
    less than `RATE`, and are filled up again by what it sends; and ``seconds`` for the whole. Times are those of one
    clock, in seconds."""

    def __init__(self, now: float, seconds: float) -> None:
        self._last = now + seconds
        self.until = min(self._last, now + GRACE_SECONDS)

    def fed(self, size: int, now: float) -> float:
        """Count a piece that has come; until when the next one is waited for."""
        self.until = min(self._last, now + GRACE_SECONDS, self.until + size / RATE)
        return self.until
