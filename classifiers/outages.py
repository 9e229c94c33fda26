"""An outage in the log: one line when it begins, one a minute while it lasts, one when it is over."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

EVERY_SECONDS: Final = 60.0
_log = logging.getLogger(__name__)


class Outage:
    """What of the worker's use of Kafka fails at present, and why. It is one outage until all of it works again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[str, str] = {}
        self._since = self._next = 0.0

    def failed(self, what: str, error: str) -> None:
        """This use of Kafka has failed, with an error of this kind."""
        now = self._clock()
        if not self._failing:
            self._since = now
            _log.warning("kafka unavailable", extra={"what": what, "error": error})
            self._next = now + EVERY_SECONDS
        self._failing[what] = error
        if now >= self._next:
            extra = {"seconds": round(now - self._since), "failing": dict(self._failing)}
            _log.warning("kafka still unavailable", extra=extra)
            self._next = now + EVERY_SECONDS

    def works(self, what: str) -> None:
        """This use of Kafka works."""
        if self._failing.pop(what, None) is not None and not self._failing:
            _log.warning("kafka available again", extra={"seconds": round(self._clock() - self._since)})
