"""A look-up that fails, in the log: one line when that begins, one when it is over."""

from __future__ import annotations

import logging

log = logging.getLogger(__name__)


class Outage:
    """Whether looking up ``what`` fails at present."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._failing = False

    def failed(self, fault: str) -> None:
        """A look-up has failed."""
        if not self._failing:
            log.warning("look-up fails; requests are answered 503", {"what": self._what, "fault": fault})
        self._failing = True

    def works(self) -> None:
        """A look-up has succeeded."""
        if self._failing:
            log.warning("look-up works again", {"what": self._what})
        self._failing = False
