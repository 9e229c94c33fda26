"""The last hour of this process, in memory: what the overview draws. It is measured off the process's own metrics."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final

from prometheus_client import Metric

from gateway import metrics
from gateway.http.console.charts import Chart, chart
from gateway.ports import Clock

EVERY_SECONDS: Final = 5.0
_KEPT: Final = 721
"""An hour, and the moment before it."""
_SHORT, _LONG = (600_000, 10_000), (3_600_000, 30_000)
"""How far back lines go, and what one point stands for (ms): ten minutes while the process is young, then an hour."""
UNJUDGED_MINUTES: Final = 5
"""How far back the share of decisions without opinions goes."""
_MOST_UNJUDGED: Final = 0.05
_FEWEST_UNJUDGED: Final = 3
"""From more than this share on, and from so many on, decisions without opinions are a problem."""
_OUTCOMES: Final = ("allow", "hold", "block")


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the counters stood at one moment (unix ms). ``seconds`` counts answers by the bounds of their time."""

    at_ms: int
    decisions: Mapping[str, float]
    seconds: Mapping[float, float]
    held: float
    silences: float
    lag: float
    opinions: Mapping[tuple[str, str], float] = field(default_factory=dict)
    """Decisions by tenant, and by whether opinions were ``there`` or ``missing``."""


@dataclass(frozen=True, slots=True)
class Unjudged:
    """How many decisions were made without opinions, of how many."""

    missing: int
    decisions: int

    @property
    def percent(self) -> int:
        """The share, rounded; something is never nothing, and less than all never all."""
        share = 100 * self.missing / self.decisions if self.decisions else 0.0
        return min(99, max(1, round(share))) if 0 < share < 100 else round(share)

    @property
    def is_problem(self) -> bool:
        """Whether so many are no accident."""
        return self.missing >= _FEWEST_UNJUDGED and self.missing > _MOST_UNJUDGED * self.decisions


class Pulse:
    """Samples of the last hour, the newest last."""

    def __init__(self, clock: Clock, read: Callable[[int], Sample] | None = None) -> None:
        self._clock = clock
        self._read = read or measured
        self._samples: deque[Sample] = deque(maxlen=_KEPT)

    async def sample(self) -> None:
        """Take a sample."""
        self._samples.append(self._read(self._clock.now_ms()))

    @property
    def minutes(self) -> int:
        """How far back the charts go."""
        return self._span()[0] // 60_000

    def charts(self) -> list[Chart]:
        """Rate, times, holds and silent classifiers over the last minutes."""
        ends = self._ends()
        pairs = list(pairwise(ends))
        rate = [(name, [_rate(a, b, partial(_decided, name)) for a, b in pairs]) for name in _OUTCOMES]
        times = [(name, [_quantile(a, b, share) for a, b in pairs]) for name, share in (("p50", 0.5), ("p95", 0.95))]
        held = [("held", [None if b is None else b.held for _, b in pairs])]
        silent = [_rate(a, b, lambda at: at.silences, 60.0) for a, b in pairs]
        lag = [None if b is None else b.lag for _, b in pairs]
        return [
            chart("rate", "per_second", rate),
            chart("latency", "milliseconds", times),
            chart("held", "messages", held),
            chart("silence", "silences", [("silences", silent), ("lag", lag)]),
        ]

    def unjudged(self) -> Unjudged:
        """How many decisions of the last minutes were made without opinions."""
        found = self.unjudged_by_tenant().values()
        return Unjudged(sum([one.missing for one in found]), sum([one.decisions for one in found]))

    def unjudged_by_tenant(self) -> dict[str, Unjudged]:
        """The same of each tenant that decisions were made for, the largest share in front."""
        if not self._samples:
            return {}
        newest = self._samples[-1]
        oldest = next(each for each in self._samples if newest.at_ms - each.at_ms <= UNJUDGED_MINUTES * 60_000)
        grown = {key: round(value - oldest.opinions.get(key, 0.0)) for key, value in newest.opinions.items()}
        found = {
            tenant: Unjudged(missing, missing + grown.get((tenant, "there"), 0))
            for tenant in {tenant for tenant, _ in grown}
            if (missing := grown.get((tenant, "missing"), 0)) + grown.get((tenant, "there"), 0) > 0
        }
        return dict(sorted(found.items(), key=lambda pair: (-pair[1].percent, pair[0])))

    def _span(self) -> tuple[int, int]:
        age_ms = self._samples[-1].at_ms - self._samples[0].at_ms if self._samples else 0
        return _SHORT if age_ms <= _SHORT[0] else _LONG

    def _ends(self) -> list[Sample | None]:
        """The samples at the bounds of the points, oldest first; None where this process was not there yet."""
        span_ms, step_ms = self._span()
        last = span_ms // step_ms
        now_ms = self._samples[-1].at_ms if self._samples else self._clock.now_ms()
        found: list[Sample | None] = [None] * (last + 1)
        for sample in self._samples:
            place = last - (now_ms - sample.at_ms) // step_ms
            if 0 <= place <= last:
                found[place] = sample
        return found


