"""Which classifiers are silent at present: what holds that wait for an opinion are asked about, and when."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.contract import Answer, Opinion, Silence, Unanswered

_PAUSE = 5
"""Between two times that all holds are due at once there are so many tries' time at least."""


class Silences:
    """What asking about holds has shown of each classifier. ``retry_ms`` is the time of one try."""

    def __init__(self, retry_ms: int) -> None:
        self._retry_ms = retry_ms
        self._answers: dict[str, bool] = {}
        self._back = False
        self._woken_ms: int | None = None
        self._asked_ms: int | None = None

    def note(self, answers: Sequence[Answer], now_ms: int) -> None:
        """Take in what was answered. A classifier of which nothing is known yet is taken for silent before."""
        self._asked_ms = now_ms
        for answer in answers:
            if isinstance(answer, Opinion):
                self._back |= not self._answers.get(answer.classifier, False)
                self._answers[answer.classifier] = True
            elif isinstance(answer, Unanswered) and answer.silence in (Silence.TIMEOUT, Silence.UNAVAILABLE):
                self._answers[answer.classifier] = False

    def take_back(self, now_ms: int) -> bool:
        """Whether one answers again that was silent, so that what waits need wait no longer; True once for each time,
        and not too often where one comes and goes."""
        early = self._woken_ms is not None and now_ms - self._woken_ms < _PAUSE * self._retry_ms
        if not self._back or early:
            return False
        self._back, self._woken_ms = False, now_ms
        return True

    def are_to_be_probed(self, now_ms: int) -> bool:
        """Whether to find out, with one hold that is not due yet, if a silent classifier answers again."""
        early = self._asked_ms is not None and now_ms - self._asked_ms < self._retry_ms
        return not early and not (self._answers and all(self._answers.values()))
