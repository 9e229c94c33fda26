"""When not to ask any more: a circuit breaker. Pure; the caller owns the clock, and calls from one thread."""

from __future__ import annotations


class Breaker:
    """Opens after ``failures`` in a row; ``pause`` seconds later it lets one attempt through, which closes it, or opens
    it for another pause."""

    def __init__(self, failures: int, pause: float) -> None:
        self._limit = failures
        self._pause = pause
        self._failures = 0
        self._open_until: float | None = None
        self._trying = False

    def admits(self, now: float) -> bool:
        """Whether to ask at ``now``. Whoever is admitted must say how it went, by `worked` or `failed`."""
        if self._open_until is None:
            return True
        if self._trying or now < self._open_until:
            return False
        self._trying = True
        return True

    def worked(self) -> bool:
        """It answered. True if that closes the breaker."""
        was_open, self._open_until = self._open_until is not None, None
        self._failures, self._trying = 0, False
        return was_open

    def failed(self, now: float) -> bool:
        """It did not. True if that opens the breaker that was closed."""
        was_open = self._open_until is not None
        self._failures += 1
        if was_open or self._failures >= self._limit:
            self._open_until, self._trying = now + self._pause, False
            return not was_open
        return False
