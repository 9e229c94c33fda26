"""The bytes of request bodies that a process holds at once: counted as they arrive, until their request is answered."""

from __future__ import annotations

from gateway.http.problems import RETRY_SOON, Problem


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
