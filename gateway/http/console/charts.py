"""Charts that are drawn on the server: numbers to the points of SVG lines, so that no page needs a script for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

WIDTH: Final = 600
HEIGHT: Final = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart. ``kind`` (``a``, ``b``, ``c``) is its colour and dash, ``last`` the newest number."""

    label: str
    kind: str
    points: tuple[str, ...]
    last: float | None
    highest: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its lines, what its full height means, and its unit."""

    name: str
    lines: tuple[Line, ...]
    top: float
    unit: str


def chart(name: str, unit: str, series: Sequence[tuple[str, Sequence[float | None]]]) -> Chart:
    """A chart of numbers at equal distances, oldest first; None where there is none, which leaves a gap."""
    top = round_up(max([value for _, values in series for value in values if value is not None], default=0.0))
    lines = [
        Line(label, kind, _points(values, top), _last(values), _highest(values))
        for (label, values), kind in zip(series, "abcdef", strict=False)
    ]
    return Chart(name, tuple(lines), top, unit)


def round_up(value: float) -> float:
    """The next number that is 1, 2 or 5 times a power of ten; 1 for nothing, and for what is next to nothing."""
    if value < 1e-9:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if value <= step * power * (1 + 1e-9) or step == 10.0)


def _points(values: Sequence[float | None], top: float) -> tuple[str, ...]:
    """The polylines: one for each stretch without a gap."""
    stretches: list[list[str]] = [[]]
    step = WIDTH / max(len(values) - 1, 1)
    for place, value in enumerate(values):
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append(f"{place * step:.1f},{HEIGHT - min(value / top, 1) * HEIGHT:.1f}")
    return tuple([" ".join([*each, *each] if len(each) == 1 else each) for each in stretches if each])


def _last(values: Sequence[float | None]) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _highest(values: Sequence[float | None]) -> float | None:
    return max([value for value in values if value is not None], default=None)
