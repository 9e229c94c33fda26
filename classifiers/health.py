"""Whether the worker is alive and ready, as its parts report it and its ops endpoint tells it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from classifiers import metrics

STALL_SECONDS: Final = 30.0
"""A loop that has not turned for so long is taken for dead."""


class Health:
    """Written by the event loop, read by the thread of the ops endpoint; single values, so no lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turned = clock()
        self._connected = False
        self._joined = False
        self._caught_up = True

    def turned(self) -> None:
        """The event loop is turning."""
        self._turned = self._clock()

    def connected(self, yes: bool) -> None:
        """Whether the broker answered when last asked."""
        self._connected = yes
        metrics.READY.set(self.ready)

    def joined(self, yes: bool) -> None:
        """Whether the worker is a member of its group, between two rebalances."""
        self._joined = yes
        metrics.READY.set(self.ready)

    def caught_up(self, yes: bool) -> None:
        """Whether what other workers have told is read. True for a worker that need not know."""
        self._caught_up = yes
        metrics.READY.set(self.ready)

    @property
    def ready(self) -> bool:
        """Whether questions are being answered, and as well as can be."""
        return self._connected and self._joined and self._caught_up

    @property
    def alive(self) -> bool:
        """Whether the event loop turned lately. A lost broker is no reason to be restarted."""
        return self._clock() - self._turned < STALL_SECONDS
