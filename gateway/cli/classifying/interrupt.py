"""Ctrl-C between two messages, so that each is wholly done or not begun."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Interrupt:
    """Inside the block Ctrl-C ends `each`. A second one, for what does not end, raises ``KeyboardInterrupt``."""

    def __init__(self) -> None:
        self.came = False
        self._waiting = False
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # elsewhere there are no signals
            self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def each(self, messages: Iterable[T]) -> Iterator[T]:
        """The messages up to Ctrl-C: the one under way is finished, waiting for the next is broken off."""
        source = iter(messages)
        while not self.came:
            try:
                self._waiting = True
                message = next(source)
                self._waiting = False
            except (StopIteration, KeyboardInterrupt):
                return
            yield message

    def _handle(self, _number: int, _frame: FrameType | None) -> None:
        again, self.came = self.came, True
        if self._waiting or again:
            raise KeyboardInterrupt
