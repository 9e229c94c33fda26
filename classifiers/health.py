"""Whether the worker is alive and ready, as its parts report it and its ops endpoint tells it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from classifiers import metrics
from classifiers.settings import Kind

STALL_SECONDS: Final = 30.0
"""A loop that has not turned for so long is taken for dead."""


class Health:
    """Written by the event loop, read by the thread of the ops endpoint; single values, so no lock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, kinds: Sequence[Kind] = ("text",)) -> None:
        """``kinds`` are those of the questions that are answered here: ready is who can answer all of them."""
        self._clock = clock
        self._turned = clock()
        self._connected: dict[Kind, bool] = dict.fromkeys(kinds, False)
        self._joined: dict[Kind, bool] = dict.fromkeys(kinds, False)
        self._caught_up = True

    def turned(self) -> None:
        """The event loop is turning."""
        self._turned = self._clock()

    def connected(self, yes: bool, kind: Kind = "text") -> None:
        """Whether the broker answered when last asked."""
        self._connected[kind] = yes
        metrics.READY.set(self.ready)

    def joined(self, yes: bool, kind: Kind = "text") -> None:
        """Whether the worker is a member of its group, between two rebalances."""
        self._joined[kind] = yes
        metrics.READY.set(self.ready)

    def caught_up(self, yes: bool) -> None:
        """Whether what other workers have told is read. True for a worker that need not know."""
        self._caught_up = yes
        metrics.READY.set(self.ready)

    @property
    def ready(self) -> bool:
        """Whether questions are being answered, and as well as can be."""
        return all(self._connected.values()) and all(self._joined.values()) and self._caught_up

    @property
    def alive(self) -> bool:
        """Whether the event loop turned lately. A lost broker is no reason to be restarted."""
        return self._clock() - self._turned < STALL_SECONDS
