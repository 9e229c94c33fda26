"""The lexicon in use, and its exchange while the process runs: the old one judges until the new one is ready."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from classifiers import metrics
from classifiers.lexicon.book import Lexicon
from classifiers.lexicon.engine import EngineError
from classifiers.lexicon.files import Origin, write
from classifiers.lexicon.terms import TermError

LOOK_SECONDS: Final = 1.0
"""How often the file's state is looked at, at most."""
_Mark = tuple[int, int, int] | None
_log = logging.getLogger(__name__)


class ReadOnly(Exception):
    """No file is configured that could be written; the text says why."""


class Source:
    """Gives the lexicon in use. A change of its file is noticed when somebody asks, a second later at most."""

    def __init__(self, text: str = "", clock: Callable[[], float] = time.monotonic) -> None:
        """``text`` is what the setting says, see `Origin.of`; ``clock`` gives seconds.

        Raises `TermError` or `EngineError`: there is no start without every term.
        """
        self.origin: Final = Origin.of(text)
        self._clock = clock
        self._exchange = threading.Lock()  # held from reading a file to using it: the last one read is the one used
        self._busy: threading.Thread | None = None
        self._seen = self._mark()
        self._lexicon = self.origin.lexicon(self.origin.read())
        self._next = clock() + LOOK_SECONDS if self.origin.path else math.inf
        self._count("loaded")

    def current(self) -> Lexicon:
        """The lexicon to judge by now. Never waits for a new one."""
        if self._clock() >= self._next:
            self._next = self._clock() + LOOK_SECONDS
            if not self._reloading and self._mark() != self._seen:
                self._busy = threading.Thread(target=self._reload, name="lexicon", daemon=True)
                self._busy.start()
        return self._lexicon

    def wait(self) -> None:
        """Returns when no new lexicon is being made any more."""
        if self._busy is not None:
            self._busy.join()

    def put(self, data: bytes) -> Lexicon:
        """Takes these terms into use and writes them to the file, for every process that reads it.

        Raises `TermError` or `EngineError` for terms that cannot be used, and `ReadOnly` or `OSError` when the file
        cannot be written; then nothing has changed.
        """
        path = self.writable()
        with self._exchange:
            lexicon = self.origin.lexicon(data)
            write(path, data)
            self._use(lexicon, self._mark())
        return lexicon

    def writable(self) -> Path:
        """The file that `put` writes. Raises `ReadOnly`."""
        path = self.origin.path
        if path is None:
            raise ReadOnly("no terms file is configured; set CLASSIFIERS_LEXICON to FILE or +FILE")
        if not os.access(path.resolve().parent, os.W_OK):
            raise ReadOnly(f"the directory of {path} cannot be written; mount it writable, or change the file itself")
        return path

    @property
    def _reloading(self) -> bool:
        return self._busy is not None and self._busy.is_alive()

    def _reload(self) -> None:
        with self._exchange:
            mark = self._mark()
            if mark == self._seen:
                return
            try:
                lexicon = self.origin.lexicon(self.origin.read())
            except (TermError, EngineError) as error:
                self._seen = mark  # said once; the next change of the file is the next try
                metrics.LEXICON_LOADS.labels("refused").inc()
                extra = {"file": str(self.origin.path), "problem": str(error), "version": self._lexicon.version}
                _log.error("lexicon refused", extra=extra)
            else:
                self._use(lexicon, mark)

    def _use(self, lexicon: Lexicon, mark: _Mark) -> None:
        self._lexicon, self._seen = lexicon, mark
        self._count("loaded")
        _log.info("lexicon loaded", extra={"version": lexicon.version, "terms": len(lexicon.terms)})

    def _count(self, result: str) -> None:
        metrics.LEXICON_LOADS.labels(result).inc()
        metrics.LEXICON_TERMS.set(len(self._lexicon.terms))

    def _mark(self) -> _Mark:
        if self.origin.path is None:
            return None
        try:
            state = self.origin.path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino
