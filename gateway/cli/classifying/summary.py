"""What became of many messages: counts, and how long they took. Memory does not grow with their number."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, Final

from classifiers.contract import CATEGORIES, Unanswered
from gateway.cli.classifying.judging import Judged, reach
from gateway.core.model import Outcome
from gateway.core.policy import Policy
from gateway.core.shown import counted

_STEP: Final = math.log(1.02)
"""Times are counted in steps of two per cent, and so are percentiles."""
_PERCENTILES: Final = (50, 90, 99)


class Summary:
    """Counts what it is given. ``wanted`` are the categories that are counted."""

    def __init__(self, policy: Policy, wanted: Collection[str]) -> None:
        self._policy = policy
        self._wanted = wanted
        self.decisions: Counter[str] = Counter({outcome.value: 0 for outcome in Outcome})
        self.bad = 0
        """Lines that held no message."""
        self._reached: Counter[tuple[str, str]] = Counter()
        self._silent: Counter[tuple[str, str]] = Counter()
        self._times: Counter[int] = Counter()
        self._longest = 0.0

    @property
    def messages(self) -> int:
        """How many were judged."""
        return self.decisions.total()

    def add(self, judged: Judged) -> None:
        """Count one message: its decision, each category once by the highest threshold reached, and its time."""
        self.decisions[judged.decision.outcome.value] += 1
        told: set[str] = set()
        for _, score in judged.found():  # the highest first
            if score.category in self._wanted and score.category not in told:
                told.add(score.category)
                if (reached := reach(score, self._policy)) is not None:
                    self._reached[score.category, reached.name] += 1
        for answer in judged.answers:
            if isinstance(answer, Unanswered):
                self._silent[answer.classifier, answer.silence.value] += 1
        self._times[math.ceil(math.log(max(judged.seconds, 1e-6)) / _STEP)] += 1
        self._longest = max(self._longest, judged.seconds)

    def milliseconds(self) -> dict[str, float]:
        """Percentiles of the time of one message (``p50``, ``p90``, ``p99``) and the longest (``max``)."""
        if not self.messages:
            return {}
        found: dict[str, float] = {}
        for percent in _PERCENTILES:
            left = math.ceil(self.messages * percent / 100)
            for step in sorted(self._times):
                left -= self._times[step]
                if left <= 0:
                    found[f"p{percent}"] = round(min(math.exp(step * _STEP), self._longest) * 1000, 3)
                    break
        return {**found, "max": round(self._longest * 1000, 3)}

    def fields(self, interrupted: bool) -> dict[str, Any]:
        """The summary as data, with stable names."""
        categories: dict[str, dict[str, int]] = {}
        for (category, name), count in sorted(self._reached.items()):
            categories.setdefault(category, {})[name] = count
        silent: dict[str, dict[str, int]] = {}
        for (classifier, silence), count in sorted(self._silent.items()):
            silent.setdefault(classifier, {})[silence] = count
        return {
            "messages": self.messages,
            "bad_lines": self.bad,
            "interrupted": interrupted,
            "decisions": dict(self.decisions),
            "categories": categories,
            "silent": silent,
            "milliseconds": self.milliseconds(),
        }

    def line(self) -> str:
        """All of it in one line."""
        counts = ", ".join([f"{count} {name}" for name, count in self.decisions.items()])
        return f"{counted(self.messages, 'message')}: {counts}; {counted(self.bad, 'bad line')}"

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Each category with how many messages reach its thresholds: hold only, block, and for news its own."""
        for category in sorted(CATEGORIES & set(self._wanted)):
            counts = [self._reached[category, name] for name in ("hold", "block", "news")]
            if any(counts):
                yield category, *[str(count) if count else "-" for count in counts]
        for (classifier, silence), count in sorted(self._silent.items()):
            yield f"{classifier} silent: {silence}", str(count), "", ""
