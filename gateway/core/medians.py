"""The median of many durations in bounded memory."""

from __future__ import annotations

import math
from array import array
from typing import Final

_EXACT: Final = 1_000_000
"""How many values are kept as they are: 8 MB of them."""
_BASE: Final = 1.02
"""Beyond, values share a cell if they differ by at most 2 %: so what is told differs by at most 1 %, and there are
fewer than 2,000 cells for all durations that there are."""


class Median:
    """Takes durations in milliseconds. The median is exact for as many as ``limit``, and beyond that within 1 %."""

    def __init__(self, limit: int = _EXACT) -> None:
        self._limit = limit
        self._values = array("q")
        self._cells: dict[int, int] = {}
        self.count = 0

    @property
    def exact(self) -> bool:
        """Whether `value` is exact."""
        return not self._cells

    def add(self, duration_ms: int) -> None:
        """Take one more; one that is negative, because two clocks differ, counts as 0."""
        duration_ms = max(duration_ms, 0)
        self.count += 1
        if self.exact and self.count <= self._limit:
            self._values.append(duration_ms)
            return
        for each in self._values:
            self._fold(each)
        self._values = array("q")
        self._fold(duration_ms)

    def value(self) -> float | None:
        """The median in milliseconds: of an even number of values, the mean of the two in the middle. None of none."""
        if not self.count:
            return None
        low, high = (self.count - 1) // 2, self.count // 2
        if self.exact:
            values = sorted(self._values)
            return (values[low] + values[high]) / 2
        return (self._at(low) + self._at(high)) / 2

    def _fold(self, duration_ms: int) -> None:
        cell = 1 + math.floor(math.log(duration_ms, _BASE)) if duration_ms else 0
        self._cells[cell] = self._cells.get(cell, 0) + 1

    def _at(self, place: int) -> float:
        """The middle of the cell that the value at ``place``, counted from 0, lies in."""
        for cell in sorted(self._cells):
            if place < self._cells[cell]:
                return _BASE ** (cell - 0.5) if cell else 0.0
            place -= self._cells[cell]
        raise IndexError(place)