def measured(at_ms: int) -> Sample:
    """Where this process's counters stand."""
    decisions = _by_label(metrics.DECISIONS.collect(), "_total", "outcome")
    seconds: dict[float, float] = {}
    listened = [
        each
        for metric in metrics.PROXIED_SECONDS.collect()
        for each in metric.samples
        if each.labels.get("kind") == "moderated"
    ]
    asked = [each for metric in metrics.REQUEST_SECONDS.collect() for each in metric.samples]
    for each in (*asked, *listened):
        if each.name.endswith("_bucket"):
            bound = float(each.labels["le"])
            seconds[bound] = seconds.get(bound, 0.0) + each.value
    return Sample(
        at_ms,
        decisions,
        seconds,
        _sum(metrics.HELD.collect()),
        _sum(metrics.SILENCES.collect(), "_total"),
        _sum(metrics.REPLY_LAG.collect()),
        {
            (each.labels["tenant"], each.labels["opinions"]): each.value
            for metric in metrics.OPINIONS.collect()
            for each in metric.samples
            if each.name.endswith("_total")
        },
    )


def _by_label(found: Iterable[Metric], ending: str, label: str) -> dict[str, float]:
    sums: dict[str, float] = {}
    for metric in found:
        for each in metric.samples:
            if each.name.endswith(ending):
                sums[each.labels[label]] = sums.get(each.labels[label], 0.0) + each.value
    return sums


def _decided(outcome: str, at: Sample) -> float:
    return at.decisions.get(outcome, 0.0)


def _sum(found: Iterable[Metric], ending: str = "") -> float:
    return sum(each.value for metric in found for each in metric.samples if each.name.endswith(ending))


def _rate(
    before: Sample | None, after: Sample | None, of: Callable[[Sample], float], per_s: float = 1.0
) -> float | None:
    if before is None or after is None or after.at_ms <= before.at_ms:
        return None
    return max(0.0, of(after) - of(before)) * 1000 * per_s / (after.at_ms - before.at_ms)


def _quantile(before: Sample | None, after: Sample | None, share: float) -> float | None:
    """The time (ms) within which this share of the answers between two samples came; None where there was none."""
    if before is None or after is None:
        return None
    bounds = sorted(after.seconds)
    counts = [after.seconds[bound] - before.seconds.get(bound, 0.0) for bound in bounds]
    return quantile(bounds, counts, share)


def quantile(bounds: Sequence[float], counts: Sequence[float], share: float) -> float | None:
    """The same from a histogram's bounds in seconds, and how many were within each. Between two bounds it is taken to
    be even; beyond the last, it is the last."""
    if not counts or counts[-1] <= 0:
        return None
    wanted, low, below = share * counts[-1], 0.0, 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if count >= wanted:
            if math.isinf(bound):
                return low * 1000
            part = (wanted - below) / (count - below) if count > below else 1.0
            return (low + (bound - low) * part) * 1000
        low, below = bound, count
    return low * 1000
